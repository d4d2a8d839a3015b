"""Does a sentence ask us to write no more? From the concepts of its words to a wish.

The grammar is of no language: a clause is a row of concepts (`lexicon`), and what it asks follows
from which of them stand near each other. A rule says how sure it is; what the clause is about
(orders, calls, e-mails), a negation, and words nobody knows make it less sure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from compliance.lexicon import Lexicon, Term

LONGEST = 120  # words; a wish to stop is shorter
_NEAR = 6  # words between two that belong together
_CLAUSES = re.compile(r"[.!?…;,:\n]+(?=\s|$)|[。！？，、；।؟،\n—–]+|\s-+\s")


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
    """One clause: its terms, and where each concept stands."""

    terms: tuple[Term, ...]
    verb_last: bool
    negation_follows: bool

    def places(self, *concepts: str) -> list[int]:
        """Return where words of any of these concepts stand."""
        return [at for at, term in enumerate(self.terms) if term.concepts & set(concepts)]

    def has(self, *concepts: str) -> bool:
        """Say whether a word of any of these concepts is in the clause."""
        return bool(self.places(*concepts))

    def follows(self, first: tuple[str, ...], then: tuple[str, ...]) -> bool:
        """Say whether `then` stands near `first`, after it unless verbs come last."""
        return any(
            0 < abs(b - a) <= _NEAR and (b > a or self.verb_last)
            for a in self.places(*first)
            for b in self.places(*then)
        )

    def near(self, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        """Say whether words of two kinds stand near each other, in any order."""
        return any(
            0 < abs(b - a) <= _NEAR for a in self.places(*one) for b in self.places(*other)
        )

    @property
    def unknown(self) -> int:
        """Count the words nobody knows."""
        return sum(not term.concepts for term in self.terms)

    @property
    def is_guessed(self) -> bool:
        """Say whether what matters here is misspelt."""
        return any(term.is_guess for term in self.terms)

    @property
    def is_negated(self) -> bool:
        """Say whether it is the stopping that is negated: "don't stop"."""
        leaving = self.places("stop", "unsubscribe", "remove", "remove_me", "cancel", "stop_name")
        steps = (1, 2, 3, -1, -2) if self.negation_follows else (1, 2, 3)
        return any(at - step in self.places("not") for at in leaving for step in steps)

    @property
    def text(self) -> str:
        """Return the words that say something."""
        return " ".join(term.text for term in self.terms if term.concepts - {"polite", "inert"})


def wish_in(text: str, lexicon: Lexicon, *, may_guess: bool = True) -> Wish:
    """Say what a person's own words (`normalising.own_words`) ask for."""
    clauses = list(_clauses(text, lexicon, may_guess=may_guess))
    everything = Clause(
        tuple(term for clause in clauses for term in clause.terms),
        lexicon.verb_last,
        lexicon.negation_follows,
    )
    if everything.has("keep", "reply_with"):
        return _kept(everything)
    wishes = [_asked_by(clause, is_alone=len(clauses) == 1) for clause in clauses]
    out = max((one for one in wishes if one.label == "opt_out"), key=_by_sureness, default=NO_WISH)
    if everything.has("resume") and out.sureness < Sureness.HIGH:
        return Wish("opt_in", Sureness.MEDIUM, everything.text)
    if out.sureness is Sureness.NONE:
        out = _said_bare(clauses, everything)
    if everything.has("joke") and out.label:
        out = replace(out, sureness=Sureness.MEDIUM) if _is_plain(everything) else NO_WISH
    if out.label:
        return out
    return next((one for one in wishes if one.label), NO_WISH)


def _by_sureness(wish: Wish) -> Sureness:
    return wish.sureness


def _clauses(text: str, lexicon: Lexicon, *, may_guess: bool) -> Iterator[Clause]:
    left = LONGEST
    for part in _CLAUSES.split(text):
        terms = tuple(lexicon.terms(part, may_guess=may_guess)[:left])
        left -= len(terms)
        if terms:
            yield Clause(terms, lexicon.verb_last, lexicon.negation_follows)
        if left <= 0:
            return


def _kept(everything: Clause) -> Wish:
    return Wish("opt_in", Sureness.MEDIUM, everything.text) if everything.has("resume") else NO_WISH


def _is_plain(everything: Clause) -> bool:
    """Say whether it speaks of messages in so many words, whatever face is drawn beside it."""
    return everything.has("message", "contact", "dont_contact", "unsubscribe", "idiom")


def _asked_by(clause: Clause, *, is_alone: bool) -> Wish:
    """Say what one clause asks for."""
    if clause.has("resume"):
        return Wish("opt_in", Sureness.MEDIUM, clause.text)
    sureness = _leaving(clause)
    if sureness:
        return Wish("opt_out", sureness, clause.text)
    if clause.has("receive", "want") and clause.has("message", "contact") and clause.has("again"):
        if not clause.has("not", "no", "dont_want", "stop"):
            return Wish("opt_in", Sureness.MEDIUM, clause.text)
    if clause.has("who", "help"):
        return Wish("help", Sureness.MEDIUM, clause.text)
    return NO_WISH


def _leaving(clause: Clause) -> Sureness:
    """Say how surely one clause asks us to stop."""
    if clause.has("report") or clause.is_negated:
        return Sureness.NONE
    sure = max(_strong(clause), _weak(clause))
    if sure and clause.has("other"):
        # About something else as well, or only: then only plain talk of messages is a wish.
        return Sureness.MEDIUM if _speaks_of_messages(clause) else Sureness.NONE
    if sure is Sureness.HIGH and (clause.unknown > 3 or (clause.is_guessed and clause.unknown > 1)):
        return Sureness.MEDIUM
    return sure


def _speaks_of_messages(clause: Clause) -> bool:
    return clause.follows(
        ("stop", "not", "no", "dont_want", "enough", "cancel"), ("message", "contact")
    ) or clause.has("dont_contact", "idiom")


_DENIED = ("not", "no")
_US = ("message", "contact", "list", "number")


def _strong(clause: Clause) -> Sureness:
    """The plain wishes: what to do, and to what."""
    asked = (
        clause.has("idiom", "remove_me", "dont_contact")
        or clause.has("unsubscribe")
        or clause.follows(("stop",), ("contact", "message"))
        or (clause.follows(("stop",), ("send",)) and clause.unknown < 2)
        or clause.follows(("cancel", "over", "enough"), ("message", "contact"))
        or clause.near(("not",), ("more", "again")) and clause.follows(("not",), ("contact", "message", "send"))
        or clause.follows(("not",), ("contact",)) and clause.unknown < 2
        or clause.follows(("not",), ("send",)) and clause.has("message", "me") and clause.unknown < 2
        or clause.near(("no",), ("more", "again")) and clause.near(("no", "more"), ("message", "contact"))
        or clause.has("dont_want") and clause.has("message", "contact", "list")
        or clause.near(("not",), ("want",)) and clause.has("message", "contact", "list")
        or clause.follows(("remove",), ("list", "number", "me"))
        or clause.near(("remove",), ("list",))
        or clause.verb_last and clause.near(("remove",), ("number", "me"))
        or clause.follows(("no",), ("message",)) and clause.unknown < 1
    )
    return Sureness.HIGH if asked else Sureness.NONE


def _weak(clause: Clause) -> Sureness:
    """What is a wish only because hardly anything else stands beside it."""
    bare = clause.unknown == 0
    hinted = (
        clause.near(("stop", "enough", "over", "stop_name"), ("message", "contact", "send"))
        or clause.near(_DENIED, ("send",)) and clause.has("message", "me", "more", "again")
        or clause.near(("more",), ("message",)) and clause.has(*_DENIED)
        or clause.has("remove") and (clause.has("number", "me", "list") or bare)
        or bare and clause.near(("no", "not", "enough"), ("more", "again"))
        or bare and clause.near(("no", "not"), ("send",))
        or bare and clause.has("how") and clause.has("stop", "cancel")
        or bare and clause.has("stop", "stop_name") and clause.has("me", "more", "message", "again")
    )
    return Sureness.MEDIUM if hinted and clause.unknown < 5 else Sureness.NONE


def _said_bare(clauses: list[Clause], everything: Clause) -> Wish:
    """Read a clause that is nothing but the word: "please stop", "wrong person, stop", 🛑."""
    for clause in clauses:
        named = {"stop", "stop_name", "sign", "enough", "over"}
        kinds = frozenset[str]().union(*(term.concepts for term in clause.terms))
        is_bare = clause.unknown == 0 and kinds & named and not clause.is_negated
        if not is_bare or kinds & {"other", "report", "inert", "send", "resume", "number"}:
            continue
        if everything.has("other", "report") and not everything.has("message", "contact", "said"):
            continue
        rest = everything.unknown
        sure = kinds & {"stop", "stop_name"} and not clause.is_guessed and rest == 0
        if sure or rest < 7:
            return Wish("opt_out", Sureness.HIGH if sure else Sureness.MEDIUM, clause.text)
    return NO_WISH
