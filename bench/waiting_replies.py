"""What waits to leave when people stop? A helper that writes it: `python -m bench.waiting_replies`.

For each of some customers two answers of an agent that are due soon, and one put off to tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import django

from bench.errand import serve


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Load our build; the rows are written on the word."""
    django.setup()
    return lambda: _plant(job["first"], job["count"], job["seconds"])


def _plant(first: int, count: int, seconds: float) -> dict[str, Any]:
    from django.db import transaction
    from django.utils import timezone

    from accounts.models import Membership
    from inbox.models import Thread

    now = timezone.now()
    authors = dict(Membership.objects.order_by("-pk").values_list("team", "user"))
    rows = Thread.objects.select_related("address", "sender").order_by("pk")
    threads = list(rows[first : first + count])
    with transaction.atomic():
        for number, thread in enumerate(threads):
            due = now + timedelta(seconds=1 + seconds * number / count)
            _plant_one(thread, authors[thread.sender.inbox_id], due, now=now)
    return {
        "customers": [[thread.our_address, thread.customer_address] for thread in threads],
        "public_ids": [thread.public_id for thread in threads],
    }


def _plant_one(thread: Any, author: int, due: datetime, *, now: datetime) -> None:
    from inbox.models import Conversation, Message
    from inbox.sending.queueing import NUDGE_GRACE

    conversation = Conversation.objects.filter(thread=thread).order_by("-pk").first()
    moments = (due, due + timedelta(milliseconds=500), now + timedelta(days=1))
    Message.objects.bulk_create(
        Message(
            account_id=thread.account_id,
            thread=thread,
            conversation=conversation,
            seq=thread.last_seq + place,
            direction=Message.Direction.OUT,
            kind=Message.Kind.TEXT,
            purpose="reply",
            author_id=author,
            body="It is on its way.",
            status=Message.Status.QUEUED,
            created_at=now,
            not_before=moment,
            nudge_at=moment if place == 1 else moment + NUDGE_GRACE,
        )
        for place, moment in enumerate(moments, start=1)
    )
    thread.last_seq += len(moments)
    thread.last_inbound_at = now
    thread.save(update_fields=["last_seq", "last_inbound_at"])


if __name__ == "__main__":
    serve(prepare)
