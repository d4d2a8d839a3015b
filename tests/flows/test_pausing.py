"""What if our number or account is not set up right? Nothing is failed, and somebody is told."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, TwilioAccount
from compliance.gate import SendBlockedError
from inbox.models import Conversation, InboxEvent, Message, Sender, TeamInbox
from inbox.pausing import resume_sender
from inbox.reply_settings import greeting
from inbox.sending import deliver, owed_messages
from inbox.sending.carriers import _carrier
from routing.replies import FirstWhen
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_inbox, make_sender
from tests.flows.test_together import Stage
from tests.twilio import status_in, text_in

OF_THE_NUMBER = [21212, 21603, 21606, 21701, 21703, 21705, 30032, 30034, 63001, 63007]
OF_THE_ACCOUNT = [20003, 20005, 20404, 30002]
OF_THE_DESTINATION = [21408, 21608]


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    twilio.knows(house.sender)
    return Stage(house, client, now)


@pytest.fixture
def second(house: House) -> Sender:
    """Another number in the same Twilio account."""
    return make_sender(house.inbox, "+15550100002", twilio_account=house.sender.twilio_account)


def _fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def _paused() -> set[str]:
    return set(Sender.objects.filter(is_paused=True).values_list("address", flat=True))


@pytest.mark.parametrize("code", OF_THE_NUMBER)
def test_a_fault_of_the_number_pauses_it_and_keeps_the_message(
    stage: Stage, twilio: Twilio, second: Sender, code: int
) -> None:
    twilio.fault("reject", times=1, code=code)
    message = stage.reply(stage.house.alice)

    deliver(message.pk, now=stage.now)

    sender = Sender.objects.get(pk=stage.house.sender.pk)
    assert _paused() == {sender.address}
    assert sender.paused_at is not None
    assert "admin" in sender.paused_reason
    assert _fresh(message).status == "queued"
    assert not stage.row.has_failed_message


@pytest.mark.parametrize("code", OF_THE_ACCOUNT)
def test_a_fault_of_the_account_pauses_all_its_numbers_and_no_others(
    stage: Stage, twilio: Twilio, second: Sender, charlie: Any, code: int
) -> None:
    twilio.fault("reject", times=1, code=code)
    message = stage.reply(stage.house.alice)

    deliver(message.pk, now=stage.now)

    assert _paused() == {stage.house.sender.address, second.address}
    assert _fresh(message).status == "queued"


def test_a_wrong_token_is_a_fault_of_the_account(stage: Stage, second: Sender) -> None:
    account = TwilioAccount.objects.get(pk=second.twilio_account_id)
    account.auth_token = "f" * 32
    account.save()
    _carrier.cache_clear()
    message = stage.reply(stage.house.alice)

    deliver(message.pk, now=stage.now)

    assert _paused() == {stage.house.sender.address, second.address}
    assert "credentials" in Sender.objects.get(pk=second.pk).paused_reason
    assert _fresh(message).status == "queued"


@pytest.mark.parametrize("code", OF_THE_DESTINATION)
def test_what_one_recipient_causes_pauses_nobody_and_is_told_to_the_partner(
    stage: Stage, twilio: Twilio, code: int
) -> None:
    twilio.fault("reject", times=1, code=code)
    message = stage.reply(stage.house.alice)

    deliver(message.pk, now=stage.now)

    assert _paused() == set()
    assert _fresh(message).status == "failed"
    assert _fresh(message).error_words
    entry = AuditEntry.objects.get(action="sender_refused")
    assert entry.is_alarm
    assert entry.data["error_code"] == str(code)


@pytest.mark.parametrize("code", [21211, 21614, 30007, 99999])
def test_other_refusals_pause_nobody(stage: Stage, twilio: Twilio, code: int) -> None:
    twilio.fault("reject", times=1, code=code)

    deliver(stage.reply(stage.house.alice).pk, now=stage.now)

    assert _paused() == set()
    assert not AuditEntry.objects.filter(is_alarm=True).exists()


def test_a_fault_that_a_status_reports_pauses_the_number_and_ends_that_message(
    stage: Stage, client: Client
) -> None:
    # Twilio took this one and has ended it; it has its SID, so only a person sends it again.
    message = stage.reply(stage.house.alice)
    deliver(message.pk, now=stage.now)

    status_in(client, _fresh(message), "undelivered", "30034")

    assert _paused() == {stage.house.sender.address}
    assert _fresh(message).status == "failed"


def test_the_first_pause_is_told_once_to_those_who_look_after_the_account(
    stage: Stage, twilio: Twilio
) -> None:
    twilio.fault("reject", times=2, code=21606)
    first, second = stage.reply(stage.house.alice), stage.reply(stage.house.alice, "More")
    deliver(first.pk, now=stage.now)
    Message.objects.filter(pk=second.pk).update(status="sending")
    status_in(stage.client, second, "failed", "21606", sid="SM" + "6" * 32)

    entry = AuditEntry.objects.get(action="sender_paused")
    assert (entry.account, entry.is_alarm) == (stage.house.account, True)
    assert "cannot send" in entry.data["words"]


def test_every_conversation_of_a_paused_number_says_so_and_takes_no_answer(
    stage: Stage, client: Client, login: Any
) -> None:
    text_in(client, stage.house.sender, "+14155550177", "And me?")
    Sender.objects.update(is_paused=True, paused_reason="Our US number is not registered.")
    alice, bob = login(stage.house.alice), login(stage.house.bob)

    for conversation in Conversation.objects.all():
        for browser in (alice, bob):
            desk = browser.get(f"/c/{conversation.public_id}/desk/").content.decode()
            assert 'data-composer="blocked"' in desk
            assert "Our US number is not registered." in desk
    refused = alice.post(
        f"/c/{stage.row.public_id}/messages/",
        {"kind": "reply", "body": "Hi"},
        headers={"Accept": "application/json"},
    )

    assert (refused.status_code, refused.json()["code"]) == (422, "sender_paused")
    assert stage.row.waiting_since is not None
    with pytest.raises(SendBlockedError, match="SENDER_PAUSED"):
        stage.reply(stage.house.alice)


def test_the_open_page_of_the_message_that_was_held_hears_of_it(
    stage: Stage, twilio: Twilio
) -> None:
    twilio.fault("reject", times=1, code=21606)
    message = stage.reply(stage.house.alice)
    before = stage.row.version

    deliver(message.pk, now=stage.now)

    event = InboxEvent.objects.filter(conversation=stage.pk).latest("seq")
    assert (event.type, event.data["changed"]) == ("conversation.updated", ["sender"])
    assert stage.row.version == before


def test_resuming_sends_what_waits_in_its_order(stage: Stage, twilio: Twilio) -> None:
    twilio.fault("reject", times=1, code=21606)
    first, second = stage.reply(stage.house.alice, "one"), stage.reply(stage.house.alice, "two")
    deliver(first.pk, now=stage.now)
    later = stage.now + timedelta(hours=3)
    assert owed_messages(now=later) == []

    resume_sender(sender=stage.house.sender, by=stage.house.sue, now=later)

    assert owed_messages(now=later) == [first.pk]
    deliver(first.pk, now=later)
    deliver(second.pk, now=later)
    assert [asked["body"] for asked in twilio.requests_to_send()][-2:] == ["one", "two"]


def test_what_waited_for_hours_is_not_given_up_at_its_first_429(
    stage: Stage, twilio: Twilio
) -> None:
    twilio.fault("reject", times=1, code=21606)
    message = stage.reply(stage.house.alice)
    deliver(message.pk, now=stage.now)
    later = stage.now + timedelta(hours=3)
    resume_sender(sender=stage.house.sender, by=stage.house.sue, now=later)
    twilio.fault("rate_limit", times=1)

    deliver(message.pk, now=later)

    assert _fresh(message).status == "queued"


def test_a_greeting_that_waited_at_a_paused_number_is_not_sent_hours_later(
    house: House, client: Client, twilio: Twilio, now: datetime
) -> None:
    twilio.knows(house.sender)
    TeamInbox.objects.update(replies=greeting("Welcome!", FirstWhen.EVER))
    Sender.objects.update(is_paused=True)
    heard = text_in(client, house.sender, "+14155550188", "Hello")
    reply = Message.objects.get(kind="auto")
    later = heard.created_at + timedelta(hours=3)
    resume_sender(sender=house.sender, by=house.sue, now=later)

    deliver(reply.pk, now=later)

    assert _fresh(reply).status == "blocked"
    assert twilio.requests_to_send() == []


def test_a_conversation_is_not_blocked_by_another_number_s_pause(
    stage: Stage, second: Sender
) -> None:
    Sender.objects.filter(pk=second.pk).update(is_paused=True)

    assert stage.reply(stage.house.alice).status == "queued"


def test_a_number_of_another_inbox_is_not_touched_by_a_number_s_fault(
    stage: Stage, twilio: Twilio
) -> None:
    other = make_sender(make_inbox(stage.house.account, "Billing"))
    twilio.fault("reject", times=1, code=21606)

    deliver(stage.reply(stage.house.alice).pk, now=stage.now)

    assert other.address not in _paused()
