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
        at=now,
    )
