// Is the line to the server open? One socket per tab: connect, heartbeat, reconnect.

const PROTOCOL = "teaminbox.v1";
const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const SILENCE_MS = 60_000;
const DOWN_MS = 15_000;
const POLL_MS = 15_000;
const POLL_HIDDEN_MS = 60_000;
const TOO_MANY_MS = 60_000;

export const ENDED = { SESSION: 4401, ACCESS: 4403, PROTOCOL: 4406, TOO_MANY: 4429 };

export class Socket {
  // `on`: frame(frame), hello(frame), state(name), ended(code), poll().
  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.tries = 0;
    this.isOver = false;
    this.downSince = Date.now();
    this.pollTimer = setTimeout(() => this.poll(), DOWN_MS);
    addEventListener("online", () => {
      this.again();
      this.tell();
    });
    addEventListener("offline", () => this.tell());
    addEventListener("pagehide", () => this.socket?.close());
    addEventListener("pageshow", (event) => event.persisted && this.again());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.again();
    });
    this.connect();
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN && this.isGreeted;
  }

  send(frame) {
    if (this.isOpen) this.socket.send(JSON.stringify(frame));
  }

  connect() {
    if (this.isOver) return;
    clearTimeout(this.timer);
    this.isGreeted = false;
    const socket = new WebSocket(this.url, PROTOCOL);
    this.socket = socket;
    socket.addEventListener("message", (event) => this.heard(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (this.socket === socket) this.closed(event.code);
    });
    this.tell();
  }

  // Try at once: the network is back, or somebody looks again.
  again() {
    if (this.isOver || this.isOpen || this.socket?.readyState === WebSocket.CONNECTING) return;
    this.tries = 0;
    this.connect();
  }

  heard(frame) {
    this.heardAt = Date.now();
    if (frame.v !== undefined && frame.v !== 1) return this.over(ENDED.PROTOCOL);
    if (frame.type === "hello") this.greeted(frame);
    else if (frame.type !== "pong") this.on.frame(frame);
    return undefined;
  }

  greeted(frame) {
    this.isGreeted = true;
    this.tries = 0;
    this.downSince = null;
    clearTimeout(this.pollTimer);
    clearInterval(this.heart);
    this.heart = setInterval(() => this.beat(), (frame.heartbeat ?? 25) * 1000);
    this.tell();
    this.on.hello(frame);
  }

  beat() {
    if (Date.now() - this.heardAt > SILENCE_MS) {
      const silent = this.socket;
      this.closed(1006);
      silent.close();
      return;
    }
    this.send({ type: "ping", t: Date.now() });
  }

  closed(code) {
    clearInterval(this.heart);
    this.isGreeted = false;
    this.socket = null;
    if (this.downSince === null) {
      this.downSince = Date.now();
      clearTimeout(this.pollTimer);
      this.pollTimer = setTimeout(() => this.poll(), DOWN_MS);
    }
    if ([ENDED.SESSION, ENDED.ACCESS, ENDED.PROTOCOL].includes(code)) return this.over(code);
    if (code === ENDED.TOO_MANY) this.on.ended(code);
    this.tell();
    const cap = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries);
    const wait = code === ENDED.TOO_MANY ? TOO_MANY_MS : Math.random() * cap;
    this.tries += 1;
    this.timer = setTimeout(() => this.connect(), wait);
    return undefined;
  }

  over(code) {
    this.isOver = true;
    clearTimeout(this.timer);
    clearTimeout(this.pollTimer);
    this.socket?.close();
    this.on.state("offline");
    this.on.ended(code);
  }

  // While the line is down, ask over HTTP now and then: the product works without sockets.
  poll() {
    if (this.isOpen || this.isOver) return;
    this.tell();
    if (navigator.onLine) this.on.poll();
    const wait = document.visibilityState === "visible" ? POLL_MS : POLL_HIDDEN_MS;
    this.pollTimer = setTimeout(() => this.poll(), wait);
  }

  tell() {
    // A socket may look open long after the network has gone.
    if (!navigator.onLine) return this.on.state("offline");
    if (this.isOpen) return this.on.state("live");
    const isLong = this.downSince !== null && Date.now() - this.downSince >= DOWN_MS;
    if (this.tries === 0 && !isLong) return this.on.state("connecting");
    return this.on.state("reconnecting");
  }
}
