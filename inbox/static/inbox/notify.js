// How does somebody who looks elsewhere notice? Title, icon, sound, desktop: each by choice.

import { playTone } from "./tones.js";
import { closeShown, showByWorker } from "./worker.js";
import { t } from "./words.js";

const OTHER_TABS_MS = 200;
const WATCHED_MS = 2_000;
const QUIET_MS = 3_000;
const AGAIN_MS = 30_000;
const PRIVATE_WORDS = {
  assigned: "private_assigned",
  failed: "private_failed",
  window: "private_window",
};

export class Notifier {
  // `open(conversation, url, inbox)` goes there; `isWatched(conversation)` says whether somebody
  // looks at it in this tab.
  constructor(settings, { open, isWatched }) {
    this.settings = settings;
    this.open = open;
    this.isWatched = isWatched;
    this.shown = new Map();
    this.pending = new Map();
    this.repeating = new Map();
    this.watchedAt = new Map();
    this.playedAt = 0;
    this.plainTitle = document.title;
    this.isLeader = !navigator.locks;
    this.mayPlay = false;
    this.lead();
    this.listenToOtherTabs();
    addEventListener("pointerdown", () => this.touched());
    addEventListener("keydown", () => this.touched());
  }

  // Of all tabs one speaks, or everything would sound twice.
  async lead({ isTaken = false } = {}) {
    if (!navigator.locks) return;
    this.isTaking ||= isTaken;
    const hold = () => {
      this.isLeader = true;
      this.isTaking = false;
      return new Promise(() => {});
    };
    try {
      await navigator.locks.request("teaminbox.notify", { steal: isTaken }, hold);
    } catch {
      // Another tab took it.
      this.isLeader = false;
      this.lead();
    }
  }

  // A browser lets nobody play who was not touched: the tab somebody worked in last leads.
  touched() {
    this.mayPlay = true;
    if (!this.isLeader && !this.isTaking) this.lead({ isTaken: true });
  }

  // The one that speaks may not be the one where somebody looks at the conversation.
  listenToOtherTabs() {
    this.tabs = new BroadcastChannel("teaminbox.watched");
    this.tabs.addEventListener("message", ({ data }) => {
      this.watchedAt.set(data, Date.now());
      this.cancel(data);
    });
  }

  setTitle(words) {
    this.plainTitle = words;
    this.badge(this.number ?? 0);
  }

  // Show how many conversations wait unread: in the title, the icon, the app's badge.
  badge(number) {
    this.number = number;
    document.title = number ? `(${number > 99 ? "99+" : number}) ${this.plainTitle}` : this.plainTitle;
    const icon = document.getElementById("favicon");
    if (icon) icon.href = number ? icon.dataset.dot : icon.dataset.plain;
    if (number) navigator.setAppBadge?.(number).catch(() => {});
    else navigator.clearAppBadge?.().catch(() => {});
  }

  // The server says that something concerns me.
  heard({ inbox, conversation, data }) {
    if (this.isWatched(conversation)) {
      this.tabs.postMessage(conversation);
      return;
    }
    const isWatched = Date.now() - (this.watchedAt.get(conversation) ?? 0) < WATCHED_MS;
    if (isWatched) return;
    this.cancel(conversation);
    const timer = setTimeout(() => {
      this.pending.delete(conversation);
      if (data.repeats_until) this.repeatLater(conversation, data);
      if (this.isLeader) this.alert({ inbox, conversation, ...data });
    }, OTHER_TABS_MS);
    this.pending.set(conversation, timer);
  }

  alert(notice) {
    if (notice.sound !== "none") this.play(notice);
    if (this.settings.preferences.get("desktop") !== "on") return;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    this.show(notice);
  }

  async show({ inbox, conversation, kind, title, body, url, tag }) {
    const isPrivate = this.settings.preferences.get("private") === "on";
    const words = isPrivate ? t(PRIVATE_WORDS[kind] ?? "new_message") : title;
    const options = { body: isPrivate ? "" : body, tag };
    this.shown.set(conversation, null);
    const isShown = await showByWorker(words, { ...options, data: { url } });
    // It was read, or left my sight, while the browser was asked.
    if (!this.shown.has(conversation)) this.forget(conversation);
    else if (!isShown) {
      const go = () => this.open(conversation, url, inbox);
      this.shown.set(conversation, showByPage(words, options, go));
    }
  }

  // It is no longer mine to see, or I look at it now.
  forget(id) {
    this.cancel(id);
    this.shown.get(id)?.close();
    this.shown.delete(id);
    closeShown(`c-${id}`);
  }

  cancel(id) {
    clearTimeout(this.pending.get(id));
    this.pending.delete(id);
    this.repeating.delete(id);
  }

  // Who has it now is told, and nobody else.
  changed({ type, conversation, data }) {
    if (type !== "conversation.updated") return;
    const isAnothers = data.owner !== null && String(data.owner) !== this.settings.me;
    if (isAnothers || data.status === "closed") this.cancel(conversation);
  }

  // What was not read sounds again and again, until it is read or its time is over.
  repeatLater(id, notice) {
    this.repeating.set(id, notice);
    this.again ??= setInterval(() => this.playAgain(), AGAIN_MS);
  }

  playAgain() {
    for (const [id, { repeats_until: until }] of this.repeating) {
      if (Date.now() > Date.parse(until)) this.repeating.delete(id);
    }
    const [notice] = this.repeating.values();
    if (notice && this.isLeader) this.play(notice);
    if (notice) return;
    clearInterval(this.again);
    this.again = null;
  }

  // Many at once sound once.
  play(notice) {
    if (!this.mayPlay || Date.now() - this.playedAt < QUIET_MS) return;
    this.playedAt = Date.now();
    this.audio ??= new AudioContext();
    playTone(this.audio, notice);
  }
}

// A browser without our script shows it for the page, as long as that is open.
function showByPage(words, options, go) {
  try {
    const notice = new Notification(words, options);
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
      go();
    });
    return notice;
  } catch {
    // Phones let only the script do it.
    return null;
  }
}
