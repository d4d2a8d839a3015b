// What do buttons do? Each posts one story and shows what came of it.

import { ask, dropShown, said } from "./dialogs.js";
import { instantOf } from "./fmt.js";
import { SessionEndedError, post } from "./http.js";
import { alarm, toast } from "./speak.js";
import { forget, lastUndo, remember } from "./undos.js";
import { t } from "./words.js";

export class Stories {
  // `page`: list, pane.
  constructor(page) {
    this.page = page;
    document.addEventListener("toggle", (event) => this.toggled(event), true);
  }

  // The menu lies over the thread: what comes while it is open was not seen.
  toggled({ target, newState }) {
    if (target.id !== "close-menu") return;
    if (newState !== "open") delete target.dataset.seen;
    else target.dataset.seen = this.page.pane.thread?.seenSeq ?? 0;
  }

  // Post one story. Answers whether it was done. `place`: where it is said why not, of what was
  // asked in a dialog; a notice would lie behind that.
  async tell(url, data = {}, { again = null, place = null } = {}) {
    const { pane } = this.page;
    const about = aboutOf(url);
    const complain = (words) => {
      if (place) Object.assign(place, { hidden: false, textContent: words });
      else toast(words, { isError: true, about });
    };
    let answer;
    try {
      answer = await post(url, data);
    } catch (error) {
      if (error instanceof SessionEndedError) pane.sessionEnded();
      else complain(t("no_network"));
      return false;
    }
    this.showUnseen(answer.body);
    if (!answer.ok) return this.refused(answer, again, about, complain);
    const { message, undo } = answer.body;
    if (undo) {
      remember({ url: undo, words: message });
      toast(message, { about, label: t("undo"), action: () => this.undo(undo) });
    } else toast(message, { about });
    pane.refreshDeskSoon();
    return true;
  }

  // A refusal may come with what the reader has not seen.
  showUnseen({ conversation, html }) {
    const { thread } = this.page.pane;
    if (html && thread?.id === conversation) thread.upsertAll(html);
  }

  // Say why not. Answers whether it was done after all, because the reader insisted.
  async refused({ status, body: no }, again, about, complain) {
    const { pane } = this.page;
    if (status === 404) {
      toast(t("gone"), { isError: true, about });
      pane.again();
    } else if (no.code === "stale_thread" && again) {
      // Who goes on has seen what is shown, and no more: what comes meanwhile is asked about again.
      const choice = await ask("stale", { ...no, isAct: true });
      return choice === "send" && again({ last_seen_message: no.last_seq });
    } else if (no.code === "still_waiting" && again) {
      return (await ask("waiting")) === "close" && again({ waiting_ok: "1", ...said("waiting") });
    } else if (no.code === "reason_needed" && again) {
      return (await ask("reason")) === "close" && again(said("reason"));
    } else if (no.code === "promise_open" && again) {
      const end = await ask("promise", { detail: no.detail });
      return Boolean(end) && again({ promise: end, ...said("promise") });
    } else if (no.code === "target_unavailable" && offerAway(no.detail)) alarm(no.detail);
    else {
      complain(no.detail ?? t("not_done"));
      const isOver = no.code === "claimed_by_other" || no.code === "unseen_messages";
      if (isOver) await pane.again();
      else pane.refreshDeskSoon();
      if (no.code === "unseen_messages") pane.thread?.toNewest();
    }
    return false;
  }

  async undo(url) {
    const { pane } = this.page;
    const id = aboutOf(url);
    if (lastUndo()?.url === url) forget();
    if ((await this.tell(url)) && pane.thread?.id !== id) await pane.open(id);
  }

  // Take back what was done last, one conversation or many.
  undoLast() {
    const last = lastUndo();
    if (!last) toast(t("nothing_to_undo"));
    else if (last.url) this.undo(last.url);
    else this.page.bulk.takeBack(last.bulk);
  }

  // A form with `data-story` was sent.
  async submitted(form, submitter) {
    const { pane } = this.page;
    const { story } = form.dataset;
    const data = Object.fromEntries(new FormData(form, submitter));
    delete data.csrfmiddlewaretoken;
    if (story === "close") return this.close(data);
    if (data.until) data.until = instantOf(data.until);
    form.closest("[popover]")?.hidePopover();
    const place = form.querySelector("[data-refusal]");
    if (!(await this.insist(form.action, data, place))) return undefined;
    form.closest("dialog")?.close();
    if (form.closest("#panel")) {
      form.reset();
      closeAround(form);
      pane.refreshPanel();
    }
    if (story === "unread") this.markedUnread();
    if (story === "remove") await this.removed(form.dataset.message);
    return undefined;
  }

  // What is left of a message is shown though no frame came, and the reader is where it stands.
  async removed(id) {
    const { pane } = this.page;
    dropShown(id);
    await pane.again();
    pane.thread?.standOn(id);
  }

  // Close what is open, and go on to the next one if that is wanted.
  async close(data = {}) {
    const { list, pane } = this.page;
    const menu = document.getElementById("close-menu");
    if (!pane.thread || !menu) return;
    const { seen = pane.thread.seenSeq } = menu.dataset;
    if (menu.matches(":popover-open")) menu.hidePopover();
    const next = data.and_next ? list.after(pane.thread.id) : null;
    const facts = { ...data, last_seen_seq: seen };
    const url = menu.querySelector("form").action;
    if ((await this.insist(url, facts)) && data.and_next) pane.next(next);
  }

  // One question may follow the other: a customer who waits, a reason, a promise that is open.
  insist(url, facts, place = null) {
    const again = (more) => this.tell(url, Object.assign(facts, more), { again, place });
    return this.tell(url, facts, { again, place });
  }

  // Ask when, and let it happen then.
  async later(url, facts) {
    const when = await ask("later");
    if (!when) return;
    const at = when === "at" ? instantOf(said("later").send_at) : undefined;
    await this.insist(url, { ...facts, later: when, send_at: at });
  }

  markedUnread() {
    const { list, pane } = this.page;
    if (!pane.thread) return;
    pane.thread.isUnread = true;
    list.setUnread(pane.thread.id, 1);
    if (!pane.isWide) pane.showList();
  }
}

// What was opened to write in is done with.
function closeAround(form) {
  const box = form.closest("details");
  if (!box) return;
  box.open = false;
  box.querySelector("summary").focus();
}

// Which conversation is a story about? Its address says.
function aboutOf(url) {
  return new URL(url, location.href).pathname.split("/")[2] ?? "";
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
