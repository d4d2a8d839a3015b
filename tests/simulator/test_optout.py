"""Does STOP stop, and START start, as it does at Twilio?"""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.simulator.conftest import (
    CUSTOMER,
    NUMBER,
    POOLED,
    SECOND_NUMBER,
    SERVICE,
    TOLL_FREE,
    WHATSAPP,
    Running,
)


def code_of_send(sim: Running, to: str = CUSTOMER, **fields) -> int | None:
    try:
        sim.client().messages.create(**{"to": to, "from_": NUMBER, "body": "Hi", **fields})
    except TwilioRestException as error:
        return error.code
    return None


def phone(sim: Running, sender: str = NUMBER, customer: str = CUSTOMER) -> list[dict]:
    query = f"customer={customer}&sender={sender}".replace("+", "%2B")
    return sim.get(f"/_sim/messages?{query}")["messages"]


@pytest.mark.parametrize(
    "word",
    ["STOP", "stopall", "Unsubscribe", "CANCEL", "end", "QUIT", "Revoke", "OPTOUT", " sToP \n"],
)
def test_every_stop_word_blocks_the_next_message(sim: Running, word: str):
    assert sim.inbound(word)["keyword"] == "STOP"
    assert code_of_send(sim) == 21610
    assert code_of_send(sim, from_=SECOND_NUMBER) is None


@pytest.mark.parametrize("text", ["Stop please", "STOP.", "opt out", "please stop", "don't stop"])
def test_anything_but_the_bare_word_blocks_nothing(sim: Running, text: str):
    assert sim.inbound(text)["keyword"] == ""
    assert code_of_send(sim) is None


@pytest.mark.parametrize("word", ["START", "yes", "Unstop"])
def test_every_start_word_lifts_the_block(sim: Running, word: str):
    sim.inbound("STOP")
    sim.inbound(word)
    assert code_of_send(sim) is None


def test_the_webhook_is_called_all_the_same_and_without_a_marker(sim: Running):
    sim.inbound("STOP")
    params = sim.product.on("/inbound")[0].params
    assert params["Body"] == "STOP"
    assert "OptOutType" not in params


def test_twilio_answers_once_on_the_phone_and_no_log_shows_it(sim: Running):
    for word in ("STOP", "STOP", "START", "START", "HELP"):
        sim.inbound(word)
    replies = [one["body"] for one in phone(sim) if one["by"] == "network"]
    assert [one[:33] for one in replies] == [
        "You have successfully been unsubs",
        "You have successfully been re-sub",
        "Reply STOP to unsubscribe. Msg&Da",
    ]
    assert {one.direction for one in sim.client().messages.list()} == {"inbound"}


def test_yes_means_nothing_to_somebody_who_never_stopped(sim: Running):
    sim.inbound("YES")
    assert [one["by"] for one in phone(sim)] == ["customer"]


def test_a_toll_free_number_is_handled_by_the_network(sim: Running):
    assert sim.inbound("CANCEL", to=TOLL_FREE)["keyword"] == ""
    assert sim.inbound("stop", to=TOLL_FREE)["keyword"] == "STOP"
    assert code_of_send(sim, from_=TOLL_FREE) == 21610
    sim.inbound("HELP", to=TOLL_FREE)
    sim.inbound("YES", to=TOLL_FREE)
    assert code_of_send(sim, from_=TOLL_FREE) == 21610
    sim.inbound("UNSTOP", to=TOLL_FREE)
    assert code_of_send(sim, from_=TOLL_FREE) is None
    texts = [one["body"] for one in phone(sim, TOLL_FREE) if one["by"] == "network"]
    assert [one[:12] for one in texts] == ["NETWORK MSG:"] * 2


def test_advanced_opt_out_marks_the_webhook_and_blocks_the_whole_service(sim: Running):
    sim.simulator.parts.store.senders[SECOND_NUMBER].service_sid = SERVICE
    for word, kind in (("stop", "STOP"), ("help", "HELP")):
        sim.inbound(word, to=POOLED)
        assert sim.product.on("/service")[-1].params["OptOutType"] == kind
    assert code_of_send(sim, from_=SECOND_NUMBER) == 21610
    assert code_of_send(sim, from_=None, messaging_service_sid=SERVICE) == 21610
    assert code_of_send(sim) is None
    sim.inbound("START", to=SECOND_NUMBER)
    assert code_of_send(sim, from_=POOLED) is None


def test_a_service_may_have_texts_of_its_own(sim: Running):
    service = sim.simulator.parts.store.services[SERVICE]
    service.opt_out_texts = {"STOP": "Harbor Coffee: you are out."}
    sim.inbound("STOP", to=POOLED)
    assert phone(sim, POOLED)[-1]["body"] == "Harbor Coffee: you are out."


def test_whatsapp_has_no_keywords_of_its_own(sim: Running):
    customer = f"whatsapp:{CUSTOMER}"
    assert sim.inbound("STOP", to=WHATSAPP)["keyword"] == ""
    assert code_of_send(sim, to=customer, from_=WHATSAPP) is None
    assert [one["by"] for one in phone(sim, WHATSAPP, customer)][:1] == ["customer"]


def test_whatsapp_in_a_service_with_advanced_opt_out_has_them(sim: Running):
    sim.simulator.parts.store.senders[WHATSAPP].service_sid = SERVICE
    sim.inbound("STOP", to=WHATSAPP)
    assert sim.product.on("/service")[0].params["OptOutType"] == "STOP"
    assert code_of_send(sim, to=f"whatsapp:{CUSTOMER}", from_=WHATSAPP) == 21610


def test_a_persona_that_has_opted_out_starts_blocked_and_can_come_back(sim: Running):
    person = "+13055550119"
    sim.post("/_sim/personas", name="Olivia", address=person, kind="opted_out")
    assert code_of_send(sim, to=person) == 21610
    sim.inbound("START", **{"from": person})
    assert code_of_send(sim, to=person) is None


def test_the_state_can_be_asked_and_set(sim: Running):
    ask: dict[str, Any] = {"sender": NUMBER, "customer": CUSTOMER}
    assert sim.post("/_sim/optout", **ask)["opted_out"] is False
    assert sim.post("/_sim/optout", **ask, opted_out=True)["opted_out"] is True
    assert code_of_send(sim) == 21610


def test_a_reply_in_twiml_to_somebody_who_just_stopped_fails(sim: Running):
    sim.product.answers["/inbound"].body = b"<Response><Message>Bye!</Message></Response>"
    sim.inbound("STOP")
    reply = sim.client().messages.list(from_=NUMBER)[0]
    assert (reply.status, reply.error_code) == ("failed", 21610)
