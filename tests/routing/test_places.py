"""Where is a number from?"""

import pytest

from routing.places import Place, place_of


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("+14155550001", Place("US", "CA", "America/Los_Angeles")),
        ("+12125550001", Place("US", "NY", "America/New_York")),
        ("+14165550001", Place("CA", "ON", "America/Toronto")),
        ("+15145550001", Place("CA", "QC", "America/Toronto")),
        ("+16725550001", Place("CA", "BC", "America/Vancouver")),
        # Nova Scotia or Prince Edward Island: not told apart.
        ("+19025550001", Place("CA", "", "America/Halifax")),
        ("+12025550001", Place("US", "DC", "America/New_York")),
        ("+4915112345678", Place("DE", "", "Europe/Berlin")),
        ("+61412345678", Place("AU", "", "")),
        ("+18005550001", Place("US", "", "")),
        ("+99999", Place()),
        ("12345", Place()),
        ("", Place()),
        ("BANK", Place()),
    ],
)
def test_a_number_says_where_it_was_issued(number: str, place: Place) -> None:
    assert place_of(number) == place
