"""What moves timers without an act? Hours that change, accounts that go off and on, long waits."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts import audit
from accounts.access import accounts_without
from accounts.models import Feature
from inbox.conversations import locked_conversation
from inbox.escalating.whom import WHATSAPP_PREFIX, Look
from inbox.models import Conversation, EscalationTimer, TeamInbox
from inbox.timers import plan_last_steps, recompute_timers, resume_timers, suspend_timers
from routing.escalation import Clock

logger = logging.getLogger(__name__)

FOLLOWED_AT_ONCE = 500
_Held = EscalationTimer.Held


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
        if not Look(now).may_act(row):
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
        if Look(now).may_act(row):
            resume_timers(row, now=now)
        return 1

    return sum(number for _row, number in _each(held, go_on))


def _is_off(now: datetime) -> Q:
    """Match timers of conversations where `Look.may_act` says no."""
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
    """Let an act follow for each conversation of these timers, locked, in its own transaction.

    One that cannot follow takes no other along, and is tried again.
    """
    ids = timers.order_by("conversation").values_list("conversation", flat=True).distinct()
    for pk in list(ids[:FOLLOWED_AT_ONCE]):
        try:
            with transaction.atomic(durable=True):
                row = locked_conversation(Conversation(pk=pk))
                done = act(row)
        except Exception:
            logger.exception("the timers of conversation %s could not follow", pk)
        else:
            yield row, done
