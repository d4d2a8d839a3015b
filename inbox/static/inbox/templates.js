// Which template is it, and what does it say? The list is searched, and shown as it is filled in.

import { t } from "./words.js";

const PLACE = /\{\{\s*([\p{L}\p{N}_]+)\s*\}\}/gu;

// Everything below the document: the list comes with a dialog.
export function wireTemplates() {
  document.addEventListener("input", (event) => {
    const search = event.target.closest("[data-template-search]");
    const form = event.target.closest(".template form");
    if (search) find(search, event.target.value);
    if (form) show(form);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-template-search]")) event.preventDefault();
  });
}

function find(search, words) {
  const all = [...search.parentElement.querySelectorAll(".template")];
  const wanted = words.toLowerCase().split(/\s+/u).filter(Boolean);
  for (const one of all) {
    const text = one.dataset.words.toLowerCase();
    one.hidden = !wanted.every((word) => text.includes(word));
  }
  const number = all.filter((one) => !one.hidden).length;
  const told = number ? t("templates_found", { number, total: all.length }) : t("no_templates");
  search.querySelector("[data-template-count]").textContent = wanted.length ? told : "";
}

function show(form) {
  const place = form.querySelector("[data-template-body]");
  const values = new FormData(form);
  place.textContent = place.dataset.templateBody.replace(
    PLACE,
    (whole, name) => values.get(`value_${name}`)?.trim() || whole,
  );
}
