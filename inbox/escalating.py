"""Who waits too long, and what is done about it? Timers fire here, each in its own transaction.

Any number of processes may do this at the same time: a timer and its conversation are locked
together and without waiting, so none gets in the way of another, nor of what people do. Whatever
made a timer pointless meanwhile is found under that lock. Contract: behaviour 2.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.access import accounts_without, granted, licensed
from accounts.models import Account, Feature, Membership, User
from accounts.prepared import OneOf, Prepared, write_fields
from inbox.access import readers_of
from inbox.audience import add_members, current_parts, give_back, give_to, give_to_many
from inbox.broadcast import announce
from inbox.conversations import locked_conversation
from inbox.models import (
    Conversation,
    ConversationEvent,
    EscalationTimer,
    Participant,
    TeamInbox,
)
from inbox.story import Story
from inbox.timers import (
    follow_claim,
    follow_unowned,
    hours_of,
    plan_last_steps,
    recompute_timers,
    resume_timers,
    suspend_timers,
    waiting_of,
)
from routing import escalation
from routing.escalation import Clock, Do, Ended, Helpers, Step, When, helpers_of

logger = logging.getLogger(__name__)

LABEL = "Escalation"
WHATSAPP_PREFIX = "whatsapp:"
FIRED_AT_ONCE = 1000
FOLLOWED_AT_ONCE = 500
PAUSE_BASE_SECONDS = 5
PAUSE_MAX_SECONDS = 3600
_Verb = ConversationEvent.Verb
_Held = EscalationTimer.Held
_BY_US = Participant.Source.ESCALATION

_DUE = Prepared(
    lambda now: (
        EscalationTimer.objects.select_for_update(
            of=("self", "conversation"), no_key=True, skip_locked=True
        )
        .select_related("conversation")
        .filter(next_at__lte=now)
        .order_by("next_at", "pk")[:1]
    )
)
# Read anew, since what was joined to a row before its lock may be old.
_ROW = Prepared(
    lambda pk: Conversation.objects.select_related(
        "inbox", "owner", "last_owner", "thread__sender", "contact"
    ).filter(pk=pk)
)

_IS_ON = Prepared(
    lambda account, feature, now: (
        granted(feature, now=now)
        .filter(account=account, account__status=Account.Status.ACTIVE)
        .values_list("pk", flat=True)[:1]
    )
)
_PARTS = Prepared(
    lambda conversation: Participant.objects.filter(
        conversation=conversation, ended_at=None
    ).values_list("user_id", "role")
)


def _people_able(users: Any, account: Any, team: Any, now: Any) -> "QuerySet[Any, Any]":
    observes = Membership.objects.filter(
        user=OuterRef("pk"), team=team, role=Membership.Role.OBSERVER
    )
    people = licensed(now=now).filter(~Exists(observes), OneOf("pk", users), account=account)
    available = people.filter(availability=User.Availability.AVAILABLE)
    return available.values_list("pk", "name")


_ABLE = Prepared(_people_able)


# --- The clock ---


def fire_due(*, now: datetime, limit: int = FIRED_AT_ONCE) -> int:
    """Let timers do what is due, the oldest first; return how many were looked at."""
    done = 0
    while done < limit and fire_next(now=now):
        done += 1
    return done


def fire_next(*, now: datetime) -> bool:
    """Let the timer that is due longest do its work, if there is one; say whether there was.

    A fault rolls all of it back, is written on the timer and tried again later.
    """
    timer = None
    try:
        with transaction.atomic(durable=True):
            timer = _DUE.first(now=now)
            if timer is None:
                return False
            story = Story(now=now)
            _look_at(timer, story)
            announce(story.announcements(), now=now)
    except Exception as error:
        if timer is None:
            raise
        logger.exception("escalation timer %s could not act", timer.pk)
        _keep_error(timer, error, now=now)
    return True


def _keep_error(timer: EscalationTimer, error: Exception, *, now: datetime) -> None:
    seconds = min(PAUSE_BASE_SECONDS * 2 ** min(timer.attempts, 16), PAUSE_MAX_SECONDS)
    EscalationTimer.objects.filter(pk=timer.pk, next_at__isnull=False).update(
        attempts=F("attempts") + 1,
        problem=type(error).__name__[:80],
        next_at=now + timedelta(seconds=seconds),
    )


def _look_at(timer: EscalationTimer, story: Story) -> None:
    """Find out, under the conversation's lock, what a timer has to do now."""
    row, now = _ROW.first(pk=timer.conversation_id), story.now
    assert row is not None, "a timer's conversation is locked with it"
    value = timer.value()
    if why := _over(row, timer):
        _keep(timer, replace(value, ended_at=now, ended_by=why))
    elif not _may_act(row, now=now):
        suspend_timers(row, now=now, held=_Held.OFF)
    elif row.status == Conversation.Status.SNOOZED:
        suspend_timers(row, now=now)
    elif _has_other_hours(timer, row):
        # It comes again when the hours of now say so.
        recompute_timers(row, now=now)
    elif not waiting_of(row).suits(value.step):
        _set_aside(timer, value, now=now)
    elif value.due_at and value.due_at > now:
        _warn(row, timer, value, story)
    else:
        _fire(row, timer, value, story)


def _over(row: Conversation, timer: EscalationTimer) -> Ended | None:
    """Say why the wait that a timer belongs to is over, if it is."""
    if row.is_closed:
        return Ended.CLOSED
    if row.waiting_since is None or row.wait_generation != timer.wait_generation:
        return Ended.ANSWERED
    return Ended.BLOCKED if row.is_hidden else None


def _may_act(row: Conversation, *, now: datetime) -> bool:
    """Say whether anybody may be alerted here: behaviour, decision 9."""
    is_whatsapp = row.thread.our_address.startswith(WHATSAPP_PREFIX)
    needed = [Feature.TEAM_INBOX, *([Feature.WHATSAPP] if is_whatsapp else [])]
    return row.inbox.is_on and all(
        _IS_ON.all(account=row.account_id, feature=feature.value, now=now) for feature in needed
    )


def _has_other_hours(timer: EscalationTimer, row: Conversation) -> bool:
    """Say whether a timer was computed with business hours that are not those of now."""
    if timer.plan.get("clock") != Clock.BUSINESS:
        return False
    hours = hours_of(row.inbox)
    return (timer.hours_number, timer.hours_version) != (hours.number, hours.version)


def _set_aside(timer: EscalationTimer, value: escalation.Timer, *, now: datetime) -> None:
    if value.step.when is When.UNCLAIMED:
        _keep(timer, replace(value, ended_at=now, ended_by=Ended.CLAIMED))
    else:
        _keep(timer, replace(value, due_at=None, warn_at=None))


def _keep(timer: EscalationTimer, value: escalation.Timer) -> None:
    timer.take(value)
    write_fields(timer)


def _warn(row: Conversation, timer: EscalationTimer, value: escalation.Timer, story: Story) -> None:
    """Tell the audience that a step is near."""
    assert value.due_at is not None
    _keep(timer, replace(value, warned_at=story.now))
    left = ceil((value.due_at - story.now) / timedelta(minutes=1))
    story.record(row, _Verb.WARNED, label=LABEL, step=value.number, left=left)


# --- What a step does ---


@dataclass(frozen=True)
class Done:
    """What a step did: in which words, who is told of it, and what changed by it."""

    did: str
    to: str = ""
    told: Collection[int] = ()
    changed: tuple[str, ...] = ("escalation",)
    left_inbox: TeamInbox | None = None


def _fire(row: Conversation, timer: EscalationTimer, value: escalation.Timer, story: Story) -> None:
    """Let a step act: rows, what other timers make of it, one line in the timeline, events."""
    takes_away = value.step.do in (Do.MOVE, Do.RELEASE)
    before = readers_of(row, now=story.now) if takes_away else set()
    had_owner = row.owner_id
    _keep(timer, replace(value, fired_at=story.now))
    done = _DOERS[value.step.do](row, value.step, story.now)
    row.version += 1
    write_fields(row)
    if row.owner_id != had_owner:
        follow = follow_claim if row.owner_id else follow_unowned
        follow(row, now=story.now)
    left = frozenset(before - readers_of(row, now=story.now) if takes_away else ())
    story.record(
        row,
        _Verb.ESCALATED,
        label=LABEL,
        step=value.number,
        did=done.did,
        to=done.to,
        told=sorted(done.told),
        reason=why_words(value.step),
    )
    if done.left_inbox:
        story.conversation_moved(row, source=done.left_inbox, left=left)
    else:
        story.conversation_updated(row, *done.changed, left=left)


def why_words(step: Step) -> str:
    """Say in words why a step acted."""
    words = {
        When.UNCLAIMED: _("nobody claimed it for %(time)s"),
        When.OWNER_SILENT: _("its owner did not answer for %(time)s"),
        When.ANY_UNANSWERED: _("no answer for %(time)s"),
    }
    hours, minutes = divmod(step.after, 60)
    time = _("%(n)d hours") % {"n": hours} if hours and not minutes else ""
    time = time or _("%(n)d minutes") % {"n": step.after}
    if step.clock is Clock.BUSINESS:
        time = _("%(time)s of business hours") % {"time": time}
    return words[step.when] % {"time": time}


def _add(row: Conversation, step: Step, now: datetime) -> Done:
    """Let more people take part; nobody loses the conversation by it."""
    helpers = _helpers(row, step, now=now)
    if helpers is None:
        return _nobody(row, now=now)
    if helpers.rung.team == row.inbox_id and row.owner_id is None:
        row.is_team_wide = True
    else:
        add_members(row, helpers.users, source=_BY_US, now=now)
    return Done("add", _names(helpers), helpers.users, ("audience",))


def _move(row: Conversation, step: Step, now: datetime) -> Done:
    """Give it to one person, who owns it then; or to several, or to a team, who may claim it."""
    helpers = _helpers(row, step, now=now)
    if helpers is None:
        return _nobody(row, now=now)
    source, team = row.inbox, helpers.rung.team
    if len(helpers.rung.users) == 1:
        previous = row.owner
        give_to(row, User.objects.get(pk=helpers.users[0]), source=_BY_US, now=now)
        row.last_owner, row.returns_at = previous or row.last_owner, None
        return Done("move", _names(helpers), helpers.users, ("owner",))
    target = TeamInbox.objects.filter(pk=team, account=row.account_id, is_on=True).first()
    give_to_many(row, () if target else helpers.users, source=_BY_US, now=now)
    if target is None or target.pk == source.pk:
        return Done("move", _names(helpers), helpers.users, ("owner", "audience"))
    row.inbox, row.escalation = target, None
    return Done("move", target.name, helpers.users, left_inbox=source)


def _release(row: Conversation, step: Step, now: datetime) -> Done:
    """Give it back to those who had it before its owner took it."""
    if row.owner_id is None:
        return _nobody(row, now=now)
    row.last_owner = row.owner
    give_back(row, now=now)
    told = [part.user_id for part in current_parts(row)]
    if row.is_team_wide:
        told += _members([row.inbox_id]).get(row.inbox_id, [])
    return Done("release", told=set(told), changed=("owner", "audience"))


def _notify(row: Conversation, step: Step, now: datetime) -> Done:
    """Tell the supervisors."""
    return Done("notify", told=_supervisors(row, now=now))


def _set_priority(row: Conversation, step: Step, now: datetime) -> Done:
    row.priority = step.priority
    return Done("priority", row.get_priority_display(), changed=("priority",))


def _nobody(row: Conversation, *, now: datetime) -> Done:
    """At the end of a ladder stand the supervisors."""
    return Done("nobody", told=_supervisors(row, now=now))


def _call_data_action(row: Conversation, step: Step, now: datetime) -> Done:
    """There is no Data Action of this name: publishing refuses such a step, an old one may stay."""
    return _nobody(row, now=now)


_DOERS: Mapping[Do, Callable[[Conversation, Step, datetime], Done]] = {
    Do.ADD: _add,
    Do.MOVE: _move,
    Do.RELEASE: _release,
    Do.NOTIFY: _notify,
    Do.PRIORITY: _set_priority,
    Do.DATA_ACTION: _call_data_action,
}


# --- Whom ---


def _helpers(row: Conversation, step: Step, *, now: datetime) -> Helpers | None:
    """Return whom a step's ladder comes down to: who may work here, is available, and is new."""
    members = _members(rung.team for rung in step.to if rung.team is not None)
    if row.is_team_wide and row.owner_id is None:
        members.pop(row.inbox_id, None)
    named = {user_id for rung in step.to for user_id in rung.users}
    named.update(*members.values())
    able = _able(row, named - _there(row, step), now=now)
    return helpers_of(step, members=members, able=able)


def _there(row: Conversation, step: Step) -> set[int]:
    """Return whom a step cannot bring: who takes part already, or has it already."""
    if step.do is Do.MOVE:
        return {row.owner_id} if row.owner_id else set()
    parts = _PARTS.all(conversation=row.pk)
    return {user_id for user_id, role in parts if role != Participant.Role.WATCHER}


def _able(row: Conversation, user_ids: Collection[int], *, now: datetime) -> dict[int, str]:
    """Name those who are licensed, available and not mere observers of this inbox, by id."""
    found = _ABLE.all(users=sorted(user_ids), account=row.account_id, team=row.inbox_id, now=now)
    return dict(found)


def _members(teams: Iterable[int]) -> dict[int, list[int]]:
    """Return who works in these teams."""
    found: dict[int, list[int]] = {}
    rows = Membership.objects.filter(team__in=list(teams)).exclude(role=Membership.Role.OBSERVER)
    for team, user_id in rows.order_by("pk").values_list("team_id", "user_id"):
        found.setdefault(team, []).append(user_id)
    return found


def _supervisors(row: Conversation, *, now: datetime) -> set[int]:
    rows = licensed(now=now).filter(
        memberships__team=row.inbox_id, memberships__role=Membership.Role.SUPERVISOR
    )
    return set(rows.values_list("pk", flat=True))


def _names(helpers: Helpers) -> str:
    """Name the people of a rung, or its team."""
    if helpers.rung.team is not None:
        team = TeamInbox.objects.filter(pk=helpers.rung.team).values_list("name", flat=True)
        return next(iter(team), _("the team"))
    names = dict(User.objects.filter(pk__in=helpers.users).values_list("pk", "name"))
    return ", ".join(names[user_id] for user_id in helpers.users)


# --- What else changes while people wait ---


def follow_changes(*, now: datetime) -> int:
    """Write last steps that come near; follow changed hours, and inboxes that go off and on."""
    done = plan_last_steps(now=now)
    return done + _follow_hours(now=now) + _hold_where_off(now=now) + _go_on_where_on(now=now)


def _follow_hours(*, now: datetime) -> int:
    """Compute anew what was computed with other business hours; the audit log tells how many."""
    same = Q(hours_number=None, conversation__inbox__hours=None) | Q(
        hours_number=F("conversation__inbox__hours"),
        hours_version=F("conversation__inbox__hours__version"),
    )
    stale = _running().filter(plan__clock=Clock.BUSINESS.value).exclude(same)
    moved: dict[TeamInbox, int] = {}
    for row, number in _each(stale, lambda row: recompute_timers(row, now=now)):
        moved[row.inbox] = moved.get(row.inbox, 0) + number
    for inbox, number in moved.items():
        audit.record(
            action="escalation_recomputed",
            subject=inbox.name,
            account_id=inbox.account_id,
            now=now,
            row=str(inbox.pk),
            timers=number,
        )
    return sum(moved.values())


def _hold_where_off(*, now: datetime) -> int:
    """Suspend timers of accounts and inboxes that are off: what is left runs when they are on."""
    off = _running().filter(_is_off(now))

    def hold(row: Conversation) -> int:
        if not _may_act(row, now=now):
            suspend_timers(row, now=now, held=_Held.OFF)
        return 1

    return sum(number for _row, number in _each(off, hold))


def _go_on_where_on(*, now: datetime) -> int:
    held = EscalationTimer.objects.filter(
        suspended_for=_Held.OFF,
        obsolete_at=None,
        conversation__status=Conversation.Status.OPEN,
    ).exclude(_is_off(now))

    def go_on(row: Conversation) -> int:
        if _may_act(row, now=now):
            resume_timers(row, now=now)
        return 1

    return sum(number for _row, number in _each(held, go_on))


def _is_off(now: datetime) -> Q:
    """Match timers of conversations where `_may_act` says no."""
    return (
        Q(conversation__inbox__is_on=False)
        | Q(account__in=accounts_without(Feature.TEAM_INBOX, now=now))
        | Q(
            conversation__thread__our_address__startswith=WHATSAPP_PREFIX,
            account__in=accounts_without(Feature.WHATSAPP, now=now),
        )
    )


def _running() -> "QuerySet[EscalationTimer]":
    return EscalationTimer.objects.filter(next_at__isnull=False)


def _each(
    timers: "QuerySet[EscalationTimer]", act: Callable[[Conversation], int]
) -> Iterable[tuple[Conversation, int]]:
    """Let an act follow for each conversation of these timers, locked, in its own transaction."""
    ids = timers.order_by("conversation").values_list("conversation", flat=True).distinct()
    for pk in list(ids[:FOLLOWED_AT_ONCE]):
        with transaction.atomic(durable=True):
            row = locked_conversation(Conversation(pk=pk))
            done = act(row)
        yield row, done
