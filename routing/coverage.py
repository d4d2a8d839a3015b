"""Who could receive a message, hour by hour of a week? Business hours times people; pure.

Days and hours are those that a clock in `zone` shows. So an hour that the change to summer time
skips is no time at all, and one that the change back repeats is two hours long. A gap is time in
which the inbox is open and nobody is there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from routing.hours import Calendar, Span, even_stretches

HOURS_OF_DAY = 24
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
# No clock is further ahead of UTC or behind it.
_FURTHEST = timedelta(hours=26)


@dataclass(frozen=True)
class Helper:
    """Somebody who may receive messages, and when they are there; those times may overlap."""

    id: int
    spans: tuple[Span, ...] = ()

    def is_there(self, at: datetime) -> bool:
        """Say whether they are there at an instant."""
        return any(start <= at < end for start, end in self.spans)


@dataclass(frozen=True)
class Stretch:
    """A time during which nothing changes: open or not, and who is there. Instants are in UTC."""

    starts: datetime
    ends: datetime
    is_open: bool
    people: tuple[int, ...] = ()

    @property
    def is_gap(self) -> bool:
        """Say whether customers may expect somebody, and nobody is there."""
        return self.is_open and not self.people

    @property
    def length(self) -> timedelta:
        """Return how long it lasts."""
        return self.ends - self.starts


@dataclass(frozen=True)
class Hour:
    """One hour that the clock shows: what holds in it, piece by piece."""

    hour: int
    stretches: tuple[Stretch, ...]

    @property
    def is_skipped(self) -> bool:
        """Say whether the clock never shows this hour on its day."""
        return not self.stretches

    @property
    def is_repeated(self) -> bool:
        """Say whether the clock shows part of this hour twice."""
        return sum((one.length for one in self.stretches), timedelta()) > _HOUR

    @property
    def is_closed(self) -> bool:
        """Say whether the inbox is closed all the time."""
        return not any(one.is_open for one in self.stretches)

    @property
    def has_gap(self) -> bool:
        """Say whether nobody is there for some of the time in which it is open."""
        return any(one.is_gap for one in self.stretches)


@dataclass(frozen=True)
class CoveredDay:
    """One date of the week: its hours from 0 to 23, and why it is not as usual."""

    on: date
    hours: tuple[Hour, ...]
    names: tuple[str, ...] = ()

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Return the open times of the day, each as long as the same people are there."""
        found = sorted((one for hour in self.hours for one in hour.stretches), key=_start)
        return tuple(one for one in _joined(found) if one.is_open)

    @property
    def has_gap(self) -> bool:
        """Say whether nobody is there for some of the time in which it is open."""
        return any(hour.has_gap for hour in self.hours)


def week_of(
    calendar: Calendar, helpers: Iterable[Helper], *, zone: str, monday: date
) -> tuple[CoveredDay, ...]:
    """Return who could receive a message in each hour of the week that begins on a Monday."""
    days = tuple(monday + _DAY * n for n in range(7))
    start = datetime.combine(monday, time(), UTC) - _FURTHEST
    end = datetime.combine(days[-1] + _DAY, time(), UTC) + _FURTHEST
    cells: dict[tuple[date, int], list[Stretch]] = defaultdict(list)
    known = list(_stretches(calendar, list(helpers), start, end))
    for cell, begins, ends in _hours_on_the_wall(zone, start, end):
        if cell[0] in days:
            cells[cell] += _within(known, begins, ends)
    return tuple(
        CoveredDay(
            on,
            tuple(Hour(hour, tuple(cells[on, hour])) for hour in range(HOURS_OF_DAY)),
            calendar.day(on).names,
        )
        for on in days
    )


def monday_of(on: date) -> date:
    """Return the Monday of a date's week."""
    return on - _DAY * on.weekday()


def without(spans: Iterable[Span], away: Span) -> tuple[Span, ...]:
    """Return these times without another one."""
    return tuple(
        (max(start, low), min(end, high))
        for start, end in spans
        for low, high in ((start, away[0]), (away[1], end))
        if max(start, low) < min(end, high)
    )


def shared(spans: Iterable[Span], others: Sequence[Span]) -> tuple[Span, ...]:
    """Return the times that lie in one of these and in one of the others."""
    both = ((max(a, c), min(b, d)) for a, b in spans for c, d in others)
    return tuple(span for span in both if span[0] < span[1])


def hour_around(at: datetime, zone: str) -> Span:
    """Return the hour that a clock shows at an instant, as far as it runs evenly."""
    for begins, ends, offset in even_stretches(zone, at - _DAY, at + _DAY):
        if begins <= at < ends:
            wall = at + offset
            start = wall.replace(minute=0, second=0, microsecond=0) - offset
            return max(start, begins), min(start + _HOUR, ends)
    raise AssertionError("a clock shows some hour at every instant")


# --- How it is found ---


def _stretches(
    calendar: Calendar, helpers: Sequence[Helper], start: datetime, end: datetime
) -> Iterator[Stretch]:
    """Cut a time wherever it opens or closes, or somebody comes or goes."""
    spans = calendar.open_spans(start, end)
    edges = {start, end, *(edge for span in spans for edge in span)}
    edges |= {edge for helper in helpers for span in helper.spans for edge in span}
    inside = sorted(edge for edge in edges if start <= edge <= end)
    for begins, ends in zip(inside, inside[1:], strict=False):
        is_open = any(opens <= begins < closes for opens, closes in spans)
        there = tuple(helper.id for helper in helpers if is_open and helper.is_there(begins))
        yield Stretch(begins, ends, is_open, there)


def _hours_on_the_wall(
    zone: str, start: datetime, end: datetime
) -> Iterator[tuple[tuple[date, int], datetime, datetime]]:
    """Return which hour of which date the clock shows from when until when, in order."""
    for begins, ends, offset in even_stretches(zone, start, end):
        at = begins
        while at < ends:
            wall = at + offset
            left = _HOUR - timedelta(
                minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond
            )
            until = min(at + left, ends)
            yield (wall.date(), wall.hour), at, until
            at = until


def _within(known: Sequence[Stretch], begins: datetime, ends: datetime) -> Iterator[Stretch]:
    for one in known:
        starts, stops = max(one.starts, begins), min(one.ends, ends)
        if starts < stops:
            yield replace(one, starts=starts, ends=stops)


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Join neighbours that are alike."""
    last: Stretch | None = None
    for one in stretches:
        if last and last.ends == one.starts and _alike(last, one):
            last = replace(last, ends=one.ends)
            continue
        if last:
            yield last
        last = one
    if last:
        yield last


def _alike(one: Stretch, other: Stretch) -> bool:
    return (one.is_open, one.people) == (other.is_open, other.people)


def _start(stretch: Stretch) -> datetime:
    return stretch.starts
