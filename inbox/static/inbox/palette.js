// What can be done here and now? Ctrl or Cmd with k asks, and lists the page's own controls by name.

import { latin } from "./keys.js";
import { Preferences } from "./preferences.js";
import { t } from "./words.js";

const CONTROLS = "a[href], button, input[type=radio][data-focuses]";
const dialog = document.getElementById("palette");
const line = document.getElementById("palette-line");
const list = document.getElementById("palette-list");
const status = document.getElementById("palette-status");
const extras = [];
let shown = [];
let chosen = 0;

// Offer what has keys but no button: {name, keys, isPossible(), run()} each.
export function offer(commands) {
  extras.push(...commands);
}

// A command exists because its button or link does, can be seen, and can be pressed. What can be
// done to the open conversation comes first.
function commands() {
  const offered = [...document.querySelectorAll(CONTROLS)].filter(isOffered);
  const [near, far] = [true, false].map((is) =>
    offered.filter((control) => Boolean(control.closest("#thread-box")) === is),
  );
  const found = [...near, ...far].map(fromControl);
  const more = extras.filter((one) => one.isPossible());
  const named = [...found, ...more].filter((one) => one.name);
  return [...new Map(named.map((one) => [one.name, one])).values()];
}

function isOffered(control) {
  const box = control.closest("[data-commands], [popover], dialog");
  if (!box?.hasAttribute("data-commands") || control.disabled) return false;
  if (control.closest("[inert]")) return false;
  if (control.matches('[aria-current], [aria-pressed="true"], [data-palette]')) return false;
  const menu = control.closest("[popover]");
  if (!menu) return isSeen(control.closest("label") ?? control);
  const openers = document.querySelectorAll(`[popovertarget="${menu.id}"]`);
  return !control.closest("[hidden]") && [...openers].some(isSeen);
}

function isSeen(control) {
  return control.checkVisibility({ visibilityProperty: true });
}

function fromControl(control) {
  return { name: nameOf(control), keys: control.getAttribute("aria-keyshortcuts") ?? "", control };
}

function nameOf(control) {
  const copy = (control.closest("label") ?? control).cloneNode(true);
  for (const one of copy.querySelectorAll("[aria-hidden=true], .count")) one.remove();
  const name = words(copy.textContent) || control.title;
  const group = control.closest("[data-commands] fieldset:not(.modes)")?.querySelector("legend");
  return group ? `${words(group.textContent)}: ${name}` : name;
}

const words = (text) => text.replace(/\s+/g, " ").trim();

// How well does a name answer what was typed? 0: not at all. Letters in order are enough; better if
// the first of them begins the name.
export function fits(name, typed) {
  const [whole, part] = [plain(name), plain(typed)];
  if (!part) return 1;
  const at = whole.indexOf(part);
  if (at === 0) return 5;
  if (at > 0) return whole[at - 1] === " " ? 4 : 3;
  let from = 0;
  for (const letter of part.replaceAll(" ", "")) {
    from = whole.indexOf(letter, from) + 1;
    if (!from) return 0;
  }
  return whole[0] === part[0] ? 2 : 1;
}

function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}

function draw() {
  const typed = line.value.trim();
  shown = commands()
    .map((one) => ({ ...one, worth: fits(one.name, typed) }))
    .filter((one) => one.worth)
    .sort((a, b) => b.worth - a.worth);
  if (typed) shown.push(...searching(typed));
  list.replaceChildren(...shown.map(drawn));
  choose(0);
  status.textContent = shown.length
    ? t("palette_number", { number: shown.length })
    : t("palette_nothing");
  status.classList.toggle("visually-hidden", shown.length > 0);
}

// What was typed may be meant for the search, where this page leads to it.
function searching(typed) {
  const link = document.querySelector("a#search-everything");
  const place = link?.href ?? document.getElementById("search-form")?.action;
  if (!place) return [];
  const run = () => location.assign(`${place}?${new URLSearchParams({ q: typed })}`);
  return [{ name: t("palette_search", { words: typed }), keys: "", run }];
}

function drawn(one, place) {
  const item = document.createElement("li");
  item.id = `palette-${place}`;
  item.setAttribute("role", "option");
  const name = document.createElement("span");
  name.dir = "auto";
  name.textContent = one.name;
  item.append(name);
  if (keysWork(one.keys)) item.append(...keyCaps(one.keys));
  return item;
}

function keysWork(keys) {
  const isSingle = !/Control|Meta|Alt/.test(keys) && keys !== "?";
  return keys && !(isSingle && new Preferences().get("keys") === "off");
}

function keyCaps(keys) {
  const caps = document.createElement("span");
  caps.className = "palette-keys";
  for (const key of keys.replace("Control", "Ctrl").split(/[ +]/)) {
    const cap = document.createElement("kbd");
    cap.textContent = key.length > 1 ? key : key.toLowerCase();
    caps.append(cap);
  }
  return [caps];
}

function choose(place) {
  chosen = shown.length ? (place + shown.length) % shown.length : 0;
  for (const [number, item] of [...list.children].entries()) {
    item.setAttribute("aria-selected", String(number === chosen));
  }
  const item = list.children[chosen];
  if (item) line.setAttribute("aria-activedescendant", item.id);
  else line.removeAttribute("aria-activedescendant");
  item?.scrollIntoView({ block: "nearest" });
}

// The page lives on behind the list: what is no longer possible is not done.
function run() {
  const wish = shown[chosen];
  if (!wish) return;
  const now = wish.worth ? commands().find((one) => one.name === wish.name) : wish;
  if (!now) {
    draw();
    status.textContent = t("palette_gone");
    status.classList.remove("visually-hidden");
    return;
  }
  dialog.close();
  if (now.run) now.run();
  else {
    now.control.click();
    document.getElementById(now.control.dataset.focuses)?.focus();
  }
}

function open() {
  if (document.querySelector("dialog[open]")) return;
  line.value = "";
  draw();
  dialog.showModal();
  line.focus();
  choose(0);
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

dialog.addEventListener("keydown", (event) => {
  // The page's own keys are not meant while the list is open.
  event.stopPropagation();
  if (event.isComposing) return;
  const isOrder = (event.ctrlKey || event.metaKey) && latin(event) === "k";
  if (event.key in STEPS) choose(chosen + STEPS[event.key]);
  else if (event.key === "Enter") run();
  else if (isOrder) dialog.close();
  else return;
  event.preventDefault();
});
line.addEventListener("input", draw);
list.addEventListener("click", (event) => {
  const place = [...list.children].indexOf(event.target.closest("li"));
  if (place < 0) return;
  choose(place);
  run();
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || latin(event) !== "k") return;
  event.preventDefault();
  open();
});
document.addEventListener("click", (event) => event.target.closest("[data-palette]") && open());
