// When does the desk become another by time alone? WhatsApp's window: people are warned, it closes.
// And nobody is asked any more who answers late, once the hours for that have begun.

const RETRY_MS = 30_000;
// The server is surely past the moment as well.
const MARGIN_MS = 1_000;

export class Turns {
  // `refresh`: fetch the desk anew. A timer sleeps with the computer, so whoever looks again asks.
  constructor(refresh) {
    this.refresh = refresh;
    this.moments = [];
    addEventListener("focus", () => this.check());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.check();
    });
  }

  // The desk was drawn just now. Its moments count from the server's clock, not from this one.
  read(desk) {
    const { now, windowWarns, windowCloses, goesFrom } = desk?.dataset ?? {};
    const left = (at) => (Number(at) - Number(now)) / 1000;
    const coming = [windowWarns, windowCloses, goesFrom].filter((at) => at && left(at) >= 0);
    this.moments = coming.map((at) => Date.now() + left(at) + MARGIN_MS);
    this.wait();
  }

  stop() {
    this.moments = [];
    clearTimeout(this.timer);
  }

  wait(least = 0) {
    clearTimeout(this.timer);
    if (!this.moments.length) return;
    const next = Math.min(...this.moments) - Date.now();
    this.timer = setTimeout(() => this.check(), Math.max(next, least));
  }

  check() {
    if (!this.moments.some((at) => at <= Date.now())) return this.wait();
    // The desk that comes is read anew; if none comes, it is asked for again.
    this.wait(RETRY_MS);
    return this.refresh();
  }
}
