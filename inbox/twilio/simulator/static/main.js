// How do the phones, the panel and the clock belong together?

import { get, listen, post } from "./api.js";
import { Log } from "./log.js";
import { Crowd, Faults, tabs } from "./panel.js";
import { Phone } from "./phone.js";

const SAVED = "simulator-phones";
const THEMES = ["Auto", "Light", "Dark"];
const MOST = 6;

class World {
  constructor(state) {
    this.state = state;
    this.phones = [];
    this.stage = document.querySelector("#phones");
    this.log = new Log(this);
    this.faults = new Faults(this);
    this.crowd = new Crowd(this);
    this.skew = Date.parse(state.clock.now) - Date.now();
  }

  start() {
    for (const saved of this.remembered()) this.addPhone(saved);
    document.querySelector("#add-phone").addEventListener("click", () => this.addNext());
    for (const button of document.querySelectorAll("[data-advance]")) {
      button.addEventListener("click", () => post("/_sim/clock", { advance_seconds: Number(button.dataset.advance) }));
    }
    this.personDialog();
    tabs();
    this.draw();
    this.log.load();
    this.crowd.load();
    this.tick();
    setInterval(() => this.tick(), 1000);
    document.addEventListener("visibilitychange", () => document.hidden || this.reload());
    listen((name, data) => this.hear(name, data));
  }

  remembered() {
    try {
      const saved = JSON.parse(localStorage.getItem(SAVED) ?? "[]");
      if (Array.isArray(saved) && saved.length) return saved;
    } catch {
      localStorage.removeItem(SAVED);
    }
    return this.firstPhones();
  }

  firstPhones() {
    const { personas, senders } = this.state;
    const mobile = personas.find((one) => one.kind === "mobile");
    const whatsapp = personas.find((one) => one.kind === "whatsapp");
    const phones = [{ persona: mobile?.address, channel: "sms" }];
    const hasWhatsApp = senders.some((one) => one.channel === "whatsapp");
    phones.push(hasWhatsApp && whatsapp ? { persona: whatsapp.address, channel: "whatsapp" } : { persona: personas[1]?.address });
    return phones;
  }

  addPhone(saved) {
    const phone = new Phone(this, saved);
    this.phones.push(phone);
    this.stage.append(phone.root);
    phone.load();
    return phone;
  }

  addNext() {
    if (this.phones.length >= MOST) return;
    const taken = new Set(this.phones.map((one) => one.persona));
    const free = this.state.personas.find((one) => !taken.has(one.address));
    const phone = this.addPhone({ persona: free?.address, channel: "sms" });
    this.save();
    this.tick();
    phone.root.scrollIntoView({ behavior: "smooth", inline: "end", block: "nearest" });
    phone.find(".persona").focus();
  }

  removePhone(phone) {
    this.phones = this.phones.filter((one) => one !== phone);
    phone.root.remove();
    this.save();
    document.querySelector("#add-phone").focus();
  }

  save() {
    localStorage.setItem(SAVED, JSON.stringify(this.phones.map((one) => one.saved)));
  }

  hear(name, data) {
    if (name === "exchange") this.log.add(data);
    else if (name === "message" || name === "status") this.reloadSoon();
    else if (name === "open") this.connected(true);
    else if (name === "lost") this.connected(false);
    else this.refresh(name);
  }

  connected(isLive) {
    const sign = document.querySelector("#connection");
    sign.textContent = isLive ? "Live" : "Reconnecting…";
    sign.dataset.live = String(isLive);
    if (isLive) this.refresh("config");
  }

  reloadSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reload(), 60);
  }

  reload() {
    for (const phone of this.phones) phone.load();
  }

  async refresh(name) {
    this.state = await get("/_sim/state");
    this.skew = Date.parse(this.state.clock.now) - Date.now();
    if (name === "reset") this.log.clear();
    for (const phone of this.phones) phone.update();
    this.draw();
    this.tick();
    this.reload();
  }

  draw() {
    this.faults.draw();
    this.crowd.draw();
  }

  now() {
    return new Date(Date.now() + this.skew);
  }

  /** Write a moment: the hour, and the day too if it is not today. */
  time(seconds, isLong = false) {
    const moment = new Date(seconds * 1000);
    const hour = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: isLong ? "2-digit" : undefined });
    if (moment.toDateString() === this.now().toDateString()) return hour;
    return `${moment.toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" })} ${hour}`;
  }

  tick() {
    const now = this.now();
    const clock = document.querySelector("#clock");
    clock.dateTime = now.toISOString();
    clock.textContent = now.toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const hours = Math.round(this.state.clock.offset_seconds / 3600);
    document.querySelector("#clock-offset").textContent = hours ? `${hours} h ahead` : "real time";
    const hour = now.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    for (const phone of this.phones) phone.showTime(hour);
  }

  personDialog() {
    this.dialog = document.querySelector("#person");
    const form = this.dialog.querySelector("form");
    this.dialog.querySelector("[data-close]").addEventListener("click", () => this.dialog.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { name, address, kind } = form.elements;
      try {
        const person = newPerson(name.value, address.value, kind.value);
        this.state = await post("/_sim/personas", person);
        this.dialog.close();
        this.asking.change({ persona: person.address });
      } catch (error) {
        form.querySelector(".problem").textContent = error.message;
      }
    });
  }

  askForPerson(phone) {
    this.asking = phone;
    this.dialog.querySelector("form").reset();
    this.dialog.querySelector(".problem").textContent = "";
    this.dialog.showModal();
  }
}

function newPerson(name, address, kind) {
  const number = address.trim().replace(/[\s()-]/g, "");
  const isScoped = /^[A-Z]{2}\.[A-Za-z0-9]+$/.test(number);
  if (!isScoped && !/^\+[1-9]\d{6,14}$/.test(number)) throw new Error("That is neither a number such as +12025550123 nor an id such as IN.2081500000000417");
  if (isScoped || kind === "whatsapp") return { name: name.trim(), address: `whatsapp:${number}`, kind: "whatsapp" };
  return { name: name.trim(), address: number, kind };
}

function theme() {
  const button = document.querySelector("#theme");
  const show = (name) => {
    document.documentElement.dataset.theme = name.toLowerCase();
    document.querySelector("#theme-name").textContent = name;
    button.setAttribute("aria-label", `Theme: ${name === "Auto" ? "automatic" : name.toLowerCase()}`);
  };
  let name = localStorage.getItem("simulator-theme");
  if (!THEMES.includes(name)) name = "Auto";
  show(name);
  button.addEventListener("click", () => {
    name = THEMES[(THEMES.indexOf(name) + 1) % THEMES.length];
    localStorage.setItem("simulator-theme", name);
    show(name);
  });
}

theme();
new World(await get("/_sim/state")).start();
