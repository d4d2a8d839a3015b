"""Does the simulator take consents over and know owners of numbers as Twilio says it does?"""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.simulator.conftest import ACCOUNT, CUSTOMER, NUMBER, TOKEN, Running

AUTH = {
    "Authorization": "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode(),
    "Content-Type": "application/x-www-form-urlencoded",
}


def item(**more: str) -> dict[str, str]:
    given = {
        "contact_id": CUSTOMER,
        "correlation_id": "0" * 32,
        "sender_id": NUMBER,
        "status": "opt-out",
        "source": "website",
    }
    return {**given, **more}


def share(sim: Running, *items: Any) -> tuple[int, dict]:
    form = urlencode([("Items", json.dumps(one)) for one in items]).encode()
    headers = {**AUTH, "X-Original-Host": "accounts.twilio.com"}
    status, _headers, data = sim.ask("POST", "/v1/Consents/Bulk", form, headers)
    return status, json.loads(data)


def test_an_opt_out_that_was_told_blocks_and_an_opt_in_lifts(sim: Running):
    status, told = share(sim, item())
    assert (status, told["items"][0]["error_code"]) == (201, 0)
    state = sim.post("/_sim/optout", sender=NUMBER, customer=CUSTOMER)
    assert state["opted_out"]

    share(sim, item(status="opt-in"))

    assert not sim.post("/_sim/optout", sender=NUMBER, customer=CUSTOMER)["opted_out"]
    assert len(sim.get("/_sim/consents")["consents"]) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"contact_id": "555"},
        {"correlation_id": "short"},
        {"sender_id": "+15550009999"},
        {"status": "maybe"},
        {"source": "a friend"},
        {"date_of_consent": "yesterday"},
    ],
)
def test_each_item_has_its_own_error(sim: Running, wrong: dict[str, str]):
    status, told = share(sim, item(**wrong), item(correlation_id="1" * 32))

    assert status == 201
    assert [one["error_code"] for one in told["items"]] == [30646, 0]


def test_26_items_are_too_many_and_so_are_101_requests(sim: Running):
    assert share(sim, *[item()] * 26)[0] == 400
    for _ in range(99):
        assert share(sim, item())[0] == 201

    assert share(sim, item())[0] == 429


@pytest.mark.parametrize(
    ("changed_on", "verified", "answer"),
    [
        ("2026-06-01", "20260101", "yes"),
        ("2026-06-01", "20260701", "no"),
        ("unknown", "20260101", "no_data_available"),
    ],
)
def test_a_number_has_the_owner_that_it_was_given(
    sim: Running, changed_on: str, verified: str, answer: str
):
    sim.post("/_sim/owners", number=CUSTOMER, changed_on=changed_on)
    path = f"/v2/PhoneNumbers/{CUSTOMER}?Fields=reassigned_number&LastVerifiedDate={verified}"
    headers = {**AUTH, "X-Original-Host": "lookups.twilio.com"}

    status, _headers, data = sim.ask("GET", path, None, headers)

    assert status == 200
    assert json.loads(data)["reassigned_number"]["is_number_reassigned"] == answer
