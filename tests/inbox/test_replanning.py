"""Do waits that go on follow an edited policy when an admin says so, and only as was shown?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from inbox import replanning
from inbox.conversations import (
    claim_conversation,
    snooze_conversation,
    transfer_to_inbox,
    wake_conversation,
)
from inbox.escalating import fire_due
from inbox.models import Conversation, ConversationEvent, EscalationTimer
from inbox.replanning import preview_recompute, recompute
from inbox.timers import follow_policy, use_policy
from routing.escalation import LAST
from routing.models import EscalationPolicy
from routing.policy_documents import PolicyError
from tests.conftest import House
from tests.factories import (
    LONG_AGO,
    make_account,
    make_inbox,
    make_policy,
    make_rules,
    make_sender,
    make_user,
)
from tests.twilio import text_in

Step = dict[str, Any]


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def add(*users: User, after: int = 5, **fields: Any) -> Step:
    return {"after": after, "to": [{"users": [user.pk]} for user in users], **fields}


def edit(policy: EscalationPolicy, *steps: Step) -> None:
    policy.document = {**policy.document, "steps": list(steps)}
    policy.save()


def fresh(row: Conversation) -> Conversation:
    return Conversation.objects.select_related("inbox__account").get(pk=row.pk)


def due(row: Conversation) -> dict[int, float | None]:
    """Return when each step's timer is looked at next, in minutes from when they wrote."""
    row = fresh(row)
    timers = EscalationTimer.objects.filter(conversation=row, step__lt=LAST).order_by("step")
    return {
        timer.step: (timer.next_at - row.waiting_since) / minutes(1)
        if timer.next_at and row.waiting_since
        else None
        for timer in timers
    }


def did(row: Conversation) -> list[str]:
    events = ConversationEvent.objects.filter(conversation=row, verb="escalated").order_by("pk")
    return [f"{event.data['did']} {event.data['to']}".strip() for event in events]


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def writes(house: House, client: Client) -> Callable[..., Conversation]:
    """Return a function: somebody with this number writes, and waits."""

    def write(number: str = "+14155550100") -> Conversation:
        row = text_in(client, house.sender, number).conversation
        assert row is not None
        return fresh(row)

    return write


def since(row: Conversation) -> datetime:
    at = fresh(row).waiting_since
    assert at is not None
    return at


def test_a_preview_shows_what_a_recompute_does_and_writes_nothing(
    house: House, writes: Callable[..., Conversation], ada: User
) -> None:
    olga = make_user(house.account, "Olga")
    policy = make_policy(house.inbox, add(olga, after=60))
    row, other = writes(), writes("+14155550101")
    edit(policy, add(olga, after=60), add(house.bob, after=9))
    now = since(row) + minutes(10)
    before = list(EscalationTimer.objects.order_by("pk").values())

    preview = preview_recompute(policy, now)

    assert list(EscalationTimer.objects.order_by("pk").values()) == before
    assert (preview.waiting, preview.changing, preview.at_once) == (2, 2, 2)
    assert not preview.is_more
    assert [change.conversation for change in preview.shown] == [row, other]
    [one, _] = preview.shown
    assert [timer.due_at for timer in one.before] == [since(row) + minutes(60)]
    assert [timer.due_at for timer in one.after] == [
        since(row) + minutes(60),
        since(row) + minutes(9),
    ]

    assert recompute(policy, by=ada, now=now) == replanning.Recomputed(2, is_more=False)

    assert due(row) == due(other) == {1: 60, 2: 9}
    entry = AuditEntry.objects.get(action="escalation_recomputed")
    assert (entry.actor, entry.subject, entry.data["conversations"]) == (ada, policy.name, 2)


def test_pressing_twice_changes_nothing_twice(
    house: House, writes: Callable[..., Conversation], ada: User
) -> None:
    policy = make_policy(house.inbox, add(house.bob))
    row = writes()
    edit(policy, add(house.bob), add(house.sue, after=9))
    recompute(policy, by=ada, now=since(row))
    before = list(EscalationTimer.objects.order_by("pk").values())

    assert recompute(policy, by=ada, now=since(row)).changed == 0

    assert list(EscalationTimer.objects.order_by("pk").values()) == before
    assert AuditEntry.objects.filter(action="escalation_recomputed").count() == 1


def test_what_fired_does_not_fire_again(
    house: House, writes: Callable[..., Conversation], ada: User
) -> None:
    olga = make_user(house.account, "Olga")
    policy = make_policy(house.inbox, add(olga), add(house.sue, after=50))
    row = writes()
    fire_due(now=since(row) + minutes(5))
    assert did(row) == ["add Olga"]

    edit(policy, {"after": 3, "do": "notify"}, add(olga, after=7))
    recompute(policy, by=ada, now=since(row) + minutes(8))
    fire_due(now=since(row) + minutes(8))
    fire_due(now=since(row) + minutes(60))

    assert did(row) == ["add Olga", "notify"]


def test_a_recompute_goes_on_where_the_one_before_stopped(
    house: House,
    writes: Callable[..., Conversation],
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = make_policy(house.inbox, add(house.bob))
    rows = [writes(f"+1415555010{n}") for n in range(5)]
    edit(policy, add(house.bob, after=7))
    monkeypatch.setattr(replanning, "LOOKED_AT", 2)
    monkeypatch.setattr(replanning, "CHANGED_AT_ONCE", 3)
    now = since(rows[-1])

    assert preview_recompute(policy, now).is_more
    assert recompute(policy, by=ada, now=now) == replanning.Recomputed(3, is_more=True)
    assert recompute(policy, by=ada, now=now) == replanning.Recomputed(2, is_more=False)

    assert [due(row) for row in rows] == [{1: 7}] * 5


def test_an_inbox_that_gave_up_its_policy_keeps_the_last_step(
    house: House, writes: Callable[..., Conversation], ada: User
) -> None:
    make_policy(house.inbox, add(house.bob))
    row = writes()
    house.inbox.escalation = None
    house.inbox.save()

    assert recompute(house.inbox, by=ada, now=since(row)).changed == 1

    assert list(EscalationTimer.objects.values_list("step", flat=True)) == [LAST]


def test_only_waits_under_that_policy_and_of_that_account_follow(
    house: House, writes: Callable[..., Conversation], client: Client, ada: User
) -> None:
    policy = make_policy(house.inbox, add(house.bob))
    chosen = make_policy(make_inbox(house.account), add(house.bob, after=9))
    other = make_sender(make_inbox(make_account("Other")))
    make_policy(other.inbox, add(house.bob))
    row, special = writes(), writes("+14155550101")
    use_policy(special, chosen, now=since(special))
    special.save()
    text_in(client, other, "+14155550100")
    for one in EscalationPolicy.objects.all():
        edit(one, {"after": 3, "do": "notify"})

    assert [one.conversation for one in preview_recompute(policy, since(row)).shown] == [row]
    assert [one.conversation for one in preview_recompute(chosen, since(row)).shown] == [special]
    both = preview_recompute(house.inbox, since(row)).shown
    assert [one.conversation for one in both] == [row, special]


def test_a_policy_that_cannot_be_read_changes_nothing(
    house: House, writes: Callable[..., Conversation], ada: User
) -> None:
    policy = make_policy(house.inbox, add(house.bob))
    row = writes()
    policy.document = {"format": 1, "steps": "none"}
    policy.save()

    with pytest.raises(PolicyError):
        preview_recompute(policy, since(row))
    with pytest.raises(PolicyError):
        recompute(policy, by=ada, now=since(row))

    assert due(row) == {1: 5}


def test_who_snoozed_it_is_not_called_before_it_wakes(
    house: House, writes: Callable[..., Conversation], ada: User
) -> None:
    policy = make_policy(house.inbox, add(house.bob))
    row = writes()
    began = since(row)
    by: Any = {"by": house.viewer(house.alice), "user": house.alice}
    claim_conversation(conversation=row, now=began, **by)
    snooze_conversation(conversation=fresh(row), until=None, now=began + minutes(2), **by)
    edit(policy, add(house.bob, after=10))

    recompute(policy, by=ada, now=began + minutes(90))

    assert due(row) == {1: None}
    wake_conversation(conversation=fresh(row), now=began + minutes(100), **by)
    assert due(row) == {1: 108}


# --- What a rule chose ---


def test_a_wait_begins_with_the_policy_that_a_rule_chose(
    house: House, writes: Callable[..., Conversation]
) -> None:
    chosen = make_policy(make_inbox(house.account), add(house.bob, after=9))
    make_policy(house.inbox, add(house.bob))
    row = writes()

    use_policy(row, chosen, now=since(row))
    row.save()

    assert due(row) == {1: 9}
    use_policy(row, None, now=since(row))
    assert due(row) == {1: 5}


def test_the_next_wait_keeps_what_a_rule_chose_in_an_inbox_without_a_policy(
    house: House, writes: Callable[..., Conversation]
) -> None:
    chosen = make_policy(make_inbox(house.account), add(house.bob, after=9))
    row = writes()
    use_policy(row, chosen, now=since(row))
    row.waiting_since = None
    row.save()
    EscalationTimer.objects.all().delete()

    writes()

    assert due(row) == {1: 9}


def test_a_chosen_policy_that_cannot_be_read_leaves_the_wait_as_it_was(
    house: House, writes: Callable[..., Conversation]
) -> None:
    make_policy(house.inbox, add(house.bob))
    row = writes()
    broken = EscalationPolicy.objects.create(
        account=house.account, name="Broken", document={}, created_at=LONG_AGO, changed_at=LONG_AGO
    )

    use_policy(row, broken, now=since(row))

    assert due(row) == {1: 5}


def test_nobody_waits_nothing_follows(house: House, writes: Callable[..., Conversation]) -> None:
    row = writes()
    row.waiting_since = None

    assert follow_policy(row, now=row.opened_at) is False


def test_another_inbox_brings_its_own_policy_and_not_what_a_rule_chose(
    house: House, writes: Callable[..., Conversation]
) -> None:
    billing = make_inbox(house.account, "Billing")
    chosen = make_policy(make_inbox(house.account), add(house.bob, after=9))
    make_policy(billing, add(house.bob, after=3))
    row = writes()
    use_policy(row, chosen, now=since(row))
    row.save()

    transfer_to_inbox(
        conversation=row,
        by=house.viewer(house.alice),
        user=house.alice,
        to=billing,
        now=since(row) + minutes(2),
    )

    assert fresh(row).escalation is None
    assert due(row) == {1: 5}


def test_a_rule_chooses_the_policy_of_a_wait(
    house: House, writes: Callable[..., Conversation]
) -> None:
    make_policy(make_inbox(house.account), add(house.bob, after=9), name="Urgent")
    make_policy(house.inbox, add(house.bob))
    make_rules(house.inbox, {"then": {"escalation": "Urgent", "to": [{"who": "team"}]}})

    row = writes()

    assert due(row) == {1: 9}
    fire_due(now=since(row) + minutes(9))
    assert did(row) == ["add Bob"]
