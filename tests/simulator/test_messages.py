"""Do Twilio's client and the simulator understand each other about messages?"""

from datetime import timedelta

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from tests.simulator.conftest import (
    ACCOUNT,
    CUSTOMER,
    FOREIGN,
    NUMBER,
    OTHER_ACCOUNT,
    SECOND_NUMBER,
    SERVICE,
    TOKEN,
    WHATSAPP,
    Running,
)

APPROVED = "continue_conversation"


def template_sid(sim: Running, name: str) -> str:
    return next(
        one.sid for one in sim.client().content.v1.contents.list() if one.friendly_name == name
    )


def refused(sim: Running, **fields) -> TwilioRestException:
    """Send what must be refused and return the refusal."""
    with pytest.raises(TwilioRestException) as caught:
        sim.client().messages.create(**{"to": CUSTOMER, "from_": NUMBER, "body": "Hi", **fields})
    return caught.value


def test_a_message_is_created_fetched_and_listed(sim: Running):
    client = sim.client()
    made = client.messages.create(to=CUSTOMER, from_=NUMBER, body="Hello 👍")
    assert (made.status, made.direction, made.num_segments) == ("queued", "outbound-api", "1")
    assert made.date_created is not None
    assert made.date_created.tzinfo is not None
    sim.settle()
    fetched = client.messages(made.sid).fetch()
    assert (fetched.status, fetched.body, fetched.price) == ("delivered", "Hello 👍", "-0.00790")
    assert [one.sid for one in client.messages.list()] == [made.sid]


def test_lists_are_filtered_by_address_and_date(sim: Running):
    client, now = sim.client(), sim.simulator.parts.clock.now()
    out = client.messages.create(to=CUSTOMER, from_=NUMBER, body="out")
    other = client.messages.create(to="+12025550143", from_=SECOND_NUMBER, body="other")
    incoming = sim.inbound("in")["message_sid"]
    assert [one.sid for one in client.messages.list(to=CUSTOMER)] == [out.sid]
    assert [one.sid for one in client.messages.list(from_=CUSTOMER)] == [incoming]
    assert [one.sid for one in client.messages.list(from_=SECOND_NUMBER)] == [other.sid]
    recent = client.messages.list(date_sent_after=now - timedelta(minutes=5), to=CUSTOMER)
    assert [one.sid for one in recent] == [out.sid]
    sim.settle()
    assert client.messages.list(date_sent_after=now + timedelta(minutes=5)) == []
    assert len(client.messages.list(date_sent_before=now + timedelta(minutes=5))) == 3
    today = now.date()
    page = client.messages.page(date_sent=today)
    assert len(list(page)) == 3
    sim.post("/_sim/clock", advance_seconds=86400 * 3)
    assert client.messages.list(date_sent_after=now + timedelta(days=1)) == []


def test_pages_do_not_shift_when_a_new_message_arrives_in_between(sim: Running):
    client = sim.client()
    sids = [sim.inbound(f"{n}")["message_sid"] for n in range(5)]
    first = client.messages.page(page_size=2)
    shown = [one.sid for one in first]
    sim.inbound("new")
    second = first.next_page()
    assert second is not None
    shown += [one.sid for one in second]
    assert shown == list(reversed(sids))[:4]
    third = second.next_page()
    assert third is not None
    assert [one.sid for one in third] == [sids[0]]
    assert third.next_page() is None


def test_the_client_walks_all_pages(sim: Running):
    sim.inbound("x", repeat=120)
    assert len(sim.client().messages.list(page_size=50)) == 120
    assert len(sim.client().messages.list(limit=7)) == 7


def test_a_finished_message_can_be_redacted_and_deleted(sim: Running):
    client = sim.client()
    made = client.messages.create(to=CUSTOMER, from_=NUMBER, body="secret")
    sim.settle()
    assert client.messages(made.sid).update(body="").body == ""
    assert client.messages(made.sid).delete()
    with pytest.raises(TwilioRestException) as caught:
        client.messages(made.sid).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_a_message_on_its_way_cannot_be_deleted(sim: Running):
    sim.post("/_sim/config", settings={"sending_delay": 30})
    made = sim.client().messages.create(to=CUSTOMER, from_=NUMBER, body="x")
    with pytest.raises(TwilioRestException) as caught:
        sim.client().messages(made.sid).delete()
    assert (caught.value.status, caught.value.code) == (409, 20009)


def test_a_service_chooses_the_sender_and_counts_segments_later(sim: Running):
    client = sim.client()
    made = client.messages.create(to=CUSTOMER, messaging_service_sid=SERVICE, body="a" * 161)
    assert (made.status, made.num_segments, made.from_) == ("accepted", "0", None)
    sim.settle()
    fetched = client.messages(made.sid).fetch()
    assert (fetched.num_segments, fetched.from_) == ("2", "+14155550102")
    assert fetched.messaging_service_sid == SERVICE


def test_a_service_straightens_smart_quotes(sim: Running):
    client = sim.client()
    text = "“" + "a" * 120 + "”"
    plain = client.messages.create(to=CUSTOMER, from_=NUMBER, body=text)
    pooled = client.messages.create(to=CUSTOMER, messaging_service_sid=SERVICE, body=text)
    sim.settle()
    assert plain.num_segments == "2"
    assert client.messages(pooled.sid).fetch().num_segments == "1"


def test_a_scheduled_message_waits_for_its_time_and_can_be_cancelled(sim: Running):
    client = sim.client()
    at = sim.simulator.parts.clock.now() + timedelta(hours=1)
    fields = {"to": CUSTOMER, "messaging_service_sid": SERVICE, "body": "later"}
    kept, dropped = (
        client.messages.create(**fields, schedule_type="fixed", send_at=at) for _ in range(2)
    )
    assert kept.status == "scheduled"
    assert client.messages(dropped.sid).update(status="canceled").status == "canceled"
    sim.post("/_sim/clock", advance_seconds=3700)
    sim.settle()
    assert client.messages(kept.sid).fetch().status == "delivered"
    assert client.messages(dropped.sid).fetch().status == "canceled"
    with pytest.raises(TwilioRestException) as caught:
        client.messages(kept.sid).update(status="canceled")
    assert caught.value.code == 30409


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": ""}, 21604),
        ({"from_": ""}, 21603),
        ({"body": ""}, 21602),
        ({"body": None}, 21619),
        ({"body": "x" * 1601}, 21617),
        ({"to": "12"}, 21211),
        ({"to": "+1202555"}, 21211),
        ({"to": "hello"}, 21211),
        ({"from_": "?!"}, 21212),
        ({"from_": "+14155550166"}, 21606),
        ({"from_": FOREIGN}, 21606),
        ({"to": NUMBER}, 21266),
        ({"from_": WHATSAPP}, 21910),
        ({"to": "whatsapp:+12025550142"}, 21910),
        ({"to": "whatsapp:+12025550142", "from_": "whatsapp:+14155550166"}, 63007),
        ({"media_url": ["http://127.0.0.1/x"] * 11}, 21623),
        ({"media_url": ["ftp://example.com/x"]}, 21620),
        ({"content_sid": "HX" + "0" * 32}, 21655),
        ({"messaging_service_sid": "MG" + "0" * 32}, 21701),
        ({"status_callback": "not a url"}, 21609),
        ({"status_callback": "http://my_host.example.com/"}, 21609),
        ({"schedule_type": "fixed", "send_at": "2126-01-01T00:00:00Z"}, 35118),
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+15005550007"}, 21606),
        ({"from_": "+15005550008"}, 21611),
        ({"to": "+15002161402"}, 21614),
    ],
)
def test_each_mistake_has_twilios_code(sim: Running, fields, code):
    error = refused(sim, **fields)
    assert (error.status, error.code) == (400, code)


def test_a_service_without_a_suitable_sender_refuses(sim: Running):
    error = refused(sim, from_=None, messaging_service_sid=SERVICE, to="whatsapp:+12025550142")
    assert error.code == 21703


def test_scheduling_is_possible_between_a_quarter_of_an_hour_and_five_weeks(sim: Running):
    now = sim.simulator.parts.clock.now()
    for wait in (timedelta(minutes=10), timedelta(days=36)):
        error = refused(
            sim,
            from_=None,
            messaging_service_sid=SERVICE,
            schedule_type="fixed",
            send_at=now + wait,
        )
        assert error.code == 35114


def test_a_blocked_country_is_refused(sim: Running):
    sim.post("/_sim/config", settings={"blocked_prefixes": ["+44"]})
    assert refused(sim, to="+447700900123").code == 21408


def test_template_variables_must_be_an_object_of_strings(sim: Running):
    sid = template_sid(sim, APPROVED)
    error = refused(sim, body=None, content_sid=sid, content_variables="[1]")
    assert error.code == 21656


def test_a_template_is_filled_in(sim: Running):
    made = sim.client().messages.create(
        to="whatsapp:+12025550142",
        from_=WHATSAPP,
        content_sid=template_sid(sim, APPROVED),
        content_variables='{"1": "Ann"}',
    )
    assert made.body is not None
    assert made.body.startswith("Hi Ann, we have an answer")


def test_the_sandbox_number_is_always_there(sim: Running):
    assert sim.client().messages.create(to=CUSTOMER, from_="+15005550006", body="x").sid


def test_an_error_has_twilios_body_and_a_request_id(sim: Running):
    error = refused(sim, to="12")
    assert error.msg == "Unable to create record: The 'To' number 12 is not a valid phone number."
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    status, headers, data = sim.ask("GET", path)
    assert status == 401
    assert b'"more_info": "https://www.twilio.com/docs/errors/20003"' in data
    assert headers["Twilio-Request-Id"].startswith("RQ")


def test_numbers_are_taken_in_the_usual_spellings(sim: Running):
    made = sim.client().messages.create(to="(202) 555-0142", from_=NUMBER, body="x")
    assert made.to == CUSTOMER


@pytest.mark.parametrize(
    ("sid", "token"),
    [(ACCOUNT, "wrong"), ("AC" + "f" * 32, TOKEN), (OTHER_ACCOUNT, TOKEN)],
)
def test_wrong_credentials_are_refused(sim: Running, sid, token):
    with pytest.raises(TwilioRestException) as caught:
        sim.client(sid, token).api.v2010.accounts(sid).fetch()
    assert (caught.value.status, caught.value.code) == (401, 20003)
    # A list that is refused raises the library's other error, without status or code.
    with pytest.raises(TwilioException, match="20003"):
        sim.client(sid, token).messages.list()


def test_nobody_sees_the_messages_of_another_account(sim: Running):
    sid = sim.client().messages.create(to=CUSTOMER, from_=NUMBER, body="x").sid
    stranger = sim.client(OTHER_ACCOUNT, "3" * 32)
    assert stranger.messages.list() == []
    through_path = sim.client(OTHER_ACCOUNT, "3" * 32, account_sid=ACCOUNT)
    for client, status in ((stranger, 404), (through_path, 401)):
        with pytest.raises(TwilioRestException) as caught:
            client.messages(sid).fetch()
        assert caught.value.status == status


def test_an_api_key_of_the_account_signs_in(sim: Running):
    key = {"sid": "SK" + "d" * 32, "secret": "s3cret"}
    account = {"account_sid": ACCOUNT, "auth_token": TOKEN, "api_keys": [key]}
    sim.post("/_sim/config", accounts=[account])
    client = sim.client(key["sid"], key["secret"], account_sid=ACCOUNT)
    assert client.messages.create(to=CUSTOMER, from_=NUMBER, body="x").sid


def test_the_host_that_was_meant_tells_the_resources_apart(sim: Running):
    headers = {"Authorization": "Basic " + _basic(), "X-Original-Host": "messaging.twilio.com"}
    status, _, _ = sim.ask("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", None, headers)
    assert status == 404
    headers["X-Original-Host"] = "api.twilio.com"
    status, _, _ = sim.ask("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", None, headers)
    assert status == 200


def _basic() -> str:
    import base64

    return base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
