"""Does a close say goodbye where it may, and say why where it may not?"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from inbox.closing import Close, Older, close_quiet, older_than_setting, undo_close
from inbox.models import Conversation, ConversationEvent, Message, TeamInbox
from inbox.parting import HELD_FOR, close_with_goodbye
from inbox.sending import deliver
from inbox.setup.general import close_older_too
from tests.carrier import Twilio
from tests.conftest import House
from tests.flows.test_together import Stage

Login = Callable[[User], Client]
GOODBYE = "Thank you for writing to us. Goodbye!"


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    twilio.knows(house.sender)
    TeamInbox.objects.filter(pk=house.inbox.pk).update(goodbye=GOODBYE)
    return Stage(house, client, now)


def close(stage: Stage) -> Conversation:
    wish = Close(stage.row.thread.last_inbound_seq, waiting_ok=True)
    closed: Conversation = stage.do(close_with_goodbye, stage.house.alice, wish=wish)
    return closed


def goodbyes() -> list[Message]:
    return list(Message.objects.filter(body=GOODBYE))


def test_a_close_says_goodbye_after_the_time_to_undo_it(stage: Stage, twilio: Twilio) -> None:
    close(stage)
    message = goodbyes()[0]
    assert (message.kind, message.author, message.purpose) == ("auto", None, "auto_reply")
    assert message.author_label == stage.house.inbox.bot_name

    deliver(message.pk, now=stage.now + HELD_FOR - timedelta(seconds=1))
    assert twilio.requests_to_send() == []
    deliver(message.pk, now=stage.now + HELD_FOR)

    assert [asked["body"] for asked in twilio.requests_to_send()] == [GOODBYE]
    assert stage.row.is_closed
    last = ConversationEvent.objects.filter(conversation=stage.pk).latest("pk")
    assert last.verb == "closed"


def test_a_close_that_is_taken_back_says_nothing(stage: Stage, twilio: Twilio) -> None:
    close(stage)
    stage.do(undo_close, stage.house.alice)

    deliver(goodbyes()[0].pk, now=stage.now + HELD_FOR)

    assert twilio.requests_to_send() == []
    assert (goodbyes()[0].status, goodbyes()[0].error_code) == ("blocked", "NOT_WANTED")


def test_who_opted_out_hears_nothing_and_the_timeline_says_why(stage: Stage) -> None:
    stage.hear("STOP")

    close(stage)

    assert goodbyes() == []
    assert stage.row.is_closed
    line = ConversationEvent.objects.get(conversation=stage.pk, verb="silent")
    assert line.data["did"] == "goodbye"
    assert "STOP" in line.data["reason"]


def test_an_inbox_without_a_goodbye_says_nothing(stage: Stage) -> None:
    TeamInbox.objects.update(goodbye="")

    close(stage)

    assert goodbyes() == []
    assert not ConversationEvent.objects.filter(verb="silent").exists()


def test_the_button_says_it(stage: Stage, login: Login) -> None:
    row = stage.row
    form = {"last_seen_seq": str(row.thread.last_inbound_seq), "waiting_ok": "1"}

    login(stage.house.alice).post(f"/c/{row.public_id}/close/", form)

    assert len(goodbyes()) == 1


def test_older_conversations_are_closed_only_after_somebody_said_so(stage: Stage) -> None:
    stage.reply(stage.house.alice)
    Message.objects.update(status="delivered")
    stage.now += timedelta(days=2)
    TeamInbox.objects.update(auto_close_hours=24, auto_close_since=stage.now - timedelta(hours=1))
    inbox = TeamInbox.objects.get(pk=stage.house.inbox.pk)
    assert older_than_setting(inbox, now=stage.now) == Older(1, 1)
    assert close_quiet(now=stage.now) == 0

    for _time in range(2):
        close_older_too(inbox=inbox, by=stage.house.sue, now=stage.now)

    assert AuditEntry.objects.filter(action="inbox_closes_older_too").count() == 1
    assert close_quiet(now=stage.now) == 1
    assert stage.row.is_closed
