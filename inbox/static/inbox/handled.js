// Where a stale link ends, or a licence: does this person have words there that nobody has seen?

import { Drafts } from "./drafts.js";
import { showKept } from "./kept.js";
import { Saved } from "./saved.js";

const { me, draftUrl } = document.body.dataset;
const box = document.getElementById("handled");
if (box) showKept(box, box.dataset.id, new Saved(new Drafts(me), draftUrl));
