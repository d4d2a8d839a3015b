"""Which timers does a waiting conversation have? Their rows follow what happens to it.

The conversation must be locked by whoever calls. A wait in an inbox without a policy has no rows at
first: the last step, which every inbox has, is a day away, and a sweep writes its row before then.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.prepared import write_fields
from inbox.models import Conversation, EscalationTimer, TeamInbox
from inbox.reply_settings import reminder_of
from routing import escalation
from routing.escalation import LAST, Ended, Policy, Timers, Waiting
from routing.hours import Calendar
from routing.models import BusinessHours, EscalationPolicy
from routing.replacing import replaced

logger = logging.getLogger(__name__)

# Business time is never longer than the time on the wall: the last step cannot be due, nor its
# warning, before this.
LAST_STEP_IS_FAR = escalation.LAST_STEP.length - timedelta(hours=1)
PLANNED_AT_ONCE = 500
_Held = EscalationTimer.Held
Act = Callable[[Timers, Waiting, Calendar], Timers]


# --- Business hours ---


@dataclass(frozen=True)
class Hours:
    """The calendar of an inbox, and which one in which version it is; always open without one."""

    calendar: Calendar
    number: int | None = None
    version: int = 0


def hours_of(inbox: TeamInbox) -> Hours:
    """Return the business hours that an inbox keeps, now or when they were loaded with it."""
    if inbox.hours_id is None:
        return Hours(Calendar.always(inbox.zone))
    if "hours" in inbox._state.fields_cache and inbox.hours:
        kept = inbox.hours
        return Hours(_calendar(kept.pk, kept.version, kept.changed_at), kept.pk, kept.version)
    number, version, changed_at = (
        BusinessHours.objects.filter(pk=inbox.hours_id)
        .values_list("pk", "version", "changed_at")
        .get()
    )
    return Hours(_calendar(number, version, changed_at), number, version)


@lru_cache(maxsize=500)
def _calendar(number: int, version: int, changed_at: datetime) -> Calendar:
    """Read a calendar once for each of its versions."""
    return BusinessHours.objects.with_days().get(pk=number).calendar()


# --- How they begin ---


def plan_wait(row: Conversation) -> None:
    """Write the timers of a wait that has just begun, where the inbox has a policy.

    The caller saves the row.
    """
    write_wait(row, schedule_wait(row))


def schedule_wait(row: Conversation) -> list[EscalationTimer]:
    """Return the timers of a wait that has just begun, and let its row say when the first is due.

    Neither is saved, and the row need not be there yet. A fault in it must not hide the customer's
    words: the last step still watches over the wait.
    """
    row.due_at = None
    if row.waiting_since is None or not _is_watched(row):
        return []
    try:
        with transaction.atomic():
            timers = _scheduled(row)
    except Exception:
        logger.exception("conversation %s waits without its policy", row.public_id)
        return []
    row.due_at = _first_due(timers)
    return timers


def write_wait(row: Conversation, timers: Iterable[EscalationTimer]) -> None:
    """Write what `schedule_wait` returned, once the row is there. No fault hides the words."""
    try:
        with transaction.atomic():
            EscalationTimer.objects.bulk_create(timers, ignore_conflicts=True)
    except Exception:
        logger.exception("conversation %s waits without its policy", row.public_id)


def replan_wait(row: Conversation, *, now: datetime) -> None:
    """A person moved it to another inbox: that one's policy takes the place of the old one, now.

    What a rule of the old inbox chose counts no more. The last step goes on.
    """
    if row.escalation_id is not None:
        row.escalation = None
        write_fields(row, "escalation")
    if row.waiting_since is None:
        return
    _of(row).filter(step__lt=LAST).delete()
    if _is_watched(row):
        rows = _scheduled(row, restarted_at=now)
        EscalationTimer.objects.bulk_create(rows, ignore_conflicts=True)
    refresh_due(row)


def _is_watched(row: Conversation) -> bool:
    """Say whether something comes before the last step."""
    has_policy = row.escalation_id is not None or row.inbox.escalation_id is not None
    return has_policy or reminder_of(row.inbox) is not None


def _scheduled(row: Conversation, *, restarted_at: datetime | None = None) -> list[EscalationTimer]:
    inbox = TeamInbox.objects.select_related("escalation", "account", "hours").get(pk=row.inbox_id)
    hours, waiting = hours_of(inbox), waiting_of(row)
    timers = escalation.schedule(policy_of(row, inbox), waiting, hours.calendar)
    if restarted_at:
        timers = escalation.restarted(timers, waiting, hours.calendar, at=restarted_at)
    if row.status == Conversation.Status.SNOOZED and restarted_at:
        timers = escalation.suspended(timers, hours.calendar, at=restarted_at)
    return [_new(row, timer, hours, held=_Held.SNOOZED) for timer in timers]


def policy_of(row: Conversation, inbox: TeamInbox) -> Policy:
    """Return the policy that watches over a conversation: what a rule chose, or its inbox's.

    Without either it has no steps but those that nobody wrote: what the inbox says to who waits,
    and the last one. Raises PolicyError if it cannot be read.
    """
    chosen = row.escalation or inbox.escalation
    policy = chosen.policy() if chosen else Policy()
    return replace(policy, reminder=reminder_of(inbox))


def use_policy(row: Conversation, policy: EscalationPolicy | None, *, now: datetime) -> None:
    """Let a policy that a rule chose watch over a conversation; None: its inbox's own again.

    Its steps take the place of those of the wait that goes on, see `routing.replacing`. The caller
    saves the row. A fault leaves the timers as they were: it must not hide the customer's words.
    """
    if row.escalation_id == (policy.pk if policy else None):
        return
    row.escalation = policy
    try:
        with transaction.atomic():
            follow_policy(row, now=now)
    except Exception:
        logger.exception("conversation %s waits with the policy before", row.public_id)


def follow_policy(row: Conversation, *, now: datetime) -> bool:
    """Let the timers of a wait follow its policy as it is now; say whether any changed.

    Raises PolicyError if it cannot be read.
    """
    if row.waiting_since is None:
        return False
    old = list(_of(row).order_by("step"))
    inbox = TeamInbox.objects.select_related("escalation", "account", "hours").get(pk=row.inbox_id)
    hours = hours_of(inbox)
    before = tuple(timer.value() for timer in old)
    after = following(row, before, policy_of(row, inbox), hours.calendar, now=now)
    if after == before:
        return False
    held = next((timer.suspended_for for timer in old if timer.suspended_for), _Held.SNOOZED)
    _of(row).delete()
    rows = [_new(row, timer, hours, held=held) for timer in after]
    EscalationTimer.objects.bulk_create(rows)
    _keep_due(row, rows)
    return True


def following(
    row: Conversation, timers: Timers, policy: Policy, calendar: Calendar, *, now: datetime
) -> Timers:
    """Return the timers of a wait as they are when they follow this policy."""
    if not timers and not policy.steps:
        return timers
    after = replaced(timers, policy, waiting_of(row), calendar)
    is_snoozed = row.status == Conversation.Status.SNOOZED
    return escalation.suspended(after, calendar, at=now) if is_snoozed else after


def _new(
    row: Conversation, timer: escalation.Timer, hours: Hours, *, held: str = ""
) -> EscalationTimer:
    new = EscalationTimer(
        account_id=row.account_id,
        conversation=row,
        wait_generation=row.wait_generation,
        hours_number=hours.number,
        hours_version=hours.version,
    )
    new.take(timer, held=held)
    return new


def waiting_of(row: Conversation) -> Waiting:
    """Return since when the customer waits, and since when somebody has the conversation."""
    assert row.waiting_since is not None
    return Waiting(row.waiting_since, row.owned_since)


def ensure_last(row: Conversation) -> None:
    """Write the row of the last step of a wait, if the sweep has not come to it yet."""
    if row.waiting_since is None or _of(row).filter(step=LAST).exists():
        return
    hours = hours_of(row.inbox)
    timer = escalation.schedule_last(waiting_of(row), hours.calendar)
    _new(row, timer, hours).save()


def plan_last_steps(*, now: datetime) -> int:
    """Write the rows of last steps that come near. A wait that ends meanwhile makes them obsolete.

    A year of waits without a row takes several runs; the oldest come first.
    """
    known = EscalationTimer.objects.filter(
        conversation=OuterRef("pk"), wait_generation=OuterRef("wait_generation"), step=LAST
    )
    near = (
        Conversation.objects.filter(~Exists(known), waiting_since__lte=now - LAST_STEP_IS_FAR)
        .select_related("inbox__account")
        .order_by("waiting_since")[:PLANNED_AT_ONCE]
    )
    found: dict[int, Hours] = {}
    rows = []
    for row in near:
        hours = found[row.inbox_id] = found.get(row.inbox_id) or hours_of(row.inbox)
        timer = escalation.schedule_last(waiting_of(row), hours.calendar)
        rows.append(_new(row, timer, hours))
    EscalationTimer.objects.bulk_create(rows, ignore_conflicts=True)
    _show_due([row.conversation_id for row in rows])
    return len(rows)


def _show_due(conversations: Iterable[int]) -> None:
    """Let the list know of steps that were planned without a lock. Whoever holds a conversation now
    writes what it then knows."""
    with transaction.atomic():
        free = Conversation.objects.select_for_update(no_key=True, skip_locked=True)
        rows = list(free.filter(pk__in=conversations).order_by("pk"))
        for row in rows:
            row.due_at = next_due_of(row)
        Conversation.objects.bulk_update(rows, ["due_at"])


def next_timer(row: Conversation, *, now: datetime) -> EscalationTimer | None:
    """Return the timer whose step comes next in a wait; None while nobody waits, or all rest.

    One question, and none where there is surely no timer: if nothing comes before it, the row of
    the last step is written when that is near.
    """
    if row.waiting_since is None:
        return None
    if not _is_watched(row) and now - row.waiting_since < LAST_STEP_IS_FAR:
        return None
    return _of(row).filter(next_at__isnull=False).order_by("due_at", "step").first()


# --- When the next one is due ---


def next_due_of(row: Conversation) -> datetime | None:
    """Ask when the next step of a wait is due; None while nobody waits, or all rest."""
    if row.waiting_since is None:
        return None
    running = _of(row).filter(next_at__isnull=False).order_by("due_at")
    return running.values_list("due_at", flat=True).first()


# When the running steps of a conversation's wait are due, the first one first.
DUE_MOMENTS = ArraySubquery(
    EscalationTimer.objects.filter(
        conversation=OuterRef("pk"),
        wait_generation=OuterRef("wait_generation"),
        next_at__isnull=False,
    )
    .order_by("due_at")
    .values("due_at")
)


def refresh_due(row: Conversation) -> None:
    """Write on a locked conversation when its next step is due, if that is another moment now."""
    _write_due(row, next_due_of(row))


def _keep_due(row: Conversation, timers: Iterable[EscalationTimer]) -> None:
    """Write when the first of all timers of a wait is due."""
    _write_due(row, _first_due(timers))


def _first_due(timers: Iterable[EscalationTimer]) -> datetime | None:
    return min((one.due_at for one in timers if one.next_at and one.due_at), default=None)


def _write_due(row: Conversation, due_at: datetime | None) -> None:
    if row.due_at != due_at:
        row.due_at = due_at
        write_fields(row, "due_at")


# --- What acts do to them ---


def follow_claim(row: Conversation, *, now: datetime) -> None:
    """Somebody has it now."""
    change_timers(row, lambda *given: escalation.claimed(*given, at=now), now=now)


def follow_unowned(row: Conversation, *, now: datetime) -> None:
    """A step gave it to several people or back: nobody has it, and the ladder goes on."""
    change_timers(row, lambda *given: escalation.unowned(*given, at=now), now=now)


def start_over(row: Conversation, *, now: datetime) -> None:
    """A person released, transferred or took it over, or it came back: from step 1, from now."""
    change_timers(row, lambda *given: escalation.restarted(*given, at=now), now=now)


def suspend_timers(row: Conversation, *, now: datetime, held: str = _Held.SNOOZED) -> None:
    """It was snoozed, or is where nothing may act: each timer keeps what is left of its clock."""

    def act(timers: Timers, waiting: Waiting, calendar: Calendar) -> Timers:
        return escalation.suspended(timers, calendar, at=now)

    ensure_last(row)
    change_timers(row, act, now=now, held=held)


def resume_timers(row: Conversation, *, now: datetime) -> None:
    """The snooze is over."""
    change_timers(row, lambda *given: escalation.resumed(*given, at=now), now=now)


def renew_timers(row: Conversation, *, now: datetime) -> None:
    """Who had opted out is back: each counts anew from now."""

    def act(timers: Timers, waiting: Waiting, calendar: Calendar) -> Timers:
        return escalation.renewed(timers, Ended.OPTED_OUT, waiting, calendar, at=now)

    change_timers(row, act, now=now)


def recompute_timers(row: Conversation, *, now: datetime) -> int:
    """Aim what runs anew after business hours changed; return how many timers moved."""

    def act(timers: Timers, waiting: Waiting, calendar: Calendar) -> Timers:
        return escalation.recomputed(timers, waiting, calendar)

    return change_timers(row, act, now=now)


def end_timers(row: Conversation, why: Ended, *, now: datetime) -> None:
    """An answer, a close or an opt-out: nothing fires any more. The caller saves the row."""
    row.due_at = None
    if row.waiting_since is None:
        return
    if why is Ended.OPTED_OUT:
        ensure_last(row)
    _of(row).filter(fired_at=None, obsolete_at=None).update(
        obsolete_at=now, obsolete_reason=why.value, next_at=None, ask_at=None
    )


def restore_timers(row: Conversation, *, closed_at: datetime | None) -> None:
    """A close was undone: those that it ended are as they were before."""
    if row.waiting_since is None:
        return
    ended = _of(row).filter(obsolete_at=closed_at, obsolete_reason=Ended.CLOSED.value)
    for timer in ended:
        timer.take(escalation.restored((timer.value(),), Ended.CLOSED)[0])
        timer.save()
    refresh_due(row)


def change_timers(row: Conversation, act: Act, *, now: datetime, held: str = "") -> int:
    """Let an act change the timers of the wait that goes on; return how many changed.

    While the conversation is snoozed, what an act sets running is suspended at once.
    """
    if row.waiting_since is None:
        return 0
    timers = list(_of(row).order_by("step"))
    if not timers:
        return 0
    hours, waiting = hours_of(row.inbox), waiting_of(row)
    before = tuple(timer.value() for timer in timers)
    if any(_is_stale(timer, hours) for timer in timers):
        # They are written as being of these hours: the sweep will not come to them any more.
        before = escalation.recomputed(before, waiting, hours.calendar)
    after = act(before, waiting, hours.calendar)
    if row.status == Conversation.Status.SNOOZED:
        after, held = escalation.suspended(after, hours.calendar, at=now), held or _Held.SNOOZED
    moved = _write(timers, after, hours, held)
    _keep_due(row, timers)
    return moved


def _write(timers: Iterable[EscalationTimer], values: Timers, hours: Hours, held: str) -> int:
    moved, stale = [], []
    for timer, value in zip(timers, values, strict=True):
        is_stale = _is_stale(timer, hours)
        timer.hours_number, timer.hours_version = hours.number, hours.version
        if timer.value() != value:
            timer.take(value, held=held)
            moved.append(timer)
        elif is_stale:
            stale.append(timer)
    if moved or stale:
        EscalationTimer.objects.bulk_update([*moved, *stale], _CHANGING)
    return len(moved)


def _is_stale(timer: EscalationTimer, hours: Hours) -> bool:
    return (timer.hours_number, timer.hours_version) != (hours.number, hours.version)


_CHANGING = [
    "anchor_at",
    "length",
    "due_at",
    "warn_at",
    "next_at",
    "warned_at",
    "fired_at",
    "obsolete_at",
    "obsolete_reason",
    "suspended_remaining",
    "suspended_for",
    "hours_number",
    "hours_version",
    "ask_at",
    "attempts",
    "problem",
]


def _of(row: Conversation) -> "QuerySet[EscalationTimer]":
    return EscalationTimer.objects.filter(conversation=row, wait_generation=row.wait_generation)
