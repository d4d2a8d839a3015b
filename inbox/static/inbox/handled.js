// Where a stale link ends, or a licence: does this person have words there that nobody has seen?

import { Drafts } from "./drafts.js";
import { showKept } from "./kept.js";
import { Saved } from "./saved.js";

const { me, draftUrl } = document.body.dataset;
const box = document.getElementById("handled");
// Such a page names no conversation: its address does.
const id = /\/c\/([^/]+)\//.exec(location.pathname)?.[1];
if (box && id) showKept(box, id, new Saved(new Drafts(me), draftUrl));
