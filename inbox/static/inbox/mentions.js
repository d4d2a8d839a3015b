// Whom can a note mention? An @ opens a list under the words; the focus stays in the field.

import { getJson } from "./http.js";
import { say } from "./speak.js";
import { t } from "./words.js";

const ASK_MS = 120;
// An @ at the beginning or after what is no part of a word, and at most three words of a name.
const BEGUN = /(?:^|[^\p{L}\p{N}_])@([\p{L}\p{N}_.'’-]*(?: [\p{L}\p{N}_.'’-]+){0,2})$/u;

export class Mentions {
  // `isOn` says whether somebody can be mentioned here, `changed` hears that a name was put in.
  constructor(field, box, { isOn, changed }) {
    Object.assign(this, { field, box, isOn, changed });
    this.asked = 0;
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", box.id);
    field.addEventListener("input", () => this.look());
    field.addEventListener("blur", () => this.hide());
    // The field keeps the focus.
    box.addEventListener("pointerdown", (event) => event.preventDefault());
    box.addEventListener("click", (event) => this.choose(event.target.closest("[role=option]")));
  }

  get isOpen() {
    return !this.box.hidden;
  }

  get options() {
    return [...this.box.querySelectorAll("[role=option]")];
  }

  // What is typed of a name before the caret, or null.
  get begun() {
    const { selectionStart: start, selectionEnd: end, value } = this.field;
    if (!this.isOn() || start !== end) return null;
    return BEGUN.exec(value.slice(0, start))?.[1] ?? null;
  }

  look() {
    clearTimeout(this.timer);
    this.asked += 1;
    if (this.begun === null) return this.hide();
    this.timer = setTimeout(() => this.ask(), ASK_MS);
    return undefined;
  }

  async ask() {
    const number = this.asked;
    const words = this.begun;
    if (words === null) return;
    try {
      const query = new URLSearchParams({ q: words });
      const answer = await getJson(`${this.field.dataset.mentionsUrl}?${query}`);
      if (number === this.asked && answer.ok) this.show(answer.body.offered, words);
    } catch {
      // The next letter asks again.
    }
  }

  show(offered, words) {
    if (!offered.length) {
      this.hide();
      if (!words.includes(" ")) say(t("nobody_to_mention"));
      return;
    }
    this.box.replaceChildren(...offered.map((one, index) => option(one, index)));
    this.box.hidden = false;
    this.mark(0);
    say(t("can_mention", { number: offered.length }));
  }

  mark(index) {
    const { options } = this;
    const chosen = options.at(index % options.length);
    for (const one of options) one.setAttribute("aria-selected", String(one === chosen));
    this.field.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  }

  hide() {
    clearTimeout(this.timer);
    this.asked += 1;
    this.box.hidden = true;
    this.box.replaceChildren();
    this.field.removeAttribute("aria-activedescendant");
  }

  // Say whether a key was for the list.
  keyed(event) {
    if (!this.isOpen || event.isComposing) return false;
    const at = this.options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    const does = {
      ArrowDown: () => this.mark(at + 1),
      ArrowUp: () => this.mark(at - 1),
      Enter: () => this.choose(this.options[at]),
      Tab: () => this.choose(this.options[at]),
      Escape: () => this.hide(),
    }[event.key];
    if (!does || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
    event.preventDefault();
    event.stopPropagation();
    does();
    return true;
  }

  choose(chosen) {
    const words = this.begun;
    if (!chosen || words === null) return this.hide();
    const end = this.field.selectionStart;
    const start = end - words.length;
    this.hide();
    this.field.setRangeText(`${chosen.dataset.name} `, start, end, "end");
    this.field.focus();
    return this.changed();
  }
}

function option({ kind, name, number, is_outside: isOutside }, index) {
  const one = document.createElement("li");
  one.id = `offered-${index}`;
  one.role = "option";
  one.className = "offered-one";
  one.dataset.name = name;
  one.append(part("offered-name", name));
  const isTeam = kind === "team";
  if (isTeam) one.append(part("offered-what", t("mention_team", { number })));
  if (isOutside) one.append(part("offered-what", t(isTeam ? "mention_adds_some" : "mention_adds")));
  return one;
}

function part(name, words) {
  const found = document.createElement("span");
  found.className = name;
  found.dir = "auto";
  found.textContent = words;
  return found;
}
