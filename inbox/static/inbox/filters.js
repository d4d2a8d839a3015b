// What narrows and sorts the list, and which such views are kept under a name?

import { failedPlace } from "./failed.js";
import { NARROW } from "./list.js";
import { SessionEndedError, getPart, post } from "./http.js";
import { toast } from "./speak.js";
import { waitIn } from "./waiting.js";
import { t } from "./words.js";

const NAMES = [...NARROW, "sort"];

export class Filters {
  constructor(list, sessionEnded) {
    this.list = list;
    this.sessionEnded = sessionEnded;
    this.menu = document.getElementById("filters");
    this.form = document.getElementById("filter-form");
    this.place = document.getElementById("saved-views");
    this.menu.addEventListener("beforetoggle", (event) => {
      if (event.newState === "open") this.load();
    });
    this.menu.addEventListener("submit", (event) => this.submitted(event));
    document.addEventListener("htmx:configRequest", ({ detail }) => this.keep(detail));
    this.show(list.state.wanted);
  }

  // The form and its button say what the list shows.
  show(wanted) {
    for (const name of NAMES) {
      const field = this.form.elements[name];
      if (field.type === "checkbox") field.checked = wanted.has(name);
      else if (field !== document.activeElement) field.value = wanted.get(name) ?? "";
    }
    const number = NAMES.filter((name) => name !== "sort" && wanted.has(name)).length;
    const badge = document.getElementById("filter-number");
    badge.hidden = number === 0;
    badge.textContent = number;
    const clear = document.getElementById("filter-clear");
    const url = new URL(clear.href);
    url.search = new URLSearchParams({ view: this.list.state.view });
    clear.setAttribute("hx-get", url.pathname + url.search);
    clear.href = url.href;
    window.htmx?.process(clear);
  }

  // Other parts of the head of the list keep the filters; the filters keep words and owner.
  keep({ elt, parameters, path }) {
    if (!elt.closest(".list-head") || elt.closest("[data-whole]")) return;
    const asked = new URL(path, location.href).searchParams;
    const kept = elt === this.form ? ["q", "owner"] : NAMES;
    for (const [name, value] of new URLSearchParams(this.list.query())) {
      const isSaid = asked.has(name) || parameters[name] !== undefined;
      if (kept.includes(name) && !isSaid) parameters[name] = value;
    }
  }

  // --- views with a name ---

  async load() {
    const end = waitIn(this.place);
    const answer = await this.ask(() => getPart(this.place.dataset.url), () => this.failed());
    end();
    if (!answer?.ok) {
      if (answer) this.failed();
      return;
    }
    this.place.innerHTML = answer.text;
    window.htmx?.process(this.place);
  }

  failed() {
    this.place.replaceChildren(failedPlace(t("views_not_loaded"), () => this.load()));
  }

  async submitted(event) {
    const form = event.target.closest("form[data-saved]");
    if (!form) return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    data.set("query", this.list.query());
    const answer = await this.ask(() => post(form.action, data));
    if (!answer) return;
    const words = answer.body.message ?? answer.body.detail ?? t("not_done");
    toast(words, { isError: !answer.ok, about: "saved-view" });
    if (!answer.ok) return;
    await this.load();
    this.place.querySelector("input, a")?.focus();
  }

  async ask(request, failed = () => toast(t("no_network"), { isError: true, about: "saved-view" })) {
    try {
      return await request();
    } catch (error) {
      if (error instanceof SessionEndedError) this.sessionEnded();
      else failed();
      return null;
    }
  }
}
