"""Which words did somebody write without spaces between them? "stopsendingthese".

Pure: a word, and what one language has words for, give the likeliest row of words.
"""

import re
from dataclasses import dataclass
from math import inf

# What may be several words; in Hangul words are short.
LONG_WORD = re.compile(r"(?<!\w)(?:[^\W\d_]{6,}|[\uac00-\ud7a3]{5,})(?!\w)")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")
_LONGEST, _LONGEST_PART, _SHORT = 60, 16, 8
# So much a letter may cost: a row of long words is cheap, one of scattered letters is not.
_DEAR, _DEAR_IF_SHORT = 0.55, 0.5


@dataclass(frozen=True)
class Vocabulary:
    """The words that one language writes out, and those that a short row may begin with."""

    words: frozenset[str]
    beginnings: tuple[str, ...]


def is_hangul(word: str) -> bool:
    """Say whether a word is written in Hangul alone."""
    return bool(_HANGUL.fullmatch(word))


def parts_of(word: str, known: Vocabulary) -> str:
    """Return a row of words with spaces between; empty if there is none.

    A short row must begin with a word that stops or denies: it is easily another word. For each
    letter the cheapest way to get there is kept, and where its last word begins.
    """
    is_short = len(word) <= _SHORT and not is_hangul(word)
    if len(word) > _LONGEST or (is_short and not word.startswith(known.beginnings)):
        return ""
    best: list[tuple[float, int]] = [(0, 0)]
    for end in range(1, len(word) + 1):
        ways = (
            (best[start][0] + _cost(end - start), start)
            for start in range(max(0, end - _LONGEST_PART), end)
            if word[start:end] in known.words
        )
        best.append(min(ways, default=(inf, 0)))
    if best[-1][0] > len(word) * (_DEAR_IF_SHORT if is_short else _DEAR):
        return ""
    parts, end = [], len(word)
    while end:
        start = best[end][1]
        parts.append(word[start:end])
        end = start
    return " ".join(reversed(parts))


def _cost(length: int) -> float:
    """Weigh one part of a row of words: short ones are found in any."""
    return 1 + 2 / length
