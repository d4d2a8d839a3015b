"""Are the live numbers those of a page, asked for seldom and told only when they are new?

That they are right whatever people do is held by `test_audience_property`.
"""

import asyncio
from typing import Any

import pytest
from django.test import Client

from accounts.access import Viewer
from inbox.conversations import claim_conversation, move_cursor, snooze_conversation
from inbox.models import Conversation, Participant
from inbox.rows import COUNT_LIMIT
from inbox.seats import Seats
from inbox.tallies import GAP_SECONDS, Numbers, Own, Shares, Tallies, count
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.flows.test_together import Stage, stage
from tests.sitters import Database, Listener, in_a_loop
from tests.twilio import text_in

__all__ = ["stage"]


def numbers_of(house: House, *viewers: Viewer) -> Numbers:
    return count({str(house.inbox.public_id): viewers})[str(house.inbox.public_id)]


def test_a_claim_moves_one_from_the_team_to_its_owner(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)

    found = numbers_of(house, *map(house.viewer, (house.alice, house.bob, house.sue)))

    assert found.team.as_data()["open"] == 0
    assert found.own[house.alice.pk].as_data()["mine"] == 1
    assert found.own[house.alice.pk].as_data()["open"] == 1
    assert found.own[house.bob.pk] == Own()
    everything = found.as_data_for_supervisors()
    assert everything["open"] == 1
    assert everything["unassigned"] == 0
    assert everything["by_agent"] == {str(house.alice.pk): 1}


def test_who_waits_longest_is_told_to_those_who_may_see_them(stage: Stage) -> None:
    house, since = stage.house, stage.row.waiting_since
    before = numbers_of(house, house.viewer(house.bob))
    stage.do(claim_conversation, house.alice)

    after = numbers_of(house, house.viewer(house.alice), house.viewer(house.bob))

    assert before.team.oldest_waiting_at == since
    assert after.team.oldest_waiting_at is None
    assert after.own[house.alice.pk].oldest_waiting_at == since
    assert after.own[house.bob.pk].oldest_waiting_at is None
    assert after.everything.oldest_waiting_at == since


def test_what_one_takes_part_in_without_owning_it_is_shared(stage: Stage) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    Participant.objects.create(
        account=house.account,
        conversation=stage.row,
        user=house.bob,
        role=Participant.Role.WATCHER,
        source=Participant.Source.MENTION,
        started_at=stage.now,
    )

    bob = numbers_of(house, house.viewer(house.bob)).own[house.bob.pk]
    stage.do(snooze_conversation, house.alice, until=None)
    later = numbers_of(house, house.viewer(house.bob)).own[house.bob.pk]

    assert (bob.shared, bob.open, bob.mine, bob.snoozed) == (1, 1, 0, 0)
    assert (later.shared, later.open, later.mine, later.snoozed) == (0, 0, 0, 1)


def test_what_is_theirs_and_unread_is_named_to_its_owner_alone(stage: Stage) -> None:
    house = stage.house
    everybody = [house.viewer(user) for user in (house.alice, house.bob, house.sue)]
    unclaimed = numbers_of(house, *everybody)
    stage.do(claim_conversation, house.alice)
    claimed = numbers_of(house, *everybody)
    move_cursor(
        conversation=stage.row, by=everybody[0], is_read=True, seq=stage.row.thread.last_seq
    )
    read = numbers_of(house, *everybody)
    stage.hear("And another thing")
    written = numbers_of(house, *everybody)
    stage.do(snooze_conversation, house.alice, until=None)
    snoozed = numbers_of(house, *everybody)

    named = [[found.own[one.user_id].unread for one in everybody] for found in (claimed, written)]
    assert named == [[[stage.row.public_id], [], []]] * 2
    assert all(not own.unread for own in unclaimed.own.values())
    assert all(not own.unread for own in read.own.values())
    assert all(not own.unread for own in snoozed.own.values())


def test_numbers_stop_at_a_hundred() -> None:
    most = Own(unassigned=7, open=101, snoozed=100, mine=5_000, shared=0).as_data()

    assert [most[name] for name in ("open", "snoozed", "mine", "unassigned")] == [
        COUNT_LIMIT,
        COUNT_LIMIT,
        COUNT_LIMIT,
        7,
    ]


def test_three_questions_for_however_many_people_and_inboxes(
    stage: Stage, client: Client, django_assert_num_queries: Any
) -> None:
    house = stage.house
    sales = make_inbox(house.account, "Sales")
    for i in range(5):
        text_in(client, house.sender, f"+1415555{2000 + i}", "Hello")
    viewers = [house.viewer(make_user(house.account, team=house.inbox.team)) for _ in range(20)]

    with django_assert_num_queries(3):
        few = count({str(house.inbox.public_id): viewers[:1]})
    with django_assert_num_queries(3):
        many = count({str(inbox.public_id): viewers for inbox in (house.inbox, sales)})

    assert Conversation.objects.count() == 6
    assert few[str(house.inbox.public_id)].team.open == 6
    assert many[str(sales.public_id)].team == Shares()


# --- When it is told ------------------------------------------------------------------------------


@pytest.fixture
def alice(house: House) -> Listener:
    return Listener.of(house.viewer(house.alice), house.inbox)


def _answer(house: House, *, open_: int) -> dict[str, Numbers]:
    numbers = Numbers(house.inbox.pk, Shares(open=open_), Shares(open=open_))
    for user in (house.alice, house.bob, house.sue):
        numbers.own[user.pk] = Own()
    return {str(house.inbox.public_id): numbers}


def test_nobody_there_nobody_asks(house: House, alice: Listener) -> None:
    seats, database = Seats(), Database(_answer(house, open_=1))
    [inbox] = alice.inboxes

    async def play() -> None:
        tallies = Tallies(seats, database)
        tallies.heard(inbox)
        seats.take(alice, inbox)
        seats.leave(alice)
        tallies.heard(inbox)
        await asyncio.sleep(0.4)

    in_a_loop(play)
    assert (database.questions, alice.frames) == (0, [])


def test_many_events_are_one_question_a_second_and_only_news_is_told(
    house: House, alice: Listener
) -> None:
    seats, database = Seats(), Database(_answer(house, open_=1))
    [inbox] = alice.inboxes

    async def play() -> None:
        tallies = Tallies(seats, database)
        seats.take(alice, inbox)
        for _ in range(50):
            tallies.heard(inbox)
            await asyncio.sleep(0.01)
        await asyncio.sleep(GAP_SECONDS + 0.3)
        assert database.questions == 2
        assert alice.kinds() == ["counts", "counts.mine"]
        database.answer = _answer(house, open_=2)
        tallies.heard(inbox)
        await asyncio.sleep(GAP_SECONDS + 0.3)
        assert alice.kinds() == ["counts", "counts.mine", "counts"]

    in_a_loop(play)
    assert alice.frames[-1]["data"]["open"] == 2


def test_each_hears_what_is_theirs(house: House, alice: Listener) -> None:
    sue = Listener.of(house.viewer(house.sue), house.inbox)
    guest = Listener.of(house.viewer(make_user(house.account, "Gus")), house.inbox)
    seats, answer = Seats(), _answer(house, open_=1)
    [inbox] = alice.inboxes
    answer[inbox].own[guest.viewer.user_id] = Own()

    async def play() -> None:
        tallies = Tallies(seats, Database(answer))
        for one in (alice, sue, guest):
            seats.take(one, inbox)
        tallies.heard(inbox)
        await asyncio.sleep(0.3)

    in_a_loop(play)
    assert alice.kinds() == ["counts", "counts.mine"]
    assert sue.kinds() == ["counts", "counts.team", "counts.mine"]
    assert guest.kinds() == ["counts.mine"]


def test_who_may_stay_as_something_else_is_told_everything_anew(
    house: House, alice: Listener
) -> None:
    seats = Seats()
    [inbox] = alice.inboxes

    async def play() -> None:
        tallies = Tallies(seats, Database(_answer(house, open_=1)))
        seats.take(alice, inbox)
        tallies.heard(inbox)
        await asyncio.sleep(0.3)
        for found in seats.review(alice):
            tallies.heard(found)
        await asyncio.sleep(GAP_SECONDS + 0.3)
        alice.inboxes = {}
        assert seats.review(alice) == []
        assert not seats.is_anybody_in(inbox)

    in_a_loop(play)
    assert alice.kinds() == ["counts", "counts.mine"] * 2
