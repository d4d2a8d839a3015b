// What can this person still take back? For two minutes, also when the toast is gone.

import { t } from "./words.js";

export const UNDO_MS = 2 * 60_000;
const KEY = "teaminbox.undo";
const KINDS = new Set(["claimed", "released", "transferred", "moved", "closed", "reopened", "taken_over"]);

// Keep what was done last, and what takes it back: {url, words}, or {bulk, words}.
export function remember(last) {
  sessionStorage.setItem(KEY, JSON.stringify({ ...last, until: Date.now() + UNDO_MS }));
}

export function forget() {
  sessionStorage.removeItem(KEY);
}

// What was done last, while it can be taken back; else null.
export function lastUndo() {
  const last = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  return last && last.until > Date.now() ? last : null;
}

// Offer beside the last line of history to take back what it says, if this reader did it just now.
// Answers in how many milliseconds that is over.
export function offerUndo(lines, me, conversation) {
  for (const line of lines) line.querySelector("[data-undo]")?.remove();
  const last = lines.findLast((line) => KINDS.has(line.dataset.verb) || isAnswer(line));
  const isOwn = last && last.dataset.actor === me && !("of" in last.dataset);
  const left = last ? Number(last.dataset.at) / 1000 + UNDO_MS - Date.now() : 0;
  if (left <= 0 || !KINDS.has(last.dataset.verb) || !isOwn) return 0;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.dataset.undo = `/c/${encodeURIComponent(conversation)}/undo/${last.id.slice(2)}/`;
  button.textContent = t("undo");
  last.querySelector(".act-words").append(button);
  return left;
}

// After these lines nothing before them can be taken back.
function isAnswer(line) {
  return /^(reopened|undone|returned|snoozed|woken|escalated)$/.test(line.dataset.verb);
}
