// Is a person here? Their keys and pointer say so, once a minute at most: what a page does by itself
// keeps nobody logged in.

const A_MINUTE = 60_000;
let saidAt = Date.now();

function stir() {
  if (Date.now() - saidAt < A_MINUTE) return;
  saidAt = Date.now();
  fetch(document.body.dataset.awakeUrl, {
    method: "POST",
    redirect: "manual",
    credentials: "same-origin",
    headers: { Accept: "application/json", "X-CSRFToken": document.body.dataset.csrf },
  }).catch(() => {});
}

export function noticePeople() {
  for (const kind of ["keydown", "pointerdown", "wheel"]) {
    addEventListener(kind, stir, { capture: true, passive: true });
  }
}
