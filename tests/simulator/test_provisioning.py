"""Do registrations, short codes, capabilities and the ends of accounts behave as at Twilio?"""

import inspect
import re
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest.api.v2010.account.short_code import ShortCodeInstance
from twilio.rest.messaging.v1.brand_registration import BrandRegistrationInstance
from twilio.rest.messaging.v1.service.us_app_to_person import UsAppToPersonInstance
from twilio.rest.messaging.v1.tollfree_verification import TollfreeVerificationInstance

from inbox.twilio.simulator.reading import BadInputError, Fields
from inbox.twilio.simulator.rendering import (
    brand_json,
    campaign_json,
    short_code_json,
    verification_json,
)
from tests.simulator.conftest import (
    ACCOUNT,
    CUSTOMER,
    NUMBER,
    OTHER_ACCOUNT,
    SECOND_NUMBER,
    SERVICE,
    SHORT_CODE,
    TOKEN,
    TOLL_FREE,
    Running,
)


def refused(caught: Any) -> tuple[int, int]:
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("instance", "reply"),
    [
        (BrandRegistrationInstance, lambda store: brand_json(store.accounts[ACCOUNT])),
        (UsAppToPersonInstance, lambda store: campaign_json(store.services[SERVICE])),
        (TollfreeVerificationInstance, lambda store: verification_json(store.senders[TOLL_FREE])),
        (ShortCodeInstance, lambda store: short_code_json(store.senders[SHORT_CODE])),
    ],
)
def test_a_reply_has_the_keys_that_twilios_own_client_reads(sim: Running, instance, reply):
    read = set(re.findall(r'payload.get\(\s*"(\w+)"', inspect.getsource(instance.__init__)))

    assert set(reply(sim.simulator.parts.store)) == read


def test_the_wrong_token_and_a_strange_account_are_one_answer(sim: Running):
    for client in (sim.client(ACCOUNT, "0" * 32), sim.client("AC" + "9" * 32, TOKEN)):
        with pytest.raises(TwilioRestException) as caught:
            client.api.v2010.accounts(ACCOUNT).fetch()
        assert refused(caught) == (401, 20003)


def test_a_subaccount_is_found_again_by_its_name(sim: Running):
    accounts = sim.client().api.v2010.accounts
    made = accounts.create(friendly_name="Branch 7")

    assert [one.sid for one in accounts.list(friendly_name="Branch 7")] == [made.sid]
    assert accounts(made.sid).fetch().auth_token == made.auth_token


def test_what_was_done_stays_done_when_the_answer_is_lost(sim: Running):
    sim.fault("server_error_after", on="accounts POST")
    accounts = sim.client().api.v2010.accounts

    with pytest.raises(TwilioRestException) as caught:
        accounts.create(friendly_name="Branch 8")

    assert refused(caught) == (500, 20500)
    assert len(accounts.list(friendly_name="Branch 8")) == 1


def test_a_closed_account_loses_its_numbers_and_its_token(sim: Running):
    accounts = sim.client().api.v2010.accounts
    made = accounts.create(friendly_name="Branch")
    own = sim.client(made.sid, made.auth_token)
    own.incoming_phone_numbers.create(phone_number="+13125550111")

    accounts(made.sid).update(status="closed")

    assert "+13125550111" not in sim.simulator.parts.store.senders
    with pytest.raises(TwilioRestException) as caught:
        own.api.v2010.accounts(made.sid).fetch()
    assert refused(caught) == (401, 20003)


def test_an_account_cannot_suspend_itself(sim: Running):
    with pytest.raises(TwilioRestException) as caught:
        sim.client().api.v2010.accounts(ACCOUNT).update(status="suspended")
    assert refused(caught) == (400, 20001)


def test_numbers_are_searched_by_digits_and_by_what_they_can_do(sim: Running):
    client = sim.client()
    wanted = client.available_phone_numbers("US").local.list(area_code=512)[0].phone_number
    pattern = f"1512555*{wanted[-3:]}"
    found = client.available_phone_numbers("US").local.list(area_code=512, contains=pattern)
    assert wanted in [one.phone_number for one in found]
    assert all(one.phone_number.endswith(wanted[-3:]) for one in found)
    local = client.available_phone_numbers("GB").local
    assert local.list()[0].capabilities["sms"] is False
    assert local.list(sms_enabled=True) == []
    assert client.available_phone_numbers("GB").mobile.list(sms_enabled=True)
    with pytest.raises(TwilioException) as unknown:
        client.available_phone_numbers("ZZ").local.list()
    # The lists of Twilio's library raise another error, with the answer inside.
    assert unknown.value.args[1].status_code == 404


def test_a_number_for_calls_only_sends_no_text(sim: Running):
    sim.simulator.parts.store.senders[NUMBER].capabilities = ("voice",)
    client = sim.client()

    [number] = client.incoming_phone_numbers.list(phone_number=NUMBER)

    assert number.capabilities["sms"] is False
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to=CUSTOMER, from_=NUMBER, body="x")
    assert refused(caught) == (400, 21606)


def test_a_short_code_is_listed_and_told_where_to_call(sim: Running):
    codes = sim.client().short_codes
    [code] = codes.list(short_code=SHORT_CODE)

    codes(code.sid).update(sms_url=f"{sim.product.url}/code")

    sim.inbound("hi", to=SHORT_CODE)
    assert len(sim.product.on("/code")) == 1
    with pytest.raises(TwilioRestException) as caught:
        codes("SC" + "0" * 32).fetch()
    assert refused(caught) == (404, 20404)


def test_nothing_is_registered_until_it_is(sim: Running):
    messaging = sim.client().messaging.v1
    assert messaging.brand_registrations.list() == []
    assert messaging.services(SERVICE).us_app_to_person.list() == []
    assert messaging.tollfree_verifications.list() == []


def test_registrations_say_how_far_they_are(sim: Running):
    store = sim.simulator.parts.store
    store.accounts[ACCOUNT].brand_status = "APPROVED"
    store.services[SERVICE].campaign_status = "FAILED"
    store.senders[TOLL_FREE].verification_status = "TWILIO_REJECTED"
    messaging = sim.client().messaging.v1

    [brand] = messaging.brand_registrations.list()
    [campaign] = messaging.services(SERVICE).us_app_to_person.list()
    [verification] = messaging.tollfree_verifications.list(
        tollfree_phone_number_sid=store.senders[TOLL_FREE].sid
    )

    assert brand.status == "APPROVED"
    assert (campaign.campaign_status, campaign.errors[0]["error_code"]) == ("FAILED", 30891)
    assert verification.status == "TWILIO_REJECTED"
    assert verification.rejection_reason
    assert messaging.tollfree_verifications.list(tollfree_phone_number_sid="PN" + "0" * 32) == []
    other = sim.client(OTHER_ACCOUNT, "3" * 32).messaging.v1
    assert other.brand_registrations.list() == []
    assert other.tollfree_verifications.list() == []


def test_a_configuration_with_an_unknown_state_is_refused(sim: Running):
    config = {
        "senders": [{"account_sid": ACCOUNT, "address": SECOND_NUMBER, "verification_status": "ok"}]
    }
    with pytest.raises(BadInputError, match="verification_status"):
        sim.simulator.load(Fields(config))
