// What is known of who is answered? Two braces open a list of it, to be put into the words.

import { Canned } from "./canned.js";
import { part } from "./offered.js";
import { t } from "./words.js";

export class Values extends Canned {
  sign = /\{\{([\p{L}\p{M}\p{N}_. -]{0,40})$/u;
  signLength = 2;
  typed = "{{";

  query(words) {
    return { q: words, of: "values" };
  }

  tell(offered) {
    return offered.length ? t("can_use_values", { number: offered.length }) : t("no_values");
  }

  option({ isNone, id, text }) {
    const one = document.createElement("li");
    if (isNone) {
      one.append(part("offered-what", t("no_values")));
      return one;
    }
    Object.assign(one.dataset, { id, text });
    one.classList.add("offered-canned");
    one.append(part("offered-name", `{{${id}}}`), part("offered-text", text));
    return one;
  }

  choose(chosen) {
    return chosen && !chosen.dataset.id ? this.dismiss() : super.choose(chosen);
  }

  text(chosen) {
    return chosen.dataset.text;
  }
}
