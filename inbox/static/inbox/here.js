// Who is in this account for support? Keeps the banner of an open page true.

import { localise } from "./fmt.js";
import { getPart } from "./http.js";

const place = () => document.getElementById("support");
const shown = (root) =>
  [...root.querySelectorAll("[data-support]")].map((one) => one.dataset.support).join();

// Show the banner as it is now; answers whether there is one to ask for at all.
export async function showWhoIsHere() {
  const answer = await getPart(place().dataset.url);
  if (answer.ok) show(answer.text.trim());
  return answer.status !== 404;
}

// These are here, by number: ask for the banner if it names others.
export function areHere(numbers) {
  if (numbers.join() !== shown(place())) showWhoIsHere().catch(() => undefined);
}

function show(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  if (shown(holder.content) === shown(place())) return;
  place().replaceChildren(holder.content);
  localise(place());
}
