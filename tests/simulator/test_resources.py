"""Can accounts, numbers, services, senders, templates and media be managed?"""

import base64
import urllib.request

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.simulator.conftest import (
    ACCOUNT,
    CUSTOMER,
    NUMBER,
    POOLED,
    SERVICE,
    TOKEN,
    WHATSAPP,
    Running,
)


def test_a_subaccount_signs_in_by_itself_and_through_its_parent(sim: Running):
    made = sim.client().api.v2010.accounts.create(friendly_name="Branch")
    assert made.owner_account_sid == ACCOUNT
    own = sim.client(made.sid, made.auth_token)
    through_parent = sim.client(ACCOUNT, TOKEN, account_sid=made.sid)
    number = through_parent.incoming_phone_numbers.create(phone_number="+13125550111")
    assert [one.sid for one in own.incoming_phone_numbers.list()] == [number.sid]
    assert number.sid not in [one.sid for one in sim.client().incoming_phone_numbers.list()]
    assert own.messages.create(to=CUSTOMER, from_="+13125550111", body="x").account_sid == made.sid


def test_a_suspended_account_cannot_send_and_a_closed_one_stays_closed(sim: Running):
    accounts = sim.client().api.v2010
    made = accounts.accounts.create(friendly_name="Branch")
    own = sim.client(made.sid, made.auth_token)
    accounts.accounts(made.sid).update(status="suspended")
    with pytest.raises(TwilioRestException) as caught:
        own.messages.create(to=CUSTOMER, from_=NUMBER, body="x")
    assert caught.value.code == 20005
    accounts.accounts(made.sid).update(status="active")
    assert own.messages.list() == []
    accounts.accounts(made.sid).update(status="closed")
    with pytest.raises(TwilioRestException):
        accounts.accounts(made.sid).update(status="active")


def test_numbers_are_searched_bought_changed_and_released(sim: Running):
    client = sim.client()
    offers = client.available_phone_numbers("US").local.list(area_code=512, limit=5)
    assert len(offers) == 5
    assert all(one.phone_number.startswith("+1512555") for one in offers)
    wanted = offers[0].phone_number
    bought = client.incoming_phone_numbers.create(
        phone_number=wanted, sms_url=f"{sim.product.url}/bought"
    )
    again = client.available_phone_numbers("US").local.list(area_code=512)
    assert wanted not in [one.phone_number for one in again]
    sim.inbound("hello", to=wanted)
    assert sim.product.on("/bought")[0].params["Body"] == "hello"
    client.incoming_phone_numbers(bought.sid).update(sms_url=f"{sim.product.url}/moved")
    sim.inbound("hello again", to=wanted)
    assert len(sim.product.on("/moved")) == 1
    assert client.incoming_phone_numbers(bought.sid).delete()
    assert client.incoming_phone_numbers.list(phone_number=wanted) == []


@pytest.mark.parametrize(
    ("number", "code"), [("+15005550000", 21422), ("+15005550001", 21421), (NUMBER, 21422)]
)
def test_a_number_that_cannot_be_bought_says_why(sim: Running, number, code):
    with pytest.raises(TwilioRestException) as caught:
        sim.client().incoming_phone_numbers.create(phone_number=number)
    assert caught.value.code == code


def test_a_service_is_made_changed_filled_and_deleted(sim: Running):
    services = sim.client().messaging.v1.services
    made = services.create(friendly_name="New", inbound_request_url=f"{sim.product.url}/new")
    assert made.inbound_request_url == f"{sim.product.url}/new"
    sid = sim.simulator.parts.store.senders[NUMBER].sid
    services(made.sid).phone_numbers.create(phone_number_sid=sid)
    assert [one.phone_number for one in services(made.sid).phone_numbers.list()] == [NUMBER]
    with pytest.raises(TwilioRestException) as caught:
        services(SERVICE).phone_numbers.create(phone_number_sid=sid)
    assert caught.value.code == 21712
    sim.inbound("for the service")
    assert sim.product.on("/new")[0].params["MessagingServiceSid"] == made.sid
    changed = services(made.sid).update(use_inbound_webhook_on_number=True)
    assert changed.use_inbound_webhook_on_number is True
    sim.inbound("for the number")
    assert len(sim.product.on("/inbound")) == 1
    assert services(made.sid).phone_numbers(sid).delete()
    assert services(made.sid).delete()
    assert [one.sid for one in services.list()] == [SERVICE]


def test_a_whatsapp_sender_is_listed_and_its_webhooks_are_changed(sim: Running):
    senders = sim.client().messaging.v2.channels_senders
    found = senders.list(channel="whatsapp")
    assert [one.sender_id for one in found] == [WHATSAPP]
    from twilio.rest.messaging.v2.channels_sender import ChannelsSenderList

    request = ChannelsSenderList.MessagingV2ChannelsSenderRequestsUpdate(
        {
            "webhook": ChannelsSenderList.MessagingV2ChannelsSenderWebhook(
                {"callback_url": f"{sim.product.url}/wa"}
            )
        }
    )
    changed = senders(found[0].sid).update(messaging_v2_channels_sender_requests_update=request)
    assert changed.webhook["callback_url"] == f"{sim.product.url}/wa"
    sim.inbound("hi", to=WHATSAPP)
    assert len(sim.product.on("/wa")) == 1


def test_templates_are_listed_with_their_approval(sim: Running):
    contents = sim.client().content.v1
    states = {
        one.friendly_name: one.approval_requests["status"]
        for one in contents.content_and_approvals.list()
    }
    assert states["order_update"] == "approved"
    assert states["spring_offer"] == "pending"
    assert states["prize_draw"] == "rejected"
    assert contents.contents(contents.contents.list()[0].sid).fetch().types


def test_a_file_is_reached_by_a_redirect_that_takes_no_credentials(sim: Running):
    params = _inbound_photo(sim)
    path = params["MediaUrl0"].removeprefix("https://api.twilio.com")
    auth = {"Authorization": "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()}
    assert sim.ask("GET", path)[0] == 401
    status, headers, _ = sim.ask("GET", path, None, auth)
    assert status == 307
    cdn = headers["Location"].removeprefix(sim.url)
    assert sim.ask("GET", cdn, None, auth)[0] == 400
    status, headers, data = sim.ask("GET", cdn)
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert data[:2] == b"\xff\xd8"
    assert sim.ask("GET", f"/cdn/{ACCOUNT}/{'0' * 32}")[0] == 404


def test_a_file_is_gone_after_its_deletion(sim: Running):
    params = _inbound_photo(sim)
    message = sim.client().messages(params["MessageSid"])
    files = message.media.list()
    assert [one.content_type for one in files] == ["image/jpeg"]
    assert message.media(files[0].sid).delete()
    assert message.media.list() == []
    with pytest.raises(TwilioRestException):
        message.media(files[0].sid).fetch()


def test_deleting_a_message_deletes_its_files(sim: Running):
    params = _inbound_photo(sim)
    sim.client().messages(params["MessageSid"]).delete()
    assert sim.simulator.parts.store.media == {}


def test_outbound_files_are_fetched_and_shown_on_the_phone(sim: Running):
    answer = sim.product.answers["/picture"]
    answer.body, answer.content_type = b"\x89PNG picture", "image/png"
    made = sim.client().messages.create(
        to=CUSTOMER, from_=NUMBER, media_url=[f"{sim.product.url}/picture"]
    )
    assert (made.sid[:2], made.num_media) == ("MM", "1")
    sim.settle()
    assert [one.method for one in sim.product.on("/picture")] == ["HEAD", "GET"]
    thread = sim.get(f"/_sim/messages?customer=%2B{CUSTOMER[1:]}&sender=%2B{NUMBER[1:]}")
    shown = thread["messages"][0]["media"][0]
    with urllib.request.urlopen(sim.url + shown["url"]) as answered:
        assert answered.read() == b"\x89PNG picture"


@pytest.mark.parametrize(
    ("path", "status", "content_type", "body", "code"),
    [
        ("/missing", 404, "text/plain", b"no", 11200),
        ("/page", 200, "text/html", b"<html>", 12300),
        ("/huge", 200, "image/png", b"x" * (5 * 1024 * 1024 + 1), 11751),
    ],
)
def test_a_file_that_cannot_be_used_fails_the_message(
    sim: Running, path, status, content_type, body, code
):
    answer = sim.product.answers[path]
    answer.status, answer.content_type, answer.body = status, content_type, body
    made = sim.client().messages.create(
        to=CUSTOMER, from_=NUMBER, body="look", media_url=[sim.product.url + path]
    )
    sim.settle()
    fetched = sim.client().messages(made.sid).fetch()
    assert (fetched.status, fetched.error_code) == ("failed", code)


def test_an_unreachable_file_fails_a_whatsapp_message_with_its_own_code(sim: Running):
    sim.inbound("hi", to=WHATSAPP)
    made = sim.client().messages.create(
        to=f"whatsapp:{CUSTOMER}", from_=WHATSAPP, media_url=["http://127.0.0.1:9/x"]
    )
    sim.settle()
    assert sim.client().messages(made.sid).fetch().error_code == 63019


def test_the_pool_of_a_service_keeps_a_customer_with_one_sender(sim: Running):
    store = sim.simulator.parts.store
    store.senders[NUMBER].service_sid = SERVICE
    client = sim.client()
    used = set()
    for _ in range(3):
        made = client.messages.create(to=CUSTOMER, messaging_service_sid=SERVICE, body="x")
        sim.settle()
        used.add(client.messages(made.sid).fetch().from_)
    assert used <= {NUMBER, POOLED}
    assert len(used) == 1


def _inbound_photo(sim: Running) -> dict[str, str]:
    sim.inbound("look", media=[{"sample": "photo"}])
    return sim.product.on("/inbound")[-1].params
