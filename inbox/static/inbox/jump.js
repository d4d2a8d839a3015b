// How does a reader get to a day of the open thread, and back to its end?

import { say } from "./speak.js";
import { t } from "./words.js";

export class Jump {
  // `pane`: what is open.
  constructor(pane) {
    this.pane = pane;
    this.dialog = document.getElementById("jump-dialog");
    this.none = document.getElementById("jump-none");
    this.dialog.querySelector("form").addEventListener("submit", (event) => this.asked(event));
    this.dialog
      .querySelector("[data-jump-newest]")
      .addEventListener("click", () => this.toNewest());
  }

  open() {
    if (!this.pane.thread) return;
    this.none.hidden = true;
    this.dialog.showModal();
  }

  async asked(event) {
    event.preventDefault();
    const { thread } = this.pane;
    const day = this.dialog.querySelector("#jump-day").value;
    if (!thread || !day) return;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.dialog.returnValue = "";
    const isThere = await thread.jump({ day, zone });
    this.none.hidden = isThere;
    if (!isThere) return;
    this.dialog.close();
    thread.timeline.querySelector(".is-found")?.focus({ preventScroll: true });
    say(t("jumped"));
  }

  async toNewest() {
    this.dialog.close();
    await this.pane.thread?.toNewest();
    this.pane.thread?.scroller.focus({ preventScroll: true });
  }
}
