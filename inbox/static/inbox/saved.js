// Drafts on the server: what is sent there when, and what counts when another device wrote too?

import { SessionEndedError, getJson, post } from "./http.js";
import { say } from "./speak.js";
import { t } from "./words.js";

const SAVE_MS = 5_000;
const LONGEST_MS = 60_000;
const MODES = ["reply", "note"];

export class Saved {
  // `on`: keep(id) - write down what is being typed; changed(id) - other words stand here now.
  constructor(drafts, draftUrl, on = {}) {
    this.drafts = drafts;
    this.draftUrl = draftUrl;
    this.on = { keep: () => {}, changed: () => {}, ...on };
    this.device = deviceOf(drafts);
    this.waiting = new Set();
    this.sending = new Set();
    // How often the server was told something: what it said before that is old.
    this.told = 0;
    // What the server would not take, by when it was written: not asked again until that changes.
    this.refused = new Map();
    this.pause = SAVE_MS;
    drafts.changed = (id) => this.touch(id);
    addEventListener("online", () => this.flush());
    addEventListener("storage", ({ key }) => this.heard(key));
  }

  // What was left unsaved, when this page was closed or nobody was logged in.
  start() {
    const known = [...this.drafts.conversations(), ...this.drafts.named("saved")];
    for (const id of new Set(known)) this.touch(id);
  }

  // Something is written here, or gone, that the server may not know: save it soon.
  touch(id) {
    if (this.isOver || !MODES.some((mode) => this.isOwed(id, mode))) return;
    this.waiting.add(id);
    this.timer ||= setTimeout(() => this.flush(), this.pause);
  }

  // Save now; a page that goes away lets its last requests outlive it.
  async flush({ isLeaving = false } = {}) {
    clearTimeout(this.timer);
    this.timer = 0;
    const pairs = [...this.waiting].flatMap((id) => MODES.map((mode) => [id, mode]));
    const owed = pairs.filter(([id, mode]) => this.isOwed(id, mode));
    this.waiting.clear();
    await Promise.all(owed.map(([id, mode]) => this.push(id, mode, isLeaving)));
  }

  isDirty(id) {
    return MODES.some((mode) => this.isDirtyIn(id, mode));
  }

  isDirtyIn(id, mode) {
    const draft = this.drafts.get(id, mode);
    const known = this.drafts.saved(id, mode);
    if (draft) return draft.at !== known?.at;
    return Boolean(known?.isThere && known.isGone) && !this.isUnderWay(id, mode);
  }

  isOwed(id, mode) {
    const at = this.drafts.get(id, mode)?.at ?? 0;
    return this.isDirtyIn(id, mode) && this.refused.get(`${id}.${mode}`) !== at;
  }

  // A message made of it is on its way, and ends the draft itself.
  isUnderWay(id, mode) {
    return this.drafts.outbox(id).some((item) => item.kind === mode && item.draft);
  }

  async push(id, mode, isLeaving) {
    const key = `${id}.${mode}`;
    if (this.isOver) return;
    if (this.sending.has(key) && !isLeaving) {
      this.waiting.add(id);
      return;
    }
    this.sending.add(key);
    const draft = this.drafts.get(id, mode);
    const at = draft?.at ?? Date.now();
    const known = this.drafts.saved(id, mode);
    // Whether it arrives or not: from now on it may be there.
    this.drafts.know(id, mode, { revision: 0, at: 0, ...known, isThere: true });
    try {
      const answer = await post(
        this.urlOf(id),
        {
          mode,
          body: draft?.body ?? "",
          "files[]": (draft?.files ?? []).map((one) => one.id),
          device: this.device,
          typed_ms: at,
          base: known?.revision ?? 0,
        },
        { keepalive: isLeaving },
      );
      this.answered(id, mode, at, answer);
    } catch (error) {
      // Nobody is logged in any more: it is kept here, and sent when they are back.
      if (error instanceof SessionEndedError) this.isOver = true;
      else this.failed(id);
    }
    this.told += 1;
    this.sending.delete(key);
    this.touch(id);
  }

  answered(id, mode, at, { status, body }) {
    if (status >= 500 || status === 429) {
      this.failed(id);
      return;
    }
    this.pause = SAVE_MS;
    if (status === 200) {
      const isGone = Boolean(this.drafts.saved(id, mode)?.isGone);
      this.drafts.know(id, mode, { ...factsOf(body.draft), at, isGone });
    } else if (status === 409) this.settle(id, mode, body.draft);
    // This page is too old, or only looks on.
    else if (status === 403) this.isOver = true;
    else if (body.code === "erased") this.forget(id, mode);
    // Not theirs (any more), or too long: here it is kept all the same.
    else this.refused.set(`${id}.${mode}`, this.drafts.get(id, mode)?.at ?? 0);
  }

  // Whom it was for is forgotten everywhere, here too.
  forget(id, mode) {
    this.drafts.offer(id, mode, null);
    this.adopt(id, mode, null, 0);
  }

  failed(id) {
    this.pause = Math.min(2 * this.pause, LONGEST_MS);
    this.waiting.add(id);
    this.timer ||= setTimeout(() => this.flush(), this.pause);
  }

  // --- what other devices wrote ---

  // See what the server has of this conversation. What it says may be from before something was
  // saved meanwhile: then it is asked once more, else it would take those words for thrown away.
  async look(id) {
    const { told } = this;
    try {
      const answer = await getJson(this.urlOf(id));
      if (!answer.ok) return;
      if (told !== this.told) {
        await this.look(id);
        return;
      }
      for (const mode of MODES) this.refused.delete(`${id}.${mode}`);
      for (const mode of MODES) this.settle(id, mode, answer.body[mode]);
    } catch (error) {
      if (!(error instanceof SessionEndedError)) this.touch(id);
    }
  }

  // Hold what stands on the server against what stands here: the newer one is shown, none is lost.
  settle(id, mode, stands) {
    this.on.keep(id);
    const revision = stands?.revision ?? 0;
    const known = this.drafts.saved(id, mode);
    const mine = this.drafts.get(id, mode);
    const theirs = factsOf(stands).isThere ? stands : null;
    // This browser forgot the words, nobody threw them away: what the server has is shown again.
    const isForgotten = !mine && theirs && !known?.isGone;
    const isKnown = revision === (known?.revision ?? 0) && !isForgotten;
    if (isKnown || this.isUnderWay(id, mode)) {
      this.touch(id);
      return;
    }
    const isDirty = this.isDirtyIn(id, mode);
    if (mine && theirs && isSame(mine, theirs)) {
      this.drafts.know(id, mode, { revision, at: mine.at, isThere: true });
    } else if (isDirty && (!theirs || theirs.device === this.device)) {
      // Sent or thrown away elsewhere, or an earlier save of our own: what is new here counts.
      this.drafts.know(id, mode, { ...known, revision, at: 0, isThere: theirs !== null });
      this.touch(id);
    } else if (mine && isDirty) this.decide(id, mode, mine, theirs);
    else this.adopt(id, mode, theirs, revision);
  }

  // Both were written on: by the age of each, as each clock has it.
  decide(id, mode, mine, theirs) {
    const { revision } = theirs;
    if (Date.now() - mine.at > theirs.age_ms) {
      if (!holds(theirs, mine)) this.drafts.offer(id, mode, mine);
      this.adopt(id, mode, theirs, revision);
      return;
    }
    if (!holds(mine, theirs)) this.drafts.offer(id, mode, withAge(theirs));
    this.drafts.know(id, mode, { revision, at: 0, isThere: true });
    this.touch(id);
    this.on.changed(id);
  }

  adopt(id, mode, theirs, revision) {
    const at = this.drafts.set(id, mode, theirs && withAge(theirs));
    this.drafts.know(id, mode, { revision, at, isThere: theirs !== null });
    this.on.changed(id);
  }

  // Another tab of this browser has written.
  heard(key) {
    const [, kind, me, id] = (key ?? "").split(".");
    if (kind === "draft" && me === this.drafts.me) this.on.changed(id);
  }

  // --- what is sent ---

  // What a message says of the draft that it is made of; null when the server has none.
  ending(id, mode) {
    const known = this.drafts.saved(id, mode);
    if (!known?.isThere) return null;
    return { device: this.device, typed_ms: Date.now(), base: known.revision };
  }

  // The message is there, and with it the draft is gone.
  ended(id, { kind, draft }) {
    if (!draft) return;
    const known = this.drafts.saved(id, kind);
    const isLater = this.drafts.get(id, kind) || (known?.at ?? 0) > draft.typed_ms;
    if (!isLater) this.drafts.know(id, kind, { ...known, at: 0, isThere: false });
    this.touch(id);
  }

  urlOf(id) {
    return this.draftUrl.replace("CID", encodeURIComponent(id));
  }
}

// Words of another device that differ: offered above the field, until shown or thrown away.
export class Other {
  constructor(composer, drafts) {
    Object.assign(this, { composer, drafts });
    const { form } = composer;
    this.place = form.querySelector("#other-draft");
    form.querySelector("#other-show").addEventListener("click", () => this.swap());
    form.querySelector("#other-discard").addEventListener("click", () => this.discard());
    this.show();
  }

  show() {
    const { id, mode } = this.composer;
    const isThere = Boolean(this.drafts.other(id, mode));
    if (isThere && this.place.hidden) say(t("other_draft"));
    this.place.hidden = !isThere;
  }

  // Each takes the other's place, so that one can look at both.
  swap() {
    const { id, mode } = this.composer;
    this.composer.saveDraft();
    const mine = this.drafts.get(id, mode);
    const other = this.drafts.other(id, mode);
    this.drafts.offer(id, mode, null);
    if (mine) this.drafts.offer(id, mode, mine);
    this.drafts.put(id, mode, other);
    this.composer.restore();
    this.done();
  }

  discard() {
    const { id, mode } = this.composer;
    this.drafts.offer(id, mode, null);
    this.done();
  }

  done() {
    this.show();
    this.composer.words.focus();
  }
}

// One name for this browser, so that what it saved late is known from what others saved.
function deviceOf(drafts) {
  const key = drafts.key("device");
  const known = drafts.read(key);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const fresh = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  drafts.write(key, fresh);
  return fresh;
}

function factsOf(stands) {
  const isThere = Boolean(stands?.body || stands?.files.length);
  return { revision: stands?.revision ?? 0, isThere };
}

function idsOf(draft) {
  return (draft.files ?? []).map((one) => one.id);
}

function isSame(one, other) {
  return one.body === other.body && `${idsOf(one)}` === `${idsOf(other)}`;
}

// Everything that the other one says stands here too: somebody wrote on.
function holds(one, other) {
  return one.body.startsWith(other.body.trim()) && idsOf(other).every((id) => idsOf(one).includes(id));
}

function withAge({ body, files, age_ms: age }) {
  return { body, files, at: Date.now() - age };
}
