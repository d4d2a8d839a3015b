// How does somebody who looks elsewhere notice? Title, icon, sound, desktop: each by choice.

import { playTone } from "./tones.js";
import { closeShown } from "./worker.js";
import { t } from "./words.js";

const OTHER_TABS_MS = 200;
const WATCHED_MS = 2_000;
const QUIET_MS = 3_000;
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
    this.watchedAt = new Map();
    this.playedAt = 0;
    this.plainTitle = document.title;
    this.isLeader = !navigator.locks;
    this.mayPlay = false;
    this.lead();
    this.listenToOtherTabs();
    const gesture = () => (this.mayPlay = true);
    addEventListener("pointerdown", gesture, { once: true });
    addEventListener("keydown", gesture, { once: true });
  }

  // Of all tabs one speaks, or everything would sound twice.
  lead() {
    navigator.locks?.request("teaminbox.notify", () => {
      this.isLeader = true;
      return new Promise(() => {});
    });
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
    if (!this.isLeader || isWatched) return;
    this.cancel(conversation);
    const timer = setTimeout(() => {
      this.pending.delete(conversation);
      this.alert({ inbox, conversation, ...data });
    }, OTHER_TABS_MS);
    this.pending.set(conversation, timer);
  }

  alert(notice) {
    if (notice.sound !== "none") this.play(notice);
    if (this.settings.preferences.get("desktop") !== "on") return;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    this.show(notice);
  }

  show({ inbox, conversation, kind, title, body, url, tag }) {
    const isPrivate = this.settings.preferences.get("private") === "on";
    const words = isPrivate ? t(PRIVATE_WORDS[kind] ?? "new_message") : title;
    const notice = new Notification(words, { body: isPrivate ? "" : body, tag });
    this.shown.set(conversation, notice);
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
      this.open(conversation, url, inbox);
    });
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
  }

  // Many at once sound once.
  play(notice) {
    if (!this.mayPlay || Date.now() - this.playedAt < QUIET_MS) return;
    this.playedAt = Date.now();
    this.audio ??= new AudioContext();
    playTone(this.audio, notice);
  }
}
