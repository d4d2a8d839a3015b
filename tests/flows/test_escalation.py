"""Does help come to who waits: in time, once, and not when it is not needed any more?"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import FeatureGrant, License, User
from inbox import escalating
from inbox.access import readers_of
from inbox.alerts import Happening, Kind, notices_of
from inbox.carrier import ErrorKind, Rejected
from inbox.closing import close_conversation, undo_close
from inbox.conversations import (
    claim_conversation,
    release_conversation,
    release_ineligible,
    snooze_conversation,
    take_over,
    transfer_to_inbox,
    transfer_to_user,
    wake_conversation,
)
from inbox.deciding import route_next
from inbox.escalating import fire_due, follow_changes
from inbox.models import (
    Conversation,
    ConversationEvent,
    EscalationTimer,
    InboxEvent,
    Message,
    Participant,
)
from inbox.models.ids import client_id
from inbox.reply_settings import greeting
from inbox.sending import send_reply, settle
from inbox.sending.progress import finish
from inbox.story import Story
from routing.business_hours import save_week
from routing.escalation import LAST, Ended
from routing.hours import Calendar
from routing.models import EscalationPolicy
from tests.conftest import House
from tests.doors import Browser
from tests.factories import make_hours, make_inbox, make_policy, make_rules, make_user
from tests.faults import many_wait
from tests.live import Live, until
from tests.twilio import text_in

MARIA = "+14155550100"
Step = dict[str, Any]


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def add(*users: User, after: int = 5, **fields: Any) -> Step:
    return {"after": after, "to": [{"users": [user.pk]} for user in users], **fields}


def row_of(message: Message) -> Conversation:
    assert message.conversation is not None
    return fresh(message.conversation)


def fresh(row: Conversation) -> Conversation:
    return Conversation.objects.select_related(
        "inbox", "thread__sender", "thread__contact", "thread__address", "contact"
    ).get(pk=row.pk)


def reply(house: House, row: Conversation, user: User, *, at: datetime) -> Message:
    return send_reply(
        conversation=fresh(row),
        by=house.viewer(user),
        user=user,
        body="Hi",
        client_id=client_id(),
        now=at,
    )


def due(row: Conversation) -> dict[int, float | None]:
    """Return when each step's timer is looked at next, in minutes from when they wrote."""
    row = fresh(row)
    since = row.waiting_since
    every = EscalationTimer.objects.filter(conversation=row, wait_generation=row.wait_generation)
    running = [timer.due_at for timer in every if timer.next_at and timer.due_at]
    # What lists show is what the timers say.
    assert row.due_at == (min(running, default=None) if since else None)
    timers = every.filter(step__lt=LAST)
    return {
        timer.step: (timer.next_at - since) / minutes(1) if timer.next_at and since else None
        for timer in timers
    }


def escalations(row: Conversation) -> list[tuple[int, str, str]]:
    """Return what escalation did, as the timeline tells it."""
    events = ConversationEvent.objects.filter(conversation=row, verb="escalated").order_by("pk")
    return [(event.data["step"], event.data["did"], event.data["to"]) for event in events]


@pytest.fixture
def outsider(house: House) -> User:
    """Olga is licensed and belongs to no team."""
    return make_user(house.account, "Olga")


@pytest.fixture
def claimed(house: House, client: Client, outsider: User) -> Callable[..., Conversation]:
    """Return a function: Maria wrote, Alice claimed at once, and these are the steps."""

    def begin(*steps: Step, **fields: Any) -> Conversation:
        make_policy(house.inbox, *steps, **fields)
        row = row_of(text_in(client, house.sender, MARIA))
        since = row.waiting_since
        assert since is not None
        return claim_conversation(
            conversation=row, by=house.viewer(house.alice), user=house.alice, now=since
        )

    return begin


def since(row: Conversation) -> datetime:
    at = fresh(row).waiting_since
    assert at is not None
    return at


# --- The story ---


def test_five_minutes_without_an_answer_add_a_second_user_who_sees_it_all(
    house: House, edge: Live
) -> None:
    olga = make_user(house.account, "Olga")
    make_policy(house.inbox, add(olga))
    edge.carrier.know(edge.base_url, house.sender)
    for words in ("Where is my parcel?", "Hello??"):
        edge.carrier.ask(
            "POST", "inbound", **{"from": MARIA, "to": house.sender.address, "body": words}
        )
        until(
            Message.objects.filter(body=words).exists,
            within=10,
            what="the message is there",
        )
    row = Conversation.objects.get()
    claim = Browser(edge, house.alice).act("claim", row, version=row.version)
    assert claim.status_code == 200
    page = Browser(edge, olga)
    path = f"/inbox/{house.inbox.slug}/c/{row.public_id}/"
    assert page.get(path).status_code == 404

    fire_due(now=since(row) + minutes(4.9))
    assert page.get(path).status_code == 404
    fire_due(now=since(row) + minutes(5))

    shown = page.get(path)
    assert shown.status_code == 200
    assert "Where is my parcel?" in shown.text
    assert "Hello??" in shown.text
    assert "Escalation added Olga: no answer for 5 minutes" in shown.text
    part = Participant.objects.get(user=olga)
    assert (part.role, part.source, part.ended_at) == ("member", "escalation", None)
    assert fresh(row).owner == house.alice
    assert escalations(row) == [(1, "add", "Olga")]


def test_who_is_added_is_told_why(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider))
    at = since(row) + minutes(5)
    fire_due(now=at)
    event = ConversationEvent.objects.get(verb="escalated")
    people = [user.pk for user in (house.alice, house.bob, house.sue, outsider)]

    happening = Happening(Kind.SLA, event.public_id, row.public_id, str(house.inbox.public_id))
    [notice] = notices_of([happening], people, now=at)

    assert notice.user_id == outsider.pk
    assert notice.body == "Escalation added Olga: no answer for 5 minutes"


def test_a_warning_comes_first_and_once(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider, after=20), warn={"percent": 25, "minutes": 5})

    fire_due(now=since(row) + minutes(15))
    fire_due(now=since(row) + minutes(16))

    [event] = ConversationEvent.objects.filter(verb="warned")
    assert event.data == {"step": 1, "left": 5}
    assert due(row) == {1: 20}


def test_a_clock_that_comes_too_late_does_not_warn_of_what_it_does(
    claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider, after=20), warn={"percent": 25, "minutes": 5})

    fire_due(now=since(row) + minutes(300))

    assert not ConversationEvent.objects.filter(verb="warned").exists()
    assert escalations(row) == [(1, "add", "Olga")]


# --- What ends it, puts it off, starts it over ---


def test_only_a_persons_answer_ends_it(
    house: House, claimed: Callable[..., Conversation], outsider: User, client: Client
) -> None:
    house.inbox.replies = greeting("Welcome")
    house.inbox.save()
    row = claimed(add(outsider))
    assert Message.objects.filter(kind="auto").exists()
    text_in(client, house.sender, MARIA, "And?")
    assert due(row) == {1: 5}

    reply(house, row, house.alice, at=since(row) + minutes(4))
    fire_due(now=timezone.now() + minutes(3000))

    assert escalations(row) == []
    reasons = EscalationTimer.objects.values_list("obsolete_reason", flat=True)
    assert set(reasons) == {Ended.ANSWERED}


def test_the_next_question_is_another_wait(
    house: House, claimed: Callable[..., Conversation], outsider: User, client: Client
) -> None:
    row = claimed(add(outsider))
    reply(house, row, house.alice, at=since(row) + minutes(4))

    text_in(client, house.sender, MARIA, "One more thing")

    assert due(row) == {1: 5}
    assert fresh(row).wait_generation == 2


def test_an_answer_that_fails_lets_it_go_on(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider))
    began = since(row)
    message = reply(house, row, house.alice, at=began + minutes(2))
    message.conversation = fresh(row)

    finish(message, Story(now=began + minutes(3)), status="failed", error_code="1", error_words="")

    assert since(row) == began
    assert due(row) == {1: 5}


def test_an_answer_that_fails_while_it_is_snoozed_lets_it_go_on_when_it_wakes(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider, after=30))
    began = since(row)
    by: Any = {"by": house.viewer(house.alice), "user": house.alice}
    message = reply(house, row, house.alice, at=began + minutes(2))
    snooze_conversation(conversation=fresh(row), until=None, now=began + minutes(3), **by)
    message.conversation = fresh(row)

    finish(message, Story(now=began + minutes(10)), status="failed", error_code="1", error_words="")

    assert due(row) == {1: None}
    fire_due(now=began + minutes(60))
    assert escalations(row) == []
    wake_conversation(conversation=fresh(row), now=began + minutes(100), **by)
    assert due(row) == {1: 120}


def test_an_answer_that_fails_since_they_opted_out_calls_nobody_until_they_are_back(
    house: House, claimed: Callable[..., Conversation], outsider: User, client: Client
) -> None:
    row = claimed(add(outsider))
    message = reply(house, row, house.alice, at=since(row) + minutes(1))
    Message.objects.filter(pk=message.pk).update(status="sending")

    settle(message.pk, Rejected(ErrorKind.CONSENT, "21610", "STOP"), now=timezone.now())

    assert fresh(row).waiting_since is not None
    assert due(row) == {1: None}
    reasons = EscalationTimer.objects.filter(wait_generation=fresh(row).wait_generation)
    assert set(reasons.values_list("obsolete_reason", flat=True)) == {Ended.OPTED_OUT}
    text_in(client, house.sender, MARIA, "START")
    assert due(row)[1] == pytest.approx(5, abs=1)


def test_a_close_ends_it_and_its_undo_brings_it_back_exactly(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider), add(outsider, after=9, when="unclaimed"))
    before = list(EscalationTimer.objects.order_by("pk").values())
    at = since(row) + minutes(1)
    by = {"by": house.viewer(house.alice), "user": house.alice}

    close_conversation(
        conversation=fresh(row),
        last_seen_seq=99,
        waiting_ok=True,
        now=at,
        **by,  # type: ignore[arg-type]
    )
    assert not EscalationTimer.objects.filter(next_at__isnull=False).exists()
    undo_close(conversation=fresh(row), now=at + minutes(1), **by)  # type: ignore[arg-type]

    assert list(EscalationTimer.objects.order_by("pk").values()) == before


def test_stop_ends_it_and_start_begins_anew(
    claimed: Callable[..., Conversation], house: House, outsider: User, client: Client
) -> None:
    row = claimed(add(outsider))

    text_in(client, house.sender, MARIA, "STOP")

    assert due(row) == {1: None}
    fire_due(now=since(row) + minutes(3000))
    follow_changes(now=since(row) + minutes(3000))
    fire_due(now=since(row) + minutes(3000))
    assert escalations(row) == []

    text_in(client, house.sender, MARIA, "START")

    assert due(row)[1] == pytest.approx(5, abs=1)


def test_stop_ends_the_last_step_of_an_inbox_without_a_policy(house: House, client: Client) -> None:
    row = row_of(text_in(client, house.sender, MARIA))
    text_in(client, house.sender, MARIA, "STOP")

    for _ in range(2):
        follow_changes(now=since(row) + minutes(3000))
        fire_due(now=since(row) + minutes(3000))

    assert escalations(row) == []


def test_a_snooze_puts_it_off_and_waking_goes_on(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider))
    began = since(row)
    by: Any = {"by": house.viewer(house.alice), "user": house.alice}

    snooze_conversation(conversation=fresh(row), until=None, now=began + minutes(2), **by)
    fire_due(now=began + minutes(60))

    assert escalations(row) == []
    held = EscalationTimer.objects.get(step=1)
    assert (held.suspended_remaining, held.suspended_for) == (minutes(3), "snoozed")

    wake_conversation(conversation=fresh(row), now=began + minutes(100), **by)

    assert due(row) == {1: 103}


def test_the_customers_words_end_a_snooze_and_let_it_go_on(
    house: House, claimed: Callable[..., Conversation], outsider: User, client: Client
) -> None:
    row = claimed(add(outsider))
    snooze_conversation(
        conversation=fresh(row),
        until=None,
        now=since(row) + minutes(2),
        by=house.viewer(house.alice),
        user=house.alice,
    )

    text_in(client, house.sender, MARIA, "Hello?")

    [timer] = EscalationTimer.objects.filter(step=1)
    assert timer.due_at is not None
    assert abs(timer.due_at - timezone.now() - minutes(3)) < minutes(1)


def test_a_claim_ends_what_waits_for_one_and_watches_the_owner(
    house: House, client: Client, outsider: User
) -> None:
    make_policy(
        house.inbox,
        add(outsider, after=5, when="unclaimed"),
        add(outsider, after=10, when="owner_silent"),
    )
    row = row_of(text_in(client, house.sender, MARIA))
    assert due(row) == {1: 5, 2: None}

    claim_conversation(
        conversation=row,
        by=house.viewer(house.alice),
        user=house.alice,
        now=since(row) + minutes(3),
    )

    assert due(row) == {1: None, 2: 13}


@pytest.mark.parametrize("how", ["release", "transfer", "take_over"])
def test_who_hands_it_on_starts_the_ladder_over(
    how: str, house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider, after=5), add(outsider, after=50, when="unclaimed"))
    at = since(row) + minutes(20)
    fire_due(now=at)
    acts: dict[str, Callable[..., Conversation]] = {
        "release": lambda row: release_conversation(
            conversation=row, by=house.viewer(house.alice), user=house.alice, now=at
        ),
        "transfer": lambda row: transfer_to_user(
            conversation=row, by=house.viewer(house.alice), user=house.alice, to=house.bob, now=at
        ),
        "take_over": lambda row: take_over(
            conversation=row, by=house.viewer(house.sue), user=house.sue, reason="Now", now=at
        ),
    }

    acts[how](fresh(row))

    assert due(row) == {1: 25, 2: 70 if how == "release" else None}


def test_another_inbox_brings_its_own_policy(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    billing = make_inbox(house.account, "Billing")
    make_policy(billing, add(outsider, after=7), add(outsider, after=8), add(outsider, after=9))
    row = claimed(add(outsider, after=5), add(outsider, after=6))

    transfer_to_inbox(
        conversation=fresh(row),
        by=house.viewer(house.alice),
        user=house.alice,
        to=billing,
        now=since(row) + minutes(2),
    )

    assert due(row) == {1: 9, 2: 10, 3: 11}


def test_a_changed_policy_counts_for_the_next_wait(
    house: House, claimed: Callable[..., Conversation], outsider: User, client: Client
) -> None:
    row = claimed(add(outsider))
    policy = EscalationPolicy.objects.get()
    policy.document["steps"] = [add(house.sue, after=1)]
    policy.save()

    assert due(row) == {1: 5}
    reply(house, row, house.alice, at=since(row) + minutes(2))
    text_in(client, house.sender, MARIA, "Next")

    assert due(row) == {1: 1}


# --- Whom and what ---


def _unlicensed(user: User) -> None:
    License.objects.filter(holder=user).delete()


def _away(user: User) -> None:
    User.objects.filter(pk=user.pk).update(availability=User.Availability.AWAY)


def _inactive(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("lose", [_unlicensed, _away, _inactive])
def test_who_cannot_help_is_passed_over_at_once(
    lose: Callable[[User], None],
    house: House,
    claimed: Callable[..., Conversation],
    outsider: User,
) -> None:
    row = claimed(add(outsider, house.bob))
    lose(outsider)

    fire_due(now=since(row) + minutes(5))

    assert escalations(row) == [(1, "add", "Bob")]


def test_nobody_of_another_account_is_ever_added(
    house: House, charlie: User, claimed: Callable[..., Conversation]
) -> None:
    row = claimed(add(charlie, house.bob))

    fire_due(now=since(row) + minutes(5))

    assert escalations(row) == [(1, "add", "Bob")]


def test_at_the_end_of_a_ladder_stand_the_supervisors(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    # Alice has it already.
    row = claimed(add(outsider, house.alice))
    _away(outsider)

    fire_due(now=since(row) + minutes(5))

    assert escalations(row) == [(1, "nobody", "")]
    assert ConversationEvent.objects.get(verb="escalated").data["told"] == [house.sue.pk]


def test_a_team_is_added_person_by_person_beside_an_owner(
    house: House, claimed: Callable[..., Conversation]
) -> None:
    row = claimed({"after": 5, "to": [{"team": house.inbox.pk}]})

    fire_due(now=since(row) + minutes(5))

    members = Participant.objects.filter(conversation=row, ended_at=None, role="member")
    assert {part.user for part in members} == {house.bob, house.sue}
    assert fresh(row).owner == house.alice


def test_a_move_to_one_person_makes_them_the_owner_and_the_ladder_goes_on(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(
        add(outsider, after=5, do="move"),
        {"after": 8, "do": "release", "when": "owner_silent"},
    )
    began = since(row)

    fire_due(now=began + minutes(5))

    assert fresh(row).owner == outsider
    assert due(row) == {1: None, 2: 13}
    assert [event.left for event in InboxEvent.objects.exclude(left=[])][-1] == [house.alice.pk]

    fire_due(now=began + minutes(13))

    row = fresh(row)
    assert (row.owner, row.is_team_wide) == (None, True)
    assert escalations(row) == [(1, "move", "Olga"), (2, "release", "")]
    assert due(row) == {1: None, 2: None}


@pytest.mark.parametrize("how", ["moved", "added"])
def test_who_is_named_keeps_it_without_belonging_to_the_team_until_their_licence_ends(
    house: House, claimed: Callable[..., Conversation], outsider: User, how: str
) -> None:
    row = claimed(add(outsider, do="move" if how == "moved" else "add"))
    at = since(row) + minutes(5)
    fire_due(now=at)
    if how == "added":
        alice, olga = house.viewer(house.alice), house.viewer(outsider)
        release_conversation(conversation=fresh(row), by=alice, user=house.alice, now=at)
        fire_due(now=at + minutes(5))
        claim_conversation(conversation=fresh(row), by=olga, user=outsider, now=at + minutes(6))
    assert fresh(row).owner == outsider

    assert release_ineligible(now=at + minutes(7)) == 0
    _unlicensed(outsider)
    assert release_ineligible(now=at + minutes(8)) == 1

    assert fresh(row).owner is None


def test_a_move_to_another_team_goes_to_its_inbox_and_keeps_the_ladder(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    billing = make_inbox(house.account, "Billing")
    make_user(house.account, "Ben", team=billing.team)
    make_policy(billing, add(outsider, after=1))
    row = claimed({"after": 5, "do": "move", "to": [{"team": billing.pk}]}, add(outsider, after=9))

    fire_due(now=since(row) + minutes(5))

    assert fresh(row).inbox == billing
    assert escalations(row) == [(1, "move", "Billing")]
    assert due(row) == {1: None, 2: 9}


def test_a_move_to_another_inbox_asks_its_rules(
    house: House, claimed: Callable[..., Conversation]
) -> None:
    billing = make_inbox(house.account, "Billing")
    ben, _ = (make_user(house.account, name, team=billing.team) for name in ("Ben", "Bea"))
    to_ben = {"to": [{"who": "people", "people": [ben.pk]}]}
    make_rules(billing, {"when": ["transferred"], "then": to_ben})
    row = claimed({"after": 5, "do": "move", "to": [{"team": billing.pk}]})
    at = since(row) + minutes(5)

    fire_due(now=at)
    assert route_next(now=at)

    assert not fresh(row).is_team_wide
    parts = Participant.objects.filter(conversation=row, ended_at=None)
    assert [part.user for part in parts] == [ben]


@pytest.mark.parametrize("how", ["owner by a rule", "claimed by whom a rule gave it", "unclaimed"])
def test_a_release_gives_it_to_the_whole_team_however_few_had_it(
    how: str, house: House, client: Client
) -> None:
    make_policy(house.inbox, {"after": 5, "do": "release"})
    one = {"who": "people", "people": [house.alice.pk], "owner": how == "owner by a rule"}
    make_rules(house.inbox, {"then": {"to": [one]}})
    row = row_of(text_in(client, house.sender, MARIA))
    began = since(row)
    if how.startswith("claimed"):
        alice = house.viewer(house.alice)
        claim_conversation(conversation=row, by=alice, user=house.alice, now=began)
    assert house.bob.pk not in readers_of(fresh(row), now=began)

    fire_due(now=began + minutes(5))

    row = fresh(row)
    assert (row.owner, row.is_team_wide) == (None, True)
    assert {house.alice.pk, house.bob.pk} <= readers_of(row, now=began + minutes(5))
    assert escalations(row) == [(1, "release", "")]
    told = ConversationEvent.objects.get(verb="escalated").data["told"]
    assert {house.alice.pk, house.bob.pk} <= set(told)


def test_a_release_of_what_the_silent_team_has_already_tells_the_supervisors(
    house: House, client: Client
) -> None:
    make_policy(house.inbox, {"after": 5, "do": "release"})
    row = row_of(text_in(client, house.sender, MARIA))

    fire_due(now=since(row) + minutes(5))

    assert escalations(row) == [(1, "nobody", "")]
    assert ConversationEvent.objects.get(verb="escalated").data["told"] == [house.sue.pk]
    assert (fresh(row).owner, fresh(row).is_team_wide) == (None, True)


def test_a_release_where_nobody_is_left_leaves_it_with_the_team_for_whoever_comes(
    house: House, claimed: Callable[..., Conversation]
) -> None:
    row = claimed({"after": 5, "do": "release", "when": "owner_silent"})
    License.objects.all().delete()

    fire_due(now=since(row) + minutes(5))

    assert (fresh(row).owner, fresh(row).is_team_wide) == (None, True)
    assert escalations(row) == [(1, "release", "")]


def test_a_step_sets_the_priority(claimed: Callable[..., Conversation]) -> None:
    row = claimed({"after": 5, "do": "priority", "priority": "urgent"})

    fire_due(now=since(row) + minutes(5))

    assert fresh(row).priority == "urgent"
    assert escalations(row) == [(1, "priority", "Urgent")]


# --- The last step ---


def test_a_day_without_an_answer_reaches_the_supervisors_without_any_policy(
    house: House, client: Client
) -> None:
    row = row_of(text_in(client, house.sender, MARIA))
    began = since(row)

    follow_changes(now=began + timedelta(hours=22))
    assert not EscalationTimer.objects.exists()
    follow_changes(now=began + timedelta(hours=23))
    fire_due(now=began + timedelta(hours=24))

    assert escalations(row) == [(LAST, "notify", "")]
    assert ConversationEvent.objects.get(verb="escalated").data["told"] == [house.sue.pk]


def test_the_last_step_waits_for_business_hours(house: House, client: Client) -> None:
    house.inbox.hours = make_hours(house.account)
    house.inbox.save()
    row = row_of(text_in(client, house.sender, MARIA))
    began = since(row)
    expected = house.inbox.hours.calendar().add_open_time(began, timedelta(hours=24))

    follow_changes(now=began + timedelta(hours=23))
    fire_due(now=began + timedelta(hours=24))

    assert EscalationTimer.objects.get().due_at == expected
    assert escalations(row) == []


# --- Hours and accounts that change ---


def test_hours_that_change_move_what_waits_for_them(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    hours = house.inbox.hours = make_hours(house.account)
    house.inbox.save()
    row = claimed(add(outsider, after=600, clock="business"))
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)

    save_week(
        hours=hours,
        week=Calendar.always().week,
        version=hours.version,
        by=admin,
        now=timezone.now(),
    )
    follow_changes(now=since(row))

    assert due(row) == {1: 600}
    follow_changes(now=since(row))
    assert due(row) == {1: 600}


def test_a_wait_that_cannot_follow_new_hours_keeps_no_other_from_it(
    house: House, client: Client, outsider: User, caplog: pytest.LogCaptureFixture
) -> None:
    hours = house.inbox.hours = make_hours(house.account, week=Calendar.always().week)
    house.inbox.save()
    make_policy(house.inbox, add(outsider, after=10, clock="business"))
    broken, well = (
        row_of(text_in(client, house.sender, number)) for number in (MARIA, "+14155550177")
    )
    bad = EscalationTimer.objects.get(conversation=broken, step=1)
    bad.plan["after"] = 0
    bad.save()
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    began = since(well)
    save_week(hours=hours, week=Calendar.never().week, version=hours.version, by=admin, now=began)

    with caplog.at_level(logging.CRITICAL):
        follow_changes(now=began)

    assert due(well) == {1: None}


@pytest.mark.parametrize("act", ["claim", "snooze"])
def test_an_act_before_the_sweep_comes_does_not_keep_the_old_hours(
    act: str, house: House, client: Client, outsider: User
) -> None:
    hours = house.inbox.hours = make_hours(house.account, week=Calendar.always().week)
    house.inbox.save()
    make_policy(house.inbox, add(outsider, after=10, clock="business"))
    row = row_of(text_in(client, house.sender, MARIA))
    began = since(row)
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    save_week(hours=hours, week=Calendar.never().week, version=hours.version, by=admin, now=began)

    who: Any = {"conversation": row, "by": house.viewer(house.alice), "user": house.alice}
    if act == "claim":
        claim_conversation(now=began + minutes(1), **who)
    else:
        snooze_conversation(until=None, now=began + minutes(1), **who)
        wake_conversation(now=began + minutes(2), **who)
    follow_changes(now=began + minutes(3))
    fire_due(now=began + minutes(11))

    assert escalations(row) == []
    assert due(row) == {1: None}


def test_a_timer_asks_for_the_hours_of_now_before_it_acts(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    hours = house.inbox.hours = make_hours(house.account, week=Calendar.always().week)
    house.inbox.save()
    row = claimed(add(outsider, after=10, clock="business"))
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    save_week(
        hours=hours,
        week=Calendar.never().week,
        version=hours.version,
        by=admin,
        now=timezone.now(),
    )

    fire_due(now=since(row) + minutes(10))

    assert escalations(row) == []
    assert due(row) == {1: None}


def test_where_it_is_off_nobody_is_alerted_and_the_rest_comes_later(
    house: House, claimed: Callable[..., Conversation], outsider: User
) -> None:
    row = claimed(add(outsider))
    began = since(row)
    grant = FeatureGrant.objects.get(account=house.account, feature="team_inbox")
    FeatureGrant.objects.filter(pk=grant.pk).update(ends_at=began)

    follow_changes(now=began + minutes(2))
    fire_due(now=began + minutes(30))

    assert escalations(row) == []
    assert EscalationTimer.objects.get(step=1).suspended_for == "off"

    FeatureGrant.objects.filter(pk=grant.pk).update(ends_at=None)
    follow_changes(now=began + minutes(60))

    assert due(row) == {1: 63}


# --- Faults and crowds ---


def test_a_fault_rolls_all_back_and_the_next_try_does_it_once(
    claimed: Callable[..., Conversation],
    outsider: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = claimed(add(outsider))
    at = since(row) + minutes(5)

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("the power went off")

    with monkeypatch.context() as broken, caplog.at_level(logging.CRITICAL):
        # After the rows are written, before they are kept.
        broken.setattr(escalating.clock, "announce", break_down)
        assert fire_due(now=at) == 1
    timer = EscalationTimer.objects.get(step=1)
    assert (timer.fired_at, timer.attempts, timer.problem) == (None, 1, "RuntimeError")
    assert escalations(row) == []
    assert not Participant.objects.filter(user=outsider).exists()

    fire_due(now=at + minutes(1))
    fire_due(now=at + minutes(2))

    assert escalations(row) == [(1, "add", "Olga")]
    assert Participant.objects.filter(user=outsider).count() == 1


def test_a_policy_that_cannot_be_read_hides_no_message(
    house: House, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    make_policy(house.inbox)
    EscalationPolicy.objects.update(document={"format": 1, "steps": "none"})

    with caplog.at_level(logging.CRITICAL):
        row = row_of(text_in(client, house.sender, MARIA))

    assert row.waiting_since is not None
    assert not EscalationTimer.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_eight_clocks_fire_each_of_a_thousand_timers_once(house: House) -> None:
    olga = make_user(house.account, "Olga")
    make_policy(house.inbox, add(olga))
    at = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    many_wait(house, [at] * 1000)
    start = threading.Barrier(8)

    def fire() -> int:
        try:
            start.wait()
            return fire_due(now=at + minutes(5), limit=10_000)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        done = [future.result() for future in [pool.submit(fire) for _ in range(8)]]

    assert sum(done) == 1000
    assert EscalationTimer.objects.filter(step=1, fired_at__isnull=False).count() == 1000
    assert EscalationTimer.objects.filter(problem="").count() == 2000
    assert ConversationEvent.objects.filter(verb="escalated").count() == 1000
    assert Participant.objects.filter(user=olga, ended_at=None).count() == 1000


@pytest.mark.django_db(transaction=True)
def test_a_conversation_that_is_held_holds_nobody_up(house: House, client: Client) -> None:
    olga = make_user(house.account, "Olga")
    make_policy(house.inbox, add(olga))
    held, free = (
        row_of(text_in(client, house.sender, number)) for number in (MARIA, "+14155550177")
    )
    at = since(free) + minutes(5)
    is_held, is_done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Conversation.objects.select_for_update(no_key=True).get(pk=held.pk)
            is_held.set()
            is_done.wait(20)
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        is_held.wait(10)
        fire_due(now=at)
        assert (escalations(free), escalations(held)) == ([(1, "add", "Olga")], [])
        is_done.set()
        holding.result()

    fire_due(now=at)
    assert escalations(held) == [(1, "add", "Olga")]


# --- Budgets ---


@pytest.mark.django_db(transaction=True)
def test_timers_ask_little_of_the_receiving_story(house: House, client: Client) -> None:
    def asked(customer: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            text_in(client, house.sender, customer)
        brackets = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
        return sum(not query["sql"].startswith(brackets) for query in captured)

    asked("+14155550000")
    without = asked("+14155550001")
    make_policy(house.inbox, add(house.bob), add(house.sue, after=9))
    first = asked("+14155550002")
    second = asked("+14155550002")

    # What the inbox keeps, and one insert for all of its steps.
    assert first == without + 2
    assert second <= 12 + 1


def test_a_step_asks_as_little_as_it_can(
    claimed: Callable[..., Conversation], outsider: User, house: House
) -> None:
    row = claimed(add(outsider), add(house.bob, after=6))
    fire_due(now=since(row) + minutes(5))

    with CaptureQueriesContext(connection) as captured:
        fire_due(now=since(row) + minutes(6), limit=1)

    asked = [query["sql"] for query in captured]
    told = [sql for sql in asked if not sql.startswith(("SAVEPOINT", "RELEASE"))]
    # The timer, its conversation, whether it may act; who is there, who is able; what it writes.
    assert len(told) <= 15, "\n".join(told)
    assert escalations(row) == [(1, "add", "Olga"), (2, "add", "Bob")]
