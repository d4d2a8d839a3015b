// How does an agent write? Drafts, optimistic bubbles, retries, and never a lost word.

import { Canned } from "./canned.js";
import { costOf } from "./cost.js";
import { said } from "./dialogs.js";
import { Files } from "./files.js";
import { instantOf } from "./fmt.js";
import { SessionEndedError, newClientId, post } from "./http.js";
import { Mentions } from "./mentions.js";
import { MAX_CHARACTERS, plain } from "./segments.js";
import { alarm, say, toast } from "./speak.js";
import { pendingBubble } from "./thread.js";
import { Values } from "./values.js";
import { t } from "./words.js";

const DRAFT_MS = 500;
const LONG_WORDS = 40;
const FRESH_MS = 2 * 60_000;
const AGAIN_MS = 4_000;
const TYPING_MS = 3_000;
const HOLD_SECONDS = 5;

export class Composer {
  // `on`: typing(mode, isOn), draft(id, isThere), shown(), ending(id, mode), ended(id, item),
  // ask(kind, facts) -> Promise<choice>, desk(), lost(id), after(what), sessionEnded(),
  // press(url) -> Promise<whether it is done>.
  constructor(form, thread, settings, drafts, on) {
    Object.assign(this, { form, thread, settings, drafts, on });
    this.id = thread.id;
    this.words = form.querySelector("#words");
    this.files = new Files(thread.box, () => {
      this.changed();
      this.keepSoon();
    });
    this.mentions = new Mentions(this.words, form.querySelector("#offered"), {
      isOn: () => this.mode === "note",
      changed: () => this.typed(),
    });
    const [list, button] = ["#canned", "#canned-open"].map((one) => form.querySelector(one));
    this.canned = new Canned(this.words, list, button, {
      isOn: () => !this.words.disabled,
      changed: () => this.typed(),
    });
    const [values, opener] = ["#values", "#values-open"].map((one) => form.querySelector(one));
    this.values = new Values(this.words, values, opener, {
      isOn: () => !this.words.disabled,
      changed: () => this.typed(),
    });
    this.turn = Promise.resolve();
    this.typedAt = 0;
    this.listen();
    this.setDesk();
    this.restore();
    this.showOutbox();
  }

  get mode() {
    return this.form.querySelector('[name="kind"]:checked')?.value ?? "reply";
  }

  get body() {
    return this.words.value;
  }

  get isBlank() {
    return !this.body.trim() && this.files.length === 0;
  }

  close() {
    this.isClosed = true;
    this.hideOffered();
    this.saveDraft();
    clearTimeout(this.draftTimer);
    clearTimeout(this.againTimer);
    this.stopTyping();
  }

  hideOffered() {
    this.mentions.hide();
    this.canned.hide();
    this.values.hide();
  }

  listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.submitter?.closest("[popover]")?.hidePopover();
      const { name, value } = event.submitter ?? {};
      if (name === "later") this.submitLater(value);
      else if (name === "and_snooze") this.submitAndSnooze(value);
      else if (name === "and_close") this.submitAndClose();
      else this.submit({ purpose: name === "purpose" ? value : "" });
    });
    this.words.addEventListener("input", () => this.typed());
    this.words.addEventListener("keydown", (event) => {
      const lists = [this.mentions, this.canned, this.values];
      if (!lists.some((one) => one.keyed(event))) this.keyed(event);
    });
    this.words.addEventListener("blur", () => this.stopTyping());
    this.words.addEventListener("paste", (event) => this.pasted(event));
    for (const radio of this.form.querySelectorAll('[name="kind"]')) {
      radio.addEventListener("change", () => this.switched());
    }
    const input = this.form.querySelector("#file-input");
    input.addEventListener("change", () => {
      this.files.add([...input.files]);
      input.value = "";
    });
    this.form.querySelector("#cost-replace").addEventListener("click", () => this.replaceOdd());
    this.form.querySelector("#add-stop-link").addEventListener("click", (event) => {
      event.target.closest("[popover]").hidePopover();
      this.addStopLink();
    });
    // Enter in it must not press the first button of the form, which sends at once.
    for (const at of this.form.querySelectorAll("#send-at, #send-snooze-at")) {
      at.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        at.closest("[popover]").querySelector('[value="at"]').click();
      });
    }
    this.form.querySelector("#say-who-add").addEventListener("click", () => this.sayWho());
    this.listenForDrops();
  }

  // Words of a message that did not arrive, to be changed.
  takeIn(words) {
    this.setMode("reply");
    if (this.words.disabled) return;
    this.words.value = [words.trim(), this.body.trim()].filter(Boolean).join("\n");
    this.typed();
    this.words.focus();
  }

  // By which this very customer stops messages that they cannot answer.
  addStopLink() {
    const link = this.thread.box.querySelector("#desk")?.dataset.stopLink;
    if (!link || this.body.includes(link)) return;
    this.words.value = [this.body.trimEnd(), link].filter(Boolean).join(" ");
    this.typed();
    this.words.focus();
  }

  // What they hear first should say who writes; the server's gate says so too, and lets it go.
  nameMissing() {
    const name = this.thread.box.querySelector("#desk")?.dataset.nameToSay ?? "";
    const isAsked = this.mode === "reply" && !this.isBlank && this.form.dataset.state === "open";
    return isAsked && !plainly(this.body).includes(plainly(name)) ? name : "";
  }

  sayWho() {
    this.words.value = `${this.nameMissing()}: ${this.body}`;
    this.typed();
    this.words.focus();
  }

  listenForDrops() {
    const { box } = this.thread;
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const show = (isOver) => this.form.classList.toggle("is-dropping", isOver);
    box.addEventListener("dragover", (event) => {
      if (!hasFiles(event) || !this.mayAttach()) return;
      event.preventDefault();
      show(true);
    });
    box.addEventListener("dragleave", (event) => {
      if (!box.contains(event.relatedTarget)) show(false);
    });
    box.addEventListener("drop", (event) => {
      show(false);
      if (!hasFiles(event) || !this.mayAttach()) return;
      event.preventDefault();
      this.files.add([...event.dataTransfer.files]);
    });
  }

  mayAttach() {
    return this.mode === "reply" && this.form.dataset.state === "open";
  }

  // --- state from the desk ---

  setDesk() {
    const desk = this.thread.box.querySelector("#desk");
    if (!desk) return;
    const { composer, note } = desk.dataset;
    this.form.dataset.state = composer;
    this.purpose = desk.dataset.purpose;
    this.form.dataset.note = note;
    const [reply, noteMode] = ["reply", "note"].map((one) =>
      this.form.querySelector(`[name="kind"][value="${one}"]`),
    );
    noteMode.disabled = note !== "true";
    if (noteMode.disabled && noteMode.checked) this.setMode("reply");
    this.form.querySelector("#composer-off-words").textContent =
      { claim: t("claim_to_answer"), blocked: t("blocked") }[composer] ?? t("read_only");
    this.words.disabled = composer !== "open" && reply.checked;
    this.changed();
  }

  setMode(mode) {
    const radio = this.form.querySelector(`[name="kind"][value="${mode}"]`);
    if (!radio || radio.disabled) return;
    if (!radio.checked) {
      radio.checked = true;
      this.switched();
    }
    if (!this.words.disabled) this.words.focus();
    else radio.focus();
  }

  // --- drafts ---

  restore() {
    this.shownMode = this.mode;
    const draft = this.drafts.get(this.id, this.mode);
    this.words.value = draft?.body ?? "";
    this.files.restore(this.mode === "reply" ? draft?.files : []);
    this.form.dataset.mode = this.mode;
    this.words.placeholder =
      this.mode === "note" ? this.words.dataset.placeholderNote : this.replyPlaceholder();
    this.words.disabled = this.mode === "reply" && this.form.dataset.state !== "open";
    this.shownWords = this.writtenWords();
    this.changed();
    this.on.shown();
  }

  writtenWords() {
    return JSON.stringify([this.body, this.files.facts()]);
  }

  // Other words are kept now, from elsewhere; what is being typed here stays.
  refresh() {
    if (this.writtenWords() === this.shownWords && !this.files.isBusy) this.restore();
  }

  replyPlaceholder() {
    this.placeholder ??= this.words.placeholder;
    return this.placeholder;
  }

  rename(name) {
    this.placeholder = t("reply_to", { name });
    this.form.querySelector('label[for="words"] .when-reply').textContent = this.placeholder;
    if (this.mode === "reply") this.words.placeholder = this.placeholder;
  }

  // Each mode has its own draft.
  switched() {
    this.replyPlaceholder();
    this.hideOffered();
    this.saveDraft(this.shownMode);
    this.restore();
    this.stopTyping();
    if (!this.words.disabled) this.words.focus();
  }

  saveDraft(mode = this.shownMode) {
    clearTimeout(this.draftTimer);
    this.draftTimer = 0;
    // What is shown here unchanged may be older than what is kept.
    if (this.writtenWords() === this.shownWords) return;
    this.shownWords = this.writtenWords();
    this.drafts.put(this.id, mode, { body: this.body, files: this.files.facts() });
    this.on.draft(this.id, this.drafts.conversations().has(this.id));
  }

  // --- typing ---

  typed() {
    this.changed();
    this.keepSoon();
    if (!this.body.trim()) return this.stopTyping();
    const now = Date.now();
    if (now - this.typedAt < TYPING_MS) return undefined;
    this.typedAt = now;
    return this.on.typing(this.mode, true);
  }

  keepSoon() {
    this.draftTimer ||= setTimeout(() => this.saveDraft(), DRAFT_MS);
  }

  stopTyping() {
    if (!this.typedAt) return;
    this.typedAt = 0;
    this.on.typing(this.mode, false);
  }

  keyed(event) {
    if (event.isComposing || event.keyCode === 229 || event.key !== "Enter") return;
    const isSwapped = this.settings.preferences.get("enter") === "line";
    const isTouch = matchMedia("(pointer: coarse)").matches;
    const isPlain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    const isCtrl = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (isCtrl || (isPlain && !isSwapped && !isTouch)) {
      event.preventDefault();
      if (isCtrl && event.shiftKey) this.submitAndClose();
      else this.submit();
    }
  }

  pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || !this.mayAttach()) return;
    event.preventDefault();
    this.files.add(files);
  }

  // --- what it costs ---

  changed() {
    this.grow();
    const place = this.form.querySelector("#cost");
    const replace = this.form.querySelector("#cost-replace");
    const cost = this.cost();
    this.form.querySelector("#cost-words").textContent = cost.words;
    place.dataset.tone = cost.tone;
    place.toggleAttribute("data-long", cost.words.length > LONG_WORDS);
    replace.hidden = !cost.mayReplace;
    this.showWho();
    this.form.querySelector("#send").disabled = cost.tone === "stop" || this.files.isBusy;
    const isSwapped = this.settings.preferences.get("enter") === "line";
    this.form.querySelector("#send-hint").textContent = isSwapped ? t("hint_ctrl") : t("hint_enter");
  }

  showWho() {
    const name = this.nameMissing();
    this.form.querySelector("#say-who").hidden = !name;
    if (name) this.form.querySelector("#say-who-words").textContent = t("say_who", { name });
  }

  cost() {
    const body = this.body;
    if (this.mode === "reply" && this.files.hasWrong) {
      return { words: t("remove_wrong_file"), tone: "stop" };
    }
    if (this.mode === "note" || !body) return { words: this.filesWords(), tone: "" };
    const length = [...body].length;
    if (length > MAX_CHARACTERS) {
      const facts = { number: length, limit: MAX_CHARACTERS };
      return { words: t("too_long", facts), tone: "stop" };
    }
    if (this.thread.box.dataset.family === "sms" && !this.files.length) {
      return costOf(body, this.thread.box.dataset);
    }
    const words = [`${length}/${MAX_CHARACTERS}`, this.filesWords()].filter(Boolean).join(" · ");
    return { words, tone: "" };
  }

  filesWords() {
    const { length } = this.files;
    if (this.mode === "note" || !length) return "";
    const { family } = this.thread.box.dataset;
    if (family === "whatsapp" && length > 1) return t("as_several", { number: length });
    return family === "sms" ? t("as_mms") : "";
  }

  replaceOdd() {
    this.words.value = plain(this.body);
    this.typed();
    this.words.focus();
  }

  // Where the browser cannot size the field to its text by itself.
  grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.words.style.blockSize = "auto";
    this.words.style.blockSize = `${Math.min(200, this.words.scrollHeight)}px`;
  }

  // --- sending ---

  // Not before a moment: a preset of the server's, or the one that was chosen, by this clock.
  submitLater(value) {
    const at = this.form.querySelector("#send-at").value;
    if (value === "at" && !at) return alarm(t("choose_moment"));
    const isAlways = this.form.querySelector("#also-if-they-write").checked;
    return this.submit({
      later: {
        later: value,
        ...(value === "at" && moment(at)),
        ...(isAlways && { also_if_they_write: "1" }),
      },
    });
  }

  // At the moment that the banner names. What is not written yet is written first.
  submitFrom(at) {
    this.setMode("reply");
    if (this.isBlank) say(t("write_first"));
    else this.submit(Date.parse(at) > Date.now() ? { later: moment(at) } : {});
  }

  // Whoever may not close sends and leaves it open, as with the button alone.
  submitAndClose() {
    const { can = "" } = this.thread.box.querySelector("#desk")?.dataset ?? {};
    const mayClose = can.split(" ").includes("close");
    return this.submit({ after: mayClose ? { url: this.form.dataset.closeUrl } : null });
  }

  submitAndSnooze(value) {
    const at = this.form.querySelector("#send-snooze-at").value;
    if (value === "at" && !at) return alarm(t("choose_moment"));
    const until = value === "at" ? { until: instantOf(at) } : { preset: value };
    return this.submit({ after: { url: this.form.dataset.snoozeUrl, ...until } });
  }

  // What is done once the message is taken in counts for what its author had seen: who writes
  // meanwhile keeps the conversation where it is.
  seenBy(after) {
    return after && { ...after, last_seen_seq: this.thread.seenSeq };
  }

  submit({ after = null, purpose = "", later = null } = {}) {
    if (this.isBlank || this.words.disabled) return;
    if (this.form.querySelector("#send").disabled) {
      alarm(this.files.isBusy ? t("wait_for_files") : this.cost().words);
      return;
    }
    const item = {
      clientId: newClientId(),
      kind: this.mode,
      body: this.body.trim(),
      files: this.mode === "reply" ? this.files.facts() : [],
      lastSeen: this.thread.lastSeq,
      purpose: purpose || this.purpose,
      later,
      after: this.seenBy(after),
      canned: this.canned.taken(this.body),
      draft: this.on.ending(this.id, this.mode),
      at: Date.now(),
    };
    this.words.value = "";
    this.files.clear();
    this.drafts.keep(this.id, item);
    this.saveDraft(item.kind);
    this.stopTyping();
    this.changed();
    this.words.focus();
    this.showPending(item);
    this.send(item);
  }

  showPending(item) {
    const bubble = pendingBubble({
      ...item,
      body: item.body || item.files.map((one) => one.name).join(", "),
      name: this.settings.myName,
      me: this.settings.me,
    });
    this.thread.addPending(bubble);
  }

  bubble(item) {
    return this.thread.timeline.querySelector(`#m-${item.clientId}`);
  }

  // One after the other, so that they arrive in the order they were written.
  send(item) {
    const sent = this.turn.then(() => this.deliver(item));
    this.turn = sent.catch(() => {});
    return sent;
  }

  async deliver(item) {
    let answer;
    try {
      answer = await post(this.thread.box.dataset.messagesUrl, {
        client_id: item.clientId,
        kind: item.kind,
        body: item.body,
        "media_ids[]": item.files.map((one) => one.id),
        ...altsOf(item.files),
        last_seen_message: item.lastSeen,
        ...(item.kind === "reply" && item.purpose && { purpose: item.purpose }),
        ...(item.wentOn && { went_on: item.wentOn, went_on_reason: item.reason }),
        ...(item.kind === "reply" && (item.later ?? this.held())),
        ...(item.canned?.length && { canned: item.canned.join(" ") }),
        ...endingOf(item.draft),
      });
    } catch (error) {
      if (error instanceof SessionEndedError) this.on.sessionEnded();
      this.markUnsent(item, t("not_sent_network"), { mayRetry: true });
      this.retryLater();
      return false;
    }
    return this.answered(item, answer);
  }

  answered(item, answer) {
    if (answer.status === 201) {
      this.drafts.done(this.id, item.clientId);
      this.on.ended(this.id, item);
      if (item.after) this.on.after(item.after);
      if (this.thread.isClosed) return true;
      this.thread.confirm(answer.text);
      this.offerUndo(item);
      return true;
    }
    if (answer.status === 409) this.conflicted(item, answer.body);
    else if (answer.status === 404) this.takeBack(item, () => this.on.lost(this.id));
    else if (answer.status === 422 || answer.status === 403) this.refused(item, answer.body);
    else this.markUnsent(item, t("not_sent_server"), { mayRetry: true });
    return false;
  }

  held() {
    return this.settings.preferences.get("undo") === "on" ? { hold: HOLD_SECONDS } : null;
  }

  offerUndo(item) {
    const url = this.bubble(item)?.dataset.callOff;
    if (!url || item.kind !== "reply" || item.later || !this.held()) return;
    toast(t("sent_in_a_moment"), { label: t("undo"), about: url, action: () => this.undo(item, url) });
  }

  // What has left meanwhile stays sent, and the server says so.
  async undo(item, url) {
    if ((await this.on.press(url)) && !this.isClosed) this.giveBack(item);
  }

  refused(item, body) {
    const words = body.detail ?? t("not_sent_server");
    this.markUnsent(item, words, { mayRetry: false });
    this.on.desk();
  }

  // Somebody was faster, or wrote meanwhile: no message was made, the words come back.
  async conflicted(item, body) {
    if (body.code === "stale_thread") return this.stale(item, body);
    if (body.may_go_on) return this.asked(item, body);
    this.takeBack(item);
    if (body.code !== "claimed_by_other") {
      alarm(body.detail);
      this.on.desk();
      return undefined;
    }
    const mayNote = body.may_note === true && item.kind === "reply";
    const choice = await this.on.ask("claimed", { ...body, text: item.body, mayNote });
    if (choice === "note") this.noteInstead(item);
    return this.on.lost(this.id);
  }

  // Who sends it all the same has seen what is shown, and no more: what comes meanwhile is asked
  // about again.
  async stale(item, body) {
    this.takeBack(item);
    this.thread.upsertAll(body.html);
    const lastSeen = body.last_seq;
    const choice = await this.on.ask("stale", { ...body, text: item.body, isAnswer: true });
    if (choice !== "send" || this.isClosed) return;
    const after = item.after && { ...item.after, last_seen_seq: lastSeen };
    this.sendAgain({ ...item, lastSeen, after });
  }

  // The gate asks: whoever goes on says why.
  async asked(item, body) {
    this.takeBack(item);
    const choice = await this.on.ask("go-on", { ...body, text: item.body });
    if (!choice || this.isClosed) return this.on.desk();
    if (choice === "later") return this.sendAgain(putOff(item, body.send_at));
    const wentOn = [item.wentOn, body.went_on].filter(Boolean).join(" ");
    return this.sendAgain({ ...item, wentOn, reason: said("go-on").reason ?? "" });
  }

  sendAgain(former) {
    const item = { ...former, draft: this.on.ending(this.id, former.kind) };
    this.drafts.keep(this.id, item);
    this.takeOut(item);
    this.showPending(item);
    this.send(item);
  }

  noteInstead(item) {
    const note = { ...item, clientId: newClientId(), kind: "note", files: [], draft: null, after: null };
    this.drafts.keep(this.id, note);
    this.takeOut({ ...item, files: [] });
    this.showPending(note);
    this.send(note);
  }

  // Put the words of an unsent message back into the field, or into the kept draft.
  takeBack(item, then = () => {}) {
    this.drafts.done(this.id, item.clientId);
    this.canned.again(item);
    this.bubble(item)?.remove();
    this.thread.decorate();
    this.giveBack(item);
    then();
  }

  giveBack(item) {
    const { body, files } = this.written(item.kind);
    const words = [item.body, body.trim()].filter(Boolean).join("\n");
    if (this.isShown(item.kind)) {
      this.files.putBack(item.files);
      this.rewrite(words);
    } else this.drafts.put(this.id, item.kind, { body: words, files: [...item.files, ...files] });
  }

  // It goes after all: what else was written since it first went stays where it is.
  takeOut(item) {
    const { body, files } = this.written(item.kind);
    const words = without(body, item.body);
    const ids = new Set(item.files.map(({ id }) => id));
    const others = files.filter(({ id }) => !ids.has(id));
    if (this.isShown(item.kind)) {
      this.files.takeOut(ids);
      this.rewrite(words);
    } else this.drafts.put(this.id, item.kind, { body: words, files: others });
  }

  isShown(mode) {
    return !this.isClosed && this.shownMode === mode;
  }

  // What stands in the field of a mode, or is kept for it.
  written(mode) {
    if (this.isShown(mode)) return { body: this.body, files: this.files.facts() };
    const { body = "", files = [] } = this.drafts.get(this.id, mode) ?? {};
    return { body, files };
  }

  rewrite(words) {
    this.words.value = words;
    this.saveDraft();
    this.changed();
  }

  // --- what could not be sent ---

  markUnsent(item, words, { mayRetry }) {
    alarm(`${t("not_sent")}: ${words}`);
    const bubble = this.bubble(item);
    if (!bubble) return;
    bubble.classList.remove("is-pending");
    bubble.classList.add("is-unsent");
    bubble.dataset.status = "failed";
    bubble.querySelector(".msg-problem")?.remove();
    const place = document.createElement("p");
    place.className = "msg-problem";
    const text = document.createElement("span");
    text.textContent = `${t("not_sent")}: ${words}`;
    place.append(text);
    if (mayRetry) place.append(this.choice(t("retry"), () => this.retry(item)));
    else place.append(this.choice(t("edit"), () => this.takeBack(item, () => this.words.focus())));
    place.append(this.choice(t("delete"), () => this.discard(item)));
    bubble.append(place);
    bubble.querySelector(".tick")?.remove();
    this.thread.follow(false);
  }

  choice(words, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = words;
    button.addEventListener("click", act);
    return button;
  }

  retry(item) {
    this.bubble(item)?.remove();
    this.showPending(item);
    this.send(item);
  }

  discard(item) {
    this.drafts.done(this.id, item.clientId);
    this.bubble(item)?.remove();
    this.thread.decorate();
    this.words.focus();
  }

  // The line is back: what has just failed goes out by itself; the same id makes it safe.
  retryFresh() {
    for (const item of this.drafts.outbox(this.id)) {
      const isUnsent = this.bubble(item)?.classList.contains("is-unsent");
      if (isUnsent && Date.now() - item.at < FRESH_MS) this.retry(item);
    }
  }

  retryLater() {
    clearTimeout(this.againTimer);
    this.againTimer = setTimeout(() => !this.isClosed && this.retryFresh(), AGAIN_MS);
  }

  showOutbox() {
    for (const item of this.drafts.outbox(this.id)) {
      if (this.bubble(item)) {
        this.drafts.done(this.id, item.clientId);
        continue;
      }
      this.showPending(item);
      this.markUnsent(item, t("not_sent_network"), { mayRetry: true });
    }
  }
}

// What a message says of the draft that ends with it.
function endingOf(draft) {
  return Object.fromEntries(Object.entries(draft ?? {}).map(([key, one]) => [`draft-${key}`, one]));
}

function moment(at) {
  return { later: "at", send_at: instantOf(at) };
}

// The same message, for the moment that was offered. It is as any that is sent later: nothing is
// closed or snoozed before it goes. If the moment is over, it goes at once.
function putOff(item, at) {
  if (Date.parse(at) <= Date.now()) return { ...item, later: null };
  return { ...item, later: { ...item.later, ...moment(at) }, after: null };
}

// What the author says is to be seen in the files.
function altsOf(files) {
  return Object.fromEntries(files.filter((one) => one.alt).map((one) => [`alt-${one.id}`, one.alt]));
}

// The text without these lines of it, if they stand there.
export function without(text, words) {
  if (!words) return text;
  const lines = `\n${text}\n`;
  const at = lines.indexOf(`\n${words}\n`);
  if (at < 0) return text;
  return (lines.slice(0, at) + lines.slice(at + words.length + 1)).replace(/^\n|\n$/g, "");
}

function plainly(text) {
  return text.normalize("NFKC").toLowerCase().split(/\s+/u).filter(Boolean).join(" ");
}
