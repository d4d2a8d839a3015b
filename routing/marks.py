"""What may be kept about a customer or a conversation: which tags, which typed attributes?

Pure. Tags differ by more than the case of their letters, and so do the names of attributes; what is
there already keeps its spelling. What does not fit is left out and said in words, so that one odd
value of many loses no other.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from routing.facts import Value
from routing.json_answers import LARGEST_NUMBER

MOST_TAGS = 20
LONGEST_TAG = 40
MOST_ATTRIBUTES = 50
LONGEST_NAME = 40
LONGEST_VALUE = 1000
MOST_ENTRIES = 50
# Rules and texts write `name.field` and `{{name|otherwise}}`.
_NOT_IN_NAMES = frozenset(".{}|")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")


class MarkError(Exception):
    """A tag or an attribute cannot be kept as it is. `reason` is fit for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Kind(StrEnum):
    """What kind of value an attribute has."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"
    LIST = "list"


@dataclass(frozen=True)
class Tags:
    """Tags as they are after a change, which of them are new, and in words what was left out."""

    all: tuple[str, ...]
    added: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attributes:
    """Attributes as they are after a change, the names that changed, and what was left out."""

    all: Mapping[str, Value] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


# --- Tags ---


def read_tag(text: str) -> str:
    """Return a tag as it is kept. Raises MarkError."""
    tag = " ".join(text.split())
    if not tag:
        raise MarkError(_("Write a tag."))
    if len(tag) > LONGEST_TAG:
        raise MarkError(_("A tag has at most %(most)s characters.") % {"most": LONGEST_TAG})
    if not tag.isprintable():
        raise MarkError(_("A tag is made of letters, digits and signs only."))
    return tag


def with_tags(known: Sequence[str], more: Iterable[str]) -> Tags:
    """Add tags to those that are known, up to `MOST_TAGS`."""
    tags, added, left_out = list(known), list[str](), list[str]()
    taken = {tag.casefold() for tag in known}
    for text in more:
        try:
            tag = read_tag(text)
        except MarkError as error:
            left_out.append(f"“{_short(text)}”: {error.reason}")
            continue
        if tag.casefold() in taken:
            continue
        if len(tags) >= MOST_TAGS:
            left_out.append(f"“{tag}”: {_too_many_tags()}")
            continue
        taken.add(tag.casefold())
        tags.append(tag)
        added.append(tag)
    return Tags(tuple(tags), tuple(added), tuple(left_out))


def without_tag(known: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the known tags but one, however it is written."""
    gone = " ".join(text.split()).casefold()
    return tuple(tag for tag in known if tag.casefold() != gone)


def _too_many_tags() -> str:
    return ngettext(
        "There may be %(most)s tag. Remove another one first.",
        "There may be %(most)s tags. Remove another one first.",
        MOST_TAGS,
    ) % {"most": MOST_TAGS}


# --- Attributes ---


def read_name(text: str) -> str:
    """Return the name of an attribute as it is kept. Raises MarkError."""
    name = " ".join(text.split())
    if not name:
        raise MarkError(_("Write what the attribute is called."))
    if len(name) > LONGEST_NAME:
        words = _("The name of an attribute has at most %(most)s characters.")
        raise MarkError(words % {"most": LONGEST_NAME})
    if not name.isprintable() or _NOT_IN_NAMES & set(name):
        raise MarkError(_("The name of an attribute has no dots, braces or bars."))
    return name


def read_value(kind: Kind, text: str) -> Value:
    """Read what somebody typed as a value of a kind. Raises MarkError."""
    text = text.replace("\0", "").strip()
    if not text:
        raise MarkError(_("Write a value, or remove the attribute."))
    return check_value(_READERS[kind](text))


def check_value(value: object) -> Value:
    """Return a value that came from somewhere, if it can be kept. Raises MarkError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _checked_number(value)
    if isinstance(value, str):
        return _checked_text(value)
    if isinstance(value, list | tuple):
        return _checked_list(value)
    raise MarkError(_("A value is a text, a number, yes or no, or a list of texts."))


def kind_of(value: Value) -> Kind:
    """Return the kind of a value that is kept."""
    if isinstance(value, bool):
        return Kind.YES_NO
    if isinstance(value, int | float):
        return Kind.NUMBER
    return Kind.LIST if isinstance(value, list | tuple) else Kind.TEXT


def words_of(value: Value) -> str:
    """Write a value as people read it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def with_attributes(known: Mapping[str, Value], given: Mapping[str, object]) -> Attributes:
    """Set attributes beside those that are known, up to `MOST_ATTRIBUTES`.

    None, a blank text and an empty list remove one: nothing is known any more.
    """
    found = dict(known)
    spelled = {name.casefold(): name for name in known}
    changed, left_out = list[str](), list[str]()
    for text, value in given.items():
        try:
            name = spelled.get(text.strip().casefold()) or read_name(text)
            if _set(found, name, value):
                spelled[name.casefold()] = name
                changed.append(name)
        except MarkError as error:
            left_out.append(f"“{_short(text)}”: {error.reason}")
    return Attributes(found, tuple(dict.fromkeys(changed)), tuple(left_out))


def _set(found: dict[str, Value], name: str, value: object) -> bool:
    """Set or remove one; say whether that changed anything."""
    fit = None if value is None else check_value(value)
    if fit in (None, "", ()):
        return found.pop(name, None) is not None
    if name not in found and len(found) >= MOST_ATTRIBUTES:
        words = _("There may be %(most)s attributes. Remove another one first.")
        raise MarkError(words % {"most": MOST_ATTRIBUTES})
    if name in found and is_same(found[name], fit):
        return False
    found[name] = fit
    return True


def is_same(one: Value, other: Value) -> bool:
    """Say whether two values are equal and of one kind: `True` is not 1, nor a list a text."""
    if kind_of(one) is not kind_of(other):
        return False
    return _plain(one) == _plain(other)


def _plain(value: Value) -> object:
    # A list comes back from JSON as a list, and is given as a tuple.
    return list(value) if isinstance(value, list | tuple) else value


def _checked_number(value: int | float) -> int | float:
    if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
        raise MarkError(_("This number is too large."))
    return value


def _checked_text(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_VALUE:
        words = _("A value has at most %(most)s characters.")
        raise MarkError(words % {"most": LONGEST_VALUE})
    if "\0" in text or any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise MarkError(_("A value is made of letters, digits and signs only."))
    return text


def _checked_list(parts: Sequence[object]) -> tuple[str, ...]:
    if not all(isinstance(part, str) for part in parts):
        raise MarkError(_("A list holds texts only."))
    texts = tuple(filter(None, (_checked_text(str(part)) for part in parts)))
    if len(texts) > MOST_ENTRIES or sum(map(len, texts)) > LONGEST_VALUE:
        words = _("A list has at most %(most)s entries, and %(letters)s characters in all.")
        raise MarkError(words % {"most": MOST_ENTRIES, "letters": LONGEST_VALUE})
    return texts


def _number(text: str) -> Value:
    # A comma is no point everywhere: nothing is guessed.
    if not _NUMBER.fullmatch(text):
        raise MarkError(_("This is no number. Write it like 1200 or 12.5."))
    return float(text) if "." in text else int(text)


def _yes_no(text: str) -> Value:
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.casefold() not in known:
        raise MarkError(_("Write yes or no."))
    return known[text.casefold()]


def _list(text: str) -> Value:
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())


_READERS: Mapping[Kind, Callable[[str], Value]] = {
    Kind.TEXT: str,
    Kind.NUMBER: _number,
    Kind.YES_NO: _yes_no,
    Kind.LIST: _list,
}


def _short(text: str) -> str:
    return " ".join(text.split())[:LONGEST_NAME]
