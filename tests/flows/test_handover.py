"""Does whoever is given a conversation see the facts of it, until they answer or put them away?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from inbox.abilities import abilities_of, part_of
from inbox.conversations import (
    add_note,
    claim_conversation,
    take_over,
    transfer_to_inbox,
    transfer_to_user,
)
from inbox.handover import Handover, handover_of, put_away
from inbox.marking import Writer, tag_conversation
from inbox.models import Message
from inbox.models.ids import client_id
from inbox.undoing import last_act_on, undo_act
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.flows.test_together import Stage


@pytest.fixture
def stage(house: House, client: Client, now: Any) -> Stage:
    return Stage(house, client, now)


def card(stage: Stage, user: User) -> Handover | None:
    viewer, row = stage.viewer(user), stage.row
    part = part_of(viewer, row)
    return handover_of(viewer, row, abilities_of(viewer, row, part), part)


def given(stage: Stage, note: str = "") -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    stage.do(transfer_to_user, house.alice, to=house.bob, confirmed=True, note=note)


def test_the_card_holds_the_stored_facts(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    stage.now += timedelta(minutes=1)
    stage.hear("Where is parcel 77?")
    viewer = stage.viewer(house.alice)
    tag_conversation(Writer(stage.row, viewer, house.alice, stage.now), "vip")
    stage.do(add_note, house.alice, body="Carrier is slow", client_id=client_id())
    stage.do(transfer_to_user, house.alice, to=house.bob, confirmed=True, note="She is upset")

    found = card(stage, house.bob)

    assert found is not None
    assert found.words == "Alice transferred this to Bob: She is upset"
    assert [one.words for one in found.wanted] == ["Hello", "Where is parcel 77?"]
    assert not found.is_answered
    assert found.waiting_since == stage.row.waiting_since
    assert (found.had_it, found.tags) == (["Alice"], ["vip"])
    assert [one.words for one in found.notes] == ["Carrier is slow"]
    assert found.consent is not None


def test_it_is_for_who_was_given_it_alone(stage: Stage) -> None:
    given(stage)

    assert card(stage, stage.house.bob)
    assert card(stage, stage.house.alice) is None
    assert card(stage, stage.house.sue) is None


def test_an_answer_ends_it(stage: Stage) -> None:
    given(stage)
    stage.reply(stage.house.bob)

    assert card(stage, stage.house.bob) is None


def test_it_can_be_put_away_until_the_next_hand_over(stage: Stage) -> None:
    house = stage.house
    given(stage)
    found = card(stage, house.bob)
    assert found

    put_away(conversation=stage.row, by=stage.viewer(house.bob), event_id=found.event.pk)

    assert card(stage, house.bob) is None
    stage.do(transfer_to_user, house.bob, to=house.alice)
    stage.do(transfer_to_user, house.alice, to=house.bob, confirmed=True)
    assert card(stage, house.bob)


def test_a_team_that_gets_it_sees_it_and_a_reader_of_the_old_team_does_not(stage: Stage) -> None:
    house = stage.house
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)

    stage.do(transfer_to_inbox, house.alice, to=sales, note="They want to buy")

    found = card(stage, dora)
    assert found
    assert found.words == "Alice moved this to Sales: They want to buy"
    assert card(stage, house.bob) is None


def test_who_takes_over_sees_it_too(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)

    stage.do(take_over, stage.house.sue, reason="She is ill")

    found = card(stage, stage.house.sue)
    assert found
    assert found.had_it == ["Alice"]


def test_an_undone_hand_over_has_none(stage: Stage) -> None:
    house = stage.house
    given(stage)
    alice = stage.viewer(house.alice)
    act = last_act_on(alice, stage.row, now=stage.now)
    assert act

    undo_act(act=act, by=alice, user=house.alice, now=stage.now)

    assert card(stage, house.alice) is None


def test_forgotten_words_are_not_on_it(stage: Stage) -> None:
    given(stage)
    Message.objects.update(body="", forgotten_for="erasure", forgotten_at=stage.now)

    found = card(stage, stage.house.bob)

    assert found
    assert [one.is_gone for one in found.wanted] == [True]


def test_the_page_shows_it_and_puts_it_away(stage: Stage, login: Any) -> None:
    given(stage, note="She is upset")
    bob, url = login(stage.house.bob), f"/c/{stage.row.public_id}"
    found = card(stage, stage.house.bob)
    assert found
    assert "She is upset" in bob.get(f"{url}/thread/").text.partition('id="scroller"')[0]

    bob.post(f"{url}/handover/", {"event": found.event.pk}, headers={"Accept": "application/json"})

    assert "She is upset" not in bob.get(f"{url}/thread/").text.partition('id="scroller"')[0]
