"""What does an account want told and asked outside about consents, and what came of it?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from accounts import audit
from accounts.models import Account, User
from compliance.models import (
    ConsentChain,
    ConsentComparison,
    ConsentDifference,
    ConsentSharing,
    ReassignmentCheck,
    ReassignmentPolicy,
    SharedConsent,
)
from inbox.nudges import nudge_on_commit

SHOWN = 100
_REASSIGNMENT = ("is_on", "older_than_days", "again_days", "most_a_day")


@dataclass(frozen=True)
class OutsidePage:
    """All that the page shows."""

    sharing: ConsentSharing
    shared: Mapping[str, int]
    behind: int
    refused: Sequence[SharedConsent]
    run: ConsentComparison | None
    differences: Sequence[ConsentDifference]
    number_of_differences: int
    policy: ReassignmentPolicy
    checked: Mapping[str, int]


def outside_page(account: Account) -> OutsidePage:
    """Read what is told and asked outside for an account."""
    sharing = sharing_of(account)
    run = ConsentComparison.objects.filter(account=account).first()
    found = ConsentDifference.objects.filter(comparison=run) if run else None
    chain = ConsentChain.objects.filter(account=account).only("seq").first()
    return OutsidePage(
        sharing=sharing,
        shared=_counts(account, SharedConsent, "state"),
        behind=max(0, chain.seq - sharing.shared_seq) if chain and sharing.is_on else 0,
        refused=list(
            SharedConsent.objects.filter(account=account).exclude(error_code="").order_by("-pk")[:5]
        ),
        run=run,
        differences=list(found[:SHOWN]) if found is not None else [],
        number_of_differences=found.count() if found is not None else 0,
        policy=reassignment_of(account),
        checked=_counts(account, ReassignmentCheck, "answer"),
    )


def _counts(account: Account, model: type, field: str) -> Mapping[str, int]:
    rows = model.objects.filter(account=account).order_by()  # type: ignore[attr-defined]
    return Counter(dict(rows.values_list(field).annotate(number=Count("pk"))))


def sharing_of(account: Account) -> ConsentSharing:
    """Return the account's row, or one with what holds without, that is not saved."""
    return ConsentSharing.objects.filter(account=account).first() or ConsentSharing(account=account)


def reassignment_of(account: Account) -> ReassignmentPolicy:
    """Return the account's row, or one with what holds without, that is not saved."""
    found = ReassignmentPolicy.objects.filter(account=account).first()
    return found or ReassignmentPolicy(account=account)


def switch_sharing(*, account: Account, is_on: bool, by: User, now: datetime) -> None:
    """Let Twilio hear of this account's consents, or not any more. Asked twice it is done once."""
    with transaction.atomic(durable=True):
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row = sharing_of(account)
        if row.is_on == is_on:
            return
        row.is_on, row.changed_by, row.changed_at = is_on, by, now
        row.save()
        audit.record(
            action="consent_sharing_switched",
            subject=account.name,
            actor=by,
            account_id=account.pk,
            now=now,
            changes={"is_on": [not is_on, is_on]},
        )
        nudge_on_commit("sweep_shared_consents")


def compare_soon(*, account: Account, by: User, now: datetime) -> None:
    """Let the next sweep compare this account with Twilio."""
    with transaction.atomic(durable=True):
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row = sharing_of(account)
        row.compared_at = None
        row.save()
        audit.record(
            action="consent_comparison_asked",
            subject=account.name,
            actor=by,
            account_id=account.pk,
            now=now,
        )
        nudge_on_commit("sweep_differences")


def change_reassignment(
    *, account: Account, values: Mapping[str, int | bool], by: User, now: datetime
) -> None:
    """Change whether and how often owners of numbers are asked about."""
    with transaction.atomic(durable=True):
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row = reassignment_of(account)
        was = audit.snapshot(row, _REASSIGNMENT)
        for name in _REASSIGNMENT:
            setattr(row, name, values[name])
        changes = audit.changes(was, audit.snapshot(row, _REASSIGNMENT))
        if row.pk and not changes:
            return
        row.changed_by, row.changed_at = by, now
        row.save()
        audit.record(
            action="owner_look_up_changed",
            subject=account.name,
            actor=by,
            account_id=account.pk,
            now=now,
            row=str(row.pk),
            changes=changes,
        )
