"""Which waits follow an edited policy, and when would their steps act? Asked first, then done.

Edits of a policy count for waits that begin after them; an admin may let those that go on follow
too, and sees beforehand what comes of it. Contract: behaviour 2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.models import User
from inbox.conversations import locked_conversation
from inbox.models import Conversation, EscalationTimer, TeamInbox
from inbox.timers import Hours, follow_policy, following, hours_of, policy_of
from routing.escalation import REMIND, Policy, Timer, Timers
from routing.models import EscalationPolicy

LOOKED_AT = 1000
SHOWN = 50
CHANGED_AT_ONCE = 1000
# A policy: of every wait that it watches over. An inbox: of every wait in it, whichever policy's.
Subject = EscalationPolicy | TeamInbox


@dataclass(frozen=True)
class Change:
    """The timers of one wait, of every step but the last: as they are, and as they would be."""

    conversation: Conversation
    before: Timers
    after: Timers

    def acting_at_once(self, now: datetime) -> tuple[Timer, ...]:
        """Return those of its timers that would act at once, and would not have."""
        had = {timer.step for timer in self.before if _is_due(timer, now)}
        return tuple(one for one in self.after if _is_due(one, now) and one.step not in had)


@dataclass(frozen=True)
class Preview:
    """What a recompute would do.

    `waiting`: how many conversations were looked at, up to `LOOKED_AT`; `is_more`: even more wait.
    `changing`: how many of them have timers that change.
    `at_once`: how many steps would act at once. `shown`: the first `SHOWN` changes, those who wait
    longest first.
    """

    waiting: int
    changing: int
    at_once: int
    shown: tuple[Change, ...]
    is_more: bool


def preview_recompute(subject: Subject, now: datetime) -> Preview:
    """Return what a recompute would do now; nothing is written.

    Raises PolicyError if a policy cannot be read.
    """
    rows = list(_waiting(subject)[: LOOKED_AT + 1])
    looked_at = rows[:LOOKED_AT]
    changes = list(_changes(looked_at, now))
    return Preview(
        waiting=len(looked_at),
        changing=len(changes),
        at_once=sum(len(change.acting_at_once(now)) for change in changes),
        shown=tuple(changes[:SHOWN]),
        is_more=len(rows) > LOOKED_AT,
    )


@dataclass(frozen=True)
class Recomputed:
    """How many conversations have other timers now; `is_more`: others wait for another press."""

    changed: int
    is_more: bool


def recompute(subject: Subject, *, by: User, now: datetime) -> Recomputed:
    """Let the waits that go on follow their policy as it is now, up to `CHANGED_AT_ONCE` of them.

    Each is looked at again under its lock, in its own transaction: what happened since a preview
    counts. Whoever presses twice changes nothing twice. Raises PolicyError if one cannot be read.
    """
    rows = list(islice(_all_changing(subject, now), CHANGED_AT_ONCE + 1))
    is_more, rows = len(rows) > CHANGED_AT_ONCE, rows[:CHANGED_AT_ONCE]
    if rows:
        _note(subject, len(rows), by=by, now=now)
    return Recomputed(sum(_recompute(row, now=now) for row in rows), is_more)


def _all_changing(subject: Subject, now: datetime) -> Iterator[Conversation]:
    last = None
    while rows := list(_waiting(subject, after=last)[:LOOKED_AT]):
        last = rows[-1]
        yield from (change.conversation for change in _changes(rows, now))


def _note(subject: Subject, conversations: int, *, by: User, now: datetime) -> None:
    # Before it is done: what somebody set going is known even if it is cut off half-way.
    with transaction.atomic(durable=True):
        audit.record(
            action="escalation_recomputed",
            subject=subject.name,
            actor=by,
            account_id=subject.account_id,
            now=now,
            row=str(subject.pk),
            kind="inbox" if isinstance(subject, TeamInbox) else "policy",
            conversations=conversations,
        )


def _recompute(row: Conversation, *, now: datetime) -> bool:
    with transaction.atomic(durable=True):
        return follow_policy(locked_conversation(row), now=now)


def _waiting(subject: Subject, *, after: Conversation | None = None) -> "QuerySet[Conversation]":
    """Return the conversations in which somebody waits there, the longest first."""
    if isinstance(subject, TeamInbox):
        of_subject = Q(inbox=subject)
    else:
        of_subject = Q(escalation=subject) | Q(escalation=None, inbox__escalation=subject)
    later = Q(waiting_since__gt=after.waiting_since) if after else Q()
    if after:
        later |= Q(waiting_since=after.waiting_since, pk__gt=after.pk)
    return (
        Conversation.objects.filter(
            of_subject,
            later,
            account=subject.account_id,
            waiting_since__isnull=False,
            is_hidden=False,
        )
        .select_related("inbox__account", "inbox__escalation", "escalation", "contact", "thread")
        .order_by("waiting_since", "pk")
    )


def _changes(rows: list[Conversation], now: datetime) -> Iterator[Change]:
    """Return what changes for whom, by two questions and one for each calendar."""
    timers: dict[tuple[int, int], list[Timer]] = {}
    for timer in EscalationTimer.objects.filter(conversation__in=rows).order_by("step"):
        timers.setdefault((timer.conversation_id, timer.wait_generation), []).append(timer.value())
    hours: dict[int, Hours] = {}
    policies: dict[tuple[int, int | None], Policy] = {}
    for row in rows:
        key = row.inbox_id, row.escalation_id or row.inbox.escalation_id
        policy = policies[key] = policies.get(key) or policy_of(row, row.inbox)
        kept = hours[row.inbox_id] = hours.get(row.inbox_id) or hours_of(row.inbox)
        before = tuple(timers.get((row.pk, row.wait_generation), ()))
        after = following(row, before, policy, kept.calendar, now=now)
        if _shown(after) != _shown(before):
            yield Change(row, _shown(before), _shown(after))


def _shown(timers: Timers) -> Timers:
    return tuple(timer for timer in timers if timer.number < REMIND)


def _is_due(timer: Timer, now: datetime) -> bool:
    return timer.is_running and timer.due_at is not None and timer.due_at <= now
