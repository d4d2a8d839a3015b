"""How long did a customer wait? The clocks of service levels: first and next response, resolution.

They count as escalation does: from the customer's first unanswered message to a person's answer,
what lies in a snooze left out. Automatic messages, notes and claims stop none. All instants are
aware; each value is both in calendar time and in business time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from routing.hours import Calendar


class Sort(StrEnum):
    """What happens in a segment that moves a clock."""

    CUSTOMER = "customer"
    PERSON = "person"
    AUTOMATIC = "automatic"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    CLOSED = "closed"
    REOPENED = "reopened"


@dataclass(frozen=True)
class Happening:
    """Something that moves a clock, at a moment."""

    at: datetime
    sort: Sort


@dataclass(frozen=True)
class Span:
    """How long a clock ran, in both times; `is_over` unless it runs still."""

    calendar: timedelta
    business: timedelta
    is_over: bool


@dataclass(frozen=True)
class Clocks:
    """The clocks of one segment of a conversation. None: there was nothing to wait for."""

    first_response: Span | None
    next_responses: tuple[Span, ...]
    resolution: Span | None


Stretch = tuple[datetime, datetime]


def clocks_of(happenings: Iterable[Happening], calendar: Calendar, *, now: datetime) -> Clocks:
    """Read the clocks of a segment at `now`; happenings after that count for nothing.

    First response: from the customer's first message to the first answer of a person; next ones:
    from each later unanswered message on. A close without an answer ends a wait. Resolution: from
    the segment's first message to its close, and on from where it was reopened.
    """
    past = sorted((one for one in happenings if one.at <= now), key=lambda one: one.at)
    pauses = list(_pauses(past, now))
    waits = [
        _measure([stretch], pauses, calendar, now=now, is_over=over)
        for stretch, over in _waits(past, now)
    ]
    is_first_answered = bool(waits) and not _wrote_first(past)
    first = waits[0] if is_first_answered else None
    return Clocks(
        first_response=first,
        next_responses=tuple(waits[1:] if first else waits),
        resolution=_resolution(past, pauses, calendar, now),
    )


def elapsed(start: datetime, end: datetime, calendar: Calendar) -> Span:
    """Return how long it is from one moment to another, in both times."""
    return _measure([(start, end)], [], calendar, now=end, is_over=True)


def _wrote_first(past: Sequence[Happening]) -> bool:
    """Say whether a person wrote before the customer did: then there is no first response."""
    words = [one.sort for one in past if one.sort in (Sort.CUSTOMER, Sort.PERSON)]
    return bool(words) and words[0] is Sort.PERSON


def _waits(past: Sequence[Happening], now: datetime) -> Iterator[tuple[Stretch, bool]]:
    """Return each wait, and whether it is over."""
    since = None
    for one in past:
        if one.sort is Sort.CUSTOMER:
            since = since or one.at
        elif since and one.sort in (Sort.PERSON, Sort.CLOSED):
            yield (since, one.at), True
            since = None
    if since:
        yield (since, now), False


def _pauses(past: Sequence[Happening], now: datetime) -> Iterator[Stretch]:
    """Return the times of being snoozed: until woken, by hand or by anybody's words."""
    since = None
    for one in past:
        if one.sort is Sort.SNOOZED:
            since = since or one.at
        elif since and one.sort is not Sort.AUTOMATIC:
            yield since, one.at
            since = None
    if since:
        yield since, now


def _resolution(
    past: Sequence[Happening], pauses: Sequence[Stretch], calendar: Calendar, now: datetime
) -> Span | None:
    since: datetime | None = None
    stretches: list[Stretch] = []
    for one in past:
        if one.sort is Sort.CLOSED and since:
            stretches.append((since, one.at))
            since = None
        elif one.sort in (Sort.CUSTOMER, Sort.PERSON, Sort.REOPENED):
            since = since or one.at
    is_over = since is None
    if since:
        stretches.append((since, now))
    if not stretches:
        return None
    return _measure(stretches, pauses, calendar, now=now, is_over=is_over)


def _measure(
    stretches: Sequence[Stretch],
    pauses: Sequence[Stretch],
    calendar: Calendar,
    *,
    now: datetime,
    is_over: bool,
) -> Span:
    wall = business = timedelta()
    for start, end in stretches:
        for opens, closes in _without(start, min(end, now), pauses):
            wall += closes - opens
            business += calendar.open_time_between(opens, closes)
    return Span(wall, business, is_over)


def _without(start: datetime, end: datetime, pauses: Sequence[Stretch]) -> Iterator[Stretch]:
    """Cut pauses, which come in order and apart from each other, out of a stretch."""
    for pause, goes_on in pauses:
        if goes_on <= start or pause >= end:
            continue
        if pause > start:
            yield start, pause
        start = goes_on
    if start < end:
        yield start, end
