"""Does a sentence ask us to write no more? From the concepts of its words to a wish.

The grammar is of no language: a clause is a row of concepts (`lexicon`), and what it asks follows
from which of them stand near each other (`RULES`). What the clause is about (orders, calls,
e-mails), a negation, and words nobody knows make it less sure.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from itertools import zip_longest

from compliance.lexicon import Lexicon, Term

LONGEST = 120  # words; a wish to stop is shorter
_NEAR = 6  # words between two that belong together
_CLAUSES = re.compile(
    r"([.!?…;,:\n]+(?=\s|$)|[。！？，、；।؟،\n—–]+|(?<=[\uac00-\ud7a3][요다죠])\s+(?=\S)|\s-+\s|(?<=[^\W\d])[.!?,]+(?=[^\W\d]{2}))"
)
_QUESTION = frozenset("?؟？")


class Sureness(IntEnum):
    """How sure a wish is; `NONE` is no wish."""

    NONE = 0
    MEDIUM = 1
    HIGH = 2


@dataclass(frozen=True)
class Wish:
    """What a text asks for: `opt_out`, `opt_in`, `help` or nothing, and the words that say so."""

    label: str = ""
    sureness: Sureness = Sureness.NONE
    words: str = ""


NO_WISH = Wish()


@dataclass(frozen=True)
class Clause:
    """A few words that belong together, and what each stands for."""

    terms: tuple[Term, ...]
    free_order: bool
    is_question: bool = False

    @property
    def concepts(self) -> frozenset[str]:
        """Return all that its words stand for."""
        return frozenset().union(*(term.concepts for term in self.terms))

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places = defaultdict(list)
        for at, term in enumerate(self.terms):
            for concept in term.concepts:
                places[concept].append(at)
        return places

    def places(self, *concepts: str) -> list[int]:
        """Return where words of any of these concepts stand."""
        return [at for concept in concepts for at in self._places.get(concept, ())]

    def has(self, *concepts: str) -> bool:
        """Say whether a word of any of these concepts is in the clause."""
        return not self._places.keys().isdisjoint(concepts)

    def has_near(self, first: tuple[str, ...], then: tuple[str, ...], *, in_order: bool) -> bool:
        """Say whether words of two kinds stand near each other, and about nothing else between."""
        return any(
            0 < abs(b - a) <= _NEAR
            and (b > a or not in_order or self.free_order)
            and not self._turns(a, b)
            for a in self.places(*first)
            for b in self.places(*then)
        )

    def _turns(self, a: int, b: int) -> bool:
        """Say whether another matter comes between: "don't call, text me"."""
        between = range(min(a, b) + 1, max(a, b))
        others, joints = self._places.get("other", ()), self._places.get("and", ())
        return any(at in between for at in others) and not any(at in between for at in joints)

    @cached_property
    def unknown(self) -> float:
        """Count the words nobody knows."""
        return sum(term.weight for term in self.terms)

    @property
    def is_asked_back(self) -> bool:
        """Say whether it is a question about what we do: neither a request nor how to do it."""
        asks_how = self.has("how") and not self.has("not", "no", "denied")
        return self.is_question and not self.has("please") and not asks_how

    @property
    def is_guessed(self) -> bool:
        """Say whether a word that matters is misspelt."""
        return any(term.is_guess for term in self.terms)

    @property
    def is_negated(self) -> bool:
        """Say whether it is the leaving that is negated: "don't stop", "I don't want to stop"."""
        leaving = self.places(*_LEAVING)
        steps = (1, 2, 3, -1, -2) if self.free_order else (1, 2, 3)
        denials = self.places("not", "denied")
        if any(at - step in denials for at in leaving for step in steps):
            return True
        thanked = self.places("no_thanks")
        unwanted = [at for at in self.places("dont_want") if at not in thanked]
        if any(0 < end - at <= _NEAR for at in unwanted for end in self.places("to_end")):
            return True
        return any(
            at - 1 in unwanted or (at - 2 in unwanted and at - 1 in self.places("me"))
            for at in leaving
        )

    @property
    def text(self) -> str:
        """Return the words that say something."""
        return " ".join(term.text for term in self.terms if term.concepts - {"filler", "inert"})


@dataclass(frozen=True)
class Rule:
    """One way to ask for no more.

    Words of `first`, near (and, unless the language is free, before) words of `then`; somewhere
    in the clause words of `also`, none of `without`; at most so many words nobody knows.
    """

    sureness: Sureness
    first: tuple[str, ...]
    then: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    unknown: float = 99
    in_order: bool = True

    def holds(self, clause: Clause) -> bool:
        """Say whether a clause asks in this way."""
        return (
            clause.has(*self.first)
            and clause.unknown <= self.unknown
            and (not self.also or clause.has(*self.also))
            and not clause.has(*self.without)
            and (not self.then or clause.has_near(self.first, self.then, in_order=self.in_order))
        )

    def can_hold(self, concepts: frozenset[str]) -> bool:
        """Say whether a clause of words that stand for these concepts might ask in this way."""
        needed = (self.first, self.then, self.also)
        return not any(words and concepts.isdisjoint(words) for words in needed)

    @property
    def is_a_refusal(self) -> bool:
        """Say whether it is about not wanting or not sending, not about an end."""
        return bool({"not", "no", "dont_want", "want", "please"} & set(self.first))

    @property
    def names_messages(self) -> bool:
        """Say whether it is about messages in so many words, whatever else is in the clause."""
        return bool({*self.then, *self.also} & set(_MESSAGES)) or self.first in _PLAIN


_MESSAGES = ("message", "contact")
_PLAIN = (("idiom",), ("dont_contact",))
_TAKEN_AWAY = ("remove", "remove_me", "cancel")
_WAYS_OUT = ("stop", "stop_word", "unsubscribe", "leave", "to_end", *_TAKEN_AWAY)
_LEAVING = ("stop", "stop_word", "unsubscribe", "remove", "remove_me", "cancel")
_H, _M = Sureness.HIGH, Sureness.MEDIUM
RULES = (
    Rule(_H, ("idiom",)),
    Rule(_H, ("dont_contact",), unknown=3),
    Rule(_M, ("dont_contact",), unknown=6),
    Rule(_H, ("unsubscribe",), unknown=3),
    Rule(_M, ("unsubscribe",), unknown=8),
    Rule(_H, ("not",), then=("resume",), unknown=1),
    Rule(_H, ("dont_want",), then=("resume",), in_order=False, unknown=0),
    Rule(_M, ("dont_want",), then=("resume",), in_order=False, unknown=2),
    # To cease: writing, sending, receiving.
    Rule(_H, ("stop",), then=_MESSAGES),
    Rule(_M, ("stop", "stop_word"), then=("message",), in_order=False, unknown=2),
    Rule(_H, ("stop",), then=("send",), unknown=0),
    Rule(_M, ("stop",), then=("send",), unknown=1),
    Rule(_H, ("stop",), then=("receive",), also=_MESSAGES),
    Rule(_M, ("stop",), then=("receive",), unknown=1),
    Rule(_H, ("cancel", "enough"), then=_MESSAGES),
    Rule(_M, ("cancel", "enough"), then=_MESSAGES, in_order=False, unknown=2),
    # Not to write, not to send.
    Rule(_H, ("not",), then=("contact",), without=("receive",), unknown=0),
    Rule(_H, ("not",), then=("contact",), also=("me", "number"), without=("receive",), unknown=2),
    Rule(_H, ("not",), then=("contact",), also=("more",), unknown=4),
    Rule(_M, ("not",), then=("contact",), without=("receive",), unknown=3),
    Rule(_H, ("not",), then=("send",), also=("message", "more"), unknown=1),
    Rule(_M, ("not",), then=("send",), also=("message", "more", "me"), unknown=2),
    Rule(_H, ("no",), then=("message",), also=("more",), without=("receive", "denied"), unknown=3),
    Rule(_H, ("no",), then=("message",), without=("receive", "denied"), unknown=0),
    Rule(_M, ("no",), then=("message",), without=("receive", "denied"), unknown=1),
    Rule(_M, ("no", "not"), then=("more",), also=("message", "contact", "send"), unknown=2),
    # Not to want; to receive without wanting is a complaint, not a wish.
    Rule(_H, ("dont_want",), then=(*_MESSAGES, "list"), in_order=False),
    Rule(_M, ("dont_want",), also=("receive", "send", "more"), unknown=0),
    Rule(_H, ("want",), also=("message", "list"), then=("not", "no"), in_order=False, unknown=4),
    Rule(_M, ("want",), also=("receive", "more"), then=("not", "no"), in_order=False, unknown=1),
    Rule(_M, ("please",), also=("message",), then=("not", "no"), in_order=False, unknown=1),
    # To want them to end.
    Rule(_H, ("want",), then=("to_end",), also=_MESSAGES),
    Rule(_M, ("want", "please"), then=("to_end",), unknown=0),
    Rule(_M, ("message",), then=("to_end",), unknown=1),
    # To take off a list.
    Rule(_H, ("remove_me",), also=("list", "message")),
    Rule(_H, ("remove_me",), unknown=0),
    Rule(_M, ("remove_me",), unknown=1),
    Rule(_H, ("remove",), then=("list",), in_order=False),
    Rule(_H, ("remove",), then=("number",), unknown=2),
    Rule(_M, ("remove",), then=("number",), in_order=False, unknown=2),
    Rule(_H, ("remove",), then=("me",), unknown=0),
    Rule(_H, ("take",), then=("off",), also=("number",), unknown=3),
    Rule(_H, ("turn",), then=("off",), also=_MESSAGES, unknown=3),
    Rule(_M, ("turn",), then=("off",), also=("me",), unknown=1),
    Rule(_H, ("withdraw",), then=("consent",), in_order=False, unknown=4),
    # To want to hear nothing, in more words.
    Rule(_H, ("dont_want",), then=("receive", "contact"), also=("more",), unknown=0),
    Rule(_M, ("dont_want",), then=("receive", "contact"), also=("more",), unknown=2),
    # How to get out of this.
    Rule(_M, ("how",), also=_WAYS_OUT, unknown=1),
    Rule(_M, ("how",), then=_MESSAGES, also=_WAYS_OUT, in_order=False, unknown=3),
    Rule(_M, ("how",), then=("not", "no", "dont_want"), also=("receive", "send"), unknown=1),
    # No, thanks: take it away.
    Rule(_M, ("no_thanks",), then=_TAKEN_AWAY, unknown=1),
    Rule(_M, ("no_thanks",), then=("message",), in_order=False, unknown=0),
    # Half a sentence, and hardly anything else beside it.
    Rule(_M, ("no", "not", "enough"), then=("more",), without=("receive",), unknown=0),
    Rule(_M, ("still",), also=("message", "contact"), without=("denied", "not")),
)
# One word of these can ask for something, whatever else is said.
_ALONE = (
    "stop_word",
    "sign",
    "enough",
    "alone",
    "to_end",
    "resume",
    "mistake",
    "who",
    "help",
    "no_thanks",
    "threat",
)
_BEGINS_A_WISH = frozenset(
    (*_LEAVING, "please", "not", "dont_want", "dont_contact", "no", "idiom", "take", "turn")
)
# A clause with one of these says something else, whatever words it has.
_NOT_A_WISH = ("report", "keep", "reply_with")


def wish_in(text: str, lexicon: Lexicon, *, may_guess: bool = True) -> Wish:
    """Say what a person's own words (`normalising.own_words`) ask for."""
    clauses = list(_clauses(text, lexicon, may_guess=may_guess))
    everything = Clause(tuple(t for clause in clauses for t in clause.terms), lexicon.free_order)
    return asked_in(clauses, everything) if can_ask(everything.concepts) else NO_WISH


def asked_in(clauses: list[Clause], everything: Clause) -> Wish:
    """Say what clauses ask for, `everything` being all of them as one."""
    if _wants_back(clauses, everything):
        return Wish("opt_in", Sureness.MEDIUM, everything.text)
    out = max((_asked_by(clause) for clause in clauses), key=_by_sureness, default=NO_WISH)
    if not out.label:
        out = _said_bare(clauses, everything)
    if not out.label and _warns(everything):
        out = Wish("opt_out", _M, everything.text)
    out = _in_company(out, clauses, everything)
    if out.label:
        return out
    return next((wish for wish in map(_asked_otherwise, clauses) if wish.label), NO_WISH)


@lru_cache(maxsize=4096)
def can_ask(concepts: frozenset[str]) -> bool:
    """Say whether words of these concepts can ask for anything, in whatever order they stand."""
    if not concepts.isdisjoint(_ALONE):
        return True
    asks_for_more = "more" in concepts and not concepts.isdisjoint(_MESSAGES)
    return asks_for_more or any(rule.can_hold(concepts) for rule in RULES)


def _by_sureness(wish: Wish) -> Sureness:
    return wish.sureness


def _clauses(text: str, lexicon: Lexicon, *, may_guess: bool) -> Iterator[Clause]:
    left = LONGEST
    parts = [*_CLAUSES.split(text), ""]
    for part, ending in zip(parts[::2], parts[1::2], strict=True):
        terms = lexicon.terms(part, may_guess=may_guess)[:left]
        left -= len(terms)
        asks = not _QUESTION.isdisjoint(ending)
        yield from (
            Clause(tuple(row), lexicon.free_order, asks) for row in _at_reasons(terms) if row
        )
        if left <= 0:
            return


def _at_reasons(terms: list[Term]) -> Iterator[list[Term]]:
    """A reason is a clause of its own, with or without a comma before it; so is what follows."""
    row: list[Term] = []
    for term, following in zip_longest(terms, terms[1:]):
        is_so = following and "hence" in term.concepts and following.concepts & _BEGINS_A_WISH
        if row and (is_so or "because" in term.concepts):
            yield row
            row = []
        row.append(term)
    yield row


def _wants_back(clauses: list[Clause], everything: Clause) -> bool:
    """Say whether somebody who left, maybe by mistake, asks to be let in again."""
    is_sorry = everything.has("mistake") and everything.has("resume")
    if everything.has("idiom") and not is_sorry:
        return False
    return is_sorry or any(
        (clause.has("resume") and not clause.has("not", "no", "dont_want", "stop"))
        or (clause.has("mistake") and clause.has(*_LEAVING, "take", "turn"))
        for clause in clauses
    )


def _asked_by(clause: Clause) -> Wish:
    """Say how surely one clause asks us to stop."""
    if clause.has(*_NOT_A_WISH) or clause.is_negated:
        return NO_WISH
    held = [rule for rule in RULES if rule.holds(clause)]
    if clause.has("other"):
        # About something else as well, or only: then only plain talk of messages is a wish.
        held = [rule for rule in held if rule.names_messages]
    if clause.has("once"):
        # What is not wanted this once may be wanted another time.
        held = [rule for rule in held if not rule.is_a_refusal]
    if not held:
        return NO_WISH
    sureness = max(rule.sureness for rule in held)
    is_doubtful = clause.has("other", "once") or clause.unknown > (1 if clause.is_guessed else 3)
    is_doubtful |= clause.is_asked_back
    return Wish("opt_out", _M if is_doubtful else sureness, clause.text)


def _in_company(out: Wish, clauses: list[Clause], everything: Clause) -> Wish:
    """Doubt a wish beside laughter or a copy of our own footer."""
    if not out.label:
        return out
    if everything.has("denied") and _is_only_asked(out, clauses):
        # "Did you stop sending them? I got none this month."
        return NO_WISH
    if everything.has("third") and everything.has("keep") and not everything.has("please"):
        # "My sister left your list, but I like it."
        return NO_WISH
    if everything.has("joke"):
        speaks_plainly = everything.has(
            "message", "contact", "dont_contact", "unsubscribe", "idiom"
        )
        return Wish(out.label, _M, out.words) if speaks_plainly else NO_WISH
    about_us = everything.has("message", "contact", "number", "idiom")
    if everything.has("keep", "reply_with") or (everything.has("other") and not about_us):
        return Wish(out.label, _M, out.words)
    return out


def _warns(everything: Clause) -> bool:
    """Say whether one more message means trouble, or a last warning is given."""
    if not everything.has("threat") or everything.has("other"):
        return False
    one_more = everything.has("more") and everything.has(*_MESSAGES, "send", "receive")
    return one_more or everything.has("said")


def _is_only_asked(out: Wish, clauses: list[Clause]) -> bool:
    """Say whether a doubtful wish stands in nothing but a question back."""
    asked = [clause for clause in clauses if clause.text == out.words]
    return out.sureness is _M and all(clause.is_asked_back for clause in asked)


def _said_bare(clauses: list[Clause], everything: Clause) -> Wish:
    """Read a clause that is nothing but the word: "please stop", "wrong person, stop", 🛑."""
    for clause in clauses:
        if clause.is_negated or clause.has(*_NOT_A_WISH, "other", "inert", "resume"):
            continue
        rest = everything.unknown - clause.unknown
        about_us = everything.has("message", "contact", "said", "number", "receive", "send")
        if everything.has("other", "report", "inert", "keep") and not about_us:
            continue
        if rest > (8 if about_us else 3):
            continue
        if clause.unknown == 0 and clause.has("stop_word") and not clause.is_guessed and not rest:
            return Wish("opt_out", _H, clause.text)
        if _is_bare(clause, everything) or _ends_or_begins_so(clause):
            return Wish("opt_out", _M, clause.text)
    return NO_WISH


def _is_bare(clause: Clause, everything: Clause) -> bool:
    alone = ("stop_word", "sign", "enough", "alone")
    thanked = (*_TAKEN_AWAY, "leave") if everything.has("no_thanks") else ()
    if clause.unknown == 0:
        return clause.has(*alone, *thanked)
    # One word more does not matter where a whole phrase says it.
    phrases = (term for term in clause.terms if " " in term.text)
    return clause.unknown <= 1 and any(term.concepts & {"stop_word", "alone"} for term in phrases)


def _ends_or_begins_so(clause: Clause) -> bool:
    """Say whether the word stands where a sentence ends or a new one begins, without a full stop.

    "I asked you twice please stop", "stop I have moved".
    """
    terms = [term.concepts for term in clause.terms if term.concepts != {"filler"}]
    if len(terms) < 2 or clause.unknown > 4:
        return False
    first, second, last = terms[0], terms[1], terms[-1]
    begins = "stop_word" in first and second & {"subject", "please", "said", "number"}
    ends = bool(last & {"stop_word", "to_end"}) and clause.has("please", "said")
    return bool(begins or ends)


def _asked_otherwise(clause: Clause) -> Wish:
    """Say whether one clause asks to hear from us again, or who we are."""
    refuses = clause.has("not", "no", "denied", "dont_want", "stop", "report", "threat")
    asks_for_more = clause.has(*_MESSAGES) and clause.has("more")
    if asks_for_more and clause.has("receive", "want", "send") and not refuses:
        return Wish("opt_in", Sureness.MEDIUM, clause.text)
    asks_us = clause.has("who") or (clause.has("help") and not clause.unknown)
    if asks_us and not clause.has("other"):
        return Wish("help", Sureness.MEDIUM, clause.text)
    return NO_WISH
