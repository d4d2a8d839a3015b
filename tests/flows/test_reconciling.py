"""Does a message whose webhook never came still come in, once, quietly, and only if it is ours?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from compliance.models import Consent
from inbox.models import AutoReplyLog, Message, Receipt, Sender, TeamInbox
from inbox.reconciling import find_lost
from inbox.reply_settings import greeting
from inbox.twilio.simulator.api import messages
from inbox.twilio.simulator.api.paging import classic_page
from inbox.twilio.simulator.exchange import Request, Response
from inbox.twilio.simulator.model import Message as Remote
from inbox.twilio.simulator.rendering import message_json
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_sender, make_twilio_account

MARIA = "+14155550100"
SERVICE = "MG" + "d" * 32
POOL_NUMBER = "+15550100777"


@pytest.fixture
def lost(house: House, twilio: Twilio) -> Any:
    """Return a function that lets a customer write to us while nobody hears it."""
    Sender.objects.update(created_at=timezone.now() - timedelta(days=30))
    twilio.knows(house.sender, webhooks="http://127.0.0.1:1")

    def write(body: str = "Are you there?", to: str = "", **fields: Any) -> str:
        twilio.fault("lost_webhook", times=1)
        told = {"from": MARIA, "to": to or house.sender.address, "body": body, **fields}
        return str(twilio.tell("inbound", **told)["message_sid"])

    return write


def _make_service(house: House, twilio: Twilio) -> Sender:
    account = house.sender.twilio_account
    twilio.tell(
        "config",
        senders=[{"account_sid": account.account_sid, "address": POOL_NUMBER}],
        services=[
            {
                "account_sid": account.account_sid,
                "sid": SERVICE,
                "inbound_request_url": "http://127.0.0.1:1/",
                "senders": [POOL_NUMBER, house.sender.address],
            }
        ],
    )
    service = make_sender(
        house.inbox, SERVICE, twilio_account=account, kind="service", messaging_service_sid=SERVICE
    )
    Sender.objects.update(created_at=timezone.now() - timedelta(days=30))
    return service


def test_a_lost_message_is_taken_in_once(house: House, lost: Any) -> None:
    sid = lost("Are you there?")

    assert find_lost(now=timezone.now()) == 1
    assert find_lost(now=timezone.now()) == 0

    message = Message.objects.get()
    assert (message.provider_sid, message.body) == (sid, "Are you there?")


def test_what_a_messaging_service_received_is_taken_in(
    house: House, lost: Any, twilio: Twilio
) -> None:
    service = _make_service(house, twilio)
    lost("To the service", to=POOL_NUMBER)
    lost("To our number, which is in the service too")

    find_lost(now=timezone.now())

    senders = dict(Message.objects.values_list("body", "thread__sender"))
    assert senders == {
        "To the service": service.pk,
        "To our number, which is in the service too": house.sender.pk,
    }
    assert Message.objects.get(body="To the service").thread.our_address == POOL_NUMBER


def test_a_crowd_that_was_lost_is_taken_in_whole(
    house: House, lost: Any, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.twilio.client.PAGE_SIZE", 100, raising=False)
    lost()
    [one] = twilio.simulator.parts.store.messages.values()
    for number in range(230):
        twilio.simulator.parts.store.add_message(_like(one, number))

    assert find_lost(now=timezone.now()) == 231
    assert Message.objects.count() == 231


def _like(one: Remote, number: int) -> Remote:
    at = one.created_at - number
    return Remote(
        f"SM{number:032x}",
        *(one.account_sid, one.sender, f"+1415556{number:04d}", "inbound", "Hi", "received"),
        created_at=at,
        sent_at=at,
    )


def test_what_is_older_than_our_sender_is_not_ours(house: House, lost: Any) -> None:
    lost()
    Sender.objects.update(created_at=timezone.now() + timedelta(minutes=1))

    assert find_lost(now=timezone.now() + timedelta(minutes=2)) == 0
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("trouble", ["refused", "unreadable", "secret"])
def test_trouble_with_one_sender_costs_the_others_nothing(
    house: House, lost: Any, twilio: Twilio, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    strange = make_sender(
        house.inbox, "+15550100000", twilio_account=make_twilio_account(house.account)
    )
    Sender.objects.update(created_at=timezone.now() - timedelta(days=30))
    if trouble == "secret":
        _spoil_secret(strange)
    if trouble == "unreadable":
        twilio.knows(strange, house.sender, webhooks="http://127.0.0.1:1")
        _answer_strangely(strange, monkeypatch)
    lost()

    assert find_lost(now=timezone.now()) == 1
    assert Message.objects.get().thread.sender == house.sender


def _spoil_secret(sender: Sender) -> None:
    # Past the field, which would encrypt it.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_twilioaccount SET auth_token = 'fernet:spoilt' WHERE id = %s",
            [sender.twilio_account_id],
        )


def _answer_strangely(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the carrier's list of this sender be no list."""

    def page(request: Request, *about: Any) -> Response:
        is_strange = request.query.get("To") == sender.address
        return Response(200, b"<html>") if is_strange else classic_page(request, *about)

    monkeypatch.setattr(messages, "classic_page", page)


def test_a_message_without_a_readable_time_comes_in_all_the_same(
    lost: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    undated = {"date_created": "yesterday", "date_sent": "yesterday"}
    monkeypatch.setattr(messages, "message_json", lambda one: message_json(one) | undated)
    lost("When was it?")

    assert find_lost(now=timezone.now()) == 1
    assert Message.objects.get().body == "When was it?"


def test_what_came_within_a_second_keeps_its_order(lost: Any) -> None:
    words = ["one", "two", "three", "four"]
    for word in words:
        lost(word)

    find_lost(now=timezone.now())

    assert list(Message.objects.order_by("seq").values_list("body", flat=True)) == words


def test_a_lost_message_is_not_greeted(house: House, lost: Any) -> None:
    TeamInbox.objects.update(replies=greeting("Welcome!"))
    lost()

    find_lost(now=timezone.now())

    assert Message.objects.get().direction == "in"
    assert not AutoReplyLog.objects.exists()


def test_a_lost_stop_binds_and_is_not_confirmed_so_late(house: House, lost: Any) -> None:
    lost("Hello")
    lost("opt out")

    find_lost(now=timezone.now())

    assert Consent.objects.get().state == "opted_out"
    assert not Message.objects.filter(direction="out").exists()


def test_a_lost_message_keeps_its_time_and_its_files(
    house: House, lost: Any, now: datetime
) -> None:
    before = timezone.now().replace(microsecond=0)
    lost("Look", media=[{"content_type": "image/png", "data_base64": "iVBORw0KGgo="}])

    find_lost(now=timezone.now() + timedelta(hours=1))

    message = Message.objects.get()
    assert message.received_at
    assert before <= message.received_at <= timezone.now()
    assert message.provider_at == message.received_at
    [file] = message.attachments.all()
    assert file.declared_type == "image/png"
