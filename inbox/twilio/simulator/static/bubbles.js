// How does a message look on the customer's phone?

import { h, icon } from "./dom.js";

const FAILED = new Set(["failed", "undelivered"]);
const REACTIONS = ["❤️", "👍", "😂"];

/** Turn a thread into list items: reactions go onto the message that they are about. */
export function arrange(messages) {
  const sids = new Set(messages.map((one) => one.sid));
  const reactions = new Map();
  for (const one of messages) {
    if (one.reaction && sids.has(one.reply_to)) reactions.set(one.reply_to, one.reaction);
  }
  return messages
    .filter((one) => !(one.reaction && sids.has(one.reply_to)))
    .map((one) => ({ ...one, reacted: reactions.get(one.sid) ?? "" }));
}

/** Make one list item. The context knows the channel, the thread and what buttons do. */
export function bubble(message, context) {
  if (!message.reached) return note(message);
  const side = message.by === "customer" ? "mine" : "theirs";
  const box = h(
    "div",
    { class: "bubble" },
    h("span", { class: "hidden" }, speaker(message, context)),
    quote(message, context),
    ...message.media.map((file) => attachment(file, message)),
    place(message.location),
    ...text(message),
    h("span", { class: "meta" }, ...meta(message, context)),
    message.reacted ? h("span", { class: "reacted", role: "img", "aria-label": `Reaction ${message.reacted}` }, message.reacted) : null,
  );
  return h(
    "li",
    { class: `message ${side} by-${message.by}${message.reacted ? " has-reaction" : ""}` },
    message.by === "network" ? h("span", { class: "tag" }, "Sent by the carrier, not by the product") : null,
    box,
    buttons(message, context),
    actions(message, context),
  );
}

function speaker(message, context) {
  return { customer: "You: ", network: "Carrier: " }[message.by] ?? `${context.senderName}: `;
}

function note(message) {
  if (FAILED.has(message.status)) {
    const code = message.error_code ? ` (${message.error_code})` : "";
    return h("li", { class: "note bad" }, `A message from the business was ${message.status}${code}`);
  }
  const words = { sent: "On its way to this phone", scheduled: "Scheduled", canceled: "Cancelled" };
  return h(
    "li",
    { class: "note" },
    message.status === "canceled" ? null : h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
    words[message.status] ?? `The business is ${message.status === "sending" ? "sending" : "about to send"}`,
  );
}

function quote(message, context) {
  if (!message.reply_to || message.reaction) return null;
  const original = context.find(message.reply_to);
  const words = original ? original.body || "Attachment" : "An earlier message";
  return h("span", { class: "quote" }, words.slice(0, 120));
}

function attachment(file, message) {
  const kind = file.content_type.split("/")[0];
  if (kind === "image") {
    const alt = message.by === "customer" ? "Picture you sent" : "Picture from the business";
    return h("a", { class: "picture", href: file.url, target: "_blank", rel: "noopener" }, h("img", { src: file.url, alt, loading: "lazy" }));
  }
  if (kind === "audio") return h("audio", { controls: true, preload: "none", src: file.url, "aria-label": "Voice message" });
  if (kind === "video") return h("video", { controls: true, preload: "none", src: file.url, "aria-label": "Video" });
  const isCard = file.content_type.includes("vcard");
  return h(
    "a",
    { class: "file", href: file.url, download: isCard ? "contact.vcf" : "file" },
    icon(isCard ? "person" : "file"),
    h("span", {}, isCard ? "Contact card" : "Document", h("small", {}, file.content_type)),
  );
}

function place(location) {
  if (!location.Latitude) return null;
  return h(
    "span",
    { class: "place" },
    icon("pin"),
    h("span", {}, location.Label ?? "Location", h("small", {}, location.Address ?? `${location.Latitude}, ${location.Longitude}`)),
  );
}

function text(message) {
  if (!message.body) return [];
  if (message.segments.length < 2) return [h("span", { class: "words", dir: "auto" }, message.body)];
  const total = message.segments.length;
  return message.segments.map((part, index) =>
    h("span", { class: "words part", dir: "auto", "data-part": `${index + 1}/${total}` }, part),
  );
}

function meta(message, context) {
  const parts = [context.time(message.at)];
  if (message.segments.length > 1) parts.push(`${message.segments.length} segments ${message.encoding}`);
  if (message.by === "customer") parts.push(heard(context.results.get(message.sid)));
  return [parts.filter(Boolean).join(" · ")];
}

function heard(result) {
  if (!result) return "";
  const hook = result.webhook;
  if (!hook) return { dropped: "dropped by the service", lost: "webhook lost", late: "webhook late" }[result.outcome] ?? "not heard";
  if (result.outcome === "fallback") return "heard by the fallback";
  return hook.error_code ? `webhook failed ${hook.error_code}` : `heard ✓ ${hook.status}`;
}

function buttons(message, context) {
  if (!message.buttons.length || message.by === "customer") return null;
  return h(
    "div",
    { class: "answers", role: "group", "aria-label": "Reply buttons" },
    ...message.buttons.map((one) => h("button", { type: "button", onclick: () => context.press(message, one) }, icon("reply"), one.text)),
  );
}

function actions(message, context) {
  if (context.channel !== "whatsapp" || message.by !== "business") return null;
  return h(
    "div",
    { class: "actions", role: "group", "aria-label": "Reply or react" },
    h("button", { type: "button", "aria-label": "Quote this message", onclick: () => context.quote(message) }, icon("reply")),
    ...REACTIONS.map((emoji) => h("button", { type: "button", "aria-label": `React with ${emoji}`, onclick: () => context.react(message, emoji) }, emoji)),
  );
}
