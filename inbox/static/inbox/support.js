// Is somebody still here for support? Hears nothing but the end of it, and then clears the screen.

import { keepTime, localise } from "./fmt.js";
import { showWhoIsHere } from "./here.js";
import { Socket } from "./socket.js";

const scheme = location.protocol === "https:" ? "wss" : "ws";
const ignore = () => undefined;
const leave = () => location.replace(document.body.dataset.homeUrl);

localise(document);
keepTime();
new Socket(`${scheme}://${location.host}/ws/v1/`, {
  frame: ignore,
  hello: ignore,
  state: ignore,
  // While the line is down, the page asks.
  poll: () => showWhoIsHere().then((isHere) => isHere || leave(), ignore),
  ended: leave,
});
