"""Which days are public holidays, where? Computed by the `holidays` library; nothing is fetched."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from types import MappingProxyType

import holidays
from phonenumbers.geodata.locale import LOCALE_DATA

# Where the library knows a name in English it is used, else the country's own.
_LANGUAGE = "en_US"
_REMARK = re.compile(r"\s*\([^()]*\)$")


@cache
def countries() -> Mapping[str, tuple[str, ...]]:
    """Return the countries whose holidays are known (ISO 3166 codes), each with its regions."""
    known = holidays.list_supported_countries(include_aliases=False)
    return MappingProxyType({code: tuple(regions) for code, regions in sorted(known.items())})


@cache
def country_name(code: str) -> str:
    """Return what a country is called in English, or its code."""
    names = LOCALE_DATA.get(code, {})
    name = names.get("en") or {"XK": "Kosovo"}.get(code, code)
    # A star stands for "as in that language".
    return names[name[1:]] if name.startswith("*") else name


@cache
def region_names(country: str) -> Mapping[str, str]:
    """Return the regions of a country that have holidays of their own, by code."""
    if country not in countries():
        return MappingProxyType({})
    known = holidays.country_holidays(country).get_subdivision_aliases()
    names = {code: _longest(aliases) or code for code, aliases in known.items()}
    ordered = sorted(countries()[country], key=lambda code: names.get(code, code))
    return MappingProxyType({code: names.get(code, code) for code in ordered})


@lru_cache(maxsize=1024)
def holidays_of(country: str, region: str, year: int) -> Mapping[date, tuple[str, ...]]:
    """Return a year's public holidays with their names; none where the country is not known."""
    if country not in countries():
        return MappingProxyType({})
    # A region that the library has dropped meanwhile leaves the holidays of the whole country.
    known_region = region if region in countries()[country] else None
    found = holidays.country_holidays(
        country, subdiv=known_region, years=[year], expand=False, language=_LANGUAGE
    )
    return MappingProxyType({on: tuple(found.get_list(on)) for on in sorted(found)})


def holiday_key(name: str) -> str:
    """Return a holiday's name without the remark that differs by year: (observed), (estimated)."""
    return _REMARK.sub("", name) or name


def _longest(aliases: list[str]) -> str:
    return max(aliases, key=len, default="")
