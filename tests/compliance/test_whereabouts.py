"""Where may somebody be, and whose rules hold there?"""

import pytest

from compliance.addresses import parse_address
from compliance.whereabouts import Stated, whereabouts


@pytest.mark.parametrize(
    ("raw", "codes", "zones"),
    [
        ("+12125550100", ["US", "US-*"], ["America/New_York"]),
        ("+19075550100", ["US", "US-*"], ["America/Adak", "America/Anchorage"]),
        ("+18765550100", ["JM", "JM-*"], ["America/Jamaica"]),
        ("+447911123456", ["GG", "GB-*"], ["Europe/Guernsey"]),
        ("+34612345678", ["ES", "ES-*"], ["Atlantic/Canary", "Europe/Madrid"]),
        ("+881612345678", ["001", "001-*"], ["Etc/UTC"]),
        ("whatsapp:FR.1234", ["FR", "FR-*"], ["Europe/Paris"]),
        ("32665", ["ZZ", "ZZ-*"], ["Etc/UTC"]),
    ],
)
def test_a_number_alone_is_a_guess(raw: str, codes: list[str], zones: list[str]) -> None:
    found = whereabouts(parse_address(raw))

    assert found.is_guessed
    assert list(found.codes) == codes
    assert sorted(zone.key for zone in found.zones) == zones


def test_a_toll_free_number_may_be_anywhere_in_its_country() -> None:
    zones = {zone.key for zone in whereabouts(parse_address("+18005550100")).zones}

    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} <= zones
    assert "America/Jamaica" not in zones


def test_what_a_person_said_counts_and_a_state_is_confirmed_by_it() -> None:
    stated = Stated(zone="America/Chicago", country="us", region="fl")

    found = whereabouts(parse_address("+12125550100"), stated)

    assert not found.is_guessed
    assert [zone.key for zone in found.zones] == ["America/Chicago"]
    assert list(found.codes) == ["US", "US-FL"]


def test_another_country_that_somebody_names_only_adds_its_rules() -> None:
    found = whereabouts(parse_address("+12125550100"), Stated(country="FR", region="BRE"))

    assert list(found.codes) == ["US", "US-*", "FR", "FR-BRE"]


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd"])
def test_a_zone_that_is_none_is_not_believed(zone: str) -> None:
    assert whereabouts(parse_address("+12125550100"), Stated(zone=zone)).is_guessed
