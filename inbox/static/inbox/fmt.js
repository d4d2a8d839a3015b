// How are times said to this reader? In their zone, their language, and as near as they need.

import { t } from "./words.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const page = document.documentElement.lang || "en";
const locale = navigator.language?.startsWith(page) ? navigator.language : page;
const shape = (options) => new Intl.DateTimeFormat(locale, options);
const clock = shape({ hour: "numeric", minute: "2-digit" });
const weekday = shape({ weekday: "short" });
const longDay = shape({ weekday: "long", day: "numeric", month: "long" });
const shortDate = shape({ day: "numeric", month: "short" });
const farTime = shape({
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "numeric",
  minute: "2-digit",
});
const fullDate = shape({ day: "numeric", month: "short", year: "numeric" });
const full = shape({ dateStyle: "full", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
const relativeDay = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

// Write in UTC the moment that a field names. What names none, as the year 20260 does, stays as it
// is: the server says so.
export function instantOf(typed) {
  const at = Date.parse(typed);
  return Number.isNaN(at) ? typed : new Date(at).toISOString();
}

// Put every time below `root` into the reader's words. Call it before and after anything is shown.
export function localise(root, now = Date.now()) {
  for (const mark of root.querySelectorAll("time[data-show]")) tell(mark, now);
  for (const place of root.querySelectorAll("[data-zones]")) tellZones(place, now);
  for (const place of root.querySelectorAll("[data-until]")) {
    place.textContent = until(Date.parse(place.dataset.until), now);
  }
  for (const picture of root.querySelectorAll("img[data-sent-at]")) {
    nameSent(picture, picture.dataset.sentBy, farTime.format(Date.parse(picture.dataset.sentAt)));
  }
  tellAhead(root, now);
  tellMornings(root, now);
}

// Say who sent a picture or a film, and when, to who cannot see it.
export function nameSent(mark, name, time) {
  if (mark.matches("img")) mark.alt = t("photo_from", { name, time });
  else mark.ariaLabel = t("film_from", { name, time });
}

// Say who reacted to a message, with what and when.
export function nameReaction(mark, name) {
  const { emoji, reacted } = mark.dataset;
  const words = t("reacted", { name, emoji, time: near(Date.parse(reacted), Date.now()) });
  mark.title = words;
  mark.querySelector(".visually-hidden").textContent = words;
}

// When will it be in so many hours? Said as a time, so that nobody has to count past midnight.
function tellAhead(root, now) {
  for (const place of root.querySelectorAll("[data-hours-ahead]")) {
    place.textContent = until(now + Number(place.dataset.hoursAhead) * HOUR, now);
  }
}

// When is nine in the morning of tomorrow, or of next Monday, where the inbox is? Said in its zone,
// and in the reader's too where their clocks differ then.
function tellMornings(root, now) {
  const zone = document.body.dataset.zone;
  if (!zone) return;
  for (const place of root.querySelectorAll("[data-morning]")) {
    const at = morning(place.dataset.morning, zone, now);
    const options = { weekday: "short", hour: "numeric", minute: "2-digit" };
    const [time, own] = [shape({ ...options, timeZone: zone }).format(at), shape(options).format(at)];
    const facts = { time, own, place: zone.split("/").pop().replaceAll("_", " ") };
    place.textContent = time === own ? time : t("zone_time_and_own", facts);
  }
}

const MORNING = 9;

function morning(which, zone, now) {
  const today = new Date(wallOf(now, zone));
  const days = which === "monday" ? (8 - today.getUTCDay()) % 7 || 7 : 1;
  const year = [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() + days];
  const wall = Date.UTC(...year, MORNING);
  // Twice: the clock may change between now and then.
  const near = wall - (wallOf(wall, zone) - wall);
  return wall - (wallOf(near, zone) - near);
}

// What a clock on the wall of a zone shows, as if that were UTC, to the minute.
function wallOf(at, zone) {
  const options = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric" };
  const rest = { day: "numeric", hour: "numeric", minute: "numeric" };
  const parts = new Intl.DateTimeFormat("en-GB", { ...options, ...rest }).formatToParts(at);
  const of = (type) => Number(parts.find((part) => part.type === type).value);
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"));
}

// Keep times that age up to date.
export function keepTime() {
  setInterval(() => {
    const now = Date.now();
    const ageing = "time[data-show=ago],time[data-show=waiting],time[data-show=until],time[data-show=age],time[data-show=due]";
    for (const mark of document.querySelectorAll(ageing)) tell(mark, now);
    tellAhead(document, now);
    tellMornings(document, now);
  }, 30_000);
}

function tell(mark, now) {
  const at = Date.parse(mark.dateTime);
  if (Number.isNaN(at)) return;
  const words = {
    time: () => clock.format(at),
    at: () => near(at, now),
    ago: () => ago(at, now),
    day: () => (sameYear(at, now) ? shortDate : fullDate).format(at),
    full: () => full.format(at),
    until: () => until(at, now),
    waiting: () => waiting(mark, at, now),
    age: () => age(now - at),
    due: () => due(mark, at, now),
  }[mark.dataset.show];
  mark.textContent = words ? words() : full.format(at);
  mark.title = full.format(at);
  mark.dataset.shown = "";
}

function near(at, now) {
  return (daysBetween(now, at) === 0 ? clock : farTime).format(at);
}

function ago(at, now) {
  const age = now - at;
  if (age < MINUTE) return t("now");
  if (age < HOUR) return t("minutes", { number: Math.floor(age / MINUTE) });
  const days = daysBetween(at, now);
  if (days === 0) return clock.format(at);
  if (days === 1) return relativeDay.format(-1, "day");
  if (days < 7) return weekday.format(at);
  return (sameYear(at, now) ? shortDate : fullDate).format(at);
}

function age(ms) {
  if (ms < HOUR) return t("minutes", { number: Math.max(1, Math.floor(ms / MINUTE)) });
  if (ms < DAY) return t("hours", { number: Math.floor(ms / HOUR) });
  return t("days", { number: Math.floor(ms / DAY) });
}

function until(at, now) {
  const left = at - now;
  if (left < 0) return t("now");
  if (left < 2 * HOUR) return relative.format(Math.ceil(left / MINUTE), "minute");
  const days = daysBetween(now, at);
  if (days === 0) return clock.format(at);
  if (days === 1) return `${relativeDay.format(1, "day")}, ${clock.format(at)}`;
  return `${(days < 7 ? weekday : shortDate).format(at)}, ${clock.format(at)}`;
}

function waiting(mark, at, now) {
  const age = now - at;
  const place = mark.closest("[data-waiting]");
  const target = Number(place?.dataset.target) * MINUTE;
  place?.toggleAttribute("data-late", age >= target);
  if (age < HOUR) return t("waiting_minutes", { number: Math.max(1, Math.floor(age / MINUTE)) });
  if (age < DAY) return t("waiting_hours", { number: Math.floor(age / HOUR) });
  return t("waiting_days", { number: Math.floor(age / DAY) });
}

function due(mark, at, now) {
  const left = at - now;
  mark.closest("[data-due]")?.toggleAttribute("data-late", left < 0);
  if (left < 0) return t("overdue");
  if (left < 2 * HOUR) return t("due_minutes", { number: Math.max(1, Math.ceil(left / MINUTE)) });
  return t("due_at", { time: until(at, now) });
}

function tellZones(place, now) {
  const times = place.dataset.zones.split(",").map((zone) => localTime(zone, now)).filter(Boolean);
  if (!times.length) return;
  const sorted = [...new Map(times.map((one) => [one.minutes, one.words])).entries()];
  sorted.sort((a, b) => a[0] - b[0]);
  const [first, last] = [sorted[0][1], sorted[sorted.length - 1][1]];
  place.textContent =
    sorted.length === 1 ? t("local_time", { time: first }) : t("local_times", { first, last });
}

function localTime(zone, now) {
  try {
    const options = { timeZone: zone, hour: "numeric", minute: "2-digit" };
    const parts = new Intl.DateTimeFormat("en-GB", { ...options, hour12: false }).format(now);
    const [hours, minutes] = parts.split(":").map(Number);
    return { minutes: hours * 60 + minutes, words: shape(options).format(now) };
  } catch {
    return null;
  }
}

// Name the day a moment falls on: Today, Yesterday, or the date.
export function dayWords(at, now = Date.now()) {
  const days = daysBetween(at, now);
  if (days < 2) return capital(relativeDay.format(-days, "day"));
  return sameYear(at, now) ? longDay.format(at) : fullDate.format(at);
}

// Return a key that is equal for moments of one local day.
export function dayKey(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

// Write a small amount of money, as near as it needs to be.
export function amountWords(amount) {
  return new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 }).format(amount);
}

export function clockWords(at) {
  return clock.format(at);
}

function daysBetween(earlier, later) {
  const midnight = (at) => new Date(at).setHours(0, 0, 0, 0);
  return Math.round((midnight(later) - midnight(earlier)) / DAY);
}

function sameYear(a, b) {
  return new Date(a).getFullYear() === new Date(b).getFullYear();
}

function capital(words) {
  return words.charAt(0).toLocaleUpperCase(locale) + words.slice(1);
}
