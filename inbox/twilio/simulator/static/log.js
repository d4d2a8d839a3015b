// What went over the wire?

import { get } from "./api.js";
import { bare, h } from "./dom.js";

const LIMIT = 200;
const NAMES = { webhook: "Webhook", fallback: "Fallback", callback: "Callback", api: "API", file: "File" };

export class Log {
  constructor(world) {
    this.world = world;
    this.list = document.querySelector("#log");
    this.filter = document.querySelector("#log-filter");
    this.entries = [];
    this.filter.addEventListener("change", () => this.draw());
    document.querySelector("#log-clear").addEventListener("click", () => this.clear());
  }

  async load() {
    const { requests } = await get(`/_sim/requests?limit=${LIMIT}`);
    this.entries = requests.reverse();
    this.draw();
  }

  clear() {
    this.entries = [];
    this.draw();
  }

  add(entry) {
    this.entries.unshift(entry);
    this.entries.length = Math.min(this.entries.length, LIMIT);
    if (this.shows(entry)) {
      this.list.prepend(row(entry, this.world));
      if (this.list.children.length > LIMIT) this.list.lastElementChild.remove();
    }
    this.empty();
  }

  shows(entry) {
    return !this.filter.value || this.filter.value.split(",").includes(entry.kind);
  }

  draw() {
    this.list.replaceChildren(...this.entries.filter((one) => this.shows(one)).map((one) => row(one, this.world)));
    this.empty();
  }

  empty() {
    document.querySelector("#log-empty").hidden = this.list.children.length > 0;
  }
}

function row(entry, world) {
  const details = h(
    "details",
    {},
    h(
      "summary",
      {},
      h("span", { class: `kind kind-${entry.kind}` }, NAMES[entry.kind] ?? entry.kind),
      h("span", { class: "what" }, what(entry)),
      h("span", { class: `code ${tone(entry)}` }, entry.status ?? entry.error_code ?? "reset"),
    ),
  );
  // The inside of most rows is never looked at: it is made when one is opened.
  details.addEventListener("toggle", () => details.children.length === 1 && details.append(inside(entry, world)));
  return h("li", {}, details);
}

function what(entry) {
  const { params } = entry;
  if (entry.kind === "callback") return `${params.MessageStatus}${params.ErrorCode ? ` ${params.ErrorCode}` : ""} → ${bare(params.To ?? "")}`;
  if (entry.kind === "webhook" || entry.kind === "fallback") return `${bare(params.From ?? "")} ${words(params)}`;
  return `${entry.method} ${entry.url.replace(/\/2010-04-01\/Accounts\/AC\w+/, "").replace(/\/cdn\/.*/, "/cdn/…")}`;
}

function words(params) {
  if (params.Body) return `“${params.Body.slice(0, 40)}”`;
  if (params.Latitude) return "location";
  return params.NumMedia > 0 ? params.MediaContentType0 : "empty";
}

function tone(entry) {
  if (entry.error_code || entry.status === null || entry.status >= 400) return "bad";
  return "good";
}

function inside(entry, world) {
  const facts = [
    ["When", world.time(entry.at, true)],
    ["Took", `${entry.milliseconds} ms`],
    ["Address", `${entry.method} ${entry.url}`],
    entry.signature ? ["Signature", entry.signature] : null,
    entry.error_code ? ["Error", `${entry.error_code} ${entry.error}`] : null,
    ...Object.entries(entry.params).map(([name, value]) => [name, String(value)]),
    entry.answer ? ["Answer", entry.answer.slice(0, 600)] : null,
  ].filter(Boolean);
  return h("dl", {}, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { dir: "auto" }, value))));
}
