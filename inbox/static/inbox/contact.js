// The page of one contact is a plain page: times in the reader's words, numbers are copied, and
// photos open large.

import { Gallery } from "./dialogs.js";
import { Elsewhere } from "./elsewhere.js";
import { keepTime, localise } from "./fmt.js";
import { t } from "./words.js";

localise(document);
keepTime();

const said = document.getElementById("contact-said");

const gallery = document.getElementById("gallery") && new Gallery();

document.addEventListener("click", (event) => {
  const photo = event.target.closest(".photos [data-photo]");
  if (!photo || !gallery || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  gallery.open(photo);
});

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

let isTyped = false;
document.getElementById("contact-form")?.addEventListener("input", () => (isTyped = true));

new Elsewhere({
  parts: ["talks-list", "files-list"],
  isBusy: () => isTyped,
  lost: () => (said.textContent = t("one_left")),
});

document.body.dataset.ready = "true";
