// Whom can a note mention? An @ opens a list of colleagues and teams.

import { Offered, part } from "./offered.js";
import { t } from "./words.js";

// An @ at the beginning or after what is no part of a word, and at most three words of a name.
const BEGUN = /(?:^|[^\p{L}\p{N}_])@([\p{L}\p{N}_.'’-]*(?: [\p{L}\p{N}_.'’-]+){0,2})$/u;

export class Mentions extends Offered {
  sign = BEGUN;
  keepsSign = true;

  get url() {
    return this.field.dataset.mentionsUrl;
  }

  tell(offered, words) {
    if (offered.length) return t("can_mention", { number: offered.length });
    return words.includes(" ") ? "" : t("nobody_to_mention");
  }

  option({ kind, name, number, is_outside: isOutside }) {
    const one = document.createElement("li");
    one.dataset.name = name;
    one.append(part("offered-name", name));
    const isTeam = kind === "team";
    if (isTeam) one.append(part("offered-what", t("mention_team", { number })));
    if (isOutside) one.append(part("offered-what", t(isTeam ? "mention_adds_some" : "mention_adds")));
    return one;
  }

  text(chosen) {
    return `${chosen.dataset.name} `;
  }
}
