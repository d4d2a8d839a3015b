// What stands in the open conversation: its messages in order, and where the reader is in them.

import { Idiomorph } from "../vendor/idiomorph.esm.js";
import { clockWords, dayKey, dayWords, localise, nameReaction, nameSent } from "./fmt.js";
import { getPart, post } from "./http.js";
import { toast } from "./speak.js";
import { offerUndo } from "./undos.js";
import { waitIn } from "./waiting.js";
import { t } from "./words.js";

const NEAR_END = 100;
const NEAR_START = 240;
const MOST_NODES = 300;
const TOGETHER_MS = 5 * 60_000;
const FOLD_ABOVE = 3;
const READ_MS = 500;
const REACHED = new Set(["delivered", "read"]);
const TROUBLED = new Set(["failed", "unknown", "blocked", "canceled"]);

// What the server sent; the line that offers folded history is ours and has no moment of its own.
const ITEMS = ":scope > .msg, :scope > .act:not(.act-more)";

export class Thread {
  constructor(box, settings, on) {
    this.box = box;
    this.settings = settings;
    this.on = on;
    this.id = box.dataset.id;
    this.threadId = box.dataset.thread;
    this.hasEarlier = box.dataset.hasEarlier === "true";
    this.hasLater = box.dataset.hasLater === "true";
    this.readSeq = Number(box.dataset.read);
    this.newLineAfter = Number(box.dataset.newAfter);
    this.knownSeq = 0;
    // What came below while the reader was elsewhere, by element.
    this.unseen = new Set();
    this.isStuck = true;
    this.readTimer = 0;
    this.queue = Promise.resolve();
    this.knowUpTo(box);
    this.listen();
    this.decorate();
    this.land();
  }

  get scroller() {
    return this.box.querySelector("#scroller");
  }

  get timeline() {
    return this.box.querySelector("#timeline");
  }

  get items() {
    return [...this.timeline.querySelectorAll(ITEMS)];
  }

  get firstSeq() {
    const first = this.timeline.querySelector(":scope > .msg:not(.is-pending)");
    return Number(first?.dataset.seq ?? 0);
  }

  get lastSeq() {
    const seqs = [...this.timeline.querySelectorAll(":scope > .msg:not(.is-pending)")];
    return seqs.reduce((top, one) => Math.max(top, Number(one.dataset.seq)), 0);
  }

  // Up to which number the reader has been shown what the customer wrote: that may lie far above
  // what stands here, or be nothing that is shown here at all.
  get seenSeq() {
    const seqs = [...this.timeline.querySelectorAll(":scope > .msg-in")];
    return seqs.reduce((top, one) => Math.max(top, Number(one.dataset.seq)), this.knownSeq);
  }

  // What the server sent in one piece misses nothing up to its end.
  knowUpTo(box = null) {
    const said = this.hasLater ? 0 : Number(box?.dataset.inbound ?? 0);
    this.knownSeq = Math.max(this.knownSeq, this.lastSeq, said);
  }

  // Stop everything; the page shows something else.
  close() {
    this.isClosed = true;
    this.watcher.disconnect();
    clearTimeout(this.readTimer);
    clearTimeout(this.undoTimer);
  }

  listen() {
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.watcher = new ResizeObserver(() => this.isStuck && this.toEnd());
    this.watcher.observe(this.timeline);
    this.watcher.observe(this.scroller);
    this.box.querySelector("#earlier-button").addEventListener("click", (event) => {
      event.preventDefault();
      this.loadEarlier();
    });
    this.box.querySelector("#newest-button").addEventListener("click", () => this.toNewest());
    this.timeline.addEventListener("click", (event) => this.clicked(event));
  }

  // Where a reader begins: at the message they came for, at what is new, or at the end.
  land() {
    const found = this.box.dataset.found;
    const target = found && this.timeline.querySelector(`[data-id="${CSS.escape(found)}"]`);
    const fresh = this.timeline.querySelector(":scope > .new-line");
    if (target) {
      target.classList.add("is-found");
      target.scrollIntoView({ block: "center" });
      this.isStuck = false;
    } else if (fresh) {
      this.toEnd();
      if (this.scroller.scrollHeight > this.scroller.clientHeight * 2) {
        fresh.scrollIntoView({ block: "center" });
        this.isStuck = this.isNearEnd();
      }
    } else this.toEnd();
    this.showNewest();
    this.noteRead();
  }

  // --- what arrives ---

  // Show a message or a line of history: in its place, or instead of what stood for it.
  upsert(html) {
    const fresh = parse(html);
    if (!fresh) return null;
    localise(fresh.parentNode);
    const known = this.timeline.querySelector(`#${CSS.escape(fresh.id)}`);
    if (known) return this.morph(known, fresh);
    if (this.hasLater && Number(fresh.dataset.seq) > this.lastSeq) {
      this.missedBelow(fresh);
      return null;
    }
    if (this.hasEarlier && this.firstSeq && Number(fresh.dataset.seq) < this.firstSeq) return null;
    return this.insert(fresh);
  }

  // Show what the server took in of mine, unless the line has shown it already: that is newer.
  confirm(html) {
    const fresh = parse(html);
    const known = fresh && this.timeline.querySelector(`#${CSS.escape(fresh.id)}`);
    return known && !isUnsent(known) ? known : this.upsert(html);
  }

  // Show all of these, as `upsert` does one.
  upsertAll(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html ?? "";
    for (const item of holder.content.querySelectorAll(".msg, .act")) this.upsert(item.outerHTML);
  }

  morph(known, fresh) {
    const wasUnsent = isUnsent(known);
    const item = this.morphOne(known, fresh);
    this.decorate();
    this.follow(false);
    if (wasUnsent && !isUnsent(item) && this.hasLater) this.sentBeyond(item);
    return item;
  }

  // A message of mine went out after others that do not stand here: it comes with them.
  sentBeyond(item) {
    if (this.isNearEnd()) this.toNewest();
    else item.remove();
  }

  morphOne(known, fresh) {
    const wasPending = known.classList.contains("is-pending");
    const hadFocus = known.contains(document.activeElement);
    Idiomorph.morph(known, fresh.outerHTML, { morphStyle: "outerHTML" });
    const item = this.timeline.querySelector(`#${CSS.escape(fresh.id)}`);
    if (wasPending) this.reorder(item);
    const had = document.activeElement;
    // What had the focus is gone: the way to remove what is removed now.
    if (hadFocus && (had === item || !item.contains(had))) focusOn(item);
    return item;
  }

  // Let the reader stand on a message, without moving what they see.
  standOn(id) {
    const item = this.timeline.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (item) focusOn(item);
  }

  // Show the same thread as it is now, fetched around the anchor: what the reader looks at stays
  // where it is, and what is not sent yet stays too.
  renew(box) {
    const items = [...box.querySelectorAll("#timeline > .msg, #timeline > .act")];
    const ids = new Set(items.map((one) => one.id));
    const { lastSeq, isStuck } = this;
    const isBelow = (one) => Number(one.dataset.seq) > lastSeq;
    if (!isStuck) items.filter(isBelow).forEach((one) => this.countNews(one));
    this.keepPlace(() => {
      for (const item of this.items) if (!isUnsent(item) && !ids.has(item.id)) item.remove();
      for (const item of items) {
        const known = this.timeline.querySelector(`#${CSS.escape(item.id)}`);
        if (known) this.morphOne(known, item);
        else this.timeline.insertBefore(item, this.successor(item));
      }
      this.hasEarlier = box.dataset.hasEarlier === "true";
      this.hasLater = box.dataset.hasLater === "true";
      this.knowUpTo(box);
      this.decorate();
    }, this.anchor(".msg[data-id]"));
    this.showEarlier();
    this.follow(false);
    this.noteRead();
  }

  // The message at which somebody reads who is not at the end.
  get readingAt() {
    return this.isStuck ? "" : (this.anchor(".msg[data-id]")?.dataset.id ?? "");
  }

  insert(item) {
    const isMine = this.isMine(item);
    this.timeline.insertBefore(item, this.successor(item));
    const wasStuck = this.isStuck;
    this.moveNewLine(item, isMine);
    this.decorate();
    this.trim(wasStuck || isMine);
    if (!wasStuck) this.missedBelow(item);
    this.follow(isMine);
    this.noteRead();
    return item;
  }

  // What arrives before my eyes is not "new", and what I write says that I have read the rest.
  moveNewLine(item, isMine) {
    const isSeen = this.isStuck && document.hasFocus() && !this.timeline.querySelector(".new-line");
    if (isMine || isSeen) this.newLineAfter = Math.max(this.newLineAfter, Number(item.dataset.seq));
  }

  // A message of mine that the server does not know yet.
  addPending(item) {
    this.timeline.append(item);
    if (this.hasLater) this.toNewest();
    this.decorate();
    this.follow(true);
  }

  reorder(item) {
    const next = this.successor(item);
    if (next !== item.nextElementSibling) this.timeline.insertBefore(item, next);
  }

  successor(item) {
    const key = keyOf(item);
    return this.items.find((one) => one !== item && later(keyOf(one), key)) ?? null;
  }

  setStatus(clientId, status, at = "") {
    const item = this.timeline.querySelector(`#m-${CSS.escape(clientId)}`);
    const tick = item?.querySelector(".tick");
    if (!tick) return;
    item.dataset.status = status;
    if (!TROUBLED.has(status)) item.querySelector(".msg-problem")?.remove();
    // Only what waits can be stopped.
    if (status !== "queued") delete item.dataset.callOff;
    tick.className = `tick tick-${status}`;
    tick.querySelector(".tick-words").textContent = t(`status_${status}`);
    tick.querySelector("time")?.remove();
    if (REACHED.has(status) && at) {
      tick.append(" ", timeAt(at));
      localise(tick);
    }
    const use = tick.querySelector("use");
    use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICONS[status]}`));
  }

  missedBelow(item) {
    this.countNews(item);
    this.showNewest();
  }

  // Count what others wrote and I have not read: once, however often it is told.
  countNews(item) {
    const isUnread = Number(item.dataset.seq) > this.readSeq;
    if (item.matches(".msg") && isUnread && !this.isMine(item)) this.unseen.add(item.id);
  }

  isMine(item) {
    return item.dataset.author === this.settings.me && item.matches(".msg-out");
  }

  // --- paging ---

  loadEarlier() {
    return this.inTurn(async () => {
      if (!this.hasEarlier || this.isClosed) return;
      const answer = await this.stretch({ before: this.firstSeq });
      if (this.isClosed) return;
      this.hasEarlier = answer.headers.get("X-Has-Earlier") === "true";
      this.keepPlace(() => {
        this.timeline.prepend(...parseAll(answer.text, this.timeline));
        this.decorate();
      });
      this.trimEnd();
      this.showEarlier();
    });
  }

  // Fetch what comes after the last message that stands here.
  loadLater() {
    return this.inTurn(async () => {
      if (this.isClosed) return;
      const answer = await this.stretch({ after: this.lastSeq });
      if (this.isClosed) return;
      this.hasLater = answer.headers.get("X-Has-Later") === "true";
      const wasNearEnd = this.isNearEnd();
      this.keepPlace(() => {
        for (const item of parseAll(answer.text, this.timeline)) {
          this.timeline.insertBefore(item, this.successor(item));
        }
        this.decorate();
        this.trim(wasNearEnd);
      });
      this.showNewest();
      this.follow(false);
      this.noteRead();
    });
  }

  // Start again from the latest messages.
  toNewest() {
    return this.inTurn(async () => {
      if (this.hasLater) {
        const answer = await this.stretch();
        if (this.isClosed) return;
        this.replace(answer);
        this.hasLater = false;
      }
      this.toEnd();
      this.showNewest();
      this.noteRead();
    });
  }

  // Show what lies around another message: the first of a day, or the one that a message quotes.
  // Answers whether it is there.
  jump(query) {
    let isThere = false;
    const work = async () => {
      const answer = await getPart(`${this.box.dataset.messagesUrl}?${new URLSearchParams(query)}`);
      if (!answer.ok || this.isClosed) return;
      const found = CSS.escape(answer.headers.get("X-Found"));
      if (!this.timeline.querySelector(`[data-id="${found}"]`)) this.replace(answer);
      this.showFound(this.timeline.querySelector(`[data-id="${found}"]`));
      isThere = true;
    };
    return this.inTurn(work).then(() => isThere);
  }

  replace(answer) {
    const pending = [...this.timeline.querySelectorAll(".is-pending, .is-unsent")];
    this.timeline.replaceChildren(...parseAll(answer.text), ...pending);
    this.hasEarlier = answer.headers.get("X-Has-Earlier") === "true";
    this.hasLater = answer.headers.get("X-Has-Later") === "true";
    this.knowUpTo();
    this.decorate();
    this.showEarlier();
  }

  showFound(item) {
    if (!item) return;
    for (const one of this.timeline.querySelectorAll(".is-found")) one.classList.remove("is-found");
    item.classList.add("is-found");
    this.isStuck = false;
    item.scrollIntoView({ block: "center" });
    focusOn(item);
    this.showNewest();
  }

  // Fetch a part of the thread, or throw.
  async stretch(query = {}) {
    const answer = await getPart(`${this.box.dataset.messagesUrl}?${new URLSearchParams(query)}`);
    if (!answer.ok) throw new Error(answer.status);
    return answer;
  }

  // Until the reader wants it, what failed is not asked for again by scrolling alone.
  inTurn(work) {
    this.timeline.setAttribute("aria-busy", "true");
    const end = waitIn(this.scroller);
    this.hasFailed = false;
    this.queue = this.queue
      .then(work)
      .catch((error) => {
        this.hasFailed = true;
        if (!this.isClosed) this.on.failed(error, () => this.inTurn(work));
      })
      .finally(() => {
        this.timeline.removeAttribute("aria-busy");
        end();
      });
    return this.queue;
  }

  // Keep at most so many nodes: drop what is far from the reader.
  trim(isAtEnd) {
    if (isAtEnd) this.trimStart();
    else this.trimEnd();
  }

  trimStart() {
    const surplus = this.items.length - MOST_NODES;
    if (surplus <= 0) return;
    for (const item of this.items.slice(0, surplus)) item.remove();
    this.hasEarlier = true;
    this.decorate();
    this.showEarlier();
  }

  trimEnd() {
    const surplus = this.items.length - MOST_NODES;
    if (surplus <= 0) return;
    const sent = this.items.filter((one) => !one.matches(".is-pending, .is-unsent"));
    for (const item of sent.slice(-surplus)) item.remove();
    this.hasLater = true;
    this.decorate();
    this.showNewest();
  }

  showEarlier() {
    this.box.querySelector("#earlier").hidden = !this.hasEarlier;
  }

  showNewest() {
    const number = this.unseen.size;
    const isHidden = !this.hasLater && (this.isStuck || number === 0);
    this.box.querySelector("#newest").hidden = isHidden;
    const words = number ? t("newest_number", { number }) : t("newest");
    this.box.querySelector("#newest-words").textContent = words;
  }

  // --- scrolling ---

  isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight <= NEAR_END;
  }

  // Only a reader's own way up lets go of the end; a picture that grows does not.
  scrolled() {
    const { scrollTop } = this.scroller;
    const wentUp = scrollTop < (this.lastTop ?? 0) - 1;
    this.lastTop = scrollTop;
    if (this.isNearEnd()) this.isStuck = !this.hasLater;
    else if (wentUp) this.isStuck = false;
    if (this.isStuck) this.unseen.clear();
    this.showNewest();
    if (!this.hasFailed) this.loadMore();
    this.noteRead();
  }

  loadMore() {
    if (this.scroller.scrollTop < NEAR_START && this.hasEarlier) this.loadEarlier();
    if (this.isNearEnd() && this.hasLater) this.loadLater();
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.isStuck = true;
    this.unseen.clear();
  }

  follow(isForced) {
    if (isForced || this.isStuck) this.toEnd();
    this.showNewest();
  }

  // What stands at the top of what the reader sees.
  anchor(kind = "*") {
    const { top } = this.scroller.getBoundingClientRect();
    return this.items.find((one) => one.matches(kind) && one.getBoundingClientRect().bottom > top);
  }

  // Change the timeline while what the reader looks at stays where it is.
  keepPlace(change, anchor = this.anchor()) {
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (anchor?.isConnected && !this.isStuck) {
      this.scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    }
  }

  // --- reading ---

  // Tell the server how far this person has read, if they can be looking at it.
  noteRead() {
    clearTimeout(this.readTimer);
    this.readTimer = setTimeout(() => this.markRead(), READ_MS);
  }

  async markRead() {
    const isLooking = document.visibilityState === "visible" && document.hasFocus();
    if (this.isClosed || this.isUnread || !isLooking || !this.isStuck || this.hasLater) return;
    const seq = this.lastSeq;
    if (seq <= this.readSeq) return;
    const before = this.readSeq;
    this.readSeq = seq;
    try {
      const answer = await post(this.box.dataset.readUrl, { seq });
      if (answer.ok) this.on.read(this.id);
      else this.readSeq = before;
    } catch {
      this.readSeq = before;
    }
  }

  // --- days, groups, what is new ---

  decorate() {
    for (const extra of this.timeline.querySelectorAll(":scope > .day, :scope > .new-line")) {
      extra.remove();
    }
    this.foldActivity();
    let before = null;
    let isNewShown = this.newLineAfter === 0;
    for (const item of this.items) {
      const at = millis(item);
      if (!before || dayKey(millis(before)) !== dayKey(at)) item.before(line("day", dayWords(at)));
      const isNew = item.matches(".msg-in") && Number(item.dataset.seq) > this.newLineAfter;
      if (!isNewShown && isNew) {
        if (before) item.before(line("new-line", t("new")));
        isNewShown = true;
      }
      this.group(before, item);
      this.nameMe(item);
      this.nameMedia(item);
      before = item;
    }
    before?.classList.remove("has-next");
    this.offerUndo();
  }

  offerUndo() {
    clearTimeout(this.undoTimer);
    const lines = this.items.filter((one) => one.matches(".act"));
    const left = offerUndo(lines, this.settings.me, this.id);
    if (left) this.undoTimer = setTimeout(() => this.offerUndo(), left);
  }

  group(before, item) {
    const isNext =
      before !== null &&
      before.matches(".msg") &&
      item.matches(".msg") &&
      before.nextElementSibling === item &&
      sameVoice(before, item) &&
      millis(item) - millis(before) < TOGETHER_MS;
    item.classList.toggle("is-next", isNext);
    before?.classList.toggle("has-next", isNext);
  }

  nameMe(item) {
    const who = item.querySelector(":scope > .msg-who");
    const isMine = item.dataset.author === this.settings.me;
    if (who && isMine && !item.matches(".msg-note") && who.textContent !== t("you")) {
      who.textContent = t("you");
    }
  }

  // What is drawn for everybody does not say who the customer is, nor what time it is here.
  nameMedia(item) {
    for (const mark of item.querySelectorAll("[data-sent-by]")) {
      nameSent(mark, mark.dataset.sentBy || this.box.dataset.title, clockWords(millis(item)));
    }
    for (const mark of item.querySelectorAll(".msg-reacted")) {
      nameReaction(mark, this.box.dataset.title);
    }
  }

  // More than a few lines of history in a row: show the last, offer the rest.
  foldActivity() {
    for (const more of this.timeline.querySelectorAll(":scope > .act-more")) more.remove();
    let run = [];
    for (const item of [...this.items, null]) {
      if (item?.matches(".act")) {
        run.push(item);
        continue;
      }
      this.foldRun(run);
      run = [];
    }
  }

  foldRun(run) {
    const hidden = run.length > FOLD_ABOVE ? run.slice(0, -1) : [];
    const isOpen = run.some((one) => one.dataset.unfolded !== undefined);
    for (const item of run) item.classList.toggle("is-folded", hidden.includes(item) && !isOpen);
    if (!hidden.length || isOpen) return;
    const place = document.createElement("li");
    place.className = "act act-more";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = t("more_events", { number: hidden.length });
    button.addEventListener("click", () => {
      for (const item of run) item.dataset.unfolded = "";
      this.decorate();
    });
    place.append(button);
    run[0].before(place);
  }

  // --- buttons inside messages ---

  async clicked(event) {
    const again = event.target.closest("[data-resend]");
    const later = event.target.closest("[data-resend-later]");
    const edit = event.target.closest("[data-edit]");
    const dead = event.target.closest("[data-dead]");
    const refetch = event.target.closest("[data-refetch]");
    const photo = event.target.closest("[data-photo]");
    const stop = event.target.closest("[data-stop]");
    const undo = event.target.closest("[data-undo]");
    const quote = event.target.closest("[data-quoted]");
    if (quote) await this.toQuoted(quote);
    if (undo) await this.on.undo(undo.dataset.undo);
    const seen = { last_seen_message: this.lastSeq };
    if (again) await this.press(again, again.dataset.resend, seen);
    if (later) await this.on.later(later.dataset.resendLater, seen);
    if (edit) this.on.edit(edit.closest(".msg").querySelector(".msg-words").textContent);
    if (dead) await this.press(dead, dead.dataset.dead);
    if (stop) await this.press(stop, stop.closest(".msg").dataset.callOff);
    if (refetch) await this.press(refetch, refetch.dataset.refetch);
    if (photo && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.on.photo(photo);
    }
  }

  async toQuoted(quote) {
    if (!(await this.jump({ quoted_by: quote.dataset.quoted }))) toast(t("quoted_gone"));
  }

  async press(button, url, facts = {}) {
    button.disabled = true;
    await this.on.press(url, facts);
    button.disabled = false;
  }
}

const ICONS = {
  queued: "clock",
  sending: "clock",
  sent: "check",
  delivered: "check-check",
  read: "check-check",
  unknown: "circle-help",
  failed: "circle-alert",
  blocked: "ban",
  canceled: "circle-x",
};

function timeAt(at) {
  const time = document.createElement("time");
  time.dateTime = at;
  time.dataset.show = "time";
  return time;
}

// Make a bubble for a message that is still on its way.
export function pendingBubble({ clientId, kind, body, name, me }) {
  const made = document.getElementById("pending").content.cloneNode(true).querySelector(".msg");
  const isNote = kind === "note";
  made.id = `m-${clientId}`;
  made.classList.add("is-pending");
  made.classList.toggle("msg-note", isNote);
  Object.assign(made.dataset, { id: "", author: me, who: name, seq: "", kind });
  made.dataset.at = String(Date.now() * 1000);
  const text = made.querySelector(".msg-words");
  text.textContent = body;
  text.hidden = !body;
  const time = made.querySelector("time");
  time.dateTime = new Date().toISOString();
  time.textContent = clockWords(Date.now());
  time.dataset.shown = "";
  if (isNote) made.querySelector(".tick")?.remove();
  return made;
}

function parse(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  return document.importNode(holder.content, true).querySelector(".msg, .act");
}

// Parse several items, leaving out those that stand there already.
function parseAll(html, known = null) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const content = document.importNode(holder.content, true);
  localise(content);
  const items = [...content.querySelectorAll(".msg, .act")];
  return known ? items.filter((one) => !known.querySelector(`#${CSS.escape(one.id)}`)) : items;
}

function focusOn(item) {
  item.tabIndex = -1;
  item.focus({ preventScroll: true });
}

function isUnsent(item) {
  return item.matches(".is-pending, .is-unsent");
}

// Messages by number; what happened after a message comes behind it; what is pending comes last.
function keyOf(item) {
  const seq = isUnsent(item) ? Infinity : Number(item.dataset.seq);
  return [seq, item.matches(".act") ? 1 : 0, Number(item.dataset.at)];
}

function later(one, other) {
  for (let i = 0; i < one.length; i += 1) if (one[i] !== other[i]) return one[i] > other[i];
  return false;
}

function sameVoice(one, other) {
  const { direction, author, kind, who } = one.dataset;
  const next = other.dataset;
  const isSame = direction === next.direction && author === next.author && kind === next.kind;
  return isSame && who === next.who;
}

function millis(item) {
  return Number(item.dataset.at) / 1000;
}

function line(kind, words) {
  const made = document.createElement("li");
  made.className = kind;
  made.textContent = words;
  return made;
}
