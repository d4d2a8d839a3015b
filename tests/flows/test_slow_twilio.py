"""Does every message end right when Twilio is slow, overloaded, broken, confused or away?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from compliance.models import Consent
from inbox.models import Conversation, InboxEvent, Message, Receipt
from inbox.models.ids import client_id
from inbox.sending import (
    deliver,
    look_up_unknown,
    owed_messages,
)
from tests.conftest import House
from tests.doors import Browser
from tests.faults import customers_write, handed_over_twice, lost, out_of_order
from tests.flows.test_together import Stage
from tests.live import Live, until
from tests.twilio import status_in

_Status = Message.Status
SEQUENCES = {
    "delivered": ["queued", "sending", "sent", "delivered"],
    "read": ["sending", "sent", "delivered", "read"],
    "failed": ["queued", "sending", "sent", "undelivered"],
}


class Desk:
    """Alice at her desk, with one customer."""

    def __init__(self, house: House, live: Live) -> None:
        live.carrier.know(live.base_url, house.sender)
        self.house, self.live = house, live
        [self.conversation] = customers_write(live, house.sender, 1)
        self.browser = Browser(live, house.alice)

    def write(self, body: str) -> Message:
        """Let Alice answer."""
        said = self.browser.write(self.conversation, body, client_id=client_id())
        assert said.status_code == 201, said.text
        return Message.objects.get(body=body)

    def wait_for(self, message: Message, status: str, within: float = 10.0) -> None:
        """Wait until the message is that far."""
        until(
            lambda: _status(message) == status,
            within=within,
            what=f"{message.body!r} is {status}, it is {_status(message)}",
        )

    def bodies(self) -> list[str]:
        """Return what Twilio took on, in order."""
        return [entry.body for entry in self.live.carrier.accepted()]

    def check(self) -> None:
        """Check what must hold whatever happened."""
        ledger = self.live.carrier.ledger()
        assert handed_over_twice(ledger) == []
        assert lost(self.house.account, ledger) == []
        assert out_of_order(self.house.account, ledger) == []


def _status(message: Message) -> str:
    return Message.objects.values_list("status", flat=True).get(pk=message.pk)


@pytest.fixture
def desk(house: House, live: Live) -> Desk:
    """Have Alice's desk while everything works."""
    return Desk(house, live)


@pytest.fixture
def slow_desk(house: House, edge: Live, settings: Any) -> Desk:
    """Have Alice's desk while workers and clock stand still: the test is the worker."""
    settings.TWILIO_API_BASE = edge.carrier.url
    settings.TWILIO_TIMEOUT_SECONDS = 1.0
    settings.PUBLIC_BASE_URL = edge.base_url
    return Desk(house, edge)


def _work_until_nothing_is_owed(now: datetime) -> datetime:
    """Deliver what is owed, letting the clock jump to whatever is due next; return the time."""
    for _ in range(100):
        for message_id in owed_messages(now=now):
            deliver(message_id, now=now)
        queued = Message.objects.filter(status=_Status.QUEUED)
        if not queued.exists():
            return now
        now += timedelta(seconds=1)
        waits = queued.order_by("nudge_at").values_list("nudge_at", flat=True).first()
        now = max(now, waits or now)
    raise AssertionError(f"still queued: {queued.count()}")


@pytest.mark.slow
def test_an_answer_after_twenty_seconds_is_unknown_until_the_callback_binds_it(desk: Desk) -> None:
    desk.live.carrier.fault("hang_after", seconds=20)
    desk.live.carrier.fault("late_callback", seconds=4)

    slow, next_one = desk.write("Slow"), desk.write("Next")

    desk.wait_for(slow, _Status.UNKNOWN)
    assert InboxEvent.objects.filter(type="message.updated", data__id=slow.public_id).exists()
    desk.wait_for(next_one, _Status.DELIVERED)
    desk.wait_for(slow, _Status.DELIVERED)
    slow.refresh_from_db()
    assert (slow.error_code, slow.error_words) == ("", "")
    assert slow.provider_sid == desk.live.carrier.accepted()[0].sid
    assert desk.bodies() == ["Slow", "Next"]
    desk.check()


def test_a_question_that_twilio_never_took_stays_unknown_until_a_person_sends_it_again(
    slow_desk: Desk,
) -> None:
    desk = slow_desk
    desk.live.carrier.fault("hang_before", seconds=3)
    message = desk.write("Into the void")
    now = _work_until_nothing_is_owed(timezone.now())
    assert _status(message) == _Status.UNKNOWN

    assert look_up_unknown(now=now + timedelta(minutes=1)) == 0
    said = [desk.browser.post(f"/messages/{message.public_id}/resend/") for _ in range(2)]
    _work_until_nothing_is_owed(timezone.now())

    assert [answer.status_code for answer in said] == [200, 200]
    assert _status(message) == _Status.UNKNOWN
    again = Message.objects.get(resend_of=message)
    desk.wait_for(again, _Status.DELIVERED)
    assert [entry.message_id for entry in desk.live.carrier.accepted()] == [again.public_id]
    desk.check()


def test_429_five_times_and_then_each_message_leaves_once_and_in_order(slow_desk: Desk) -> None:
    desk = slow_desk
    desk.live.carrier.fault("rate_limit", times=5)
    messages = [desk.write(body) for body in ("one", "two", "three")]
    began = timezone.now()

    ended = _work_until_nothing_is_owed(began)

    assert desk.bodies() == ["one", "two", "three"]
    assert [entry.status for entry in desk.live.carrier.ledger()] == [429] * 5 + [201] * 3
    # Each pause is at least half of 2, 4, 8, 16 and 32 seconds.
    assert ended - began >= timedelta(seconds=31)
    for message in messages:
        desk.wait_for(message, _Status.DELIVERED)
    messages[0].refresh_from_db()
    assert messages[0].attempts == 6
    desk.check()


@pytest.mark.parametrize("kind", ["server_error_after", "reset_after"])
def test_a_failure_after_accepting_is_settled_by_the_callback(desk: Desk, kind: str) -> None:
    desk.live.carrier.fault(kind)
    desk.live.carrier.fault("late_callback", seconds=1.5)

    message = desk.write("Taken, and then it broke")

    desk.wait_for(message, _Status.UNKNOWN)
    desk.wait_for(message, _Status.DELIVERED)
    assert desk.bodies() == ["Taken, and then it broke"]
    desk.check()


def test_a_failure_after_accepting_without_a_callback_is_settled_by_twilio_s_own_list(
    slow_desk: Desk,
) -> None:
    desk = slow_desk
    desk.live.carrier.fault("server_error_after")
    desk.live.carrier.fault("no_callback")
    message = desk.write("Look me up")
    now = _work_until_nothing_is_owed(timezone.now())
    assert _status(message) == _Status.UNKNOWN
    assert look_up_unknown(now=now) == 0

    found = look_up_unknown(now=now + timedelta(seconds=20))

    assert found == 1
    message.refresh_from_db()
    [entry] = desk.live.carrier.accepted()
    assert message.provider_sid == entry.sid
    assert message.status in {_Status.SENT, _Status.DELIVERED}
    desk.check()


def test_two_equal_messages_that_broke_are_not_guessed_at(slow_desk: Desk) -> None:
    desk = slow_desk
    desk.live.carrier.fault("server_error_after", times=2)
    desk.live.carrier.fault("no_callback", times=2)
    for _ in range(2):
        said = desk.browser.write(desk.conversation, "Yes", client_id=client_id())
        assert said.status_code == 201
    now = _work_until_nothing_is_owed(timezone.now())

    found = look_up_unknown(now=now + timedelta(seconds=20))

    messages = list(Message.objects.filter(body="Yes"))
    assert found == 0
    assert {message.status for message in messages} == {_Status.UNKNOWN}
    desk.check()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("reversed_callbacks", {}),
        ("duplicate_callback", {"copies": 3}),
        ("callback_before_reply", {}),
    ],
)
def test_confused_callbacks_end_right(desk: Desk, kind: str, fields: dict[str, Any]) -> None:
    desk.live.carrier.fault(kind, **fields)

    message = desk.write("Confusing")

    desk.wait_for(message, _Status.DELIVERED)
    until(
        lambda: not Receipt.objects.filter(kind="status").exclude(state="done").exists(), within=5
    )
    desk.live.carrier.ask("POST", "settle", within=1, timeout=10)
    heard = Receipt.objects.filter(kind="status", message_sid=desk.live.carrier.accepted()[0].sid)
    assert {receipt.status for receipt in heard} >= {"sending", "sent", "delivered"}
    if kind == "duplicate_callback":
        assert {receipt.repeats for receipt in heard} == {3}
    message.refresh_from_db()
    assert message.status == _Status.DELIVERED
    assert message.provider_sid == desk.live.carrier.accepted()[0].sid
    desk.check()


@pytest.mark.parametrize("final", SEQUENCES)
def test_callbacks_in_any_order_and_twice_end_the_same(
    house: House, client: Client, now: datetime, final: str
) -> None:
    stage = Stage(house, client, now)
    orders: Sequence[tuple[str, ...]] = list(itertools.permutations(SEQUENCES[final]))
    messages = [stage.reply(house.alice, f"Message {i}") for i in range(len(orders))]

    for message, order in zip(messages, orders, strict=True):
        Message.objects.filter(pk=message.pk).update(
            status=_Status.SENT, provider_sid=f"SM{message.pk:032x}"
        )
        message.refresh_from_db()
        for status in (*order, *order):
            code = "30003" if status == "undelivered" else ""
            assert status_in(client, message, status, code).status_code == 204

    ends = {order: _status(message) for message, order in zip(messages, orders, strict=True)}
    assert set(ends.values()) == {final}, ends
    assert not Receipt.objects.filter(kind="status").exclude(state="done").exists()


@pytest.mark.slow
def test_while_twilio_is_away_messages_wait_and_then_leave_once(desk: Desk) -> None:
    desk.live.simulator.stop()

    messages = [desk.write(body) for body in ("first", "second")]
    until(lambda: Message.objects.get(pk=messages[0].pk).attempts >= 1, within=10)
    desk.wait_for(messages[0], _Status.QUEUED)
    desk.live.simulator.start()
    desk.live.wait_until_ready()
    desk.live.carrier.know(desk.live.base_url, desk.house.sender)

    for message in messages:
        desk.wait_for(message, _Status.DELIVERED, within=30)
    assert desk.bodies() == ["first", "second"]
    desk.check()


def test_21610_is_an_opt_out_that_stops_what_waits_and_what_comes(slow_desk: Desk) -> None:
    desk = slow_desk
    desk.live.carrier.fault("reject", code=21610)
    refused, waiting = desk.write("Are you there?"), desk.write("Hello?")

    _work_until_nothing_is_owed(timezone.now())
    later = desk.browser.write(desk.conversation, "One more", client_id=client_id())

    refused.refresh_from_db()
    assert (refused.status, refused.error_code) == (_Status.FAILED, "21610")
    assert refused.error_words == "They texted STOP. Only they can undo it, by texting START."
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error_code) == (_Status.CANCELED, "OPTED_OUT")
    assert Consent.objects.get().state == "opted_out"
    assert later.status_code == 422
    assert later.json()["code"] == "provider_blocked"
    assert not Message.objects.filter(body="One more").exists()
    assert len(desk.live.carrier.ledger()) == 1
    assert Conversation.objects.get().has_failed_message


def test_a_message_that_stop_overtook_never_leaves(slow_desk: Desk) -> None:
    desk = slow_desk
    message = desk.write("Buy now")

    desk.live.carrier.ask(
        "POST",
        "inbound",
        **{"from": desk.conversation.thread.customer_address, "to": desk.house.sender.address},
        body="STOP",
    )
    outcome = deliver(message.pk, now=timezone.now())

    assert outcome is None
    assert _status(message) == _Status.CANCELED
    assert desk.live.carrier.ledger() == []
