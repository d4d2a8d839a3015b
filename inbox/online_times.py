"""How long were people online? Stretches that grow while somebody is seen, and their sums.

What browsers show is asked twice a minute. Whoever was not seen for two minutes has gone; a reload,
or a sweep that was late, does not end a stretch.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DurationField, Exists, F, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Greatest, Least

from accounts.models import User
from inbox.models import OnlineTime

GONE_AFTER = timedelta(minutes=2)
# Longer than what a report shows, and compares with, together.
KEPT_FOR = timedelta(days=800)


@transaction.atomic
def note_online(user_ids: Collection[int], *, now: datetime) -> None:
    """Note that these people are online now, and that whoever was not seen lately is not.

    It may be said twice, or by two at once: a person has one open stretch, and none overlap.
    """
    open_ones = OnlineTime.objects.filter(is_open=True)
    open_ones.filter(ended_at__lt=now - GONE_AFTER).update(is_open=False)
    # What another one holds is being noted there.
    seen = open_ones.select_for_update(skip_locked=True).filter(user__in=user_ids, ended_at__lt=now)
    open_ones.filter(pk__in=list(seen.values_list("pk", flat=True))).update(ended_at=now)
    has_one = Exists(open_ones.filter(user=OuterRef("pk")))
    new = User.objects.filter(~has_one, pk__in=user_ids, account__isnull=False)
    OnlineTime.objects.bulk_create(
        [
            OnlineTime(account_id=account_id, user_id=pk, began_at=now, ended_at=now)
            for pk, account_id in new.values_list("pk", "account_id")
        ],
        ignore_conflicts=True,
    )


def online_within(since: datetime, until: datetime) -> Subquery:
    """Return, for rows of users, how long each was online between two moments; null: not at all."""
    rows = OnlineTime.objects.filter(
        user=OuterRef("pk"), ended_at__gt=since, began_at__lt=until
    ).order_by()
    length = Least(F("ended_at"), Value(until)) - Greatest(F("began_at"), Value(since))
    sums = rows.values("user").annotate(length=Sum(length, output_field=DurationField()))
    return Subquery(sums.values("length"))


def forget_online_times(*, now: datetime) -> None:
    """Let go what is older than any report."""
    OnlineTime.objects.filter(ended_at__lt=now - KEPT_FOR).delete()
