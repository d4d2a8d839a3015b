"""Which time zones, countries and languages can an account have, in words?"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from phonenumbers import SUPPORTED_REGIONS

Choices = Sequence[tuple[str, str]]
# Old names and offsets without a place: clocks know them, people do not choose them.
_REGIONS = (
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


@lru_cache(maxsize=4)
def zone_choices(now: datetime) -> Sequence[tuple[str, Choices]]:
    """Return the zones by region, each with its place and how far its clocks are from UTC now.

    Ask with the hour rather than the second: the answer is kept.
    """
    groups: dict[str, list[tuple[str, str]]] = {region: [] for region in _REGIONS}
    for zone in sorted(available_timezones()):
        region, _, place = zone.partition("/")
        if region in groups and place:
            groups[region].append((zone, f"{_words(place)} ({_offset(zone, now)})"))
    return [("UTC", [("UTC", "UTC (UTC+00:00)")]), *groups.items()]


def is_zone(zone: str) -> bool:
    """Say whether some clock knows this zone."""
    return zone in available_timezones()


def is_country(code: str) -> bool:
    """Say whether this is the code of a country that has telephone numbers."""
    return code in SUPPORTED_REGIONS


def language_choices() -> Choices:
    """Return the languages of the product."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def _words(place: str) -> str:
    return ", ".join(reversed(place.replace("_", " ").split("/")))


def _offset(zone: str, now: datetime) -> str:
    offset = ZoneInfo(zone).utcoffset(now.replace(tzinfo=None))
    minutes = int(offset.total_seconds() // 60) if offset else 0
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
