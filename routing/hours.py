"""When are we open? One calendar for rules, replies, timers and reports; pure and exact.

A calendar is open at an instant when the clock on the wall of its zone shows an open time. So an
hour that a change to summer time skips is never open, and one that the change back repeats counts
twice. Hours belong to the day on which they begin: a night shift is cancelled by a holiday on its
first day and not cut by one on its second.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from routing.public_holidays import holiday_key, holidays_of

MINUTES_OF_DAY = 24 * 60
# How far ahead and back a change is looked for.
HORIZON = timedelta(days=366)
_DAY = timedelta(days=1)
_MIDNIGHT = time()
_KEPT_DAYS = 4000

# Instants inside this module are UTC without a zone: half the price of aware ones.
Span = tuple[datetime, datetime]


@dataclass(frozen=True, order=True)
class Opening:
    """From one minute of a day to another; beyond 24:00 it runs into the next day."""

    starts: int
    ends: int

    def __post_init__(self) -> None:
        if not 0 <= self.starts < MINUTES_OF_DAY:
            raise ValueError(f"hours start within their day, not at minute {self.starts}")
        if not self.starts < self.ends <= self.starts + MINUTES_OF_DAY:
            raise ValueError(f"hours last up to a day: {self.starts} to {self.ends}")

    def __str__(self) -> str:
        return f"{clock(self.starts)}–{clock(self.ends)}"


@dataclass(frozen=True)
class SpecialDay:
    """A date with hours of its own; closed when it has none."""

    on: date
    name: str = ""
    openings: tuple[Opening, ...] = ()


@dataclass(frozen=True)
class Day:
    """What holds on one date, and why if it is not the week's usual."""

    on: date
    openings: tuple[Opening, ...]
    names: tuple[str, ...] = ()


Week = tuple[tuple[Opening, ...], ...]
ALL_DAY = (Opening(0, MINUTES_OF_DAY),)
ALWAYS_OPEN: Week = (ALL_DAY,) * 7
NEVER_OPEN: Week = ((),) * 7


@dataclass(frozen=True)
class Calendar:
    """Business hours: a week (Monday first), holidays on top of it, special days on top of those.

    Every instant given must be aware; every instant returned is in UTC.
    """

    zone: str
    week: Week
    country: str = ""
    region: str = ""
    ignored_holidays: frozenset[str] = frozenset()
    special_days: tuple[SpecialDay, ...] = ()
    _known: dict[date, tuple[Span, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"a week has seven days, not {len(self.week)}")
        if not is_zone(self.zone):
            raise ValueError(f"there is no time zone {self.zone!r}")

    @classmethod
    def always(cls, zone: str = "UTC") -> "Calendar":
        """Return a calendar that never closes: what holds where no hours are set."""
        return cls(zone, ALWAYS_OPEN)

    @classmethod
    def never(cls, zone: str = "UTC") -> "Calendar":
        """Return a calendar that never opens."""
        return cls(zone, NEVER_OPEN)

    # --- What is asked ---

    def is_open(self, at: datetime) -> bool:
        """Say whether an instant lies in business hours."""
        moment = _plain(at)
        spans = self._spans(moment.date())
        before = bisect_right(spans, moment, key=_start)
        return before > 0 and moment < spans[before - 1][1]

    def opens_at(self, at: datetime) -> datetime | None:
        """Return the next instant after `at` at which it opens; None if not within a year."""
        moment = _plain(at)
        open_until = None
        for _, (start, end) in self._spans_after(moment):
            if start > moment and start != open_until:
                return _aware(start)
            open_until = end
        return None

    def closes_at(self, at: datetime) -> datetime | None:
        """Return the next instant after `at` at which it closes; None if not within a year."""
        moment, open_until = _plain(at), None
        for day, (start, end) in self._spans_after(moment):
            if open_until is not None and start > open_until:
                return _aware(open_until)
            if end < _midnight(day + _DAY):
                return _aware(end)
            open_until = end
        if open_until is None or open_until > moment + HORIZON:
            return None
        return _aware(open_until)

    def changes_at(self, at: datetime) -> datetime | None:
        """Return when it closes if it is open, else when it opens; None if not within a year."""
        return self.closes_at(at) if self.is_open(at) else self.opens_at(at)

    def open_spans(self, start: datetime, end: datetime) -> tuple[Span, ...]:
        """Return when it is open from `start` until `end`: in order, apart from each other."""
        first, last = _plain(start), _plain(end)
        found, day = [], first.date()
        while day <= last.date():
            cut = ((max(opens, first), min(closes, last)) for opens, closes in self._spans(day))
            found += [span for span in cut if span[0] < span[1]]
            day += _DAY
        # Spans are cut at midnight of UTC, which is nothing to those who work through it.
        return tuple((_aware(opens), _aware(closes)) for opens, closes in _joined(found))

    def open_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much of the time from `start` to `end` is open; none if they are reversed."""
        first, last = _plain(start), _plain(end)
        total, day = timedelta(), first.date()
        while day <= last.date():
            for opens, closes in self._spans(day):
                total += max(min(closes, last) - max(opens, first), timedelta())
            day += _DAY
        return total

    def add_open_time(self, start: datetime, duration: timedelta) -> datetime | None:
        """Return the first instant, never in closed time, by which `duration` of it was open.

        None if a year passes on the way in which it never opens.
        """
        if duration < timedelta():
            raise ValueError("business time is only ever added")
        moment, left = _plain(start), duration
        while True:
            reached = None
            for _, (opens, closes) in self._spans_after(moment):
                reached = closes
                begin = max(opens, moment)
                if left <= closes - begin:
                    return _aware(begin + left)
                left -= closes - begin
            if reached is None:
                return None
            moment = reached

    def closed_period_key(self, at: datetime) -> str | None:
        """Name the closed period in which an instant lies; None while open.

        All instants of one period get the same name, and no two periods share one.
        """
        if self.is_open(at):
            return None
        if since := self.closed_since(at):
            return f"since {_plain(since).isoformat()}Z"
        opens = self.opens_at(at)
        return f"until {_plain(opens).isoformat()}Z" if opens else "always"

    def closed_since(self, at: datetime) -> datetime | None:
        """Return when it closed, as of an instant at which it is not open; None if over a year."""
        moment = _plain(at)
        day = moment.date()
        while day >= (moment - HORIZON).date():
            for _, end in reversed(self._spans(day)):
                if end <= moment:
                    return _aware(end)
            day -= _DAY
        return None

    def day(self, on: date) -> Day:
        """Return what holds on a date of the calendar's zone."""
        if special := self._special.get(on):
            return Day(on, special.openings, (special.name,) if special.name else ())
        if names := self.holidays_on(on):
            return Day(on, (), names)
        return Day(on, self.week[on.weekday()])

    def holidays_on(self, on: date) -> tuple[str, ...]:
        """Name the public holidays of a date that are kept here."""
        names = holidays_of(self.country, self.region, on.year).get(on, ())
        return tuple(name for name in names if holiday_key(name) not in self.ignored_holidays)

    # --- How it is found ---

    @cached_property
    def _special(self) -> Mapping[date, SpecialDay]:
        return {day.on: day for day in self.special_days}

    def _spans_after(self, moment: datetime) -> Iterator[tuple[date, Span]]:
        """Walk through the open spans that end after `moment`, each with its UTC day; for a year.

        Spans are cut at midnight of UTC.
        """
        day = moment.date()
        while day <= (moment + HORIZON).date():
            for span in self._spans(day):
                if span[1] > moment:
                    yield day, span
            day += _DAY

    def _spans(self, day: date) -> tuple[Span, ...]:
        """Return the open spans of one day of UTC: in order, apart from each other."""
        spans = self._known.get(day)
        if spans is None:
            if len(self._known) >= _KEPT_DAYS:
                self._known.clear()
            spans = self._known[day] = tuple(_joined(self._found(day)))
        return spans

    def _found(self, day: date) -> Iterator[Span]:
        for start, end, offset in _stretches(self.zone, day):
            for opens, closes in self._on_the_wall(start + offset, end + offset):
                yield opens - offset, closes - offset

    def _on_the_wall(self, start: datetime, end: datetime) -> Iterator[Span]:
        """Return the open times that a clock shows while it runs evenly from `start` to `end`."""
        on = start.date() - _DAY
        while on <= end.date():
            for opening in self.day(on).openings:
                opens = max(start, _midnight(on) + timedelta(minutes=opening.starts))
                closes = min(end, _midnight(on) + timedelta(minutes=opening.ends))
                if opens < closes:
                    yield opens, closes
            on += _DAY


def is_zone(name: str) -> bool:
    """Say whether this is the name of a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def even_stretches(
    zone: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut the time from `start` until `end` where the clock of a zone jumps.

    Return from when, until when, and how far that clock is ahead of UTC all the while.
    """
    first, last = _plain(start), _plain(end)
    day = first.date()
    while day <= last.date():
        for begins, ends, offset in _stretches(zone, day):
            opens, closes = max(begins, first), min(ends, last)
            if opens < closes:
                yield _aware(opens), _aware(closes), offset
        day += _DAY


def clock(minute: int) -> str:
    """Return a minute of the day as a clock shows it; the end of the day is 24:00."""
    if minute > MINUTES_OF_DAY:
        minute -= MINUTES_OF_DAY
    return f"{minute // 60:02}:{minute % 60:02}"


@lru_cache(maxsize=20_000)
def _stretches(zone: str, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """Cut a day of UTC where the clock of a zone jumps: from, until, and how far it is ahead.

    No zone has ever changed its clock twice within a week, so once a day is enough to look for.
    """
    start, end = _midnight(day), _midnight(day + _DAY)
    offset, offset_after = _offset(zone, start), _offset(zone, end)
    if offset == offset_after:
        return ((start, end, offset),)
    jump = _jump(zone, start, end)
    return ((start, jump, offset), (jump, end, offset_after))


def _jump(zone: str, before: datetime, after: datetime) -> datetime:
    """Return the second at which a zone's clock jumps."""
    offset = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: str, moment: datetime) -> timedelta:
    offset = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Join spans that touch or overlap."""
    last: Span | None = None
    for span in sorted(spans):
        if last and span[0] <= last[1]:
            last = (last[0], max(last[1], span[1]))
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _start(span: Span) -> datetime:
    return span[0]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, _MIDNIGHT)


def _plain(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return at.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
