"""Do rows of the list say who opted out, who only reads, over what they wrote and what is due?"""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from inbox.closing import close_conversation, reopen_conversation
from inbox.conversations import claim_conversation
from inbox.fragments import render_row
from inbox.models import Attachment, Conversation, InboxEvent, TeamInbox
from inbox.models.ids import client_id
from inbox.rows import FIELDS, Row, row_of
from inbox.sending import send_reply
from tests.conftest import House
from tests.factories import make_policy, make_sender
from tests.flows.test_escalation import add
from tests.flows.test_together import MARIA, Stage, stage
from tests.twilio import text_in

__all__ = ["stage"]
OUT = "Opted out"


def test_a_stop_marks_every_open_row_of_theirs_and_a_start_unmarks_them(
    stage: Stage, client: Client
) -> None:
    sender = make_sender(stage.house.inbox, address="+12125550199")
    other = text_in(client, sender, MARIA, "Hello").conversation
    assert other is not None
    assert OUT not in render_row(stage.row)

    stage.hear("STOP")
    other.refresh_from_db()
    assert (stage.row.is_opted_out, other.is_opted_out) == (True, True)
    assert OUT in render_row(stage.row)
    heard = InboxEvent.objects.filter(type="consent.changed").count()
    assert heard == 2, "rows are drawn anew with it"

    stage.hear("Are you there?")
    assert stage.row.is_opted_out, "words are no START"
    stage.now += timedelta(minutes=1)
    stage.hear("START")
    other.refresh_from_db()
    assert (stage.row.is_opted_out, other.is_opted_out) == (False, False)
    assert OUT not in render_row(stage.row)


def test_who_opens_a_closed_conversation_sees_what_was_said_meanwhile(stage: Stage) -> None:
    alice = stage.house.alice
    stage.hear("STOP")
    stage.do(close_conversation, alice, last_seen_seq=99, waiting_ok=True)
    assert OUT not in render_row(stage.row), "what is closed is not marked"
    Conversation.objects.update(is_opted_out=False)

    stage.do(reopen_conversation, alice)

    assert OUT in render_row(stage.row)


def test_the_migration_marks_who_is_out_and_what_is_due(stage: Stage, client: Client) -> None:
    make_policy(stage.house.inbox, add(stage.house.bob))
    stage.hear("STOP")
    other = text_in(client, stage.house.sender, "+14155550177", "Hello").conversation
    assert other is not None
    known = dict(Conversation.objects.values_list("pk", "due_at"))
    Conversation.objects.update(is_opted_out=False, due_at=None)
    fill = import_module("inbox.migrations.0053_lists_know_what_was")

    with connection.cursor() as cursor:
        cursor.execute(fill.OPTED_OUT)
        cursor.execute(fill.DUE)

    other.refresh_from_db()
    assert (stage.row.is_opted_out, other.is_opted_out) == (True, False)
    assert dict(Conversation.objects.values_list("pk", "due_at")) == known
    assert other.due_at is not None


def test_an_eye_stands_where_colleagues_read_on(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)
    assert "row-read-only" not in render_row(stage.row)

    TeamInbox.objects.update(after_claim="read_only")
    assert "row-read-only" in render_row(stage.row)
    stage.do(close_conversation, stage.house.alice, last_seen_seq=99, waiting_ok=True)
    assert "row-read-only" not in render_row(stage.row)


def test_the_badge_says_over_what_the_last_message_went(stage: Stage) -> None:
    house = stage.house
    assert row_of(stage.row).badge == "sms"
    file = Attachment.objects.create(
        account=house.account, uploaded_by=house.alice, state=Attachment.State.READY
    )
    send_reply(
        conversation=stage.row,
        by=stage.viewer(house.alice),
        user=house.alice,
        body="Look",
        client_id=client_id(),
        attachments=[file],
        now=stage.now,
    )

    assert row_of(stage.row).badge == "mms"
    assert "badge-mms" in render_row(stage.row)
    assert ">MMS<" in render_row(stage.row)


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_due_and_how_long_is_too_long_stand_in_the_row(
    house: House, client: Client, language: str
) -> None:
    make_policy(house.inbox, add(house.bob))
    TeamInbox.objects.update(target_minutes=40)
    row = text_in(client, house.sender, MARIA, "Hello").conversation
    assert row is not None

    with translation.override(language):
        drawn = render_row(Conversation.objects.get(pk=row.pk))

    assert 'data-target="40"' in drawn
    found = re.search(r'data-due>.*?<time datetime="([^"]+)"', drawn, re.DOTALL)
    assert found is not None
    assert row.waiting_since is not None
    due = row.waiting_since + timedelta(minutes=5)
    assert found[1][:19] == due.isoformat()[:19]


def test_a_row_that_was_found_is_the_row_that_is_told(stage: Stage) -> None:
    Conversation.objects.update(
        tags=["a"], priority="low", is_opted_out=True, preview_channel="mms", due_at=stage.now
    )

    found = Row.of(Conversation.objects.values_list(*FIELDS).get())

    assert found == row_of(stage.row)
