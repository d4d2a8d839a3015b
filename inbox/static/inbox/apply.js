// What does an event change on the page? Each handler may run twice without harm.

import { dropShown } from "./dialogs.js";
import { alarm, gather, tellNews } from "./speak.js";
import { t } from "./words.js";

// By these a row comes (back) into somebody's sight that customers have written in before.
const COMES_BACK = new Set(["conversation.updated", "conversation.moved"]);
const FAILURES = new Set(["failed", "blocked"]);

export class Apply {
  // `page`: list, pane, notifier, tally.
  constructor(page, settings) {
    this.page = page;
    this.settings = settings;
  }

  // Apply one durable event.
  event(frame) {
    const { list, pane, tally } = this.page;
    const isBack = COMES_BACK.has(frame.type) && !list.knowsUnread(frame.conversation);
    const row = frame.frag?.row ? list.upsert(frame.frag.row) : null;
    if (row && isBack && list.fits(row)) tally.wonder(frame.conversation);
    const { thread } = pane;
    pane.hear(frame.conversation);
    if (thread) this.inThread(frame, thread, row);
    else if (row) pane.regain(row.dataset.id);
    const handle = {
      "message.created": () => this.messageCreated(frame, row),
      "message.status": () => thread?.setStatus(frame.data.client_id, frame.data.status, frame.data.at),
      "message.updated": () => this.messageUpdated(frame, row),
      "message.removed": () => this.messageRemoved(frame),
      "conversation.left": () => this.left(frame.data.id),
      "conversation.moved": () => this.moved(frame),
    }[frame.type];
    handle?.();
  }

  inThread(frame, thread, row) {
    const { pane } = this.page;
    const isOpen = frame.conversation === thread.id;
    const isSameThread = isOpen || row?.dataset.thread === thread.threadId;
    const bubble = frame.frag?.bubble;
    if (bubble && (isOpen || bubble.includes(`data-thread="${thread.threadId}"`))) {
      thread.upsert(bubble);
    } else if (isSameThread && !frame.data.attached_to) {
      // A reaction comes with the message that it is about, and is nothing that was missed.
      if (/^(message|activity)\.created$/.test(frame.type)) pane.loadMissedSoon();
      else if (frame.type === "message.removed") pane.again();
    }
    if (isOpen && frame.frag?.header) pane.showHeader(frame.frag.header);
    const changesDesk = /^(conversation|consent|contact)\./.test(frame.type);
    // A customer's message opens WhatsApp's window; both sides' decide who waits.
    const changesWait =
      frame.type === "message.created" && (frame.data.direction === "in" || frame.data.author);
    if (isSameThread && (changesDesk || changesWait)) pane.refreshDeskSoon();
    if (isOpen && /^(contact|consent)\./.test(frame.type)) pane.refreshPanel();
    const isOurs = frame.type === "message.created" && frame.data.direction === "out";
    if (isOpen && (isOurs || /^message\.(updated|status|removed)/.test(frame.type))) pane.waitsChanged();
  }

  messageCreated(frame, row) {
    if (frame.data.direction !== "in" || frame.data.attached_to) return;
    const id = frame.conversation;
    const { thread } = this.page.pane;
    const isWatched = thread?.id === id && document.hasFocus() && thread.isStuck;
    const name = row?.dataset.name ?? "";
    const preview = row?.querySelector(".row-preview")?.textContent.replace(/\s+/g, " ").trim() ?? "";
    if (isWatched) {
      tellNews(t("new_from", { name, preview }));
      return;
    }
    if (!this.isNews(frame)) return;
    this.page.list.wrote(id);
    if (thread?.id === id) tellNews(t("new_from", { name, preview }));
    else gather("arrived");
  }

  // What I wrote did not arrive: said at once, wherever I am.
  messageUpdated(frame, row) {
    const { changed, status } = frame.data;
    if (!FAILURES.has(status) || !changed.includes("status")) return;
    const bubble = parsed(frame.frag?.bubble ?? "").querySelector(".msg");
    if (bubble?.dataset.author !== this.settings.me || !this.isNews(frame)) return;
    const place = row ?? this.page.list.row(frame.conversation);
    const why = bubble.querySelector(".msg-problem > span")?.textContent ?? "";
    const name = place?.dataset.name;
    const words = name ? t("own_failed_to", { name }) : t("own_failed");
    alarm(`${words} ${why.replace(/\s+/g, " ").trim()}`);
  }

  // Nothing that showed what it said shows it on: a notice, a picture that is looked at, the card
  // of who was handed the conversation.
  messageRemoved(frame) {
    const { gallery, notifier, pane } = this.page;
    if (this.isNews(frame)) notifier.forget(frame.conversation);
    for (const link of document.querySelectorAll(`[data-of="${CSS.escape(frame.data.id)}"]`)) {
      link.closest("li").remove();
    }
    gallery.leaveOut();
    dropShown(frame.data.id);
    if (pane.thread?.id !== frame.conversation) return;
    pane.refreshDeskSoon();
    pane.refreshPanel();
  }

  // Catch-up repeats events; a message counts as new once, and fails once.
  isNews(frame) {
    this.counted ??= new Set();
    const key = `${frame.type} ${frame.data.id}`;
    if (this.counted.has(key)) return false;
    this.counted.add(key);
    return true;
  }

  left(id) {
    this.page.list.leave(id);
    this.page.notifier.forget(id);
    if (this.page.pane.thread?.id === id) this.page.pane.lose();
  }

  moved(frame) {
    const isGone = frame.data.target !== this.settings.inbox;
    if (isGone) this.left(frame.conversation);
  }
}

function parsed(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}
