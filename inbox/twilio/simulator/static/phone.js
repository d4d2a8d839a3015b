// What does one phone do?

import { get, post } from "./api.js";
import { arrange, bubble } from "./bubbles.js";
import { bare, h, options, pretty, reconcile } from "./dom.js";

const PLACE = { latitude: 37.7955, longitude: -122.3937, label: "Ferry Building", address: "1 Ferry Building, San Francisco" };
const SAMPLE_TEXT = { photo: "This is how it arrived 😕", receipt: "Charged twice for the tart", document: "", audio: "" };
const LARGEST = 16 * 1024 * 1024;
let numbers = 0;

export class Phone {
  constructor(world, saved) {
    this.world = world;
    this.persona = saved.persona ?? "";
    this.sender = saved.sender ?? "";
    this.channel = saved.channel ?? "sms";
    this.reads = saved.reads ?? true;
    this.messages = [];
    this.results = new Map();
    this.quoted = null;
    this.number = ++numbers;
    this.root = document.querySelector("#phone-template").content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.root.querySelector(selector);
    this.label();
    this.listen();
    this.update();
  }

  get saved() {
    return { persona: this.persona, sender: this.sender, channel: this.channel, reads: this.reads };
  }

  get customer() {
    return this.channel === "whatsapp" ? `whatsapp:${bare(this.persona)}` : bare(this.persona);
  }

  label() {
    this.root.setAttribute("aria-label", `Phone ${this.number}`);
    for (const name of ["persona", "sender", "text"]) {
      const id = `phone-${this.number}-${name}`;
      this.find(`.${name}`).id = id;
      this.find(`.${name}-label`).htmlFor = id;
    }
  }

  listen() {
    const on = (selector, event, handler) => this.find(selector).addEventListener(event, handler);
    on(".persona", "change", (event) => this.choosePersona(event.target.value));
    on(".sender", "change", (event) => this.change({ sender: event.target.value }));
    on(".channels", "click", (event) => event.target.dataset.channel && this.change({ channel: event.target.dataset.channel }));
    on(".close", "click", () => this.world.removePhone(this));
    on(".reads", "change", (event) => this.change({ reads: event.target.checked }));
    on(".chips", "click", (event) => event.target.dataset.text && this.send({ body: event.target.dataset.text }));
    on(".attachments", "click", (event) => this.attach(event.target.closest("button")));
    on(".attach", "click", () => this.toggleAttachments());
    on(".upload", "change", (event) => this.upload(event.target));
    on(".unquote", "click", () => this.quote(null));
    on(".send", "submit", (event) => this.submit(event));
    on(".text", "input", () => this.count());
    on(".text", "keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.submit(event);
    });
  }

  change(values) {
    Object.assign(this, values);
    this.quote(null);
    this.messages = [];
    this.update();
    this.world.save();
    this.load();
  }

  choosePersona(value) {
    if (value === "new") {
      this.find(".persona").value = this.persona;
      this.world.askForPerson(this);
    } else {
      this.change({ persona: value });
    }
  }

  /** Draw everything but the thread from what is chosen. */
  update() {
    const { personas, senders } = this.world.state;
    const person = personas.find((one) => one.address === this.persona) ?? personas[0];
    this.persona = person?.address ?? "";
    if (person?.kind === "whatsapp") this.channel = "whatsapp";
    else if (person?.kind === "landline") this.channel = "sms";
    const wanted = this.channel === "whatsapp" ? "whatsapp" : "sms";
    const choices = senders.filter((one) => one.channel === wanted);
    if (!choices.some((one) => one.address === this.sender)) this.sender = choices[0]?.address ?? "";
    options(this.find(".persona"), [...personas.map((one) => [one.address, one.name]), ["new", "Somebody new…"]], this.persona);
    options(this.find(".sender"), choices.map((one) => [one.address, senderText(one)]), this.sender);
    this.find(".avatar").textContent = initials(person?.name ?? "?");
    this.find(".avatar").dataset.hue = String(hue(this.persona));
    this.root.dataset.channel = this.channel;
    for (const button of this.root.querySelectorAll(".channels button")) {
      button.setAttribute("aria-pressed", String(button.dataset.channel === this.channel));
      button.disabled = person?.kind === "whatsapp" ? button.dataset.channel !== "whatsapp" : person?.kind === "landline" && button.dataset.channel !== "sms";
    }
    this.find(".attach").hidden = this.channel === "sms";
    if (this.channel === "sms") this.toggleAttachments(false);
    this.find(".reads").checked = this.reads;
    this.find(".foot label").hidden = this.channel !== "whatsapp";
    this.find(".text").placeholder = this.channel === "whatsapp" ? "Message" : "Text message";
    this.find(".go").disabled = !this.sender;
    this.count();
    this.warn();
  }

  /** Fetch the thread and show what is new. */
  async load() {
    if (!this.sender || !this.persona) {
      this.draw();
      return;
    }
    const asked = `${this.customer} ${this.sender}`;
    const query = new URLSearchParams({ customer: this.customer, sender: this.sender });
    const thread = await get(`/_sim/messages?${query}`).catch(() => null);
    if (!thread || asked !== `${this.customer} ${this.sender}`) return;
    const isAtEnd = this.isAtEnd();
    this.messages = thread.messages;
    this.facts = thread;
    this.warn();
    this.draw(isAtEnd);
    const unread = this.messages.some((one) => one.by === "business" && one.status === "delivered");
    if (this.channel === "whatsapp" && this.reads && unread && !document.hidden) {
      post("/_sim/read", { sender: this.sender, customer: this.customer }).catch(() => {});
    }
  }

  isAtEnd() {
    const thread = this.find(".thread");
    return thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
  }

  draw(isAtEnd = true) {
    const thread = this.find(".thread");
    const today = this.world.now().toDateString();
    const items = arrange(this.messages).map((item) => ({
      key: item.sid,
      mark: JSON.stringify([item, today, this.channel, this.results.get(item.sid)?.outcome ?? ""]),
      item,
    }));
    const context = this.context();
    const list = this.find(".messages");
    if (items.length) reconcile(list, items, (item) => bubble(item, context));
    else list.replaceChildren(h("li", { class: "note start" }, this.sender ? "Say hello. The product hears it at once." : "No sender for this channel yet."));
    if (isAtEnd) thread.scrollTop = thread.scrollHeight;
  }

  context() {
    return {
      channel: this.channel,
      results: this.results,
      senderName: this.find(".sender").selectedOptions[0]?.textContent ?? "",
      time: (seconds) => this.world.time(seconds),
      find: (sid) => this.messages.find((one) => one.sid === sid),
      quote: (message) => this.quote(message),
      react: (message, emoji) => this.send({ reaction: { emoji, message_sid: message.sid } }),
      press: (message, button) => this.send({ button, reply_to: message.sid }),
    };
  }

  warn() {
    const banner = this.find(".banner");
    const person = this.world.state.personas.find((one) => one.address === this.persona);
    let words = "";
    if (this.facts?.opted_out) words = "Opted out: the business can't reach this phone until START";
    else if (person?.kind === "landline") words = "A landline: replies will fail with 30006";
    else if (this.channel === "whatsapp" && this.facts && !this.facts.window_open) words = "24 h window closed: only templates get through";
    banner.textContent = words;
    banner.hidden = !words;
  }

  quote(message) {
    this.quoted = message;
    const line = this.find(".quoted");
    line.hidden = !message;
    line.firstElementChild.textContent = message ? message.body || "Attachment" : "";
    if (message) this.find(".text").focus();
  }

  count() {
    const length = [...this.find(".text").value].length;
    this.find(".count-line").textContent = length ? `${length} characters` : "";
  }

  submit(event) {
    event.preventDefault();
    const box = this.find(".text");
    if (!box.value.trim()) return;
    const fields = { body: box.value };
    if (this.quoted) fields.reply_to = this.quoted.sid;
    box.value = "";
    this.quote(null);
    this.count();
    this.send(fields);
  }

  async send(fields) {
    if (!this.sender) return;
    try {
      const result = await post("/_sim/inbound", { from: this.customer, to: this.sender, ...fields });
      this.results.set(result.message_sid, result);
      await this.load();
      const thread = this.find(".thread");
      thread.scrollTop = thread.scrollHeight;
    } catch (error) {
      this.find(".banner").textContent = error.message;
      this.find(".banner").hidden = false;
    }
  }

  toggleAttachments(open = this.find(".attachments").hidden) {
    this.find(".attachments").hidden = !open;
    this.find(".attach").setAttribute("aria-expanded", String(open));
  }

  attach(button) {
    if (!button) return;
    const { sample, attach } = button.dataset;
    if (attach === "file") {
      this.find(".upload").click();
      return;
    }
    this.toggleAttachments(false);
    if (attach === "contact") this.send({ contact_card: true });
    else if (attach === "location") this.send({ location: PLACE });
    else this.send({ body: SAMPLE_TEXT[sample], media: [{ sample }] });
  }

  async upload(input) {
    const file = input.files[0];
    input.value = "";
    this.toggleAttachments(false);
    if (!file || file.size > LARGEST) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let binary = "";
    for (let start = 0; start < bytes.length; start += 32768) {
      binary += String.fromCharCode(...bytes.subarray(start, start + 32768));
    }
    this.send({ media: [{ content_type: file.type || "application/octet-stream", data_base64: btoa(binary) }] });
  }

  showTime(text) {
    this.find(".device-time").textContent = text;
  }
}

function senderText(sender) {
  const number = pretty(sender.address);
  return sender.name === sender.address ? number : `${sender.name} · ${number}`;
}

function initials(name) {
  return name.replace(/\(.*/, "").trim().split(/\s+/).slice(0, 2).map((word) => word[0]).join("").toUpperCase();
}

function hue(text) {
  return [...text].reduce((sum, char) => sum + char.codePointAt(0), 0) % 6;
}
