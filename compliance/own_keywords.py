"""Which words has an account made keywords of its own, or switched off, and where?

Pure: rows in, a table for `classify.Context.own_keywords` out. The words that every inbox knows
(STOP, HELP …; compliance reference 1.1, 8) stay what they are: nobody can take them away.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from accounts.english import noop
from compliance.keyword_table import Class, Keyword, forms, keywords, keywords_like, language_of
from compliance.normalising import readable

MOST = 20  # words per action and place
LONGEST = 34  # characters of a word (compliance reference 14)
LONGEST_FORM = 140  # … and of what of it is compared: one sign may stand for many letters
# Whose wish goes first where two rows that are equally near disagree.
ACTIONS = ("opt_out", "help", "opt_in", "none")
_LANGUAGE, _COUNTRY = re.compile(r"[a-z]{2,3}"), re.compile(r"[A-Z]{2}")
# Plain words only: what is written between letters in ordinary writing, and nothing of a pattern.
_BETWEEN_LETTERS = frozenset(" -'’.!&\u200c\u200d")
_CLOSED = frozenset({Class.UNIVERSAL, Class.PROVIDER_COLLISION, Class.WEAK})
_SAID = {
    "opt_out": noop("opts people out"),
    "opt_in": noop("opts people in"),
    "help": noop("asks for help"),
    "none": noop("is switched off"),
}


class OwnKeywordsRefused(ValueError):
    """These rows cannot be kept; `problems` says everything that is wrong, for who typed them."""

    def __init__(self, problems: list[str]) -> None:
        """Keep each problem, and all of them as the message."""
        super().__init__(" ".join(problems))
        self.problems = problems

    @property
    def reason(self) -> str:
        """Say it to a person."""
        return str(self)


@dataclass(frozen=True)
class OwnKeyword:
    """One word, what it asks for, and where: in a language, in a country (US), or everywhere.

    `action` is opt_out, opt_in, help, or none: then it is no keyword there, though it would be one
    elsewhere or in our own table.
    """

    action: str
    word: str
    language: str = ""
    country: str = ""

    @property
    def form(self) -> str:
        """Return what is compared: letters and digits, without accents."""
        return _form(self.word)

    @property
    def forms(self) -> tuple[str, ...]:
        """Return what a message may be to be this word: as written, and without accents."""
        return forms(readable(self.word))[:2]

    @property
    def place(self) -> tuple[str, str]:
        """Return the language and the country it is for; empty stands for every one."""
        return language_of(self.language), self.country.strip().upper()

    @property
    def nearness(self) -> int:
        """Count how narrow its place is; a narrower one overrides a wider one."""
        return sum(map(bool, self.place))

    def holds_in(self, languages: frozenset[str], country: str) -> bool:
        """Say whether it counts for these languages and this country."""
        language, own_country = self.place
        return (not language or language in languages) and own_country in ("", country)

    def __str__(self) -> str:
        """Name the word and its place, for a sentence."""
        language, country = self.place
        place = " and ".join(filter(None, (language, country))) or "everywhere"
        return f"“{self.word.strip()}” ({place}), which {_SAID.get(self.action, self.action)}"


class OwnKeywords:
    """The own keywords of one account, all in order."""

    def __init__(self, rows: Iterable[OwnKeyword] = ()) -> None:
        """Keep the rows; raises OwnKeywordsRefused with everything that is wrong with them."""
        self.rows = tuple(rows)
        if problems := problems_of(self.rows):
            raise OwnKeywordsRefused(problems)

    def table(self, *, languages: Iterable[str], country: str = "") -> Mapping[str, str]:
        """Return form to label for an inbox with these languages and a person in this country."""
        return table_of(self.rows, languages=languages, country=country)


def table_of(
    rows: Iterable[OwnKeyword], *, languages: Iterable[str], country: str = ""
) -> Mapping[str, str]:
    """Return form to label of rows that are kept already; never raises.

    What a later table of ours has given another meaning in every inbox is left out: an account's
    word of last year takes no STOP away.
    """
    enabled, country = frozenset(map(language_of, languages)), country.strip().upper()
    kept = [row for row in rows if row.action in ACTIONS and not any(_against_ours(row))]
    here = [row for row in kept if row.holds_in(enabled, country)]
    # The nearest is written last, and of equals the one whose wish goes first.
    here.sort(key=lambda row: (row.nearness, -ACTIONS.index(row.action)))
    off = [row for row in kept if _is_off_abroad(row, enabled, country)]
    return {form: row.action for row in (*off, *here) for form in row.forms if form}


def _is_off_abroad(row: OwnKeyword, enabled: frozenset[str], country: str) -> bool:
    """Say whether a word is off that would only be a doubt: its language is not enabled here."""
    language, own_country = row.place
    if row.action != "none" or own_country not in ("", country) or language in enabled:
        return False
    return not any(ours.language in enabled for ours in keywords_like(readable(row.word)))


def problems_of(rows: Iterable[OwnKeyword]) -> list[str]:
    """Return in words everything that is wrong with these rows together; empty if nothing is."""
    rows = tuple(rows)
    return list(dict.fromkeys((*_malformed(rows), *_too_many(rows), *_conflicts(rows))))


def _malformed(rows: tuple[OwnKeyword, ...]) -> Iterator[str]:
    for row in rows:
        word, (language, country) = row.word.strip(), row.place
        if row.action not in ACTIONS:
            yield noop("“%(word)s”: there is no action %(action)s; choose one of %(actions)s.") % {
                "word": word,
                "action": row.action,
                "actions": ", ".join(ACTIONS),
            }
        if not row.form:
            yield noop("“%(word)s” has no letters or digits.") % {"word": word}
        elif not is_plain(word):
            yield noop("“%(word)s” is no plain word; write letters, digits and spaces only.") % {
                "word": word[:LONGEST]
            }
        if len(word) > LONGEST or len(row.form) > LONGEST_FORM:
            yield noop("“%(word)s…” is too long; a keyword has at most %(longest)s characters.") % {
                "word": word[:LONGEST],
                "longest": LONGEST,
            }
        if language and not _LANGUAGE.fullmatch(language):
            yield noop(
                "“%(word)s”: %(language)s is no language; write a code such as es or pt-BR."
            ) % {"word": word, "language": row.language}
        if country and not _COUNTRY.fullmatch(country):
            yield noop("“%(word)s”: %(country)s is no country; write two letters, such as US.") % {
                "word": word,
                "country": row.country,
            }


def is_plain(word: str) -> bool:
    """Say whether a word is one as people write it, and no pattern.

    Marks around it are taken as they are typed, and stand for nothing.
    """
    return all(char in _BETWEEN_LETTERS or unicodedata.category(char)[0] in "LMN" for char in word)


def _too_many(rows: tuple[OwnKeyword, ...]) -> Iterator[str]:
    counts = Counter((row.action, row.place) for row in rows)
    for (action, (language, country)), count in counts.items():
        if count > MOST:
            place = " and ".join(filter(None, (language, country))) or "everywhere"
            yield noop(
                "%(count)s words for %(action)s (%(place)s) are too many; there may be %(most)s."
            ) % {"count": count, "action": action, "place": place, "most": MOST}


def _conflicts(rows: tuple[OwnKeyword, ...]) -> Iterator[str]:
    for row in rows:
        yield from _against_ours(row)
    for one, other in combinations(rows, 2):
        if one.form == other.form and one.action != other.action and _cross(one, other):
            yield noop("%(one)s, and %(other)s, are the same word; keep one of them.") % {
                "one": one,
                "other": other,
            }


def _cross(one: OwnKeyword, other: OwnKeyword) -> bool:
    """Say whether two places are one, or meet without either being narrower."""
    if one.place == other.place:
        return True
    meet = all(not a or not b or a == b for a, b in zip(one.place, other.place, strict=True))
    return meet and one.nearness == other.nearness


def _against_ours(row: OwnKeyword) -> Iterator[str]:
    """Nobody changes a word of every inbox; one that stops can at most be switched off."""
    others = [ours for ours in keywords_like(readable(row.word)) if ours.label != row.action]
    for ours in others:
        if ours.kind in _CLOSED:
            yield noop("%(row)s, cannot change “%(word)s”, which %(said)s in every inbox.") % {
                "row": row,
                "word": ours.word,
                "said": _SAID[ours.label],
            }
            return
    for ours in others:
        if ours.label == "opt_out" and row.action != "none" and _is_of(row, ours.language):
            yield noop(
                "%(row)s, cannot change “%(word)s” (%(language)s), which opts people out."
            ) % {"row": row, "word": ours.word, "language": ours.language}
            return


def _is_of(row: OwnKeyword, language: str) -> bool:
    return row.place[0] in ("", language)


def _form(word: str) -> str:
    """Return the plainest form: without accents."""
    return forms(readable(word))[:2][-1]


def may_be_off(word: Keyword) -> bool:
    """Say whether an account may switch one of our words off; those of every inbox it may not."""
    return not any(ours.kind in _CLOSED for ours in keywords_like(readable(word.word)))


def shipped_words(language: str, action: str) -> list[str]:
    """Return our own words of a language for an action, to show beside an account's."""
    return [row.word for row in keywords() if (row.language, row.label) == (language, action)]
