// What happens to words that were meant for a conversation somebody else has now? They are kept.

import { copy } from "./dialogs.js";

const MODES = ["reply", "note"];

// Show the draft of a conversation that one does not see; `forgotten` is called when it is thrown
// away. What another browser wrote comes from the server, a moment later.
export async function showKept(box, id, saved, forgotten = () => {}) {
  const { drafts } = saved;
  const place = box.querySelector("#kept-draft");
  const words = () => MODES.flatMap((mode) => kept(drafts, id, mode)).join("\n\n");
  const show = () => {
    place.hidden = !words();
    box.querySelector("#kept-words").textContent = words();
  };
  show();
  box.querySelector("#kept-copy").addEventListener("click", () => copy(words()));
  box.querySelector("#kept-discard").addEventListener("click", () => {
    for (const mode of MODES) {
      drafts.offer(id, mode, null);
      drafts.drop(id, mode);
    }
    saved.flush();
    show();
    forgotten();
    box.querySelector("[data-next]")?.focus();
  });
  await saved.look(id);
  show();
}

function kept(drafts, id, mode) {
  const found = [drafts.get(id, mode), drafts.other(id, mode)];
  return found.map((one) => one?.body).filter(Boolean);
}
