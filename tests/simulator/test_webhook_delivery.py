"""How patient is the simulator with the product, and where does it turn next?"""

import socket

import pytest
from twilio.request_validator import RequestValidator

from inbox.twilio.simulator.outgoing import is_loopback
from inbox.twilio.simulator.overrides import patience_of
from tests.simulator.conftest import ACCOUNT, NUMBER, TOKEN, Running
from tests.simulator.product import Product


def route(sim: Running, url: str, fallback: str = "") -> None:
    sender = sim.simulator.parts.store.senders[NUMBER]
    sender.webhook_url, sender.fallback_url = url, fallback


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_overrides_are_read_from_the_fragment():
    patience = patience_of("https://h/x#ct=2000&rt=5000&tt=8000&rc=3&rp=ct,rt,5xx")
    assert (patience.connect, patience.read, patience.total) == (2.0, 5.0, 8.0)
    assert (patience.retries, patience.policies) == (3, frozenset({"ct", "rt", "5xx"}))


def test_without_a_fragment_twilio_tries_twice_and_only_to_connect():
    patience = patience_of("https://h/x")
    assert (patience.connect, patience.read, patience.total) == (5.0, 15.0, 15.0)
    assert (patience.retries, patience.policies) == (1, frozenset({"ct"}))


@pytest.mark.parametrize("fragment", ["rc=9", "ct=5", "rt=99999", "rp=banana", "&&=", "rc=-1"])
def test_nonsense_in_the_fragment_means_the_default(fragment: str):
    assert patience_of(f"https://h/x#{fragment}") == patience_of("https://h/x")


def test_the_fragment_is_neither_sent_nor_signed(sim: Running):
    route(sim, f"{sim.product.url}/inbound?x=1#rc=0&tt=3000")
    sim.inbound()
    request = sim.product.on("/inbound")[0]
    assert request.query == "x=1"
    url, signature = f"{sim.product.url}/inbound?x=1", request.headers["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate(url, request.params, signature)


def test_a_server_error_is_not_tried_again_by_default(sim: Running):
    sim.product.answers["/inbound"].status = 500
    answer = sim.inbound()
    assert (answer["outcome"], answer["webhook"]["error_code"]) == ("failed", 11217)
    assert len(sim.product.on("/inbound")) == 1


@pytest.mark.parametrize(("policy", "status"), [("5xx", 503), ("4xx", 404), ("all", 500)])
def test_the_fragment_may_ask_for_more_tries(sim: Running, policy: str, status: int):
    sim.product.answers["/inbound"].status = status
    route(sim, f"{sim.product.url}/inbound#rc=2&rp={policy}")
    answer = sim.inbound()
    heard = sim.product.on("/inbound")
    assert len(heard) == len(answer["attempts"]) == 3
    assert len({one.headers["I-Twilio-Idempotency-Token"] for one in heard}) == 1
    assert len({one.params["MessageSid"] for one in heard}) == 1


def test_a_slow_answer_is_a_time_out_and_goes_to_the_fallback(sim: Running):
    sim.product.answers["/inbound"].delay = 0.4
    route(sim, f"{sim.product.url}/inbound#rt=150", f"{sim.product.url}/fallback")
    answer = sim.inbound()
    assert answer["outcome"] == "fallback"
    params = sim.product.on("/fallback")[0].params
    assert (params["ErrorCode"], params["ErrorUrl"]) == ("11205", f"{sim.product.url}/inbound")
    assert params["MessageSid"] == sim.product.on("/inbound")[0].params["MessageSid"]


def test_the_total_time_ends_all_tries(sim: Running):
    sim.product.answers["/inbound"].delay = 0.3
    route(sim, f"{sim.product.url}/inbound#rt=150&tt=250&rc=5&rp=rt")
    answer = sim.inbound()
    assert len(answer["attempts"]) == 2


def test_a_closed_door_is_tried_twice_and_then_the_fallback_is_called(sim: Running):
    route(sim, f"http://127.0.0.1:{closed_port()}/in", f"{sim.product.url}/fallback")
    answer = sim.inbound()
    assert [one["error_code"] for one in answer["attempts"]] == [11205, 11205, None]
    request = sim.product.on("/fallback")[0]
    signature = request.headers["X-Twilio-Signature"]
    url = f"{sim.product.url}/fallback"
    assert RequestValidator(TOKEN).validate(url, request.params, signature)


def test_an_error_status_is_told_to_the_fallback(sim: Running):
    sim.product.answers["/inbound"].status = 403
    route(sim, f"{sim.product.url}/inbound", f"{sim.product.url}/fallback")
    sim.inbound()
    assert sim.product.on("/fallback")[0].params["ErrorCode"] == "11217"


def test_a_redirect_turns_the_post_into_a_get_without_parameters(sim: Running):
    answer = sim.product.answers["/inbound"]
    answer.status, answer.headers = 302, {"Location": "/elsewhere"}
    sim.inbound()
    request = sim.product.on("/elsewhere")[0]
    assert (request.method, request.params) == ("GET", {})


def test_a_circle_of_redirects_ends(sim: Running):
    answer = sim.product.answers["/inbound"]
    answer.status, answer.headers = 302, {"Location": "/inbound"}
    assert sim.inbound()["webhook"]["error_code"] == 11215


def test_a_product_that_restarts_is_reached_on_a_new_connection(sim: Running):
    first = Product()
    route(sim, f"{first.url}/inbound")
    sim.inbound()
    first.stop()
    port = int(first.url.rpartition(":")[2])
    second = Product(port)
    assert sim.inbound()["outcome"] == "delivered"
    assert len(second.on("/inbound")) == 1
    second.stop()


def test_a_shared_key_signs_with_sha_256_and_says_so(sim: Running):
    key = {"key": "SK" + "e" * 32, "secret": "shared secret"}
    account = {"account_sid": ACCOUNT, "auth_token": TOKEN, "shared_key": key}
    sim.post("/_sim/config", accounts=[account])
    sim.inbound()
    request = sim.product.on("/inbound")[0]
    settings = request.headers["X-Twilio-Webhooks-Signature-Settings"]
    assert settings == f"key={key['key']},algorithm=HMAC_SHA256"
    assert RequestValidator("shared secret").validate(
        f"{sim.product.url}/inbound",
        request.params,
        request.headers["X-Twilio-Signature"],
        "HMAC_SHA256",
    )


def test_other_machines_are_left_alone(sim: Running):
    route(sim, "https://example.com/hook")
    answer = sim.inbound()
    assert answer["webhook"]["error_code"] == 11200
    assert "not this machine" in answer["attempts"][0]["detail"]
    assert is_loopback("127.0.0.1")
    assert is_loopback("localhost")
    assert not is_loopback("localhost.example.com")
