// Where a stale link ends: does this person have words there that nobody has seen?

import { Drafts } from "./drafts.js";
import { showKept } from "./kept.js";

const box = document.getElementById("handled");
showKept(box, box.dataset.id, new Drafts(document.body.dataset.me));
