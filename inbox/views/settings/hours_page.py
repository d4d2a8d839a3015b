"""What does a page about business hours show? Values in the words of a sign at the door."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import formats
from django.utils.translation import gettext as _

from routing.business_hours import WEEKDAYS, Change, weekday_name
from routing.hours import Calendar, Opening, SpecialDay
from routing.models import BusinessHours
from routing.public_holidays import (
    countries,
    country_name,
    holiday_key,
    holidays_of,
    region_names,
)

PREVIEW_DAYS = 14
_CONTINENTS = (
    "Africa",
    "America",
    "Antarctica",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@dataclass(frozen=True)
class State:
    """Whether it is open now, and until when that is so."""

    is_open: bool
    words: str


@dataclass(frozen=True)
class DayLine:
    """One date: its hours in words, and why if they are not the week's usual."""

    on: date
    hours: str
    is_closed: bool
    why: str


@dataclass(frozen=True)
class Holiday:
    """A public holiday of the coming year, with the dates on which it falls."""

    name: str
    dates: tuple[date, ...]
    is_kept: bool


@dataclass(frozen=True)
class Span:
    """Special days in a row that are alike."""

    first: date
    last: date
    name: str
    hours: str

    @property
    def key(self) -> str:
        """Return what a form calls it."""
        return f"{self.first}/{self.last}"


@dataclass(frozen=True)
class Difference:
    """One thing that somebody else changed, in words."""

    label: str
    before: str
    after: str


def today_of(hours: BusinessHours, now: datetime) -> date:
    """Return the date where the hours' clock hangs."""
    return now.astimezone(ZoneInfo(hours.time_zone)).date()


def state_of(calendar: Calendar, now: datetime) -> State:
    """Say whether it is open now, and what comes next."""
    is_open, change = calendar.is_open(now), calendar.changes_at(now)
    if change is None:
        words = _("Always open") if is_open else _("Closed, and not open within a year")
        return State(is_open, words)
    here = ZoneInfo(calendar.zone)
    today, then = now.astimezone(here).date(), change.astimezone(here)
    at = f"{then:%H:%M}"
    if then.date() != today:
        at = _("%(time)s on %(day)s") % {"time": at, "day": day_in_words(then.date())}
    if is_open:
        return State(True, _("Open, closes at %(when)s") % {"when": at})
    why = ", ".join(calendar.day(today).names)
    if why:
        return State(False, _("Closed (%(why)s), opens at %(when)s") % {"why": why, "when": at})
    return State(False, _("Closed, opens at %(when)s") % {"when": at})


def coming_days(calendar: Calendar, today: date) -> list[DayLine]:
    """Return what holds on each of the next days."""
    days = (calendar.day(today + timedelta(days=n)) for n in range(PREVIEW_DAYS))
    return [
        DayLine(day.on, sign(day.openings), not day.openings, ", ".join(day.names)) for day in days
    ]


def sign(openings: Iterable[Opening]) -> str:
    """Return hours as on a sign; those that end on the next day say so."""
    return ", ".join(_opening(one) for one in openings) or _("closed")


def _opening(one: Opening) -> str:
    return _("%(hours)s (next day)") % {"hours": one} if one.ends > 24 * 60 else str(one)


def coming_holidays(hours: BusinessHours, today: date) -> list[Holiday]:
    """Return the public holidays of the coming year, each once, the next first."""
    found: dict[str, list[date]] = {}
    last = today + timedelta(days=365)
    for year in (today.year, today.year + 1):
        for on, names in holidays_of(hours.country, hours.region, year).items():
            for name in names if today <= on <= last else ():
                found.setdefault(holiday_key(name), []).append(on)
    ignored = set(hours.ignored_holidays)
    return [
        Holiday(name, tuple(dates), name not in ignored)
        for name, dates in sorted(found.items(), key=lambda one: one[1])
    ]


def spans(days: Iterable[SpecialDay]) -> list[Span]:
    """Join special days in a row that are alike."""
    groups: list[list[SpecialDay]] = []
    for day in sorted(days, key=lambda one: one.on):
        if groups and _continues(groups[-1][-1], day):
            groups[-1].append(day)
        else:
            groups.append([day])
    return [Span(one[0].on, one[-1].on, one[0].name, sign(one[0].openings)) for one in groups]


def _continues(before: SpecialDay, day: SpecialDay) -> bool:
    is_next = day.on - before.on == timedelta(days=1)
    return is_next and (day.name, day.openings) == (before.name, before.openings)


def day_in_words(on: date) -> str:
    """Return a date with its weekday, as people write it."""
    return formats.date_format(on, "D j M Y")


def differences(changes: Iterable[Change]) -> list[Difference]:
    """Say name by name what others changed, from the first state to the last."""
    found: dict[str, tuple[str, str]] = {}
    for change in changes:
        for name, (before, after) in change.what.items():
            found[name] = (found.get(name, (before, after))[0], after)
    return [
        Difference(_label(name), before, after)
        for name, (before, after) in found.items()
        if before != after
    ]


def _label(name: str) -> str:
    labels = {
        "name": _("Name"),
        "time_zone": _("Time zone"),
        "country": _("Country"),
        "region": _("Region"),
        "ignored_holidays": _("Holidays that are not kept"),
    }
    if name in WEEKDAYS:
        return weekday_name(WEEKDAYS.index(name))
    return labels.get(name) or day_in_words(date.fromisoformat(name))


# --- What can be chosen ---


@cache
def zones() -> Mapping[str, tuple[str, ...]]:
    """Return the time zones by continent."""
    found: dict[str, list[str]] = {"UTC": ["UTC"]}
    for name in sorted(available_timezones()):
        continent, _slash, place = name.partition("/")
        if place and continent in _CONTINENTS:
            found.setdefault(continent, []).append(name)
    return {continent: tuple(names) for continent, names in found.items()}


@cache
def country_choices() -> tuple[tuple[str, str], ...]:
    """Return the countries whose holidays are known, by name."""
    return tuple(sorted(((code, country_name(code)) for code in countries()), key=lambda c: c[1]))


def region_choices(country: str) -> list[tuple[str, str]]:
    """Return the regions of a country that have holidays of their own."""
    return list(region_names(country).items())
