"""How is a sentence that was made in English said in the reader's language?

Stories refuse and the gate judges before it is known who will read of it, and some of that is
stored. Such sentences are English, marked with `noop` where they are written; who shows one says it
again with `retold`. Names and numbers in it are found by its form in the catalogue, and stay.
"""

import gettext
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils import dates
from django.utils.translation import get_language

_PLACE = re.compile(r"%\((\w+)\)[sd]|%%|\{(\w+)\}")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?”)]) (?=[A-Z“])")
# As English writes dates: “Fri 27 Nov”, “27 November 2026”.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NAMES: Mapping[str, object] = {
    **{name[:3]: dates.MONTHS_3[number] for number, name in enumerate(_MONTHS, 1)},
    **{name[:3]: dates.WEEKDAYS_ABBR[number] for number, name in enumerate(_DAYS)},
    **{name: dates.MONTHS[number] for number, name in enumerate(_MONTHS, 1) if name != "May"},
    **{name: dates.WEEKDAYS[number] for number, name in enumerate(_DAYS)},
}
_NAME = re.compile(rf"\b({'|'.join(sorted(_NAMES, key=len, reverse=True))})\b")
_DATE = re.compile(rf"(?:{_NAME.pattern},? )?\b\d{{1,2}} {_NAME.pattern}")
_LEAST_LETTERS = 6  # a form with fewer of its own fits too much
_LONGEST = 2000


def retold(sentence: object) -> str:
    """Say a sentence that was made in English in the language of whoever reads now.

    What no form of the catalogue fits is returned as it is: it is somebody's own words.
    """
    english = settings.LANGUAGE_CODE
    words, language = str(sentence), get_language() or english
    if language == english or not words or len(words) > _LONGEST:
        return words
    return _retold(words, language)


@lru_cache(maxsize=8192)
def _retold(words: str, language: str) -> str:
    said = _whole(words, language)
    if said is None:
        parts = _BETWEEN_SENTENCES.split(words)
        said = " ".join(_whole(part, language) or part for part in parts)
    return said


def _whole(words: str, language: str) -> str | None:
    exact, forms = _catalogue(language)
    if words in exact:
        return exact[words]
    for form in forms:
        if (values := form.values_in(words)) is not None:
            said = {name: _value(value, language) for name, value in values.items()}
            return form.said(said)
    return None


def _value(value: str, language: str) -> str:
    """Say what stands in a place: a sentence, a fixed word of ours, a date; names stay."""
    known = _whole(value, language) if " " in value else None
    return known or _DATE.sub(_dated, value)


def _dated(found: re.Match[str]) -> str:
    return _NAME.sub(lambda name: str(_NAMES[name[0]]), found[0])


class _Form:
    """A sentence of the catalogue with places for names and numbers, and its translation."""

    def __init__(self, english: str, said: str) -> None:
        self._said = said
        pieces, names, at = [], [], 0
        for place in _PLACE.finditer(english):
            pieces.append(english[at : place.start()])
            names.append(place[1] or place[2] or "")
            at = place.end()
        pieces.append(english[at:])
        self._start, self._end = pieces[0], pieces[-1]
        self._pieces, self._names = pieces, names
        self._pattern: re.Pattern[str] | None = None
        self.weight = sum(letter.isalpha() for piece in pieces for letter in piece)

    def values_in(self, words: str) -> dict[str, str] | None:
        """Return what stands in its places, if these words have its form."""
        if not (words.startswith(self._start) and words.endswith(self._end)):
            return None
        self._pattern = self._pattern or self._compiled()
        found = self._pattern.fullmatch(words)
        return found.groupdict() if found else None

    def _compiled(self) -> re.Pattern[str]:
        known: set[str] = set()
        parts = [re.escape(self._pieces[0])]
        for name, piece in zip(self._names, self._pieces[1:], strict=True):
            value = f"(?P={name})" if name in known else f"(?P<{name}>.+?)"
            parts.append((value if name else "%") + re.escape(piece))
            known.add(name)
        return re.compile("".join(parts), re.DOTALL)

    def said(self, values: dict[str, str]) -> str:
        """Return the translation with these values in its places."""

        def value(place: re.Match[str]) -> str:
            name = place[1] or place[2]
            return values.get(name, "") if name else "%"

        return _PLACE.sub(value, self._said)


@lru_cache(maxsize=8)
def _catalogue(language: str) -> tuple[dict[str, str], list[_Form]]:
    """Return the sentences of a language: those without places, and the others, fullest first."""
    path = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.mo"
    if not path.exists():
        return {}, []
    with path.open("rb") as compiled:
        known = vars(gettext.GNUTranslations(compiled))["_catalog"]
    pairs = {
        english: said
        for english, said in known.items()
        if isinstance(english, str) and english and "\4" not in english
    }
    exact = {english: said for english, said in pairs.items() if not _PLACE.search(english)}
    forms = [_Form(english, said) for english, said in pairs.items() if english not in exact]
    full = [form for form in forms if form.weight >= _LEAST_LETTERS]
    return exact, sorted(full, key=lambda form: -form.weight)
