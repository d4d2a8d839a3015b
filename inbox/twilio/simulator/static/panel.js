// What can be made to go wrong, and who else writes?

import { get, post, remove } from "./api.js";
import { h, options, pretty } from "./dom.js";

const GROUPS = [
  ["Replies that do not arrive", [
    ["Unreachable phone", "undelivered, 30003", { kind: "undelivered", code: 30003 }],
    ["Unknown number", "undelivered, 30005", { kind: "undelivered", code: 30005 }],
    ["Landline", "undelivered, 30006", { kind: "undelivered", code: 30006 }],
    ["Filtered as spam", "undelivered, 30007", { kind: "undelivered", code: 30007 }],
    ["Blocked by the customer", "refused, 21610", { kind: "reject", code: 21610 }],
  ]],
  ["Twilio's API", [
    ["Rate limit", "429 for every message", { kind: "rate_limit" }],
    ["Error 500", "nothing is accepted", { kind: "server_error" }],
    ["Error 500 after accepting", "the message goes out anyway", { kind: "server_error_after" }],
    ["Answer after 12 s", "accepted, too late to hear", { kind: "hang_after", seconds: 12 }],
    ["Connection reset", "after accepting", { kind: "reset_after" }],
  ]],
  ["Status callbacks", [
    ["Late by 30 s", "every status", { kind: "late_callback", seconds: 30 }],
    ["Twice", "every status", { kind: "duplicate_callback" }],
    ["Out of order", "last one first", { kind: "reversed_callbacks" }],
    ["Before the answer", "sent before the 201", { kind: "callback_before_reply" }],
    ["None at all", "", { kind: "no_callback" }],
  ]],
  ["Webhooks to the product", [
    ["Wrong signature", "must be refused with 403", { kind: "wrong_signature" }],
    ["Duplicate webhook", "the same SID three times", { kind: "duplicate_webhook", copies: 2 }],
    ["Lost webhook", "only Twilio's log knows", { kind: "lost_webhook" }],
    ["Late by 30 s", "", { kind: "late_webhook", seconds: 30 }],
    ["Failure", "11200, then the fallback", { kind: "webhook_failure" }],
    ["Time-out", "11205, then the fallback", { kind: "webhook_timeout" }],
  ]],
  ["Files", [
    ["HTML that says it is a JPEG", "", { kind: "html_media" }],
    ["Far too large", "32 MB more", { kind: "oversize_media" }],
    ["Slow", "12 s", { kind: "slow_media", seconds: 12 }],
    ["Missing", "404", { kind: "missing_media" }],
  ]],
];

/** Failure switches: on means a fault without end is set at the simulator. */
export class Faults {
  constructor(world) {
    this.world = world;
    this.rows = [];
    document.querySelector("#faults").append(...GROUPS.map((group) => this.group(group)));
    document.querySelector("#faults-clear").addEventListener("click", () => remove("/_sim/faults"));
  }

  group([title, entries]) {
    return h("fieldset", { class: "card" }, h("legend", {}, title), ...entries.map((entry) => this.row(entry)));
  }

  row([title, hint, fault]) {
    const input = h("input", { type: "checkbox", role: "switch", onchange: () => this.toggle(fault, input) });
    this.rows.push({ fault, input });
    return h("label", { class: "switch" }, h("span", {}, title, hint ? h("small", {}, hint) : null), input);
  }

  async toggle(fault, input) {
    if (input.checked) await post("/_sim/faults", { ...fault, times: -1 });
    else await Promise.all(this.active(fault).map((one) => remove(`/_sim/faults?id=${one.id}`)));
  }

  active(fault) {
    return this.world.state.faults.filter((one) => one.kind === fault.kind && (!fault.code || one.code === fault.code));
  }

  draw() {
    const { faults } = this.world.state;
    for (const { fault, input } of this.rows) input.checked = this.active(fault).length > 0;
    const count = document.querySelector("#fault-count");
    count.textContent = String(faults.length);
    count.hidden = !faults.length;
  }
}

/** The burst and the replay forms. */
export class Crowd {
  constructor(world) {
    this.world = world;
    this.burst = document.querySelector("#burst");
    this.replay = document.querySelector("#replay");
    this.burst.addEventListener("submit", (event) => this.run(event, () => this.sendBurst()));
    this.replay.addEventListener("submit", (event) => this.run(event, () => this.sendReplay()));
  }

  async load() {
    const { payloads } = await get("/_sim/payloads");
    options(this.replay.elements.payload, payloads.map((one) => [one.id, one.id.replaceAll("_", " ")]), payloads[0]?.id);
    this.replay.hidden = !payloads.length;
  }

  draw() {
    const entries = this.world.state.senders.map((one) => [one.address, `${one.channel === "whatsapp" ? "WhatsApp" : "SMS"} ${pretty(one.address)}`]);
    for (const select of document.querySelectorAll("select[data-senders]")) {
      const all = select.dataset.senders === "all" ? [["", "every sender in turn"]] : [];
      options(select, [...all, ...entries], select.value);
    }
  }

  async run(event, job) {
    event.preventDefault();
    const form = event.target;
    const [button, result] = [form.querySelector("button"), form.querySelector(".result")];
    button.disabled = true;
    result.textContent = "Working…";
    result.textContent = await job().catch((error) => error.message);
    button.disabled = false;
  }

  async sendBurst() {
    const { messages, people, sender } = this.burst.elements;
    const senders = sender.value ? [sender.value] : [];
    const answer = await post("/_sim/burst", { messages: Number(messages.value), people: Number(people.value), senders });
    const outcomes = Object.entries(answer.outcomes).map(([name, count]) => `${count} ${name}`);
    return `${outcomes.join(", ")} in ${answer.seconds} s`;
  }

  async sendReplay() {
    const { payload, sender, times, fresh } = this.replay.elements;
    const body = { payload: payload.value, sender: sender.value, times: Number(times.value), fresh_sid: fresh.checked };
    const { results } = await post("/_sim/replay", body);
    const codes = results.map((one) => one.webhook.status ?? one.webhook.error_code);
    return `The product answered ${[...new Set(codes)].join(", ")}`;
  }
}

/** Tabs that the arrow keys move between. */
export function tabs() {
  const list = document.querySelector('[role="tablist"]');
  const all = [...list.querySelectorAll('[role="tab"]')];
  const choose = (tab) => {
    for (const one of all) {
      const chosen = one === tab;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = !chosen;
    }
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) choose(tab);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const tab = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    choose(tab);
    tab.focus();
  });
}
