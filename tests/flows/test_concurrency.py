"""What if a thousand things happen at the same moment?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from inbox.conversations import claim_conversation
from inbox.models import (
    Contact,
    Conversation,
    ConversationEvent,
    InboxEvent,
    Message,
    Participant,
    Receipt,
    TeamInbox,
    Thread,
)
from inbox.models.ids import client_id
from inbox.reply_settings import greeting
from inbox.sending import deliver, send_reply
from inbox.sending.handing_over import A_MOMENT
from tests.conftest import House
from tests.doors import Browser, all_at_once, signed
from tests.factories import make_inbox, make_rules, make_sender
from tests.faults import crowd, customers_write, gaps, handed_over_twice
from tests.live import Live, until
from tests.twilio import inbound_form, status_in, text_in

MARIA = "+14155550101"
T = TypeVar("T")


@pytest.mark.slow
def test_a_thousand_replays_of_one_webhook_are_one_message(house: House, live: Live) -> None:
    webhook = signed(live, house.sender, inbound_form(house.sender, MARIA, "Hello"))

    answers = all_at_once([webhook] * 1000)

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    receipt = Receipt.objects.get()
    assert receipt.repeats == 999
    # While repeats are counted its row may be locked: then a worker tells its story.
    done = Receipt.objects.filter(state=Receipt.State.DONE)
    until(done.exists, within=30, what="the receipt is processed")
    assert Message.objects.count() == 1
    assert Conversation.objects.count() == 1
    assert InboxEvent.objects.count() == 3
    assert gaps(house.inbox) == []


@pytest.mark.slow
def test_five_hundred_first_messages_at_once_are_one_conversation(house: House, live: Live) -> None:
    forms = [inbound_form(house.sender, MARIA, f"Word {i}") for i in range(500)]

    answers = all_at_once([signed(live, house.sender, form) for form in forms])

    assert {answer.status for answer in answers} == {200}
    assert Receipt.objects.count() == 500
    until(
        lambda: not Receipt.objects.exclude(state=Receipt.State.DONE).exists(),
        within=90,
        what="every receipt is processed",
    )
    assert Contact.objects.count() == 1
    assert Thread.objects.count() == 1
    conversation = Conversation.objects.get()
    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == list(
        range(1, 501)
    )
    assert {form["Body"] for form in forms} == set(Message.objects.values_list("body", flat=True))
    assert conversation.last_inbound_seq == conversation.thread.last_seq == 500
    assert conversation.wait_generation == 1
    # And that the conversation began, with a line in its timeline.
    assert InboxEvent.objects.count() == 500 + 2
    assert gaps(house.inbox) == []


@pytest.mark.slow
def test_two_hundred_claims_at_once_have_one_winner(house: House, edge: Live) -> None:
    [answer] = all_at_once([signed(edge, house.sender, inbound_form(house.sender, MARIA, "Hi"))])
    assert answer.status == 200
    conversation = Conversation.objects.get()
    browsers = [Browser(edge, user) for user in crowd(house.inbox, 200)]
    path = f"/c/{conversation.public_id}/claim/"
    began = timezone.now()

    answers = all_at_once([one.as_request("POST", path, {"version": "1"}) for one in browsers])

    conversation.refresh_from_db()
    winners = [
        one.user for one, answer in zip(browsers, answers, strict=True) if answer.status == 200
    ]
    assert winners == [conversation.owner]
    losers = [answer for answer in answers if answer.status != 200]
    assert {answer.status for answer in losers} == {409}
    assert len(losers) == 199
    since = conversation.owned_since
    assert since is not None
    assert since >= began
    words = f"{winners[0].name} has this conversation."
    expected = {
        "code": "claimed_by_other",
        "detail": words,
        "owner": winners[0].name,
        "since": since.isoformat(),
    }
    assert all(answer.json() == expected for answer in losers), losers[0].body
    owners = Participant.objects.filter(conversation=conversation, role="owner", ended_at=None)
    assert [part.user for part in owners] == winners
    assert ConversationEvent.objects.filter(verb="claimed").count() == 1
    assert gaps(house.inbox) == []


def test_eight_workers_at_once_hand_each_message_over_once(
    house: House, edge: Live, settings: Any
) -> None:
    settings.TWILIO_API_BASE = edge.carrier.url
    edge.carrier.know(edge.base_url, house.sender)
    messages = [
        send_reply(
            conversation=conversation,
            by=house.viewer(house.alice),
            user=house.alice,
            body="Once",
            client_id=client_id(),
            now=timezone.now(),
        )
        for conversation in customers_write(edge, house.sender, 20)
    ]

    for message in messages:
        now = timezone.now()
        outcomes = _side_by_side(8, partial(deliver, message.pk, now=now))
        assert len([outcome for outcome in outcomes if outcome]) == 1

    ledger = edge.carrier.ledger()
    assert len(ledger) == 20
    assert handed_over_twice(ledger) == []


@pytest.mark.slow
def test_fifty_messages_at_the_same_moment_get_one_answer(house: House, live: Live) -> None:
    price = {"name": "Prices", "phrases": ["price"], "variants": [{"text": "See our prices"}]}
    TeamInbox.objects.update(replies={**greeting("Welcome"), "keyword": [price]})
    forms = [inbound_form(house.sender, MARIA, f"price {i}") for i in range(50)]

    all_at_once([signed(live, house.sender, form) for form in forms])

    until(
        lambda: not Receipt.objects.exclude(state=Receipt.State.DONE).exists(),
        within=90,
        what="every receipt is processed",
    )
    assert Message.objects.filter(direction="in").count() == 50
    said = Message.objects.filter(kind="auto").values_list("body", flat=True)
    assert list(said) == ["See our prices"]


def test_a_greeting_is_not_sent_while_a_person_is_answering(
    house: House, edge: Live, settings: Any
) -> None:
    settings.TWILIO_API_BASE = edge.carrier.url
    edge.carrier.know(edge.base_url, house.sender)
    TeamInbox.objects.update(replies=greeting("Welcome"))
    [conversation] = customers_write(edge, house.sender, 1)
    promised = Message.objects.get(kind="auto")

    with ThreadPoolExecutor(1) as worker:
        with transaction.atomic():
            # What a person writes is in the thread when this ends, and cannot be seen before.
            Thread.objects.select_for_update(no_key=True).get(pk=conversation.thread_id)
            now = timezone.now()
            sent = worker.submit(_alone, partial(deliver, promised.pk, now=now)).result()
            assert sent is None
        promised.refresh_from_db()
        assert promised.status == "queued"
        send_reply(
            conversation=conversation,
            by=house.viewer(house.alice),
            user=house.alice,
            body="Here I am",
            client_id=client_id(),
            now=timezone.now(),
        )
        later = timezone.now() + A_MOMENT
        worker.submit(_alone, partial(deliver, promised.pk, now=later)).result()

    promised.refresh_from_db()
    assert (promised.status, promised.error_code) == ("blocked", "NOT_WANTED")
    assert edge.carrier.ledger() == []


def test_a_status_that_waited_for_its_turn_is_told_to_the_audience_of_now(
    house: House, edge: Live
) -> None:
    [conversation] = customers_write(edge, house.sender, 1)
    message = Message.objects.create(
        account=house.account,
        thread=conversation.thread,
        conversation=conversation,
        seq=2,
        direction="out",
        status="sent",
        provider_sid="SM" + "1" * 32,
        body="On its way",
        created_at=timezone.now(),
    )

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        Message.objects.select_for_update().get(pk=message.pk)
        heard = other.submit(_alone, lambda: status_in(Client(), message, "delivered"))
        until(_somebody_waits_for_a_lock, within=5)
        with ThreadPoolExecutor(1) as third:
            third.submit(_alone, lambda: _claim(house, conversation)).result()
    assert heard.result().status_code == 204

    told = InboxEvent.objects.get(type="message.status")
    assert told.audience == {"users": [house.alice.pk]}


@pytest.mark.django_db(transaction=True)
def test_inboxes_that_share_rules_and_people_take_turns(house: House) -> None:
    """Messages to two inboxes at the same moment: nobody gets two while another gets none."""
    other = make_inbox(house.account)
    senders = [house.sender, make_sender(other, twilio_account=house.sender.twilio_account)]
    pair = [house.alice.pk, house.bob.pk]
    make_rules(house.inbox, {"id": "own", "then": {"tags": ["support"]}})
    make_rules(other, {"id": "own", "then": {"tags": ["other"]}})
    turns = {"id": "turns", "then": {"to": [{"who": "round_robin", "people": pair}]}}
    make_rules(house.inbox, turns, is_always_first=True)

    left = iter(senders)

    def write_many() -> None:
        client, sender = Client(), next(left)
        for number in range(15):
            text_in(client, sender, f"+14155550{sender.pk % 10}{number:02d}")

    _side_by_side(2, write_many)

    parts = Participant.objects.filter(ended_at=None).values_list("user", flat=True)
    assert sorted(parts) == sorted(pair * 15)


def _claim(house: House, conversation: Conversation) -> Conversation:
    by = house.viewer(house.alice)
    return claim_conversation(
        conversation=conversation, by=by, user=house.alice, now=timezone.now()
    )


def _side_by_side(count: int, act: Callable[[], T]) -> list[T]:
    """Do the same in so many threads at the same moment."""
    ready = threading.Barrier(count)

    def when_ready() -> T:
        connection.ensure_connection()
        ready.wait(10)
        return act()

    with ThreadPoolExecutor(count) as pool:
        begun = [pool.submit(_alone, when_ready) for _ in range(count)]
        return [one.result() for one in begun]


def _alone(act: Callable[[], T]) -> T:
    """Do something in a thread that leaves no database connection behind."""
    try:
        return act()
    finally:
        connections.close_all()


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        row = cursor.fetchone()
    return bool(row[0])
