// How does a search answer while somebody types? The server draws what it finds; Enter works alone.

import { Elsewhere } from "./elsewhere.js";
import { keepTime, localise } from "./fmt.js";
import { SessionEndedError, getPart } from "./http.js";
import { isSingle, latin } from "./keys.js";
import { Preferences } from "./preferences.js";
import { Recent } from "./recent.js";
import { t } from "./words.js";

const PAUSE_MS = 350;
const SLOW_MS = 400;

const form = document.getElementById("search-form");
const line = document.getElementById("search-line");
const found = document.getElementById("found");
const slow = document.getElementById("search-slow");
const failed = document.getElementById("search-failed");
const status = document.getElementById("search-status");
const preferences = new Preferences();
let asked = 0;
let pause = 0;
let shown = line.value.trim();

// Only the last question counts: an answer to an earlier one comes too late.
async function ask() {
  clearTimeout(pause);
  const number = ++asked;
  const words = line.value.trim();
  const url = `${form.getAttribute("action")}?${new URLSearchParams({ q: words })}`;
  const wait = setTimeout(() => (slow.hidden = false), SLOW_MS);
  failed.hidden = true;
  found.setAttribute("aria-busy", "true");
  let answer = null;
  try {
    answer = await getPart(url);
  } catch (error) {
    if (error instanceof SessionEndedError) return location.assign(url);
  } finally {
    clearTimeout(wait);
  }
  if (number !== asked) return;
  slow.hidden = true;
  found.removeAttribute("aria-busy");
  if (answer?.status === 403) return location.assign(url);
  failed.hidden = Boolean(answer?.ok);
  found.hidden = !answer?.ok;
  if (answer?.ok) show(answer.text, words, url);
}

function show(html, words, url) {
  shown = words;
  found.innerHTML = html;
  localise(found);
  status.textContent = document.getElementById("found-words")?.dataset.status ?? "";
  history.replaceState(null, "", words ? url : form.getAttribute("action"));
}

function write(words) {
  line.value = words;
  line.focus();
  recent.show();
  ask();
}

const recent = new Recent(document.body.dataset.me, write);

form.addEventListener("submit", () => recent.add(line.value.trim()));

line.addEventListener("input", () => {
  recent.show();
  clearTimeout(pause);
  pause = setTimeout(() => line.value.trim() !== shown && ask(), PAUSE_MS);
});

document.getElementById("search-retry").addEventListener("click", ask);

found.addEventListener("click", (event) => {
  if (event.target.closest(".hit")) recent.add(shown);
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const chip = event.target.closest("[data-line]");
  const add = event.target.closest("[data-add]");
  if (!chip && !add) return;
  event.preventDefault();
  if (chip) write(chip.dataset.line);
  else {
    line.value = `${line.value.trim()} ${add.dataset.add}`.trimStart();
    line.focus();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.target.closest("dialog")) return;
  if (latin(event) === "/" && isSingle(event, preferences)) {
    event.preventDefault();
    line.focus();
    line.select();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event);
});

// Arrows go through what was found, and from the first hit back into the box.
function step(event) {
  const hits = [...found.querySelectorAll(".hit")];
  const at = hits.indexOf(document.activeElement);
  if (!hits.length || (at < 0 && document.activeElement !== line)) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  (next < 0 ? line : hits[Math.min(next, hits.length - 1)]).focus();
}

new Elsewhere({ parts: ["found-words"], lost: () => (status.textContent = t("one_left")) });
localise(document);
keepTime();
recent.show();
document.body.dataset.ready = "true";
