"""Is a place in a thread found by its day or by a quote, and by nobody who may not read it?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from inbox.conversations import add_note, claim_conversation
from inbox.lists import Asked, View, inbox_page
from inbox.models import Attachment, Conversation, Message
from inbox.models.ids import client_id
from inbox.templatetags.inbox_tags import first_line, note_words
from inbox.threads import beginning_of, first_since
from tests.conftest import House
from tests.flows.test_together import Stage
from tests.twilio import text_in


@pytest.fixture
def stage(house: House, client: Client, now: Any) -> Stage:
    return Stage(house, client, now)


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        ("2026-05-01", "UTC", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01", "Europe/Madrid", datetime(2026, 4, 30, 22, tzinfo=UTC)),
        ("2026-05-01", "America/New_York", datetime(2026, 5, 1, 4, tzinfo=UTC)),
        ("2026-02-30", "UTC", None),
        ("yesterday", "UTC", None),
        ("2026-05-01", "Mars/Olympus", None),
        ("2026-05-01", "../../etc/passwd", None),
        ("2026-05-01", "", None),
    ],
)
def test_a_day_begins_where_the_reader_is(day: str, zone: str, begins: datetime | None) -> None:
    assert beginning_of(day, zone) == begins


def test_the_first_message_of_a_day_or_after_it_or_else_the_last(stage: Stage) -> None:
    viewer = stage.viewer(stage.house.alice)
    first = stage.message
    stage.now += timedelta(days=3)
    stage.hear("Again")

    def at(days: int) -> Message | None:
        return first_since(viewer, stage.row, first.created_at + timedelta(days=days))

    assert [at(-9), at(1), at(9)] == [first, stage.message, stage.message]


def test_the_page_says_where_it_is(stage: Stage, login: Any) -> None:
    alice, url = login(stage.house.alice), f"/c/{stage.row.public_id}/messages/"

    found = alice.get(url, {"day": "2020-01-01", "zone": "Asia/Tokyo"})

    assert found.headers["X-Found"] == stage.message.public_id
    assert alice.get(url, {"day": "nonsense"}).status_code == 404


def test_what_happened_right_behind_a_message_comes_with_what_follows_it(
    stage: Stage, login: Any
) -> None:
    first = stage.message
    stage.do(claim_conversation, stage.house.alice)
    alice, url = login(stage.house.alice), f"/c/{stage.row.public_id}/messages/"

    nothing_since = alice.get(url, {"after": first.seq}).text
    stage.hear("And this?")
    since = alice.get(url, {"after": first.seq}).text
    later = alice.get(url, {"after": stage.message.seq}).text

    assert 'data-verb="claimed"' in nothing_since
    assert since.index('data-verb="claimed"') < since.index("And this?")
    assert "Hello" not in since
    assert 'data-verb="claimed"' not in later


def test_what_a_message_quotes_is_found_while_it_is_there(stage: Stage, login: Any) -> None:
    first = stage.message
    stage.hear("That one")
    Message.objects.filter(pk=stage.message.pk).update(reply_to=first)
    alice, url = login(stage.house.alice), f"/c/{stage.row.public_id}/messages/"
    quoted = {"quoted_by": stage.message.public_id}

    found = alice.get(url, quoted)

    assert found.headers["X-Found"] == first.public_id
    assert "Hello" in found.text.partition("msg-quote-words")[2]
    assert alice.get(url, {"quoted_by": first.public_id}).status_code == 404
    Message.objects.filter(pk=first.pk).update(forgotten_for="erasure", forgotten_at=stage.now)
    assert "Message no longer here" in alice.get(url).text


def test_a_quote_does_not_lead_into_a_segment_that_is_not_seen(
    house: House, client: Client, stage: Stage, login: Any
) -> None:
    old = stage.message
    stage.do(claim_conversation, house.bob)
    Conversation.objects.update(status="closed", owner=None, owned_since=None, waiting_since=None)
    house.inbox.__class__.objects.update(reopen_hours=0, closed_visibility="audience")
    stage.now += timedelta(days=1)
    stage.hear("Remember?")
    Message.objects.filter(pk=stage.message.pk).update(reply_to=old)
    url = f"/c/{stage.row.public_id}/messages/"
    assert old.conversation_id
    assert not Conversation.objects.visible_to(stage.viewer(house.alice)).filter(
        pk=old.conversation_id or 0
    )

    answer = login(house.alice).get(url, {"quoted_by": stage.message.public_id})

    assert answer.status_code == 404
    assert "Hello" not in login(house.alice).get(url).text


def test_those_whom_a_note_mentions_are_marked_and_nothing_else(stage: Stage) -> None:
    words = "@Bob look: <b>@Bob</b> https://example.com/@Bob @Bobby bob@Bob"
    note = stage.do(add_note, stage.house.alice, body=words, client_id=client_id())

    html = note_words(note)

    assert html.count('<strong class="mention">@Bob</strong>') == 2
    assert "&lt;b&gt;" in html
    assert 'href="https://example.com/@Bob"' in html


@pytest.mark.parametrize(
    ("text", "line"),
    [("\n  Hi\nthere", "Hi"), ("", ""), ("x" * 200, "x" * 119 + "…")],
)
def test_a_quote_is_the_first_line(text: str, line: str) -> None:
    assert first_line(text) == line


def test_who_waits_longest_comes_first_and_pages_go_on(
    house: House, client: Client, now: datetime
) -> None:
    for number in range(35):
        text_in(client, house.sender, f"+141555520{number:02d}", "Hello")
    for place, row in enumerate(Conversation.objects.order_by("-pk")):
        Conversation.objects.filter(pk=row.pk).update(
            waiting_since=now - timedelta(minutes=place) if place < 33 else None
        )
    viewer = house.viewer(house.alice)

    first = inbox_page(viewer, "support", Asked(now=now, view=View.WAITING))
    rest = inbox_page(
        viewer, "support", Asked(now=now, view=View.WAITING, before=first.next_before)
    )

    since = [one.row.waiting_since for one in (*first.rows, *rest.rows)]
    assert len(since) == 33
    assert since == sorted(since, key=str)


def test_media_are_shown_by_month_to_who_may_see_them(
    stage: Stage, login: Any, charlie: User
) -> None:
    for place, name in enumerate(("a.pdf", "b.pdf")):
        Attachment.objects.create(
            account=stage.house.account,
            message=stage.message,
            position=place,
            name=name,
            content_type="application/pdf",
            look="file",
            state="ready",
        )
    url = f"/c/{stage.row.public_id}/media/"

    page = login(stage.house.alice).get(url, headers={"HX-Request": "true"}).text

    assert page.count("media-month") == 1
    assert "a.pdf" in page
    assert "b.pdf" in page
    assert login(charlie).get(url).status_code == 404
