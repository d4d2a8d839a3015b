"""Is what somebody promised a customer kept, by whoever has the conversation when it is due?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import License, User
from inbox import undoing
from inbox.abilities import abilities_of, part_of
from inbox.closing import close_conversation, undo_close
from inbox.conversations import (
    claim_conversation,
    release_conversation,
    snooze_conversation,
    transfer_to_user,
)
from inbox.filters import Filter
from inbox.handover import handover_of
from inbox.labels import activity_words
from inbox.lists import Asked, inbox_page
from inbox.models import ConversationEvent, InboxEvent
from inbox.promises import end_promise, promise, tell_due
from inbox.refusals import ClaimedByOtherError, MissingInputError, PromiseOpenError
from tests.conftest import House
from tests.flows.test_together import Stage

HOUR = timedelta(hours=1)


@pytest.fixture
def stage(house: House, client: Client, now: Any) -> Stage:
    stage = Stage(house, client, now)
    stage.do(claim_conversation, house.alice)
    return stage


def made(stage: Stage, note: str = "The price") -> None:
    stage.do(promise, stage.house.alice, due_at=stage.now + HOUR, note=note)


def last_words() -> str:
    return activity_words(ConversationEvent.objects.latest("pk"))


def test_a_promise_is_seen_in_the_list_and_told(stage: Stage) -> None:
    made(stage)

    assert stage.row.promised_at == stage.now + HOUR
    assert last_words() == "Alice promised to come back: The price"
    told = InboxEvent.objects.latest("seq")
    assert (told.type, told.data["changed"]) == ("conversation.updated", ["promise"])
    wanted = Filter.of({"promised": "1"})
    viewer = stage.viewer(stage.house.alice)
    page = inbox_page(viewer, "support", Asked(now=stage.now, wanted=wanted))
    assert [one.row.promised_at for one in page.rows] == [stage.now + HOUR]
    assert "data-promise" in page.rows_html


@pytest.mark.parametrize("after", [timedelta(0), -HOUR, timedelta(days=800)])
def test_a_promise_is_for_a_time_to_come(stage: Stage, after: timedelta) -> None:
    with pytest.raises(MissingInputError):
        stage.do(promise, stage.house.alice, due_at=stage.now + after)


def test_only_who_has_it_promises(stage: Stage) -> None:
    with pytest.raises(ClaimedByOtherError):
        stage.do(promise, stage.house.bob, due_at=stage.now + HOUR)


@pytest.mark.parametrize(("is_kept", "words"), [(True, "kept"), (False, "called")])
def test_it_is_kept_or_called_off_once(stage: Stage, is_kept: bool, words: str) -> None:
    made(stage)

    for _ in range(2):
        stage.do(end_promise, stage.house.alice, is_kept=is_kept)

    assert stage.row.promised_at is None
    assert words in last_words()
    assert ConversationEvent.objects.filter(verb="promised").count() == 2


def test_it_comes_up_once_when_it_is_due_and_wakes_what_is_snoozed(stage: Stage) -> None:
    made(stage)
    stage.do(snooze_conversation, stage.house.alice, until=None)

    assert tell_due(now=stage.now + HOUR - timedelta(seconds=1)) == 0
    assert tell_due(now=stage.now + HOUR) == 1
    assert tell_due(now=stage.now + HOUR * 2) == 0

    row = stage.row
    assert (row.status, row.owner) == ("open", stage.house.alice)
    assert row.last_activity_at == stage.now + HOUR
    assert row.promised_at is not None
    assert last_words() == "The promise is due"


def away(user: User) -> None:
    User.objects.filter(pk=user.pk).update(availability="away")


def unlicensed(user: User) -> None:
    License.objects.filter(holder=user).delete()


@pytest.mark.parametrize("missing", [away, unlicensed])
def test_the_team_has_it_when_its_owner_is_not_there(
    stage: Stage, missing: Callable[[User], None]
) -> None:
    made(stage)
    missing(stage.house.alice)
    assert not stage.sees(stage.house.bob)

    tell_due(now=stage.now + HOUR)

    assert stage.row.owner is None
    assert stage.sees(stage.house.bob)
    assert "the team has it" in last_words()


def test_it_stays_with_the_conversation_through_a_release_and_its_undo(stage: Stage) -> None:
    made(stage)
    due_at = stage.row.promised_at

    stage.do(release_conversation, stage.house.alice)
    assert stage.row.promised_at == due_at
    act = ConversationEvent.objects.filter(verb="released").latest("pk")
    alice = stage.house.alice
    undoing.undo_act(act=act, by=stage.viewer(alice), user=alice, now=stage.now)

    assert stage.row.promised_at == due_at


@pytest.mark.parametrize("end", ["kept", "cancelled"])
def test_a_close_asks_what_became_of_it(stage: Stage, end: str) -> None:
    made(stage)
    due_at = stage.row.promised_at
    how = {"last_seen_seq": 1, "waiting_ok": True}
    with pytest.raises(PromiseOpenError):
        stage.do(close_conversation, stage.house.alice, **how)

    stage.do(close_conversation, stage.house.alice, **how, promise=end, reason="By phone")

    assert stage.row.promised_at is None
    ended = ConversationEvent.objects.filter(verb="promised").latest("pk")
    assert (ended.data["did"], ended.data["reason"]) == (end, "By phone")
    stage.do(undo_close, stage.house.alice)
    assert stage.row.promised_at == due_at


def test_through_the_page(house: House, client: Client, login: Any, now: Any) -> None:
    stage = Stage(house, client, now)
    alice, script = login(house.alice), {"headers": {"Accept": "application/json"}}
    url = f"/c/{stage.row.public_id}"

    empty = alice.post(f"{url}/promise/", {"note": "x"}, **script)
    done = alice.post(f"{url}/promise/", {"preset": "tomorrow", "note": "The price"}, **script)
    desk = alice.get(f"{url}/desk/").text
    close = alice.post(f"{url}/close/", {"last_seen_seq": 1, "waiting_ok": 1}, **script)
    kept = alice.post(f"{url}/promise/end/", {"end": "kept"}, **script)

    assert (empty.status_code, done.status_code, kept.status_code) == (422, 200, 200)
    assert "We promised to come back" in desk
    assert "The price" in desk
    assert (close.status_code, close.json()["code"]) == (409, "promise_open")
    assert "We promised to come back" not in alice.get(f"{url}/desk/").text


def test_the_card_of_a_hand_over_knows_it(stage: Stage) -> None:
    made(stage)
    house = stage.house

    stage.do(transfer_to_user, house.alice, to=house.bob, confirmed=True)
    bob = stage.viewer(house.bob)

    row = stage.row
    part = part_of(bob, row)
    card = handover_of(bob, row, abilities_of(bob, row, part), part)

    assert card is not None
    assert (card.promised_at, card.promise_note) == (row.promised_at, "The price")
