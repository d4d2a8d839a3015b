// In which order do things happen, and has anything been missed?
// Pure: requests, timers and chance come in. One instance per inbox.

const GAP_MS = 250;
const CONFIRM_MS = 15_000;
const CONFIRM_JITTER_MS = 5_000;
const RETRY_MS = 2_000;
const RETRY_LONGEST_MS = 60_000;

// A frame without a type is a tick: something happened that is not for us (or was lost).
const isTick = (frame) => frame.type === undefined;

export class Sequence {
  // `effects`: apply(frame), leave(id), reset(head) -> false where it failed, counts(counts),
  // fetchEvents(after), fetchSeqs(after), later(fn, ms) -> cancel, random() in [0, 1).
  constructor(last, effects) {
    this.last = last;
    this.effects = effects;
    this.held = new Map();
    this.hollow = [];
    this.got = new Set();
    this.inFlight = null;
    this.wanted = null;
    this.cancelGap = null;
    this.cancelConfirm = null;
    this.cancelRetry = null;
    this.failures = 0;
  }

  // Take one numbered frame from the socket.
  take(frame) {
    if (frame.seq <= this.last) return;
    const known = this.held.get(frame.seq);
    if (!known || isTick(known)) this.held.set(frame.seq, isTick(frame) && known ? known : frame);
    if (!this.inFlight) this.drain();
  }

  drain() {
    while (this.held.has(this.last + 1)) {
      const seq = this.last + 1;
      const frame = this.held.get(seq);
      this.held.delete(seq);
      this.last = seq;
      if (isTick(frame)) this.hollow.push(seq);
      else {
        if (this.hollow.length) this.got.add(seq);
        this.effects.apply(frame);
      }
    }
    if (this.held.size && !this.failures) this.waitForGap();
    if (this.hollow.length) this.confirmLater();
  }

  waitForGap() {
    if (this.cancelGap) return;
    this.cancelGap = this.effects.later(() => {
      this.cancelGap = null;
      if (this.held.size) this.catchUp();
    }, GAP_MS);
  }

  confirmLater() {
    if (this.cancelConfirm) return;
    const jitter = (this.effects.random() * 2 - 1) * CONFIRM_JITTER_MS;
    this.cancelConfirm = this.effects.later(() => {
      this.cancelConfirm = null;
      this.confirm();
    }, CONFIRM_MS + jitter);
  }

  // Ask, for all ticks passed by so far, which of them should have come with content.
  async confirm() {
    if (!this.hollow.length || this.inFlight) return;
    const asked = this.hollow[0];
    let answer;
    try {
      answer = await this.effects.fetchSeqs(asked - 1);
    } catch {
      this.confirmLater();
      return;
    }
    if (this.inFlight || this.hollow[0] !== asked) return;
    const passed = answer.seqs.filter((seq) => seq >= asked && seq <= this.last);
    const lost = passed.find((seq) => !this.got.has(seq));
    if (lost !== undefined) {
      await this.catchUp(lost - 1);
      return;
    }
    this.hollow = this.hollow.filter((seq) => seq > answer.head);
    if (this.hollow.length) this.confirmLater();
    else this.got.clear();
  }

  // Ask for everything after the cursor. One request at a time; a wish that comes meanwhile is
  // kept and done after it.
  catchUp(after = this.last) {
    if (this.inFlight) {
      this.wanted = Math.min(this.wanted ?? after, after);
      return this.inFlight;
    }
    this.inFlight = this.run(after).finally(() => {
      this.inFlight = null;
      const wanted = this.wanted;
      this.wanted = null;
      this.drain();
      if (wanted !== null && wanted < this.last) this.catchUp(wanted);
    });
    return this.inFlight;
  }

  async run(after) {
    let answer;
    try {
      answer = await this.effects.fetchEvents(after);
    } catch (error) {
      if (!error.isFinal) this.retryLater();
      return;
    }
    this.failures = 0;
    if (answer === null) return;
    if (answer.reset) {
      if ((await this.effects.reset(answer.head)) === false) {
        this.retryLater();
        return;
      }
    } else {
      for (const id of answer.left ?? []) this.effects.leave(id);
      for (const event of answer.events ?? []) this.effects.apply(event);
      if (answer.counts) this.effects.counts(answer.counts);
    }
    this.moveTo(answer.head);
  }

  retryLater() {
    this.failures += 1;
    if (this.cancelRetry) return;
    const wait = Math.min(RETRY_LONGEST_MS, RETRY_MS * 2 ** (this.failures - 1));
    this.cancelRetry = this.effects.later(() => {
      this.cancelRetry = null;
      this.catchUp();
    }, wait * (0.5 + this.effects.random()));
  }

  // The cursor is at `head` now: everything up to it is known.
  moveTo(head) {
    this.last = Math.max(this.last, head);
    this.hollow = [];
    this.got.clear();
    for (const seq of this.held.keys()) if (seq <= this.last) this.held.delete(seq);
  }
}
