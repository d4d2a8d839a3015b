"""What did the gate decide on the messages that a proof pack is about? As lines of the pack.

A decision names nobody: message and thread by their public ids. Whoever knows which threads are a
person's says so.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from compliance.chain import instant
from compliance.exporting import BATCH
from compliance.models import GateDecision

Decisions = QuerySet[GateDecision]


def decisions_on(account_id: int, threads: Sequence[str]) -> Decisions:
    """Return the decisions on all messages of these threads, which are public ids."""
    return GateDecision.objects.filter(account=account_id, thread_ref__in=threads)


def decisions_between(account_id: int, since: datetime, until: datetime) -> Decisions:
    """Return the decisions from one moment until before another."""
    return GateDecision.objects.filter(
        account=account_id, evaluated_at__gte=since, evaluated_at__lt=until
    )


def lines_of_decisions(rows: Decisions) -> Iterator[dict[str, Any]]:
    """Yield decisions as a pack writes them, in the order in which they were made."""
    for row in rows.order_by("evaluated_at", "pk").iterator(BATCH):
        yield {
            "thread": row.thread_ref,
            "message": row.message_ref,
            "stage": row.stage,
            "purpose": row.purpose,
            "answer": row.answer,
            "code": row.code,
            "findings": row.findings,
            "inputs": row.inputs,
            "pack_version": row.pack_version,
            "until": _moment(row.until),
            "author": row.author_id,
            "evaluated_at": _moment(row.evaluated_at),
            "dispatched_at": _moment(row.dispatched_at),
        }


def _moment(at: datetime | None) -> str | None:
    return instant(at) if at else None
