// How does the page talk to the simulator?

async function ask(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.error || `${method} ${path}: ${answer.status}`);
  return data;
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);
export const remove = (path) => ask("DELETE", path);

/** Call the listener for every event; it also hears "open" and "lost". */
export function listen(listener) {
  const source = new EventSource("/_sim/events");
  source.addEventListener("open", () => listener("open", {}));
  source.addEventListener("error", () => listener("lost", {}));
  for (const name of ["message", "status", "exchange", "faults", "clock", "config", "reset"]) {
    source.addEventListener(name, (event) => listener(name, event.data ? JSON.parse(event.data) : {}));
  }
}
