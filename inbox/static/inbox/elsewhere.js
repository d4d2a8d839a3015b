// How does a page beside the lists hear that something is not its reader's any more? Over the
// socket at once; and it asks again when the line was down and when somebody looks at it again.

import { localise } from "./fmt.js";
import { ENDED, Socket } from "./socket.js";

const SOON_MS = 200;
const NOT_YOURS = [403, 404, 409, 410];

export class Elsewhere {
  // `parts`: ids of what is fetched anew, [] where the whole page is of one conversation; what
  // stands in `data-seen` goes at once, and `lost()` is told. `isBusy()`: somebody has typed here.
  constructor({ parts = [], isBusy = () => false, lost = () => {} } = {}) {
    this.parts = parts;
    this.isBusy = isBusy;
    this.lost = lost;
    this.isStale = false;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new Socket(`${scheme}://${location.host}/ws/v1/`, {
      frame: (frame) => this.heard(frame),
      hello: () => this.again(),
      state: () => {},
      ended: (code) => this.ended(code),
      poll: () => this.again(),
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.again();
    });
    addEventListener("focus", () => this.again());
  }

  heard({ type, data }) {
    if (type === "conversation.left") this.left(data.id);
    else if (type === "access.changed" || type === "conversation.moved") this.again();
    else if (type === "access.revoked") this.over();
  }

  left(id) {
    const gone = [...document.querySelectorAll(`[data-seen="${CSS.escape(id)}"]`)];
    for (const one of gone) one.remove();
    if (gone.some((one) => one.matches("main"))) return this.over();
    if (gone.length > 0) {
      this.isStale = true;
      this.lost();
    }
    return this.again();
  }

  ended(code) {
    if (code === ENDED.ACCESS) this.over();
    else if (code === ENDED.SESSION) this.sessionEnded();
  }

  again() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), SOON_MS);
  }

  async ask() {
    if (!this.mayBeLess()) return;
    const url = location.href;
    const page = await fetched(url, this.parts.length > 0);
    // Another search may stand here meanwhile: it has just been asked for.
    if (!page || url !== location.href) return;
    if (page.isOver) this.sessionEnded();
    else if (page.isGone) this.over();
    else if (page.text) this.compare(new DOMParser().parseFromString(page.text, "text/html"));
  }

  mayBeLess() {
    const parts = this.parts.map((id) => document.getElementById(id));
    return this.isStale || !parts.length || parts.some((part) => linksIn(part).length > 0);
  }

  compare(page) {
    for (const id of this.parts) {
      const part = document.getElementById(id);
      const fresh = page.getElementById(id);
      if (part && (this.isStale || isLess(part, fresh))) replace(part, fresh);
    }
    this.isStale = false;
  }

  // The log-in page comes of the next thing that is done here: what was typed waits for that.
  sessionEnded() {
    if (!this.isBusy()) this.over();
  }

  over() {
    location.reload();
  }
}

// The page as it is now; `isOver` if the session is, `isGone` if its reader may not have it. Null if
// nobody can tell.
async function fetched(url, isRead) {
  const given = { redirect: "manual", credentials: "same-origin", headers: { "HX-Request": "true" } };
  const stop = new AbortController();
  try {
    const answer = await fetch(url, { ...given, signal: stop.signal });
    if (isRead && answer.ok) return { text: await answer.text() };
    stop.abort();
    const isOver = answer.status === 401 || answer.type === "opaqueredirect";
    const isGone = NOT_YOURS.includes(answer.status);
    return answer.ok || isOver || isGone ? { isOver, isGone } : null;
  } catch {
    return null;
  }
}

// Is something that leads somewhere here not there any more?
function isLess(part, fresh) {
  const kept = new Set(linksIn(fresh));
  return linksIn(part).some((link) => !kept.has(link));
}

function linksIn(part) {
  return [...(part?.querySelectorAll("li [href]") ?? [])].map(addressOf);
}

function addressOf(link) {
  return link.getAttribute("href") ?? "";
}

function replace(part, fresh) {
  const focused = part.contains(document.activeElement) ? addressOf(document.activeElement) : "";
  part.replaceChildren(...(fresh?.childNodes ?? []));
  localise(part);
  if (!focused) return;
  const same = [...part.querySelectorAll("[href]")].find((link) => addressOf(link) === focused);
  same?.focus();
}
