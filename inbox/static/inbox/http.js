// How do we ask the server? With the token, without following it to the log-in page.

export class SessionEndedError extends Error {}

// Send a form's worth of data; answer {status, body, text}. Throws when the network fails. With
// `keepalive` it goes out even if the page is left.
export async function post(url, data = {}, { keepalive = false } = {}) {
  const body = data instanceof FormData ? data : formOf(data);
  const response = await fetch(url, {
    method: "POST",
    body,
    keepalive,
    redirect: "manual",
    credentials: "same-origin",
    headers: { Accept: "application/json", "X-CSRFToken": document.body.dataset.csrf },
  });
  return answerOf(response);
}

// Send what is no form; answer as `post` does.
export async function postJson(url, data) {
  const response = await fetch(url, {
    method: "POST",
    body: JSON.stringify(data),
    redirect: "manual",
    credentials: "same-origin",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/json",
      "X-CSRFToken": document.body.dataset.csrf,
    },
  });
  return answerOf(response);
}

// Name a wish, so that its repeat is known: 32 hex digits (randomUUID needs a secure page).
export function newClientId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
}

// Fetch a fragment of a page.
export async function getPart(url) {
  const response = await fetch(url, {
    redirect: "manual",
    credentials: "same-origin",
    headers: { "HX-Request": "true" },
  });
  return answerOf(response);
}

// Fetch JSON; the answer's tag travels along so that nothing new costs nothing.
export async function getJson(url, tag = "") {
  const headers = { Accept: "application/json", ...(tag && { "If-None-Match": tag }) };
  const response = await fetch(url, { redirect: "manual", credentials: "same-origin", headers });
  return answerOf(response);
}

async function answerOf(response) {
  // A part of a page is refused, a page leads to the log-in page.
  const isOver = response.status === 401 || response.type === "opaqueredirect";
  if (isOver) throw new SessionEndedError();
  const text = await response.text();
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  return {
    status: response.status,
    ok: response.ok,
    text,
    body: isJson && text ? JSON.parse(text) : {},
    headers: response.headers,
  };
}

function formOf(data) {
  const form = new FormData();
  for (const [name, value] of Object.entries(data)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) form.append(name, one);
    }
  }
  return form;
}
