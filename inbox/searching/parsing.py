"""What does somebody look for? Words, phrases and operators, read from one line of text."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 400  # characters that are read
MOST_WORDS = 16
MOST_OPERATORS = 20
FEWEST_LETTERS = 2
FEWEST_DIGITS = 3


class Operator(StrEnum):
    """What narrows a search: written `name:value`."""

    FROM = "from"
    TO = "to"
    ASSIGNEE = "assignee"
    TAG = "tag"
    CHANNEL = "channel"
    STATUS = "status"
    HAS = "has"
    BEFORE = "before"
    AFTER = "after"
    INBOX = "inbox"


@dataclass(frozen=True)
class Word:
    """One word, or a phrase that was typed in quotes."""

    text: str
    is_phrase: bool = False
    is_not: bool = False


@dataclass(frozen=True)
class Chip:
    """One operator as typed. `without` is the whole line without it."""

    operator: Operator
    value: str
    is_not: bool
    without: str

    @property
    def words(self) -> str:
        """Write it as it can be typed again."""
        return f"{'-' if self.is_not else ''}{self.operator}:{quoted(self.value)}"


@dataclass(frozen=True)
class Query:
    """What a line of text asks for. `text` is the line as it is read: cut, and without oddities.

    `is_cut` says that it was longer than we read.
    """

    text: str
    words: Sequence[Word] = ()
    chips: Sequence[Chip] = ()
    is_cut: bool = False

    @property
    def wanted(self) -> list[Word]:
        """Return the words that must be there."""
        return [word for word in self.words if not word.is_not]

    @property
    def unwanted(self) -> list[Word]:
        """Return the words that must not be there."""
        return [word for word in self.words if word.is_not]

    @property
    def digits(self) -> str:
        """Return the digits, if what is looked for is a number in whatever form; else nothing."""
        return number_in_words(" ".join(word.text for word in self.wanted))

    @property
    def is_too_short(self) -> bool:
        """Say whether there is too little to look for: no operator, fewer than two letters.

        A sign, and a letter of a script that writes words with one, count as enough.
        """
        text = "".join(word.text for word in self.wanted)
        is_enough = len(text) >= FEWEST_LETTERS or any(map(_says_much, text))
        return not self.chips and not is_enough


_TOKEN = re.compile(
    r"""(?P<not>-)?
        (?:(?P<name>[A-Za-z]+):(?=["\S]))?
        (?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))""",
    re.X,
)
_NUMBER = re.compile(r"[\d\s()+\-./\u2010-\u2015\u00a0]+")
_QUOTES = str.maketrans("\u201c\u201d\u201e", '"""')  # as phones write them
_TRUNK_ZERO = re.compile(r"\(0\)")


def parse(line: str) -> Query:
    """Read a line of any length and any characters; nothing in it can be wrong."""
    clean = " ".join("".join(c if _is_text(c) else " " for c in line).split())
    clean = unicodedata.normalize("NFC", clean)
    text = clean.translate(_QUOTES)[:LONGEST].rstrip()
    words: list[Word] = []
    chips: list[Chip] = []
    left_out = 0
    for found in _TOKEN.finditer(text):
        chip = _chip(found, text)
        word = None if chip else _word(found, text)
        if chip and len(chips) < MOST_OPERATORS:
            chips.append(chip)
        elif word and len(words) < MOST_WORDS:
            words.append(word)
        elif chip or word:
            left_out += 1
    is_cut = len(clean) > LONGEST or left_out > 0
    return Query(text, tuple(words), tuple(chips), is_cut)


def _is_text(character: str) -> bool:
    """Say whether PostgreSQL takes a character: no control, no half of a pair."""
    return unicodedata.category(character) not in ("Cc", "Cs")


def _chip(found: "re.Match[str]", text: str) -> Chip | None:
    name = (found["name"] or "").lower()
    value = (found["phrase"] or found["plain"] or "").strip()
    if name not in set(Operator) or not value:
        return None
    without = " ".join((text[: found.start()] + " " + text[found.end() :]).split())
    return Chip(Operator(name), value, bool(found["not"]), without)


def _word(found: "re.Match[str]", text: str) -> Word | None:
    is_phrase = found["phrase"] is not None
    said = found["phrase"] if is_phrase else found["plain"]
    # What looks like an operator and is none ("re:invoice") is a word like any other.
    said = f"{found['name']}:{said}" if found["name"] else said
    said = (said or "").strip()
    is_not = bool(found["not"]) and not said[:1].isspace()
    # "-" before digits belongs to a number: "555 -0001" is no wish to leave anything out.
    if is_not and said[:1].isdigit():
        is_not = False
    return Word(said, is_phrase, is_not) if any(map(_counts, said)) else None


def _counts(character: str) -> bool:
    """Say whether a character says something: not punctuation alone."""
    return character.isalnum() or _says_much(character)


def _says_much(character: str) -> bool:
    """Say whether a character is a sign, or a letter that may be a word."""
    kind = unicodedata.category(character)
    return kind == "So" or (kind == "Lo" and ord(character) >= 0x2E80)


def number_in_words(text: str) -> str:
    """Return the digits of a number in whatever form, without a trunk zero; else nothing."""
    text = _TRUNK_ZERO.sub("", text)
    if not _NUMBER.fullmatch(text):
        return ""
    digits = "".join(c for c in text if c.isdigit() and c.isascii())
    if not text.strip().startswith("+"):
        digits = digits.lstrip("0")
    return digits if len(digits) >= FEWEST_DIGITS else ""


def quoted(value: str) -> str:
    """Write a value so that it is read as one."""
    return f'"{value}"' if " " in value else value
