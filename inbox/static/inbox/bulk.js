// Which conversations are chosen, and what becomes of all of them at once?

import { instantOf } from "./fmt.js";
import { SessionEndedError, newClientId, postJson } from "./http.js";
import { say, toast } from "./speak.js";
import { forget, remember } from "./undos.js";
import { t } from "./words.js";

const MOST = 100;
const QUIET_MS = 500;
// These ask something first; the others are done at once.
const ASKED = { close: "bulk-close", snooze: "bulk-snooze", tag: "bulk-tag", priority: "bulk-priority" };

export class Bulk {
  // `page`: list, pane.
  constructor(page, settings) {
    this.page = page;
    this.settings = settings;
    this.nav = document.getElementById("list");
    this.bar = document.getElementById("bulk");
    // From the id of what is chosen to the name its row showed.
    this.chosen = new Map();
    this.isStarted = false;
    this.anchor = null;
    this.isBusy = false;
    this.begin = document.getElementById("bulk-begin");
    this.begin.hidden = false;
    this.nav.classList.add("can-select");
    this.listen();
    for (const row of page.list.rows.querySelectorAll(".row")) this.paint(row);
  }

  listen() {
    this.begin.addEventListener("click", () => this.start());
    this.nav.addEventListener("click", (event) => this.clicked(event), true);
    this.nav.addEventListener("change", (event) => this.ticked(event));
    this.bar.addEventListener("click", (event) => this.pressed(event));
    this.bar.addEventListener("keydown", (event) => this.walked(event));
    document.addEventListener("submit", (event) => this.submitted(event));
    document.getElementById("bulk-result").addEventListener("click", (event) => {
      if (event.target.closest("a")) event.currentTarget.close();
    });
    const changes = { childList: true, subtree: true, attributeFilter: ["class"] };
    new MutationObserver(() => this.sync()).observe(this.nav, changes);
  }

  // --- choosing ---

  // Rows are being chosen: some are, or it was asked for.
  get isOn() {
    return this.isStarted || this.chosen.size > 0;
  }

  start() {
    this.isStarted = true;
    this.show();
    this.buttons[0].focus();
  }

  // Let go of everything that is chosen.
  end() {
    this.chosen.clear();
    this.isStarted = false;
    this.anchor = null;
    this.show();
  }

  focusRow() {
    const { rows } = this.page.list;
    (rows.querySelector(".row:not(.is-leaving) .row-link") ?? this.nav).focus();
  }

  // Shift and a click choose all rows from the last one chosen to this one.
  clicked(event) {
    const row = event.target.closest("#rows .row");
    if (!row) return;
    if (event.target.closest(".row-pick")) this.isRange ||= event.shiftKey;
    else if (this.isOn && event.shiftKey && event.button === 0) {
      event.preventDefault();
      event.stopPropagation();
      this.pick(row, true, true);
    }
  }

  ticked(event) {
    if (!event.target.matches(".row-check")) return;
    const isRange = this.isRange;
    this.isRange = false;
    this.pick(event.target.closest(".row"), event.target.checked, isRange);
  }

  // The row where the keyboard is, else the open one.
  toggle({ isRange = false } = {}) {
    const { list } = this.page;
    const focused = document.activeElement?.closest("#rows .row");
    const row = focused ?? list.rows.querySelector(".row.is-open");
    if (row) this.pick(row, isRange || !this.chosen.has(row.dataset.id), isRange);
  }

  all() {
    this.set(this.shown, true);
    this.show();
  }

  get shown() {
    return [...this.page.list.rows.querySelectorAll(".row:not(.is-leaving)")];
  }

  pick(row, isWanted, isRange) {
    this.set(isRange ? this.between(row) : [row], isWanted);
    this.anchor = row.dataset.id;
    this.show();
  }

  between(row) {
    const { shown } = this;
    const here = shown.indexOf(row);
    const there = shown.findIndex((one) => one.dataset.id === this.anchor);
    if (here < 0 || there < 0) return [row];
    return shown.slice(Math.min(here, there), Math.max(here, there) + 1);
  }

  set(rows, isWanted) {
    for (const { dataset } of rows) {
      if (!isWanted) this.chosen.delete(dataset.id);
      else if (this.chosen.size < MOST) this.chosen.set(dataset.id, dataset.name);
    }
    const isFull = isWanted && !rows.every((row) => this.chosen.has(row.dataset.id));
    if (isFull) toast(t("chosen_full", { number: MOST }), { about: "bulk-full" });
  }

  // What left the list, or is on its way out, is not chosen any more.
  sync() {
    const before = this.chosen.size;
    for (const id of this.chosen.keys()) {
      const row = this.page.list.row(id);
      if (!row || row.classList.contains("is-leaving")) this.chosen.delete(id);
    }
    if (this.chosen.size !== before) this.show();
  }

  // --- what is seen of it ---

  paint(row) {
    const box = row.querySelector(".row-check");
    if (box) box.checked = this.chosen.has(row.dataset.id);
  }

  show() {
    const number = this.chosen.size;
    const wasOn = !this.bar.hidden;
    const hadFocus = this.bar.contains(document.activeElement);
    for (const row of this.page.list.rows.querySelectorAll(".row")) this.paint(row);
    this.nav.classList.toggle("is-selecting", this.isOn);
    this.bar.hidden = !this.isOn;
    this.begin.hidden = this.isOn;
    document.getElementById("bulk-number").textContent = t("chosen", { number });
    for (const button of this.bar.querySelectorAll(".bulk-acts button")) {
      button.disabled = number === 0;
    }
    this.bar.querySelector('[data-bulk="reopen"]').hidden = !this.hasClosed;
    this.rove(this.buttons.find((one) => one.tabIndex === 0) ?? this.buttons[0]);
    this.tellSoon();
    if (!wasOn || this.isOn) return;
    if (hadFocus) this.focusRow();
    this.page.list.settle();
  }

  get hasClosed() {
    const { list } = this.page;
    const isClosed = (id) => list.row(id)?.dataset.status === "closed";
    return list.state.view === "closed" || [...this.chosen.keys()].some(isClosed);
  }

  // However many rows a key or a click takes, one sentence says how many there are.
  tellSoon() {
    clearTimeout(this.telling);
    const number = this.chosen.size;
    if (number === this.told) return;
    this.telling = setTimeout(() => {
      this.told = number;
      if (this.isOn) say(t("chosen", { number }));
    }, QUIET_MS);
  }

  // --- the bar: one stop of the Tab key, arrows inside ---

  get buttons() {
    return [...this.bar.querySelectorAll("button:not(:disabled, [hidden])")];
  }

  rove(to) {
    for (const one of this.bar.querySelectorAll("button")) one.tabIndex = one === to ? 0 : -1;
  }

  walked(event) {
    const { buttons } = this;
    const here = buttons.indexOf(document.activeElement);
    const isRtl = getComputedStyle(this.bar).direction === "rtl";
    const step = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1 }[event.key];
    const goal = { Home: 0, End: buttons.length - 1 }[event.key];
    if (event.key === "Escape") this.end();
    else if (step || goal !== undefined) {
      const next = buttons[goal ?? (here + step + buttons.length) % buttons.length];
      this.rove(next);
      next.focus();
    } else return;
    event.preventDefault();
  }

  pressed(event) {
    const act = event.target.closest("[data-bulk]")?.dataset.bulk;
    if (act === "all") this.all();
    else if (act === "end") this.end();
    else if (act) this.takes(act);
  }

  // --- acting ---

  // Do this to what is chosen. Answers whether anything is.
  takes(act) {
    if (!this.chosen.size) return false;
    if (this.isBusy) return true;
    // A dialog lies over the rows: what they show from now on was not seen.
    this.seen = this.seenNow(this.chosen.keys());
    if (act === "transfer") this.askWhom();
    else if (ASKED[act]) this.ask(document.getElementById(ASKED[act]));
    else this.order(act);
    return true;
  }

  askWhom() {
    const dialog = document.getElementById("bulk-transfer");
    this.fill(dialog);
    this.page.pane.openDialog(dialog, this.settings.targetsUrl);
  }

  ask(dialog) {
    for (const form of dialog.querySelectorAll("form")) form.reset();
    this.fill(dialog);
    dialog.showModal();
  }

  fill(dialog) {
    const number = this.chosen.size;
    dialog.querySelector("[data-bulk-number]").textContent = t("chosen", { number });
    const waiting = dialog.querySelector("[data-bulk-waiting]");
    if (waiting) {
      const waits = [...this.chosen.keys()].filter((id) => isWaiting(this.page.list.row(id))).length;
      waiting.hidden = waits === 0;
      const words = t("close_waiting", { number: waits });
      dialog.querySelector("[data-bulk-waiting-words]").textContent = words;
    }
    const known = dialog.querySelector("datalist");
    if (known) known.replaceChildren(...this.tags().map((tag) => new Option(tag)));
  }

  // The tags that the chosen rows show.
  tags() {
    const rows = [...this.chosen.keys()].map((id) => this.page.list.row(id));
    const places = rows.flatMap((row) => [...(row?.querySelectorAll(".tag-label") ?? [])]);
    return [...new Set(places.map((place) => place.textContent))];
  }

  submitted(event) {
    const form = event.target.closest("form[data-bulk-form]");
    if (!form) return;
    event.preventDefault();
    const { act = form.dataset.bulkForm, ...facts } = said(form, event.submitter);
    if (facts.until) facts.until = instantOf(facts.until);
    form.closest("dialog").close();
    this.order(act, facts);
  }

  order(act, facts = {}) {
    this.send(act, facts, new Map(this.chosen), () => this.end(), this.seen);
  }

  // Up to which number each row shows what its customer wrote.
  seenNow(ids) {
    const { list } = this.page;
    return new Map([...ids].map((id) => [id, Number(list.row(id)?.dataset.inbound ?? 0)]));
  }

  // Ask for one thing to be done to all of these. `id` makes a repeat do nothing twice.
  async send(act, facts, names, done = () => undefined, seen = this.seenNow(names.keys())) {
    const items = [...names.keys()].map((id) => ({ id, seen: seen.get(id) ?? 0 }));
    const wish = { act, ...facts, items, client_id: newClientId() };
    const ask = async () => {
      if (this.isBusy) return;
      const answer = await this.post(wish, ask);
      if (!answer) return;
      done();
      this.tell(wish, answer.body, names);
    };
    await ask();
  }

  // Post; the answer, or nothing where there is none and the reader has heard why.
  async post(wish, again) {
    this.busy(true);
    let answer;
    try {
      answer = await postJson(this.settings.bulkUrl, wish);
    } catch (error) {
      this.failed(error, again);
    }
    this.busy(false);
    if (answer?.ok) return answer;
    if (answer) toast(answer.body.detail ?? t("not_done"), { isError: true, about: "bulk" });
    return null;
  }

  busy(isBusy) {
    this.isBusy = isBusy;
    this.bar.setAttribute("aria-busy", String(isBusy));
    this.show();
  }

  failed(error, again) {
    if (error instanceof SessionEndedError) this.page.pane.sessionEnded();
    else {
      const retry = again ? { label: t("retry"), action: again } : {};
      toast(t("bulk_no_network"), { isError: true, about: "bulk", ...retry });
    }
  }

  // --- what came of it ---

  tell(wish, { message, results, undo }, names) {
    const refused = results.filter((one) => !one.ok);
    this.mark(wish.act, results);
    const takeBack = undo && (() => this.takeBack(undo, names));
    if (undo) remember({ bulk: undo, words: message });
    const also = refused.length
      ? [{ label: t("show_which"), action: () => this.showRefused(message, refused, names, takeBack) }]
      : [];
    toast(message, {
      about: "bulk",
      isError: refused.length > 0,
      also,
      ...(takeBack && { label: t("undo"), action: takeBack }),
    });
    this.page.pane.refreshDeskSoon();
  }

  takeBack({ act, ids, tag }, names = new Map()) {
    forget();
    const nameOf = (id) => names.get(id) ?? this.page.list.row(id)?.dataset.name ?? t("a_conversation");
    this.send(act, { tag }, new Map(ids.map((id) => [id, nameOf(id)])));
  }

  // What only this reader sees of it.
  mark(act, results) {
    if (act !== "read" && act !== "unread") return;
    const { list, pane } = this.page;
    for (const { id, ok } of results) {
      if (!ok) continue;
      list.setUnread(id, act === "read" ? 0 : 1);
      if (act === "unread" && pane.thread?.id === id) pane.thread.isUnread = true;
    }
  }

  showRefused(message, refused, names, takeBack) {
    const dialog = document.getElementById("bulk-result");
    document.getElementById("bulk-result-title").textContent = message;
    const items = refused.map((one) => this.item(one, names.get(one.id)));
    document.getElementById("bulk-refused").replaceChildren(...items);
    const undo = dialog.querySelector("[data-bulk-undo]");
    undo.hidden = !takeBack;
    undo.onclick = () => {
      dialog.close();
      takeBack();
    };
    dialog.showModal();
  }

  item({ id, detail }, name) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${this.settings.inboxUrl}c/${encodeURIComponent(id)}/`;
    link.dataset.open = id;
    link.dir = "auto";
    link.textContent = name;
    const why = document.createElement("span");
    why.textContent = detail;
    item.append(link, why);
    return item;
  }
}

function isWaiting(row) {
  return Boolean(row?.querySelector("[data-waiting]"));
}

function said(form, submitter) {
  return Object.fromEntries([...new FormData(form, submitter)].filter(([, value]) => value.trim()));
}
