// Plain pages of an account have no socket: they ask now and then who is here for support.

import { showWhoIsHere } from "./here.js";
import { SessionEndedError } from "./http.js";

const EVERY_MS = 5000;

async function look() {
  if (document.hidden) return;
  try {
    await showWhoIsHere();
  } catch (error) {
    if (error instanceof SessionEndedError) clearInterval(timer);
  }
}

const timer = setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);
