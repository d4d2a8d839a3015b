"""Which days are public holidays? What the library knows, in names that people read."""

import re
from datetime import date

import pytest

from routing.public_holidays import (
    countries,
    country_name,
    holiday_key,
    holidays_of,
    region_names,
)


def test_every_country_and_region_has_a_name_that_can_be_read() -> None:
    assert len(countries()) > 200
    for code, regions in countries().items():
        assert re.match(r"^\w", country_name(code)), code
        assert country_name(code) != code
        assert list(region_names(code)) != [] or not regions
        assert all(region_names(code).values())


def test_well_known_countries_are_called_as_they_are() -> None:
    assert [country_name(code) for code in ("AT", "US", "GB", "XK", "JP")] == [
        "Austria",
        "United States",
        "United Kingdom",
        "Kosovo",
        "Japan",
    ]


@pytest.mark.parametrize("country", countries())
def test_every_country_is_computed_with_each_of_its_regions(country: str) -> None:
    for region in ("", *countries()[country]):
        for on, names in holidays_of(country, region, 2027).items():
            assert on.year == 2027
            assert all(names)


def test_what_is_not_known_has_no_holidays() -> None:
    assert holidays_of("XX", "", 2027) == {}
    assert region_names("XX") == {}
    assert holidays_of("DE", "ZZ", 2027) == holidays_of("DE", "", 2027)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Christmas Day", "Christmas Day"),
        ("Christmas Day (observed)", "Christmas Day"),
        ("Eid al-Fitr (estimated)", "Eid al-Fitr"),
        ("(observed)", "(observed)"),
    ],
)
def test_a_holiday_is_known_by_its_name_without_remarks(name: str, key: str) -> None:
    assert holiday_key(name) == key


def test_a_year_far_away_breaks_nothing() -> None:
    for year in (1, 1600, 9999):
        assert all(on.year == year for on in holidays_of("US", "", year))
    assert date(2027, 7, 5) in holidays_of("US", "", 2027)  # Independence Day, observed.
