// How does somebody who looks elsewhere notice? Title, icon, sound, desktop: each by choice.

import { t } from "./words.js";

export class Notifier {
  constructor(settings, open) {
    this.settings = settings;
    this.open = open;
    this.shown = new Map();
    this.plainTitle = document.title;
    this.isLeader = !navigator.locks;
    this.mayPlay = false;
    this.lead();
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

  // A customer wrote in a conversation that nobody looks at in this tab.
  wrote({ id, title, body }) {
    if (!this.isLeader) return;
    if (this.settings.preferences.get("sound") === "on") this.play();
    if (this.settings.preferences.get("desktop") !== "on") return;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const isPrivate = this.settings.preferences.get("private") === "on";
    const notice = new Notification(isPrivate ? t("new_message") : title, {
      body: isPrivate ? "" : body,
      tag: `c-${id}`,
    });
    this.shown.set(id, notice);
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
      this.open(id);
    });
  }

  // It is no longer mine to see.
  forget(id) {
    this.shown.get(id)?.close();
    this.shown.delete(id);
  }

  play() {
    if (!this.mayPlay) return;
    this.audio ??= new AudioContext();
    const start = this.audio.currentTime;
    for (const [i, pitch] of [660, 880].entries()) this.tone(pitch, start + i * 0.12);
  }

  tone(pitch, start) {
    const source = this.audio.createOscillator();
    const volume = this.audio.createGain();
    source.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.12, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.22);
    source.connect(volume).connect(this.audio.destination);
    source.start(start);
    source.stop(start + 0.25);
  }
}
