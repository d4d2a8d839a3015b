"""What does the product hear about a message on its way out?"""

from datetime import timedelta

import pytest
from twilio.request_validator import RequestValidator

from tests.simulator.conftest import (
    CUSTOMER,
    NUMBER,
    POOLED,
    SECOND_NUMBER,
    SERVICE,
    TOKEN,
    WHATSAPP,
    Running,
)

WA_CUSTOMER = f"whatsapp:{CUSTOMER}"


def send(sim: Running, body: str | None = "Hello", **fields):
    given = {"to": CUSTOMER, "from_": NUMBER, "status_callback": f"{sim.product.url}/status"}
    return sim.client().messages.create(**{**given, "body": body, **fields})


def test_without_a_service_the_product_hears_sending_sent_delivered(sim: Running):
    made = send(sim)
    sim.product.wait("/status", 3)
    assert sim.product.statuses() == ["sending", "sent", "delivered"]
    assert {one.params["MessageSid"] for one in sim.product.on("/status")} == {made.sid}


def test_with_a_service_it_hears_queued_first_and_never_the_initial_status(sim: Running):
    send(sim, from_=None, messaging_service_sid=SERVICE)
    sim.product.wait("/status", 4)
    assert sim.product.statuses() == ["queued", "sending", "sent", "delivered"]
    last = sim.product.on("/status")[-1].params
    assert (last["MessagingServiceSid"], last["From"]) == (SERVICE, POOLED)


def test_the_callback_of_a_message_goes_before_that_of_its_service(sim: Running):
    send(sim, from_=None, messaging_service_sid=SERVICE)
    send(sim, from_=None, messaging_service_sid=SERVICE, status_callback=None)
    sim.settle()
    assert len(sim.product.on("/status")) == 4
    assert len(sim.product.on("/service-status")) == 4


def test_a_number_without_any_callback_reports_nothing(sim: Running):
    send(sim, status_callback=None)
    sim.settle()
    assert sim.product.heard == []


def test_a_whatsapp_sender_has_a_callback_of_its_own(sim: Running):
    sim.inbound("hi", to=WHATSAPP)
    send(sim, to=WA_CUSTOMER, from_=WHATSAPP, status_callback=None)
    sim.settle()
    assert len(sim.product.on("/sender-status")) == 3


def test_a_callback_is_a_signed_form_with_twilios_parameters(sim: Running):
    made = send(sim, status_callback=f"{sim.product.url}/status?id=7")
    heard = sim.product.wait("/status", 3)[-1]
    url = f"{sim.product.url}/status?id=7"
    assert RequestValidator(TOKEN).validate(url, heard.params, heard.headers["X-Twilio-Signature"])
    assert heard.headers["User-Agent"] == "TwilioProxy/1.1"
    expected = {
        "MessageSid": made.sid,
        "SmsSid": made.sid,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "From": NUMBER,
        "To": CUSTOMER,
        "ApiVersion": "2010-04-01",
        "AccountSid": made.account_sid,
    }
    assert heard.params.items() >= expected.items()
    assert len(heard.params["RawDlrDoneDate"]) == 10
    assert "Body" not in heard.params


def test_a_whatsapp_callback_names_its_channel(sim: Running):
    sim.inbound("hi", to=WHATSAPP)
    send(sim, to=WA_CUSTOMER, from_=WHATSAPP)
    params = sim.product.wait("/status", 3)[-1].params
    assert params["ChannelPrefix"] == "whatsapp"
    assert params["ChannelToAddress"] == "+1202555XXXX"
    assert params["EventType"] == "DELIVERED"
    assert params["ChannelInstallSid"].startswith("XE")


def test_a_customer_who_opens_the_thread_is_reported_once_as_read(sim: Running):
    sim.inbound("hi", to=WHATSAPP)
    made = send(sim, to=WA_CUSTOMER, from_=WHATSAPP)
    sim.settle()
    assert sim.post("/_sim/read", sender=WHATSAPP, customer=WA_CUSTOMER) == {"read": 1}
    assert sim.post("/_sim/read", sender=WHATSAPP, customer=WA_CUSTOMER) == {"read": 0}
    last = sim.product.wait("/status", 4)[-1].params
    assert (last["MessageStatus"], last["EventType"]) == ("read", "READ")
    assert sim.client().messages(made.sid).fetch().status == "read"


def test_read_receipts_can_be_switched_off_and_sms_has_none(sim: Running):
    sim.inbound("hi", to=WHATSAPP)
    send(sim, to=WA_CUSTOMER, from_=WHATSAPP)
    send(sim)
    sim.settle()
    assert sim.post("/_sim/read", sender=NUMBER, customer=CUSTOMER) == {"read": 0}
    sim.post("/_sim/config", settings={"read_receipts": False})
    assert sim.post("/_sim/read", sender=WHATSAPP, customer=WA_CUSTOMER) == {"read": 0}


def test_a_landline_is_accepted_and_reported_undelivered(sim: Running):
    sim.post("/_sim/personas", name="Reception (landline)", address="+12125550160")
    made = send(sim, to="+12125550160")
    last = sim.product.wait("/status", 3)[-1].params
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30006")
    assert sim.client().messages(made.sid).fetch().error_code == 30006


@pytest.mark.parametrize(
    ("number", "statuses", "code"),
    [
        ("+15003000300", ["sending", "sent", "undelivered"], "30003"),
        ("+15003000801", ["sending", "failed"], "30008"),
    ],
)
def test_a_magic_number_ends_with_the_code_in_it(sim: Running, number, statuses, code):
    send(sim, to=number)
    heard = sim.product.wait("/status", len(statuses))
    assert sim.product.statuses() == statuses
    assert heard[-1].params["ErrorCode"] == code


def test_messages_of_one_sender_leave_in_order_at_its_speed(sim: Running):
    sim.post("/_sim/config", settings={"segments_per_second": 0.01})
    sids = [send(sim, f"{n}").sid for n in range(3)]
    other = send(sim, "other", from_=SECOND_NUMBER).sid
    sim.settle()
    assert sorted(_have_left(sim)) == sorted([sids[0], other])
    for n in (2, 3):
        sim.post("/_sim/clock", advance_seconds=100)
        sim.settle()
        assert [sid for sid in _have_left(sim) if sid != other] == sids[:n]


def test_a_long_text_takes_as_long_as_its_segments(sim: Running):
    sim.post("/_sim/config", settings={"segments_per_second": 0.01})
    sids = [send(sim, "a" * 459).sid, send(sim, "b").sid]
    for wait, left in ((0, sids[:1]), (200, sids[:1]), (100, sids)):
        sim.post("/_sim/clock", advance_seconds=wait)
        sim.settle()
        assert _have_left(sim) == left


def test_statuses_wait_for_the_clock(sim: Running):
    sim.post("/_sim/config", settings={"delivered_delay": 3600})
    made = send(sim)
    sim.product.wait("/status", 2)
    assert sim.client().messages(made.sid).fetch().status == "sent"
    sim.post("/_sim/clock", advance_seconds=3601)
    sim.product.wait("/status", 3)
    assert sim.client().messages(made.sid).fetch().status == "delivered"


def test_a_cancelled_message_is_reported(sim: Running):
    at = sim.simulator.parts.clock.now() + timedelta(hours=1)
    made = send(sim, from_=None, messaging_service_sid=SERVICE, schedule_type="fixed", send_at=at)
    sim.client().messages(made.sid).update(status="canceled")
    assert sim.product.wait("/status", 1)[0].params["MessageStatus"] == "canceled"


def test_free_text_outside_the_whatsapp_window_is_accepted_and_then_undelivered(sim: Running):
    sim.inbound("hi", to=WHATSAPP)
    assert _ends(sim, send(sim, to=WA_CUSTOMER, from_=WHATSAPP)) == ("delivered", None)
    sim.post("/_sim/clock", advance_seconds=25 * 3600)
    made = send(sim, to=WA_CUSTOMER, from_=WHATSAPP)
    assert made.status == "queued"
    assert _ends(sim, made) == ("undelivered", 63016)
    assert sim.product.on("/status")[-1].params["ErrorCode"] == "63016"
    sim.inbound("still there", to=WHATSAPP)
    assert _ends(sim, send(sim, to=WA_CUSTOMER, from_=WHATSAPP)) == ("delivered", None)


def test_a_template_goes_out_whatever_the_window(sim: Running):
    contents = sim.client().content.v1.contents.list()
    sid = next(one.sid for one in contents if one.friendly_name == "appointment_reminder")
    made = send(sim, None, to=WA_CUSTOMER, from_=WHATSAPP, content_sid=sid)
    assert _ends(sim, made) == ("delivered", None)
    thread = sim.get(f"/_sim/messages?customer={_quoted(WA_CUSTOMER)}&sender={_quoted(WHATSAPP)}")
    assert thread["messages"][0]["buttons"][0]["payload"] == "confirm"


def test_a_template_through_a_service_comes_back_without_its_text(sim: Running):
    store = sim.simulator.parts.store
    store.senders[WHATSAPP].service_sid = SERVICE
    contents = sim.client().content.v1.contents.list()
    sid = next(one.sid for one in contents if one.friendly_name == "order_update")
    made = send(
        sim, None, to=WA_CUSTOMER, from_=None, messaging_service_sid=SERVICE, content_sid=sid
    )
    assert made.body == ""
    sim.settle()
    assert sim.client().messages(made.sid).fetch().body.startswith("Hello Maria")


def _have_left(sim: Running) -> list[str]:
    """Return the messages that were on their way, in this order."""
    heard = (one.params for one in sim.product.on("/status"))
    return [one["MessageSid"] for one in heard if one["MessageStatus"] == "sending"]


def _ends(sim: Running, made) -> tuple[str, int | None]:
    sim.settle()
    fetched = sim.client().messages(made.sid).fetch()
    return fetched.status, fetched.error_code


def _quoted(address: str) -> str:
    return address.replace("+", "%2B")


def test_a_window_can_be_open_from_the_start(sim: Running):
    at = sim.simulator.parts.clock.timestamp() - 3600
    seen = {"sender": WHATSAPP, "customer": WA_CUSTOMER, "last_inbound_at": at}
    sim.post("/_sim/config", windows=[seen])
    assert _ends(sim, send(sim, to=WA_CUSTOMER, from_=WHATSAPP)) == ("delivered", None)

    sim.post("/_sim/clock", advance_seconds=24 * 3600)
    sim.inbound("and later", to=WHATSAPP)
    # An older word does not close what a newer one has opened.
    sim.post("/_sim/config", windows=[seen])
    assert _ends(sim, send(sim, to=WA_CUSTOMER, from_=WHATSAPP)) == ("delivered", None)
