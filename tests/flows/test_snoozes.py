"""When a snooze simply ends, who has the conversation then, and who hears of it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import License, Membership, User
from inbox.alerts import Notice, notices_of
from inbox.conversations import claim_conversation, snooze_conversation, wake_conversation, wake_due
from inbox.labels import activity_words
from inbox.models import (
    Attention,
    Conversation,
    ConversationEvent,
    InboxAttention,
    Participant,
    TeamInbox,
)
from inbox.muting import mute
from tests.flows.test_together import Stage, stage
from tests.inbox.test_alerts import happenings_in, who
from tests.inbox.test_protocol import Ear, ear, published

__all__ = ["Ear", "ear", "published", "stage"]
HOUR = timedelta(hours=1)


@pytest.fixture
def ended(stage: Stage, published: Any) -> Callable[[], list[Notice]]:
    """Return a function that lets a snooze of Alice's run out, and returns who is told what."""
    stage.do(claim_conversation, stage.house.alice)
    stage.do(snooze_conversation, stage.house.alice, until=stage.now + HOUR)

    def end() -> list[Notice]:
        stage.now += HOUR
        happenings = happenings_in(published(lambda: wake_due(now=stage.now)))
        everybody = User.objects.values_list("pk", flat=True)
        return notices_of(happenings, everybody, now=stage.now)

    return end


def last_words() -> str:
    return activity_words(ConversationEvent.objects.latest("pk"))


def away(user: User) -> None:
    User.objects.filter(pk=user.pk).update(availability="away")


def unlicensed(user: User) -> None:
    License.objects.filter(holder=user).delete()


def gone(user: User) -> None:
    Membership.objects.filter(user=user).delete()


def looking_on(user: User) -> None:
    Membership.objects.filter(user=user).update(role=Membership.Role.OBSERVER)


def test_an_owner_who_is_there_keeps_it_and_is_told(stage: Stage, ended: Any) -> None:
    notices = ended()

    assert (stage.row.status, stage.row.owner) == ("open", stage.house.alice)
    assert who(notices) == [("Alice", "sla")]
    assert notices[0].body == "Snooze ended"
    assert not stage.sees(stage.house.bob)


@pytest.mark.parametrize("missing", [away, unlicensed, gone, looking_on])
def test_else_the_team_has_it_and_is_told_as_of_a_new_one(
    stage: Stage, ended: Any, missing: Callable[[User], None]
) -> None:
    missing(stage.house.alice)
    assert not stage.sees(stage.house.bob)

    notices = ended()

    row = stage.row
    assert (row.status, row.owner, row.last_owner) == ("open", None, stage.house.alice)
    assert row.snoozed_until is None
    assert stage.sees(stage.house.bob)
    assert who(notices) == [("Bob", "sla"), ("Sue", "sla")]
    assert last_words() == "Snooze ended: Alice cannot have this now, the team has it"


def test_who_has_no_room_gives_it_back(stage: Stage, ended: Any) -> None:
    TeamInbox.objects.update(most_open=0)

    ended()

    assert stage.row.owner is None


@pytest.mark.parametrize("rule", ["always_last_owner", "team"])
def test_where_availability_does_not_count_an_owner_keeps_it(
    stage: Stage, ended: Any, rule: str
) -> None:
    TeamInbox.objects.update(reopen_owner=rule)
    away(stage.house.alice)

    assert who(ended()) == [("Alice", "sla")]
    assert stage.row.owner == stage.house.alice


def test_whoever_a_rule_named_need_not_be_of_the_team(stage: Stage, ended: Any) -> None:
    Participant.objects.filter(user=stage.house.alice).update(source=Participant.Source.RULE)
    gone(stage.house.alice)

    ended()

    assert stage.row.owner == stage.house.alice


def test_what_was_its_owners_alone_goes_to_the_team(stage: Stage, ended: Any) -> None:
    before = {"team": False, "users": [stage.house.alice.pk]}
    Conversation.objects.update(audience_before=before)
    away(stage.house.alice)

    ended()

    assert stage.row.is_team_wide
    assert stage.sees(stage.house.bob)


def test_it_goes_back_to_exactly_those_who_had_it(stage: Stage, ended: Any) -> None:
    house = stage.house
    Conversation.objects.update(audience_before={"team": False, "users": [house.bob.pk]})
    away(house.alice)

    notices = ended()

    assert not stage.row.is_team_wide
    assert who(notices) == [("Bob", "sla")]
    assert not stage.sees(house.alice)


def test_what_nobody_has_is_told_to_the_team(stage: Stage, published: Any) -> None:
    stage.do(snooze_conversation, stage.house.sue, until=stage.now + HOUR)
    away(stage.house.bob)

    happenings = happenings_in(published(lambda: wake_due(now=stage.now + HOUR)))
    everybody = User.objects.values_list("pk", flat=True)
    notices = notices_of(happenings, everybody, now=stage.now + HOUR)

    assert who(notices) == [("Alice", "sla"), ("Sue", "sla")]


def test_nobody_is_told_of_one_that_ended_by_hand(stage: Stage, published: Any, ended: Any) -> None:
    happenings = happenings_in(published(lambda: stage.do(wake_conversation, stage.house.alice)))

    everybody = User.objects.values_list("pk", flat=True)
    assert notices_of(happenings, everybody, now=stage.now) == []
    assert ended() == []


def test_what_people_chose_to_hear_counts(stage: Stage, ended: Any) -> None:
    house = stage.house
    off = {"account": house.account, "inbox": house.inbox}
    InboxAttention.objects.create(user=house.alice, hears_mine=False, **off)

    assert ended() == []


def test_the_team_s_choices_about_new_ones_count(stage: Stage, ended: Any) -> None:
    house = stage.house
    off = {"account": house.account, "inbox": house.inbox}
    InboxAttention.objects.create(user=house.bob, hears_new=False, **off)
    Attention.objects.create(user=house.sue, account=house.account, only_mine=True)
    away(house.alice)

    assert ended() == []


def test_a_muted_one_is_told_to_its_owner_only(stage: Stage, ended: Any) -> None:
    house = stage.house
    for person in (house.alice, house.sue):
        mute(conversation=stage.row, by=stage.viewer(person), is_on=True)

    assert who(ended()) == [("Alice", "sla")]


def test_the_team_s_mutes_count(stage: Stage, ended: Any) -> None:
    house = stage.house
    mute(conversation=stage.row, by=stage.viewer(house.sue), is_on=True)
    away(house.alice)

    assert who(ended()) == [("Bob", "sla")]


@pytest.mark.parametrize("missing", [away, unlicensed, gone])
def test_a_customer_who_writes_into_a_snooze_finds_the_same(
    stage: Stage, ended: Any, missing: Callable[[User], None]
) -> None:
    missing(stage.house.alice)

    stage.hear("Hello?")

    assert (stage.row.status, stage.row.owner) == ("open", None)
    assert stage.sees(stage.house.bob)


def test_who_takes_a_snooze_back_after_the_customer_wrote_changes_nothing(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)
    stage.do(snooze_conversation, stage.house.alice, until=stage.now + HOUR)
    stage.hear("Are you there?")
    before = stage.row
    stage.now += HOUR

    stage.do(wake_conversation, stage.house.alice)

    assert (stage.row.version, stage.row.last_activity_at) == (
        before.version,
        before.last_activity_at,
    )
    assert ConversationEvent.objects.filter(verb="woken").count() == 1
