"""Is everybody told what concerns them, and nobody anything else?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.access import viewer_of
from accounts.models import License, Membership, User
from inbox.alerts import Alerts, Happening, Kind, Notice, happening_in, notices_of
from inbox.broadcast import Head, head_in
from inbox.closing import close_conversation, reopen_conversation
from inbox.conversations import (
    add_note,
    claim_conversation,
    release_conversation,
    take_over,
    transfer_to_user,
)
from inbox.models import Conversation, Message, Participant
from inbox.models.ids import client_id
from inbox.muting import mute
from inbox.seats import Seats
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_together import Stage, stage
from tests.inbox.test_protocol import Ear, Heard, ear, published
from tests.sitters import Database, Listener, in_a_loop
from tests.twilio import status_in

__all__ = ["Ear", "ear", "published", "stage"]
Told = Callable[[Callable[[], Any]], list[Notice]]


def happenings_in(frames: Heard) -> list[Happening]:
    """Read what published frames tell of, each number once."""
    found: dict[int, Happening] = {}
    for _, frame in frames:
        text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False)
        head = head_in(text)
        happening = happening_in(head, text) if head else None
        if head and happening:
            found[head.seq] = happening
    return list(found.values())


@pytest.fixture
def told(stage: Stage, published: Any) -> Told:
    """Return a function that does something and returns who of everybody is told what."""

    def do(act: Callable[[], Any]) -> list[Notice]:
        happenings = happenings_in(published(act))
        everybody = User.objects.values_list("pk", flat=True)
        return notices_of(happenings, everybody, now=stage.now)

    return do


def who(notices: list[Notice]) -> list[tuple[str, str]]:
    names = dict(User.objects.values_list("pk", "name"))
    return sorted((names[notice.user_id], notice.kind.value) for notice in notices)


def watch(stage: Stage, user: User) -> None:
    """Let somebody watch the conversation, as a mention will do it."""
    Participant.objects.create(
        account=stage.house.account,
        conversation=stage.row,
        user=user,
        role=Participant.Role.WATCHER,
        source=Participant.Source.MENTION,
        started_at=stage.now,
    )


# --- A customer's words ---------------------------------------------------------------------------


def test_while_nobody_has_it_the_team_on_duty_is_told(
    stage: Stage, told: Told, charlie: User
) -> None:
    team = stage.house.inbox.team
    make_user(stage.house.account, "Olly", team=team, role=Membership.Role.OBSERVER)
    make_user(stage.house.account, "Aron", team=team, availability=User.Availability.AWAY)
    make_user(stage.house.account, "Nora", team=team, is_licensed=False)

    notices = told(lambda: stage.hear("Hello?"))

    assert who(notices) == [("Alice", "inbound"), ("Bob", "inbound"), ("Sue", "inbound")]
    assert {notice.body for notice in notices} == {"Hello?"}


def test_what_somebody_has_concerns_them_and_who_takes_part_only(stage: Stage, told: Told) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    watch(stage, make_user(house.account, "Wanda"))
    User.objects.filter(pk=house.alice.pk).update(availability=User.Availability.AWAY)

    assert who(told(lambda: stage.hear("Hm"))) == [("Alice", "inbound"), ("Wanda", "inbound")]


def test_colleagues_who_may_read_on_are_not_told(stage: Stage, told: Told) -> None:
    stage.house.inbox.after_claim = "read_only"
    stage.house.inbox.save()
    stage.do(claim_conversation, stage.house.alice)

    assert who(told(lambda: stage.hear("Hm"))) == [("Alice", "inbound")]


def test_keywords_answers_and_blocked_contacts_are_told_to_nobody(stage: Stage, told: Told) -> None:
    assert told(lambda: stage.hear("STOP")) == []
    # Of two at one moment the opt-out would count.
    stage.now += timedelta(seconds=1)
    stage.hear("START")
    assert told(lambda: stage.reply(stage.house.alice)) == []
    stage.row.contact.__class__.objects.update(is_blocked=True)
    assert told(lambda: stage.hear("you again")) == []


def test_who_lost_sight_since_is_told_nothing(stage: Stage, published: Any) -> None:
    house = stage.house
    happenings = happenings_in(published(lambda: stage.hear("Secret")))
    stage.do(claim_conversation, house.alice)
    License.objects.filter(holder=house.alice).update(ends_at=stage.now)

    everybody = [house.alice.pk, house.bob.pk, house.sue.pk]
    assert notices_of(happenings, everybody, now=stage.now) == []


# --- What others give and take --------------------------------------------------------------------


def test_who_is_given_a_conversation_is_told_by_whom(stage: Stage, told: Told) -> None:
    house = stage.house

    [notice] = told(lambda: stage.do(transfer_to_user, house.alice, to=house.bob, note="VIP"))

    assert who([notice]) == [("Bob", "assigned")]
    assert notice.body == "Alice gave you this conversation. VIP"


def test_nobody_is_told_of_their_own_acts(stage: Stage, told: Told) -> None:
    house = stage.house

    assert told(lambda: stage.do(transfer_to_user, house.alice, to=house.alice)) == []
    assert told(lambda: stage.do(release_conversation, house.alice)) == []
    assert told(lambda: stage.do(claim_conversation, house.alice)) == []
    stage.do(close_conversation, house.alice, last_seen_seq=99, waiting_ok=True)
    assert told(lambda: stage.do(reopen_conversation, house.alice)) == []


def test_who_loses_it_to_a_supervisor_is_told_why(stage: Stage, told: Told) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)

    [notice] = told(lambda: stage.do(take_over, house.sue, reason="you are ill"))

    assert who([notice]) == [("Alice", "assigned")]
    assert notice.body == "Sue took this conversation over: you are ill"


def test_who_gets_it_back_because_the_customer_wrote_is_told_once(stage: Stage, told: Told) -> None:
    house = stage.house
    stage.do(claim_conversation, house.alice)
    stage.do(close_conversation, house.alice, last_seen_seq=99, waiting_ok=True)

    assert who(told(lambda: stage.hear("One more thing"))) == [("Alice", "assigned")]


def test_who_was_given_it_and_lost_it_at_once_is_told_nothing(stage: Stage, published: Any) -> None:
    house = stage.house
    given = published(lambda: stage.do(transfer_to_user, house.alice, to=house.bob))
    stage.do(release_conversation, house.bob)

    assert notices_of(happenings_in(given), [house.bob.pk], now=stage.now) == []


# --- What did not arrive --------------------------------------------------------------------------


def test_who_wrote_what_did_not_arrive_is_told(stage: Stage, told: Told, client: Client) -> None:
    stage.reply(stage.house.alice)
    message = Message.objects.get(direction="out", kind="text")

    [notice] = told(lambda: status_in(client, message, "undelivered", "30003"))

    assert who([notice]) == [("Alice", "failed")]
    assert notice.body.startswith("Your message did not arrive.")


def test_who_may_not_see_it_any_more_is_not_told_of_its_failure(
    stage: Stage, told: Told, client: Client
) -> None:
    stage.reply(stage.house.alice)
    stage.do(claim_conversation, stage.house.bob)
    message = Message.objects.get(direction="out", kind="text")

    assert told(lambda: status_in(client, message, "undelivered", "30003")) == []


# --- Muted ----------------------------------------------------------------------------------------


def hush(stage: Stage, user: User, *, is_on: bool = True) -> None:
    mute(conversation=stage.row, by=viewer_of(user, now=stage.now), is_on=is_on)


def test_what_somebody_muted_alerts_only_the_others_until_they_unmute(
    stage: Stage, told: Told
) -> None:
    house = stage.house
    hush(stage, house.alice)

    assert who(told(lambda: stage.hear("One"))) == [("Bob", "inbound"), ("Sue", "inbound")]
    hush(stage, house.alice, is_on=False)
    assert len(who(told(lambda: stage.hear("Two")))) == 3


def test_what_is_muted_still_tells_of_a_mention_and_of_what_one_is_given(
    stage: Stage, told: Told
) -> None:
    house = stage.house
    hush(stage, house.bob)

    facts = {"body": "@Bob look", "client_id": client_id()}
    note = told(lambda: stage.do(add_note, house.alice, **facts))
    given = told(lambda: stage.do(transfer_to_user, house.alice, to=house.bob))

    assert who(note) == [("Bob", "mention")]
    assert who(given) == [("Bob", "assigned")]


def test_what_is_muted_still_tells_of_ones_own_failure(
    stage: Stage, told: Told, client: Client
) -> None:
    stage.reply(stage.house.alice)
    hush(stage, stage.house.alice)
    message = Message.objects.get(direction="out", kind="text")

    failed = told(lambda: status_in(client, message, "undelivered", "30003"))

    assert who(failed) == [("Alice", "failed")]


def test_what_was_closed_and_begins_again_is_muted_for_nobody(stage: Stage, told: Told) -> None:
    house = stage.house
    hush(stage, house.alice)
    stage.do(close_conversation, house.alice, last_seen_seq=99, waiting_ok=True)

    assert len(who(told(lambda: stage.hear("Again")))) == 3


# --- How it is told -------------------------------------------------------------------------------


def test_a_fixed_number_of_questions(
    stage: Stage, published: Any, django_assert_max_num_queries: Any
) -> None:
    house = stage.house
    make = [make_user(house.account, team=house.inbox.team) for _ in range(20)]
    frames = published(lambda: stage.hear("Hello?"))
    frames += published(lambda: stage.do(transfer_to_user, house.alice, to=house.bob))

    with django_assert_max_num_queries(8):
        found = notices_of(happenings_in(frames), [user.pk for user in make], now=stage.now)

    assert found == []


def test_a_notice_says_where_to_go_and_holds_no_more_than_a_row_does(stage: Stage) -> None:
    notice = Notice(1, Kind.INBOUND, "abc", stage.row, "Hello")

    frame = json.loads(notice.as_frame())

    assert frame["conversation"] == stage.row.public_id
    assert frame["data"] == {
        "id": "inbound-abc",
        "kind": "inbound",
        "title": "+1 415-555-0100",
        "body": "Hello",
        "url": f"/inbox/support/c/{stage.row.public_id}/",
        "sound": "none",
        "tone": "chime",
        "volume": 50,
        "repeats_until": None,
        "tag": f"c-{stage.row.public_id}",
    }


def test_a_burst_is_told_once_and_one_frame_once_however_often_it_is_heard(
    house: House, stage: Stage, now: datetime
) -> None:
    alice = Listener.of(house.viewer(house.alice), house.inbox)
    row: Conversation = stage.row
    database = Database([Notice(house.alice.pk, Kind.INBOUND, "m1", row, "Hello")])
    seats, times = Seats(), [now, now + timedelta(seconds=3), now + timedelta(seconds=20)]
    assert row.inbox.account.name

    async def play() -> None:
        alerts = Alerts(seats, database, lambda: times.pop(0))
        seats.take(alice, str(house.inbox.public_id))
        for seq in (1, 1, 2, 3):
            text = json.dumps(
                {"data": {"id": f"m{seq}", "notify": True}, "conversation": row.public_id}
            )
            alerts.heard(Head(str(house.inbox.public_id), seq, "message.created"), text)
            alerts.heard(Head(str(house.inbox.public_id), seq, None), "{}")
            await asyncio.sleep(0.4)

    in_a_loop(play)
    assert times == []
    assert database.questions == 2
    assert alice.kinds() == ["notify", "notify"]
