"""When may a message go that must not disturb anybody at night?

It goes only when every rule allows it in every time zone where its reader may be
(reference: TCPA 47 CFR 64.1200(c)(1) speaks of the called party's location, which a number does
not tell). Pure: the moment is given, and nothing is asked. This is product behaviour, not legal
advice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from compliance.windows import Span, Window

HORIZON = timedelta(days=7)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Hours:
    """The window of one rule, and which days are holidays to it."""

    code: str
    window: Window
    is_holiday: Callable[[date], bool] = lambda day: False

    def allow(self, wall: datetime) -> bool:
        """Say whether a moment by the clock on the wall is within the window."""
        minute = wall.hour * 60 + wall.minute
        return any(span.starts <= minute < span.ends for span in self.spans(wall.date()))

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the spans of a day."""
        return self.window.spans(day.weekday(), is_holiday=self.is_holiday(day))


@dataclass(frozen=True)
class Held:
    """A rule that forbids a moment, and what the clock shows there."""

    code: str
    zone: str
    wall: datetime


@dataclass(frozen=True)
class Timing:
    """When a message may go. `until` is None where no moment within the horizon fits.

    `held` are the rules that forbid the moment asked for; empty: it may go now.
    """

    until: datetime | None
    held: tuple[Held, ...] = ()

    @property
    def is_now(self) -> bool:
        """Say whether it may go at once."""
        return not self.held


def next_send_time(
    rules: Sequence[Hours], zones: Sequence[ZoneInfo], at: datetime, *, horizon: timedelta = HORIZON
) -> Timing:
    """Return the first moment from `at` on (UTC) that every rule allows in every zone.

    Windows are of whole minutes, so a message of the last minute's seconds still goes. Ask again
    when the moment has come: rules, holidays and clocks may have changed meanwhile. Raises
    ValueError without a zone.
    """
    if not zones:
        raise ValueError("Somebody is somewhere: at least one time zone is needed.")
    at = at.astimezone(UTC)
    if not (held := tuple(_held(rules, zones, at))):
        return Timing(at)
    last = at + horizon
    fitting = (
        moment
        for moment in sorted(set(_beginnings(rules, zones, at, last)))
        if at < moment <= last and not any(_held(rules, zones, moment))
    )
    return Timing(next(fitting, None), held)


def _held(rules: Sequence[Hours], zones: Sequence[ZoneInfo], at: datetime) -> Iterator[Held]:
    for zone in zones:
        wall = at.astimezone(zone)
        for rule in rules:
            if not rule.allow(wall):
                yield Held(rule.code, zone.key, wall)


def _beginnings(
    rules: Sequence[Hours], zones: Sequence[ZoneInfo], at: datetime, last: datetime
) -> Iterator[datetime]:
    """Yield every moment at which something that was forbidden may become allowed."""
    for zone in zones:
        day, end = at.astimezone(zone).date(), last.astimezone(zone).date()
        while day <= end:
            yield from _changes_of(zone, day)
            for rule in rules:
                for span in rule.spans(day):
                    yield from _moments(zone, day, span.starts)
            day += timedelta(days=1)


def _moments(zone: ZoneInfo, day: date, minute: int) -> Iterator[datetime]:
    """Yield when the clock of a zone shows a minute of a day: twice where it is set back."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
    yield wall.astimezone(UTC)
    yield wall.replace(fold=1).astimezone(UTC)


def _changes_of(zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """Yield the moment of a day at which the clocks of a zone are changed, to the minute.

    Minutes that are left out, or come again, may begin a span in their middle.
    """
    first = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    last = first + timedelta(days=1, hours=3)
    while last - first > _MINUTE and _offset(first, zone) != _offset(last, zone):
        middle = first + (last - first) // 2
        middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
        if middle <= first:
            middle = first + _MINUTE
        if _offset(middle, zone) == _offset(first, zone):
            first = middle
        else:
            last = middle
    if _offset(first, zone) != _offset(last, zone):
        yield last


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
