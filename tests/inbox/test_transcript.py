"""Is a thread on paper and in a table whole, in order, and only what its reader may see?"""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from inbox import transcript
from inbox.conversations import add_note, claim_conversation
from inbox.models import Conversation, Message, TeamInbox
from inbox.models.ids import client_id
from tests.conftest import House
from tests.twilio import text_in

MARIA = "+14155550123"
Login = Callable[[User], Client]


def act(house: House, row: Conversation) -> dict[str, Any]:
    by = house.viewer(house.alice)
    return {"conversation": row, "by": by, "user": house.alice, "now": timezone.now()}


@pytest.fixture
def row(house: House) -> Conversation:
    """Maria wrote; Alice claimed and noted something."""
    TeamInbox.objects.update(time_zone="Asia/Kolkata")
    row = text_in(Client(), house.sender, MARIA, "=1+1 is 2, <b>no?</b>").conversation
    assert row
    claim_conversation(**act(house, row))
    add_note(**act(house, row), body="She counts", client_id=client_id())
    return row


def more(row: Conversation, number: int) -> None:
    first = Message.objects.order_by("seq")[0]
    Message.objects.bulk_create(
        Message(
            account=first.account,
            thread=row.thread,
            conversation=row,
            seq=seq,
            direction="in",
            body=f"line {seq}.",
            status="received",
            created_at=first.created_at,
        )
        for seq in range(3, number + 3)
    )


def paper(client: Client, row: Conversation, asked: str = "") -> str:
    answer = client.get(f"/c/{row.public_id}/print/{asked}")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def table(client: Client, row: Conversation, asked: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/c/{row.public_id}/transcript.csv{asked}")
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def test_paper_shows_what_was_said_and_notes_only_when_asked(
    house: House, row: Conversation, login: Login
) -> None:
    alice = login(house.alice)

    without, with_notes = paper(alice, row), paper(alice, row, "?notes=1")

    assert "=1+1 is 2, &lt;b&gt;no?&lt;/b&gt;" in without
    assert "She counts" not in without
    assert "claimed" not in without
    assert "She counts" in with_notes
    assert "claimed" in with_notes
    assert "Asia/Kolkata" in without


@pytest.mark.parametrize("number", [1, 6, 7, 23])
def test_a_long_thread_is_whole_and_in_order_piece_by_piece(
    house: House, row: Conversation, login: Login, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript, "PIECE", 4)
    more(row, number)
    alice = login(house.alice)

    page = paper(alice, row, "?notes=1")

    assert re.findall(r"line (\d+)\.", page) == [str(seq) for seq in range(3, number + 3)]
    assert page.count("paper-event") == 2  # opened, claimed
    assert page.count("paper-day") == 1
    assert [line["text"] for line in table(alice, row)][1:] == [
        f"line {seq}." for seq in range(3, number + 3)
    ]


def test_the_table_is_text_in_every_spreadsheet_and_names_its_zone(
    house: House, row: Conversation, login: Login
) -> None:
    at = datetime(2026, 3, 1, 20, 30, tzinfo=UTC)
    Message.objects.filter(direction="in").update(created_at=at)

    said, noted = table(login(house.alice), row, "?notes=1")

    assert said["at"] == "2026-03-02T02:00:00+05:30"
    assert said["text"] == "'=1+1 is 2, <b>no?</b>"
    assert (said["direction"], said["channel"]) == ("in", "SMS")
    assert (noted["who"], noted["text"]) == ("Alice", "She counts")


def test_the_audit_log_tells_who_took_a_table_and_of_what(
    house: House, row: Conversation, login: Login
) -> None:
    alice = login(house.alice)
    paper(alice, row)
    assert not AuditEntry.objects.filter(action="transcript_exported").exists()

    table(alice, row)

    entry = AuditEntry.objects.get(action="transcript_exported")
    assert entry.actor == house.alice
    assert entry.data["filters"] == {"conversation": row.public_id, "notes": "False"}


def test_what_was_forgotten_is_not_there(house: House, row: Conversation, login: Login) -> None:
    Message.objects.filter(direction="in").update(forgotten_for="retention")
    alice = login(house.alice)

    assert "is 2" not in paper(alice, row)
    assert table(alice, row)[0]["text"] == ""


def test_segments_that_are_another_s_are_left_out(
    house: House, row: Conversation, login: Login
) -> None:
    TeamInbox.objects.update(closed_visibility="audience", reopen_hours=0)
    Conversation.objects.update(
        status="closed", closed_at=timezone.now(), owner=None, owned_since=None, waiting_since=None
    )
    row.participants.update(ended_at=timezone.now(), is_ended_by_close=True)
    later = text_in(Client(), house.sender, MARIA, "A new thing").conversation
    assert later
    assert later != row
    bob = login(house.bob)

    page = paper(bob, later, "?notes=1")

    assert "A new thing" in page
    assert "is 2" not in page
    assert "She counts" not in page
    assert [line["text"] for line in table(bob, later, "?notes=1")] == ["A new thing"]
