"""Can a test see and steer everything from outside?"""

import http.client
import json
import threading

import pytest

from tests.simulator.conftest import (
    ACCOUNT,
    CUSTOMER,
    FOREIGN,
    NUMBER,
    OTHER_ACCOUNT,
    WHATSAPP,
    Running,
)


def send(sim: Running, **fields):
    return sim.client().messages.create(**{"to": CUSTOMER, "from_": NUMBER, "body": "Hi", **fields})


def test_the_ledger_has_every_request_with_its_answer(sim: Running):
    made = send(sim, status_callback=f"{sim.product.url}/status?id=1")
    with pytest.raises(Exception, match="A .To. phone number is required"):
        send(sim, to="")
    entries = sim.get("/_sim/ledger")["entries"]
    assert [(one["accepted"], one["status"]) for one in entries] == [(True, 201), (False, 400)]
    first = entries[0]
    assert (first["sid"], first["to"], first["from"], first["body"]) == (
        made.sid,
        CUSTOMER,
        NUMBER,
        "Hi",
    )
    assert first["status_callback"].endswith("/status?id=1")
    assert entries[1]["error_code"] == 21604


def test_the_ledger_is_filtered_by_account_recipient_and_time(sim: Running):
    send(sim)
    other = sim.client(OTHER_ACCOUNT, "3" * 32)
    other.messages.create(to="+12025550199", from_=FOREIGN, body="x")
    assert sim.get(f"/_sim/ledger?account_sid={ACCOUNT}")["count"] == 1
    assert sim.get("/_sim/ledger?to=%2B12025550199")["count"] == 1
    later = sim.simulator.parts.clock.timestamp() + 1
    assert sim.get(f"/_sim/ledger?since={later}")["count"] == 0
    assert sim.get("/_sim/ledger?since=2020-01-01T00:00:00Z")["count"] == 2


def test_thousands_of_messages_are_held_and_accepted_quickly(sim: Running):
    sim.post("/_sim/config", settings={"queued_delay": 900, "sending_delay": 900})
    form = f"To={CUSTOMER}&From={NUMBER}&Body=x".replace("+", "%2B").encode()
    headers = {"Authorization": _basic(), "Content-Type": "application/x-www-form-urlencoded"}
    connection = http.client.HTTPConnection(sim.url.removeprefix("http://"))
    for _ in range(1500):
        connection.request("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", form, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201
    connection.close()
    assert sim.get("/_sim/ledger")["count"] == 1500


def test_the_request_log_shows_both_directions_with_signatures(sim: Running):
    sim.inbound("hello")
    made = send(sim, status_callback=f"{sim.product.url}/status")
    sim.settle()
    found = sim.get("/_sim/requests")["requests"]
    assert {one["kind"] for one in found} == {"webhook", "api", "callback"}
    hook = next(one for one in found if one["kind"] == "webhook")
    assert hook["signature"] == sim.product.on("/inbound")[0].headers["X-Twilio-Signature"]
    assert (hook["params"]["Body"], hook["status"]) == ("hello", 200)
    callbacks = sim.get(f"/_sim/requests?kind=callback&message_sid={made.sid}&limit=2")
    assert [one["params"]["MessageStatus"] for one in callbacks["requests"]] == [
        "sent",
        "delivered",
    ]


def test_a_burst_comes_from_as_many_people_as_asked(sim: Running):
    answer = sim.post("/_sim/burst", messages=50, people=20, senders=[NUMBER, WHATSAPP])
    heard = sim.product.on("/inbound")
    assert answer["outcomes"] == {"delivered": 50}
    assert len(heard) == 50
    assert len({one.params["From"].removeprefix("whatsapp:") for one in heard}) == 20


def test_an_earlier_message_is_replayed_with_the_same_sid(sim: Running):
    sid = sim.inbound("once")["message_sid"]
    answer = sim.post("/_sim/replay", message_sid=sid, times=3, concurrency=3)
    assert len(answer["results"]) == 3
    assert {one.params["MessageSid"] for one in sim.product.on("/inbound")} == {sid}


def test_a_known_payload_is_replayed_to_a_sender_of_ours(sim: Running):
    known = [one["id"] for one in sim.get("/_sim/payloads")["payloads"]]
    assert "sms_arabic_rtl" in known
    assert len(known) == 50
    sim.post("/_sim/replay", payload="sms_arabic_rtl", sender=NUMBER, fresh_sid=True)
    params = sim.product.on("/inbound")[0].params
    assert (params["To"], params["AccountSid"]) == (NUMBER, ACCOUNT)
    assert params["MessageSid"] != "SM18934662e181d0efe0dddc95b7f30267"


def test_any_parameters_can_be_posted_signed(sim: Running):
    answer = sim.post(
        "/_sim/replay", params={"Body": "raw", "Odd": ""}, sender=NUMBER, url=f"{sim.product.url}/x"
    )
    assert answer["results"][0]["webhook"]["status"] == 200
    assert sim.product.on("/x")[0].params["Odd"] == ""


def test_reset_forgets_traffic_and_keeps_the_configuration(sim: Running):
    sim.inbound("STOP")
    sim.fault("stuck")
    sim.post("/_sim/reset")
    assert sim.client().messages.list() == []
    assert sim.get("/_sim/faults")["faults"] == []
    assert send(sim).sid
    assert sim.post("/_sim/reset", everything=True)["senders"] == 0


def test_time_moves_forward_only(sim: Running):
    before = sim.get("/_sim/state")["clock"]["offset_seconds"]
    assert sim.post("/_sim/clock", advance_seconds=90)["offset_seconds"] == before + 90
    assert sim.ask("POST", "/_sim/clock", {"advance_seconds": -1})[0] == 400


def test_the_state_names_people_and_senders_but_no_secret(sim: Running):
    status, _, data = sim.ask("GET", "/_sim/state")
    state = json.loads(data)
    assert status == 200
    assert b"auth_token" not in data
    assert b"1" * 32 not in data
    assert [one["name"] for one in state["personas"]][:2] == ["Maria Lopez", "José Hernández"]
    assert {one["channel"] for one in state["senders"]} == {"sms", "whatsapp"}


def test_a_thread_shows_what_the_customer_sees(sim: Running):
    sim.inbound("Hello")
    send(sim, body="a" * 200)
    sim.settle()
    query = f"customer={CUSTOMER}&sender={NUMBER}".replace("+", "%2B")
    thread = sim.get(f"/_sim/messages?{query}")
    assert [one["by"] for one in thread["messages"]] == ["customer", "business"]
    assert [len(one) for one in thread["messages"][1]["segments"]] == [153, 47]
    assert thread["messages"][1]["reached"] is True


def test_events_stream_to_whoever_listens(sim: Running):
    connection = http.client.HTTPConnection(sim.url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/_sim/events")
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "text/event-stream"
    assert answer.readline() == b": connected\n"
    threading.Timer(0.05, sim.inbound).start()
    lines = [answer.readline() for _ in range(5)]
    assert b"event: message\n" in lines
    connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_another_site_can_steer_nothing(sim: Running, headers):
    status, _, _ = sim.ask("POST", "/_sim/reset", {}, headers)
    assert status == 403


def test_a_page_of_our_own_may(sim: Running):
    assert sim.ask("POST", "/_sim/reset", {}, {"Origin": sim.url})[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/_sim/nothing", None),
        ("GET", "/_sim/inbound", None),
        ("GET", "/nothing", None),
        ("GET", "/static/../server.py", None),
        ("GET", "/2010-04-01/nothing", None),
    ],
)
def test_what_is_not_there_is_not_found(sim: Running, method, path, body):
    assert sim.ask(method, path, body, {"Authorization": _basic()})[0] == 404


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"accounts": 7}', b'{"colour": 1}'])
def test_a_broken_configuration_changes_nothing(sim: Running, body: bytes):
    assert sim.ask("POST", "/_sim/config", body)[0] == 400


def test_a_sid_that_no_request_could_name_is_refused(sim: Running):
    account = {"account_sid": "AC1", "auth_token": "x"}
    assert sim.ask("POST", "/_sim/config", {"accounts": [account]})[0] == 400


def test_a_user_without_a_number_cannot_text(sim: Running):
    body = {"from": "whatsapp:IN.20815", "to": NUMBER, "body": "x"}
    assert sim.ask("POST", "/_sim/inbound", body)[0] == 400


def test_the_log_keeps_the_tokens_of_accounts_to_itself(sim: Running):
    made = sim.client().api.v2010.accounts.create(friendly_name="Branch")
    _, _, data = sim.ask("GET", "/_sim/requests")
    assert made.sid.encode() in data
    assert made.auth_token.encode() not in data


def test_a_sender_of_an_unknown_account_is_refused(sim: Running):
    sender = {"account_sid": "AC" + "9" * 32, "address": "+14155550170"}
    assert sim.ask("POST", "/_sim/config", {"senders": [sender]})[0] == 400


def _basic() -> str:
    import base64

    return "Basic " + base64.b64encode(f"{ACCOUNT}:{'1' * 32}".encode()).decode()
