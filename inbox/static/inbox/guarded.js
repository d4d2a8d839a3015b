// A page that shows one conversation, beside the lists: who loses sight of it sees it no more.

import { Elsewhere } from "./elsewhere.js";

new Elsewhere(document.getElementById("media-parts") ? { parts: ["media-parts"] } : {});
