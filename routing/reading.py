"""How is a JSON document read strictly? Value by value, and every problem told with its place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from accounts.english import noop
from routing.json_answers import is_storable

MOST_CHOICES = 500
MOST_LETTERS = 2_000
# ISO 639, with a script or a region behind it if need be: es, pt-BR, zh-Hant.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")

Kind = TypeVar("Kind", bound=Enum)


@dataclass(frozen=True)
class Problem:
    """What is wrong in a document, and where: `rules[2].if.all[0].value`."""

    where: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"


class DocumentError(ValueError):
    """A document that cannot be followed; `problems` says why, each with its place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


@dataclass(frozen=True)
class Place:
    """One value of a document and where it stands; problems of all places are gathered.

    What cannot be read is refused, and something harmless is returned in its stead.
    """

    where: str
    value: object
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, words: str) -> None:
        """Note what is wrong with this value."""
        # Half a character, as JSON may hold it, could not be shown.
        words = words.encode("utf-8", "replace").decode()
        self.problems.append(Problem(self.where or "document", words))

    def at(self, key: str | int) -> "Place":
        """Return what stands at a key or in a list; None where there is nothing."""
        inner = self._inner(key)
        dot = f"[{key}]" if isinstance(key, int) else f"{'.' if self.where else ''}{key}"
        return Place(f"{self.where}{dot}", inner, self.problems)

    def _inner(self, key: str | int) -> object:
        if isinstance(self.value, Mapping) and isinstance(key, str):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int):
            return self.value[key]
        return None

    def has(self, key: str) -> bool:
        """Say whether something stands at a key, even null."""
        return isinstance(self.value, Mapping) and key in self.value

    def get(self, key: str, default: object) -> object:
        """Return the value at a key as it is, or what stands for one that is missing."""
        return self.at(key).value if self.has(key) else default

    def refuse_unknown(self, *known: str) -> None:
        """Refuse what is no object, and every key that nobody knows."""
        if not isinstance(self.value, Mapping):
            self.refuse(noop("An object is wanted here."))
            return
        for key in self.value:
            if key not in known:
                self.refuse(
                    noop("“%(key)s” is not known here. Known: %(known)s.")
                    % {"key": str(key)[:40], "known": ", ".join(known)}
                )

    def items(self, key: str, most: int) -> "list[Place]":
        """Return the entries of a list; none if there is no list."""
        place = self.at(key)
        if place.value is None:
            return []
        if not isinstance(place.value, list):
            place.refuse(noop("A list is wanted here."))
            return []
        if len(place.value) > most:
            place.refuse(noop("At most %(most)s may stand here.") % {"most": most})
        return [place.at(number) for number in range(min(len(place.value), most))]

    def text(self, key: str, *, most: int = MOST_LETTERS, is_needed: bool = False) -> str:
        """Return the text at a key; blank if there is none and none is needed."""
        place = self.at(key)
        if place.value is None and not is_needed:
            return ""
        return place.as_text(most=most, is_needed=is_needed)

    def as_text(self, *, most: int = MOST_LETTERS, is_needed: bool = False) -> str:
        """Return this value as a text of so many letters; not blank if it is needed."""
        if not isinstance(self.value, str):
            self.refuse(noop("A text is wanted here."))
        elif not is_storable(self.value):
            self.refuse(noop("A text is wanted here. This holds characters that cannot be stored."))
        elif len(self.value) > most:
            self.refuse(noop("At most %(most)s letters may stand here.") % {"most": most})
        elif is_needed and not self.value.strip():
            self.refuse(noop("This must not be blank."))
        else:
            return self.value
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, none of them blank."""
        return tuple(one.as_text(is_needed=True) for one in self.items(key, MOST_CHOICES))

    def language(self, key: str) -> str:
        """Return the code of a language, or blank if there is none."""
        place = self.at(key)
        code = place.as_text() if place.value is not None else ""
        if code and not is_language(code):
            place.refuse(noop("The code of a language is wanted here, such as es or pt-BR."))
            return ""
        return code

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.get(key, default)
        if isinstance(value, bool):
            return value
        self.at(key).refuse(noop("true or false is wanted here."))
        return default

    def whole(self, key: str, *, least: int, most: int) -> int | None:
        """Return a whole number, or None if there is none."""
        place = self.at(key)
        if place.value is None:
            return None
        value = place.value
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        place.refuse(
            noop("A whole number from %(least)s to %(most)s is wanted here.")
            % {"least": least, "most": most}
        )
        return None

    def people(self, key: str) -> tuple[int, ...]:
        """Return a list of ids of people."""
        found = []
        for one in self.items(key, MOST_CHOICES):
            if isinstance(one.value, int) and not isinstance(one.value, bool) and one.value > 0:
                found.append(one.value)
            else:
                one.refuse(noop("The id of a person is wanted here."))
        return tuple(found)

    def kind(self, key: str, kinds: type[Kind], default: Kind) -> Kind:
        """Return one of the kinds that may stand here."""
        value = self.get(key, default.value)
        for kind in kinds:
            if kind.value == value:
                return kind
        names = ", ".join(str(kind.value) for kind in kinds)
        self.at(key).refuse(noop("One of %(names)s is wanted here.") % {"names": names})
        return default


def is_language(code: str) -> bool:
    """Say whether this may be the code of a language, with or without a region."""
    return _LANGUAGE.fullmatch(code) is not None
