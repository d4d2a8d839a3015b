"""Where may somebody be, and whose rules hold there? From a number, and from what they said.

A number tells where it was issued, not where a person is: what follows from it alone is a guess,
and every zone of it counts. The number's country decides; a country that somebody stated can only
add its rules.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers import timezone as zones_of_numbers

from compliance.addresses import BSUID, Address, numbered
from compliance.jurisdictions import PARENTS, UNKNOWN

UTC = "Etc/UTC"


@dataclass(frozen=True)
class Stated:
    """What is known about where a person is, without their number; blanks are not known.

    `zone` is an IANA name, `country` ISO 3166 alpha-2, `region` the part after the hyphen of ISO
    3166-2 ("FL").
    """

    zone: str = ""
    country: str = ""
    region: str = ""


@dataclass(frozen=True)
class Whereabouts:
    """Whose rules count (`codes` as in a pack: `US`, `US-FL`, `US-*`), and where it may be what
    time; `is_guessed` unless somebody said where."""

    country: str
    codes: tuple[str, ...]
    zones: tuple[ZoneInfo, ...]
    is_guessed: bool


@lru_cache(maxsize=8192)
def whereabouts(address: Address, stated: Stated = Stated()) -> Whereabouts:
    """Return where the person of an address may be.

    Zones, the first that is known: stated, of the number, of the country, else UTC.
    """
    country = _country_of(address) or stated.country.upper() or UNKNOWN
    zone = _zone(stated.zone)
    zones = [zone] if zone else _zones_of(address, country)
    return Whereabouts(
        country=country,
        codes=tuple(dict.fromkeys(_codes(country, stated))),
        zones=tuple(map(ZoneInfo, zones)),
        is_guessed=not zone,
    )


def _codes(country: str, stated: Stated) -> Iterable[str]:
    """Yield the rules that count: a part of the country that is not known is every part (`-*`)."""
    is_theirs = stated.country.upper() in ("", country)
    region = stated.region.upper() if stated.region and is_theirs else "*"
    yield country
    yield f"{PARENTS.get(country, country)}-{region}"
    if not is_theirs:
        yield stated.country.upper()
        yield f"{stated.country.upper()}-{stated.region.upper() or '*'}"


def _country_of(address: Address) -> str:
    ident = address.key.partition(":")[2]
    if BSUID.fullmatch(ident):
        return ident[:2]
    number = numbered(address.phone)
    return (phonenumbers.region_code_for_number(number) or "") if number else ""


def _zones_of(address: Address, country: str) -> Sequence[str]:
    """Return the zones of a number as far as they are its country's, or all of the country.

    Toll-free and shared ranges are given the zones of half a continent.
    """
    number = numbered(address.phone)
    found = zones_of_numbers.time_zones_for_number(number) if number else ()
    own = _zones_by_country().get(country, [])
    return [zone for zone in own if zone in found] or own or _of_nobody(found)


def _of_nobody(found: Iterable[str]) -> list[str]:
    return [zone for zone in found if _zone(zone)] or [UTC]


def _zone(name: str) -> str:
    return name if name in _all_zones() else ""


@cache
def _all_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _zones_by_country() -> Mapping[str, list[str]]:
    """Read the table of the time-zone database: which zones people of a country live in."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    zones = defaultdict(list)
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            zones[country].append(zone)
    return zones
