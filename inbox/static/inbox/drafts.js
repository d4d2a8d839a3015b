// What has this person written and not sent? Kept in the browser, per conversation and mode.

const PREFIX = "teaminbox";
const OLDEST_MS = 30 * 24 * 3600 * 1000;

export class Drafts {
  constructor(me, storage = localStorage) {
    this.me = me;
    this.storage = storage;
    this.forgetOld();
  }

  get(conversation, mode) {
    return this.read(this.key("draft", conversation, mode));
  }

  // Keep a draft; an empty one is forgotten.
  put(conversation, mode, { body, files = [] }) {
    const key = this.key("draft", conversation, mode);
    if (!body.trim() && !files.length) this.storage.removeItem(key);
    else this.write(key, { body, files, at: Date.now() });
  }

  drop(conversation, mode) {
    this.storage.removeItem(this.key("draft", conversation, mode));
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

  keys(start) {
    const all = Array.from({ length: this.storage.length }, (_, i) => this.storage.key(i));
    return all.filter((key) => key?.startsWith(start));
  }

  forgetOld() {
    for (const key of this.keys(`${PREFIX}.draft.`)) {
      if (Date.now() - (this.read(key)?.at ?? 0) > OLDEST_MS) this.storage.removeItem(key);
    }
  }
}
