"""How slowly can one find out when a calendar is open? Minute by minute, on the wall's clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from routing.hours import Calendar

MINUTE = timedelta(minutes=1)


def minutes_of(calendar: Calendar, on: date) -> list[tuple[int, int]]:
    """Return a date's hours; special days first, then holidays, then the week."""
    for special in calendar.special_days:
        if special.on == on:
            return [(opening.starts, opening.ends) for opening in special.openings]
    if calendar.country:
        names = _holidays(calendar.country, calendar.region).get_list(on)
        if any(name.split(" (")[0] not in calendar.ignored_holidays for name in names):
            return []
    return [(opening.starts, opening.ends) for opening in calendar.week[on.weekday()]]


@cache
def _holidays(country: str, region: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=region or None, language="en_US")


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Look at the clock on the wall."""
    wall = at.astimezone(ZoneInfo(calendar.zone))
    minute = wall.hour * 60 + wall.minute
    today, yesterday = wall.date(), wall.date() - timedelta(days=1)
    return any(starts <= minute < ends for starts, ends in minutes_of(calendar, today)) or any(
        starts <= minute + 1440 < ends for starts, ends in minutes_of(calendar, yesterday)
    )


class Film:
    """What the clock showed in every minute from `start` on."""

    def __init__(self, calendar: Calendar, start: datetime, minutes: int) -> None:
        self.start = start.astimezone(UTC)
        self.frames = [is_open(calendar, self.start + MINUTE * n) for n in range(minutes)]

    def times(self) -> Iterator[tuple[int, datetime]]:
        """Number the minutes."""
        return ((n, self.start + MINUTE * n) for n in range(len(self.frames)))

    def next_change(self, n: int, *, to: bool) -> datetime | None:
        """Return when it next becomes open (or closed) after minute n; None if not in the film."""
        for later in range(n + 1, len(self.frames)):
            if self.frames[later] is to and self.frames[later - 1] is not to:
                return self.start + MINUTE * later
        return None

    def open_minutes(self, first: int, last: int) -> int:
        """Count the open minutes between two."""
        return sum(self.frames[first:last])

    def due(self, n: int, minutes: int) -> datetime | None:
        """Walk until so many open minutes have passed; wait for opening first."""
        left = minutes
        for later in range(n, len(self.frames)):
            if not left and (minutes or self.frames[later]):
                return self.start + MINUTE * later
            left -= self.frames[later] if left else 0
        return None
