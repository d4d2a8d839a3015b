"""Which consents ran out, and which questions were not answered in time?

Whoever asks where somebody stands at a moment hears so at that moment (`Consent.state_at`); this
writes it down afterwards, so that the ledger, lists and counts say it too.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from compliance.addresses import parse_address
from compliance.evidence import EventKind, Evidence, Source
from compliance.models import Consent, ConsentState
from compliance.standing import lock_addresses, record
from compliance.state_machine import CONFIRM_WITHIN


def lapse_next(*, now: datetime) -> bool:
    """Write down one consent that ran out, or one question that lapsed; say whether there was one.

    Dated to when its time was over. Any number of processes may do this at the same time: who
    comes second finds nothing left to do.
    """
    is_over = Q(state=ConsentState.OPTED_IN, expires_at__lte=now)
    is_unanswered = Q(state=ConsentState.PENDING, asked_at__lte=now - CONFIRM_WITHIN)
    due = Consent.objects.filter(is_over | is_unanswered).order_by("pk").first()
    if due is None:
        return False
    with transaction.atomic(durable=True):
        _lapse(due, now=now)
    return True


def _lapse(due: Consent, *, now: datetime) -> None:
    [held] = lock_addresses(due.account_id, [parse_address(due.address)], now=now)
    row = next((row for row in held.rows if row.pk == due.pk), None)
    if row is None or row.state_at(now) == row.state:
        return
    if row.state == ConsentState.PENDING:
        kind, at = EventKind.ASK_LAPSED, (row.asked_at or now) + CONFIRM_WITHIN
    else:
        kind, at = EventKind.EXPIRED, row.expires_at or now
    ran_out = Evidence(kind, Source.CLOCK, occurred_at=at, programme=row.programme)
    record(held, ran_out, now=now)
