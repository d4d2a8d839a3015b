// How does the page hear what happens? Over the socket in order; over HTTP what it missed.

import { showAgent } from "./attendance.js";
import { clockWords } from "./fmt.js";
import { areHere } from "./here.js";
import { SessionEndedError, getJson } from "./http.js";
import { Sequence } from "./sequence.js";
import { goHome, offerReload, sessionEnded } from "./session.js";
import { ENDED, Socket } from "./socket.js";
import { say, toast } from "./speak.js";
import { t } from "./words.js";

const MEND_MS = 30_000;
// What concerns everybody in an inbox is not asked for by everybody at once.
const SPREAD_MS = 2_000;

export class Line {
  // `page`: list, pane, presence, apply, notifier, saved, tally, reload().
  constructor(page, settings) {
    this.page = page;
    this.settings = settings;
    this.liveAt = Date.now();
    this.mendedAt = 0;
    // For what I was in this inbox, and how it behaved, the page was drawn.
    this.standing = settings.standing;
    this.sequence = new Sequence(settings.head, this.effects());
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new Socket(`${scheme}://${location.host}/ws/v1/`, {
      frame: (frame) => this.heard(frame),
      hello: (frame) => this.greeted(frame),
      state: (state) => this.show(state),
      ended: (code) => this.ended(code),
      poll: () => this.catchUp(),
    });
    addEventListener("online", () => {
      this.catchUp();
      this.page.pane.composer?.retryFresh();
    });
    // A line that looks open may have been dead while nobody looked.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.catchUp();
    });
  }

  send(frame) {
    this.socket?.send(frame);
  }

  get isUp() {
    return Boolean(this.socket?.isOpen);
  }

  catchUp() {
    return this.sequence.catchUp();
  }

  effects() {
    const { apply, tally } = this.page;
    return {
      apply: (frame) => this.applySafely(frame),
      leave: (id) => apply.left(id),
      reset: () => this.renew(),
      counts: (counts) => tally.asked(counts),
      fetchEvents: (after) => {
        const open = this.page.pane.thread?.id ?? "";
        return this.fetch({ after, open, standing: this.standing });
      },
      fetchSeqs: (after) => this.fetch({ after, confirm: "1" }),
      later: (fn, ms) => {
        const timer = setTimeout(fn, ms);
        return () => clearTimeout(timer);
      },
      random: Math.random,
    };
  }

  // Fetch list and thread anew. Answers whether they are there.
  async renew() {
    const { list } = this.page;
    if (!(await this.page.reload())) return false;
    if (list.standing !== this.standing) list.forgetUnreadElsewhere();
    this.standing = list.standing;
    return true;
  }

  // One frame that cannot be shown must not stop the others: fetch everything anew instead.
  applySafely(frame) {
    try {
      this.page.apply.event(frame);
    } catch (error) {
      console.error(error);
      if (Date.now() - this.mendedAt < MEND_MS) return;
      this.mendedAt = Date.now();
      this.page.reload();
    }
  }

  heard(frame) {
    const { list, notifier, presence, tally } = this.page;
    if (frame.seq !== undefined) {
      notifier.changed(frame);
      if (frame.inbox === this.settings.inbox) this.sequence.take(frame);
      else this.heardElsewhere(frame);
      return;
    }
    const handle = {
      subscribed: () => this.subscribed(frame),
      typing: () => presence.heard(frame),
      presence: () => presence.heard(frame),
      counts: () => tally.heard(frame),
      "counts.mine": () => tally.heard(frame),
      "counts.team": () => tally.heard(frame),
      "agent.status": () => showAgent(frame.data),
      notify: () => {
        notifier.heard(frame);
        if (frame.data.kind === "mention") list.mentioned();
      },
      read: () => list.readElsewhere(frame.data),
      // This inbox may have been switched off or behave otherwise, or its team left.
      "access.changed": () =>
        frame.data.inboxes.includes(this.settings.inbox) ? this.changedPart() : goHome(),
      "access.revoked": goHome,
      "support.changed": () => areHere(frame.data.present),
    }[frame.type];
    handle?.();
  }

  subscribed({ head, standing }) {
    if (head > this.sequence.last || standing !== this.standing) this.catchUp();
  }

  // I am something else here now, or the inbox is: what I may see is another, and so are its
  // numbers. The answer to what is asked says that the page is to be drawn anew.
  changedPart() {
    this.page.tally.reset();
    clearTimeout(this.changing);
    this.changing = setTimeout(async () => {
      // What is on its way may have been answered before the change.
      await this.sequence.inFlight;
      this.catchUp();
    }, Math.random() * SPREAD_MS);
  }

  // Another inbox of mine: its mark in the rail says that a customer wrote there.
  heardElsewhere({ inbox, type, data, conversation }) {
    if (type === "conversation.left") this.page.notifier.forget(conversation);
    const mark = document.querySelector(`.rail-inbox[data-inbox="${CSS.escape(inbox)}"]`);
    if (!mark || type !== "message.created" || data.direction !== "in" || !data.notify) return;
    if (mark.dataset.fresh !== undefined) return;
    mark.dataset.fresh = "";
    mark.title = t("new_in", { name: mark.title });
    mark.querySelector(".visually-hidden").textContent = mark.title;
  }

  greeted(frame) {
    // Somebody else has logged in in this browser: nothing here is theirs.
    if (String(frame.user) !== this.settings.me) location.reload();
    if (this.build && frame.build !== this.build) offerReload(this.page.pane.isIdle);
    this.build = frame.build;
    areHere(frame.support);
    this.page.tally.reset();
    this.page.presence.refresh(true);
    this.page.people.ask(this.page.list.ids);
    this.send({ type: "subscribe", inbox: this.settings.inbox, after: this.sequence.last });
    this.page.pane.composer?.retryFresh();
    this.page.saved.flush();
  }

  ended(code) {
    if (code === ENDED.SESSION) this.page.pane.sessionEnded();
    else if (code === ENDED.ACCESS) goHome();
    else if (code === ENDED.PROTOCOL) offerReload(this.page.pane.isIdle);
    else if (code === ENDED.TOO_MANY) toast(t("too_many_tabs"), { isError: true });
  }

  show(state) {
    const place = document.getElementById("connection");
    const was = place.dataset.state;
    if (was === state) return;
    if (was === "live" || state === "live") this.liveAt = Date.now();
    if (was === "live") this.page.tally.reset();
    place.dataset.state = state;
    const time = clockWords(this.liveAt);
    document.getElementById("connection-words").textContent = t(`line_${state}`, { time });
    if (state === "offline") say(t("line_offline", { time }));
    if (state === "live" && was === "offline") say(t("line_live"));
  }

  // Ask what happened, or throw; a final error is not worth another try.
  async fetch(facts) {
    try {
      const answer = await getJson(`${this.settings.eventsUrl}?${new URLSearchParams(facts)}`);
      if (answer.ok) return answer.body;
      if (answer.status === 304) return null;
      throw Object.assign(new Error(answer.status), { isFinal: answer.status === 404 });
    } catch (error) {
      if (!(error instanceof SessionEndedError)) throw error;
      sessionEnded(() => this.page.pane.composer?.saveDraft());
      throw Object.assign(error, { isFinal: true });
    }
  }
}
