// Which reply is ready already? A slash opens a list of them, filled in for this conversation.

import { Offered, part } from "./offered.js";
import { t } from "./words.js";

// A slash at the beginning or after a blank, and at most three words of what is looked for.
const BEGUN = /(?:^|\s)\/((?:[\p{L}\p{M}\p{N}_-]+(?: [\p{L}\p{M}\p{N}_.'’-]+){0,2})?)$/u;
// By so many characters at its beginning or end a reply is known that was changed since.
const KNOWN_BY = 12;

export class Canned extends Offered {
  sign = BEGUN;
  keepsSign = false;
  typed = "/";
  used = new Map();
  put = 0;

  constructor(field, box, button, on) {
    super(field, box, on);
    this.button = button;
    // The field keeps the focus.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    button.addEventListener("click", () => (this.isOpen ? this.dismiss() : this.open()));
  }

  get url() {
    return this.field.dataset.cannedUrl;
  }

  // For who has no keyboard at hand: the slash is typed for them.
  open() {
    if (!this.isOn()) return;
    this.field.focus();
    if (this.begun === null) {
      const { selectionEnd: end, value } = this.field;
      const sign = end && !/\s/u.test(value[end - 1]) ? ` ${this.typed}` : this.typed;
      this.field.setRangeText(sign, end, end, "end");
      this.put = sign.length;
      this.changed();
    }
    clearTimeout(this.timer);
    this.ask();
  }

  // A slash that was typed for them goes with the list.
  dismiss() {
    const { put, begun } = this;
    this.hide();
    if (!put || begun !== "") return;
    const end = this.field.selectionStart;
    this.field.setRangeText("", end - put, end, "end");
    this.changed();
  }

  show(offered, words) {
    const isNone = !offered.length && !words;
    super.show(isNone ? [{ isNone }] : offered, words);
    this.button.setAttribute("aria-expanded", String(this.isOpen));
  }

  hide() {
    super.hide();
    this.put = 0;
    this.button?.setAttribute("aria-expanded", "false");
  }

  tell(offered, words) {
    if (offered[0]?.isNone) return t("no_canned");
    if (offered.length) return t("can_use_canned", { number: offered.length });
    return words.includes(" ") ? "" : t("no_canned_found");
  }

  option({ isNone, id, shortcut, of, text }) {
    const one = document.createElement("li");
    if (isNone) {
      one.append(part("offered-what", t("no_canned")));
      return one;
    }
    Object.assign(one.dataset, { id, text });
    one.classList.add("offered-canned");
    one.append(part("offered-name", `/${shortcut}`), part("offered-what", t(`canned_of_${of}`)));
    one.append(part("offered-text", text));
    return one;
  }

  choose(chosen) {
    if (!chosen || chosen.dataset.id) return super.choose(chosen);
    return location.assign(this.field.dataset.cannedPage);
  }

  text(chosen) {
    const { id, text } = chosen.dataset;
    this.used.set(id, text);
    return text;
  }

  // Name those of which a message is made, and forget them.
  taken(body) {
    const known = [...this.used].filter(([, text]) => isIn(text, body)).map(([id]) => id);
    this.used.clear();
    return known;
  }

  // A message came back: its words are here again.
  again({ canned = [], body }) {
    for (const id of canned) this.used.set(id, body);
  }
}

function isIn(text, body) {
  const words = text.trim();
  return body.includes(words.slice(0, KNOWN_BY)) || body.includes(words.slice(-KNOWN_BY));
}
