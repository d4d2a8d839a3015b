"""Which whole messages are keywords, in which language, and how freely may they count?

The rows are data with a source each (`language_packs/keywords.csv`; compliance reference 8).
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from compliance.lexicon import FOLDER
from compliance.normalising import folded, readable, squeezed, without_accents

# Old and regional codes of languages for which there is a pack.
_SAME_LANGUAGE = {
    "iw": "he",
    "in": "id",
    "nb": "no",
    "nn": "no",
    "cmn": "zh",
    "yue": "zh",
    "zsm": "ms",
}


class Class(StrEnum):
    """How freely a keyword counts."""

    UNIVERSAL = "universal"  # in every inbox
    LANGUAGE = "language"  # where its language is enabled
    COLLISION = "collision"  # an ordinary word too: only when we invited it
    PROVIDER_COLLISION = "provider_collision"  # as that, but on SMS the carrier blocks anyway
    WEAK = "weak"  # YES: an ordinary answer, and a wish to come back only for who left


@dataclass(frozen=True)
class Keyword:
    """One row: a word that, as a whole message, asks for something."""

    language: str
    label: str  # opt_out, opt_in or help
    word: str
    kind: Class
    status: str = ""  # sourced, or unverified: then it is a proposal for native review
    source: str = ""


def language_of(tag: str) -> str:
    """Return the language of a tag such as `pt-BR` or `zh_Hant`, by the name its pack has."""
    code = tag.strip().casefold().replace("_", "-").split("-")[0]
    return _SAME_LANGUAGE.get(code, code)


def forms(text: str) -> tuple[str, ...]:
    """Return what a `readable` text may be as a keyword, the truest form first.

    As written, without accents, and in the Latin letters that it looks like; each without spaces
    and punctuation.
    """
    written = squeezed(text)
    plain = squeezed(without_accents(text))
    return tuple(dict.fromkeys((written, plain, folded(written), folded(plain))))


@lru_cache(maxsize=1)
def keywords() -> tuple[Keyword, ...]:
    """Read the table once."""
    with (FOLDER / "keywords.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Keyword(
                row["lang"],
                row["action"],
                row["keyword"],
                Class(row["class"]),
                row["status"],
                row["source"],
            )
            for row in csv.DictReader(file)
        )


@lru_cache(maxsize=1)
def _by_form() -> dict[str, tuple[Keyword, ...]]:
    table: dict[str, list[Keyword]] = defaultdict(list)
    for keyword in keywords():
        for form in forms(readable(keyword.word))[:2]:
            if keyword not in table[form]:
                table[form].append(keyword)
    return {form: tuple(rows) for form, rows in table.items() if form}


def keywords_like(text: str) -> tuple[Keyword, ...]:
    """Return the keywords that a `readable` text is, of all languages; none if it is no keyword."""
    table = _by_form()
    return next((table[form] for form in forms(text) if form in table), ())
