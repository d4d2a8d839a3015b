// How does the page talk to its reader? One quiet voice, one loud one, and toasts.

import { t } from "./words.js";

const TOAST_SECONDS = 8;
const BUNDLE_SECONDS = 15;
const JUST_MS = 5_000;

let newsTimer = 0;
let lastNews = 0;
let last = { words: "", at: 0 };
const news = { arrived: 0, left: 0 };

// Say something politely, to those who listen instead of look. The only writer of the region.
export function say(words) {
  write("speaker", words);
}

// Tell what happened by itself, if the reader wants to hear of that.
export function tellNews(words) {
  if (document.body.dataset.speaks !== "off") say(words);
}

// Say something at once: a failure.
export function alarm(words) {
  write("alarm", words);
}

// Collect small news about other conversations; spoken together, seldom.
export function gather(kind) {
  if ((document.body.dataset.speaks ?? "all") !== "all") return;
  news[kind] += 1;
  if (newsTimer) return;
  const wait = Math.max(1000, lastNews + BUNDLE_SECONDS * 1000 - Date.now());
  newsTimer = setTimeout(speakNews, wait);
}

function speakNews() {
  newsTimer = 0;
  lastNews = Date.now();
  const parts = [];
  if (news.arrived === 1) parts.push(t("one_new"));
  if (news.arrived > 1) parts.push(t("many_new", { number: news.arrived }));
  if (news.left === 1) parts.push(t("one_left"));
  if (news.left > 1) parts.push(t("many_left", { number: news.left }));
  news.arrived = 0;
  news.left = 0;
  if (parts.length) say(parts.join(" "));
}

// Say whether these words were spoken a moment ago, alone or among others.
export function wasJustSpoken(words) {
  const wanted = words.trim();
  return Boolean(wanted) && Date.now() - last.at < JUST_MS && last.words.includes(wanted);
}

function write(id, words) {
  const region = document.getElementById(id);
  if (!region || !words) return;
  last = { words, at: Date.now() };
  region.textContent = "";
  setTimeout(() => {
    region.textContent = words;
  }, 30);
}

// Show a short notice. With an action it offers one button; an error stays until it is closed.
// What is newer about the same thing takes the place of what was said before. `also`: more buttons,
// each {label, action}.
export function toast(
  words,
  { isError = false, label = "", action = null, about = "", also = [] } = {},
) {
  const place = document.getElementById("toasts");
  if (!place || !words) return;
  const box = document.createElement("div");
  box.className = isError ? "toast toast-error" : "toast";
  box.dataset.about = about || words;
  for (const old of [...place.children]) if (old.dataset.about === box.dataset.about) old.remove();
  const text = document.createElement("span");
  text.textContent = words;
  box.append(text);
  const dismiss = () => box.remove();
  for (const one of [...(action ? [{ label, action }] : []), ...also]) {
    box.append(button("link", one.label, () => (dismiss(), one.action())));
  }
  box.append(closer(dismiss));
  place.append(box);
  if (isError) alarm(words);
  else {
    say(words);
    fadeLater(box, dismiss);
  }
}

function button(kind, words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

function closer(dismiss) {
  const made = button("icon-button icon-button-small", "×", dismiss);
  made.setAttribute("aria-label", t("dismiss"));
  return made;
}

// Time runs only while nobody points at it or stands on it.
function fadeLater(box, dismiss) {
  let timer = setTimeout(dismiss, TOAST_SECONDS * 1000);
  const hold = () => clearTimeout(timer);
  const go = () => {
    clearTimeout(timer);
    timer = setTimeout(dismiss, TOAST_SECONDS * 1000);
  };
  box.addEventListener("pointerenter", hold);
  box.addEventListener("focusin", hold);
  box.addEventListener("pointerleave", go);
  box.addEventListener("focusout", go);
}
