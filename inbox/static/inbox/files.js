// Which files go along with a message? Checked, uploaded with progress, shown as chips.

import { alarm } from "./speak.js";
import { t } from "./words.js";

const MEGABYTE = 1024 * 1024;
const LONGEST_ALT = 300;
const SEEN = new Set(["image", "video"]);
const REFUSED = /\.(html?|svg|js|exe|bat|cmd|msi|sh|jar|apk|scr)$/i;

export class Files {
  constructor(box, onChange) {
    this.box = box;
    this.onChange = onChange;
    this.entries = [];
    this.place = box.querySelector("#files");
  }

  get ready() {
    return this.entries.filter((one) => one.id);
  }

  // Refused ones stand there to be seen; they go nowhere and count for nothing.
  get hasWrong() {
    return this.entries.some((one) => one.problem);
  }

  get isBusy() {
    return this.entries.some((one) => !one.id && !one.problem);
  }

  get length() {
    return this.entries.length;
  }

  // Facts to keep with a draft.
  facts() {
    return this.ready.map(({ id, name, size, look, alt }) => ({
      id,
      name,
      size,
      ...(look && { look }),
      ...(alt && { alt }),
    }));
  }

  restore(facts) {
    this.entries = (facts ?? []).map((one) => ({ ...one }));
    this.draw();
  }

  // Those that were to go already stand before what was added since.
  putBack(facts) {
    this.entries = [...facts.map((one) => ({ ...one })), ...this.entries];
    this.draw();
  }

  takeOut(ids) {
    this.entries = this.entries.filter((one) => !one.id || !ids.has(one.id));
    this.draw();
  }

  clear() {
    for (const entry of this.entries) entry.request?.abort();
    this.entries = [];
    this.draw();
  }

  add(list) {
    for (const file of list) this.addOne(file);
    this.draw();
    this.onChange();
  }

  addOne(file) {
    const entry = { name: file.name || t("file"), size: file.size, progress: 0 };
    entry.problem = this.problemOf(file);
    this.entries.push(entry);
    if (entry.problem) alarm(`${entry.name}: ${entry.problem}`);
    else this.upload(entry, file);
  }

  problemOf(file) {
    const { most, file: each, picture, together } = JSON.parse(this.box.dataset.limits);
    const others = this.entries.filter((one) => !one.problem);
    if (others.length >= most) return t("too_many_files", { number: most });
    if (REFUSED.test(file.name)) return t("bad_file");
    if (!file.size) return t("empty_file");
    const limit = file.type.startsWith("image/") ? picture : each;
    if (file.size > limit) return t("big_file", { number: limit / MEGABYTE });
    const sum = others.reduce((total, one) => total + one.size, file.size);
    return together && sum > together ? t("big_files", { number: together / MEGABYTE }) : "";
  }

  // XMLHttpRequest because fetch tells nothing about the progress of an upload.
  upload(entry, file) {
    const request = new XMLHttpRequest();
    entry.request = request;
    request.upload.addEventListener("progress", (event) => {
      entry.progress = event.lengthComputable ? event.loaded / event.total : 0;
      if (entry.bar) entry.bar.value = entry.progress;
    });
    request.addEventListener("load", () => this.uploaded(entry, request));
    request.addEventListener("error", () => this.failed(entry, t("upload_failed")));
    request.open("POST", this.box.dataset.uploadUrl);
    request.setRequestHeader("X-CSRFToken", document.body.dataset.csrf);
    request.setRequestHeader("Accept", "application/json");
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  }

  uploaded(entry, request) {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      // Not our answer: a proxy's page, or the log-in page.
    }
    if (request.status !== 201) {
      this.failed(entry, answer.detail ?? t("upload_failed"));
      return;
    }
    entry.id = answer.id;
    entry.size = answer.size;
    entry.look = answer.look;
    this.draw();
    this.onChange();
  }

  failed(entry, words) {
    entry.problem = words;
    alarm(`${entry.name}: ${words}`);
    this.draw();
    this.onChange();
  }

  draw() {
    this.place.hidden = this.entries.length === 0;
    this.place.replaceChildren(...this.entries.map((entry) => this.chip(entry)));
  }

  chip(entry) {
    const chip = document.createElement("li");
    chip.className = entry.problem ? "file-chip is-wrong" : "file-chip";
    const name = document.createElement("span");
    name.textContent = entry.problem ? `${entry.name}: ${entry.problem}` : entry.name;
    chip.append(name);
    if (!entry.id && !entry.problem) {
      entry.bar = document.createElement("progress");
      entry.bar.value = entry.progress;
      entry.bar.setAttribute("aria-label", t("uploading", { name: entry.name }));
      chip.append(entry.bar);
    }
    if (entry.id && SEEN.has(entry.look)) chip.append(this.describer(entry));
    chip.append(this.remover(entry));
    return chip;
  }

  // What is to be seen, for who cannot see it: it is read aloud in the conversation.
  describer(entry) {
    const field = document.createElement("input");
    field.type = "text";
    field.maxLength = LONGEST_ALT;
    field.value = entry.alt ?? "";
    field.placeholder = t("describe");
    field.setAttribute("aria-label", t("describe_file", { name: entry.name }));
    field.addEventListener("input", () => {
      entry.alt = field.value.trim();
      this.onChange();
    });
    // Enter in it must not send what is not finished.
    field.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
    return field;
  }

  remover(entry) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "icon-button icon-button-small";
    button.textContent = "×";
    button.setAttribute("aria-label", t("remove_file", { name: entry.name }));
    button.addEventListener("click", () => {
      entry.request?.abort();
      this.entries = this.entries.filter((one) => one !== entry);
      this.draw();
      this.onChange();
      document.getElementById("words")?.focus();
    });
    return button;
  }
}
