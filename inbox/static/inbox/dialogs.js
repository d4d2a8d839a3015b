// What does the page ask its reader, and how does it wait for the answer?

import { localise } from "./fmt.js";
import { getPart } from "./http.js";
import { say, toast } from "./speak.js";
import { waitIn } from "./waiting.js";
import { t } from "./words.js";

// Ask by one of the page's dialogs; answer the name of the chosen button, or "".
export function ask(kind, facts = {}) {
  const dialog = document.getElementById(`ask-${kind}`);
  if (!dialog) return Promise.resolve("");
  for (const place of dialog.querySelectorAll("[data-fill]")) fill(place, facts);
  for (const place of dialog.querySelectorAll("[data-only-if]")) {
    place.hidden = !facts[place.dataset.onlyIf];
  }
  dialog.querySelector("form").reset();
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

// What was written into a dialog's fields; a field that was left empty is not there.
export function said(kind) {
  const form = document.querySelector(`#ask-${kind} form`);
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
}

function fill(place, facts) {
  const value = facts[place.dataset.fill] ?? "";
  if (place.dataset.as === "html") {
    // Our own bubbles, rendered by the server.
    place.innerHTML = value;
    localise(place);
    for (const item of place.querySelectorAll("[id]")) item.removeAttribute("id");
  } else if (place.dataset.as === "time") {
    place.dateTime = value;
    localise(place.parentElement);
  } else place.textContent = value;
}

// Copy words, and say so.
export async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    toast(t("copied"));
  } catch {
    toast(t("copy_failed"), { isError: true });
  }
}

// Close what is shown or asked of a conversation, and keep nothing of it.
export function closeAll() {
  for (const dialog of document.querySelectorAll("dialog[data-of-conversation]")) {
    dialog.close();
    for (const place of dialog.querySelectorAll("[data-part], [data-fill]")) place.replaceChildren();
    for (const form of dialog.querySelectorAll("form")) form.reset();
  }
}

const FIELD = "input:not([type=hidden]), select, textarea, button";

// Show a dialog whose content the server has; while that takes long, without it. Answers whether it
// came, or was not wanted any more; throws without a network.
export async function openPart(dialog, url, isWanted = () => true) {
  const place = dialog.querySelector("[data-part]");
  let isLeft = false;
  const leave = () => (isLeft = true);
  const end = waitIn(place, () => {
    place.replaceChildren();
    if (!dialog.open) dialog.showModal();
    dialog.addEventListener("close", leave, { once: true });
  });
  let answer = null;
  try {
    answer = await getPart(url);
  } finally {
    end();
    dialog.removeEventListener("close", leave);
    if (!answer?.ok) dialog.close();
  }
  if (isLeft || !isWanted()) return true;
  if (!answer.ok) return false;
  place.innerHTML = answer.text;
  localise(place);
  if (!dialog.open) dialog.showModal();
  const first = place.querySelector("[autofocus]") ?? place.querySelector(FIELD);
  first?.focus();
  return true;
}

// A message was removed: no dialog shows its words on, nor keeps them after it was closed.
export function dropShown(id) {
  const asked = document.querySelector(`#remove-dialog [data-message="${CSS.escape(id)}"]`);
  asked?.closest("dialog").close();
  document.querySelector("#why-dialog[open]")?.close();
  const closed = "dialog:not([open])";
  const parts = document.querySelectorAll(`${closed} [data-part], ${closed} [data-as="html"]`);
  for (const place of parts) place.replaceChildren();
}

const ZOOM_STEP = 2;
const MOST_ZOOM = 8;

// Pictures and films of a conversation or a contact, large, one after the other.
export class Gallery {
  constructor() {
    this.dialog = document.getElementById("gallery");
    this.image = this.dialog.querySelector("img");
    this.film = this.dialog.querySelector("video");
    this.frame = this.dialog.querySelector(".gallery-frame");
    this.dialog.addEventListener("click", (event) => this.clicked(event));
    this.dialog.addEventListener("keydown", (event) => this.pressed(event));
    this.dialog.addEventListener("close", () => {
      this.stop();
      this.opener?.focus();
    });
  }

  // Show nothing any more, and know of nothing.
  forget() {
    this.opener = null;
    this.links = [];
    this.dialog.close();
    this.stop();
    this.image.removeAttribute("src");
    this.image.alt = this.film.ariaLabel = "";
    for (const way of this.dialog.querySelectorAll("a[data-gallery]")) way.removeAttribute("href");
    this.dialog.querySelector(".gallery-count").textContent = "";
  }

  // Arrows walk from photo to photo, or around one that is larger than its frame.
  pressed(event) {
    // Within a film they walk through the film.
    if (event.target === this.film) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && this.zoom === 1) this.step(step);
    if (event.key === "+" || event.key === "=") this.setZoom(this.zoom * ZOOM_STEP);
    if (event.key === "-") this.setZoom(this.zoom / ZOOM_STEP);
  }

  open(link) {
    const scope = link.closest("#timeline, .media, .photos");
    this.opener = link;
    this.links = [...scope.querySelectorAll("[data-photo]")];
    this.show(this.links.indexOf(link));
    this.dialog.showModal();
  }

  clicked(event) {
    const wish = event.target.closest("[data-gallery]")?.dataset.gallery;
    if (wish === "next") this.step(1);
    if (wish === "previous") this.step(-1);
    if (wish === "larger") this.setZoom(this.zoom * ZOOM_STEP);
    if (wish === "smaller") this.setZoom(this.zoom / ZOOM_STEP);
    if (wish === "close" || event.target === this.dialog) this.dialog.close();
  }

  setZoom(wanted) {
    this.zoom = Math.min(Math.max(wanted, 1), MOST_ZOOM);
    this.image.style.setProperty("--zoom", this.zoom);
    this.frame.classList.toggle("is-zoomed", this.zoom > 1);
    const isFilm = !this.film.hidden;
    this.dialog.querySelector("[data-gallery=smaller]").disabled = isFilm || this.zoom === 1;
    this.dialog.querySelector("[data-gallery=larger]").disabled = isFilm || this.zoom === MOST_ZOOM;
  }

  // What was removed meanwhile is not to be walked to; who looks at it looks at nothing any more.
  leaveOut() {
    if (!this.dialog.open) return;
    const looksAt = this.links[this.place];
    this.links = this.links.filter((one) => one.isConnected);
    this.place = this.links.indexOf(looksAt);
    if (this.place < 0) this.leave();
    else this.count();
  }

  leave() {
    this.image.removeAttribute("src");
    this.dialog.close();
  }

  // A film that nobody sees is not to be heard either.
  stop() {
    this.film.pause();
    this.film.removeAttribute("src");
    this.film.load();
  }

  step(by) {
    this.show((this.place + by + this.links.length) % this.links.length);
  }

  show(place) {
    this.place = place;
    const link = this.links[place];
    const isFilm = link.dataset.look === "video";
    this.stop();
    this.film.hidden = !isFilm;
    this.image.hidden = isFilm;
    this.setZoom(1);
    if (isFilm) this.film.src = link.dataset.photo;
    else this.image.src = link.dataset.photo;
    const film = link.parentElement.querySelector("video.film");
    this.film.ariaLabel = film?.ariaLabel ?? link.textContent.trim();
    this.image.alt = link.querySelector("img")?.alt ?? "";
    const words = this.count();
    for (const way of this.dialog.querySelectorAll("a[data-gallery]")) way.href = link.dataset.photo;
    if (this.dialog.open) say(words);
  }

  count() {
    const number = { number: this.place + 1, total: this.links.length };
    const words = this.film.hidden ? t("photo_of", number) : t("film_of", number);
    this.dialog.querySelector(".gallery-count").textContent = words;
    return words;
  }
}
