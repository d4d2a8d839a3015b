"""What does the product hear when a customer writes?"""

import base64
import json

import pytest
from twilio.request_validator import RequestValidator

from tests.simulator.conftest import (
    ACCOUNT,
    CUSTOMER,
    DATA,
    NUMBER,
    POOLED,
    SERVICE,
    SHORT_CODE,
    TOKEN,
    WHATSAPP,
    Running,
)

PAYLOADS = json.loads((DATA / "twilio_payloads.json").read_text())["payloads"]
WA_CUSTOMER = f"whatsapp:{CUSTOMER}"
BSUID = "whatsapp:IN.2081500000000417"


def heard(sim: Running, path: str = "/inbound") -> dict[str, str]:
    return sim.product.on(path)[-1].params


def archived(name: str) -> dict[str, str]:
    return next(one["params"] for one in PAYLOADS if one["id"] == name)


def test_a_text_arrives_signed_with_the_parameters_of_a_captured_one(sim: Running):
    answer = sim.inbound("Msg")
    request = sim.product.on("/inbound")[0]
    assert request.params.keys() == archived("sms_us_basic").keys()
    assert request.params["MessageSid"] == answer["message_sid"]
    assert request.params["Body"] == "Msg"
    assert request.params["FromState"] == "DC"
    signature = request.headers["X-Twilio-Signature"]
    url = f"{sim.product.url}/inbound"
    assert RequestValidator(TOKEN).validate(url, request.params, signature)
    assert answer["webhook"]["status"] == 200
    assert answer["outcome"] == "delivered"


def test_the_headers_are_those_of_twilios_proxy(sim: Running):
    sim.inbound()
    headers = sim.product.on("/inbound")[0].headers
    assert headers["User-Agent"] == "TwilioProxy/1.1"
    assert headers["Accept"] == "*/*"
    assert headers["X-Home-Region"] == "us1"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert len(headers["I-Twilio-Idempotency-Token"]) == 36


def test_a_whatsapp_text_has_no_geography_but_a_profile(sim: Running):
    sim.inbound("Hello", to=WHATSAPP, profile_name="Dana Example")
    params = heard(sim)
    assert params["From"] == WA_CUSTOMER
    assert params["ProfileName"] == "Dana Example"
    assert params["WaId"] == CUSTOMER[1:]
    assert params["MessageType"] == "text"
    assert params["ExternalUserId"].startswith("whatsapp:US.")
    assert "FromCity" not in params
    common = archived("wa_click_to_whatsapp_ad").keys() - {
        key for key in archived("wa_click_to_whatsapp_ad") if key.startswith("Referral")
    }
    assert common <= params.keys()


def test_a_user_without_a_number_is_known_by_a_scoped_id_only(sim: Running):
    sim.inbound("Hello", to=WHATSAPP, profile_name="Kabir Rao", **{"from": BSUID})
    params = heard(sim)
    assert (params["From"], params["ExternalUserId"]) == (BSUID, BSUID)
    assert params["ProfileUsername"] == "kabir.rao"
    assert "WaId" not in params
    reply = sim.client().messages.create(to=BSUID, from_=WHATSAPP, body="Hi")
    sim.settle()
    assert sim.client().messages(reply.sid).fetch().status == "delivered"


def test_extra_parameters_win_so_that_a_scoped_id_can_gain_a_number(sim: Running):
    sim.inbound("Hello", to=WHATSAPP, extra_params={"ExternalUserId": BSUID, "New": "1"})
    assert heard(sim)["ExternalUserId"] == BSUID
    assert heard(sim)["New"] == "1"


def test_files_are_named_by_their_twilio_address(sim: Running):
    data = base64.b64encode(b"%PDF-1.4").decode()
    files = [{"sample": "photo"}, {"content_type": "application/pdf", "data_base64": data}]
    answer = sim.inbound("look", media=files)
    params, sid = heard(sim), answer["message_sid"]
    assert sid.startswith("MM")
    assert (params["NumMedia"], params["NumSegments"]) == ("2", "1")
    assert params["MediaContentType0"] == "image/jpeg"
    assert params["MediaContentType1"] == "application/pdf"
    start = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media/ME"
    assert params["MediaUrl0"].startswith(start)


def test_a_location_is_a_type_in_whatsapp_and_a_link_in_a_text(sim: Running):
    place = {"latitude": 51.5, "longitude": -0.25, "label": "The Club", "address": "Freston Road"}
    sim.inbound("", to=WHATSAPP, location=place)
    params = heard(sim)
    assert params["MessageType"] == "location"
    assert (params["Latitude"], params["Longitude"]) == ("51.5", "-0.25")
    assert (params["Label"], params["Address"], params["Body"]) == ("The Club", "Freston Road", "")
    sim.inbound("", location=place)
    assert heard(sim)["Body"] == "https://maps.google.com/?q=51.5,-0.25"


def test_a_button_a_quote_and_a_reaction_name_the_message_they_answer(sim: Running):
    sim.inbound("hi", to=WHATSAPP)
    asked = sim.client().messages.create(to=WA_CUSTOMER, from_=WHATSAPP, body="Friday?").sid
    sim.inbound("", to=WHATSAPP, button={"text": "Yes", "payload": "confirm"}, reply_to=asked)
    params = heard(sim)
    assert (params["ButtonText"], params["ButtonPayload"]) == ("Yes", "confirm")
    assert (params["Body"], params["MessageType"]) == ("Yes", "interactive")
    assert params["OriginalRepliedMessageSid"] == asked
    assert params["OriginalRepliedMessageSender"] == WHATSAPP
    sim.inbound("Nice", to=WHATSAPP, reply_to=asked)
    assert heard(sim)["OriginalRepliedMessageSid"] == asked
    sim.inbound("", to=WHATSAPP, reaction={"emoji": "❤️", "message_sid": asked})
    assert (heard(sim)["Body"], heard(sim)["MessageType"]) == ("❤️", "reaction")


def test_a_contact_card_arrives_as_a_vcard(sim: Running):
    sim.inbound("", to=WHATSAPP, contact_card={"name": "Ann; Smith", "phone": "+12025550111"})
    assert heard(sim)["MediaContentType0"] == "text/vcard"
    assert heard(sim)["MessageType"] == "contacts"
    media = next(iter(sim.simulator.parts.store.media.values()))
    assert b"FN:Ann\\; Smith\r\n" in media.data


@pytest.mark.parametrize(
    "body", ["line\r\nline", "a&b=c+1 %", "👍🏽 مرحبا", "nul\u0000", " x ", ""]
)
def test_odd_texts_arrive_as_they_were_written(sim: Running, body: str):
    sim.inbound(body)
    request = sim.product.on("/inbound")[0]
    assert request.params["Body"] == body
    signature = request.headers["X-Twilio-Signature"]
    url = f"{sim.product.url}/inbound"
    assert RequestValidator(TOKEN).validate(url, request.params, signature)


def test_a_service_takes_the_webhook_over_and_is_named(sim: Running):
    sim.inbound("hi", to=POOLED)
    assert heard(sim, "/service")["MessagingServiceSid"] == SERVICE


def test_a_service_without_a_webhook_drops_the_message_and_its_log(sim: Running):
    sim.simulator.parts.store.services[SERVICE].inbound_request_url = None
    answer = sim.inbound("hi", to=POOLED)
    assert answer["outcome"] == "dropped"
    assert sim.product.heard == []
    assert sim.client().messages.list() == []


def test_a_short_code_receives_too(sim: Running):
    sim.inbound("hi", to=SHORT_CODE)
    assert heard(sim)["To"] == SHORT_CODE


def test_a_get_webhook_carries_its_parameters_in_the_signed_url(sim: Running):
    sid = sim.simulator.parts.store.senders[NUMBER].sid
    sim.client().incoming_phone_numbers(sid).update(sms_method="GET")
    sim.inbound("a b")
    request = sim.product.on("/inbound")[0]
    assert (request.method, request.params["Body"]) == ("GET", "a b")
    url = f"{sim.product.url}/inbound?{request.query}"
    assert RequestValidator(TOKEN).validate(url, {}, request.headers["X-Twilio-Signature"])


def test_twiml_is_obeyed(sim: Running):
    answer = sim.product.answers["/inbound"]
    answer.body = (
        b"<?xml version='1.0'?><Response><Message>One &amp; only</Message>"
        b"<Message><Body>Two</Body></Message></Response>"
    )
    sim.inbound()
    sim.settle()
    sent = sim.client().messages.list(from_=NUMBER)
    assert sorted(one.body for one in sent) == ["One & only", "Two"]
    assert {(one.direction, one.status) for one in sent} == {("outbound-reply", "delivered")}


def test_an_empty_response_sends_nothing(sim: Running):
    sim.inbound()
    assert len(sim.client().messages.list()) == 1


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"{}", 12300),
        ("text/xml", b"<Response>", 12100),
        ("text/xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><Response/>", 12100),
        ("text/xml", b"<Other/>", 12100),
    ],
)
def test_an_unusable_answer_has_twilios_code(sim: Running, content_type, body, code):
    answer = sim.product.answers["/inbound"]
    answer.content_type, answer.body = content_type, body
    assert sim.inbound()["webhook"]["error_code"] == code


def test_a_text_answer_is_a_reply(sim: Running):
    answer = sim.product.answers["/inbound"]
    answer.content_type, answer.body = "text/plain", b"Thanks!"
    sim.inbound()
    assert [one.body for one in sim.client().messages.list(from_=NUMBER)] == ["Thanks!"]


def test_many_copies_are_many_messages(sim: Running):
    answer = sim.inbound("again", repeat=20, concurrency=5)
    assert len({one["message_sid"] for one in answer["results"]}) == 20
    assert len(sim.product.on("/inbound")) == 20


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "+19999999999"},
        {"media": [{"sample": "nothing"}]},
        {"media": [{"content_type": "image/png", "data_base64": "%%%"}]},
        {"repeat": 0},
        {"colour": "blue"},
        {"body": 7},
    ],
)
def test_a_mistake_in_a_control_request_is_told_in_words(sim: Running, fields):
    body = {"from": CUSTOMER, "to": NUMBER, **fields}
    status, _, data = sim.ask("POST", "/_sim/inbound", body)
    assert status == 400
    assert json.loads(data)["error"]
    assert sim.product.heard == []
