// Settings forms: counts the segments of a text as it is typed, sends a form once however often
// its button is pressed, and guards what is not saved yet.
// Without it the server counts after saving, and nothing asks before leaving.

import { count } from "./segments.js";

for (const output of document.querySelectorAll("[data-segments-of]")) {
  const text = document.getElementById(output.dataset.segmentsOf);
  const number = output.querySelector("[data-number]");
  text?.addEventListener("input", () => {
    number.textContent = String(text.value.trim() ? count(text.value).segments : 0);
  });
}

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

const unsaved = new Set();
for (const form of document.querySelectorAll("form[data-guard]")) {
  form.addEventListener("input", () => unsaved.add(form));
  // What another card holds is still unsaved when this one is sent.
  form.addEventListener("submit", () => unsaved.delete(form));
}
addEventListener("beforeunload", (event) => {
  if (unsaved.size > 0) event.preventDefault();
});
