"""Do programs hear what happens: all of it, only what is theirs, in order, and again if need be?"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from standardwebhooks import Webhook

from accounts.models import Account, AuditEntry, Feature, FeatureGrant, User
from inbox.closing import close_conversation
from inbox.conversations import add_note, claim_conversation, transfer_to_inbox
from inbox.event_webhooks import telling
from inbox.event_webhooks.owing import owe_next
from inbox.event_webhooks.telling import AT_ONCE, PAUSES, forget_deliveries, tell_next
from inbox.forgetting.removing import remove_message
from inbox.models import (
    Contact,
    Conversation,
    EventCursor,
    EventDelivery,
    EventType,
    EventWebhook,
    InboxEvent,
    Message,
)
from inbox.models.ids import client_id
from inbox.sending import send_reply
from inbox.setup.event_webhooks import (
    Wanted,
    add_webhook,
    begin_new_secret,
    change_webhook,
    delete_webhook,
    end_old_secret,
    send_again,
    switch_webhook,
)
from routing.lookups import DefinitionError
from tests.conftest import NOW, House
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.outside import Answer, Asked, Outside, outside, says
from tests.twilio import text_in

pytestmark = pytest.mark.django_db
MARIA = "+14155550177"
ALL = tuple(EventType.values)


@pytest.fixture(autouse=True)
def internal(settings: Any) -> None:
    """The operator lets hosts of this machine be told; no other test's failures count."""
    settings.CHANNEL_PREFIX = f"test-{uuid4().hex}"
    settings.LOOKUP_INTERNAL_HOSTS = ["127.0.0.1"]


@pytest.fixture(autouse=True)
def at_three() -> Iterator[None]:
    """What comes in comes now."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def hosts() -> Iterator[Callable[..., Outside]]:
    """Return a function that starts a host, which ends with the test."""
    with ExitStack() as stack:
        yield lambda answer=None: stack.enter_context(outside(answer or says()))


def webhook_at(
    ada: User, url: str, *, kinds: tuple[str, ...] = ALL, **more: Any
) -> tuple[EventWebhook, str]:
    assert ada.account is not None
    name = more.pop("name", "Warehouse")
    wanted = Wanted(name, f"{url}/events", kinds, **more)
    return add_webhook(account=ada.account, wanted=wanted, by=ada, now=NOW)


def by(house: House, user: User) -> dict[str, Any]:
    """Return who does something to the only conversation, and when."""
    row = Conversation.objects.select_related(
        "inbox", "owner", "thread__sender", "thread__contact", "thread__address", "contact"
    ).get()
    return {"conversation": row, "by": house.viewer(user), "user": user, "now": NOW}


def tell_all(now: datetime = NOW) -> None:
    """Do what the clock does."""
    while owe_next(now=now):
        pass
    while tell_next(now=now):
        pass


def told_to(host: Outside) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in host.asked]


def in_turn(*answers: Answer) -> Answer:
    """Return what answers with each of these once, and with the last one for ever."""
    left = chain(answers, repeat(answers[-1]))
    lock = threading.Lock()

    def answer(connection: Any, asked: Asked) -> None:
        with lock:
            one = next(left)
        one(connection, asked)

    return answer


# --- What is told ---------------------------------------------------------------------------------


def test_a_program_hears_a_whole_story_in_order_and_signed(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside], twilio: Any
) -> None:
    host = hosts()
    _, secret = webhook_at(ada, host.url)
    text_in(client, house.sender, MARIA, "Where is my order?")
    claim_conversation(**by(house, house.alice))
    send_reply(**by(house, house.alice), body="On its way.", client_id=client_id())
    tell_all()

    heard = told_to(host)
    assert [one["seq"] for one in heard] == sorted(one["seq"] for one in heard)
    assert len(heard) == InboxEvent.objects.count()
    came = next(one for one in heard if one["type"] == "message.received")
    assert came["message"]["text"] == "Where is my order?"
    assert (came["contact"]["number"], came["account"]) == (MARIA, house.account.pk)
    assert came["inbox"] == {"id": house.inbox.pk, "name": "Support", "slug": "support"}
    assert came["conversation"]["id"] == Conversation.objects.get().public_id
    wrote = next(one for one in heard if one["type"] == "message.created")
    assert (wrote["message"]["text"], wrote["actor"]["email"]) == (
        "On its way.",
        house.alice.email,
    )
    verbs = [one["data"]["verb"] for one in heard if one["type"] == "activity.created"]
    assert "claimed" in verbs
    for one in host.asked:
        said = Webhook(secret).verify(one.body.decode(), one.headers)
        assert said["id"] == one.headers["webhook-id"]
    assert {one.path for one in host.asked} == {"/events"}
    assert set(EventDelivery.objects.values_list("status", "tries")) == {("told", 1)}


def test_only_what_was_asked_for_is_told(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    webhook_at(ada, host.url, kinds=("note.created", "consent.changed"))
    text_in(client, house.sender, MARIA, "Hello")
    add_note(**by(house, house.alice), body="Call her.", client_id=client_id())
    text_in(client, house.sender, MARIA, "STOP")
    tell_all()

    heard = told_to(host)
    assert [one["type"] for one in heard] == ["note.created", "consent.changed"]
    assert heard[0]["message"]["text"] == "Call her."
    assert heard[1]["data"]["state"] == "opted_out"
    assert heard[1]["contact"]["is_opted_out"] is True


def test_who_listens_to_one_inbox_hears_of_no_other(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    sales = make_inbox(house.account, "Sales")
    other = make_sender(sales, "+15550100077")
    webhook, _ = webhook_at(ada, host.url, kinds=("message.received",), inbox=sales)
    text_in(client, house.sender, MARIA, "To support")
    text_in(client, other, MARIA, "To sales")
    tell_all()
    assert [one["message"]["text"] for one in told_to(host)] == ["To sales"]

    # What happened elsewhere before it listened there is not told afterwards.
    wanted = Wanted("Warehouse", f"{host.url}/events", ("message.received",))
    change_webhook(webhook=webhook, wanted=wanted, version=1, by=ada, now=NOW)
    text_in(client, house.sender, MARIA, "Again to support")
    tell_all()
    assert [one["message"]["text"] for one in told_to(host)] == ["To sales", "Again to support"]


def test_an_inbox_that_is_made_later_is_told_from_its_beginning(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    webhook_at(ada, host.url, kinds=("message.received",))
    new = make_sender(make_inbox(house.account, "Sales"), "+15550100077")
    text_in(client, new, MARIA, "First")
    tell_all()

    assert [one["message"]["text"] for one in told_to(host)] == ["First"]


def test_what_was_before_is_not_told_nor_what_is_while_it_is_off(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    text_in(client, house.sender, MARIA, "Before")
    webhook, _ = webhook_at(ada, host.url, kinds=("message.received",))
    off = switch_webhook(webhook=webhook, is_on=False, version=1, by=ada, now=NOW)
    text_in(client, house.sender, MARIA, "Meanwhile")
    tell_all()
    switch_webhook(webhook=off, is_on=True, version=2, by=ada, now=NOW)
    text_in(client, house.sender, MARIA, "After")
    tell_all()

    assert [one["message"]["text"] for one in told_to(host)] == ["After"]


def test_a_move_is_told_once_in_the_inbox_it_went_to(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    sales = make_inbox(house.account, "Sales")
    make_user(house.account, "Sam", team=sales.team)
    text_in(client, house.sender, MARIA, "Hello")
    host = hosts()
    webhook_at(ada, host.url)
    transfer_to_inbox(**by(house, house.alice), to=sales)
    tell_all()

    moved = [one for one in told_to(host) if "target" in one["data"]]
    assert [one["inbox"]["name"] for one in moved] == ["Sales"]
    assert moved[0]["type"] == "conversation.updated"


def test_of_who_is_blocked_nothing_is_told(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    webhook_at(ada, host.url)
    text_in(client, house.sender, MARIA, "Hello")
    Conversation.objects.update(is_hidden=True)
    tell_all()

    assert host.asked == []


def test_other_accounts_hear_nothing(
    house: House, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    otto = make_user(make_account("Umbrella"), "Otto", works_as=User.Role.ACCOUNT_ADMIN)
    webhook_at(otto, host.url)
    text_in(client, house.sender, MARIA, "Hello")
    tell_all()

    assert host.asked == []


def test_words_that_were_forgotten_meanwhile_are_not_told(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    webhook_at(ada, host.url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "My card is 4111")
    while owe_next(now=NOW):
        pass
    Message.objects.update(body="")
    tell_all()

    assert told_to(host)[0]["message"]["text"] == ""
    assert b"My card" not in host.asked[0].body


# --- When it fails --------------------------------------------------------------------------------


def test_what_is_not_taken_is_told_again_under_the_same_id(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts(in_turn(says(status=503), says()))
    webhook_at(ada, host.url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "Hello")
    tell_all()
    row = EventDelivery.objects.get()
    assert (row.status, row.tries, row.answer) == ("owed", 1, 503)
    assert row.next_at is not None
    # As long as the first call took is part of when it is told again.
    assert timedelta(0) <= row.next_at - NOW - PAUSES[0] < timedelta(seconds=3)

    tell_all(row.next_at)

    told = EventDelivery.objects.get()
    assert (told.status, told.tries, told.answer, told.next_at) == ("told", 2, 200, None)
    first, second = host.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == row.event_id
    webhook = EventWebhook.objects.get()
    assert (webhook.failures, webhook.failing_since, webhook.held_until) == (0, None, None)


def test_one_event_that_is_never_taken_holds_up_nothing(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    def answer(connection: Any, asked: Asked) -> None:
        says(status=500 if b"poison" in asked.body else 200)(connection, asked)

    host = hosts(answer)
    webhook_at(ada, host.url, kinds=("message.received",))
    now = NOW
    for words in ("poison", "one", "two"):
        text_in(client, house.sender, MARIA, words)
    for _ in range(len(PAUSES) + 1):
        tell_all(now)
        now += PAUSES[-1] + timedelta(minutes=1)

    heard = [one["message"]["text"] for one in told_to(host)]
    assert heard.count("poison") == len(PAUSES) + 1
    assert [one for one in heard if one != "poison"] == ["one", "two"]
    assert EventDelivery.objects.filter(status="failed").count() == 1
    assert EventWebhook.objects.get().is_on
    tell_all(now + timedelta(days=1))
    assert len(host.asked) == len(heard)


def test_after_many_failures_it_is_left_alone_for_a_minute(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts(says(status=500))
    webhook_at(ada, host.url, kinds=("message.received",))
    for number in range(20):
        text_in(client, house.sender, MARIA, f"Number {number}")
    for second in range(20):
        tell_all(NOW + timedelta(seconds=second))

    assert len(host.asked) == 5
    assert not EventDelivery.objects.exclude(status="owed").exists()


def test_who_takes_nothing_for_a_day_is_switched_off_and_may_have_it_all_later(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    is_well = threading.Event()
    host = hosts(lambda *call: says(status=200 if is_well.is_set() else 500)(*call))
    webhook, _ = webhook_at(ada, host.url, kinds=("message.received",))
    words = [f"Number {number}" for number in range(5)]
    for body in words:
        text_in(client, house.sender, MARIA, body)
    for hour in range(24):
        tell_all(NOW + timedelta(hours=hour))
    assert EventWebhook.objects.get().is_on
    for hour in range(24, 30):
        tell_all(NOW + timedelta(hours=hour))
    webhook.refresh_from_db()

    assert not webhook.is_on
    assert webhook.switched_off_for == "It did not take a single event for a day."
    assert set(EventDelivery.objects.values_list("status", flat=True)) == {"failed"}
    assert AuditEntry.objects.get(action="event_webhook_stopped").account == house.account
    with pytest.raises(DefinitionError, match="Switch it on first"):
        send_again(webhook=webhook, by=ada, now=NOW)

    is_well.set()
    later = NOW + timedelta(hours=30)
    switch_webhook(webhook=webhook, is_on=True, version=webhook.version, by=ada, now=later)
    assert send_again(webhook=webhook, by=ada, now=later) == 5
    tell_all(later)

    assert [one["message"]["text"] for one in told_to(host)[-5:]] == words
    assert set(EventDelivery.objects.values_list("status", flat=True)) == {"told"}
    assert EventWebhook.objects.get().switched_off_for == ""


def test_who_says_that_it_is_gone_is_asked_no_more(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts(says(status=410))
    webhook_at(ada, host.url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "One")
    text_in(client, house.sender, MARIA, "Two")
    tell_all()

    webhook = EventWebhook.objects.get()
    assert (webhook.is_on, len(host.asked)) == (False, 1)
    assert "gone for good" in webhook.switched_off_for


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://127.0.0.1:1", "The connection failed"),
        ("https://10.0.0.1", "not on the public internet"),
        ("https://nowhere.invalid", "There is no such host."),
    ],
)
def test_our_own_network_is_not_told_and_who_is_away_is_told_again(
    house: House, ada: User, client: Client, url: str, words: str
) -> None:
    webhook_at(ada, url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "Hello")
    tell_all()

    row = EventDelivery.objects.get()
    assert (row.status, row.answer) == ("owed", None)
    assert words in row.failure


def test_a_corrected_address_gets_at_once_what_the_old_one_did_not_take(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    wrong, right = hosts(says(status=404)), hosts()
    webhook, _ = webhook_at(ada, wrong.url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "Hello")
    tell_all()
    wanted = Wanted("Warehouse", f"{right.url}/events", ("message.received",))
    change_webhook(webhook=webhook, wanted=wanted, version=1, by=ada, now=NOW)
    tell_all()

    assert [one["message"]["text"] for one in told_to(right)] == ["Hello"]


def test_a_process_that_dies_while_it_tells_loses_nothing(
    house: House,
    ada: User,
    client: Client,
    hosts: Callable[..., Outside],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = hosts()
    webhook, _ = webhook_at(ada, host.url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "Hello")
    while owe_next(now=NOW):
        pass
    # As it lies there when the process is gone.
    EventWebhook.objects.update(held_until=NOW + timedelta(seconds=30))
    assert not tell_next(now=NOW + timedelta(seconds=29))
    assert tell_next(now=NOW + timedelta(seconds=30))

    assert len(host.asked) == 1
    webhook.refresh_from_db()
    assert webhook.held_until is None


def test_who_is_switched_off_in_the_middle_of_a_round_hears_no_more(
    house: House,
    ada: User,
    client: Client,
    hosts: Callable[..., Outside],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = hosts()
    webhook, _ = webhook_at(ada, host.url, kinds=("message.received",))
    for body in ("One", "Two"):
        text_in(client, house.sender, MARIA, body)
    settle = telling._settle

    def settle_and_switch_off(*args: Any, **kwargs: Any) -> None:
        settle(*args, **kwargs)
        switch_webhook(webhook=webhook, is_on=False, version=1, by=ada, now=NOW)

    monkeypatch.setattr(telling, "_settle", settle_and_switch_off)
    tell_all()

    assert len(host.asked) == 1
    assert [one.status for one in EventDelivery.objects.order_by("seq")] == ["told", "failed"]


def test_however_many_are_slow_processes_are_left_for_customers(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    webhook_at(ada, hosts().url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "Hello")
    while owe_next(now=NOW):
        pass
    slow = [webhook_at(ada, f"https://{n}.example.com", name=f"Slow {n}")[0] for n in range(4)]
    held = EventWebhook.objects.filter(pk__in=[one.pk for one in slow])
    held.update(held_until=NOW + timedelta(seconds=5))

    assert not tell_next(now=NOW)
    assert tell_next(now=NOW + timedelta(seconds=5))


def test_more_than_fits_into_a_round_is_told_all_the_same(
    house: House,
    ada: User,
    client: Client,
    hosts: Callable[..., Outside],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inbox.event_webhooks.owing.AT_ONCE", 3)
    monkeypatch.setattr("inbox.event_webhooks.telling.AT_ONCE", 2)
    host = hosts()
    webhook_at(ada, host.url, kinds=("message.received",))
    for number in range(5):
        text_in(client, house.sender, MARIA, f"Number {number}")
    tell_all()

    assert AT_ONCE > 2
    heard = [one["message"]["text"] for one in told_to(host)]
    assert heard == [f"Number {number}" for number in range(5)]


# --- Who may, and what is kept --------------------------------------------------------------------


def test_while_team_inbox_is_off_it_waits_and_is_told_afterwards(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    webhook_at(ada, host.url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "Hello")
    grants = FeatureGrant.objects.filter(account=house.account, feature=Feature.TEAM_INBOX)
    grants.update(ends_at=NOW - timedelta(minutes=1))
    tell_all()
    assert (host.asked, EventDelivery.objects.count()) == ([], 0)

    grants.update(ends_at=None)
    Account.objects.update(status=Account.Status.SUSPENDED)
    tell_all()
    assert host.asked == []
    Account.objects.update(status=Account.Status.ACTIVE)
    tell_all()
    assert [one["message"]["text"] for one in told_to(host)] == ["Hello"]


def test_both_secrets_sign_while_one_is_changed_and_none_lies_open(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    webhook, old = webhook_at(ada, host.url, kinds=("message.received",))
    webhook, new = begin_new_secret(webhook=webhook, version=1, by=ada, now=NOW)
    text_in(client, house.sender, MARIA, "Hello")
    tell_all()
    for secret in (old, new):
        Webhook(secret).verify(host.asked[0].body.decode(), host.asked[0].headers)
    end_old_secret(webhook=webhook, version=2, by=ada, now=NOW)
    text_in(client, house.sender, MARIA, "Again")
    tell_all()
    Webhook(new).verify(host.asked[1].body.decode(), host.asked[1].headers)

    assert len(host.asked[1].headers["webhook-signature"].split()) == 1
    noted = json.dumps(list(AuditEntry.objects.values_list("data", flat=True)))
    assert old not in noted
    assert new not in noted


def test_neither_words_nor_numbers_are_kept_or_logged(
    house: House,
    ada: User,
    client: Client,
    hosts: Callable[..., Outside],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook_at(ada, hosts(says(status=500)).url)
    text_in(client, house.sender, MARIA, "A secret of mine")
    tell_all()

    kept = json.dumps(list(EventDelivery.objects.values("data", "failure")))
    for words in ("A secret of mine", MARIA):
        assert words not in kept
        assert words not in caplog.text


def test_an_event_is_owed_once_and_old_ones_are_forgotten(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    webhook_at(ada, hosts().url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "Hello")
    while owe_next(now=NOW):
        pass
    # As if the cursor had been lost: what is owed is owed once.
    EventCursor.objects.all().delete()
    while owe_next(now=NOW):
        pass
    row = EventDelivery.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()

    assert forget_deliveries(before=NOW) == 0
    assert forget_deliveries(before=NOW + timedelta(seconds=1)) == 1


def test_closing_is_told_with_its_state_and_a_deleted_webhook_hears_nothing(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host, gone = hosts(), hosts()
    webhook_at(ada, host.url, kinds=("conversation.updated",))
    other, _ = webhook_at(ada, gone.url, name="Old")
    text_in(client, house.sender, MARIA, "Thanks, bye")
    send_reply(**by(house, house.alice), body="Bye!", client_id=client_id())
    delete_webhook(webhook=other, by=ada, now=NOW)
    close_conversation(**by(house, house.alice), last_seen_seq=1)
    tell_all()

    assert told_to(host)[-1]["conversation"]["status"] == "closed"
    assert gone.asked == []
    assert AuditEntry.objects.filter(action="event_webhook_deleted").exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "http://example.com"}, "https"),
        ({"url": "https://user:word@example.com"}, "no log-in"),
        ({"url": "https://example.com/{{contact.number}}"}, "always the same"),
        ({"kinds": ()}, "at least one kind"),
        ({"kinds": ("message.received", "everything")}, "at least one kind"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 41}, "name"),
    ],
)
def test_what_cannot_work_is_refused_in_words(
    house: House, ada: User, wrong: dict[str, Any], words: str
) -> None:
    asked = {"name": "One", "url": "https://example.com/", "kinds": ALL, **wrong}
    with pytest.raises(DefinitionError, match=words):
        add_webhook(account=house.account, wanted=Wanted(**asked), by=ada, now=NOW)
    assert not EventWebhook.objects.exists()


def test_an_inbox_of_others_and_a_name_twice_are_refused(house: House, ada: User) -> None:
    foreign = make_inbox(make_account("Umbrella"), "Theirs")
    webhook_at(ada, "https://example.com")
    with pytest.raises(DefinitionError, match="of this name"):
        webhook_at(ada, "https://example.com", name=" WAREHOUSE ")
    with pytest.raises(DefinitionError, match="one of your inboxes"):
        webhook_at(ada, "https://example.com", name="Other", inbox=foreign)


def test_who_helps_out_does_not_say_where_events_go(house: House, ada: User) -> None:
    webhook, _ = webhook_at(ada, "https://example.com")
    staff = User.objects.create_superuser("stella@example.com", name="Stella")
    wanted = Wanted("Mine", "https://evil.example.com", ALL)
    for other in (staff, house.sue):
        with pytest.raises(DefinitionError, match="own admins"):
            add_webhook(account=house.account, wanted=wanted, by=other, now=NOW)
        with pytest.raises(DefinitionError, match="own admins"):
            change_webhook(webhook=webhook, wanted=wanted, version=1, by=other, now=NOW)
        with pytest.raises(DefinitionError, match="own admins"):
            begin_new_secret(webhook=webhook, version=1, by=other, now=NOW)


# --- What the documentation says ------------------------------------------------------------------


def shape(value: Any) -> Any:
    """Return the keys of JSON, however deep."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_who_keeps_texts_is_told_that_one_was_removed(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    host = hosts()
    message = text_in(client, house.sender, MARIA, "My card is 4111 1111 1111 1111")
    webhook_at(ada, host.url, kinds=("message.updated",))
    remove_message(
        message=message, by=house.viewer(house.sue), user=house.sue, reason="A card", now=NOW
    )
    tell_all()

    [told] = told_to(host)
    assert told["data"] == {"id": message.public_id, "reason": "redacted"}
    assert (told["message"]["is_removed"], told["message"]["text"]) == (True, "")


def test_events_have_the_documented_shape(
    house: House, ada: User, client: Client, hosts: Callable[..., Outside]
) -> None:
    page = (Path(__file__).parents[2] / "docs/event-webhooks.md").read_text()
    found = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    host = hosts()
    webhook_at(ada, host.url, kinds=("message.received",))
    text_in(client, house.sender, MARIA, "Where is my order?")
    Conversation.objects.update(tags=["order"])
    Contact.objects.update(tags=["vip"])
    tell_all()

    assert shape(told_to(host)[0]) == shape(json.loads(found[1]))
    assert [one for one in EventType.values if f"`{one}`" not in page] == []
