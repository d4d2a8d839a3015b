"""Does the way to Twilio's accounts and numbers say honestly what is there and what failed?"""

from typing import Any

import pytest

from inbox.setup.twilio import provisioning_with
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError
from inbox.twilio.provisioning import Pointing, Provisioning
from tests.carrier import Twilio

SID, TOKEN = "AC" + "a" * 32, "1" * 32
KEY, KEY_SECRET = "SK" + "d" * 32, "key-secret"
NUMBER, POOLED, CODE = "+14155550100", "+14155550102", "384387"
VOICE, FREE = "+14155550103", "+18885550104"
SERVICE = "MG" + "c" * 32
OURS = Pointing("https://inbox.example/in", "POST", "https://inbox.example/back", "POST")


@pytest.fixture
def ours(twilio: Twilio) -> Provisioning:
    twilio.tell(
        "config",
        accounts=[
            {
                "account_sid": SID,
                "auth_token": TOKEN,
                "friendly_name": "Acme",
                "brand_status": "APPROVED",
                "api_keys": [{"sid": KEY, "secret": KEY_SECRET}],
            }
        ],
        senders=[
            {"account_sid": SID, "address": NUMBER, "webhook_url": "https://old.example/"},
            {"account_sid": SID, "address": POOLED},
            {"account_sid": SID, "address": CODE},
            {"account_sid": SID, "address": VOICE, "capabilities": ["voice"]},
            {"account_sid": SID, "address": FREE, "verification_status": "IN_REVIEW"},
        ],
        services=[
            {
                "account_sid": SID,
                "sid": SERVICE,
                "friendly_name": "Pool",
                "inbound_request_url": "https://pool.example/",
                "campaign_status": "VERIFIED",
                "senders": [POOLED],
            }
        ],
    )
    return provisioning_with(SID, TOKEN)


def test_what_an_account_holds(ours: Provisioning) -> None:
    held = ours.holdings()

    assert (held.account.name, held.account.is_active) == ("Acme", True)
    assert {one.address: one.can_text for one in held.numbers} == {
        NUMBER: True,
        POOLED: True,
        CODE: True,
        VOICE: False,
        FREE: True,
    }
    number, code, service = held.number(NUMBER), held.number(CODE), held.service(SERVICE)
    assert number
    assert number.pointing.inbound_url == "https://old.example/"
    assert code
    assert code.is_short_code
    assert service
    assert service.takes_from(POOLED)
    assert not service.takes_from(NUMBER)
    assert held.service_of(POOLED) == service
    assert held.number("+14155559999") is None


def test_a_number_is_found_by_its_whole_address_only(ours: Provisioning) -> None:
    found = ours.find_number(NUMBER)

    assert found
    assert found.address == NUMBER
    assert ours.find_number("+1415555010") is None
    code = ours.find_number(CODE)
    assert code
    assert code.sid.startswith("SC")


@pytest.mark.parametrize("address", [NUMBER, CODE])
def test_a_number_is_pointed_somewhere_as_often_as_one_likes(
    ours: Provisioning, address: str
) -> None:
    found = ours.find_number(address)
    assert found

    for _ in range(2):
        assert ours.point(found.sid, OURS).pointing == OURS

    again = ours.find_number(address)
    assert again
    assert again.pointing == OURS


def test_pointing_a_number_takes_an_application_away(ours: Provisioning, twilio: Twilio) -> None:
    twilio.simulator.parts.store.senders[NUMBER].application_sid = "AP" + "e" * 32
    found = ours.find_number(NUMBER)
    assert found
    assert found.pointing.application_sid

    assert ours.point(found.sid, OURS).pointing.application_sid == ""


def test_a_service_hands_messages_to_its_numbers(ours: Provisioning) -> None:
    changed = ours.point_service(SERVICE, Pointing("https://pool.example/"), is_by_number=True)

    assert changed.is_by_number
    assert not changed.takes_from(POOLED)
    assert ours.service("MG" + "0" * 32) is None
    assert ours.service("nothing") is None


def test_numbers_are_searched_bought_and_given_back(ours: Provisioning) -> None:
    offers = ours.search(country="US", kind="local", area_code="512")
    bought = ours.buy(offers[0].address, OURS)

    assert bought.pointing == OURS
    assert bought.can_text
    assert ours.find_number(bought.address)
    ours.release(bought.sid)
    assert ours.find_number(bought.address) is None


@pytest.mark.parametrize(
    ("number", "words"),
    [("+15005550000", "took this number meanwhile"), ("+15005550001", "not a valid phone number")],
)
def test_a_number_that_cannot_be_bought_says_why(
    ours: Provisioning, number: str, words: str
) -> None:
    with pytest.raises(TwilioRefusedError) as refused:
        ours.buy(number, OURS)

    assert words in refused.value.reason


def test_subaccounts_are_made_found_and_ended(ours: Provisioning) -> None:
    made = ours.create_subaccount("inbox 7")

    assert made.auth_token
    assert made.owner_sid == SID
    assert ours.subaccounts_named("inbox 7") == [made]
    assert ours.set_status(made.sid, "suspended").status == "suspended"
    assert ours.set_status(made.sid, "closed").status == "closed"
    assert ours.subaccounts_named("inbox 7") == []


def test_registrations_are_read(ours: Provisioning) -> None:
    free = ours.find_number(FREE)
    assert free
    assert free.is_toll_free

    assert ours.brand_status() == "APPROVED"
    assert ours.campaign_status(SERVICE) == "VERIFIED"
    assert ours.verification_status(free.sid) == "IN_REVIEW"
    assert ours.verification_status("PN" + "0" * 32) == ""


@pytest.mark.parametrize(
    "ask", [lambda one: one.account(), lambda one: one.holdings(), lambda one: one.brand_status()]
)
def test_a_wrong_token_is_said_in_words(ours: Provisioning, ask: Any) -> None:
    with pytest.raises(TwilioRefusedError) as refused:
        ask(provisioning_with(SID, "0" * 32))

    assert refused.value.is_about_credentials
    assert "Twilio does not accept this SID together with this token" in refused.value.reason


def test_an_api_key_signs_in(ours: Provisioning) -> None:
    by_key = provisioning_with(SID, TOKEN, api_key_sid=KEY, api_key_secret=KEY_SECRET)
    wrong = provisioning_with(SID, TOKEN, api_key_sid=KEY, api_key_secret="no")

    assert by_key.find_number(NUMBER)
    with pytest.raises(TwilioRefusedError):
        wrong.find_number(NUMBER)


@pytest.mark.parametrize(
    ("fault", "may_have_acted"),
    [
        ("server_error", True),
        ("reset_before", True),
        ("rate_limit", False),
        ("server_error_after", True),
    ],
)
def test_no_answer_is_told_from_a_refusal(
    ours: Provisioning, twilio: Twilio, fault: str, may_have_acted: bool
) -> None:
    twilio.fault(fault, on="numbers POST")

    with pytest.raises(TwilioAwayError) as away:
        ours.buy("+15125550123", OURS)

    assert away.value.may_have_acted is may_have_acted


def test_a_list_that_fails_is_told_as_well(ours: Provisioning, twilio: Twilio) -> None:
    twilio.fault("server_error", on="numbers GET")

    with pytest.raises(TwilioAwayError):
        ours.holdings()


def test_nobody_there_at_all_is_away_and_nothing_was_done(ours: Provisioning, settings: Any):
    settings.TWILIO_API_BASE = "http://127.0.0.1:9"

    with pytest.raises(TwilioAwayError) as away:
        provisioning_with(SID, TOKEN).account()

    assert away.value.may_have_acted is False


def test_words_of_twilio_that_we_do_not_know_are_passed_on(
    ours: Provisioning, twilio: Twilio
) -> None:
    twilio.fault("reject", on="numbers POST", code=21910)

    with pytest.raises(TwilioRefusedError) as refused:
        ours.buy("+15125550123", OURS)

    assert refused.value.reason.startswith("Twilio says: Invalid From and To pair")
    assert "21910" in refused.value.reason
