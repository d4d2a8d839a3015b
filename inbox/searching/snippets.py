"""Which part of a text is shown, and which of its words were looked for?"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

AROUND = 60  # characters before the first hit
LONGEST = 180


class Piece(NamedTuple):
    """A stretch of text, and whether it was looked for. A template escapes it."""

    text: str
    is_hit: bool


def snippet(body: str, needles: Iterable[str]) -> Sequence[Piece]:
    """Cut a text around the first word that begins with one of these, in pieces.

    The pieces put together are a part of `body`, its white space drawn together, and an ellipsis
    where it was cut. Accents do not matter.
    """
    text = " ".join(body.split())
    pattern = _pattern(map(folded, needles))
    first = pattern.search(folded(text)) if pattern else None
    start = _start(text, first.start() if first else 0)
    end = min(len(text), start + LONGEST)
    pieces = [Piece("…", False)] if start else []
    pieces += _pieces(text[start:end], pattern)
    return [*pieces, Piece("…", False)] if end < len(text) else pieces


def folded(text: str) -> str:
    """Return a text of the same length whose letters have no accents, where that can be."""
    return text if text.isascii() else "".join(map(_without_accent, text))


def _without_accent(letter: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    return parts[0] if all(map(unicodedata.combining, parts[1:])) else letter


def _pattern(needles: Iterable[str]) -> "re.Pattern[str] | None":
    wanted = sorted({needle for needle in needles if needle}, key=len, reverse=True)
    if not wanted:
        return None
    # A phrase is found whatever stands between its words; a word goes on to its end.
    each = (r"\W+".join(map(re.escape, re.findall(r"\w+", one) or [one])) for one in wanted)
    return re.compile(rf"(?<!\w)(?:{'|'.join(each)})\w*", re.I)


def _start(text: str, hit: int) -> int:
    if hit <= AROUND or len(text) <= LONGEST:
        return 0
    start = hit - AROUND
    space = text.find(" ", start, hit)
    return space + 1 if space >= 0 else start


def _pieces(text: str, pattern: "re.Pattern[str] | None") -> list[Piece]:
    if pattern is None:
        return [Piece(text, False)] if text else []
    pieces, at = [], 0
    for found in pattern.finditer(folded(text)):
        if found.start() > at:
            pieces.append(Piece(text[at : found.start()], False))
        if found.group():
            pieces.append(Piece(text[found.start() : found.end()], True))
        at = found.end()
    return [*pieces, Piece(text[at:], False)] if at < len(text) else pieces
