"""How is an account stopped, and let go on? Nothing that arrives meanwhile is lost."""

from datetime import datetime

from django.db import transaction

from accounts.audit import changes, record, snapshot
from accounts.models import Account, User

_FIELDS = ("status", "suspended_reason")


def suspend_account(*, account: Account, reason: str, by: User, now: datetime) -> bool:
    """Stop an account: nobody there sees or answers anything (behaviour: decision 9).

    Returns whether it was active until now.
    """
    return _turn(account, Account.Status.SUSPENDED, reason.strip()[:200], by, now)


def resume_account(*, account: Account, by: User, now: datetime) -> bool:
    """Let a suspended account work again. Returns whether it was suspended until now."""
    return _turn(account, Account.Status.ACTIVE, "", by, now)


def _turn(account: Account, status: Account.Status, reason: str, by: User, now: datetime) -> bool:
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=account.pk)
        if row.status == status:
            return False
        before = snapshot(row, _FIELDS)
        row.status, row.suspended_reason = status, reason
        row.save(update_fields=_FIELDS)
        is_off = status == Account.Status.SUSPENDED
        record(
            action="account_suspended" if is_off else "account_resumed",
            subject=str(row),
            now=now,
            actor=by,
            account_id=row.pk,
            changes=changes(before, snapshot(row, _FIELDS)),
        )
    account.status, account.suspended_reason = row.status, row.suspended_reason
    return True
