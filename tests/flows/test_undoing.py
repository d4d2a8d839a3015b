"""Can a person take back what they have just done, exactly, and only while nobody acted since?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections
from django.http import Http404
from django.test import Client
from django.utils import timezone

from accounts.models import License, Membership, User
from inbox import undoing
from inbox.access import readers_of
from inbox.audience import add_members
from inbox.closing import close_conversation, reopen_conversation, undo_close
from inbox.conversations import (
    add_note,
    claim_conversation,
    leave_inbox,
    release_conversation,
    snooze_conversation,
    take_over,
    transfer_to_inbox,
    transfer_to_user,
)
from inbox.models import (
    Conversation,
    ConversationEvent,
    EscalationTimer,
    InboxEvent,
    Participant,
    TeamInbox,
)
from inbox.models.ids import client_id
from inbox.refusals import ChangedMeanwhileError, NotAllowedError, NotEligibleError, RefusedError
from inbox.sending import send_reply
from tests.conftest import House
from tests.factories import make_inbox, make_policy, make_user
from tests.flows.test_together import MARIA, Stage
from tests.twilio import text_in

FIELDS = (
    "status",
    "owner_id",
    "owned_since",
    "last_owner_id",
    "inbox_id",
    "is_team_wide",
    "audience_before",
    "returns_at",
    "return_inbox_id",
    "snoozed_until",
    "waiting_since",
    "wait_generation",
    "routing",
    "routing_trigger",
    "route_at",
    "answer_seq",
)
TIMER = ("step", "due_at", "next_at", "obsolete_at", "obsolete_reason", "suspended_remaining")


@pytest.fixture
def stage(house: House, client: Client, now: Any) -> Stage:
    return Stage(house, client, now)


def state(stage: Stage) -> dict[str, Any]:
    """Return everything that an undo has to put back."""
    row = stage.row
    parts = Participant.objects.filter(conversation=row, ended_at=None)
    timers = EscalationTimer.objects.filter(conversation=row).order_by("step")
    return {
        **{name: getattr(row, name) for name in FIELDS},
        "parts": sorted(parts.values_list("user", "role", "source", "mentioned_seq")),
        "timers": list(timers.values(*TIMER)),
        "readers": readers_of(row, now=stage.now),
    }


def last_act() -> ConversationEvent:
    return ConversationEvent.objects.filter(data__has_key="undo").latest("pk")


def undo(stage: Stage, user: User, act: ConversationEvent | None = None) -> Conversation:
    act = act or last_act()
    return undoing.undo_act(act=act, by=stage.viewer(user), user=user, now=stage.now)


def claim(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)


def release(stage: Stage) -> None:
    stage.do(release_conversation, stage.house.alice)


def to_bob(stage: Stage) -> None:
    stage.do(transfer_to_user, stage.house.alice, to=stage.house.bob, confirmed=True)


def to_sales(stage: Stage) -> None:
    sales = TeamInbox.objects.filter(name="Sales").first() or make_inbox(
        stage.house.account, "Sales"
    )
    stage.do(transfer_to_inbox, stage.house.alice, to=sales)


def mention_bob(stage: Stage) -> None:
    stage.do(add_note, stage.house.alice, body="@Bob look", client_id=client_id())


def ask_later(stage: Stage) -> None:
    """Let the rules have found nobody: they are asked again in a minute."""
    later = stage.now + timedelta(minutes=1)
    Conversation.objects.update(routing="nobody", routing_trigger="new", route_at=later)


def close(stage: Stage) -> None:
    stage.do(close_conversation, stage.house.alice, last_seen_seq=9, waiting_ok=True)


ACTS = [
    ([], claim),
    ([claim], release),
    ([], to_bob),
    ([claim], to_bob),
    ([], to_sales),
    ([claim], to_sales),
    ([], close),
    ([claim], close),
    ([claim, mention_bob], close),
    ([mention_bob, ask_later], close),
]


@pytest.mark.parametrize(("first", "act"), ACTS)
@pytest.mark.parametrize("is_snoozed", [False, True], ids=["open", "snoozed"])
def test_an_undo_puts_everything_back(
    house: House,
    client: Client,
    now: Any,
    first: list[Callable[[Stage], None]],
    act: Callable[[Stage], None],
    is_snoozed: bool,
) -> None:
    bob = {"users": [house.bob.pk]}
    make_policy(house.inbox, {"after": 10, "to": [bob]}, {"after": 30, "to": [bob]})
    TeamInbox.objects.update(handover_minutes=15)
    stage = Stage(house, client, now)
    for one in first:
        one(stage)
    if is_snoozed:
        stage.do(snooze_conversation, house.alice, until=stage.now + timedelta(hours=2))
    stage.now += timedelta(minutes=3)
    before = state(stage)
    act(stage)
    assert state(stage) != before

    stage.now += timedelta(seconds=100)
    undo(stage, house.alice)

    assert state(stage) == before


def test_a_take_over_is_taken_back_too(stage: Stage) -> None:
    claim(stage)
    before = state(stage)
    stage.do(take_over, stage.house.sue, reason="Alice is ill")
    assert state(stage) != before

    undo(stage, stage.house.sue)

    assert state(stage) == before


def test_the_same_undo_twice_changes_nothing_more(stage: Stage) -> None:
    claim(stage)
    act = last_act()

    first = undo(stage, stage.house.alice, act)
    again = undo(stage, stage.house.alice, act)

    assert again.version == first.version
    assert ConversationEvent.objects.filter(verb="undone").count() == 1


def test_only_who_acted_may_and_only_for_two_minutes(stage: Stage) -> None:
    claim(stage)

    for user in (stage.house.bob, stage.house.sue):
        with pytest.raises(NotAllowedError):
            undo(stage, user)
    stage.now += timedelta(minutes=2, seconds=1)
    with pytest.raises(ChangedMeanwhileError, match="two minutes"):
        undo(stage, stage.house.alice)


def test_it_is_refused_in_words_once_somebody_has_acted(stage: Stage) -> None:
    house = stage.house
    to_bob(stage)
    stage.do(add_note, house.bob, body="I look into it", client_id=client_id())

    with pytest.raises(ChangedMeanwhileError, match="Something happened"):
        undo(stage, house.alice)

    assert stage.row.owner == house.bob


def test_a_later_act_is_in_the_way_of_an_undo(stage: Stage) -> None:
    claim(stage)
    claimed = last_act()
    release(stage)

    with pytest.raises(ChangedMeanwhileError):
        undo(stage, stage.house.alice, claimed)
    undo(stage, stage.house.alice)

    assert stage.row.owner == stage.house.alice


def test_what_the_customer_writes_is_not_in_the_way(stage: Stage) -> None:
    claim(stage)
    stage.hear("Are you there?")

    undo(stage, stage.house.alice)

    assert stage.row.owner is None
    assert stage.sees(stage.house.bob)
    assert stage.row.last_inbound_seq == 2


def test_nobody_reads_after_an_undo_who_did_not_before(stage: Stage) -> None:
    house = stage.house
    max_ = make_user(house.account, "Max", team=house.inbox.team)
    claim(stage)
    before = readers_of(stage.row, now=stage.now)
    to_sales(stage)
    dora = make_user(house.account, "Dora", team=TeamInbox.objects.get(name="Sales").team)
    assert stage.sees(dora)

    undo(stage, house.alice)

    assert readers_of(stage.row, now=stage.now) == before
    assert not stage.sees(dora)
    assert not stage.sees(max_)
    moved = InboxEvent.objects.filter(type="conversation.moved")
    assert moved.filter(inbox__name="Sales").latest("seq").left == [dora.pk]
    back = moved.filter(inbox=house.inbox.pk).latest("seq")
    assert back.audience == {"users": [house.alice.pk]}


def test_who_left_the_team_meanwhile_does_not_come_back(stage: Stage) -> None:
    house = stage.house
    stage.do(transfer_to_user, house.alice, to=house.bob, confirmed=True)
    stage.do(release_conversation, house.bob)
    act = last_act()
    Membership.objects.filter(user=house.bob).delete()
    leave_inbox(user=house.bob, reason="left", now=stage.now, inbox_id=house.inbox.pk)

    with pytest.raises(RefusedError):
        undo(stage, house.bob, act)

    assert not stage.sees(house.bob)


def leave(stage: Stage, user: User) -> None:
    Membership.objects.filter(user=user).delete()
    leave_inbox(user=user, reason="left", now=stage.now, inbox_id=stage.house.inbox.pk)


def share(stage: Stage, *people: User) -> None:
    """Let these have the conversation together, and the rest of the team not."""
    users = [one.pk for one in people]
    add_members(stage.row, users, source=Participant.Source.TEAM, now=stage.now)
    Conversation.objects.update(is_team_wide=False)


def test_the_undo_of_a_close_brings_nobody_back_who_left_the_team(stage: Stage) -> None:
    house = stage.house
    share(stage, house.alice, house.bob)
    close(stage)
    leave(stage, house.bob)

    undo(stage, house.alice)

    assert stage.sees(house.alice)
    assert not stage.sees(house.bob)


@pytest.mark.parametrize("by_link", [True, False])
def test_the_undo_of_a_close_does_not_go_back_to_an_owner_who_left(
    stage: Stage, by_link: bool
) -> None:
    house = stage.house
    stage.do(transfer_to_user, house.alice, to=house.bob, confirmed=True)
    stage.do(close_conversation, house.sue, last_seen_seq=9, waiting_ok=True)
    leave(stage, house.bob)

    with pytest.raises(NotEligibleError):
        undo(stage, house.sue) if by_link else stage.do(undo_close, house.sue)

    assert stage.row.is_closed
    assert not stage.sees(house.bob)


def test_the_undo_of_a_reopening_shows_it_to_nobody_who_left_the_team(stage: Stage) -> None:
    house = stage.house
    TeamInbox.objects.update(closed_visibility=TeamInbox.ClosedVisibility.AUDIENCE)
    share(stage, house.alice, house.bob)
    close(stage)
    assert stage.sees(house.bob)
    stage.do(reopen_conversation, house.alice)
    leave(stage, house.bob)

    undo(stage, house.alice)

    assert stage.sees(house.alice)
    assert not stage.sees(house.bob)


def test_a_guest_whom_a_rule_named_takes_a_release_back(stage: Stage) -> None:
    sales = make_inbox(stage.house.account, "Sales")
    guest = make_user(stage.house.account, "Gus", team=sales.team)
    add_members(stage.row, [guest.pk], source=Participant.Source.RULE, now=stage.now)
    stage.do(claim_conversation, guest)
    stage.do(release_conversation, guest)

    undo(stage, guest)

    assert stage.row.owner == guest


def test_it_does_not_go_back_to_an_owner_without_a_licence(stage: Stage) -> None:
    house = stage.house
    stage.do(transfer_to_user, house.alice, to=house.bob, confirmed=True)
    stage.do(transfer_to_user, house.sue, to=house.alice)
    License.objects.filter(holder=house.bob).update(ends_at=stage.now)

    with pytest.raises(NotEligibleError):
        undo(stage, house.sue)

    assert stage.row.owner == house.alice


def test_without_a_licence_nothing_is_taken_back(stage: Stage) -> None:
    claim(stage)
    act = last_act()
    License.objects.filter(holder=stage.house.alice).update(ends_at=stage.now)

    with pytest.raises(Http404):
        undoing.act_of(stage.viewer(stage.house.alice), stage.row.public_id, act.public_id)
    with pytest.raises(NotAllowedError):
        undo(stage, stage.house.alice, act)


def test_who_gave_it_away_takes_it_back_through_the_page(house: House, login: Any) -> None:
    text_in(Client(), house.sender, MARIA, "Hello")
    row = Conversation.objects.get()
    alice, bob = login(house.alice), login(house.bob)
    script = {"headers": {"Accept": "application/json"}}
    to = {"to": f"user:{house.bob.pk}", "confirm": "1"}
    url = f"/c/{row.public_id}/transfer/"

    address = alice.post(url, to, **script).json()["undo"]
    assert alice.get(f"/c/{row.public_id}/thread/").status_code == 404
    assert bob.post(address, **script).status_code == 404
    answers = [alice.post(address, **script) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 200]
    assert alice.get(f"/c/{row.public_id}/thread/").status_code == 200
    row.refresh_from_db()
    assert (row.owner, row.is_team_wide) == (None, True)


# --- At the same moment ---------------------------------------------------------------------------


def side_by_side(acts: list[Callable[[], Any]]) -> list[Any]:
    """Do these in threads of their own at the same moment; a refusal is an outcome too."""
    ready = threading.Barrier(len(acts))

    def alone(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            ready.wait(10)
            return act()
        except RefusedError as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result() for one in [pool.submit(alone, act) for act in acts]]


@pytest.mark.django_db(transaction=True)
def test_eight_undos_at_once_are_one(house: House) -> None:
    text_in(Client(), house.sender, MARIA, "Hello")
    by: dict[str, Any] = {"by": house.viewer(house.alice), "user": house.alice}
    claim_conversation(conversation=Conversation.objects.get(), **by, now=timezone.now())
    act = last_act()

    done = side_by_side([partial(undoing.undo_act, act=act, **by, now=timezone.now())] * 8)

    assert not [one for one in done if isinstance(one, RefusedError)]
    assert ConversationEvent.objects.filter(verb="undone").count() == 1
    assert Conversation.objects.get().owner is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_an_undo_and_an_answer_of_the_new_owner_at_once(house: House, round_: int) -> None:
    """Either it is taken back and nothing was sent, or the answer counts and it stays."""
    text_in(Client(), house.sender, MARIA, "Hello")
    alice: dict[str, Any] = {"by": house.viewer(house.alice), "user": house.alice}
    bob: dict[str, Any] = {"by": house.viewer(house.bob), "user": house.bob}
    one: dict[str, Any] = {"conversation": Conversation.objects.get(), "now": timezone.now()}
    claim_conversation(**one, **alice)
    transfer_to_user(**one, **alice, to=house.bob, confirmed=True)
    act, now = last_act(), timezone.now()

    undone, sent = side_by_side(
        [
            partial(undoing.undo_act, act=act, **alice, now=now),
            partial(send_reply, **one, **bob, body="Hi", client_id=client_id()),
        ]
    )

    owner = Conversation.objects.get().owner
    assert isinstance(undone, RefusedError) is not isinstance(sent, RefusedError)
    assert owner == (house.bob if isinstance(undone, RefusedError) else house.alice)
