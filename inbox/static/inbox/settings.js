// Settings pages are plain pages; only their times are put into the reader's own words.

import { keepTime, localise } from "./fmt.js";

localise(document);
keepTime();
