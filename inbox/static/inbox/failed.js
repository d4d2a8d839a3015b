// What stands where something could not be loaded? Words, and one way to try again.

import { alarm } from "./speak.js";
import { waitIn } from "./waiting.js";
import { t } from "./words.js";

// Make the place that says so; `again` is what its button does. It goes when it is pressed.
export function failedPlace(words, again) {
  const place = document.createElement("div");
  place.className = "failed";
  const text = document.createElement("p");
  text.textContent = words;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.textContent = t("retry");
  button.addEventListener("click", () => {
    place.remove();
    again();
  });
  place.append(text, button);
  alarm(words);
  return place;
}

// What htmx asks for and does not get: a session that ended is told as everywhere else, the next
// rows say so in their place, and the list keeps what it showed.
export function wireParts(list, sessionEnded) {
  let latest = null;
  const ends = new Map();
  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    if (detail.target === list.box) latest = detail.xhr;
    ends.set(detail.xhr, waitIn(detail.target));
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    ends.get(detail.xhr)?.();
    ends.delete(detail.xhr);
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status !== 401) return;
    event.preventDefault();
    sessionEnded();
  });
  const tell = (detail) => {
    if (detail.target.matches(".more")) moreFailed(detail.target);
    else if (detail.xhr === latest) list.failed(() => askAgain(detail, list));
  };
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (!detail.isError) return;
    detail.isError = false;
    tell(detail);
  });
  document.addEventListener("htmx:sendError", ({ detail }) => tell(detail));
}

function askAgain({ elt, requestConfig }, list) {
  const { verb, path } = requestConfig;
  if (elt.isConnected) window.htmx.ajax(verb, path, { source: elt, target: list.box, swap: "outerHTML" });
  else list.reload();
}

// The link that asked for the next rows stays, and asks again.
function moreFailed(place) {
  const words = t("more_not_loaded");
  place.querySelector("a").textContent = t("retry");
  if (!place.querySelector("p")) {
    const text = document.createElement("p");
    text.textContent = words;
    place.prepend(text);
  }
  alarm(words);
}
