"""What are business hours, written down? One JSON document, read as strictly as the rules.

{"name": "Office", "time_zone": "Europe/Vienna", "week": {"monday": ["09:00-12:00",
"13:00-18:00"], "saturday": ["22:00-06:00"]}, "holidays": {"country": "AT", "region": "9",
"ignored": ["Epiphany"]}, "special_days": [{"on": "2026-12-24", "name": "Christmas Eve", "open":
["09:00-12:00"]}]}

What ends before it begins goes on into the next day. A day that is missing is closed.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from routing.hours import MINUTES_OF_DAY, Calendar, Opening, SpecialDay, Week, clock, is_zone
from routing.public_holidays import countries
from routing.reading import DocumentError, Place

LONGEST_NAME = 80
LONGEST_DAY_NAME = 120
MOST_SPECIAL_DAYS = 2000
MOST_OPENINGS = 24
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")
# Stands in for a zone that cannot be read, so that the rest can be looked at too.
_HARMLESS_ZONE = "UTC"


@dataclass(frozen=True)
class NamedHours:
    """Business hours as a document brings them: what they are called, and when they open."""

    name: str
    calendar: Calendar


def read_hours(document: object, where: str = "") -> NamedHours:
    """Read business hours. Raises DocumentError with every problem and its place."""
    place = Place(where, document)
    place.refuse_unknown("name", "time_zone", "week", "holidays", "special_days")
    country, region, ignored = _holidays(place.at("holidays"))
    calendar = Calendar(
        zone=_zone(place),
        week=_week(place.at("week")),
        country=country,
        region=region,
        ignored_holidays=ignored,
        special_days=_special_days(place),
    )
    name = " ".join(place.text("name", most=LONGEST_NAME, is_needed=True).split())
    if place.problems:
        raise DocumentError(place.problems)
    return NamedHours(name, calendar)


def write_hours(hours: NamedHours) -> dict[str, Any]:
    """Write business hours down; reading them again gives the same."""
    calendar = hours.calendar
    week = {
        day: _written(openings)
        for day, openings in zip(DAYS, calendar.week, strict=True)
        if openings
    }
    holidays = {
        "country": calendar.country,
        **({"region": calendar.region} if calendar.region else {}),
        **({"ignored": sorted(calendar.ignored_holidays)} if calendar.ignored_holidays else {}),
    }
    days = [_written_day(day) for day in sorted(calendar.special_days, key=lambda day: day.on)]
    return {
        "name": hours.name,
        "time_zone": calendar.zone,
        "week": week,
        **({"holidays": holidays} if calendar.country else {}),
        **({"special_days": days} if days else {}),
    }


# --- Reading ---


def _zone(place: Place) -> str:
    zone = place.text("time_zone", is_needed=True)
    if zone and is_zone(zone):
        return zone
    if zone:
        place.at("time_zone").refuse(_("There is no such time zone."))
    return _HARMLESS_ZONE


def _week(place: Place) -> Week:
    if place.value is None:
        return ((),) * 7
    place.refuse_unknown(*DAYS)
    week = tuple(_openings(place, day) for day in DAYS)
    _refuse_overlaps(place, week)
    return week


def _openings(place: Place, key: str) -> tuple[Opening, ...]:
    found = (_opening(one) for one in place.items(key, MOST_OPENINGS))
    return tuple(sorted(one for one in found if one is not None))


def _opening(place: Place) -> Opening | None:
    span = _SPAN.fullmatch(place.as_text().strip())
    if span is None:
        place.refuse(_("Hours are written from-to, such as 09:00-17:30."))
        return None
    hour, minute, *end = (int(part) for part in span.groups() if part is not None)
    starts, ends = hour * 60 + minute, end[0] * 60 + end[1]
    return Opening(starts, ends if ends > starts else ends + MINUTES_OF_DAY)


def _refuse_overlaps(place: Place, week: Week) -> None:
    """Refuse hours that run into others, also over midnight and from Sunday to Monday."""
    spans = sorted(
        (day * MINUTES_OF_DAY + one.starts, day * MINUTES_OF_DAY + one.ends, day)
        for day, openings in enumerate(week)
        for one in openings
    )
    if spans:
        starts, ends, day = spans[0]
        a_week = 7 * MINUTES_OF_DAY
        spans.append((starts + a_week, ends + a_week, day))
    for (_starts, ends, day), (starts, _ends, _day) in zip(spans, spans[1:], strict=False):
        if starts < ends:
            place.at(DAYS[day]).refuse(_("These hours run into the next ones."))


def _holidays(place: Place) -> tuple[str, str, frozenset[str]]:
    if place.value is None:
        return "", "", frozenset()
    place.refuse_unknown("country", "region", "ignored")
    country, region = place.text("country", is_needed=True), place.text("region")
    if country and country not in countries():
        place.at("country").refuse(_("We do not know the holidays of this country."))
    elif region and region not in countries().get(country, ()):
        place.at("region").refuse(_("This country has no such region."))
    return country, region, frozenset(place.texts("ignored"))


def _special_days(place: Place) -> tuple[SpecialDay, ...]:
    read = [_special_day(one) for one in place.items("special_days", MOST_SPECIAL_DAYS)]
    days = [day for day in read if day is not None]
    dates = Counter(day.on for day in days)
    for on in sorted(on for on, number in dates.items() if number > 1):
        place.at("special_days").refuse(_("%s stands there twice.") % on)
    return tuple(sorted(days, key=lambda day: day.on))


def _special_day(place: Place) -> SpecialDay | None:
    place.refuse_unknown("on", "name", "open")
    openings = _openings(place, "open")
    if any(one.ends > other.starts for one, other in zip(openings, openings[1:], strict=False)):
        place.at("open").refuse(_("These hours run into the next ones."))
    try:
        on = date.fromisoformat(place.text("on", is_needed=True))
    except ValueError:
        place.at("on").refuse(_("A date is wanted here, such as 2026-12-24."))
        return None
    return SpecialDay(on, place.text("name", most=LONGEST_DAY_NAME), openings)


# --- Writing ---


def _written_day(day: SpecialDay) -> dict[str, Any]:
    return {
        "on": day.on.isoformat(),
        **({"name": day.name} if day.name else {}),
        **({"open": _written(day.openings)} if day.openings else {}),
    }


def _written(openings: Iterable[Opening]) -> list[str]:
    return [f"{clock(one.starts)}-{_end(one)}" for one in openings]


def _end(one: Opening) -> str:
    if one.ends == MINUTES_OF_DAY:
        return clock(MINUTES_OF_DAY)
    return clock(one.ends % MINUTES_OF_DAY)
