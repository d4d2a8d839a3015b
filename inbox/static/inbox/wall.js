// How does the board on the wall stay true? It asks every few seconds, and says when it cannot.

import { SessionEndedError, getPart } from "./http.js";
import { t } from "./words.js";

const EVERY_MS = 5000;

const board = document.getElementById("board");
const lost = document.getElementById("wall-lost");
const wholeScreen = document.getElementById("whole-screen");
let heardAt = new Date();

async function refresh() {
  if (document.hidden) return;
  let answer = null;
  try {
    answer = await getPart(location.href);
  } catch (error) {
    if (error instanceof SessionEndedError) return location.reload();
  }
  // It may be seen here no more: the page says why.
  if ([403, 410].includes(answer?.status)) return location.reload();
  if (answer?.ok) show(answer.text);
  else sayLost();
}

function show(html) {
  heardAt = new Date();
  lost.hidden = true;
  board.innerHTML = html;
}

function sayLost() {
  if (!lost.hidden) return;
  const time = heardAt.toLocaleTimeString(document.documentElement.lang);
  lost.textContent = t("wall_lost", { time });
  lost.hidden = false;
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);

wholeScreen.hidden = !document.fullscreenEnabled;
wholeScreen.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
