"""Does a condition hold? A table of facts, of the tests each allows, and what is really there.

Three answers, not two: what cannot be known (a CRM that did not answer, a customer whose time zone
nobody knows) is unknown, and a rule that depends on it is passed over, negated or not.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from routing.facts import Facts, Trigger, Value
from routing.languages import CONFIDENT, is_same
from routing.patterns import fold, has_words, is_match
from routing.rules import Condition, Given, Group, Match

# As people and CRMs write it: no words such as “nan”, and no digits but these.
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,40}(\.[0-9]{1,40})?(e[+-]?[0-9]{1,3})?\s*")
Actual = Value | frozenset[str]


@dataclass(frozen=True)
class Unknown:
    """What is there cannot be known, and why; `is_pending` if a look-up was only not asked yet."""

    why: str
    is_pending: bool = False


class Takes(StrEnum):
    """What kind of value a test compares with."""

    NOTHING = "nothing"
    WORDS = "words"
    PATTERN = "pattern"
    TEXT = "text"
    CHOICES = "choices"
    NUMBER = "number"
    SCALAR = "scalar"
    TIMES = "times"
    PEOPLE = "people"


class Judged(NamedTuple):
    """One condition as it was judged: what was really there, and whether it held (or unknown)."""

    condition: Condition
    actual: str
    holds: bool | None
    is_pending: bool = False


# Rulebooks have thousands of conditions, and this takes a third of the time of `Judged(…)`.
_judged = partial(tuple.__new__, Judged)


@dataclass(frozen=True)
class Test:
    """How one test is called, what it compares with, and how."""

    label: str
    takes: Takes
    holds: Callable[[Actual, Given], bool]


@dataclass(frozen=True)
class Fact:
    """How one fact is called, where it comes from, and which tests it allows.

    One that `is_named` needs to be told which attribute or field; `is_plural` is how it reads.
    """

    label: str
    tests: tuple[str, ...]
    read: Callable[[Facts, Condition, datetime], Actual | Unknown]
    is_named: bool = False
    is_plural: bool = False


@dataclass(frozen=True)
class Judge:
    """Judges conditions about the same facts at the same moment.

    Each fact is read once, and each condition is checked once however many rules hold it.
    """

    facts: Facts
    now: datetime
    _read: dict[tuple[str, str], tuple[Actual | Unknown, str]] = field(default_factory=dict)
    # By identity, with the condition itself so that nobody else gets its number meanwhile.
    _checked: dict[int, Judged] = field(default_factory=dict)

    def judge(self, group: Group, seen: list[Judged]) -> bool | None:
        """Say whether a group holds; None if that hangs on something unknown.

        Every condition is judged, also behind one that settles it, so that `seen` shows all.
        """
        verdicts: list[bool | None] = []
        checked = self._checked
        for part in group.parts:
            if isinstance(part, Condition):
                judged = checked.get(id(part))
                if judged is None:
                    judged = checked[id(part)] = self.check(part)
                seen.append(judged)
                verdicts.append(judged.holds)
            else:
                verdicts.append(self.judge(part, seen))
        settling = group.match is Match.ANY
        if settling in verdicts:
            return settling
        return None if None in verdicts else not settling

    def check(self, condition: Condition) -> Judged:
        """Judge one condition. Raises KeyError for a fact or test that does not exist."""
        key = condition.fact, condition.name
        found = self._read.get(key)
        if found is None:
            actual = FACTS[condition.fact].read(self.facts, condition, self.now)
            found = self._read[key] = actual, _shown(actual)
        actual, shown = found
        if isinstance(actual, Unknown):
            return Judged(condition, shown, None, actual.is_pending)
        holds = TESTS[condition.test].holds(actual, condition.value)
        return _judged((condition, shown, holds is not condition.is_negated, False))


def _shown(actual: Actual | Unknown) -> str:
    if isinstance(actual, Unknown):
        return actual.why
    if isinstance(actual, frozenset):
        return ", ".join(sorted(actual))
    if isinstance(actual, bool):
        return "yes" if actual else "no"
    return "" if actual is None else str(actual)[:200]


# --- Tests ---------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _texts(given: Given) -> tuple[str, ...]:
    if isinstance(given, tuple):
        return tuple(map(str, given))
    return () if given is None else (str(given),)


@lru_cache(maxsize=4096)
def _folded(given: Given) -> frozenset[str]:
    return frozenset(map(fold, _texts(given)))


def _any_words(actual: Actual, given: Given) -> bool:
    text = str(actual)
    return any(has_words(text, words) for words in _texts(given))


def _all_words(actual: Actual, given: Given) -> bool:
    return bool(_texts(given)) and all(has_words(str(actual), words) for words in _texts(given))


def _equals(actual: Actual, given: Given) -> bool:
    if isinstance(actual, bool) or isinstance(given, bool):
        return _flag(actual) is not None and _flag(actual) is _flag(given)
    # Two texts are compared as texts: a code that begins with a zero is no number.
    numbers = (_number(actual), _number(given)) if _is_number(actual, given) else (None, None)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return actual is not None and fold(str(actual)) == fold(str(given))


def _is_number(*values: object) -> bool:
    return any(isinstance(value, int | float) for value in values)


def _flag(value: object) -> bool | None:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return value if isinstance(value, bool) else words.get(str(value).strip().casefold())


@lru_cache(maxsize=4096, typed=True)
def _number(value: object) -> float | None:
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        return None
    return float(str(value))


def _less(actual: Actual, given: Given) -> bool:
    ours, theirs = _number(actual), _number(given)
    if ours is None or theirs is None:
        # Dates as ISO 8601 writes them stand in the order of their letters.
        return _is_date(actual) and _is_date(given) and str(actual) < str(given)
    return ours < theirs


def _more(actual: Actual, given: Given) -> bool:
    ours, theirs = _number(actual), _number(given)
    if ours is None or theirs is None:
        return _is_date(actual) and _is_date(given) and str(actual) > str(given)
    return ours > theirs


def is_measure(value: object) -> bool:
    """Say whether anything can be less or more than this: a number or a date."""
    return _number(value) is not None or _is_date(value)


def _is_date(value: object) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _contains(actual: Actual, given: Given) -> bool:
    if isinstance(actual, tuple | frozenset):
        return fold(str(given)) in {fold(one) for one in actual}
    return actual is not None and fold(str(given)) in fold(str(actual))


def _starts(actual: Actual, given: Given) -> bool:
    return fold(str(actual)).startswith(tuple(_folded(given) - {""}))


def _present(actual: Actual, _: Given) -> bool:
    return actual not in (None, "", (), frozenset())


def _one_of(actual: Actual, given: Given) -> bool:
    return _present(actual, None) and fold(str(actual)) in _folded(given)


def _some_of(actual: Actual, given: Given) -> bool:
    return not _folded(given).isdisjoint(_set(actual))


def _all_of(actual: Actual, given: Given) -> bool:
    return bool(_folded(given)) and _folded(given) <= _set(actual)


def _set(actual: Actual) -> set[str]:
    return {fold(one) for one in actual} if isinstance(actual, tuple | frozenset) else set()


def _between(actual: Actual, given: Given) -> bool:
    """Say whether a time lies between two; from 22:00 to 06:00 is over midnight."""
    start, end = _texts(given)
    time = str(actual)[-5:]
    return start <= time < end if start <= end else time >= start or time < end


TESTS: Mapping[str, Test] = {
    "contains_any": Test("contains any of", Takes.WORDS, _any_words),
    "contains_all": Test("contains all of", Takes.WORDS, _all_words),
    "equals": Test("is", Takes.SCALAR, _equals),
    "less": Test("is less than", Takes.NUMBER, _less),
    "more": Test("is more than", Takes.NUMBER, _more),
    "contains": Test("contains", Takes.TEXT, _contains),
    "starts_with": Test("starts with", Takes.WORDS, _starts),
    "matches": Test("matches", Takes.PATTERN, lambda a, g: is_match(str(g), str(a))),
    "is_present": Test("is there", Takes.NOTHING, _present),
    "is_true": Test("holds", Takes.NOTHING, lambda a, _: bool(a)),
    "is_any": Test("is one of", Takes.CHOICES, _one_of),
    "is_person": Test("is one of", Takes.PEOPLE, _one_of),
    "has_any": Test("has any of", Takes.CHOICES, _some_of),
    "has_all": Test("has all of", Takes.CHOICES, _all_of),
    "between": Test("is between", Takes.TIMES, _between),
}


# --- Facts ---------------------------------------------------------------------------------------


def _language(facts: Facts, condition: Condition, _: datetime) -> Actual | Unknown:
    """Return the language as the condition calls it: a text in es is one in es-MX, too."""
    text = facts.text
    if text.confidence < CONFIDENT:
        return Unknown("language not clear")
    asked = condition.value if isinstance(condition.value, tuple) else ()
    alike = (str(code) for code in asked if is_same(str(code), text.language))
    return next(alike, text.language)


def _inbox_time(facts: Facts, _: Condition, now: datetime) -> Actual:
    return f"{_local(facts.calendar.zone, now):%H:%M}"


def _customer_time(facts: Facts, _: Condition, now: datetime) -> Actual | Unknown:
    if not facts.customer.zone:
        return Unknown("the customer's time zone is not known")
    return f"{_local(facts.customer.zone, now):%H:%M}"


def _local(zone: str, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(zone))


def _weekday(facts: Facts, _: Condition, now: datetime) -> Actual:
    return WEEKDAYS[_local(facts.calendar.zone, now).weekday()]


def _is_holiday(facts: Facts, _: Condition, now: datetime) -> Actual:
    day = facts.calendar.day(_local(facts.calendar.zone, now).date())
    return bool(day.names) and not day.openings


def _attribute(facts: Facts, condition: Condition, _: datetime) -> Actual:
    return facts.customer.attributes.get(condition.name)


def _answer(facts: Facts, condition: Condition, _: datetime) -> Actual | Unknown:
    name, _dot, field = condition.name.partition(".")
    answer = facts.answers.get(name)
    if answer is None:
        return Unknown("not asked", is_pending=True)
    return Unknown(answer.failure) if answer.failure else answer.fields.get(field)


def _silent_days(facts: Facts, _: Condition, now: datetime) -> Actual | Unknown:
    last = facts.customer.last_wrote_at
    return Unknown("never wrote before") if last is None else (now - last) // timedelta(days=1)


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHOICE = ("is_any",)
_FLAG = ("is_true",)
_SET = ("has_any", "has_all", "is_present")
_SCALAR = ("equals", "less", "more", "contains", "is_present")
_PERSON = ("is_person", "is_present")

FACTS: Mapping[str, Fact] = {
    "text": Fact(
        "The text",
        ("contains_any", "contains_all", "equals", "starts_with", "matches"),
        lambda f, _, __: f.text.body,
    ),
    "language": Fact("The language", _CHOICE, _language),
    "has_media": Fact("A picture or file", _FLAG, lambda f, _, __: bool(f.text.media_kinds)),
    "media": Fact("The kind of file", _SET, lambda f, _, __: frozenset(f.text.media_kinds)),
    "channel": Fact("The channel", _CHOICE, lambda f, _, __: f.channel),
    "sender": Fact("Our number", _CHOICE, lambda f, _, __: f.sender),
    "number": Fact(
        "The customer's number", ("starts_with", *_CHOICE), lambda f, _, __: f.customer.number
    ),
    "country": Fact("The country", _CHOICE, lambda f, _, __: f.customer.country),
    "region": Fact("The region", _CHOICE, lambda f, _, __: f.customer.region),
    "tag": Fact("The customer's tags", _SET, lambda f, _, __: f.customer.tags, is_plural=True),
    "attribute": Fact("The customer's", _SCALAR, _attribute, is_named=True),
    "owner": Fact("Who looks after the customer", _PERSON, lambda f, _, __: f.customer.owner),
    "last_owner": Fact("Who answered last", _PERSON, lambda f, _, __: f.customer.last_owner),
    "consent": Fact("The consent", _CHOICE, lambda f, _, __: f.customer.consent),
    "first_ever": Fact("A first message", _FLAG, lambda f, _, __: f.customer.is_first_ever),
    "silent_days": Fact("Days since they wrote", ("more", "less"), _silent_days),
    "is_open": Fact("In business hours", _FLAG, lambda f, _, now: f.calendar.is_open(now)),
    "holiday": Fact("A holiday", _FLAG, _is_holiday),
    "weekday": Fact("The day", _CHOICE, _weekday),
    "time": Fact("Our time", ("between",), _inbox_time),
    "customer_time": Fact("The customer's time", ("between",), _customer_time),
    "reopened": Fact(
        "A conversation that comes back", _FLAG, lambda f, _, __: f.trigger is Trigger.REOPENED
    ),
    "conversation_tag": Fact(
        "The conversation's tags", _SET, lambda f, _, __: f.conversation_tags, is_plural=True
    ),
    "priority": Fact("The priority", _CHOICE, lambda f, _, __: f.priority),
    "crm": Fact("The CRM's", _SCALAR, _answer, is_named=True),
}
