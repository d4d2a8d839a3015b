// How does the page come alive? It wires list, pane, line and keys together.

import { Apply } from "./apply.js";
import { Bulk } from "./bulk.js";
import { Gallery, copy } from "./dialogs.js";
import { Drafts } from "./drafts.js";
import { wireParts } from "./failed.js";
import { keepTime, localise } from "./fmt.js";
import { Filters } from "./filters.js";
import { Jump } from "./jump.js";
import { Keys } from "./keys.js";
import { Line } from "./line.js";
import { List } from "./list.js";
import { Notifier } from "./notify.js";
import { offer } from "./palette.js";
import { Pane } from "./pane.js";
import { Preferences } from "./preferences.js";
import { People } from "./people.js";
import { Presence } from "./presence.js";
import { Saved } from "./saved.js";
import { Stories } from "./stories.js";
import { Tally } from "./tally.js";
import { openBell, wireTaste } from "./taste.js";
import { wireTemplates } from "./templates.js";
import { lastUndo } from "./undos.js";
import { t } from "./words.js";
import { keepSubscription, startWorker } from "./worker.js";

const { dataset } = document.body;
const settings = {
  ...dataset,
  head: Number(dataset.head),
  preferences: new Preferences(),
  onUnread: (number) => page.notifier.badge(number),
  onRead: (id) => page.notifier.cancel(id),
  onChange: (wait) => page.tally.changed(wait),
  // What is written here counts before what the server has, until it has that too.
  hasDraft: (id, isSaved) => page.drafts.has(id) || (isSaved && !page.saved.isDirty(id)),
  onPaint: (row) => {
    page.bulk?.paint(row);
    page.people.paint(row);
  },
  onRows: (ids) => page.people.ask(ids),
  onPeople: (frame) => page.people.heard(frame),
  isSelecting: () => Boolean(page.bulk?.isOn),
  onState: (wanted) => page.filters?.show(wanted),
  fetchPart: (url) => page.pane.fetch(url),
};
const page = { drafts: new Drafts(settings.me), gallery: new Gallery() };
page.saved = new Saved(page.drafts, settings.draftUrl, {
  keep: (id) => page.pane.composer?.id === id && page.pane.composer.saveDraft(),
  changed: (id) => page.pane.draftChanged(id),
});
page.notifier = new Notifier(settings, {
  open: (id, url, inbox) =>
    inbox === settings.inbox ? page.pane.open(id, { url }) : location.assign(url),
  isWatched: (id) => page.pane.thread?.id === id && document.hasFocus(),
});
page.tally = new Tally(settings, {
  show: (numbers) => page.list.setCounts(numbers),
  showOldest: (at) => page.list.setOldest(at),
  unread: (ids) => page.list.setUnreadAfar(ids),
  unreadOf: (id, number) => page.list.setUnreadAtLeast(id, number),
  isUp: () => page.line.isUp,
});
page.people = new People(settings, {
  send: (frame) => page.line?.send(frame),
  changed: (id) => {
    const row = page.list.row(id);
    if (row) page.people.paint(row);
  },
});
page.list = new List(settings, (id, url) => page.pane.open(id, { url }));
page.presence = new Presence(settings, (frame) => page.line.send(frame));
page.stories = new Stories(page);
page.pane = new Pane(page, settings);
page.apply = new Apply(page, settings);
page.bulk = new Bulk(page, settings);
page.filters = new Filters(page.list, () => page.pane.sessionEnded());
page.jump = new Jump(page.pane);
page.reload = reload;
page.line = new Line(page, settings);

const { bulk, drafts, gallery, line, list, pane, saved, stories } = page;

// Too much was missed: fetch list and thread anew; drafts and the address stay.
// Answers whether they are there.
async function reload() {
  const isThere = await list.reload();
  return (await pane.again()) && isThere;
}

wireTemplates();

// --- what people click ---------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-story]");
  if (!form) return;
  event.preventDefault();
  stories.submitted(form, event.submitter);
});

// Selector of what was clicked, and what it does.
const CLICKS = {
  "[popover] [popovertarget]": (it) =>
    document.getElementById(it.getAttribute("popovertarget")).showPopover(),
  "[data-menu]": (it) =>
    document.getElementById(it.dataset.menu).showPopover({ source: it }),
  "[data-open]": (it) => pane.open(it.dataset.open, { url: it.href }),
  "#panel-toggle": () => pane.togglePanel(),
  "[data-close-panel]": () => pane.closePanel(),
  "[data-back]": () => pane.showList(),
  "[data-next]": () => pane.next(list.after(null)),
  "[data-dialog]": (it) => pane.openDialog(document.getElementById(it.dataset.dialog), it.href),
  "[data-copy]": (it) => copy(new URL(it.dataset.copy, location.href).href),
  "[data-copy-text]": (it) => copy(it.dataset.copyText),
  "[data-copy-quote]": (it) =>
    copy(it.closest("dialog").querySelector('[data-fill="text"]').textContent),
  ".photos [data-photo], .media [data-photo]": (it) => gallery.open(it),
  "[data-write-tag]": () => pane.writeTag(),
  "[data-send-from]": (it) => pane.composer?.submitFrom(it.dataset.sendFrom),
  "[data-agreed]": () => pane.noteConsent(),
  "[data-jump]": () => page.jump.open(),
  "#help": () => document.getElementById("keys").showModal(),
  "#bell": openBell,
  "dialog [data-close]": (it) => it.closest("dialog").close(),
};

document.addEventListener("click", (event) => {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  for (const [selector, act] of Object.entries(CLICKS)) {
    const found = event.target.closest(selector);
    if (found) {
      event.preventDefault();
      const menu = found.closest("[popover]");
      if (menu?.matches(":popover-open")) menu.hidePopover();
      act(found);
      return;
    }
  }
});

wireParts(list, () => pane.sessionEnded());

// htmx has put other rows, or more of them, into the list, and is done with their attributes.
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.target.closest("#list")) return;
  const before = list.query();
  list.swapped();
  if (list.head > line.sequence.last) line.catchUp();
  if (list.query() === before) return;
  const url = new URL(location.href);
  url.search = list.query();
  history.replaceState(history.state, "", url);
});

// --- keys ----------------------------------------------------------------------------------------

const press = (selector) => () => document.querySelector(selector)?.click();
// A key acts on what is chosen in the list; if nothing is, on what is open.
const onChosen = (act, otherwise) => () => bulk.takes(act) || onOpen(otherwise)();
// While another conversation is on its way, nothing is done to the one that still stands there.
const onOpen = (act) => () => pane.isComing || act();

function back() {
  if (bulk.isOn) bulk.end();
  else if (dataset.pane === "panel") pane.closePanel();
  else if (pane.thread) pane.showList();
}

new Keys(settings.preferences, {
  next: () => list.step(1),
  previous: () => list.step(-1),
  open: () => document.activeElement?.closest(".row-link")?.click(),
  back,
  reply: onOpen(() => pane.composer?.setMode("reply")),
  note: onOpen(() => pane.composer?.setMode("note")),
  claim: onChosen("claim", press('#desk [data-story="claim"] button')),
  transfer: onChosen("transfer", press('#desk [data-dialog="transfer-dialog"]')),
  close: onChosen("close", press("#close-button")),
  closeAndNext: onOpen(() => stories.close({ and_next: "1" })),
  snooze: onChosen("snooze", press('#desk [popovertarget="snooze-menu"]')),
  promise: onOpen(press('#desk [popovertarget="promise-menu"]')),
  jump: onOpen(() => page.jump.open()),
  undo: () => stories.undoLast(),
  unread: onChosen("unread", press('#desk [data-story="unread"] button')),
  mute: onOpen(press('#desk [data-story="mute"] button')),
  tag: onChosen("tag", () => pane.writeTag()),
  select: () => bulk.toggle(),
  selectTo: () => bulk.toggle({ isRange: true }),
  panel: onOpen(() => pane.togglePanel()),
  filter: press("#filter-button"),
  search: () => document.getElementById("find").focus(),
  help: () => document.getElementById("keys").showModal(),
  mine: press('#chips [data-view="mine"]'),
  unassigned: press('#chips [data-view="unassigned"]'),
  longest: press('#chips [data-view="waiting"]'),
  mentions: press('#chips [data-view="mentions"]'),
  snoozed: press('#chips [data-view="snoozed"]'),
  closed: press('#chips [data-view="closed"]'),
  everything: press('#chips [data-view="open"]'),
});

const hasRows = () => document.querySelector("#rows-box .row-link") !== null;
offer([
  { name: t("next_row"), keys: "j", isPossible: hasRows, run: () => list.step(1) },
  {
    get name() {
      return t("undo_last", { words: lastUndo()?.words ?? "" });
    },
    keys: "Shift+Z",
    isPossible: () => lastUndo() !== null,
    run: () => stories.undoLast(),
  },
  { name: t("previous_row"), keys: "k", isPossible: hasRows, run: () => list.step(-1) },
]);

// --- begin ---------------------------------------------------------------------------------------

for (const id of [...drafts.conversations(), ...drafts.unsent()]) list.setDraft(id, true);
saved.start();
wireTaste(settings.preferences, () => pane.composer?.changed());
localise(document);
keepTime();
pane.adopt();
if (pane.thread && dataset.pane === "thread") pane.showPanelFor(pane.thread.id);
settings.onUnread(list.unreadNumber);
line.open();
dataset.ready = "true";
// A notice that was clicked leads here.
navigator.serviceWorker?.addEventListener("message", ({ data }) => {
  if (data?.type !== "open" || !data.url?.startsWith("/inbox/")) return;
  const [, slug, id] = data.url.match(/^\/inbox\/([^/]+)\/c\/([^/]+)\//) ?? [];
  if (slug === settings.slug) pane.open(id, { url: data.url });
  else location.assign(data.url);
});
startWorker().then(keepSubscription);
