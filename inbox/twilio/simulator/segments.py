"""How many SMS segments does this text need, and where do they break?"""

import unicodedata
from dataclasses import dataclass

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")

_SMART_GROUPS = {
    '"': "«»“”„‟ʺˮ❝❞〝〞＂",
    "'": "‘’‚‛ʻˈʼʽʹ′❛❜`´",
    "-": "‐‑‒–—―−⁃",
    "...": "…",
    "/": "÷⁄∕",
    ",": "¸،",
    "<": "‹˂",
    ">": "›˃",
    "*": "•∗",
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000\t",
    "": "\u0000\u200b\ufeff\u2060\u00ad",
    "1/4": "¼",
    "1/2": "½",
    "3/4": "¾",
}
SMART = str.maketrans({char: plain for plain, chars in _SMART_GROUPS.items() for char in chars})

ZERO_WIDTH_JOINER = "\u200d"


@dataclass(frozen=True, slots=True)
class Measure:
    """A text cut into the parts that travel as one SMS each."""

    encoding: str
    parts: tuple[str, ...]

    @property
    def segments(self) -> int:
        """Return the number that Twilio bills; an empty text still counts as one."""
        return max(1, len(self.parts))


def measure(text: str, *, smart: bool = False) -> Measure:
    """Cut a text into segments, first replacing look-alikes if the service does so."""
    if smart:
        text = text.translate(SMART)
    if all(char in GSM_BASIC or char in GSM_EXTENDED for char in text):
        costs = [(char, 2 if char in GSM_EXTENDED else 1) for char in text]
        return Measure("GSM-7", _cut(costs, single=160, multi=153))
    costs = [(cluster, _utf16_units(cluster)) for cluster in clusters(text)]
    return Measure("UCS-2", _cut(costs, single=70, multi=67))


def clusters(text: str) -> list[str]:
    """Split a text where a reader would: never inside an emoji or an accented letter."""
    found: list[str] = []
    for char in text:
        if found and _continues(found[-1], char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _continues(cluster: str, char: str) -> bool:
    if char == ZERO_WIDTH_JOINER or unicodedata.category(char) in {"Mn", "Me", "Mc"}:
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    if cluster.endswith(ZERO_WIDTH_JOINER):
        return ord(char) > 0x2000
    if cluster == "\r" and char == "\n":
        return True
    return _is_regional(char) and len(cluster) == 1 and _is_regional(cluster)


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(costs: list[tuple[str, int]], *, single: int, multi: int) -> tuple[str, ...]:
    if sum(cost for _, cost in costs) <= single:
        whole = "".join(piece for piece, _ in costs)
        return (whole,) if whole else ()
    parts: list[str] = []
    current, used = "", 0
    for piece, cost in costs:
        if current and used + cost > multi:
            parts.append(current)
            current, used = "", 0
        current, used = current + piece, used + cost
    return (*parts, current)
