"""How many SMS does this text become, and which characters make it dear?

Pure, and the twin of static/inbox/segments.js: both are held to the same vectors. The rules are
those of the network (3GPP TS 23.038: 160/153 GSM-7 units, 70/67 UTF-16 units, six octets of header
in every part of a longer text), and replacements are those of Twilio's Smart Encoding.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

MAX_CHARACTERS = 1600

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
GSM = GSM_BASIC | GSM_EXTENDED

# What Smart Encoding writes, and the characters it writes it for. Odd spaces become one space here.
SMART_GROUPS = {
    "": "\u0000\u0003\u0004\u0010\u0011\u0012\u0013\u0014\u0017\u0019\u200b\u200c\u2060\ufeff",
    " ": "\u0009\u0080\u008d\u0090\u009b\u009f\u00a0\u2000\u2001\u2002\u2003\u2004"
    "\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
    "!": "\u01c3\ufe15\ufe57\uff01",
    "!!": "\u203c",
    '"': "\u00ab\u00bb\u02ba\u02ee\u201c\u201d\u201e\u201f\u275d\u275e\u301d\u301e\uff02",
    "#": "\ufe5f\uff03",
    "$": "\ufe69\uff04",
    "%": "\ufe6a\uff05",
    "&": "\ufe60\uff06",
    "'": "\u0060\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u0313"
    "\u0314\u2018\u2019\u201b\u275b\u275c\ufe10\ufe11\uff07",
    "(": "\u2768\u276a\u27ee\u2985\ufe59\uff08",
    ")": "\u2769\u276b\u27ef\u2986\ufe5a\uff09",
    "*": "\u204e\u2217\u229b\u2722\u2723\u2724\u2725\u2731\u2732\u2733\u273a"
    "\u273b\u273c\u273d\u2743\u2749\u274a\u274b\u29c6\ufe61\uff0a",
    "+": "\u02d6\ufe62\uff0b",
    ",": "\u0326\u201a\u3001\ufe50\ufe51\uff0c\uff64",
    "-": "\u2010\u2013\u2014\u2015\u2022\u2043\u23bc\u23bd\ufe63\uff0d",
    ".": "\u3002\ufe52\uff0e\uff61",
    "...": "\u2026",
    "/": "\u00f7\u0337\u0338\u2044\u2215\u29f8\uff0f",
    "0": "\uff10",
    "1": "\uff11",
    "1/2": "\u00bd",
    "1/4": "\u00bc",
    "2": "\uff12",
    "3": "\uff13",
    "3/4": "\u00be",
    "4": "\uff14",
    "5": "\uff15",
    "6": "\uff16",
    "7": "\uff17",
    "8": "\uff18",
    "9": "\uff19",
    ":": "\u02d0\u02f8\u2982\ua789\ufe13\uff1a",
    ";": "\u204f\ufe14\ufe54\uff1b",
    "<": "\u2039\ufe64\uff1c",
    "=": "\u0347\ua78a\ufe66\uff1d",
    ">": "\u203a\ufe65\uff1e",
    "?": "\ufe16\ufe56\uff1f",
    "@": "\ufe6b\uff20",
    "A": "\u1d00\uff21",
    "B": "\u0299\uff22",
    "C": "\u1d04\uff23",
    "D": "\u1d05\uff24",
    "E": "\u1d07\uff25",
    "F": "\ua730\uff26",
    "G": "\u0262\uff27",
    "H": "\u029c\uff28",
    "I": "\u026a\uff29",
    "J": "\u1d0a\uff2a",
    "K": "\u1d0b\uff2b",
    "L": "\u029f\uff2c",
    "M": "\u1d0d\uff2d",
    "N": "\u0274\uff2e",
    "O": "\u1d0f\uff2f",
    "P": "\u1d18\uff30",
    "Q": "\uff31",
    "R": "\u0280\uff32",
    "S": "\ua731\uff33",
    "T": "\u1d1b\uff34",
    "U": "\u1d1c\uff35",
    "V": "\u1d20\uff36",
    "W": "\u1d21\uff37",
    "X": "\uff38",
    "Y": "\u028f\uff39",
    "Z": "\u1d22\uff3a",
    "[": "\uff3b",
    "\\": "\u20e5\u29f5\u29f9\ufe68\uff3c",
    "]": "\uff3d",
    "^": "\u02c6\u0302\u1dcd\uff3e",
    "_": "\u0332\u2017\uff3f",
    "{": "\u2774\ufe5b\uff5b",
    "|": "\u20d2\u20d3\u2223\u239c\u239f\u23b8\u23b9\u23d0\uff5c",
    "}": "\u2775\ufe5c\uff5d",
    "~": "\u02dc\u02f7\u0303\u0330\u0334\u223c\uff5e",
}
SMART = str.maketrans({odd: plain for plain, odds in SMART_GROUPS.items() for odd in odds})

ZERO_WIDTH_JOINER = "\u200d"
HEADER_BITS = 48
BITS_PER_PART = 1120


@dataclass(frozen=True)
class Segments:
    """What a text costs.

    `chars` is what a person would count (GSM-7: extension characters count twice), `units` the
    number of code points, `culprits` the characters that force the dear encoding, `remaining` how
    many units still fit into the last part.
    """

    encoding: str
    segments: int
    chars: int
    units: int
    remaining: int
    culprits: tuple[str, ...]
    message_size: int
    total_size: int


def count(text: str, *, smart: bool = False) -> Segments:
    """Measure a text; with `smart`, as Twilio would send it under Smart Encoding."""
    if smart:
        text = text.translate(SMART)
    culprits = tuple(dict.fromkeys(char for char in text if char not in GSM))
    if not culprits:
        costs = [2 if char in GSM_EXTENDED else 1 for char in text]
        return _measure("GSM-7", text, costs, culprits, chars=sum(costs))
    costs = [_utf16_units(cluster) for cluster in clusters(text)]
    return _measure("UCS-2", text, costs, culprits, chars=len(costs))


def plain(text: str) -> str:
    """Rewrite look-alikes (curly quotes, long dashes, odd spaces) so that the text costs less."""
    return unicodedata.normalize("NFC", text).translate(SMART)


def clusters(text: str) -> list[str]:
    """Split a text where a reader would: never inside an emoji or an accented letter."""
    found: list[str] = []
    for char in text:
        if found and _continues(found[-1], char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _measure(
    encoding: str, text: str, costs: list[int], culprits: tuple[str, ...], *, chars: int
) -> Segments:
    bits = 7 if encoding == "GSM-7" else 16
    parts = _parts(costs, bits)
    size = sum(costs) * bits
    header = HEADER_BITS if len(parts) > 1 else 0
    return Segments(
        encoding=encoding,
        segments=len(parts),
        chars=chars,
        units=len(text),
        remaining=(BITS_PER_PART - header) // bits - parts[-1],
        culprits=culprits,
        message_size=size,
        total_size=size + header * len(parts),
    )


def _parts(costs: Iterable[int], bits: int) -> list[int]:
    """Return how many units each part holds; a cluster is never cut in two."""
    single, multi = BITS_PER_PART // bits, (BITS_PER_PART - HEADER_BITS) // bits
    costs = list(costs)
    if sum(costs) <= single:
        return [sum(costs)]
    parts = [0]
    for cost in costs:
        if parts[-1] and parts[-1] + cost > multi:
            parts.append(0)
        parts[-1] += cost
    return parts


def _continues(cluster: str, char: str) -> bool:
    if cluster in {"\r", "\n"}:
        return False
    if char == ZERO_WIDTH_JOINER or unicodedata.category(char).startswith("M"):
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    if cluster.endswith(ZERO_WIDTH_JOINER):
        return _is_pictograph(char)
    return _is_regional(char) and len(cluster) == 1 and _is_regional(cluster)


def _is_pictograph(char: str) -> bool:
    return "\u2190" <= char <= "\u2bff" or "\U0001f000" <= char <= "\U0001faff"


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
