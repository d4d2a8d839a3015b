// How many SMS does this text become, and which characters make it dear?
// Pure, and the twin of inbox/segments.py: both are held to the same vectors.

export const MAX_CHARACTERS = 1600;

const GSM_BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    + "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const GSM_EXTENDED = new Set("\f^{}\\[~]|€");

export const SMART_GROUPS = {
  "": "\u0000\u0003\u0004\u0010\u0011\u0012\u0013\u0014\u0017\u0019\u200b\u200c\u2060\ufeff",
  " ": "\u0009\u0080\u008d\u0090\u009b\u009f\u00a0\u2000\u2001\u2002\u2003\u2004"
    + "\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
  "!": "\u01c3\ufe15\ufe57\uff01",
  "!!": "\u203c",
  "\"": "\u00ab\u00bb\u02ba\u02ee\u201c\u201d\u201e\u201f\u275d\u275e\u301d\u301e\uff02",
  "#": "\ufe5f\uff03",
  "$": "\ufe69\uff04",
  "%": "\ufe6a\uff05",
  "&": "\ufe60\uff06",
  "'": "\u0060\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u0313"
    + "\u0314\u2018\u2019\u201b\u275b\u275c\ufe10\ufe11\uff07",
  "(": "\u2768\u276a\u27ee\u2985\ufe59\uff08",
  ")": "\u2769\u276b\u27ef\u2986\ufe5a\uff09",
  "*": "\u204e\u2217\u229b\u2722\u2723\u2724\u2725\u2731\u2732\u2733\u273a"
    + "\u273b\u273c\u273d\u2743\u2749\u274a\u274b\u29c6\ufe61\uff0a",
  "+": "\u02d6\ufe62\uff0b",
  ",": "\u0326\u201a\u3001\ufe50\ufe51\uff0c\uff64",
  "-": "\u2010\u2013\u2014\u2015\u2022\u2043\u23bc\u23bd\ufe63\uff0d",
  ".": "\u3002\ufe52\uff0e\uff61",
  "...": "\u2026",
  "/": "\u00f7\u0337\u0338\u2044\u2215\u29f8\uff0f",
  "0": "\uff10",
  1: "\uff11",
  "1/2": "\u00bd",
  "1/4": "\u00bc",
  2: "\uff12",
  3: "\uff13",
  "3/4": "\u00be",
  4: "\uff14",
  5: "\uff15",
  6: "\uff16",
  7: "\uff17",
  8: "\uff18",
  9: "\uff19",
  ":": "\u02d0\u02f8\u2982\ua789\ufe13\uff1a",
  ";": "\u204f\ufe14\ufe54\uff1b",
  "<": "\u2039\ufe64\uff1c",
  "=": "\u0347\ua78a\ufe66\uff1d",
  ">": "\u203a\ufe65\uff1e",
  "?": "\ufe16\ufe56\uff1f",
  "@": "\ufe6b\uff20",
  A: "\u1d00\uff21",
  B: "\u0299\uff22",
  C: "\u1d04\uff23",
  D: "\u1d05\uff24",
  E: "\u1d07\uff25",
  F: "\ua730\uff26",
  G: "\u0262\uff27",
  H: "\u029c\uff28",
  I: "\u026a\uff29",
  J: "\u1d0a\uff2a",
  K: "\u1d0b\uff2b",
  L: "\u029f\uff2c",
  M: "\u1d0d\uff2d",
  N: "\u0274\uff2e",
  O: "\u1d0f\uff2f",
  P: "\u1d18\uff30",
  Q: "\uff31",
  R: "\u0280\uff32",
  S: "\ua731\uff33",
  T: "\u1d1b\uff34",
  U: "\u1d1c\uff35",
  V: "\u1d20\uff36",
  W: "\u1d21\uff37",
  X: "\uff38",
  Y: "\u028f\uff39",
  Z: "\u1d22\uff3a",
  "[": "\uff3b",
  "\\": "\u20e5\u29f5\u29f9\ufe68\uff3c",
  "]": "\uff3d",
  "^": "\u02c6\u0302\u1dcd\uff3e",
  "_": "\u0332\u2017\uff3f",
  "{": "\u2774\ufe5b\uff5b",
  "|": "\u20d2\u20d3\u2223\u239c\u239f\u23b8\u23b9\u23d0\uff5c",
  "}": "\u2775\ufe5c\uff5d",
  "~": "\u02dc\u02f7\u0303\u0330\u0334\u223c\uff5e",
};
const SMART = new Map();
for (const [plainText, odds] of Object.entries(SMART_GROUPS)) {
  for (const odd of odds) SMART.set(odd, plainText);
}

const JOINER = "\u200d";
const HEADER_BITS = 48;
const BITS_PER_PART = 1120;

// Measure a text; with `smart`, as Twilio would send it under Smart Encoding.
export function count(text, { smart = false } = {}) {
  const sent = smart ? replaceOdd(text) : text;
  const points = [...sent];
  const culprits = [...new Set(points.filter((char) => !isGsm(char)))];
  if (culprits.length === 0) {
    const costs = points.map((char) => (GSM_EXTENDED.has(char) ? 2 : 1));
    return measure("GSM-7", points.length, costs, culprits, sum(costs));
  }
  const costs = clusters(sent).map((cluster) => cluster.length);
  return measure("UCS-2", points.length, costs, culprits, costs.length);
}

// Rewrite look-alikes (curly quotes, long dashes, odd spaces) so that the text costs less.
export function plain(text) {
  return replaceOdd(text.normalize("NFC"));
}

// Split a text where a reader would: never inside an emoji or an accented letter.
export function clusters(text) {
  const found = [];
  for (const char of text) {
    const last = found.length - 1;
    if (last >= 0 && continues(found[last], char)) found[last] += char;
    else found.push(char);
  }
  return found;
}

function measure(encoding, units, costs, culprits, chars) {
  const bits = encoding === "GSM-7" ? 7 : 16;
  const parts = split(costs, bits);
  const messageSize = sum(costs) * bits;
  const header = parts.length > 1 ? HEADER_BITS : 0;
  return {
    encoding,
    segments: parts.length,
    chars,
    units,
    remaining: Math.floor((BITS_PER_PART - header) / bits) - parts[parts.length - 1],
    culprits,
    messageSize,
    totalSize: messageSize + header * parts.length,
  };
}

function split(costs, bits) {
  const single = Math.floor(BITS_PER_PART / bits);
  const multi = Math.floor((BITS_PER_PART - HEADER_BITS) / bits);
  if (sum(costs) <= single) return [sum(costs)];
  const parts = [0];
  for (const cost of costs) {
    const last = parts.length - 1;
    if (parts[last] && parts[last] + cost > multi) parts.push(cost);
    else parts[last] += cost;
  }
  return parts;
}

function continues(cluster, char) {
  if (cluster === "\r" || cluster === "\n") return false;
  if (char === JOINER || /\p{M}/u.test(char)) return true;
  if (char >= "\u{1f3fb}" && char <= "\u{1f3ff}") return true;
  if (cluster.endsWith(JOINER)) return isPictograph(char);
  return isRegional(char) && [...cluster].length === 1 && isRegional(cluster);
}

function isPictograph(char) {
  const point = char.codePointAt(0);
  return (point >= 0x2190 && point <= 0x2bff) || (point >= 0x1f000 && point <= 0x1faff);
}

function isRegional(char) {
  const point = char.codePointAt(0);
  return point >= 0x1f1e6 && point <= 0x1f1ff;
}

function isGsm(char) {
  return GSM_BASIC.has(char) || GSM_EXTENDED.has(char);
}

function replaceOdd(text) {
  return [...text].map((char) => SMART.get(char) ?? char).join("");
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
