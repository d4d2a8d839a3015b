// How much is there for this reader? While the line is up the numbers come by themselves.

import { getJson } from "./http.js";

const ASK_MS = 1_500;
const NOTHING = { unassigned: 0, open: 0, snoozed: 0 };

export class Tally {
  // `show` paints numbers by the names of the chips, `showOldest` since when somebody waits,
  // `unread` is told what is mine and unread, `unreadOf` how much of a row; `isUp` says whether the
  // line is.
  constructor(settings, { show, showOldest, unread, unreadOf, isUp }) {
    this.settings = settings;
    this.show = show;
    this.showOldest = showOldest;
    this.unread = unread;
    this.unreadOf = unreadOf;
    this.isUp = isUp;
    this.timer = 0;
    this.wondered = new Set();
    this.reset();
  }

  // The line went down, or my part in the inbox changed: what I heard does not count any more.
  reset() {
    this.team = NOTHING;
    this.everything = null;
    this.own = null;
  }

  // My own numbers come last of three, so with them there is all it takes.
  heard({ inbox, type, data }) {
    if (inbox !== this.settings.inbox) return;
    if (type === "counts") this.team = data;
    if (type === "counts.team") this.everything = data;
    if (type === "counts.mine") this.own = data;
    if (!this.own) return;
    this.show(this.numbers());
    this.showOldest(this.oldest());
    if (type === "counts.mine") this.unread(data.unread ?? []);
  }

  // Numbers that were asked for over HTTP are older than what the line says.
  asked(numbers) {
    if (!this.own) this.show(numbers);
  }

  // What the team shares and what is mine besides; a supervisor hears of everything at once.
  numbers() {
    const { team, own, everything } = this;
    const sum = (name) => everything?.[name] ?? team[name] + own[name];
    return {
      mine: own.mine,
      mentions: own.mentions ?? 0,
      unassigned: sum("unassigned"),
      open: sum("open"),
      snoozed: sum("snoozed"),
    };
  }

  // Since when does the one wait who waits longest? Times of one form compare as words.
  oldest() {
    const { team, own, everything } = this;
    const times = everything ? [everything] : [team, own];
    return times.map((one) => one.oldest_waiting_at).filter(Boolean).sort()[0] ?? null;
  }

  // Something changed. Without a line, ask soon: once for many changes, and not everybody at once.
  changed(wait = ASK_MS * (1 + Math.random())) {
    if (this.timer || this.isUp()) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.ask();
    }, wait);
  }

  async ask() {
    try {
      const answer = await getJson(this.settings.countsUrl);
      if (answer.ok) this.asked(answer.body);
    } catch {
      // The next change asks again.
    }
  }

  // A row came (back) into my sight: how much of it have I not read? Rows are drawn for everybody
  // alike. Asked once for several, and not by everybody at once.
  wonder(id) {
    if (!this.wondered.size) setTimeout(() => this.askUnread(), ASK_MS * Math.random());
    this.wondered.add(id);
  }

  async askUnread() {
    const query = new URLSearchParams([...this.wondered].map((id) => ["unread", id]));
    this.wondered.clear();
    try {
      const answer = await getJson(`${this.settings.countsUrl}?${query}`);
      const found = answer.ok ? Object.entries(answer.body.unread) : [];
      for (const [id, number] of found) this.unreadOf(id, number);
    } catch {
      // The list says it when it is loaded anew.
    }
  }
}
