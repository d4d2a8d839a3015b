"""Do agents of an account see customers' numbers whole?"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Account, User


def mask_numbers(*, account: Account, masks: bool, by: User, now: datetime) -> bool:
    """Let agents see masked numbers, or whole ones again; say whether that is a change.

    Supervisors and admins see them whole either way. Open pages of inboxes follow within seconds.
    """
    with transaction.atomic(durable=True):
        row = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if row.masks_numbers == masks:
            return False
        row.masks_numbers = masks
        row.save(update_fields=["masks_numbers"])
        record(
            action="number_masking_changed",
            subject=row.name,
            actor=by,
            account_id=row.pk,
            now=now,
            changes={"masks_numbers": {"before": not masks, "after": masks}},
        )
    return True
