// Is this browser woken when no page is open? The script that does it, and its subscription.

import { post } from "./http.js";

export const canWork = () => "serviceWorker" in navigator && isSecureContext;
export const canPush = () => canWork() && "PushManager" in window && "Notification" in window;

const KEPT = "teaminbox.push-kept";

// Register the script; it also stands in for pages when the network is away.
export async function startWorker() {
  if (!canWork()) return null;
  try {
    return await navigator.serviceWorker.register(document.body.dataset.workerUrl, { scope: "/" });
  } catch {
    // A browser that keeps nothing works as before.
    return null;
  }
}

export async function subscription() {
  if (!canPush()) return null;
  const worker = await navigator.serviceWorker.getRegistration("/");
  return (await worker?.pushManager.getSubscription()) ?? null;
}

// Subscribe and tell the server; answers {ok, body} of it. Throws what the browser throws.
export async function subscribe() {
  await startWorker();
  const worker = await navigator.serviceWorker.ready;
  const wanted = {
    userVisibleOnly: true,
    applicationServerKey: bytes(document.body.dataset.pushKey),
  };
  let made;
  try {
    made = await worker.pushManager.subscribe(wanted);
  } catch (error) {
    // The installation has another key now.
    if (error.name !== "InvalidStateError") throw error;
    await (await worker.pushManager.getSubscription())?.unsubscribe();
    made = await worker.pushManager.subscribe(wanted);
  }
  const { endpoint, keys } = made.toJSON();
  return post(document.body.dataset.browserUrl, { act: "add", endpoint, ...keys });
}

export async function unsubscribe() {
  const made = await subscription();
  if (!made) return;
  await post(document.body.dataset.browserUrl, { act: "remove", endpoint: made.endpoint });
  await made.unsubscribe();
}

// Say once per tab that this browser is still there; let it be if it is not this person's.
export async function keepSubscription() {
  if (sessionStorage.getItem(KEPT)) return;
  try {
    const made = await subscription();
    if (!made) return;
    const { endpoint } = made;
    const { status } = await post(document.body.dataset.browserUrl, { act: "renew", endpoint });
    if (status === 410) await made.unsubscribe();
    sessionStorage.setItem(KEPT, "yes");
  } catch {
    // Another page says it.
  }
}

// Let the script show a notice, as phones insist on; answers whether there is one that did.
export async function showByWorker(title, options) {
  if (!canWork()) return false;
  try {
    const worker = await navigator.serviceWorker.getRegistration("/");
    if (!worker?.active) return false;
    await worker.showNotification(title, options);
    return true;
  } catch {
    return false;
  }
}

// Take back what the script shows of a conversation.
export async function closeShown(tag) {
  if (!canWork()) return;
  const worker = await navigator.serviceWorker.getRegistration("/");
  for (const one of (await worker?.getNotifications({ tag })) ?? []) one.close();
}

function bytes(text) {
  const whole = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(whole), (one) => one.charCodeAt(0));
}
