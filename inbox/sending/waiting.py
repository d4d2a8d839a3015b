"""Which messages wait for a worker, and how is one reminded of them?"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from inbox.models import Message
from inbox.nudges import nudge, nudge_on_commit

NUDGE_AGAIN_AFTER = timedelta(seconds=10)
_Status = Message.Status


def earlier_unsent(*, now: datetime) -> "QuerySet[Message]":
    """Return what a message (the outer row) waits for: the unsent ones before it in its thread.

    One that waits for a later hour holds nobody up, and goes when its hour has come: what the
    carrier puts off stays in its place.
    """
    return Message.objects.filter(
        ~_is_aside(now),
        thread=OuterRef("thread"),
        seq__lt=OuterRef("seq"),
        status__in=[_Status.QUEUED, _Status.SENDING],
    )


def _is_aside(now: datetime) -> Q:
    """What the gate or its author put off: only such a message says why while it is queued."""
    return Q(status=_Status.QUEUED, not_before__gt=now) & ~Q(error_code="")


def wake_next(thread_id: int, *, now: datetime) -> None:
    """Nudge the next queued message of a thread."""
    following = (
        Message.objects.filter(~_is_aside(now), thread=thread_id, status=_Status.QUEUED)
        .order_by("seq")
        .values_list("pk", flat=True)
        .first()
    )
    if following:
        nudge_on_commit("deliver", following)


def remind_queued(*, now: datetime, limit: int = 500) -> int:
    """Nudge workers about queued messages whose time has come and whose turn it is.

    Each message is named again only after a while, so a slow carrier does not flood the broker.
    """
    due = owed_messages(now=now, limit=limit)
    Message.objects.filter(pk__in=due).update(nudge_at=now + NUDGE_AGAIN_AFTER)
    for message_id in due:
        nudge("deliver", message_id)
    return len(due)


def owed_messages(*, now: datetime, limit: int = 500) -> list[int]:
    """Return queued messages whose nudge was lost or whose time has come, oldest first."""
    return list(
        Message.objects.filter(
            ~Exists(earlier_unsent(now=now)),
            status=_Status.QUEUED,
            nudge_at__lte=now,
            thread__sender__is_paused=False,
        )
        .order_by("nudge_at", "id")
        .values_list("pk", flat=True)[:limit]
    )
