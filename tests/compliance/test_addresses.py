"""Is there one normal form of an address, and is nothing refused?"""

import pytest

from compliance.addresses import is_toll_free, masked, parse_address


@pytest.mark.parametrize(
    ("raw", "key", "phone", "is_repliable"),
    [
        ("+14155550100", "sms:+14155550100", "+14155550100", True),
        (" +14155550100 ", "sms:+14155550100", "+14155550100", True),
        ("whatsapp:+14155550100", "whatsapp:+14155550100", "+14155550100", True),
        ("WhatsApp:+14155550100", "whatsapp:+14155550100", "+14155550100", True),
        ("whatsapp:IN.2081", "whatsapp:IN.2081", "", True),
        ("whatsapp:+554188887777", "whatsapp:+5541988887777", "+5541988887777", True),
        ("whatsapp:+5541988887777", "whatsapp:+5541988887777", "+5541988887777", True),
        ("+551133334444", "sms:+551133334444", "+551133334444", True),
        ("whatsapp:+5215512345678", "whatsapp:+525512345678", "+525512345678", True),
        ("whatsapp:+5491155551234", "whatsapp:+541155551234", "+541155551234", True),
        ("32665", "sms:32665", "", False),
        ("ACME Shop", "sms:ACME Shop", "", False),
        ("messenger:100200300", "messenger:100200300", "", True),
        ("rcs:+14155550100", "rcs:+14155550100", "+14155550100", True),
        ("", "sms:", "", False),
    ],
)
def test_an_address_has_one_normal_form(raw: str, key: str, phone: str, is_repliable: bool) -> None:
    address = parse_address(raw)

    assert (address.key, address.phone, address.is_repliable) == (key, phone, is_repliable)


def test_sms_mms_and_rcs_share_their_consent() -> None:
    assert parse_address("rcs:+14155550100").consent_family == "sms"
    assert parse_address("whatsapp:+14155550100").consent_family == "whatsapp"


def test_logs_show_two_characters_at_most() -> None:
    assert masked("+14155550100") == "…00"
    assert masked("123") == "…"


def test_toll_free_numbers_are_known() -> None:
    assert is_toll_free("+18885550131")
    assert not is_toll_free("+14155550100")
