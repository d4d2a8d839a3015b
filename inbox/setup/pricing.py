"""What does an account pay for a text segment, as its admin says?"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.audit import record
from accounts.models import Account, User
from inbox.models import SegmentPrice


def price_of(account_id: int) -> SegmentPrice | None:
    """Return what an account pays for a segment; None where nobody said."""
    return SegmentPrice.objects.filter(account=account_id).first()


def set_price(
    *, account: Account, price: Decimal | None, currency: str, by: User, now: datetime
) -> bool:
    """Say what a segment costs, or (without a price) that nobody knows; say if that is a change."""
    with transaction.atomic(durable=True):
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row = price_of(account.pk)
        before, after = str(row or ""), ""
        if price is not None:
            new = SegmentPrice(account=account, price=price, currency=currency)
            after = str(new)
        if before == after:
            return False
        if price is None:
            SegmentPrice.objects.filter(account=account).delete()
        else:
            new.save()
        record(
            action="segment_price_changed",
            subject=account.name,
            actor=by,
            account_id=account.pk,
            now=now,
            changes={"segment_price": {"before": before, "after": after}},
        )
    return True
