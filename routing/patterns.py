"""Does a text match what an admin wrote? Words as people type them, and RE2 for the rest.

RE2 takes time in proportion to the text, whatever the pattern: no rule can hold up a message.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import re2

from accounts.english import noop

MOST_PATTERN_LETTERS = 500
MOST_TEXT_LETTERS = 10_000
_MOST_MEMORY = 1 << 20
_WORD = re.compile(r"\w+")
# Thai to Lao, Burmese, Khmer, Japanese, Chinese: without blanks, so not word by word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


class PatternError(ValueError):
    """A pattern that cannot be used; says why in words."""


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Return a text as it is compared.

    Case, accents, width, style, spaces and what nobody sees make no difference.
    """
    letters = unicodedata.normalize("NFKD", text[:MOST_TEXT_LETTERS])
    if not letters.isascii():
        letters = "".join(letter for letter in letters.casefold() if not _is_unseen(letter))
    return " ".join(letters.casefold().split())


def _is_unseen(letter: str) -> bool:
    """Say whether this only goes with a letter, or has no width of its own."""
    is_variant = "\ufe00" <= letter <= "\ufe0f"
    return bool(unicodedata.combining(letter)) or unicodedata.category(letter) == "Cf" or is_variant


@lru_cache(maxsize=4096)
def words_of(text: str) -> str:
    """Return the words of a text between single spaces, with one at each end.

    So a word or a phrase is in a text if its words are in the words of the text.
    """
    letters = fold(text)
    if letters.isascii():
        return f" {' '.join(_WORD.findall(letters))} "
    parted = "".join(letter if _is_of_word(letter) else " " for letter in letters)
    return f" {' '.join(parted.split())} "


def _is_of_word(letter: str) -> bool:
    # The vowels of India's scripts are marks, and no end of a word.
    return letter.isalnum() or letter == "_" or unicodedata.category(letter).startswith("M")


def has_words(text: str, wanted: str) -> bool:
    """Say whether a word or phrase stands in a text, as `finder` finds it."""
    return finder([wanted])(text)


def finder(phrases: Sequence[str]) -> Callable[[object], bool]:
    """Return what says whether any word or phrase stands in a text, as whole words.

    In scripts without blanks between words it may stand anywhere. What has no letters (an emoji, a
    question mark) is looked for as it is; a blank is nowhere.
    """
    words = [found for phrase in phrases if len(found := words_of(phrase)) > 2]
    unspaced = [fold(phrase) for phrase in phrases if _UNSPACED.search(phrase)]
    signs = [
        _plain_signs(sign)
        for phrase in phrases
        if (sign := phrase.strip()) and len(words_of(phrase)) <= 2
    ]

    def is_in(value: object) -> bool:
        text = value if isinstance(value, str) else str(value)
        if words:
            letters = words_of(text)
            for one in words:
                if one in letters:
                    return True
        return bool(
            (unspaced and any(one in fold(text) for one in unspaced))
            or (signs and any(one in _plain_signs(text) for one in signs))
        )

    return is_in


def _plain_signs(text: str) -> str:
    """Return a text whose signs do not say whether they want to be drawn in colours."""
    return text.replace("\ufe0f", "")


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> Any:
    """Return a pattern ready for use, blind to case. Raises PatternError."""
    if not pattern or len(pattern) > MOST_PATTERN_LETTERS:
        raise PatternError(
            noop("A pattern has between 1 and %(most_pattern_letters)s letters.")
            % {"most_pattern_letters": MOST_PATTERN_LETTERS}
        )
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = False, False, _MOST_MEMORY
    try:
        # On bytes RE2 need not tell where letters stand, which nobody asks here.
        return re2.compile(pattern.encode(errors="replace"), options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        words = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(
            noop("RE2 cannot read this pattern: %(words)s.") % {"words": words}
        ) from error


def pattern_finder(pattern: str) -> Callable[[object], bool]:
    """Return what says whether a pattern is found anywhere in a text. Raises PatternError."""
    search = compiled(pattern).search
    return lambda text: search(_in_bytes(str(text))) is not None


@lru_cache(maxsize=256)
def _in_bytes(text: str) -> bytes:
    return text[:MOST_TEXT_LETTERS].encode(errors="replace")
