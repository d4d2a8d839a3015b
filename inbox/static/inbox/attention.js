// The page where somebody chooses what they are told of: what can this browser do, and does it?

import { keepTime, localise } from "./fmt.js";
import { post } from "./http.js";
import { playTone } from "./tones.js";
import { canPush, canWork, startWorker, subscribe, subscription, unsubscribe } from "./worker.js";
import { t } from "./words.js";

const ARRIVES_MS = 10_000;
const { dataset } = document.body;
const part = (id) => document.getElementById(id);

async function show() {
  const made = await subscription();
  const isDenied = "Notification" in window && Notification.permission === "denied";
  const isReady = canPush() && Boolean(dataset.pushKey);
  const state = stateOf({ isOn: Boolean(made), isDenied });
  part("push-state").textContent = t(state);
  part("push-denied").hidden = !isDenied;
  part("push-install").hidden = canPush() || !isApple();
  part("push-on").hidden = !isReady || isDenied || Boolean(made);
  part("push-off").hidden = !made;
  part("push-test").hidden = !canWork();
  document.body.dataset.push = state;
}

function stateOf({ isOn, isDenied }) {
  if (!isSecureContext) return "push_insecure";
  if (!canPush()) return "push_unable";
  if (!dataset.pushKey) return "push_not_set_up";
  if (isDenied) return "push_denied";
  return isOn ? "push_is_on" : "push_is_off";
}

const isApple = () => /iPhone|iPad/.test(navigator.userAgent);

function browserKind() {
  if (/Firefox\//.test(navigator.userAgent)) return "firefox";
  return /Chrom(e|ium)\//.test(navigator.userAgent) ? "chromium" : "safari";
}

// --- turning on and off --------------------------------------------------------------------------

async function turnOn() {
  part("push-dialog").close();
  const answer = await Notification.requestPermission();
  if (answer === "granted") await subscribeAndSay();
  await show();
  const next = ["push-off", "push-on", "push-test"].map(part).find((it) => !it.hidden);
  next?.focus();
}

async function subscribeAndSay() {
  try {
    const { ok, body } = await subscribe();
    say([ok ? t("push_turned_on") : body.detail || t("push_failed")]);
  } catch {
    // The browser reaches no push service, or has none.
    say([t("push_no_service")]);
  }
}

async function turnOff() {
  try {
    await unsubscribe();
    say([t("push_turned_off")]);
  } catch {
    say([t("push_failed")]);
  }
  await show();
  part("push-on").focus();
}

function say(lines) {
  part("push-outcome").replaceChildren(
    ...lines.map((words) => Object.assign(document.createElement("p"), { textContent: words })),
  );
}

// --- the test ------------------------------------------------------------------------------------

async function test() {
  part("push-test").disabled = true;
  say([t("push_testing")]);
  say([await testDesktop(), await testPush()]);
  part("push-test").disabled = false;
}

async function testDesktop() {
  if (!("Notification" in window)) return t("desktop_unable");
  if (Notification.permission !== "granted") return t("desktop_not_allowed");
  const worker = await startWorker();
  if (!worker) return t("desktop_unable");
  await navigator.serviceWorker.ready;
  await worker.showNotification(t("test_title"), { body: t("test_body"), tag: "test-desktop" });
  return t("desktop_shown");
}

async function testPush() {
  const made = await subscription();
  if (!made) return t("push_not_on");
  const arrival = arrived();
  let answer;
  try {
    answer = await post(dataset.testUrl, { endpoint: made.endpoint });
  } catch {
    return t("push_failed");
  }
  if (!answer.ok) return answer.body.detail || t("push_failed");
  return (await arrival) ? t("push_arrived") : t("push_not_arrived");
}

function arrived() {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ARRIVES_MS);
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data?.type !== "pushed" || data.kind !== "test") return;
      clearTimeout(timer);
      resolve(true);
    });
  });
}

// --- begin ---------------------------------------------------------------------------------------

function play() {
  play.audio ??= new AudioContext();
  playTone(play.audio, {
    sound: "message",
    tone: part("id_tone").value,
    volume: Number(part("id_volume").value),
  });
}

const CLICKS = {
  "push-on": () => part("push-dialog").showModal(),
  "push-ask": turnOn,
  "push-off": turnOff,
  "push-test": test,
  play,
};
for (const [id, act] of Object.entries(CLICKS)) part(id).addEventListener("click", act);
for (const closer of document.querySelectorAll("dialog [data-close]")) {
  closer.addEventListener("click", () => closer.closest("dialog").close());
}
document.querySelector(`[data-steps="${browserKind()}"]`).hidden = false;
part("play").hidden = false;
localise(document);
keepTime();
await startWorker();
await show();
dataset.ready = "true";
