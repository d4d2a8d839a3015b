"""Which words of a language mean what, when somebody wishes to hear no more from us?

A language pack is a file of `language_packs/`: under each concept the words for it. `word*` stands
for every word that begins so, `_` for any one word; accents and apostrophes do not matter. How to
write one: docs/opt-out-wording.md.
"""

import hashlib
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from compliance.normalising import folded, is_mixed, readable, without_accents

FOLDER = Path(__file__).parent / "language_packs"
EVERYWHERE = "en"  # people mix it into every language
# What each word list of a pack may be called. `grammar` says what follows from them.
CONCEPTS = frozenset(
    """stop cancel unsubscribe remove remove_me send contact dont_contact receive want dont_want
    message list me number not no more again enough idiom over how
    other keep report reply_with said joke sign stop_name polite inert resume who help""".split()
)
# Words that are compared with misspelt ones: each of these tells a wish.
_SPELT = frozenset({"stop", "unsubscribe", "remove", "contact", "message", "receive", "send"})
_CODED = str.maketrans("0134578@$!", "oieastbasi")
_WORD = re.compile(
    # Scripts that put no space between words: each sign is a word of its own.
    "[\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    "|[^\\W_\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    "(?:[^\\W_\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[\u0900-\u0dff])*"
    "|[$@](?=[a-z])|[\u2190-\u2bff\U0001f000-\U0001faff]"
)
_SIGN = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_SPACED = re.compile(r"(?<!\w)\w(?:[ .\-_*]{1,2}\w){2,}(?!\w)")
_CODED_WORD = re.compile(r"(?<![\w$@])(?=\S*[a-z])(?=\S*[0-9$@!])[a-z0-9$@]+(?:![a-z0-9$@]+)*")


@dataclass(frozen=True)
class Entry:
    """Words of a pack in their order, and the concepts they stand for."""

    words: tuple[str, ...]
    concept: str
    language: str


@dataclass(frozen=True)
class Term:
    """One or more words of a message, and the concepts they stand for; none if unknown."""

    text: str
    concepts: frozenset[str]
    is_guess: bool = False  # misspelt: what it stands for is a guess


@dataclass(frozen=True)
class Pack:
    """What one language has words for."""

    language: str
    version: str
    entries: tuple[Entry, ...]
    prefixes: tuple[str, ...] = ()
    verb_last: bool = False
    negation_follows: bool = False


def words_of(text: str) -> list[str]:
    """Split a text into words, without accents and in small letters."""
    return _WORD.findall(without_accents(text))


class PackError(ValueError):
    """A language pack cannot be read; says which and why."""


def read_pack(path: Path) -> Pack:
    """Read one language pack; raises PackError for a concept nobody knows."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))
    settings = {key: rows.pop(key) for key in ("version", "verb_last", "negation_follows") if key in rows}
    prefixes = tuple(rows.pop("prefixes", ()))
    if unknown := rows.keys() - CONCEPTS:
        raise PackError(f"{path.name}: no such concept: {', '.join(sorted(unknown))}")
    language = path.stem
    entries = tuple(
        Entry(tuple(_pattern(phrase)), concept, language)
        for concept, phrases in rows.items()
        for phrase in phrases
    )
    return Pack(language, entries=entries, prefixes=prefixes, **settings)


def _pattern(phrase: str) -> Iterator[str]:
    for part in readable(phrase).split():
        if part == "_":
            yield part
            continue
        *first, last = words_of(part.rstrip("*"))
        yield from first
        yield last + "*" * part.endswith("*")


@lru_cache(maxsize=1)
def all_packs() -> dict[str, Pack]:
    """Read every language pack once."""
    return {path.stem: read_pack(path) for path in sorted(FOLDER.glob("*.toml"))}


@lru_cache(maxsize=1)
def rule_version() -> str:
    """Return what the rules of reading are: the newest date of a pack, and a sum of all files."""
    total = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        total.update(path.name.encode() + path.read_bytes())
    newest = max(pack.version for pack in all_packs().values())
    return f"{newest}.{total.hexdigest()[:8]}"


@lru_cache(maxsize=256)
def lexicon(languages: frozenset[str]) -> "Lexicon":
    """Return the words of these languages together; a language without a pack adds none."""
    return Lexicon([pack for code, pack in all_packs().items() if code in languages])


class Lexicon:
    """The words of some languages, made for looking up what stands in a message."""

    def __init__(self, packs: list[Pack]) -> None:
        """Index the packs by the first word of each entry."""
        self.verb_last = any(pack.verb_last for pack in packs)
        self.negation_follows = any(pack.negation_follows for pack in packs)
        self.prefixes = tuple(prefix for pack in packs for prefix in pack.prefixes)
        self._whole: dict[str, list[Entry]] = defaultdict(list)
        self._begun: dict[str, list[Entry]] = defaultdict(list)
        for entry in (entry for pack in packs for entry in pack.entries):
            first = entry.words[0]
            index = self._begun if first.endswith("*") else self._whole
            index[first.rstrip("*")].append(entry)
        self._guesses = lru_cache(maxsize=8192)(self._guess)

    @cached_property
    def _spelt(self) -> list[str]:
        """The single words of concepts worth guessing at."""
        entries = (entry for index in (self._whole, self._begun) for rows in index.values() for entry in rows)
        found = {
            entry.words[0].rstrip("*")
            for entry in entries
            if len(entry.words) == 1 and entry.concept in _SPELT
        }
        return sorted(word for word in found if len(word) > 3 and word.isalpha())

    def terms(self, text: str, *, may_guess: bool = True) -> list[Term]:
        """Say what the words of one clause stand for, the longest phrase first."""
        words = words_of(self._deciphered(text))
        found, at = [], 0
        while at < len(words):
            term, length = self._longest(words, at)
            if not term.concepts and may_guess:
                term = self._guesses(term.text)
            found.append(term)
            at += length
        return found

    def knows(self, word: str) -> bool:
        """Say whether one word stands for anything."""
        return bool(self._longest([word], 0)[0].concepts)

    def _longest(self, words: list[str], at: int) -> tuple[Term, int]:
        best, concepts = 0, set()
        for entry in self._starting(words[at]):
            length = len(entry.words)
            if length >= best and _fits(entry.words, words, at):
                concepts = {entry.concept} | (concepts if length == best else set())
                best = length
        if not best:
            return Term(words[at], frozenset()), 1
        return Term(" ".join(words[at : at + best]), frozenset(concepts)), best

    def _starting(self, word: str) -> Iterable[Entry]:
        yield from self._whole.get(word, ())
        yield from self._whole.get("_", ())
        for end in range(2, len(word) + 1):
            yield from self._begun.get(word[:end], ())
        for prefix in self.prefixes:
            if word.startswith(prefix) and len(word) > len(prefix) + 1:
                bare = word[len(prefix) :]
                yield from self._whole.get(bare, ())
                for end in range(2, len(bare) + 1):
                    yield from self._begun.get(bare[:end], ())

    def _guess(self, word: str) -> Term:
        """Take a word nobody knows for the one it was probably meant to be."""
        if len(word) < 3 or not word.isalpha():
            return Term(word, frozenset())
        allowed = 1 if len(word) < 8 else 2
        near = extractOne(word, self._spelt, scorer=OSA.distance, score_cutoff=allowed)
        if near is None or not _is_slip(word, near[0]):
            return Term(word, frozenset())
        return Term(word, self._longest([near[0]], 0)[0].concepts, is_guess=True)

    def _deciphered(self, text: str) -> str:
        """Put together and translate what was written to get past a filter."""
        text = _SPACED.sub(lambda row: self._known(re.sub(r"[\W_]", "", row.group()), row.group()), text)
        text = _CODED_WORD.sub(
            lambda coded: self._known(coded.group().translate(_CODED), coded.group()), text
        )
        text = _DRAWN_OUT.sub(r"\1\1\1", text)
        return re.sub(r"[^\W\d_]+", lambda word: self._undrawn(_unmixed(word.group())), text)

    def _undrawn(self, word: str) -> str:
        if not _DRAWN_OUT.search(word):
            return word
        once, twice = _DRAWN_OUT.sub(r"\1", word), _DRAWN_OUT.sub(r"\1\1", word)
        return next((short for short in (once, twice) if self.knows(short)), once)

    def _known(self, word: str, otherwise: str) -> str:
        return word if self.knows(word) or self._guesses(word).concepts else otherwise


def _unmixed(word: str) -> str:
    return folded(word) if is_mixed(word) else word


def _fits(pattern: tuple[str, ...], words: list[str], at: int) -> bool:
    if at + len(pattern) > len(words):
        return False
    return all(
        asked in ("_", word) or (asked[-1] == "*" and word.startswith(asked[:-1])) or own
        for asked, word, own in zip(pattern, words[at:], _first_only(pattern), strict=False)
    )


def _first_only(pattern: tuple[str, ...]) -> Iterator[bool]:
    """The first word was found by the index already, maybe behind a prefix."""
    yield True
    for _ in pattern[1:]:
        yield False


def _is_slip(word: str, meant: str) -> bool:
    """Say whether a near word is a slip of the finger and not another word.

    Short words lie close together (stop, shop, step): there only a letter too many, too few or two
    that changed places count.
    """
    if word[0] != meant[0]:
        return len(meant) > 7
    return len(meant) > 5 or len(word) != len(meant) or sorted(word) == sorted(meant)
