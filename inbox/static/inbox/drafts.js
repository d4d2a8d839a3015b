// What has this person written and not sent? Kept in the browser, per conversation and mode. The
// server has a copy: see `saved.js`.

const PREFIX = "teaminbox";
const OLDEST_MS = 30 * 24 * 3600 * 1000;

export class Drafts {
  constructor(me, storage = localStorage) {
    this.me = me;
    this.storage = storage;
    // Told which conversation, whenever a draft of it changes.
    this.changed = () => {};
    this.forgetOld();
  }

  get(conversation, mode) {
    return this.read(this.key("draft", conversation, mode));
  }

  // Keep a draft; an empty one is forgotten.
  put(conversation, mode, { body, files = [] }) {
    const isEmpty = !body.trim() && !files.length;
    this.set(conversation, mode, isEmpty ? null : { body, files, at: Date.now() });
    // Taken out by its writer: a browser that merely forgot it says nothing to the server.
    const saved = this.saved(conversation, mode);
    if (saved) this.know(conversation, mode, { ...saved, isGone: isEmpty });
    this.changed(conversation);
  }

  drop(conversation, mode) {
    this.put(conversation, mode, { body: "" });
  }

  // Take over a draft as it is, or none; answer when it was written.
  set(conversation, mode, draft) {
    this.store(this.key("draft", conversation, mode), draft);
    return draft?.at ?? 0;
  }

  // What the server is known to have: {revision, at, isThere, isGone}. `at` is that of the draft
  // here which it was told; `isThere`: words may stand there; `isGone`: they are to go.
  saved(conversation, mode) {
    return this.read(this.key("saved", conversation, mode));
  }

  know(conversation, mode, facts) {
    this.store(this.key("saved", conversation, mode), facts && { ...facts, on: Date.now() });
  }

  // What another device wrote there, and was not taken; several are put together.
  other(conversation, mode) {
    return this.read(this.key("other", conversation, mode));
  }

  offer(conversation, mode, draft) {
    const earlier = draft && this.other(conversation, mode);
    const isKnown = earlier?.body.includes(draft.body);
    const body = isKnown ? earlier.body : [earlier?.body, draft?.body].filter(Boolean).join("\n\n");
    const files = [...(earlier?.files ?? []), ...(draft?.files ?? [])];
    this.store(this.key("other", conversation, mode), draft && { body, files, at: Date.now() });
  }

  // Say whether something is written, or on its way, in a conversation.
  has(conversation) {
    const isWritten = ["reply", "note"].some((mode) => this.get(conversation, mode));
    return isWritten || this.outbox(conversation).length > 0;
  }

  // Name the conversations that have a draft.
  conversations() {
    return this.named("draft");
  }

  // Name the conversations that have a message which was never confirmed.
  unsent() {
    return this.named("outbox");
  }

  named(kind) {
    const start = `${PREFIX}.${kind}.${this.me}.`;
    return new Set(this.keys(start).map((key) => key.slice(start.length).split(".")[0]));
  }

  // Messages handed to the network and not confirmed yet.
  outbox(conversation) {
    return this.read(this.key("outbox", conversation)) ?? [];
  }

  keep(conversation, item) {
    const others = this.outbox(conversation).filter((one) => one.clientId !== item.clientId);
    this.write(this.key("outbox", conversation), [...others, item]);
  }

  done(conversation, clientId) {
    const key = this.key("outbox", conversation);
    const rest = this.outbox(conversation).filter((one) => one.clientId !== clientId);
    if (rest.length) this.write(key, rest);
    else this.storage.removeItem(key);
    this.changed(conversation);
  }

  key(...parts) {
    const [kind, ...rest] = parts;
    return [PREFIX, kind, this.me, ...rest].join(".");
  }

  read(key) {
    try {
      return JSON.parse(this.storage.getItem(key));
    } catch {
      return null;
    }
  }

  write(key, value) {
    try {
      this.storage.setItem(key, JSON.stringify(value));
    } catch {
      // Full or forbidden storage: writing goes on, only the copy is missing.
    }
  }

  store(key, value) {
    if (value) this.write(key, value);
    else this.storage.removeItem(key);
  }

  keys(start) {
    const all = Array.from({ length: this.storage.length }, (_, i) => this.storage.key(i));
    return all.filter((key) => key?.startsWith(start));
  }

  forgetOld() {
    for (const kind of ["draft", "other", "saved"]) {
      for (const key of this.keys(`${PREFIX}.${kind}.`)) {
        const { on, at = 0 } = this.read(key) ?? {};
        if (Date.now() - (on ?? at) > OLDEST_MS) this.storage.removeItem(key);
      }
    }
  }
}
