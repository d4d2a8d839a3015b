// Settings forms: counts the segments of a text as it is typed, sends a form once however often
// its button is pressed, and guards what is not saved yet.
// Without it the server counts after saving, and nothing asks before leaving.

import { count } from "./segments.js";

document.addEventListener("input", ({ target: text }) => {
  const output = text.id && document.querySelector(`[data-segments-of="${CSS.escape(text.id)}"]`);
  if (!output) return;
  const number = output.querySelector("[data-number]");
  number.textContent = String(text.value.trim() ? count(text.value).segments : 0);
});

// What was sent a moment ago is not sent again by a second click. Stopped on its way, it may.
const REST = 8000;
const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  setTimeout(() => sent.delete(form), REST);
});

// A form that a server gave back with what is not saved yet says so itself.
const unsaved = new WeakSet();
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (form) unsaved.add(form);
});
// What another card holds is still unsaved when this one is sent.
document.addEventListener("submit", ({ target }) => {
  unsaved.delete(target);
  target.removeAttribute("data-unsaved");
});
addEventListener("beforeunload", (event) => {
  const forms = [...document.querySelectorAll("form[data-guard]")];
  if (forms.some((form) => unsaved.has(form) || form.hasAttribute("data-unsaved"))) {
    event.preventDefault();
  }
});
