"""Who did what? Add one line to the audit log."""

from datetime import datetime
from typing import Any

from accounts.models import AuditEntry, User


def record(
    *,
    action: str,
    subject: str,
    now: datetime,
    actor: User | None = None,
    account_id: int | None = None,
    is_alarm: bool = False,
    **data: Any,
) -> AuditEntry:
    """Write one audit line in the caller's transaction. `data` must be fit for JSON."""
    return AuditEntry.objects.create(
        account_id=account_id,
        actor=actor,
        actor_label=str(actor) if actor else "system",
        action=action,
        subject=subject[:200],
        data=data,
        is_alarm=is_alarm,
        at=now,
    )


def alarm(
    *, action: str, subject: str, words: str, now: datetime, account_id: int, **data: Any
) -> AuditEntry:
    """Write that something happened by itself which the account's partner must know, in words."""
    return record(
        action=action,
        subject=subject,
        now=now,
        account_id=account_id,
        is_alarm=True,
        words=words,
        **data,
    )
