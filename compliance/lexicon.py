"""Which words of a language mean what, when somebody wishes to hear no more from us?

A language pack is a file of `language_packs/`: under each concept the words for it. `word*` stands
for every word that begins so; accents and apostrophes do not matter. What the concepts are and how
to write a pack: docs/opt-out-wording.md.
"""

import hashlib
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from compliance.joined_words import LONG_WORD, Vocabulary, is_hangul, parts_of
from compliance.normalising import folded, is_mixed, readable, without_accents

FOLDER = Path(__file__).parent / "language_packs"
EVERYWHERE = "en"  # people mix it into every language
# What each word list of a pack may be called. `grammar` says what follows from them.
CONCEPTS = {
    "stop": "to cease, before what ceases",
    "stop_word": "the same, as a whole sentence",
    "cancel": "to end something, before what ends; orders are cancelled too",
    "unsubscribe": "to leave a list of recipients; nothing else can be meant",
    "remove": "to take off, before what and where",
    "remove_me": "to take me off, in one",
    "take": "to take, where the place stands apart: take my name … off",
    "turn": "to turn or shut, where the rest stands apart: turn these alerts … off",
    "off": "off, out of, behind one of these",
    "withdraw": "to withdraw, revoke, object",
    "consent": "my consent, permission, agreement",
    "third": "somebody else of whom is told: my sister, he",
    "hence": "so, therefore: a new sentence, if a wish comes after it",
    "noise": "single swear words that may stand anywhere, and are not heard",
    "send": "to send",
    "contact": "to write to, to disturb",
    "dont_contact": "leave me alone, in one",
    "receive": "to receive, to get",
    "want": "to want, to like, to agree",
    "dont_want": "not to want, never to have asked for, in one",
    "message": "messages and what they are called",
    "list": "lists, databases",
    "me": "me, my phone",
    "number": "my number, my data",
    "not": "not, never, before a verb",
    "no": "no, none, before a noun",
    "denied": "not as a report: I did not get, there is no",
    "more": "more, again, any longer, in future",
    "enough": "enough of, tired of, too many",
    "idiom": "whole phrases that say it by themselves",
    "alone": "phrases that say it when nothing else is said",
    "how": "how to, where can I",
    "still": "why am I still getting",
    "other": "what else can be stopped: orders, calls, e-mails",
    "keep": "do not stop, keep them coming",
    "report": "somebody said, why, if, let me know: no wish follows",
    "reply_with": "our own footer: reply STOP to",
    "said": "I told you before",
    "please": "please, could you, you must",
    "to_end": "that something ends, after what is or is not wanted: to stop",
    "joke": "laughter",
    "sign": "signs that stand for a stop",
    "inert": "phrases with these words that mean something else: bus stop",
    "resume": "to begin again",
    "mistake": "by mistake, changed my mind",
    "who": "who is this",
    "help": "I need help, more information",
    "because": "words a reason begins with",
    "once": "for this one time only: this time, not for this one",
    "threat": "complaints to authorities, lawyers, blocking",
    "no_thanks": "no thank you, not needed, before a request",
    "leave": "to get out of this, off here",
    "and": "and, or",
    "subject": "how a new sentence begins without a full stop",
    "filler": "words that do not matter",
    "everyday": "ordinary words that lie near one of these, so that they are not taken for a slip",
}
_LOOKED_UP = 60  # words, to find out which language it is
_LIKELY = 3  # languages that are tried
# Words that are compared with misspelt ones: each of these tells a wish.
_SPELT = frozenset(
    [
        "stop_word",
        "stop",
        "unsubscribe",
        "remove",
        "contact",
        "message",
        "receive",
        "number",
        "list",
    ]
)
_CODED = str.maketrans("0134578@$!", "oieastbasi")
# Scripts that put no space between words: each sign is a word of its own.
_UNSPACED = "\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(
    rf"[{_UNSPACED}]|[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]|[\u0900-\u0dff])*"
    r"|[$@](?=[a-z])|[\u2190-\u2bff\U0001f000-\U0001faff]"
)
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_SPACED = re.compile(r"(?<!\w)\w(?:[ .\-_*]{1,2}\w){2,}(?!\w)")
_CODED_WORD = re.compile(r"(?<![\w$@])(?=\S*[a-z])(?=\S*[0-9$@!])[a-z0-9$@]+(?:![a-z0-9$@]+)*")
_CODE = re.compile(r"[0-9$@!]")
_MASKED_WORD = re.compile(
    r"(?<![\w*#])[^\W\d_]+(?:[*#]+[^\W\d_]+)+(?![\w*#])|(?<![\w*#])[^\W\d_]{3,}[*#](?![\w*#])"
)
# A short row of words without spaces begins with one of these.
_BEGIN = frozenset(("not", "no", "stop", "stop_word"))
_PLAIN_WORD = re.compile(r"[^\W\d_]+")


class PackError(ValueError):
    """A language pack cannot be read; says which and why."""


@dataclass(frozen=True)
class Entry:
    """Words of a pack in their order, and the concept they stand for."""

    words: tuple[str, ...]
    concept: str


@dataclass(frozen=True)
class Pack:
    """What one language has words for, and how it builds a sentence."""

    language: str
    version: str
    entries: tuple[Entry, ...]
    prefixes: tuple[str, ...] = ()  # small words written onto the next one, as in Hebrew
    free_order: bool = False  # verbs come last, or the negation follows its verb


@dataclass(frozen=True)
class Term:
    """One or more words of a message, and the concepts they stand for; none if unknown."""

    text: str
    concepts: frozenset[str]
    is_guess: bool = False  # misspelt: what it stands for is a guess

    @property
    def weight(self) -> float:
        """Count how many words nobody knows this is; a sign of an unspaced script is half a one.

        An emoji is none: it says how, not what.
        """
        if self.concepts or not self.text[0].isalnum():
            return 0
        return 0.5 if _IS_UNSPACED.match(self.text) else 1


def words_of(text: str) -> list[str]:
    """Split a text into words, without accents and in small letters."""
    return _WORD.findall(without_accents(text))


def read_pack(path: Path) -> Pack:
    """Read one language pack; raises PackError, naming the file, if it is not in order."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{path.name}: {error}") from None
    version = rows.pop("version", "")
    free_order, prefixes = rows.pop("free_order", False), tuple(rows.pop("prefixes", ()))
    if not isinstance(version, str) or not version:
        raise PackError(f"{path.name}: it needs a version, such as version = '2026-11-26'")
    if unknown := rows.keys() - CONCEPTS.keys():
        raise PackError(f"{path.name}: no such concept: {', '.join(sorted(unknown))}")
    for concept, phrases in rows.items():
        if not isinstance(phrases, list) or not all(isinstance(one, str) for one in phrases):
            raise PackError(f"{path.name}: {concept} is no list of words")
    entries = (
        Entry(_pattern(phrase, path.name), concept)
        for concept, phrases in rows.items()
        for phrase in phrases
    )
    return Pack(path.stem, version, tuple(entries), prefixes, free_order)


def _pattern(phrase: str, file: str) -> tuple[str, ...]:
    words = list(_pattern_words(phrase))
    if not words:
        raise PackError(f"{file}: '{phrase}' has no letters")
    return tuple(words)


def _pattern_words(phrase: str) -> Iterator[str]:
    for part in readable(phrase).split():
        words = words_of(part.rstrip("*"))
        yield from words[:-1]
        yield from (word + "*" * part.endswith("*") for word in words[-1:])


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


@lru_cache(maxsize=1)
def _first_words() -> tuple[dict[str, set[str]], dict[str, set[str]], list[int]]:
    """Return which languages know a word, and a beginning of words; and how long those are."""
    whole: dict[str, set[str]] = defaultdict(set)
    begun: dict[str, set[str]] = defaultdict(set)
    for code, pack in all_packs().items():
        for first in {entry.words[0] for entry in pack.entries}:
            (begun if first.endswith("*") else whole)[first.rstrip("*")].add(code)
    return dict(whole), dict(begun), sorted({len(beginning) for beginning in begun})


def likelier_languages(text: str, than: Iterable[str]) -> list[str]:
    """Return the few languages that know more of the words than those, the likeliest first.

    Such a language knows at least half of the words.
    """
    known: Counter[str] = Counter()
    words = words_of(text)[:_LOOKED_UP]
    for word in words:
        known.update(_languages_knowing(word))
    enough = max(len(words) / 2, *(known[code] + 1 for code in than))
    likeliest = sorted(known, key=lambda code: (-known[code], code))[:_LIKELY]
    return [code for code in likeliest if known[code] >= enough]


@lru_cache(maxsize=16384)
def _languages_knowing(word: str) -> frozenset[str]:
    whole, begun, lengths = _first_words()
    parts = [begun[word[:length]] for length in lengths if word[:length] in begun]
    return frozenset(whole.get(word, ())).union(*parts)


def warm_up() -> None:
    """Read all packs and index them, each alone and with English; else the first texts do it."""
    _first_words()
    for code in all_packs():
        lexicon(frozenset({code}))
        lexicon(frozenset({code, EVERYWHERE}))


class Lexicon:
    """The words of some languages, made for looking up what stands in a message."""

    def __init__(self, packs: list[Pack]) -> None:
        """Index the packs by the first word of each entry."""
        self.free_order = any(pack.free_order for pack in packs)
        self._prefixes = tuple(prefix for pack in packs for prefix in pack.prefixes)
        self._whole: dict[str, list[Entry]] = defaultdict(list)
        self._begun: dict[str, list[Entry]] = defaultdict(list)
        for entry in (entry for pack in packs for entry in pack.entries):
            first = entry.words[0]
            index = self._begun if first.endswith("*") else self._whole
            index[first.rstrip("*")].append(entry)
        self._lengths = sorted({len(beginning) for beginning in self._begun})
        self._spelt = sorted(self._worth_guessing())
        self._starting = lru_cache(maxsize=16384)(self._found_starting)
        self._guesses = lru_cache(maxsize=8192)(self._guess)
        self._vocabularies = [_vocabulary_of(pack) for pack in packs]
        self._noise = {e.words[0] for pack in packs for e in pack.entries if e.concept == "noise"}
        self._parted = lru_cache(maxsize=8192)(self._part)

    def _worth_guessing(self) -> set[str]:
        entries = (entry for row in (*self._whole.values(), *self._begun.values()) for entry in row)
        spelt = (
            entry.words[0].rstrip("*")
            for entry in entries
            if len(entry.words) == 1 and entry.concept in _SPELT
        )
        return {word for word in spelt if len(word) > 3 and word.isalpha()}

    def terms(self, text: str, *, may_guess: bool = True) -> list[Term]:
        """Say what the words of one clause stand for, the longest phrase first."""
        words = [word for word in words_of(self._deciphered(text)) if word not in self._noise]
        found, at = [], 0
        while at < len(words):
            term, length = self._best(words, at)
            if not term.concepts and may_guess:
                term = self._guesses(term.text)
            found.append(term)
            at += length
        return found

    def knows(self, word: str) -> bool:
        """Say whether one word stands for anything."""
        return bool(self._longest([word], 0)[0].concepts)

    def _best(self, words: list[str], at: int) -> tuple[Term, int]:
        """Take the longest phrase, unless a longer one begins within it; "don't delete" stays."""
        term, length = self._longest(words, at)
        if "keep" in term.concepts:
            return term, length
        for step in range(1, length):
            if self._longest(words, at + step)[1] > length:
                return self._longest(words, at, step)
        return term, length

    def _longest(self, words: list[str], at: int, most: int = 99) -> tuple[Term, int]:
        best = 1
        concepts: set[str] = set()
        following = words[at + 1] if at + 1 < len(words) else ""
        for entry in self._starting(words[at]):
            length = len(entry.words)
            if length > 1 and not _is_like(entry.words[1], following):
                continue
            if best <= length <= most and _fits(entry.words, words, at):
                concepts = {entry.concept} | (concepts if length == best else set())
                best = length
        return Term(" ".join(words[at : at + best]), frozenset(concepts)), best

    def _found_starting(self, word: str) -> tuple[Entry, ...]:
        """Return what begins with this word, or with what is left of it behind a small word."""
        bare = [
            word[len(prefix) :]
            for prefix in self._prefixes
            if word.startswith(prefix) and len(word) > len(prefix) + 1
        ]
        return tuple(entry for form in (word, *bare) for entry in self._beginning(form))

    def _beginning(self, word: str) -> Iterable[Entry]:
        yield from self._whole.get(word, ())
        for length in self._lengths:
            if length > len(word):
                return
            yield from self._begun.get(word[:length], ())

    def _guess(self, word: str) -> Term:
        """Take a word nobody knows for the one it was probably meant to be."""
        unknown = Term(word, frozenset())
        if not 3 <= len(word) <= 24 or not word.isalpha():
            return unknown
        allowed = 1 if len(word) < 8 else 2
        near = extractOne(word, self._spelt, scorer=OSA.distance, score_cutoff=allowed)
        if near is None or not _is_slip(word, near[0]):
            return unknown
        return Term(word, self._longest([near[0]], 0)[0].concepts, is_guess=True)

    def _deciphered(self, text: str) -> str:
        """Put together and translate what was written to get past a filter."""
        text = _SPACED.sub(lambda row: self._known(re.sub(r"[\W_]", "", row.group()), row), text)
        if "*" in text or "#" in text:
            text = _MASKED_WORD.sub(lambda word: self._unmasked(word.group()), text)
        if _CODE.search(text):
            text = _CODED_WORD.sub(
                lambda word: self._known(word.group().translate(_CODED), word), text
            )
        if not text.isascii() or _DRAWN_OUT.search(text):
            text = _DRAWN_OUT.sub(r"\1\1\1", text)
            text = _PLAIN_WORD.sub(lambda word: self._undrawn(_unmixed(word.group())), text)
        return LONG_WORD.sub(lambda word: self._parted(word.group()), text)

    def _part(self, written: str) -> str:
        """Put spaces where somebody left them out, if all the parts are words of one language."""
        word = without_accents(written)
        if self.knows(word) and not is_hangul(word):
            return written
        ways = [parts_of(word, known) for known in self._vocabularies]
        return min(filter(None, ways), key=len, default=written)

    def _unmasked(self, written: str) -> str:
        """Return the word in which somebody hid letters, if all that are like it mean the same."""
        asked = re.compile(re.sub(r"[*#]", ".", without_accents(written)))
        like = [word for word in self._spelt if asked.fullmatch(word)]
        meant = [self._longest([word], 0)[0].concepts for word in like]
        return like[0] if meant and frozenset.intersection(*meant) else written

    def _undrawn(self, word: str) -> str:
        if not _DRAWN_OUT.search(word):
            return word
        once, twice = _DRAWN_OUT.sub(r"\1", word), _DRAWN_OUT.sub(r"\1\1", word)
        return next((short for short in (once, twice) if self.knows(short)), once)

    def _known(self, word: str, written: re.Match[str]) -> str:
        return word if self.knows(word) or self._guesses(word).concepts else written.group()


def _vocabulary_of(pack: Pack) -> Vocabulary:
    words = frozenset(word for entry in pack.entries for word in _written_words(entry))
    begun = {e.words[0] for e in pack.entries if e.concept in _BEGIN and len(e.words) == 1}
    return Vocabulary(words, tuple(sorted(begun)))


def _written_words(entry: Entry) -> Iterator[str]:
    yield from (word for word in entry.words if not word.endswith("*"))
    # A Hangul stem is a word; those of other scripts are half a word.
    stems = (word[:-1] for word in entry.words if word.endswith("*"))
    yield from (stem for stem in stems if len(stem) > 1 and is_hangul(stem))


def _unmixed(word: str) -> str:
    return folded(word) if is_mixed(word) else word


def _fits(pattern: tuple[str, ...], words: list[str], at: int) -> bool:
    """Say whether the words behind the first one, which the index found, are the pattern's."""
    if at + len(pattern) > len(words):
        return False
    return all(map(_is_like, pattern[1:], words[at + 1 :]))


def _is_like(asked: str, word: str) -> bool:
    """Say whether a word is the one of a pattern, or begins as it does."""
    return asked == word or (asked[-1] == "*" and word.startswith(asked[:-1]))


def _is_slip(word: str, meant: str) -> bool:
    """Say whether a near word is a slip of the finger and not another word.

    Short words lie close together (stop, shop, step): there only a letter too many, too few or two
    that changed places count.
    """
    if word[0] != meant[0]:
        return len(meant) > 7
    return len(meant) > 5 or len(word) != len(meant) or sorted(word) == sorted(meant)
