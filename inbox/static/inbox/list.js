// Which rows stand in the list, in which order, and when may they move?

import { Idiomorph } from "../vendor/idiomorph.esm.js";
import { localise } from "./fmt.js";
import { failedPlace } from "./failed.js";
import { gather } from "./speak.js";
import { t } from "./words.js";

const LEAVING_MS = 3_000;
const RELOAD_MS = 1_000;
// What an address says of rows that are left out.
export const NARROW = [
  ...["channel", "priority", "waiting", "language", "tag"],
  ...["unread", "promised", "media", "failed"],
];

const URGENCY = ["low", "normal", "high", "urgent"];

export class List {
  constructor(settings, open) {
    this.settings = settings;
    this.open = open;
    this.unread = new Map();
    this.unreadAfar = new Set();
    this.waiting = new Map();
    this.drafts = new Set();
    this.parked = new Set();
    this.openId = null;
    this.readState();
    this.adopt(document);
    const bar = document.getElementById("fresh-button");
    bar?.addEventListener("click", (event) => this.showNews(event));
    const nav = document.getElementById("list");
    nav.addEventListener("pointerleave", () => this.settle());
    nav.addEventListener("focusout", () => setTimeout(() => this.settle(), 50));
    nav.addEventListener("click", (event) => this.clicked(event));
  }

  get box() {
    return document.getElementById("rows-box");
  }

  get rows() {
    return document.getElementById("rows");
  }

  row(id) {
    const place = document.getElementById(`c-${id}`);
    return place?.classList.contains("row") ? place : null;
  }

  // The empty place of a row that left my sight a moment ago.
  gone(id) {
    const place = document.getElementById(`c-${id}`);
    return place?.classList.contains("row-gone") ? place : null;
  }

  // Take over rows that came with a page or a fragment.
  adopt(root) {
    localise(root);
    for (const row of root.querySelectorAll(".row")) {
      const number = row.dataset.unread;
      if (number) this.unread.set(row.dataset.id, number === "99+" ? 100 : Number(number));
      const isBegun = this.settings.hasDraft(row.dataset.id, "draft" in row.dataset);
      this.drafts[isBegun ? "add" : "delete"](row.dataset.id);
      this.paint(row);
    }
    this.settings.onRows?.(this.ids);
  }

  get ids() {
    return [...this.rows.querySelectorAll(".row")].map((row) => row.dataset.id);
  }

  readState() {
    const { view, words, owner } = this.box.dataset;
    const wanted = new URLSearchParams(this.box.dataset.wanted);
    const sort = view === "waiting" && !words ? "waiting" : wanted.get("sort");
    this.state = { view, words, owner, wanted, sort };
    this.settings.onState?.(wanted);
    for (const chip of document.querySelectorAll("#chips .chip")) {
      const isChosen = chip.dataset.view === view && !words;
      if (isChosen) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
    for (const field of document.querySelectorAll("[data-keeps-view]")) field.value = view;
  }

  // The list shows another view now (htmx put it there).
  swapped() {
    document.getElementById("list-failed").replaceChildren();
    this.waiting.clear();
    this.showFresh();
    this.readState();
    this.adopt(this.box);
    window.htmx?.process(this.box);
  }

  // Read at which number of the inbox these rows were fetched.
  get head() {
    return Number(this.box.dataset.head);
  }

  // For what I was in this inbox these rows were fetched.
  get standing() {
    return this.box.dataset.standing;
  }

  // Write what is asked for as the query of an address.
  query() {
    const { view, words, owner } = this.state;
    const query = new URLSearchParams();
    if (view !== "open") query.set("view", view);
    if (words) query.set("q", words);
    if (owner) query.set("owner", owner);
    for (const [name, value] of this.state.wanted) query.set(name, value);
    return query.toString();
  }

  // It could not be loaded: what it showed stays, beside words and a way to try again.
  failed(again) {
    const place = document.getElementById("list-failed");
    if (!place.firstElementChild) place.append(failedPlace(t("list_not_loaded"), again));
  }

  // Load the list anew, as it is asked for now. Answers whether that is what stands there.
  async reload() {
    const answer = await this.settings.fetchPart(`${this.settings.inboxUrl}?${this.query()}`);
    if (!answer?.ok) {
      if (answer !== undefined) this.failed(() => this.reload());
      return false;
    }
    const { scrollTop } = this.box;
    const focused = document.activeElement?.closest("#rows .row")?.dataset.id;
    this.box.outerHTML = answer.text;
    this.swapped();
    this.settings.onChange?.(0);
    this.box.scrollTop = scrollTop;
    if (focused) this.row(focused)?.querySelector("a").focus({ preventScroll: true });
    return true;
  }

  // --- what arrives ---

  // Show a row as it is now: in place, moved, new, or on its way out.
  upsert(html) {
    const fresh = parse(html);
    if (!fresh) return null;
    localise(fresh.parentNode);
    const { id } = fresh.dataset;
    const known = this.row(id);
    const before = known && this.marksOf(known);
    // Closed for everybody: nobody is alerted about it any more.
    if (fresh.dataset.status === "closed" && this.unread.has(id)) this.setUnread(id, 0);
    if (!this.fits(fresh)) {
      if (known) this.leaveView(known, fresh);
      else if (this.isNarrow) this.reloadSoon();
      return fresh;
    }
    // What the row shows is not what it was found by, any more.
    if (known && this.isFound && before !== this.marksOf(fresh)) this.reloadSoon();
    if (known) this.morph(known, fresh);
    if (this.isHeld() && this.wouldMove(fresh, known)) {
      this.waiting.set(id, fresh);
      this.showFresh();
    } else this.place(this.row(id) ?? fresh);
    this.settings.onChange?.();
    return fresh;
  }

  fits(row) {
    const { status, owner } = row.dataset;
    const { view, words, owner: whose } = this.state;
    // A close ends what one was called into.
    if (view === "mentions" && !words && status === "closed") return false;
    // Which rows these show, the server alone knows.
    if (words || view === "mentions") return Boolean(this.row(row.dataset.id));
    if (this.isNarrow && !this.row(row.dataset.id)) return false;
    if (this.state.sort === "waiting" && !waitsSince(row)) return false;
    if (this.state.sort === "due" && !dueAt(row)) return false;
    if (whose && owner !== whose) return false;
    if (view === "closed" || view === "snoozed") return status === view;
    if (status !== "open") return false;
    if (view === "mine") return owner === this.settings.me;
    return view === "unassigned" ? owner === "" : true;
  }

  // A filter leaves rows out: which, the server alone knows.
  get isNarrow() {
    return NARROW.some((name) => this.state.wanted.has(name));
  }

  // The server found these rows, by a filter or by words.
  get isFound() {
    return this.isNarrow || Boolean(this.state.words);
  }

  // What of a row may decide whether it is one of those, as a text to compare.
  marksOf(row) {
    const waiting = row.querySelector("[data-waiting] time")?.dateTime ?? "";
    const marks = [...row.querySelectorAll(".tag:not(:has(time)), .row-failed")];
    const isPromised = Boolean(row.querySelector("[data-promise]"));
    const words = marks.map((mark) => `${mark.className} ${mark.textContent.trim()}`);
    return JSON.stringify([row.dataset.status, waiting, isPromised, ...words]);
  }

  // Ask for the rows again, once for many changes; while somebody is at them, afterwards.
  reloadSoon() {
    clearTimeout(this.reloading);
    this.reloading = setTimeout(() => {
      this.isStale = this.isHeld();
      if (!this.isStale) this.reload();
    }, RELOAD_MS);
  }

  // A note mentions me: the rows that a list of mentions shows now come from the server.
  mentioned() {
    if (this.state.view !== "mentions" || this.state.words) return;
    this.isStale = this.isHeld();
    if (!this.isStale) this.reload();
  }

  morph(known, fresh) {
    known.classList.remove("is-leaving");
    Idiomorph.morph(known, fresh.outerHTML, { morphStyle: "outerHTML" });
    const row = this.row(fresh.dataset.id);
    this.paint(row);
  }

  // Rows never move under a pointer or the keyboard's focus, nor while some are being chosen.
  isHeld() {
    if (this.settings.isSelecting?.()) return true;
    const nav = document.getElementById("list");
    const isFocused = nav.contains(document.activeElement) && document.activeElement !== nav;
    return nav.matches(":hover") || isFocused;
  }

  wouldMove(fresh, known) {
    if (!known) return this.rows.querySelector(".row") !== null;
    const above = known.previousElementSibling;
    const below = known.nextElementSibling;
    const goesUp = Boolean(above?.dataset.activity) && this.isAbove(fresh, above);
    return goesUp || (Boolean(below?.dataset.activity) && this.isAbove(below, fresh));
  }

  // Does a row stand above another, by the first thing in which they differ?
  isAbove(one, other) {
    const [here, there] = [this.rank(one), this.rank(other)];
    const at = here.findIndex((part, index) => part !== there[index]);
    return at >= 0 && here[at] > there[at];
  }

  // Rows of a higher rank stand above others.
  rank(row) {
    switch (this.state.sort) {
      case "waiting": return [-waitsSince(row)];
      case "due": return [-dueAt(row)];
      case "oldest": return [-stamp(row)];
      case "priority": return [URGENCY.indexOf(row.dataset.priority ?? "normal"), stamp(row)];
      case "created": return [Number(row.dataset.opened ?? 0)];
      default: return [stamp(row)];
    }
  }

  // Put a row where the order of the list has it.
  place(row) {
    const others = [...this.rows.querySelectorAll(":scope > .row")].filter((one) => one !== row);
    const next = others.find((one) => this.isAbove(row, one));
    const end = next ?? this.rows.querySelector(":scope > .more");
    if (!next && !row.isConnected && this.rows.querySelector(":scope > .more")) return;
    this.gone(row.dataset.id)?.remove();
    if (row.nextElementSibling !== end || !row.isConnected) move(this.rows, row, end);
    this.paint(row);
    this.showEmpty();
  }

  // Let what waited take its place.
  settle(isWished = false) {
    this.dropParked();
    if (this.isStale && !this.isHeld()) {
      this.isStale = false;
      this.reload();
    }
    if (!this.waiting.size || (!isWished && this.isHeld())) return;
    for (const fresh of this.waiting.values()) {
      if (this.fits(fresh)) this.place(this.row(fresh.dataset.id) ?? fresh);
    }
    this.waiting.clear();
    this.showFresh();
    if (isWished) this.box.scrollTop = 0;
  }

  // Whoever pressed the bar by a key goes on from the first row: the bar has gone.
  showNews({ detail }) {
    this.settle(true);
    if (detail === 0) this.rows.querySelector(".row .row-link")?.focus({ preventScroll: true });
  }

  showFresh() {
    const bar = document.getElementById("fresh");
    if (!bar) return;
    bar.hidden = this.waiting.size === 0;
    const number = this.waiting.size;
    document.getElementById("fresh-words").textContent = t("fresh", { number });
  }

  // It left this view, not my sight: grey, with its new state, for a moment.
  leaveView(row, fresh) {
    this.waiting.delete(row.dataset.id);
    this.morph(row, fresh);
    const still = this.row(fresh.dataset.id);
    still.classList.add("is-leaving");
    this.settings.onChange?.();
    setTimeout(() => {
      if (still.classList.contains("is-leaving") && !this.fits(still)) this.drop(still);
    }, LEAVING_MS);
  }

  // It left my sight: its content goes at once, its place a moment later.
  leave(id) {
    if (this.unread.has(id)) this.setUnread(id, 0);
    this.waiting.delete(id);
    this.showFresh();
    const row = this.row(id);
    this.settings.onChange?.();
    if (!row) return;
    if (row.contains(document.activeElement)) neighbour(row)?.querySelector("a")?.focus();
    const empty = document.createElement("li");
    empty.id = row.id;
    empty.className = "row-gone";
    empty.textContent = t("not_shared");
    empty.style.blockSize = `${row.getBoundingClientRect().height}px`;
    row.replaceWith(empty);
    gather("left");
    setTimeout(() => this.drop(empty), LEAVING_MS);
  }

  drop(row) {
    if (this.settings.isSelecting?.()) {
      this.parked.add(row);
      return;
    }
    if (row.contains(document.activeElement)) neighbour(row)?.querySelector("a")?.focus();
    row.remove();
    this.showEmpty();
  }

  // What went while rows were being chosen kept its place until now.
  dropParked() {
    if (this.settings.isSelecting?.()) return;
    const parked = [...this.parked];
    this.parked.clear();
    for (const row of parked) {
      if (row.isConnected && row.matches(".row-gone, .is-leaving")) this.drop(row);
    }
  }

  showEmpty() {
    const empty = document.getElementById("empty");
    if (empty) empty.hidden = this.rows.querySelector(".row, .row-gone") !== null;
  }

  // --- marks only this reader has ---

  // The customer wrote in a conversation.
  wrote(id) {
    this.setUnread(id, Math.min(100, (this.unread.get(id) ?? 0) + 1));
  }

  setUnread(id, number) {
    if (number > 0) this.unread.set(id, number);
    else this.unread.delete(id);
    if (!(number > 0)) this.unreadAfar.delete(id);
    if (!(number > 0)) this.settings.onRead?.(id);
    const row = this.row(id);
    if (row) this.paint(row);
    this.settings.onUnread?.(this.unreadNumber);
  }

  // So much was unread a moment ago, when somebody asked; more may have come since.
  setUnreadAtLeast(id, number) {
    if (id !== this.openId && number > (this.unread.get(id) ?? 0)) this.setUnread(id, number);
  }

  // Is it known here how much of it I have not read? Who closes it ends that.
  knowsUnread(id) {
    const isThere = this.waiting.has(id) || this.row(id)?.matches(":not(.is-leaving)");
    return isThere || this.unread.has(id);
  }

  // What I may see is another: whether I may still read what has no row here, nobody knows.
  forgetUnreadElsewhere() {
    for (const id of [...this.unread.keys()]) if (!this.row(id)) this.unread.delete(id);
    this.settings.onUnread?.(this.unreadNumber);
  }

  // What is mine and unread, of which there may be no row here. Where there is one, it knows better.
  setUnreadAfar(ids) {
    this.unreadAfar = new Set(ids.filter((id) => id !== this.openId && !this.row(id)));
    this.settings.onUnread?.(this.unreadNumber);
  }

  get unreadNumber() {
    return new Set([...this.unread.keys(), ...this.unreadAfar]).size;
  }

  // Another tab or device of this person has read on.
  readElsewhere({ conversation, last_read_seq: seq }) {
    const inbound = Number(this.row(conversation)?.dataset.inbound ?? 0);
    this.setUnread(conversation, seq >= inbound ? 0 : 1);
  }

  setDraft(id, isThere) {
    if (isThere) this.drafts.add(id);
    else this.drafts.delete(id);
    const row = this.row(id);
    if (row) this.paint(row);
  }

  paint(row) {
    const number = this.unread.get(row.dataset.id) ?? 0;
    const shown = number > 99 ? "99+" : String(number);
    if (number) row.dataset.unread = shown;
    else delete row.dataset.unread;
    row.querySelector(".row-unread").textContent = number ? shown : "";
    spoken(row, number ? t("unread", { number }) : "");
    const who = row.querySelector("[data-who]");
    if (who?.dataset.who === this.settings.me) who.textContent = `${t("you")}:`;
    // What a colleague has is only read, where colleagues read it.
    const { owner } = row.dataset;
    row.classList.toggle("is-others", Boolean(owner) && owner !== this.settings.me);
    this.paintOpen(row);
    this.paintDraft(row);
    this.settings.onPaint?.(row);
  }

  paintDraft(row) {
    const place = row.querySelector(".row-people");
    if (!place) return;
    place.querySelector(".row-draft")?.remove();
    if (!this.drafts.has(row.dataset.id)) return;
    const mark = document.createElement("span");
    mark.className = "row-draft";
    mark.textContent = t("draft");
    place.append(mark);
  }

  mark(id) {
    this.openId = id;
    for (const row of this.rows.querySelectorAll(".row")) this.paintOpen(row);
  }

  paintOpen(row) {
    const isOpen = row.dataset.id === this.openId;
    row.classList.toggle("is-open", isOpen);
    const link = row.querySelector(".row-link");
    if (isOpen) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }

  // --- numbers ---

  setCounts(counts) {
    for (const [name, number] of Object.entries(counts)) {
      const place = document.querySelector(`[data-count="${name}"]`);
      if (place) place.textContent = number > 99 ? "99+" : String(number);
    }
  }

  // Somebody waits since then, or nobody does.
  setOldest(at) {
    const place = document.querySelector("#chips [data-oldest]");
    if (!place) return;
    place.hidden = !at;
    place.dateTime = at ?? "";
    localise(place.parentElement);
  }

  // --- walking ---

  clicked(event) {
    const link = event.target.closest(".row-link");
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open(link.closest(".row").dataset.id, link.href);
  }

  step(by) {
    const links = [...this.rows.querySelectorAll(".row .row-link")];
    if (!links.length) return;
    const here = links.indexOf(document.activeElement);
    const start = here >= 0 ? here : links.findIndex((one) => one.closest(".is-open")) - (by < 0);
    const next = links[Math.min(links.length - 1, Math.max(0, start + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  // Which conversation comes after this one? The one below, else the one above.
  after(id) {
    const row = this.row(id);
    const link = (row ? neighbour(row) : this.rows.querySelector(".row"))?.querySelector("a");
    const first = this.rows.querySelector(".row:not(.is-open) .row-link");
    return link ?? first ?? null;
  }
}

function parse(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  return document.importNode(holder.content, true).querySelector(".row");
}

function stamp(row) {
  return Number(row.dataset.activity ?? 0);
}

// Since when a customer waits, as milliseconds; 0 if they do not.
function waitsSince(row) {
  return Date.parse(row.querySelector("[data-waiting] time")?.dateTime ?? "") || 0;
}

// When escalation does something next, as milliseconds; 0 if it does nothing.
function dueAt(row) {
  return Date.parse(row.querySelector("[data-due] time")?.dateTime ?? "") || 0;
}

function neighbour(row) {
  const isRow = (one) => one?.classList.contains("row");
  if (isRow(row.nextElementSibling)) return row.nextElementSibling;
  return isRow(row.previousElementSibling) ? row.previousElementSibling : null;
}

// Move without losing focus where the browser can.
function move(list, row, before) {
  if (row.isConnected && list.moveBefore) list.moveBefore(row, before ?? null);
  else list.insertBefore(row, before ?? null);
}

function spoken(row, words) {
  let place = row.querySelector(".row-spoken");
  if (!words) {
    place?.remove();
    return;
  }
  if (!place) {
    place = document.createElement("span");
    place.className = "row-spoken visually-hidden";
    row.querySelector(".row-link")?.append(place);
  }
  place.textContent = words;
}
