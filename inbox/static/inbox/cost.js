// What does an SMS cost, and which characters make it dear? In words, for the line under the field.

import { amountWords } from "./fmt.js";
import { count, plain } from "./segments.js";
import { t } from "./words.js";

const MANY_SEGMENTS = 4;
const MOST_NAMED = 3;

// Answer the `words`, their `tone`, and whether rewriting look-alikes makes the text cheaper.
export function costOf(body, { price, currency } = {}) {
  const { segments, encoding, remaining, culprits } = count(body);
  const used = encoding === "GSM-7" ? 160 : 70;
  const facts = {
    segments: segmentsWords(segments),
    encoding,
    room: segments === 1 ? `${used - remaining}/${used}` : t("left", { number: remaining }),
  };
  const money = `${amountWords(Number(price) * segments)} ${currency}`;
  const about = Number(price) ? t("about_cost", { price: money }) : "";
  const words = [t("cost", facts), about, oddWords(body, segments, culprits)];
  return {
    words: words.filter(Boolean).join(" · "),
    mayReplace: culprits.length > 0 && count(plain(body)).segments < segments,
    tone: segments >= MANY_SEGMENTS ? "warn" : "",
  };
}

// Name the characters for which the text is not sent as GSM-7, and say if it is longer for them.
function oddWords(body, segments, culprits) {
  const number = culprits.length;
  if (!number) return "";
  const named = culprits.slice(0, MOST_NAMED).map(shown);
  const characters = [...named, ...(number > MOST_NAMED ? ["…"] : [])].join(" ");
  const odd = new Set(culprits);
  const without = [...body].map((one) => (odd.has(one) ? "x" : one)).join("");
  const isDearer = count(without).segments < segments;
  const name = `${number === 1 ? "odd_one" : "odd_some"}${isDearer ? "_dearer" : ""}`;
  return t(name, { number, characters, segments: segmentsWords(segments) });
}

// What nobody can see is named by its number.
function shown(character) {
  if (!/[\p{Z}\p{C}\p{M}]/u.test(character)) return character;
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function segmentsWords(number) {
  return number === 1 ? t("one_segment") : t("segments", { number });
}
