"""Does a condition hold? A table of facts, of the tests each allows, and what is really there.

Three answers, not two: what cannot be known (a CRM that did not answer, a customer whose time zone
nobody knows) is unknown, and a rule that depends on it is passed over, negated or not.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from accounts.english import noop
from routing.facts import Facts, Trigger, Value
from routing.languages import CONFIDENT, meant_by
from routing.patterns import finder, fold, pattern_finder
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


Holds = Callable[[Actual], bool]
# How one condition came out, as a byte: a rulebook has thousands of them.
NO, YES, UNKNOWN, PENDING = range(4)
_VERDICTS = {NO: False, YES: True, UNKNOWN: None, PENDING: None}


@dataclass(frozen=True)
class Test:
    """How one test is called, what it compares with, and how.

    `against` makes ready what a condition compares with, once for all messages.
    """

    label: str
    takes: Takes
    against: Callable[[Given], Holds]


@dataclass(frozen=True)
class Fact:
    """How one fact is called, where it comes from, and which tests it allows.

    One that `is_named` needs to be told which attribute or field; `is_plural` is how it reads. One
    that is `compared` in its own way says how.
    """

    label: str
    tests: tuple[str, ...]
    read: Callable[[Facts, str, datetime], Actual | Unknown]
    is_named: bool = False
    is_plural: bool = False
    compared: Callable[[Given], Holds] | None = None


@dataclass(frozen=True)
class Judge:
    """Judges conditions about the same facts at the same moment. Each fact is read once."""

    facts: Facts
    now: datetime
    _read: dict[tuple[str, str], Actual | Unknown] = field(default_factory=dict)

    def judge(self, group: Group, seen: bytearray) -> bool | None:
        """Say whether a group holds; None if that hangs on something unknown.

        Every condition is judged, also behind one that settles it: `seen` gets how each came out.
        """
        settling = group.match is Match.ANY
        is_settled = is_unknown = False
        read, note = self._read, seen.append
        for key, holds, is_negated in _ready(group):
            if isinstance(holds, Group):
                verdict = self.judge(holds, seen)
            else:
                actual = read[key] if key in read else self._actual(key)
                if isinstance(actual, Unknown):
                    verdict, came = None, PENDING if actual.is_pending else UNKNOWN
                else:
                    verdict = holds(actual) is not is_negated
                    came = YES if verdict else NO
                note(came)
            if verdict is settling:
                is_settled = True
            elif verdict is None:
                is_unknown = True
        if is_settled:
            return settling
        return None if is_unknown else not settling

    def check(self, condition: Condition) -> Judged:
        """Judge one condition. Raises KeyError for a fact or test that does not exist."""
        seen = bytearray()
        self.judge(Group(Match.ALL, (condition,)), seen)
        return self._judged(condition, seen[0])

    def judged(self, group: Group, seen: Iterable[int]) -> tuple[Judged, ...]:
        """Return how each condition of a group came out, as `judge` noted it in `seen`."""
        return tuple(map(self._judged, group.conditions(), seen))

    def _actual(self, key: tuple[str, str]) -> Actual | Unknown:
        fact, name = key
        actual = self._read[key] = FACTS[fact].read(self.facts, name, self.now)
        return actual

    def _judged(self, condition: Condition, came: int) -> Judged:
        actual = self._read[condition.fact, condition.name]
        return Judged(condition, _shown(actual), _VERDICTS[came], came == PENDING)


# What a group is judged by: fact and name, how it is compared, whether the other way round.
_Ready = tuple[tuple[tuple[str, str], Holds | Group, bool], ...]


def _ready(group: Group) -> _Ready:
    """Return a group's parts ready for use, which it keeps as long as it lives."""
    kept: _Ready | None = group.__dict__.get("_ready")
    if kept is None:
        kept = group.__dict__["_ready"] = tuple(map(_part, group.parts))
    return kept


def _part(part: Condition | Group) -> tuple[tuple[str, str], Holds | Group, bool]:
    if isinstance(part, Group):
        return ("", ""), part, False
    try:
        against = FACTS[part.fact].compared or TESTS[part.test].against
        holds = against(part.value)
    except Exception as problem:
        holds = partial(_broken, problem)  # only its own rule is passed over, when it is asked
    return (part.fact, part.name), holds, part.is_negated


def _broken(problem: Exception, _: Actual) -> bool:
    # Without the way that it came before: it is raised again for every message.
    raise problem.with_traceback(None)


def _shown(actual: Actual | Unknown) -> str:
    if isinstance(actual, Unknown):
        return actual.why
    if isinstance(actual, frozenset):
        return ", ".join(sorted(actual))
    if isinstance(actual, bool):
        return "yes" if actual else "no"
    return "" if actual is None else str(actual)[:200]


# --- Tests ---------------------------------------------------------------------------------------


def _texts(given: Given) -> tuple[str, ...]:
    if isinstance(given, tuple):
        return tuple(map(str, given))
    return () if given is None else (str(given),)


def _folded(given: Given) -> frozenset[str]:
    return frozenset(map(fold, _texts(given)))


def _any_words(given: Given) -> Holds:
    return finder(_texts(given))


def _all_words(given: Given) -> Holds:
    finders = [finder([words]) for words in _texts(given)]
    return lambda actual: bool(finders) and all(finds(actual) for finds in finders)


def _equals(given: Given) -> Holds:
    flag, number, text = _flag(given), _number(given), fold(str(given))
    is_number = isinstance(given, int | float)

    def holds(actual: Actual) -> bool:
        if isinstance(actual, bool) or isinstance(given, bool):
            return flag is not None and _flag(actual) is flag
        # Two texts are compared as texts: a code that begins with a zero is no number.
        if number is not None and (is_number or isinstance(actual, int | float)):
            ours = _number(actual)
            if ours is not None:
                return ours == number
        return actual is not None and fold(str(actual)) == text

    return holds


def _flag(value: object) -> bool | None:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return value if isinstance(value, bool) else words.get(str(value).strip().casefold())


@lru_cache(maxsize=4096, typed=True)
def _number(value: object) -> float | None:
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        return None
    return float(str(value))


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[[Given], Holds]:
    """Compare numbers with numbers, and dates with dates."""

    def against(given: Given) -> Holds:
        number, text, is_date = _number(given), str(given), _is_date(given)

        def compare(actual: Actual) -> bool:
            ours = _number(actual)
            if ours is not None and number is not None:
                return holds(ours, number)
            # Dates as ISO 8601 writes them stand in the order of their letters.
            return is_date and _is_date(actual) and holds(str(actual), text)

        return compare

    return against


def is_measure(value: object) -> bool:
    """Say whether anything can be less or more than this: a number or a date."""
    return _number(value) is not None or _is_date(value)


def _is_date(value: object) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _contains(given: Given) -> Holds:
    text = fold(str(given))

    def holds(actual: Actual) -> bool:
        if isinstance(actual, tuple | frozenset):
            return text in _set(actual)
        return actual is not None and text in fold(str(actual))

    return holds


def _starts(given: Given) -> Holds:
    beginnings = tuple(_folded(given) - {""})
    return lambda actual: fold(str(actual)).startswith(beginnings)


def _matches(given: Given) -> Holds:
    return pattern_finder(str(given))


def _present(actual: Actual) -> bool:
    return actual not in (None, "", (), frozenset())


def _one_of(given: Given) -> Holds:
    folded = _folded(given)
    return lambda actual: _present(actual) and fold(str(actual)) in folded


def _some_of(given: Given) -> Holds:
    folded = _folded(given)
    return lambda actual: not folded.isdisjoint(_set(actual))


def _all_of(given: Given) -> Holds:
    folded = _folded(given)
    return lambda actual: bool(folded) and folded <= _set(actual)


@lru_cache(maxsize=256)
def _folded_set(actual: tuple[str, ...] | frozenset[str]) -> frozenset[str]:
    return frozenset(map(fold, actual))


def _set(actual: Actual) -> frozenset[str]:
    return _folded_set(actual) if isinstance(actual, tuple | frozenset) else frozenset()


def _between(given: Given) -> Holds:
    """Say whether a time lies between two; from 22:00 to 06:00 is over midnight."""
    start, end = _texts(given)

    def holds(actual: Actual) -> bool:
        time = str(actual)[-5:]
        return start <= time < end if start <= end else time >= start or time < end

    return holds


def _any_language(given: Given) -> Holds:
    """A text in es is one in es-MX, too."""
    asked = frozenset(map(meant_by, _texts(given)))
    return lambda actual: meant_by(str(actual)) in asked


TESTS: Mapping[str, Test] = {
    "contains_any": Test(noop("contains any of"), Takes.WORDS, _any_words),
    "contains_all": Test(noop("contains all of"), Takes.WORDS, _all_words),
    "equals": Test(noop("is"), Takes.SCALAR, _equals),
    "less": Test(noop("is less than"), Takes.NUMBER, _compared(operator.lt)),
    "more": Test(noop("is more than"), Takes.NUMBER, _compared(operator.gt)),
    "contains": Test(noop("contains"), Takes.TEXT, _contains),
    "starts_with": Test(noop("starts with"), Takes.WORDS, _starts),
    "matches": Test("matches", Takes.PATTERN, _matches),
    "is_present": Test(noop("is there"), Takes.NOTHING, lambda _: _present),
    "is_true": Test(noop("holds"), Takes.NOTHING, lambda _: bool),
    "is_any": Test(noop("is one of"), Takes.CHOICES, _one_of),
    "is_person": Test(noop("is one of"), Takes.PEOPLE, _one_of),
    "has_any": Test(noop("has any of"), Takes.CHOICES, _some_of),
    "has_all": Test(noop("has all of"), Takes.CHOICES, _all_of),
    "between": Test(noop("is between"), Takes.TIMES, _between),
}


# --- Facts ---------------------------------------------------------------------------------------


def _language(facts: Facts, _: str, __: datetime) -> Actual | Unknown:
    text = facts.text
    return text.language if text.confidence >= CONFIDENT else Unknown(noop("language not clear"))


def _inbox_time(facts: Facts, _: str, now: datetime) -> Actual:
    return f"{_local(facts.calendar.zone, now):%H:%M}"


def _customer_time(facts: Facts, _: str, now: datetime) -> Actual | Unknown:
    if not facts.customer.zone:
        return Unknown(noop("the customer's time zone is not known"))
    return f"{_local(facts.customer.zone, now):%H:%M}"


def _local(zone: str, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(zone))


def _weekday(facts: Facts, _: str, now: datetime) -> Actual:
    return WEEKDAYS[_local(facts.calendar.zone, now).weekday()]


def _is_holiday(facts: Facts, _: str, now: datetime) -> Actual:
    day = facts.calendar.day(_local(facts.calendar.zone, now).date())
    return bool(day.names) and not day.openings


def _attribute(facts: Facts, name: str, _: datetime) -> Actual:
    return facts.customer.attributes.get(name)


def _answer(facts: Facts, name: str, _: datetime) -> Actual | Unknown:
    lookup, _dot, field = name.partition(".")
    answer = facts.answers.get(lookup)
    if answer is None:
        return Unknown(noop("not asked"), is_pending=True)
    return Unknown(answer.failure) if answer.failure else answer.fields.get(field)


def _silent_days(facts: Facts, _: str, now: datetime) -> Actual | Unknown:
    last = facts.customer.last_wrote_at
    return (
        Unknown(noop("never wrote before")) if last is None else (now - last) // timedelta(days=1)
    )


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHOICE = ("is_any",)
_FLAG = ("is_true",)
_SET = ("has_any", "has_all", "is_present")
_SCALAR = ("equals", "less", "more", "contains", "is_present")
_PERSON = ("is_person", "is_present")

FACTS: Mapping[str, Fact] = {
    "text": Fact(
        noop("The text"),
        ("contains_any", "contains_all", "equals", "starts_with", "matches"),
        lambda f, _, __: f.text.body,
    ),
    "language": Fact(noop("The language"), _CHOICE, _language, compared=_any_language),
    "has_media": Fact(noop("A picture or file"), _FLAG, lambda f, _, __: bool(f.text.media_kinds)),
    "media": Fact(noop("The kind of file"), _SET, lambda f, _, __: frozenset(f.text.media_kinds)),
    "channel": Fact(noop("The channel"), _CHOICE, lambda f, _, __: f.channel),
    "sender": Fact(noop("Our number"), _CHOICE, lambda f, _, __: f.sender),
    "number": Fact(
        noop("The customer's number"), ("starts_with", *_CHOICE), lambda f, _, __: f.customer.number
    ),
    "country": Fact(noop("The country"), _CHOICE, lambda f, _, __: f.customer.country),
    "region": Fact(noop("The region"), _CHOICE, lambda f, _, __: f.customer.region),
    "tag": Fact(
        noop("The customer's tags"), _SET, lambda f, _, __: f.customer.tags, is_plural=True
    ),
    "attribute": Fact(noop("The customer's"), _SCALAR, _attribute, is_named=True),
    "owner": Fact(noop("Who looks after the customer"), _PERSON, lambda f, _, __: f.customer.owner),
    "last_owner": Fact(noop("Who answered last"), _PERSON, lambda f, _, __: f.customer.last_owner),
    "consent": Fact(noop("The consent"), _CHOICE, lambda f, _, __: f.customer.consent),
    "first_ever": Fact(noop("A first message"), _FLAG, lambda f, _, __: f.customer.is_first_ever),
    "silent_days": Fact(noop("Days since they wrote"), ("more", "less"), _silent_days),
    "is_open": Fact(noop("In business hours"), _FLAG, lambda f, _, now: f.calendar.is_open(now)),
    "holiday": Fact(noop("A holiday"), _FLAG, _is_holiday),
    "weekday": Fact(noop("The day"), _CHOICE, _weekday),
    "time": Fact(noop("Our time"), ("between",), _inbox_time),
    "customer_time": Fact(noop("The customer's time"), ("between",), _customer_time),
    "reopened": Fact(
        noop("A conversation that comes back"),
        _FLAG,
        lambda f, _, __: f.trigger is Trigger.REOPENED,
    ),
    "conversation_tag": Fact(
        noop("The conversation's tags"), _SET, lambda f, _, __: f.conversation_tags, is_plural=True
    ),
    "priority": Fact(noop("The priority"), _CHOICE, lambda f, _, __: f.priority),
    "crm": Fact(noop("The CRM's"), _SCALAR, _answer, is_named=True),
}
