"""Does who was away get exactly what they missed and may see, and nothing else?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from inbox.catchup import LIMIT
from inbox.closing import close_conversation, undo_close
from inbox.conversations import (
    add_note,
    claim_conversation,
    release_conversation,
    transfer_to_inbox,
)
from inbox.events import forget_events, head_of
from inbox.forgetting.removing import remove_message
from inbox.models import Conversation, InboxEvent, Participant, TeamInbox
from inbox.models.ids import client_id
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.flows.test_together import Stage
from tests.twilio import status_in, text_in

LIAM = "+14155550177"
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    return Stage(house, client, now)


@pytest.fixture
def ask(house: House, login: Callable[[User], Client]) -> Ask:
    """Return a function that asks what somebody missed."""

    def missed(user: User, after: int, inbox: TeamInbox | None = None, **more: Any) -> Any:
        answer = login(user).get(_url(inbox or house.inbox), {"after": after, **more})
        assert answer.status_code == 200, answer.content
        return answer.json()

    return missed


def _url(inbox: TeamInbox) -> str:
    return f"/api/v1/inboxes/{inbox.public_id}/events/"


def _seqs(answer: dict[str, Any]) -> list[int]:
    return [event["seq"] for event in answer["events"]]


def _head(house: House) -> int:
    return head_of(house.inbox.pk)


def _fragments(answer: dict[str, Any], kind: str) -> list[int]:
    """Return the numbers of the events that carry this kind of fragment."""
    return [event["seq"] for event in answer["events"] if kind in event["frag"]]


# --- What comes -----------------------------------------------------------------------------------


def test_a_gap_is_filled_in_order_and_once(stage: Stage, ask: Ask) -> None:
    house, after = stage.house, _head(stage.house)
    for i in range(5):
        stage.hear(f"Word {i}")
    stage.do(claim_conversation, house.alice)
    stage.reply(house.alice)

    answer = ask(house.alice, after)

    assert set(answer) == {"events", "left", "counts", "head"}
    assert _seqs(answer) == list(range(after + 1, _head(house) + 1))
    assert answer["head"] == _head(house)
    assert answer["left"] == []
    kinds = [event["type"] for event in answer["events"]]
    assert kinds.count("message.created") == 6
    assert kinds.count("conversation.updated") == 1


def test_an_event_in_the_answer_looks_like_its_frame(stage: Stage, ask: Ask) -> None:
    answer = ask(stage.house.alice, 0)

    for event in answer["events"]:
        assert set(event) == {
            *("v", "inbox", "seq", "type", "at", "conversation", "actor", "data", "frag"),
        }
        assert event["v"] == 1
        assert event["inbox"] == str(stage.house.inbox.public_id)


def test_who_is_up_to_date_gets_an_empty_answer(stage: Stage, ask: Ask) -> None:
    head = _head(stage.house)

    answer = ask(stage.house.alice, head)

    assert (answer["events"], answer["left"], answer["head"]) == ([], [], head)


def test_the_counts_are_the_readers_own(stage: Stage, ask: Ask) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)

    assert ask(house.alice, 0)["counts"] == {
        "mine": 1,
        "unassigned": 0,
        "open": 1,
        "snoozed": 0,
        "mentions": 0,
    }
    assert ask(house.bob, 0)["counts"] == {
        "mine": 0,
        "unassigned": 0,
        "open": 0,
        "snoozed": 0,
        "mentions": 0,
    }
    assert ask(house.sue, 0)["counts"] == {
        "mine": 0,
        "unassigned": 0,
        "open": 1,
        "snoozed": 0,
        "mentions": 0,
    }


# --- What does not come ---------------------------------------------------------------------------


def test_who_was_away_during_a_claim_learns_only_that_it_is_gone(stage: Stage, ask: Ask) -> None:
    house, after = stage.house, _head(stage.house)
    stage.do(claim_conversation, house.alice)
    for i in range(3):
        stage.hear(f"My card is 411{i}")
    stage.reply(house.alice, "Thanks for the card")

    answer = ask(house.bob, after, open=stage.row.public_id)

    assert answer == {
        "events": [],
        "left": [stage.row.public_id],
        "counts": {"mine": 0, "unassigned": 0, "open": 0, "snoozed": 0, "mentions": 0},
        "head": _head(house),
    }


def test_who_has_it_back_learns_everything_again(stage: Stage, ask: Ask) -> None:
    house, after = stage.house, _head(stage.house)
    stage.do(claim_conversation, house.alice)
    stage.hear("Still there?")
    stage.do(release_conversation, house.alice)

    answer = ask(house.bob, after, open=stage.row.public_id)

    assert answer["left"] == []
    assert _seqs(answer) == list(range(after + 1, _head(house) + 1))
    assert "Still there?" in str(answer["events"])


@pytest.mark.parametrize("how", ["undo", "customer"])
def test_who_saw_it_closed_learns_that_it_is_open_again_with_its_owner(
    stage: Stage, ask: Ask, how: str
) -> None:
    house = stage.house
    stage.now = timezone.now()
    stage.do(claim_conversation, house.alice)
    stage.do(close_conversation, house.alice, last_seen_seq=9, waiting_ok=True)
    assert stage.sees(house.bob)
    after = _head(house)

    if how == "undo":
        stage.do(undo_close, house.alice)
    else:
        stage.hear("One more thing")

    assert stage.row.owner == house.alice
    answer = ask(house.bob, after)
    assert (answer["events"], answer["left"]) == ([], [stage.row.public_id])


def test_what_is_open_and_no_longer_visible_counts_as_left(stage: Stage, ask: Ask) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    after = _head(house)

    answer = ask(house.bob, after, open=stage.row.public_id)
    guessed = ask(house.bob, after, open="nobodys-conversation")

    assert answer["left"] == [stage.row.public_id]
    # Not to be told from what never was.
    assert guessed["left"] == ["nobodys-conversation"]


def test_a_conversation_that_moved_away_is_left_in_the_old_inbox_and_comes_in_the_new(
    stage: Stage, ask: Ask
) -> None:
    house = stage.house
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)
    after = _head(house)
    stage.do(transfer_to_inbox, house.alice, to=sales)

    old, new = ask(house.bob, after), ask(dora, 0, sales)

    assert (old["events"], old["left"]) == ([], [stage.row.public_id])
    assert [event["type"] for event in new["events"]] == ["activity.created", "conversation.moved"]
    assert "row" in new["events"][-1]["frag"]


def test_a_guest_hears_of_their_conversation_and_of_no_other(stage: Stage, ask: Ask) -> None:
    house = stage.house
    text_in(stage.client, house.sender, LIAM, "A secret of Liam's")
    guest = make_user(house.account, "Gus")
    Participant.objects.create(
        account=house.account,
        conversation=stage.row,
        user=guest,
        role=Participant.Role.WATCHER,
        source=Participant.Source.MENTION,
        started_at=stage.now,
    )

    answer = ask(guest, 0)

    assert {event["conversation"] for event in answer["events"]} == {stage.row.public_id}
    assert "Liam" not in str(answer)


@pytest.mark.parametrize("who", ["charlie", "nora", "dora", "nobody"])
def test_strangers_are_not_even_told_that_the_inbox_exists(
    stage: Stage, charlie: User, login: Callable[[User], Client], who: str
) -> None:
    house = stage.house
    people = {
        "charlie": charlie,
        "nora": make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False),
        "dora": make_user(house.account, "Dora", team=make_inbox(house.account, "Sales").team),
    }
    browser = login(people[who]) if who in people else Client()

    answers = [
        browser.get(_url(house.inbox) + query) for query in ("?after=0", "?after=0&confirm=1")
    ]

    expected = 404 if who in people else 401
    assert [answer.status_code for answer in answers] == [expected] * 2


# --- Start anew -----------------------------------------------------------------------------------


def _many_events(stage: Stage, count: int) -> None:
    row = stage.row
    head = _head(stage.house)
    InboxEvent.objects.bulk_create(
        InboxEvent(
            inbox=row.inbox,
            seq=head + i,
            type="message.status",
            conversation=row,
            audience={"team": True, "users": []},
            data={"id": "x", "client_id": "x", "status": "sent", "at": "x"},
            created_at=stage.now,
        )
        for i in range(1, count + 1)
    )
    row.inbox.counter.seq = head + count
    row.inbox.counter.save()


def test_two_hundred_missed_events_are_told_and_one_more_is_a_reset(stage: Stage, ask: Ask) -> None:
    house, after = stage.house, _head(stage.house)
    _many_events(stage, 201)

    many, too_many = ask(house.alice, after + 1), ask(house.alice, after)

    assert len(many["events"]) == 200
    assert too_many == {"reset": True, "head": after + 201}


def test_events_of_others_make_nobody_start_anew(stage: Stage, ask: Ask) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    after = _head(house)
    _many_events(stage, 500)

    answer = ask(house.bob, after)

    assert (answer["events"], answer["head"]) == ([], after + 500)


def test_who_is_further_behind_than_what_is_kept_starts_anew(stage: Stage, ask: Ask) -> None:
    house, middle = stage.house, _head(stage.house)
    InboxEvent.objects.update(created_at=stage.now - timedelta(days=8))
    stage.hear("Today")

    forget_events(before=stage.now - timedelta(days=7))

    assert ask(house.alice, middle - 1)["reset"] is True
    assert _seqs(ask(house.alice, middle)) == [middle + 1]


def test_a_cursor_from_the_future_starts_anew(stage: Stage, ask: Ask) -> None:
    head = _head(stage.house)

    assert ask(stage.house.alice, head + 1) == {"reset": True, "head": head}


@pytest.mark.parametrize("after", ["-1", "x", "", "9" * 30])
def test_a_cursor_that_is_none_is_refused(
    stage: Stage, login: Callable[[User], Client], after: str
) -> None:
    answer = login(stage.house.alice).get(_url(stage.house.inbox), {"after": after})

    assert answer.status_code == 400


# --- Cheap questions ------------------------------------------------------------------------------


def test_a_confirmation_names_only_the_numbers_in_sight(stage: Stage, ask: Ask) -> None:
    house, after = stage.house, _head(stage.house)
    liams = text_in(stage.client, house.sender, LIAM, "Hi")
    first = range(after + 1, _head(house) + 1)
    stage.do(claim_conversation, house.alice)
    claimed = range(first[-1] + 1, _head(house) + 1)
    text_in(stage.client, house.sender, LIAM, "Hello?")
    head = _head(house)
    last = range(claimed[-1] + 1, head + 1)

    alice, bob = (ask(user, after, confirm=1) for user in (house.alice, house.bob))

    assert liams.conversation_id != stage.pk
    assert alice == {"seqs": [*first, *claimed, *last], "head": head}
    assert bob == {"seqs": [*first, *last], "head": head}


def test_more_than_one_answer_confirms_are_confirmed_in_two(stage: Stage, ask: Ask) -> None:
    house, after = stage.house, _head(stage.house)
    _many_events(stage, LIMIT + 1)

    first = ask(house.alice, after, confirm=1)
    second = ask(house.alice, first["head"], confirm=1)

    assert first["head"] == after + LIMIT, "no further than what is named"
    assert first["seqs"] == list(range(after + 1, after + LIMIT + 1))
    assert second == {"seqs": [after + LIMIT + 1], "head": _head(house)}


def test_an_unchanged_answer_costs_no_body(stage: Stage, login: Callable[[User], Client]) -> None:
    house, head = stage.house, _head(stage.house)
    alice, bob = login(house.alice), login(house.bob)
    first = alice.get(_url(house.inbox), {"after": head})
    tag = first["ETag"]

    again = alice.get(_url(house.inbox), {"after": head}, headers={"If-None-Match": tag})
    other = bob.get(_url(house.inbox), {"after": head}, headers={"If-None-Match": tag})
    stage.hear("News")
    later = alice.get(_url(house.inbox), {"after": head}, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")
    assert (other.status_code, later.status_code) == (200, 200)
    assert first["Cache-Control"] == "private, no-cache"


# --- Fragments ------------------------------------------------------------------------------------


def test_only_the_open_conversation_gets_bubbles_and_each_thing_is_drawn_once(
    stage: Stage, ask: Ask
) -> None:
    house, after = stage.house, _head(stage.house)
    message = stage.reply(house.alice, "On its way")
    for status in ("sent", "delivered", "read"):
        status_in(stage.client, message, status)
    stage.do(add_note, house.alice, body="He is nice", client_id=client_id())
    other = text_in(stage.client, house.sender, LIAM, "Hi")

    answer = ask(house.alice, after, open=stage.row.public_id)
    closed = ask(house.alice, after)

    drawn = [
        event["data"]["id"]
        for event in answer["events"]
        if "bubble" in event["frag"] and event["type"].startswith("message.")
    ]
    assert sorted(drawn) == sorted(
        Conversation.objects.get(pk=stage.pk)
        .messages.exclude(seq=1)
        .values_list("public_id", flat=True)
    )
    assert other.public_id not in drawn
    assert _fragments(closed, "bubble") == []
    rows = [event["conversation"] for event in answer["events"] if "row" in event["frag"]]
    assert other.conversation is not None
    assert sorted(rows) == sorted([stage.row.public_id, other.conversation.public_id])


def test_a_bubble_shows_the_message_as_it_is_now(stage: Stage, ask: Ask) -> None:
    house, after = stage.house, _head(stage.house)
    message = stage.reply(house.alice, "On its way")
    status_in(stage.client, message, "delivered")

    answer = ask(house.alice, after, open=stage.row.public_id)

    [bubble] = [event["frag"]["bubble"] for event in answer["events"] if "bubble" in event["frag"]]
    assert 'data-status="delivered"' in bubble


def test_who_was_away_is_shown_what_is_left_of_a_removed_message(
    stage: Stage, house: House, ask: Ask
) -> None:
    stage.hear("My card is 4111 1111 1111 1111")
    before, removed = _head(house), stage.message
    stage.do(claim_conversation, house.alice)
    remove_message(
        message=removed,
        by=stage.viewer(house.sue),
        user=house.sue,
        reason="A card number",
        now=stage.now,
    )

    answer = ask(house.alice, before, open=stage.row.public_id)

    [frame] = [one for one in answer["events"] if one["type"] == "message.removed"]
    assert frame["data"] == {"id": removed.public_id, "reason": "redacted"}
    assert "Removed by a colleague" in frame["frag"]["bubble"]
    rows = [one["frag"]["row"] for one in answer["events"] if "row" in one["frag"]]
    assert "Message removed" in rows[-1]
    assert "4111 1111" not in str(answer)
    unseen = ask(house.bob, before, open=stage.row.public_id)
    assert [one for one in unseen["events"] if one["type"] == "message.removed"] == []
