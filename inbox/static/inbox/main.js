// How does the page come alive? It wires list, thread, composer, socket and keys together.

import { Idiomorph } from "../vendor/idiomorph.esm.js";
import { Apply } from "./apply.js";
import { Composer } from "./composer.js";
import { Gallery, ask, copy, openPart } from "./dialogs.js";
import { Drafts } from "./drafts.js";
import { clockWords, keepTime, localise } from "./fmt.js";
import { SessionEndedError, getJson, getPart, post } from "./http.js";
import { Keys } from "./keys.js";
import { showKept } from "./kept.js";
import { List } from "./list.js";
import { Notifier } from "./notify.js";
import { Preferences } from "./preferences.js";
import { Presence } from "./presence.js";
import { Sequence } from "./sequence.js";
import { ENDED, Socket } from "./socket.js";
import { alarm, say, toast } from "./speak.js";
import { Thread } from "./thread.js";
import { t } from "./words.js";

const DESK_MS = 300;
const WIDE = matchMedia("(width >= 900px)");
const ROOMY = matchMedia("(width >= 1200px)");

const body = document.body;
const main = document.getElementById("thread");
const aside = document.getElementById("panel");

const settings = {
  me: body.dataset.me,
  myName: body.dataset.myName,
  inbox: body.dataset.inbox,
  inboxUrl: body.dataset.inboxUrl,
  countsUrl: body.dataset.countsUrl,
  preferences: new Preferences(),
  onUnread: (unread) => notifier.badge(unread.size),
};

let thread = null;
let composer = null;
let deskTimer = 0;
let missedTimer = 0;
let liveAt = Date.now();
let isSessionOver = false;
let build = "";

const drafts = new Drafts(settings.me);
const gallery = new Gallery();
const notifier = new Notifier(settings, (id) => open(id));
const list = new List(settings, (id, url) => open(id, { url }));
const presence = new Presence(settings, (frame) => socket.send(frame));
const page = {
  list,
  notifier,
  thread: () => thread,
  header: showHeader,
  desk: refreshDeskSoon,
  panel: () => refreshPanel(),
  missed: loadMissedSoon,
  lost: () => showLost(),
  regained: (id) => main.querySelector("#handled")?.dataset.id === id && open(id, { isAgain: true }),
};
const apply = new Apply(page, settings);
const sequence = new Sequence(Number(body.dataset.head), {
  apply: (frame) => apply.event(frame),
  leave: (id) => apply.left(id),
  reset: () => reload(),
  counts: (counts) => list.setCounts(counts),
  fetchEvents,
  fetchSeqs: (after) => ours(`${body.dataset.eventsUrl}?after=${after}&confirm=1`),
  later: (fn, ms) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
});
const socketUrl = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1/`;
const socket = new Socket(socketUrl, {
  frame: heard,
  hello: greeted,
  state: showState,
  ended,
  poll: () => sequence.catchUp(),
});

// --- the line ----------------------------------------------------------------------------------

function heard(frame) {
  if (frame.seq !== undefined) {
    if (frame.inbox === settings.inbox) sequence.take(frame);
    return;
  }
  const handle = {
    subscribed: () => frame.head > sequence.last && sequence.catchUp(),
    typing: () => presence.heard(frame),
    presence: () => presence.heard(frame),
    counts: () => list.setCounts(frame.data),
    "counts.mine": () => list.setCounts(frame.data),
    "counts.team": () => list.setCounts(frame.data),
    read: () => readElsewhere(frame.data),
    "access.changed": () => sequence.catchUp(),
    "access.revoked": () => location.assign(body.dataset.homeUrl),
  }[frame.type];
  handle?.();
}

function greeted(frame) {
  if (build && frame.build !== build) offerReload();
  build = frame.build;
  socket.send({ type: "subscribe", inbox: settings.inbox, after: sequence.last });
  presence.refresh();
  composer?.retryFresh();
}

function showState(state) {
  const place = document.getElementById("connection");
  if (!place || place.dataset.state === state) return;
  if (place.dataset.state === "live" || state === "live") liveAt = Date.now();
  const was = place.dataset.state;
  place.dataset.state = state;
  const time = clockWords(liveAt);
  document.getElementById("connection-words").textContent = t(`line_${state}`, { time });
  if (state === "offline") say(t("line_offline", { time }));
  if (state === "live" && was === "offline") say(t("line_live"));
}

function ended(code) {
  if (code === ENDED.SESSION) sessionEnded();
  else if (code === ENDED.ACCESS) location.assign(body.dataset.homeUrl);
  else if (code === ENDED.PROTOCOL) offerReload();
  else if (code === ENDED.TOO_MANY) toast(t("too_many_tabs"), { isError: true });
}

function sessionEnded() {
  if (isSessionOver) return;
  isSessionOver = true;
  composer?.saveDraft();
  const next = encodeURIComponent(location.pathname + location.search);
  const login = `${body.dataset.loginUrl}?next=${next}`;
  ask("session").then(() => location.assign(login));
}

function offerReload() {
  const isIdle = document.hidden && (!composer || composer.isBlank);
  if (isIdle) location.reload();
  else toast(t("new_version"), { isError: true, label: t("reload"), action: () => location.reload() });
}

// Fetch JSON of ours, or throw; a final error is not worth another try.
async function ours(url, tag = "") {
  try {
    const answer = await getJson(url, tag);
    if (answer.ok) return answer.body;
    if (answer.status === 304) return null;
    throw Object.assign(new Error(answer.status), { isFinal: answer.status === 404 });
  } catch (error) {
    if (error instanceof SessionEndedError) {
      sessionEnded();
      throw Object.assign(error, { isFinal: true });
    }
    throw error;
  }
}

function fetchEvents(after) {
  const query = new URLSearchParams({ after, open: thread?.id ?? "" });
  return ours(`${body.dataset.eventsUrl}?${query}`);
}

// Too much was missed: fetch list and thread anew; drafts and the address stay.
async function reload() {
  await list.reload();
  if (thread) await open(thread.id, { isAgain: true });
}

async function loadMissed() {
  if (thread && !thread.hasLater) await thread.loadLater();
}

function loadMissedSoon() {
  clearTimeout(missedTimer);
  missedTimer = setTimeout(loadMissed, DESK_MS);
}

function readElsewhere({ conversation, last_read_seq: seq }) {
  const inbound = Number(list.row(conversation)?.dataset.inbound ?? 0);
  list.setUnread(conversation, seq >= inbound ? 0 : 1);
}

// --- the open conversation -----------------------------------------------------------------------

function settle() {
  localise(main);
  const box = main.querySelector("#thread-box");
  thread?.close();
  composer?.close();
  thread = box ? new Thread(box, settings, threadEvents) : null;
  composer = box
    ? new Composer(box.querySelector("#composer"), thread, settings, drafts, composerEvents)
    : null;
  if (thread) {
    presence.look(thread.id);
    notifier.forget(thread.id);
    notifier.setTitle(`${box.dataset.title} · ${body.dataset.inboxName}`);
  } else {
    presence.look(null);
    notifier.setTitle(body.dataset.inboxName);
  }
  list.mark(thread?.id ?? main.querySelector("#handled")?.dataset.id ?? null);
}

const threadEvents = {
  read: (id) => list.setUnread(id, 0),
  photo: (link) => gallery.open(link),
  press: (url) => story(url, {}),
};

const composerEvents = {
  typing: (mode, isOn) => presence.typing(mode, isOn),
  draft: (id, isThere) => list.setDraft(id, isThere),
  ask: (kind, facts) => ask(kind, facts),
  desk: () => refreshDeskSoon(),
  lost: () => refreshThread(),
  close: () => closeNow(false),
  sessionEnded,
};

function addressOf(name, id) {
  return body.dataset[name].replace("CID", encodeURIComponent(id));
}

// Open a conversation: fetch its pane, show it, and give it its address.
async function open(id, { url = "", isAgain = false, isBack = false, found = "" } = {}) {
  const query = found ? `?m=${encodeURIComponent(found)}` : "";
  let answer;
  try {
    answer = await getPart(addressOf("threadUrl", id) + query);
  } catch (error) {
    if (error instanceof SessionEndedError) return sessionEnded();
    return toast(t("not_loaded"), { isError: true, label: t("retry"), action: () => open(id, { url }) });
  }
  if (answer.status >= 500 || answer.status === 403) {
    return toast(t("not_loaded"), { isError: true, label: t("retry"), action: () => open(id, { url }) });
  }
  showThread(id, answer);
  const address = main.querySelector("#thread-box")?.dataset.url ?? url;
  if (!isAgain && !isBack && address) go(address, "thread");
  else if (!isAgain) setPane("thread");
  showPanelFor(id);
  if (!isAgain) main.querySelector("#thread-title, #handled-title")?.focus({ preventScroll: true });
  return undefined;
}

function showThread(id, answer) {
  composer?.close();
  thread?.close();
  thread = composer = null;
  if (answer.status === 404 && !answer.text.includes('id="handled"')) {
    main.innerHTML = document.getElementById("gone").innerHTML;
  } else main.innerHTML = answer.text;
  settle();
  if (answer.status === 404) showKeptDraft(id);
}

async function refreshThread() {
  if (thread) await open(thread.id, { isAgain: true });
}

// It is not mine to see any more: nothing of it stays, the server says who has it.
async function showLost() {
  const { id } = thread;
  composer.close();
  thread.close();
  thread = composer = null;
  aside.replaceChildren();
  main.innerHTML = document.getElementById("gone").innerHTML;
  await open(id, { isAgain: true });
  const title = main.querySelector("#handled-title");
  title?.focus();
  if (title) say(title.textContent);
}

function showKeptDraft(id) {
  list.mark(null);
  const box = main.querySelector("#handled");
  if (!box) return;
  box.dataset.id = id;
  showKept(box, id, drafts, () => list.setDraft(id, false));
}

function showHeader(html) {
  const header = main.querySelector("#header");
  if (!header) return;
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  const fresh = document.importNode(holder.content, true);
  localise(fresh);
  Idiomorph.morph(header, fresh.firstElementChild.outerHTML, { morphStyle: "outerHTML" });
}

// --- buttons, banner, panel ------------------------------------------------------------------------

function refreshDeskSoon() {
  clearTimeout(deskTimer);
  deskTimer = setTimeout(refreshDesk, DESK_MS);
}

async function refreshDesk() {
  const shown = thread;
  if (!shown) return;
  let answer;
  try {
    answer = await getPart(shown.box.dataset.deskUrl);
  } catch {
    return;
  }
  if (thread !== shown || !answer.ok) return;
  const desk = shown.box.querySelector("#desk");
  if (desk.querySelector(":popover-open")) {
    desk.addEventListener("toggle", refreshDeskSoon, { capture: true, once: true });
    return;
  }
  const holder = document.createElement("template");
  holder.innerHTML = answer.text;
  const fresh = document.importNode(holder.content, true);
  localise(fresh);
  for (const id of ["desk", "banner"]) {
    const part = fresh.querySelector(`#${id}`);
    const known = shown.box.querySelector(`#${id}`);
    if (part && known && part.outerHTML !== known.outerHTML) {
      Idiomorph.morph(known, part.outerHTML, { morphStyle: "outerHTML" });
    }
  }
  composer?.setDesk();
}

function showPanelFor(id) {
  const isWanted = settings.preferences.get("panel") !== "off";
  if (body.dataset.pane === "panel") return;
  if (thread && ROOMY.matches && isWanted) loadPanel(id);
  else aside.replaceChildren();
}

async function loadPanel(id) {
  const answer = await getPart(addressOf("panelUrl", id));
  if (!answer.ok || thread?.id !== id) return;
  localiseInto(aside, answer.text);
}

function localiseInto(place, html) {
  place.innerHTML = html;
  localise(place);
  window.htmx?.process(place);
}

function refreshPanel() {
  if (aside.firstElementChild && thread) loadPanel(thread.id);
}

async function togglePanel() {
  if (!thread) return;
  if (!WIDE.matches) {
    await loadPanel(thread.id);
    go(thread.box.dataset.panelUrl, "panel");
    aside.focus();
    return;
  }
  if (aside.firstElementChild) closePanel();
  else {
    settings.preferences.set("panel", "on");
    await loadPanel(thread.id);
    aside.focus();
  }
}

function closePanel() {
  if (body.dataset.pane === "panel") {
    if (thread) go(thread.box.dataset.url, "thread");
  } else settings.preferences.set("panel", "off");
  aside.replaceChildren();
  main.querySelector("#panel-toggle")?.focus();
}

// --- stories: what buttons do ------------------------------------------------------------------------

// Post one story; show what came of it. Answers whether it was done.
async function story(url, data, { again = null } = {}) {
  let answer;
  try {
    answer = await post(url, data);
  } catch (error) {
    if (error instanceof SessionEndedError) sessionEnded();
    else toast(t("no_network"), { isError: true });
    return false;
  }
  if (answer.ok) {
    const { message, undo } = answer.body;
    if (message) toast(message, undo ? { label: t("undo"), action: () => undone(undo) } : {});
    refreshDeskSoon();
    return true;
  }
  return refused(answer, again);
}

async function undone(url) {
  const id = url.split("/")[2];
  if ((await story(url, {})) && thread?.id !== id) await open(id);
}

// Say why not. Answers whether it was done after all, because the reader insisted.
async function refused({ status, body: no }, again) {
  if (status === 404) showGone();
  else if (no.code === "still_waiting" && again) {
    return (await ask("waiting")) === "close" && again({ waiting_ok: "1" });
  } else if (no.code === "target_unavailable" && offerAway(no.detail)) alarm(no.detail);
  else {
    toast(no.detail ?? t("not_done"), { isError: true });
    if (no.code === "unseen_messages") thread?.toNewest();
    if (no.code === "claimed_by_other") await refreshThread();
    else refreshDeskSoon();
  }
  return false;
}

// The person to transfer to is away: the form asks for a tick. Answers whether it is there.
function offerAway(words) {
  const place = document.getElementById("transfer-confirm");
  if (!place) return false;
  place.hidden = false;
  document.getElementById("transfer-confirm-words").textContent = words;
  place.querySelector("input").focus();
  return true;
}

function showGone() {
  toast(t("gone"), { isError: true });
  refreshThread();
}

async function submitted(form, submitter) {
  const name = form.dataset.story;
  const data = Object.fromEntries(new FormData(form, submitter));
  delete data.csrfmiddlewaretoken;
  if (name === "close") return closeNow(Boolean(data.and_next), data);
  if (data.until) data.until = new Date(data.until).toISOString();
  form.closest("[popover]")?.hidePopover();
  const isDone = await story(form.action, data);
  if (!isDone) return undefined;
  form.closest("dialog")?.close();
  if (name === "rename") refreshPanel();
  if (name === "unread") markedUnread();
  return undefined;
}

// Close what is open, and go on to the next one if that is wanted.
async function closeNow(andNext, data = {}) {
  if (!thread) return;
  const { id } = thread;
  const form = main.querySelector("#close-menu form");
  if (!form) return;
  main.querySelector("#close-menu").matches(":popover-open") &&
    main.querySelector("#close-menu").hidePopover();
  const next = andNext ? list.after(id) : null;
  const facts = { ...data, last_seen_seq: thread.lastInboundSeq };
  const again = (more) => story(form.action, { ...facts, ...more });
  const isDone = await story(form.action, facts, { again });
  if (isDone && andNext) goNext(next);
}

function goNext(link) {
  if (link?.isConnected) open(link.closest(".row").dataset.id, { url: link.href });
  else showList();
}

function markedUnread() {
  if (!thread) return;
  thread.isUnread = true;
  list.setUnread(thread.id, 1);
  if (!WIDE.matches) showList();
}

// --- addresses ---------------------------------------------------------------------------------------

function setPane(pane) {
  body.dataset.pane = pane;
}

function go(address, pane) {
  const url = new URL(address, location.href);
  if (!url.search && pane !== "panel") url.search = listQuery();
  if (url.href !== location.href) history.pushState({ pane }, "", url);
  setPane(pane);
}

function listQuery() {
  const { view, words, owner } = list.state;
  const query = new URLSearchParams();
  if (view !== "open") query.set("view", view);
  if (words) query.set("q", words);
  if (owner) query.set("owner", owner);
  return query.toString();
}

function showList() {
  composer?.close();
  thread?.close();
  thread = composer = null;
  const { openId } = list;
  main.innerHTML = document.getElementById("nothing").innerHTML;
  aside.replaceChildren();
  settle();
  go(settings.inboxUrl, "list");
  list.row(openId)?.querySelector("a")?.focus();
}

addEventListener("popstate", () => {
  const found = location.pathname.match(/\/c\/([^/]+)\/(panel\/)?$/);
  if (!found) {
    setPane("list");
    if (thread || main.querySelector("#handled")) {
      composer?.close();
      thread?.close();
      thread = composer = null;
      main.innerHTML = document.getElementById("nothing").innerHTML;
      aside.replaceChildren();
      settle();
    }
  } else if (found[2]) {
    setPane("panel");
    loadPanel(found[1]);
  } else if (thread?.id === found[1]) setPane("thread");
  else open(found[1], { isBack: true });
});

// --- what people click -------------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-story]");
  if (form) {
    event.preventDefault();
    submitted(form, event.submitter);
  } else if (event.target.id === "log-out") composer?.saveDraft();
});

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const opener = on("[popover] [popovertarget]");
  if (opener) return take(event, () => document.getElementById(opener.getAttribute("popovertarget")).showPopover());
  const link = on("[data-open]");
  if (link) return take(event, () => open(link.dataset.open, { url: link.href }));
  if (on("#panel-toggle")) return take(event, togglePanel);
  if (on("[data-close-panel]")) return take(event, closePanel);
  if (on("[data-back]")) return take(event, showList);
  if (on("[data-next]")) return take(event, () => goNext(list.after(null)));
  const part = on("[data-dialog]");
  if (part) return take(event, () => openPart(document.getElementById(part.dataset.dialog), part.href));
  const address = on("[data-copy]");
  if (address) return take(event, () => copy(new URL(address.dataset.copy, location.href).href));
  const quote = on("[data-copy-quote]");
  if (quote) return copy(quote.closest("dialog").querySelector('[data-fill="text"]').textContent);
  const words = on("[data-copy-text]");
  if (words) return take(event, () => copy(words.dataset.copyText));
  const photo = on(".photos [data-photo]");
  if (photo) return take(event, () => gallery.open(photo));
  if (on("#help")) return take(event, () => document.getElementById("keys").showModal());
  if (on("#bell")) return take(event, showBell);
  if (on("dialog [data-close]")) return take(event, () => on("dialog").close());
  return undefined;
});

function take(event, act) {
  event.preventDefault();
  const menu = event.target.closest("[popover]");
  if (menu?.matches(":popover-open")) menu.hidePopover();
  act();
}

// htmx has put other rows, or more of them, into the list.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.closest?.("#list") || event.detail.elt?.closest?.("#list")) listChanged();
});

function listChanged() {
  const before = JSON.stringify(list.state);
  list.swapped();
  sequence.last >= Number(list.box.dataset.head ?? 0) || sequence.catchUp();
  if (before === JSON.stringify(list.state)) return;
  const url = new URL(location.href);
  url.search = listQuery();
  history.replaceState(history.state, "", url);
}

// --- choices of this browser ---------------------------------------------------------------------------

function showBell() {
  const dialog = document.getElementById("notifications");
  const isDenied = "Notification" in window && Notification.permission === "denied";
  dialog.querySelector("#bell-denied").hidden = !isDenied;
  dialog.showModal();
}

function wirePreferences() {
  const { preferences } = settings;
  for (const box of document.querySelectorAll("[data-preference]")) {
    const { preference, on, off } = box.dataset;
    const isByDefault = box.dataset.default === "on";
    const value = preferences.get(preference);
    box.checked = value ? value === on : isByDefault;
    box.addEventListener("change", async () => {
      if (preference === "desktop" && box.checked) box.checked = await mayNotify();
      preferences.set(preference, box.checked ? on : off);
      composer?.changed();
      showBellState();
    });
  }
  showBellState();
}

// The browser's own question comes only after a click here.
async function mayNotify() {
  if (!("Notification" in window)) return false;
  const answer = await Notification.requestPermission();
  document.getElementById("bell-denied").hidden = answer !== "denied";
  return answer === "granted";
}

function showBellState() {
  const { preferences } = settings;
  const isOn = preferences.get("desktop") === "on" || preferences.get("sound") === "on";
  document.getElementById("bell").dataset.on = String(isOn);
}

// --- keys ----------------------------------------------------------------------------------------------

const press = (selector) => () => document.querySelector(selector)?.click();

new Keys(settings.preferences, {
  next: () => list.step(1),
  previous: () => list.step(-1),
  open: () => document.activeElement?.closest?.(".row-link")?.click(),
  back: () => (body.dataset.pane === "panel" ? closePanel() : thread && showList()),
  reply: () => composer?.setMode("reply"),
  note: () => composer?.setMode("note"),
  claim: press('#desk [data-story="claim"] button'),
  transfer: press('#desk [data-dialog="transfer-dialog"]'),
  close: press("#close-button"),
  closeAndNext: () => closeNow(true),
  snooze: press('#desk [popovertarget="snooze-menu"]'),
  unread: press('#desk [data-story="unread"] button'),
  panel: togglePanel,
  search: () => document.getElementById("find")?.focus(),
  help: () => document.getElementById("keys").showModal(),
  mine: press('#chips [data-view="mine"]'),
  unassigned: press('#chips [data-view="unassigned"]'),
  everything: press('#chips [data-view="open"]'),
});

// --- begin -----------------------------------------------------------------------------------------------

for (const id of [...drafts.conversations(), ...drafts.unsent()]) list.setDraft(id, true);
wirePreferences();
localise(document);
keepTime();
settle();
if (thread && body.dataset.pane === "thread") showPanelFor(thread.id);
settings.onUnread(list.unread);
addEventListener("focus", () => thread?.noteRead());
addEventListener("pagehide", () => composer?.saveDraft());
addEventListener("online", () => {
  sequence.catchUp();
  composer?.retryFresh();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") thread?.noteRead();
});
body.dataset.ready = "true";
