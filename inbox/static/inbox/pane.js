// What stands in the middle of the page, under which address, and what stands beside it?

import { Idiomorph } from "../vendor/idiomorph.esm.js";
import { Composer } from "./composer.js";
import { ask, closeAll, openPart } from "./dialogs.js";
import { failedPlace } from "./failed.js";
import { localise } from "./fmt.js";
import { SessionEndedError, getPart } from "./http.js";
import { showKept } from "./kept.js";
import { Other } from "./saved.js";
import { sessionEnded } from "./session.js";
import { say, toast, wasJustSpoken } from "./speak.js";
import { Thread } from "./thread.js";
import { Turns } from "./turns.js";
import { waitIn } from "./waiting.js";
import { t } from "./words.js";

const SOON_MS = 300;
const WIDE = matchMedia("(width >= 900px)");
const ROOMY = matchMedia("(width >= 1200px)");

export class Pane {
  // `page`: list, notifier, presence, drafts, saved, gallery, stories.
  constructor(page, settings) {
    this.page = page;
    this.settings = settings;
    this.place = document.getElementById("thread");
    this.aside = document.getElementById("panel");
    this.thread = null;
    this.composer = null;
    this.turns = new Turns(() => this.refreshDesk());
    // Counts what was asked for and what was shown, so that a late answer is known as one.
    this.wishes = 0;
    this.shown = 0;
    this.panelWishes = 0;
    this.aside.addEventListener("toggle", (event) => this.loadParts(event.target), true);
    this.place.addEventListener("toggle", (event) => this.menuToggled(event), true);
    this.aside.addEventListener("reset", () => setTimeout(() => this.refreshPanel()));
    this.loadParts();
    addEventListener("popstate", () => this.walked());
    // Chromium drops what a page asks for in `pagehide` when the next page is quick.
    addEventListener("beforeunload", () => this.keepAll());
    addEventListener("pagehide", () => this.keepAll());
    addEventListener("focus", () => this.thread?.noteRead());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.seenAgain();
      else this.keepAll();
    });
  }

  // This page may never come back.
  keepAll() {
    this.composer?.saveDraft();
    this.page.saved.flush({ isLeaving: true });
  }

  // The field shows another draft: that of the other mode, or of another device.
  wordsShown() {
    if (!this.composer || this.other?.composer !== this.composer) return;
    this.other.show();
    this.page.saved.flush();
  }

  keepNow() {
    this.composer?.saveDraft();
    this.page.saved.flush();
  }

  seenAgain() {
    this.thread?.noteRead();
    if (this.thread) this.page.saved.look(this.thread.id);
  }

  // Other words are kept of a conversation than before.
  draftChanged(id) {
    this.page.list.setDraft(id, this.page.drafts.has(id));
    if (this.composer?.id !== id) return;
    this.composer.refresh();
    this.other?.show();
  }

  get isIdle() {
    return !this.composer || this.composer.isBlank;
  }

  get isWide() {
    return WIDE.matches;
  }

  sessionEnded() {
    sessionEnded(() => this.composer?.saveDraft());
  }

  // --- what stands there ---

  // Bring to life what the server put into the pane. What cannot be shown must not stop the page.
  adopt() {
    try {
      this.bringToLife();
    } catch (error) {
      console.error(error);
      this.clear();
      const { id } = this.place.querySelector("#thread-box")?.dataset ?? {};
      this.place.innerHTML = document.getElementById("nothing").innerHTML;
      if (id) this.offerRetry(() => this.open(id));
    }
  }

  bringToLife() {
    const { list, notifier, presence, drafts, saved } = this.page;
    localise(this.place);
    const box = this.place.querySelector("#thread-box");
    if (box) {
      box.inert = this.isComing;
      this.thread = new Thread(box, this.settings, this.threadEvents());
      const form = box.querySelector("#composer");
      const events = this.composerEvents();
      this.composer = new Composer(form, this.thread, this.settings, drafts, events);
      this.other = new Other(this.composer, drafts);
      this.turns.read(box.querySelector("#desk"));
      form.addEventListener("focusout", () => this.keepNow());
      saved.look(this.thread.id);
      notifier.forget(this.thread.id);
      notifier.setTitle(`${box.dataset.title} · ${this.settings.inboxName}`);
    } else notifier.setTitle(this.settings.inboxName);
    presence.look(this.thread?.id ?? null);
    list.mark(this.thread?.id ?? null);
  }

  clear() {
    this.composer?.close();
    this.page.saved.flush();
    this.thread?.close();
    this.turns.stop();
    this.thread = this.composer = null;
    closeAll();
    this.page.gallery.forget();
  }

  show(html) {
    this.shown += 1;
    this.clear();
    this.place.innerHTML = html;
    this.adopt();
  }

  // Bring what stands there up to date, around what is being read and written. Answers whether the
  // answer was about what stands there.
  renew(html) {
    const fresh = parsed(html).querySelector("#thread-box");
    if (!this.thread || fresh?.dataset.id !== this.thread.id) return false;
    this.thread.renew(fresh);
    morph(this.place.querySelector("#header"), fresh.querySelector("#header"));
    this.rename();
    this.showDesk(fresh);
    if (!this.aside.contains(document.activeElement)) this.refreshPanel();
    return true;
  }

  // Who is called otherwise now, or was erased, is called so everywhere, in the tab's title too.
  rename() {
    const name = this.place.querySelector("#thread-title")?.textContent;
    const box = this.thread?.box;
    if (!name || !box || name === box.dataset.title) return;
    box.dataset.title = name;
    this.thread.decorate();
    this.page.notifier.setTitle(`${name} · ${this.settings.inboxName}`);
    this.composer?.rename(name);
  }

  showTemplate(id) {
    this.show(document.getElementById(id).innerHTML);
  }

  threadEvents() {
    const { list, gallery, stories } = this.page;
    return {
      read: (id) => list.setUnread(id, 0),
      photo: (link) => gallery.open(link),
      press: (url, facts) => stories.insist(url, facts),
      later: (url, facts) => stories.later(url, facts),
      edit: (words) => this.composer?.takeIn(words),
      undo: (url) => stories.undo(url),
      failed: (error, again) => this.failed(error, again),
    };
  }

  composerEvents() {
    const { list, presence, saved, stories } = this.page;
    return {
      typing: (mode, isOn) => presence.typing(mode, isOn),
      draft: (id, isThere) => list.setDraft(id, isThere),
      shown: () => this.wordsShown(),
      ending: (id, mode) => saved.ending(id, mode),
      ended: (id, item) => saved.ended(id, item),
      ask,
      desk: () => this.refreshDeskSoon(),
      lost: (id) => this.lost(id),
      after: ({ url, ...facts }) => stories.insist(url, facts),
      press: (url) => stories.tell(url),
      sessionEnded: () => this.sessionEnded(),
    };
  }

  // --- opening ---

  // Open a conversation: fetch its pane, show it, and give it its address. Answers false where it
  // could not be fetched.
  async open(id, { url = "", isAgain = false, isBack = false } = {}) {
    if (!isAgain) this.wishes += 1;
    const { wishes, shown } = this;
    const at = isAgain && this.thread?.id === id ? this.thread.readingAt : "";
    const query = at && `?${new URLSearchParams({ m: at })}`;
    this.coming = { id, isStale: false };
    const { coming } = this;
    const end = isAgain ? () => {} : this.await(id);
    const answer = await this.fetch(this.addressOf("threadUrl", id) + query);
    end();
    if (!isAgain && wishes === this.wishes) this.release();
    if (answer === undefined) return undefined;
    // Something else is wanted by now, or (for what was only to be refreshed) something else stands.
    if (wishes !== this.wishes || (isAgain && shown !== this.shown)) return undefined;
    if (!answer) {
      this.offerRetry(() => this.open(id, { url, isAgain, isBack }));
      return false;
    }
    if (isAgain && answer.ok && this.renew(answer.text)) return undefined;
    const isGone = answer.status === 404 && !answer.text.includes('id="handled"');
    if (isGone) this.showTemplate("gone");
    else this.show(answer.text);
    if (answer.status === 404) {
      this.page.list.leave(id);
      this.showKept(id);
      if (document.body.dataset.pane === "panel") this.setPane("thread");
    }
    const address = this.thread?.box.dataset.url ?? url;
    if (!isAgain && !isBack && address) this.go(address, "thread");
    else if (!isAgain) this.setPane("thread");
    this.showPanelFor(id);
    if (!isAgain) this.focusTitle();
    if (coming.isStale && this.thread?.id === id) this.refreshDeskSoon();
    return undefined;
  }

  // Another conversation is on its way: nobody may take the one that stands for it. What is written
  // there is its own draft.
  await(id) {
    this.isComing = this.thread !== null && this.thread.id !== id;
    if (this.isComing) {
      this.hadWords ||= document.activeElement === this.composer?.words;
      const hadFocus = this.place.contains(document.activeElement);
      this.keepNow();
      this.thread.box.inert = true;
      if (hadFocus) this.place.focus({ preventScroll: true });
    }
    return waitIn(this.place.checkVisibility() ? this.place : this.page.list.box);
  }

  // It came, or never will: what stands may be used.
  release() {
    this.isComing = false;
    if (this.thread) this.thread.box.inert = false;
    if (this.hadWords && document.activeElement === this.place) this.composer?.words.focus();
    this.hadWords = false;
  }

  // Something happened in a conversation: what is on its way here may not know of it yet.
  hear(id) {
    if (this.coming?.id === id) this.coming.isStale = true;
  }

  // Fetch and show once more what stands there, if it is still mine to see. Answers whether that
  // could be done.
  async again() {
    if (!this.thread) return true;
    const { id } = this.thread;
    if ((await this.open(id, { isAgain: true })) === false) return false;
    if (!this.thread) this.tellLost(id);
    return true;
  }

  tellLost(id) {
    this.page.notifier.forget(id);
    const title = this.place.querySelector("#handled-title");
    // Who was writing in it stands nowhere now.
    if (document.activeElement === document.body) this.focusTitle();
    if (title) say(title.textContent);
  }

  // Somebody else has it, as an answer to my own words says: no frame need have told us.
  async lost(id) {
    const standing = this.thread?.id ?? this.place.querySelector("#handled")?.dataset.id;
    if (standing !== id) {
      const answer = await this.fetch(this.addressOf("threadUrl", id));
      if (answer?.status === 404) this.page.list.leave(id);
      return;
    }
    await this.open(id, { isAgain: true });
    if (!this.thread) this.focusTitle();
  }

  // It is not mine to see any more: nothing of it stays, the server says who has it.
  async lose() {
    const { id } = this.thread;
    this.showTemplate("gone");
    this.aside.replaceChildren();
    this.focusTitle();
    await this.open(id, { isAgain: true });
    const title = this.focusTitle();
    if (title) say(title.textContent);
  }

  // It is mine to see again, while I still look at who had it.
  regain(id) {
    if (this.place.querySelector("#handled")?.dataset.id === id) this.open(id, { isAgain: true });
  }

  // Fetch a part; null when it failed, undefined when this page is over.
  async fetch(url) {
    try {
      const answer = await getPart(url);
      return answer.ok || answer.status === 404 ? answer : null;
    } catch (error) {
      if (!(error instanceof SessionEndedError)) return null;
      this.sessionEnded();
      return undefined;
    }
  }

  offerRetry(action) {
    toast(t("not_loaded"), { isError: true, label: t("retry"), action });
  }

  failed(error, again) {
    if (error instanceof SessionEndedError) this.sessionEnded();
    else this.offerRetry(again);
  }

  // Show a dialog whose content the server has.
  async openDialog(dialog, url) {
    const again = () => this.openDialog(dialog, url);
    const at = new URL(url, location.href);
    // What is sent from it counts for what its author had seen before it covered the thread.
    if (dialog.dataset.tellsSeen !== undefined && this.thread) {
      at.searchParams.set("seen", this.thread.lastSeq);
    }
    const { shown } = this;
    const isWanted = () => shown === this.shown || !("ofConversation" in dialog.dataset);
    try {
      if (!(await openPart(dialog, at, isWanted))) this.offerRetry(again);
    } catch (error) {
      this.failed(error, again);
    }
  }

  focusTitle() {
    const title = this.place.querySelector("#thread-title, #handled-title");
    title?.focus({ preventScroll: true });
    return title;
  }

  showKept(id) {
    const { list, saved } = this.page;
    const box = this.place.querySelector("#handled");
    if (!box) return;
    box.dataset.id = id;
    showKept(box, id, saved, () => list.setDraft(id, false));
  }

  // Something was written in this thread that came without its bubble.
  loadMissedSoon() {
    clearTimeout(this.missedTimer);
    this.missedTimer = setTimeout(() => {
      if (this.thread && !this.thread.hasLater) this.thread.loadLater();
    }, SOON_MS);
  }

  // --- header, buttons, banner ---

  showHeader(html) {
    const header = this.place.querySelector("#header");
    if (header) morph(header, parsed(html).firstElementChild);
    this.rename();
  }

  refreshDeskSoon() {
    clearTimeout(this.deskTimer);
    this.deskTimer = setTimeout(() => this.refreshDesk(), SOON_MS);
  }

  async refreshDesk() {
    const { thread } = this;
    const answer = thread && (await this.fetch(thread.box.dataset.deskUrl));
    if (answer?.ok && this.thread === thread) this.showDesk(parsed(answer.text));
  }

  showDesk(fresh) {
    const { box } = this.thread;
    const desk = box.querySelector("#desk");
    if (desk.querySelector(":popover-open")) {
      // Not under somebody's hands.
      desk.addEventListener("toggle", () => this.refreshDeskSoon(), { capture: true, once: true });
      return;
    }
    settleVoice(box.querySelector("#banner"), fresh.querySelector("#banner"));
    for (const id of ["desk", "preflight", "banner", "next-step", "promise", "handover"]) {
      morph(box.querySelector(`#${id}`), fresh.querySelector(`#${id}`));
    }
    this.composer?.setDesk();
    this.turns.read(box.querySelector("#desk"));
  }

  // --- the panel ---

  showPanelFor(id) {
    if (document.body.dataset.pane === "panel") return;
    const isWanted = this.settings.preferences.get("panel") !== "off";
    if (this.thread && ROOMY.matches && isWanted) this.loadPanel(id);
    else this.aside.replaceChildren();
  }

  async loadPanel(id, { isQuiet = false } = {}) {
    const wish = ++this.panelWishes;
    const place = this.isWide || !this.place.checkVisibility() ? this.aside : this.place;
    const end = isQuiet ? () => {} : waitIn(place);
    const answer = await this.fetch(this.addressOf("panelUrl", id));
    end();
    if (answer === undefined || this.thread?.id !== id || wish !== this.panelWishes) return;
    this.aside.querySelector(".failed")?.remove();
    if (answer === null) this.panelFailed(id);
    if (!answer?.ok) return;
    const fresh = parsed(answer.text).firstElementChild;
    const known = this.aside.firstElementChild;
    if (known?.dataset.id === fresh?.dataset.id) renewPanel(known, fresh);
    else this.aside.replaceChildren(fresh);
    this.loadParts();
  }

  // What comes after the panel itself: in a fold once it is open, else at once.
  loadParts(within = this.aside) {
    for (const place of within.querySelectorAll("[data-part-url]")) {
      const fold = place.closest("details");
      if (!fold || fold.open) this.loadPart(place);
    }
  }

  // A menu of the thread whose content is asked for each time: what was shown before may not be
  // this reader's any more.
  async menuToggled({ target, newState }) {
    const place = target.matches("[popover]") && target.querySelector("[data-part-url]");
    if (!place) return;
    place.replaceChildren();
    if (newState !== "open") return;
    await this.loadPart(place);
    if (place.childElementCount || !target.matches(":popover-open")) return;
    target.hidePopover();
    this.offerRetry(() => target.isConnected && target.showPopover());
  }

  async loadPart(place) {
    const end = place.childElementCount ? () => {} : waitIn(place);
    const answer = await this.fetch(place.dataset.partUrl);
    end();
    if (!answer?.ok || !place.isConnected) return;
    const fresh = place.cloneNode(false);
    fresh.append(parsed(answer.text));
    renewPanel(place, fresh);
  }

  // Something that waited to be sent went, or something new waits.
  waitsChanged() {
    const place = this.aside.querySelector(".folds");
    if (place) this.loadPart(place);
  }

  // What it showed of this conversation stays.
  panelFailed(id) {
    const place = failedPlace(t("panel_not_loaded"), () => this.loadPanel(id));
    const known = this.aside.firstElementChild;
    if (known?.dataset.id === id) known.prepend(place);
    else this.aside.replaceChildren(place);
  }

  refreshPanel() {
    if (this.aside.firstElementChild && this.thread) this.loadPanel(this.thread.id, { isQuiet: true });
  }

  async togglePanel() {
    if (!this.thread) return;
    if (this.isWide && this.aside.firstElementChild) {
      this.closePanel();
      return;
    }
    await this.loadPanel(this.thread.id);
    if (!this.aside.firstElementChild) return;
    if (this.isWide) this.settings.preferences.set("panel", "on");
    else this.go(this.thread.box.dataset.panelUrl, "panel");
    this.aside.focus();
  }

  // Go where a tag is written.
  async writeTag() {
    if (!this.aside.firstElementChild) await this.togglePanel();
    this.aside.querySelector("#tag-new")?.focus();
  }

  // Go where it is noted that they agreed elsewhere.
  async noteConsent() {
    if (!this.aside.querySelector("#agreed")) await this.togglePanel();
    const place = this.aside.querySelector("#agreed");
    if (!place) return;
    place.open = true;
    place.querySelector("select").focus();
  }

  closePanel() {
    const isPage = document.body.dataset.pane === "panel";
    this.panelWishes += 1;
    if (isPage && this.thread) this.go(this.thread.box.dataset.url, "thread");
    if (!isPage) this.settings.preferences.set("panel", "off");
    this.aside.replaceChildren();
    this.place.querySelector("#panel-toggle")?.focus();
  }

  // --- addresses ---

  addressOf(name, id) {
    return this.settings[name].replace("CID", encodeURIComponent(id));
  }

  setPane(pane) {
    document.body.dataset.pane = pane;
  }

  go(address, pane) {
    const url = new URL(address, location.href);
    if (pane !== "panel") url.search = this.page.list.query();
    if (url.href !== location.href) history.pushState({ pane }, "", url);
    this.setPane(pane);
  }

  // Back to the list; on a phone it takes the whole page.
  showList() {
    const { list } = this.page;
    const { openId } = list;
    this.leave();
    this.go(this.settings.inboxUrl, "list");
    list.row(openId)?.querySelector("a")?.focus();
  }

  leave() {
    this.wishes += 1;
    this.isComing = false;
    this.showTemplate("nothing");
    this.aside.replaceChildren();
  }

  // Open the next conversation of the list, if there is one.
  next(link) {
    if (link?.isConnected) this.open(link.closest(".row").dataset.id, { url: link.href });
    else this.showList();
  }

  // The browser's own back and forward.
  walked() {
    this.wishes += 1;
    this.release();
    const found = location.pathname.match(/\/c\/([^/]+)\/(panel\/)?$/);
    if (!found) {
      this.setPane("list");
      this.leave();
    } else if (found[2]) {
      this.setPane("panel");
      this.loadPanel(found[1]);
    } else if (this.thread?.id === found[1]) this.setPane("thread");
    else this.open(found[1], { isBack: true });
  }
}

function parsed(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  const fresh = document.importNode(holder.content, true);
  localise(fresh);
  return fresh;
}

// Around whoever is writing in it: what is typed, what is open, and where they are, stays.
function renewPanel(known, fresh) {
  if (known.outerHTML === fresh.outerHTML) return;
  const had = document.activeElement;
  Idiomorph.morph(known, fresh.outerHTML, {
    morphStyle: "outerHTML",
    callbacks: {
      // A part that is fetched by itself is renewed by itself.
      beforeNodeMorphed: (node) =>
        !(node instanceof HTMLFormElement && isDirty(node)) &&
        !(node !== known && node.dataset?.partUrl && node.childElementCount),
      beforeAttributeUpdated: (name) => name !== "open",
    },
  });
  // What had the focus is gone: a tag that was removed.
  if (known.isConnected && had && !had.isConnected) known.closest("aside")?.focus();
}

function isDirty(form) {
  return [...form.elements].some((field) => {
    if (field.type === "hidden") return false;
    if (!(field instanceof HTMLSelectElement)) return (field.defaultValue ?? field.value) !== field.value;
    const first = [...field.options].find((one) => one.defaultSelected) ?? field.options[0];
    return field.value !== first.value;
  });
}

// A banner that stays as it is says nothing anew, nor does one whose words were just spoken.
function settleVoice(known, fresh) {
  const [was, is] = [known, fresh].map((one) => one?.querySelector(".banner-words")?.textContent ?? "");
  const role = known?.getAttribute("role");
  if (was !== is && !wasJustSpoken(is)) return;
  if (was === is && role) fresh?.setAttribute("role", role);
  else fresh?.removeAttribute("role");
}

function morph(known, fresh) {
  if (!known || !fresh || known.outerHTML === fresh.outerHTML) return;
  Idiomorph.morph(known, fresh.outerHTML, { morphStyle: "outerHTML" });
}
