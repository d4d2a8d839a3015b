"""Does everything go wrong that can be asked to?"""

import base64
import time

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from tests.simulator.conftest import (
    ACCOUNT,
    CUSTOMER,
    NEXT_TOKEN,
    NUMBER,
    OTHER_ACCOUNT,
    TOKEN,
    WHATSAPP,
    Running,
)


def send(sim: Running, to: str = CUSTOMER, timeout: float = 5.0):
    callback = f"{sim.product.url}/status"
    client = sim.client(timeout=timeout)
    return client.messages.create(to=to, from_=NUMBER, body="Hi", status_callback=callback)


def refusal(sim: Running, to: str = CUSTOMER) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        send(sim, to)
    return caught.value


def ledger(sim: Running) -> list[dict]:
    return sim.get("/_sim/ledger")["entries"]


def test_too_many_requests_passes_after_as_many_times_as_told(sim: Running):
    sim.fault("rate_limit", times=3, retry_after=2)
    for _ in range(3):
        error = refusal(sim)
        assert (error.status, error.code) == (429, 20429)
    assert send(sim).sid
    assert [one["accepted"] for one in ledger(sim)] == [False, False, False, True]


def test_the_wait_can_be_named_in_a_header(sim: Running):
    sim.fault("rate_limit", retry_after=2)
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    auth = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    form = f"To={CUSTOMER}&From={NUMBER}&Body=x".replace("+", "%2B").encode()
    status, headers, _ = sim.ask("POST", path, form, {"Authorization": f"Basic {auth}"})
    assert (status, headers["Retry-After"]) == (429, "2")


def test_an_error_before_accepting_leaves_no_message(sim: Running):
    sim.fault("server_error")
    error = refusal(sim)
    assert (error.status, error.code) == (500, 20500)
    assert sim.client().messages.list() == []


def test_an_error_after_accepting_leaves_a_message_on_its_way(sim: Running):
    sim.fault("server_error_after")
    assert refusal(sim).status == 500
    sim.product.wait("/status", 3)
    assert [one.status for one in sim.client().messages.list()] == ["delivered"]
    entry = ledger(sim)[0]
    assert (entry["accepted"], entry["fault"], entry["status"]) == (True, "server_error_after", 500)


@pytest.mark.parametrize(("kind", "count"), [("hang_before", 0), ("hang_after", 1)])
def test_an_answer_that_comes_too_late_is_a_time_out(sim: Running, kind: str, count: int):
    sim.fault(kind, seconds=0.6)
    with pytest.raises(requests.exceptions.ReadTimeout):
        send(sim, timeout=0.2)
    time.sleep(0.1)
    assert len(sim.client().messages.list()) == count
    sim.settle()
    assert len(sim.product.on("/status")) == count * 3


@pytest.mark.parametrize(("kind", "count"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_may_come_before_or_after_accepting(sim: Running, kind: str, count: int):
    sim.fault(kind)
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        send(sim)
    assert "reset" in str(caught.value).lower()
    sim.settle()
    assert len(sim.client().messages.list()) == count


def test_a_refusal_can_have_any_code(sim: Running):
    sim.fault("reject", code=21610, to="+1202*")
    assert refusal(sim).code == 21610


def test_callbacks_may_come_before_the_answer(sim: Running):
    sim.fault("callback_before_reply")
    made = send(sim)
    assert sim.product.statuses()[:2] == ["sending", "sent"]
    assert made.status == "queued"
    sim.product.wait("/status", 3)
    assert sim.product.statuses() == ["sending", "sent", "delivered"]


def test_callbacks_may_be_missing(sim: Running):
    sim.fault("no_callback")
    made = send(sim)
    sim.settle()
    assert sim.product.on("/status") == []
    assert sim.client().messages(made.sid).fetch().status == "delivered"


def test_callbacks_may_be_late(sim: Running):
    sim.fault("late_callback", seconds=600)
    send(sim)
    sim.settle()
    assert sim.product.on("/status") == []
    sim.post("/_sim/clock", advance_seconds=601)
    sim.product.wait("/status", 3)


def test_callbacks_may_come_twice(sim: Running):
    sim.fault("duplicate_callback", copies=1)
    send(sim)
    sim.product.wait("/status", 6)
    assert sim.product.statuses() == [
        "sending",
        "sending",
        "sent",
        "sent",
        "delivered",
        "delivered",
    ]


def test_callbacks_may_come_in_the_wrong_order(sim: Running):
    sim.fault("reversed_callbacks")
    send(sim)
    sim.product.wait("/status", 3)
    assert sim.product.statuses() == ["delivered", "sent", "sending"]


@pytest.mark.parametrize("kind", ["undelivered", "failed"])
def test_a_message_may_end_badly_with_any_code(sim: Running, kind: str):
    sim.fault(kind, code=30007)
    made = send(sim)
    sim.settle()
    fetched = sim.client().messages(made.sid).fetch()
    assert (fetched.status, fetched.error_code) == (kind, 30007)
    assert fetched.error_message == "Message filtered"


def test_a_message_may_stay_sent_for_ever(sim: Running):
    sim.fault("stuck")
    made = send(sim)
    sim.settle()
    assert sim.client().messages(made.sid).fetch().status == "sent"


def test_a_webhook_may_be_signed_wrongly(sim: Running):
    sim.fault("wrong_signature", on="inbound")
    assert [_is_valid(sim, TOKEN) for _ in range(2)] == [False, True]


def test_a_webhook_may_be_signed_with_the_next_token(sim: Running):
    sim.fault("rotated_token", times=-1)
    assert _is_valid(sim, NEXT_TOKEN)
    assert not _is_valid(sim, TOKEN)


def test_a_rotation_promotes_the_next_token_everywhere(sim: Running):
    sim.post("/_sim/rotate", account_sid=ACCOUNT)
    assert _is_valid(sim, NEXT_TOKEN)
    assert sim.client(ACCOUNT, NEXT_TOKEN).messages.create(to=CUSTOMER, from_=NUMBER, body="x").sid
    with pytest.raises(TwilioRestException):
        send(sim)


def test_a_webhook_may_come_several_times(sim: Running):
    sim.fault("duplicate_webhook", copies=2)
    sim.inbound()
    heard = sim.product.on("/inbound")
    assert len(heard) == 3
    assert len({one.params["MessageSid"] for one in heard}) == 1


def test_a_webhook_may_be_lost_though_the_log_knows_the_message(sim: Running):
    sim.fault("lost_webhook")
    answer = sim.inbound()
    assert (answer["outcome"], sim.product.heard) == ("lost", [])
    assert [one.sid for one in sim.client().messages.list()] == [answer["message_sid"]]


def test_a_webhook_may_be_late(sim: Running):
    sim.fault("late_webhook", seconds=60)
    assert sim.inbound()["outcome"] == "late"
    assert sim.product.heard == []
    sim.post("/_sim/clock", advance_seconds=61)
    sim.product.wait("/inbound", 1)


@pytest.mark.parametrize(
    ("kind", "code", "heard"), [("webhook_failure", "11200", 0), ("webhook_timeout", "11205", 1)]
)
def test_a_webhook_may_fail_and_go_to_the_fallback(sim: Running, kind, code, heard):
    sim.simulator.parts.store.senders[NUMBER].fallback_url = f"{sim.product.url}/fallback"
    sim.fault(kind)
    assert sim.inbound()["outcome"] == "fallback"
    assert len(sim.product.on("/inbound")) == heard
    assert sim.product.on("/fallback")[0].params["ErrorCode"] == code


def test_a_file_may_be_too_large_or_not_what_it_says_or_missing(sim: Running):
    address = _file_address(sim)
    for kind in ("oversize_media", "html_media", "missing_media"):
        sim.fault(kind)
    status, headers, data = sim.ask("GET", address)
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert len(data) > 32 * 1024 * 1024
    status, headers, data = sim.ask("GET", address)
    assert (headers["Content-Type"], data[:15]) == ("image/jpeg", b"<!doctype html>")
    assert sim.ask("GET", address)[0] == 404
    assert sim.ask("GET", address)[0] == 200


def test_a_file_may_be_slow(sim: Running):
    address = _file_address(sim)
    sim.fault("slow_media", seconds=0.3)
    began = time.monotonic()
    status, _, data = sim.ask("GET", address)
    assert (status, data[:2]) == (200, b"\xff\xd8")
    assert time.monotonic() - began > 0.25


def test_a_fault_hits_only_whom_it_means(sim: Running):
    sim.fault("rate_limit", times=-1, account_sid=OTHER_ACCOUNT)
    sim.fault("rate_limit", times=-1, to="+12025550199")
    sim.fault("rate_limit", times=-1, **{"from": "+1999*"})
    assert send(sim).sid
    assert refusal(sim, "+12025550199").code == 20429


def test_a_number_means_its_owner_on_every_channel(sim: Running):
    sim.fault("reject", code=63024, to=CUSTOMER)
    with pytest.raises(TwilioRestException) as caught:
        sim.client().messages.create(to=f"whatsapp:{CUSTOMER}", from_=WHATSAPP, body="x")
    assert caught.value.code == 63024


def test_other_requests_can_fail_too(sim: Running):
    made = send(sim)
    sim.fault("server_error", on="message GET")
    with pytest.raises(TwilioRestException) as caught:
        sim.client().messages(made.sid).fetch()
    assert caught.value.code == 20500
    assert sim.client().messages(made.sid).fetch().sid == made.sid


def test_chance_follows_the_seed(sim: Running):
    sim.fault("rate_limit", times=-1, probability=0.5)
    outcomes = []
    for _ in range(20):
        try:
            send(sim)
            outcomes.append(True)
        except TwilioRestException:
            outcomes.append(False)
    assert 3 < sum(outcomes) < 17


def test_faults_are_listed_and_taken_back(sim: Running):
    first = sim.fault("stuck", times=-1)
    sim.fault("no_callback", times=-1)
    assert [one["kind"] for one in sim.get("/_sim/faults")["faults"]] == ["stuck", "no_callback"]
    sim.ask("DELETE", f"/_sim/faults?id={first['id']}")
    assert [one["kind"] for one in sim.get("/_sim/faults")["faults"]] == ["no_callback"]
    sim.ask("DELETE", "/_sim/faults")
    assert sim.get("/_sim/faults")["faults"] == []


@pytest.mark.parametrize("fields", [{"kind": "earthquake"}, {}, {"kind": "stuck", "times": 0}])
def test_a_fault_that_makes_no_sense_is_refused(sim: Running, fields):
    assert sim.ask("POST", "/_sim/faults", fields)[0] == 400


@pytest.mark.parametrize(
    ("number", "statuses"),
    [
        ("+15005550120", []),
        ("+15005550122", ["sending", "sending", "sent", "sent", "delivered", "delivered"]),
        ("+15005550123", ["delivered", "sent", "sending"]),
        ("+15005550130", ["sending", "sent"]),
    ],
)
def test_magic_numbers_misreport(sim: Running, number: str, statuses: list[str]):
    send(sim, number)
    sim.settle()
    assert sim.product.statuses() == statuses


def test_a_magic_number_is_busy_as_often_as_its_last_digit_says(sim: Running):
    for _ in range(2):
        assert [refusal(sim, "+15005550102").code for _ in range(2)] == [20429, 20429]
        assert send(sim, "+15005550102").sid


@pytest.mark.parametrize(("number", "count"), [("+15005550110", 0), ("+15005550111", 1)])
def test_magic_numbers_break_the_server(sim: Running, number: str, count: int):
    assert refusal(sim, number).status == 500
    assert len(sim.client().messages.list()) == count


def test_magic_numbers_sign_wrongly(sim: Running):
    for number, token in (("+15005550124", None), ("+15005550125", NEXT_TOKEN)):
        sim.product.heard.clear()
        send(sim, number)
        request = sim.product.wait("/status", 3)[0]
        signature, url = request.headers["X-Twilio-Signature"], f"{sim.product.url}/status"
        assert not RequestValidator(TOKEN).validate(url, request.params, signature)
        if token:
            assert RequestValidator(token).validate(url, request.params, signature)


def _is_valid(sim: Running, token: str) -> bool:
    sim.inbound()
    request = sim.product.on("/inbound")[-1]
    url, signature = f"{sim.product.url}/inbound", request.headers["X-Twilio-Signature"]
    return bool(RequestValidator(token).validate(url, request.params, signature))


def _file_address(sim: Running) -> str:
    sim.inbound("look", media=[{"sample": "photo"}])
    media = next(iter(sim.simulator.parts.store.media.values()))
    return f"/cdn/{ACCOUNT}/{media.cdn_token}"
