// Is something still on its way? What takes long is said in the place where it will stand.

import { say } from "./speak.js";
import { t } from "./words.js";

const SLOW_MS = 400;
// From the place to how many are on their way to it.
const numbers = new WeakMap();

// Begin to wait in a place; answer the function that ends it. `slow` hears when it takes long,
// before that is said.
export function waitIn(place, slow = () => {}) {
  let isShown = false;
  const timer = setTimeout(() => {
    isShown = true;
    slow();
    begin(place);
  }, SLOW_MS);
  return () => {
    clearTimeout(timer);
    if (isShown) end(place);
    isShown = false;
  };
}

function begin(place) {
  const number = (numbers.get(place) ?? 0) + 1;
  numbers.set(place, number);
  if (number > 1) return;
  place.setAttribute("aria-busy", "true");
  place.prepend(indicator());
  say(t("loading"));
}

function end(place) {
  const number = (numbers.get(place) ?? 1) - 1;
  numbers.set(place, number);
  if (number > 0) return;
  place.removeAttribute("aria-busy");
  place.querySelector(":scope > .loading")?.remove();
}

function indicator() {
  const box = document.createElement("p");
  box.className = "loading";
  const spinner = document.createElement("span");
  spinner.className = "spinner";
  spinner.setAttribute("aria-hidden", "true");
  const words = document.createElement("span");
  words.className = "loading-words";
  words.append(spinner, t("loading"));
  box.append(words);
  return box;
}
