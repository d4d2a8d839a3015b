"""Which timers are due, and what has each to do now?

Any number of processes may do this at the same time: a timer and its conversation are locked
together and without waiting, so none gets in the way of another, nor of what people do. Whatever
made a timer pointless meanwhile is found under that lock.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from django.db import transaction
from django.db.models import F

from accounts.prepared import OneOf, Prepared, write_fields
from inbox.broadcast import announce
from inbox.escalating.steps import LABEL, fire, keep
from inbox.escalating.whom import Look
from inbox.models import Conversation, ConversationEvent, EscalationTimer
from inbox.nudges import nudge_on_commit
from inbox.story import Story
from inbox.timers import (
    DUE_MOMENTS,
    hours_of,
    recompute_timers,
    refresh_due,
    suspend_timers,
    waiting_of,
)
from routing import escalation
from routing.escalation import REMIND, Clock, Do, Ended, When

logger = logging.getLogger(__name__)

FIRED_AT_ONCE = 1000
# In one transaction: few enough that nobody waits long for what they hold.
TOGETHER = 8
PAUSE_BASE_SECONDS = 5
PAUSE_MAX_SECONDS = 3600
_Held = EscalationTimer.Held

_OWN_FIELDS = [one.name for one in EscalationTimer._meta.concrete_fields]
_LOCKED = (
    EscalationTimer.objects.select_for_update(
        of=("self", "conversation"), no_key=True, skip_locked=True
    )
    .select_related("conversation")
    .only(*_OWN_FIELDS, "conversation__id")
    # What is said to a customer takes the thread's lock first, see `inbox.still_waiting`.
    .exclude(step=REMIND)
    .order_by("next_at", "pk")
)
_DUE = Prepared(lambda now: _LOCKED.filter(next_at__lte=now)[:TOGETHER])
_THIS = Prepared(lambda pk, now: _LOCKED.filter(pk=pk, next_at__lte=now))
_NEXT = Prepared(
    lambda: (
        EscalationTimer.objects.filter(next_at__isnull=False)
        .exclude(step=REMIND)
        .order_by("next_at")
        .values_list("next_at", flat=True)[:1]
    )
)
# Read anew, since what was joined to a row before its lock may be old; with all that a row of the
# list and a header show.
_ROWS = Prepared(
    lambda pks: (
        Conversation.objects.select_related(
            "inbox", "owner", "last_owner", "thread__sender", "thread__address", "contact"
        )
        .annotate(due_moments=DUE_MOMENTS)
        .filter(OneOf("pk", pks))
    )
)


def fire_due(*, now: datetime, limit: int = FIRED_AT_ONCE) -> int:
    """Let timers do what is due, the oldest first; return how many were looked at."""
    done = 0
    while done < limit and (some := fire_some(now=now, limit=limit - done)):
        done += some
    return done


def fire_some(*, now: datetime, limit: int = TOGETHER) -> int:
    """Let the few timers that are due longest do their work; return how many were looked at.

    They act in one transaction. A fault rolls all of it back, and then each acts alone: one that
    cannot takes no other along. What went wrong is written on it, and it is tried again later.
    """
    timers: list[EscalationTimer] = []
    try:
        with transaction.atomic(durable=True):
            timers = _one_each(_DUE.all(now=now))[:limit]
            _look_at(timers, now=now)
    except Exception as error:
        if not timers:
            raise
        if len(timers) == 1:
            _keep_error(timers[0], error, now=now)
        else:
            _fire_one_by_one(timers, now=now)
    return len(timers)


def next_due() -> datetime | None:
    """Return when the next timer has something to do, if any has."""
    return _NEXT.first()


def _one_each(timers: Iterable[EscalationTimer]) -> list[EscalationTimer]:
    """Leave out second timers of a conversation: the first one may change them."""
    found: dict[int, EscalationTimer] = {}
    for timer in timers:
        found.setdefault(timer.conversation_id, timer)
    return list(found.values())


def _fire_one_by_one(timers: Iterable[EscalationTimer], *, now: datetime) -> None:
    for timer in timers:
        try:
            with transaction.atomic(durable=True):
                _look_at(_THIS.all(pk=timer.pk, now=now), now=now)
        except Exception as error:
            _keep_error(timer, error, now=now)


def _keep_error(timer: EscalationTimer, error: Exception, *, now: datetime) -> None:
    logger.error("escalation timer %s could not act", timer.pk, exc_info=error)
    EscalationTimer.objects.filter(pk=timer.pk, next_at__isnull=False).update(
        attempts=F("attempts") + 1,
        problem=type(error).__name__[:80],
        next_at=now + pause_after(timer.attempts),
    )


def pause_after(attempts: int) -> timedelta:
    """Return how long a timer that could not act waits before it is tried again."""
    return timedelta(seconds=min(PAUSE_BASE_SECONDS * 2 ** min(attempts, 16), PAUSE_MAX_SECONDS))


def _look_at(timers: list[EscalationTimer], *, now: datetime) -> None:
    """Find out, under the conversations' locks, what timers have to do, and let them."""
    if not timers:
        return
    rows = {row.pk: row for row in _ROWS.all(pks=[timer.conversation_id for timer in timers])}
    story, look = Story(now=now), Look(now)
    look.read_features(row.account_id for row in rows.values())
    for timer in timers:
        _look_at_one(timer, rows[timer.conversation_id], story, look)
    announce(story.announcements(), now=now)


def _look_at_one(timer: EscalationTimer, row: Conversation, story: Story, look: Look) -> None:
    value = timer.value()
    if not is_wanted(timer, row, value, look):
        return
    if value.due_at and value.due_at > story.now:
        _warn(row, timer, value, story)
    elif value.step.do is Do.DATA_ACTION:
        _leave_to_callers(timer, row, now=story.now)
    else:
        row.due_at = _due_after(row, value)
        fire(row, timer, value, story, look)


def _due_after(row: Conversation, value: escalation.Timer) -> datetime | None:
    """Return when the next step is due once this one has acted."""
    moments: list[datetime | None] = list(vars(row)["due_moments"])
    if value.due_at in moments:
        moments.remove(value.due_at)
    return next(iter(moments), None)


def is_wanted(
    timer: EscalationTimer, row: Conversation, value: escalation.Timer, look: Look
) -> bool:
    """Say whether a step may act now, its conversation locked; if not, write what becomes of it."""
    now = look.now
    if why := _over(row, timer):
        keep(timer, replace(value, ended_at=now, ended_by=why))
        refresh_due(row)
    elif not look.may_act(row):
        suspend_timers(row, now=now, held=_Held.OFF)
    elif row.status == Conversation.Status.SNOOZED:
        suspend_timers(row, now=now)
    elif _has_other_hours(timer, row):
        # It comes again when the hours of now say so.
        recompute_timers(row, now=now)
    elif not waiting_of(row).suits(value.step):
        _set_aside(timer, value, now=now)
        refresh_due(row)
    else:
        return True
    return False


def _leave_to_callers(timer: EscalationTimer, row: Conversation, *, now: datetime) -> None:
    """Let a worker ask that may wait for others: the clock may not."""
    timer.ask_at, timer.next_at = now, None
    write_fields(timer, "ask_at", "next_at")
    refresh_due(row)
    nudge_on_commit("sweep_asking")


def _over(row: Conversation, timer: EscalationTimer) -> Ended | None:
    """Say why the wait that a timer belongs to is over, if it is."""
    if row.is_closed:
        return Ended.CLOSED
    if row.waiting_since is None or row.wait_generation != timer.wait_generation:
        return Ended.ANSWERED
    return Ended.BLOCKED if row.is_hidden else None


def _has_other_hours(timer: EscalationTimer, row: Conversation) -> bool:
    """Say whether a timer was computed with business hours that are not those of now."""
    if timer.plan.get("clock") != Clock.BUSINESS:
        return False
    hours = hours_of(row.inbox)
    return (timer.hours_number, timer.hours_version) != (hours.number, hours.version)


def _set_aside(timer: EscalationTimer, value: escalation.Timer, *, now: datetime) -> None:
    if value.step.when is When.UNCLAIMED:
        keep(timer, replace(value, ended_at=now, ended_by=Ended.CLAIMED))
    else:
        keep(timer, replace(value, due_at=None, warn_at=None))


def _warn(row: Conversation, timer: EscalationTimer, value: escalation.Timer, story: Story) -> None:
    """Tell the audience that a step is near."""
    assert value.due_at is not None
    keep(timer, replace(value, warned_at=story.now))
    left = ceil((value.due_at - story.now) / timedelta(minutes=1))
    story.record(row, ConversationEvent.Verb.WARNED, label=LABEL, step=value.number, left=left)
