// Which colleagues are at which row of the list, and is one of them writing there?

import { t } from "./words.js";

// Longer than a lease on the server: whoever is there says so again before.
const LEASE_MS = 20_000;
const ASK_MS = 300;
const MOST_ASKED = 100;
const MOST_SHOWN = 2;

export class People {
  // `send(frame)` asks the server, `changed(conversation)` hears when others are there.
  constructor(settings, { send, changed }) {
    this.settings = settings;
    this.send = send;
    this.changed = changed;
    // From the conversation to those who are in it: id to {name, state, isTyping}.
    this.there = new Map();
    this.timers = new Map();
    this.wanted = new Set();
  }

  heard({ type, data }) {
    if (type === "presence") this.seen(data);
    else this.typed(data);
  }

  seen({ conversation, viewers }) {
    const before = this.there.get(conversation);
    const others = viewers.filter((one) => String(one.id) !== this.settings.me);
    const now = new Map(others.map((one) => [one.id, { ...before?.get(one.id), ...one }]));
    this.set(conversation, now);
    this.after(LEASE_MS, `${conversation} all`, () => this.set(conversation, new Map()));
  }

  // Who types without having been seen is there too.
  typed({ conversation, agent, name, ttl }) {
    if (String(agent) === this.settings.me) return;
    const now = new Map(this.there.get(conversation));
    if (ttl || now.has(agent)) now.set(agent, { id: agent, name, isTyping: Boolean(ttl) });
    this.set(conversation, now);
    const end = () => this.typed({ conversation, agent, name, ttl: 0 });
    if (ttl) this.after(ttl * 1000, `${conversation} ${agent}`, end);
  }

  set(conversation, people) {
    if (people.size) this.there.set(conversation, people);
    else if (!this.there.delete(conversation)) return;
    this.changed(conversation);
  }

  after(wait, key, act) {
    clearTimeout(this.timers.get(key));
    const timer = setTimeout(() => {
      this.timers.delete(key);
      act();
    }, wait);
    this.timers.set(key, timer);
  }

  // Rows were loaded: who is there already?
  ask(ids) {
    for (const id of ids) this.wanted.add(id);
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      const conversations = [...this.wanted].slice(-MOST_ASKED);
      this.wanted.clear();
      if (conversations.length) this.send({ type: "viewers", conversations });
    }, ASK_MS);
  }

  // Show who is there in a row's place for people.
  paint(row) {
    const place = row.querySelector(".row-people");
    if (!place) return;
    place.querySelector(".row-viewers")?.remove();
    const people = [...(this.there.get(row.dataset.id)?.values() ?? [])];
    if (people.length) place.prepend(this.faces(people));
  }

  faces(people) {
    const box = document.createElement("span");
    const isTyping = people.some((one) => one.isTyping);
    box.className = isTyping ? "row-viewers is-typing" : "row-viewers";
    const words = people.map((one) => wordsOf(one)).join(", ");
    box.title = words;
    const shown = people.slice(0, MOST_SHOWN).map(faceOf);
    const more = people.length - shown.length;
    const spoken = made("visually-hidden", words);
    box.append(icon(isTyping ? "pencil" : "eye"), ...shown, made("", more > 0 ? `+${more}` : ""), spoken);
    return box;
  }
}

function wordsOf({ name, state, isTyping }) {
  return t(isTyping ? "is_typing" : state === "away" ? "is_away" : "is_here", { name });
}

// The first letters of two words; a sign of two halves is one letter.
export function initialsOf(name) {
  return name.split(/\s+/).map(([letter = ""]) => letter).slice(0, 2).join("").toUpperCase();
}

function faceOf({ name, state }) {
  const face = made("avatar avatar-tiny hue-7", initialsOf(name));
  face.setAttribute("aria-hidden", "true");
  if (state === "away") face.dataset.state = state;
  return face;
}

function made(kind, words) {
  const place = document.createElement("span");
  place.className = kind;
  place.textContent = words;
  return place;
}

// The icons are one file, whose address any icon of the page tells.
function icon(name) {
  const known = document.querySelector("svg > use").parentNode.cloneNode(true);
  const use = known.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
  return known;
}
