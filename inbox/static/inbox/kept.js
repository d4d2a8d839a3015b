// What happens to words that were meant for a conversation somebody else has now? They are kept.

import { copy } from "./dialogs.js";

const MODES = ["reply", "note"];

// Show the draft of a lost conversation; `forgotten` is called when it is thrown away.
export function showKept(box, id, drafts, forgotten = () => {}) {
  const words = MODES.map((mode) => drafts.get(id, mode)?.body).filter(Boolean).join("\n\n");
  const place = box.querySelector("#kept-draft");
  place.hidden = !words;
  box.querySelector("#kept-words").textContent = words;
  box.querySelector("#kept-copy").addEventListener("click", () => copy(words));
  box.querySelector("#kept-discard").addEventListener("click", () => {
    for (const mode of MODES) drafts.drop(id, mode);
    place.hidden = true;
    forgotten();
    box.querySelector("[data-next]").focus();
  });
}
