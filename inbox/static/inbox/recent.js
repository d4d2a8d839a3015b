// What has this person looked for lately? Kept in this browser alone: it may name customers.

import { t } from "./words.js";

const MOST = 10;

export class Recent {
  // `choose` looks for something again.
  constructor(me, choose) {
    this.key = `teaminbox.searches.${me}`;
    this.choose = choose;
    this.box = document.getElementById("recent");
    this.list = document.getElementById("recent-list");
    document.getElementById("recent-clear").addEventListener("click", () => this.keep([]));
    this.list.addEventListener("click", (event) => this.clicked(event));
  }

  get words() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "[]");
      return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
    } catch {
      return [];
    }
  }

  keep(words) {
    if (words.length) localStorage.setItem(this.key, JSON.stringify(words.slice(0, MOST)));
    else localStorage.removeItem(this.key);
    this.show(true);
  }

  // Somebody followed what they found, or pressed Enter: these words were meant.
  add(words) {
    if (words.length < 2) return;
    this.keep([words, ...this.words.filter((one) => one !== words)]);
  }

  // They stand there while the box is empty.
  show(isBlank = !document.getElementById("search-line").value.trim()) {
    const { words } = this;
    this.box.hidden = !words.length || !isBlank;
    this.list.replaceChildren(...words.map(drawn));
  }

  clicked(event) {
    const item = event.target.closest("li");
    if (!item) return;
    const { words } = item.dataset;
    if (event.target.closest("[data-forget]")) {
      const next = item.nextElementSibling ?? item.previousElementSibling;
      const at = next?.dataset.words;
      this.keep(this.words.filter((one) => one !== words));
      const there = [...this.list.children].find((one) => one.dataset.words === at);
      (there?.querySelector("button") ?? document.getElementById("search-line")).focus();
    } else if (event.target.closest("button")) this.choose(words);
  }
}

function drawn(words) {
  const item = document.createElement("li");
  item.dataset.words = words;
  const again = button("chip", words);
  again.dir = "auto";
  const forget = button("icon-button icon-button-small", "×");
  forget.dataset.forget = "";
  forget.setAttribute("aria-label", t("forget_search", { words }));
  item.append(again, forget);
  return item;
}

function button(kind, words) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  made.textContent = words;
  return made;
}
