// Is a person here? Their keys and pointer say so, once a minute at most: what a page does by itself
// keeps nobody logged in.

const A_MINUTE = 60_000;
const place = document.getElementById("awake");
let saidAt = Date.now();

function stir() {
  if (Date.now() - saidAt < A_MINUTE) return;
  saidAt = Date.now();
  fetch(place.dataset.url, {
    method: "POST",
    redirect: "manual",
    credentials: "same-origin",
    headers: { Accept: "application/json", "X-CSRFToken": place.dataset.token },
  }).catch(() => {});
}

for (const kind of ["keydown", "pointerdown", "wheel"]) {
  addEventListener(kind, stir, { capture: true, passive: true });
}
