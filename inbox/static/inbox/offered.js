// What does a sign in the words offer? A list opens under them; the focus stays in the field.

import { getJson } from "./http.js";
import { say } from "./speak.js";

const ASK_MS = 120;

// Of each kind: `sign` (whose group is what is typed after it), `url`, `keepsSign`,
// `option(facts)`, `text(option)`, and `tell(offered, words)` for who hears the page.
export class Offered {
  signLength = 1;

  // `isOn` says whether anything is offered here, `changed` hears that words were put in.
  constructor(field, box, { isOn, changed }) {
    Object.assign(this, { field, box, isOn, changed });
    this.asked = 0;
    const lists = [field.getAttribute("aria-controls"), box.id].filter(Boolean);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", lists.join(" "));
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

  // What is typed after the sign, before the caret; or null.
  get begun() {
    const { selectionStart: start, selectionEnd: end, value } = this.field;
    if (!this.isOn() || start !== end) return null;
    return this.sign.exec(value.slice(0, start))?.[1] ?? null;
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
      const answer = await getJson(`${this.url}?${new URLSearchParams(this.query(words))}`);
      if (number === this.asked && answer.ok) this.show(answer.body.offered, words);
    } catch {
      // The next letter asks again.
    }
  }

  query(words) {
    return { q: words };
  }

  show(offered, words) {
    const told = this.tell(offered, words);
    if (told) say(told);
    if (!offered.length) return this.hide();
    this.box.replaceChildren(...offered.map((one, index) => this.made(one, index)));
    this.box.hidden = false;
    return this.mark(0);
  }

  made(facts, index) {
    const one = this.option(facts);
    one.id = `${this.box.id}-${index}`;
    one.role = "option";
    one.classList.add("offered-one");
    return one;
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
    if (!this.isOpen) return;
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
      Escape: () => this.dismiss(),
    }[event.key];
    if (!does || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
    event.preventDefault();
    event.stopPropagation();
    does();
    return true;
  }

  dismiss() {
    this.hide();
  }

  choose(chosen) {
    const words = this.begun;
    if (!chosen || words === null) return this.hide();
    const end = this.field.selectionStart;
    const start = end - words.length - (this.keepsSign ? 0 : this.signLength);
    const text = this.text(chosen);
    this.hide();
    this.field.setRangeText(text, start, end, "end");
    this.field.focus();
    return this.changed();
  }
}

export function part(name, words) {
  const found = document.createElement("span");
  found.className = name;
  found.dir = "auto";
  found.textContent = words;
  return found;
}
