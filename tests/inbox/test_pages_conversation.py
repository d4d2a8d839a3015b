"""Does a conversation's page show the thread, the right buttons, and nothing to strangers?"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from compliance.models import Consent
from inbox.cards import seen_mark
from inbox.closing import close_conversation
from inbox.conversations import add_note, claim_conversation, mark_read
from inbox.fragments import (
    render_activity,
    render_bubble,
    render_header,
    render_row,
    row_queryset,
)
from inbox.models import (
    Attachment,
    Contact,
    Conversation,
    ConversationEvent,
    Message,
    ReadCursor,
    TeamInbox,
    Thread,
)
from inbox.models.ids import client_id
from inbox.threads import ITEMS
from tests.conftest import House
from tests.factories import make_inbox
from tests.flows.test_together import MARIA, Stage, stage
from tests.twilio import text_in

__all__ = ["stage"]
PART = {"headers": {"HX-Request": "true"}}
NOON = datetime(2026, 3, 3, 12, 34, tzinfo=UTC)


def page_of(stage: Stage) -> str:
    return f"/inbox/{stage.house.inbox.slug}/c/{stage.row.public_id}/"


def part(stage: Stage, name: str) -> str:
    return f"/c/{stage.row.public_id}/{name}/"


def items_of(html: str) -> list[str]:
    """Return messages by their number and history by its verb, in the order they stand."""
    timeline = html.split('<template id="pending">')[0]
    found = re.findall(
        r'<li id="(?:m|e)-\w+"\s+class="(msg|act)[^"]*"([^>]*)>', timeline, re.DOTALL
    )
    return [
        re.search(r'data-seq="(\d+)"' if kind == "msg" else r'data-verb="(\w+)"', facts)[1]  # type: ignore[index]
        for kind, facts in found
    ]


def composer_of(html: str) -> str:
    return re.search(r'data-composer="(\w+)"', html)[1]  # type: ignore[index]


# --- Who sees it ----------------------------------------------------------------------------------


def test_the_page_shows_list_thread_and_composer(stage: Stage, login: Any) -> None:
    page = login(stage.house.alice).get(page_of(stage))

    assert page.status_code == 200
    assert f'id="c-{stage.row.public_id}"' in page.text
    assert "Hello" in page.text
    assert 'id="composer"' in page.text


def test_answers_are_written_in_the_language_of_the_inbox(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)

    def where_answers_are_written() -> str:
        return re.findall(r'<textarea id="words"[^>]*>', alice.get(page_of(stage)).text)[0]

    assert " lang=" not in where_answers_are_written()

    TeamInbox.objects.update(language="es")

    assert 'lang="es"' in where_answers_are_written()


def test_short_links_lead_to_the_page(stage: Stage, login: Any) -> None:
    alice = login(stage.house.alice)

    assert alice.get(f"/c/{stage.row.public_id}/").headers["Location"] == page_of(stage)
    elsewhere = alice.get(f"/inbox/elsewhere/c/{stage.row.public_id}/")
    assert elsewhere.headers["Location"] == page_of(stage)


@pytest.mark.parametrize("name", ["", "thread/", "desk/", "panel/", "messages/", "transfer/"])
def test_who_lost_it_learns_who_has_it_and_nothing_else(
    stage: Stage, login: Any, name: str
) -> None:
    Contact.objects.update(name="Maria Secret")
    stage.do(claim_conversation, stage.house.alice)

    page = login(stage.house.bob).get(f"/c/{stage.row.public_id}/{name}")

    assert page.status_code == 404
    assert "Handled by Alice" in page.text
    for secret in ("Hello", "Maria", "555-0100", "+1415"):
        assert secret not in page.text


@pytest.mark.parametrize("name", ["", "thread/", "desk/", "panel/", "messages/", "transfer/"])
def test_charlie_learns_nothing_at_all(stage: Stage, login: Any, charlie: User, name: str) -> None:
    stage.do(claim_conversation, stage.house.alice)

    page = login(charlie).get(f"/c/{stage.row.public_id}/{name}")

    assert page.status_code == 404
    assert "Alice" not in page.text
    assert "Hello" not in page.text


def test_in_a_read_only_inbox_bob_reads_and_has_no_buttons(stage: Stage, login: Any) -> None:
    TeamInbox.objects.update(after_claim="read_only")
    stage.do(claim_conversation, stage.house.alice)

    page = login(stage.house.bob).get(page_of(stage))

    assert "Hello" in page.text
    assert "Alice is handling this conversation." in page.text
    assert composer_of(page.text) == "readonly"
    assert 'data-can=""' in page.text


# --- The thread -----------------------------------------------------------------------------------


def test_history_stands_where_it_happened(stage: Stage, login: Any) -> None:
    stage.do(claim_conversation, stage.house.alice)
    stage.reply(stage.house.alice, "Hi Maria")
    stage.do(add_note, stage.house.alice, body="nice one", client_id=client_id())

    page = login(stage.house.alice).get(part(stage, "messages"))

    assert items_of(page.text) == ["opened", "1", "claimed", "2", "3"]


def test_keywords_are_shown_though_they_belong_to_no_conversation(stage: Stage, login: Any) -> None:
    stage.hear("STOP")

    page = login(stage.house.alice).get(part(stage, "messages"))

    assert "STOP" in page.text
    assert "consent" in items_of(page.text)


def test_an_earlier_segment_i_may_not_see_is_not_in_the_thread(
    stage: Stage, login: Any, client: Client
) -> None:
    TeamInbox.objects.update(closed_visibility="audience", reopen_hours=0)
    house = stage.house
    stage.hear("a secret word")
    stage.do(claim_conversation, house.alice)
    stage.do(close_conversation, house.alice, last_seen_seq=2, waiting_ok=True)
    stage.hear("I am back")

    bob = login(house.bob).get(part(stage, "messages"))
    alice = login(house.alice).get(part(stage, "messages"))

    assert "secret" not in bob.text
    assert "I am back" in bob.text
    assert "secret" in alice.text
    assert items_of(bob.text) == ["opened", "3"]
    assert items_of(alice.text) == ["opened", "1", "2", "claimed", "closed", "opened", "3"]


def test_long_threads_come_in_pages_that_fit_together(stage: Stage, login: Any) -> None:
    for number in range(2, 2 * ITEMS + 12):
        stage.hear(f"word {number}")
    alice = login(stage.house.alice)
    newest = alice.get(part(stage, "messages"))
    seen = [int(one) for one in items_of(newest.text) if one.isdigit()]

    while True:
        older = alice.get(part(stage, "messages"), {"before": seen[0]})
        seen = [int(one) for one in items_of(older.text) if one.isdigit()] + seen
        if older.headers["X-Has-Earlier"] == "false":
            break

    assert seen == list(range(1, 2 * ITEMS + 12))
    after = alice.get(part(stage, "messages"), {"after": seen[-3]})
    assert items_of(after.text) == [str(one) for one in seen[-2:]]


def test_a_link_to_a_message_opens_the_thread_around_it(stage: Stage, login: Any) -> None:
    for number in range(2, 90):
        stage.hear(f"word {number}")
    target = Message.objects.get(seq=30)

    page = login(stage.house.alice).get(part(stage, "thread"), {"m": target.public_id})

    shown = [int(one) for one in items_of(page.text) if one.isdigit()]
    assert 30 in shown
    assert (shown[0], shown[-1]) == (11, 50)
    assert 'data-has-later="true"' in page.text


def test_a_customer_s_markup_stays_text(stage: Stage, login: Any) -> None:
    stage.hear("<img src=x onerror=alert(1)> <b>x</b> https://a.example/?a=1&b=<script>")

    html = login(stage.house.alice).get(part(stage, "messages")).text

    assert "<img src=x" not in html
    assert "<b>" not in html
    assert "<script>" not in html
    assert 'target="_blank" rel="noopener noreferrer nofollow" href="https://a.example/' in html


# --- Buttons, banner, composer --------------------------------------------------------------------


def test_the_desk_offers_what_the_stories_allow(stage: Stage, login: Any) -> None:
    house = stage.house
    before = login(house.bob).get(part(stage, "desk")).text
    stage.do(claim_conversation, house.alice)
    alice = login(house.alice).get(part(stage, "desk")).text
    sue = login(house.sue).get(part(stage, "desk")).text

    assert 'data-can="claim close note reply snooze tag transfer"' in before
    assert 'data-can="close note release reply snooze tag transfer"' in alice
    assert 'data-can="close note tag take_over transfer"' in sue
    assert "Alice is handling this conversation." in sue


def test_after_stop_the_composer_is_blocked_and_says_why(stage: Stage, login: Any) -> None:
    stage.hear("STOP")

    desk = login(stage.house.alice).get(part(stage, "desk")).text

    assert composer_of(desk) == "blocked"
    assert 'role="alert"' in desk
    assert "START" in desk


def test_where_nothing_shows_that_they_agreed_it_can_be_noted(stage: Stage, login: Any) -> None:
    Consent.objects.all().delete()
    Thread.objects.update(last_inbound_at=timezone.now() - timedelta(days=60))

    desk = login(stage.house.alice).get(part(stage, "desk")).text

    assert composer_of(desk) == "blocked"
    assert f'href="{part(stage, "panel")}#agreed"' in desk
    assert 'id="agreed"' in login(stage.house.alice).get(part(stage, "panel")).text


def test_who_writes_to_the_simulator_is_told_so_quietly(
    stage: Stage, login: Any, settings: Any
) -> None:
    alice = login(stage.house.alice)
    settings.TWILIO_API_BASE = ""
    before = alice.get(part(stage, "desk")).text
    settings.TWILIO_API_BASE = "http://127.0.0.1:9"

    desk = alice.get(part(stage, "desk")).text

    assert "simulator" not in before
    assert "Test mode: messages go to the simulator" in desk
    assert 'role="status"' in desk
    assert 'role="alert"' not in desk


def test_muting_shows_to_who_did_it_alone_and_is_taken_back(stage: Stage, login: Any) -> None:
    alice, bob = login(stage.house.alice), login(stage.house.bob)
    before = ReadCursor.objects.count()

    alice.post(part(stage, "mute"), {"on": "1"})

    mark = "Muted for you"
    for page in (part(stage, "desk"), part(stage, "thread")):
        assert mark in alice.get(page).text
        assert mark not in bob.get(page).text
    assert "Unmute for me" in alice.get(part(stage, "desk")).text
    alice.post(part(stage, "mute"), {"on": "0"})
    assert mark not in alice.get(part(stage, "desk")).text
    assert ReadCursor.objects.count() <= before + 1


def test_what_is_closed_is_not_muted(stage: Stage, login: Any) -> None:
    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)
    script = {"headers": {"Accept": "application/json"}}

    answer = login(stage.house.alice).post(part(stage, "mute"), {"on": "1"}, **script)

    assert answer.status_code == 409
    assert not ReadCursor.objects.filter(muted_round__isnull=False).exists()


def test_in_a_required_inbox_one_claims_first(stage: Stage, login: Any) -> None:
    TeamInbox.objects.update(claim_rule="required")

    desk = login(stage.house.alice).get(part(stage, "desk")).text

    assert composer_of(desk) == "claim"
    assert "Claim this conversation to answer." in desk


def test_a_closed_conversation_points_to_the_newer_one(stage: Stage, login: Any) -> None:
    TeamInbox.objects.update(reopen_hours=0)
    old = stage.row
    stage.do(close_conversation, stage.house.alice, last_seen_seq=1, waiting_ok=True)
    alice = login(stage.house.alice)
    assert "This conversation is closed." in alice.get(f"/c/{old.public_id}/desk/").text

    stage.hear("Me again")

    desk = alice.get(f"/c/{old.public_id}/desk/").text
    assert "They wrote again" in desk
    assert f"/c/{stage.row.public_id}/" in desk


def test_the_panel_shows_consent_and_only_conversations_i_may_see(stage: Stage, login: Any) -> None:
    TeamInbox.objects.update(closed_visibility="audience", reopen_hours=0)
    house = stage.house
    stage.hear("a secret word")
    stage.do(claim_conversation, house.alice)
    stage.do(close_conversation, house.alice, last_seen_seq=2, waiting_ok=True)
    stage.hear("STOP")
    stage.hear("I am back")

    bob = login(house.bob).get(part(stage, "panel"), **PART).text
    alice = login(house.alice).get(part(stage, "panel"), **PART).text

    assert "Opted out" in bob
    assert "secret" not in bob
    assert "None that you can see." in bob
    assert "secret" in alice


# --- Fragments and price --------------------------------------------------------------------------


def test_fragments_are_the_same_for_everybody(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)
    stage.reply(stage.house.alice, "Hi Maria")
    row = Conversation.objects.get(pk=stage.pk)
    message = Message.objects.get(body="Hi Maria")
    event = ConversationEvent.objects.filter(verb="claimed").get()

    whole = {
        "row": render_row(row),
        "header": render_header(row),
        "bubble": render_bubble(message),
        "activity": render_activity(event),
    }

    assert f'id="m-{message.client_id}"' in whole["bubble"]
    assert f'id="c-{row.public_id}"' in whole["row"]
    assert f'id="e-{event.public_id}"' in whole["activity"]
    for name, html in whole.items():
        check_neutral(name, html)


def check_neutral(name: str, html: str) -> None:
    """Ask whether a fragment says nothing of who reads it, or where and when."""
    for word in ("csrf", "data-unread", "popovertarget", "<form"):
        assert word not in html, (name, word)
    # Every time is left to the reader's browser: what stands there is UTC and says so.
    bare = re.sub(r"<time [^>]*>[^<]* UTC</time>", "", html)
    assert not re.search(r"\d\d:\d\d", bare), (name, bare)


BUBBLES: dict[str, dict[str, Any]] = {
    "note": {"kind": "note", "status": "received"},
    "failed": {"status": "failed", "error_code": "30003", "error_words": "Out of reach."},
    "blocked": {"status": "blocked", "error_code": "OPTED_OUT", "error_words": "They opted out."},
    "unknown": {"status": "unknown", "error_code": "unknown"},
    "later": {"status": "queued", "not_before": NOON},
    "canceled": {"status": "canceled", "error_words": "They wrote first."},
    "automatic": {"author": None, "author_label": "Rule: After hours"},
    "removed": {"body": "", "forgotten_for": "redaction", "forgotten_at": NOON},
    "delivered": {"status": "delivered", "reached_at": NOON},
    "read": {"status": "read"},
    "in another language": {"body": "مرحبا", "details": {"language": "ar"}},
}
ROWS: dict[str, dict[str, Any]] = {
    "snoozed": {"status": "snoozed", "snoozed_until": NOON},
    "promised": {"promised_at": NOON},
    "urgent": {"priority": "urgent"},
    "tagged": {"tags": ["vip", "refund", "third"]},
    "waiting": {"waiting_since": NOON},
    "failed": {"preview": "We do!", "preview_kind": "failed"},
}


@pytest.mark.parametrize("kind", BUBBLES)
def test_every_kind_of_bubble_is_the_same_for_everybody(stage: Stage, kind: str) -> None:
    message = stage.reply(stage.house.alice, "Hi Maria")
    Message.objects.filter(pk=message.pk).update(**BUBBLES[kind])

    html = render_bubble(Message.objects.get(pk=message.pk))

    assert f'id="m-{message.client_id}"' in html
    check_neutral(kind, html)


def test_quotes_files_and_places_are_the_same_for_everybody(stage: Stage) -> None:
    asked = stage.message
    answer = stage.reply(stage.house.alice, "This one")
    Message.objects.filter(pk=answer.pk).update(reply_to=asked)
    files = (("a.jpg", "image/jpeg"), ("b.pdf", "application/pdf"), ("c.ogg", "audio/ogg"))
    for position, (name, kind) in enumerate(files):
        Attachment.objects.create(
            account=answer.account,
            message=answer,
            position=position,
            name=name,
            content_type=kind,
            state="ready",
        )

    html = render_bubble(Message.objects.get(pk=answer.pk))

    assert "Hello" in html
    assert all(name in html for name, _kind in files)
    check_neutral("quote and files", html)


@pytest.mark.parametrize("kind", ROWS)
def test_every_kind_of_row_is_the_same_for_everybody(stage: Stage, kind: str) -> None:
    Conversation.objects.filter(pk=stage.pk).update(**ROWS[kind])

    check_neutral(kind, render_row(Conversation.objects.get(pk=stage.pk)))


def test_fragments_load_what_they_need_in_few_queries(
    stage: Stage, django_assert_max_num_queries: Any
) -> None:
    row, message = Conversation.objects.get(pk=stage.pk), Message.objects.get(seq=1)
    loaded = row_queryset().get(pk=stage.pk)

    with django_assert_max_num_queries(1):
        render_row(row)
    with django_assert_max_num_queries(2):
        render_bubble(message)
    with django_assert_max_num_queries(0):
        render_header(loaded)


def test_a_page_costs_the_same_for_one_message_and_for_forty(
    house: House, client: Client, login: Any, django_assert_max_num_queries: Any
) -> None:
    stage = Stage(house, client, timezone.now())
    for number in range(2, 60):
        stage.hear(f"word {number}")
    text_in(client, house.sender, "+14155550199", "Another one")
    alice = login(house.alice)
    page = page_of(stage)
    thread, messages, desk, panel = (
        part(stage, name) for name in ("thread", "messages", "desk", "panel")
    )
    alice.get(page)

    with django_assert_max_num_queries(16):
        alice.get(page)
    with django_assert_max_num_queries(13):
        alice.get(thread)
    with django_assert_max_num_queries(6):
        alice.get(messages, {"before": 30})
    with django_assert_max_num_queries(8):
        alice.get(desk)
    with django_assert_max_num_queries(10):
        alice.get(panel, **PART)


def test_what_came_in_earlier_conversations_is_not_new(
    stage: Stage, login: Any, house: House
) -> None:
    TeamInbox.objects.update(reopen_hours=0)
    stage.hear("word 2")
    stage.do(close_conversation, house.alice, last_seen_seq=9, waiting_ok=True)
    first = stage.row
    stage.hear("a new matter")

    page = login(house.alice).get(page_of(stage)).context["thread"]

    assert stage.row != first
    assert (page.read_seq, page.new_after) == (0, 2)
    mark_read(conversation=stage.row, by=stage.viewer(house.alice), seq=3)
    page = login(house.alice).get(page_of(stage)).context["thread"]
    assert (page.read_seq, page.new_after) == (3, 3)


def test_the_panel_names_inbox_and_channel_of_other_conversations_and_says_that_there_are_more(
    stage: Stage, login: Any, house: House
) -> None:
    TeamInbox.objects.update(reopen_hours=0)
    for number in range(9):
        stage.do(close_conversation, house.alice, last_seen_seq=99, waiting_ok=True)
        stage.hear(f"matter {number}")
    alice, panel = login(house.alice), part(stage, "panel")

    words = alice.get(panel, **PART).text

    assert words.count('class="others-preview"') == 8
    assert "There are more" in words
    line = re.search(r'class="others-line">(.*)', words)
    assert line
    assert "Support" in line[1]
    assert "SMS" in line[1]


def test_a_name_can_be_given_by_who_sees_the_contact(
    stage: Stage, login: Any, charlie: User
) -> None:
    contact = stage.row.contact
    url = f"/contacts/{contact.public_id}/name/"

    assert login(charlie).post(url, {"name": "Mine"}).status_code == 404
    said = {"name": "Maria G.", "seen": seen_mark(contact)}
    login(stage.house.bob).post(url, said, headers={"Accept": "application/json"})

    contact.refresh_from_db()
    assert contact.name == "Maria G."


def test_the_transfer_form_lists_who_can_take_it(stage: Stage, login: Any) -> None:
    make_inbox(stage.house.account, "Billing")
    stage.do(claim_conversation, stage.house.alice)

    page = login(stage.house.alice).get(part(stage, "transfer")).text

    assert f'value="user:{stage.house.bob.pk}"' in page
    assert f'value="user:{stage.house.alice.pk}"' not in page
    assert 'value="inbox:billing"' in page


def test_whatsapp_warns_before_its_window_closes(
    house: House, client: Client, login: Any, time_machine: Any
) -> None:
    sender = house.inbox.senders.create(
        account=house.account,
        twilio_account=house.sender.twilio_account,
        address="whatsapp:+15550100002",
        kind="whatsapp",
    )
    message = text_in(client, sender, f"whatsapp:{MARIA}", "Bonjour")
    assert message.conversation is not None
    desk = f"/c/{message.conversation.public_id}/desk/"
    heard_at = message.thread.last_inbound_at
    assert heard_at is not None
    alice = login(house.alice)
    assert 'data-kind="window"' not in alice.get(desk).text

    time_machine.move_to(heard_at + timedelta(hours=23), tick=False)
    closing = login(house.alice).get(desk).text
    time_machine.move_to(heard_at + timedelta(hours=25), tick=False)
    closed = login(house.alice).get(desk).text

    assert 'data-kind="window"' in closing
    assert composer_of(closing) == "open"
    assert composer_of(closed) == "blocked"
