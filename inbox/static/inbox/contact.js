// The page of one contact is a plain page: times in the reader's words, and numbers are copied.

import { keepTime, localise } from "./fmt.js";
import { t } from "./words.js";

localise(document);
keepTime();

const said = document.getElementById("contact-said");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-text]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copyText);
    said.textContent = t("copied");
  } catch {
    said.textContent = t("copy_failed");
  }
});

document.body.dataset.ready = "true";
