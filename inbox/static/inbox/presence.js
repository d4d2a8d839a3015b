// Who else is here, and who is writing? Shown, never relied on.

import { initialsOf } from "./people.js";
import { tellNews } from "./speak.js";
import { t } from "./words.js";

const REFRESH_MS = 10_000;
const SPOKEN_MS = 30_000;

export class Presence {
  constructor(settings, send) {
    this.settings = settings;
    this.send = send;
    this.conversation = null;
    this.typists = new Map();
    this.spokenAt = 0;
    setInterval(() => this.refresh(), REFRESH_MS);
    document.addEventListener("visibilitychange", () => this.refresh());
    addEventListener("focus", () => this.refresh());
    addEventListener("blur", () => this.refresh());
  }

  // I look at this conversation now (or at none).
  look(conversation) {
    this.conversation = conversation;
    this.viewers = [];
    for (const { timer } of this.typists.values()) clearTimeout(timer);
    this.typists.clear();
    this.refresh(true);
  }

  // Say whether somebody looks at this tab, and at what: others see it beside my name.
  refresh(isNew = false) {
    const isActive = document.visibilityState === "visible" && document.hasFocus();
    const state = isActive ? "active" : "idle";
    if (!this.conversation && !isNew && state === this.state) return;
    this.state = state;
    this.send({ type: "viewing", conversation: this.conversation, state });
  }

  typing(mode, on) {
    if (!this.conversation) return;
    this.send({ type: "typing", conversation: this.conversation, mode, on });
  }

  heard(frame) {
    const { data } = frame;
    this.settings.onPeople?.(frame);
    if (data.conversation !== this.conversation) return;
    if (frame.type === "presence") this.showViewers(data.viewers);
    else if (String(data.agent) !== this.settings.me) this.someoneTypes(data);
  }

  showViewers(viewers) {
    this.viewers = viewers.filter((one) => String(one.id) !== this.settings.me);
    this.draw();
  }

  someoneTypes({ agent, name, mode, ttl }) {
    clearTimeout(this.typists.get(agent)?.timer);
    if (ttl) {
      const timer = setTimeout(() => this.stopped(agent), ttl * 1000);
      this.typists.set(agent, { name, mode, timer });
      this.speak(name, mode);
    } else this.typists.delete(agent);
    this.draw();
  }

  stopped(agent) {
    this.typists.delete(agent);
    this.draw();
  }

  speak(name, mode) {
    if (Date.now() - this.spokenAt < SPOKEN_MS) return;
    this.spokenAt = Date.now();
    tellNews(t(mode === "note" ? "writes_note" : "replies", { name }));
  }

  draw() {
    this.drawTypists();
    const place = document.getElementById("viewers");
    if (!place) return;
    place.hidden = !this.viewers?.length;
    place.replaceChildren(...(this.viewers ?? []).map((one) => this.face(one)));
  }

  drawTypists() {
    const place = document.getElementById("typists");
    if (!place) return;
    const all = [...this.typists.values()];
    const words = all.map(({ name, mode }) => t(mode === "note" ? "writes_note" : "replies", { name }));
    place.textContent = words.join(" ");
    place.hidden = !words.length;
  }

  face({ id, name, state }) {
    const isTyping = this.typists.has(id);
    const item = document.createElement("li");
    item.dataset.state = isTyping ? "typing" : state;
    item.title = t(isTyping ? "is_typing" : state === "away" ? "is_away" : "is_here", { name });
    const face = document.createElement("span");
    face.className = "avatar hue-7";
    face.setAttribute("aria-hidden", "true");
    face.textContent = initialsOf(name);
    const spoken = document.createElement("span");
    spoken.className = "visually-hidden";
    spoken.textContent = item.title;
    item.append(face, spoken);
    return item;
  }
}
