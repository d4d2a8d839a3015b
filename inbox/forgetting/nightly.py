"""How does what is old enough go, night after night?

An account's run is one row: how far it has come is kept after every batch, so whoever is stopped is
followed by who goes on from there. A lease keeps two from doing the same; if both do, nothing goes
twice. What went is certified at the end, if anything did.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import Account
from compliance.chain import instant
from inbox.forgetting.batches import FORGET, SIZE, Batch, Old
from inbox.forgetting.certificates import Went, issue
from inbox.forgetting.holds import held_in
from inbox.forgetting.kinds import KINDS, Floor, Kind, cutoff, floors_of, kept_for, length_words
from inbox.forgetting.settling import next_night
from inbox.models import ForgettingCertificate, RetentionPolicy

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=3)
# After an error: not at once again, and not only tomorrow.
AGAIN = timedelta(minutes=30)
NIGHTLY = "the nightly run"


def forget_next(*, now: datetime, size: int = SIZE) -> bool:
    """Do one batch of the run that is due for longest; say whether anything was due.

    Every account has a run a day, also one that settled nothing: some things have an end without.
    """
    _begin_rows(now=now)
    row = _leased(now=now)
    if row is None:
        return False
    try:
        _go_on(row, now=now, size=size)
    except Exception:
        logger.exception("retention of account %s broke off", row.account_id)
        RetentionPolicy.objects.filter(pk=row.pk).update(leased_until=None, next_at=now + AGAIN)
    return True


def _begin_rows(*, now: datetime) -> None:
    """Give a row to accounts that have none."""
    has_one = RetentionPolicy.objects.filter(account=OuterRef("pk"))
    without = Account.objects.filter(~Exists(has_one)).order_by("pk")[:100]
    rows = [RetentionPolicy(account=one, next_at=next_night(one, now)) for one in without]
    RetentionPolicy.objects.bulk_create(rows, ignore_conflicts=True)


def _leased(*, now: datetime) -> RetentionPolicy | None:
    is_free = Q(leased_until=None) | Q(leased_until__lte=now)
    with transaction.atomic():
        row = (
            RetentionPolicy.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("account")
            .filter(is_free, next_at__lte=now)
            .order_by("next_at")
            .first()
        )
        if row is None:
            return None
        row.leased_until = now + LEASE
        if row.running_since is None:
            row.running_since, row.progress = now, {}
        row.save(update_fields=["leased_until", "running_since", "progress"])
    return row


def _go_on(row: RetentionPolicy, *, now: datetime, size: int) -> None:
    assert row.running_since is not None
    floors = floors_of(row.account_id)
    for kind in KINDS:
        done = row.progress.get(kind.name, {})
        if not done.get("is_done"):
            _one_batch(row, kind, floors[kind.name], done, now=now, size=size)
            return
    _finish(row, now=now)


def _one_batch(
    row: RetentionPolicy,
    kind: Kind,
    floor: Floor,
    done: dict[str, Any],
    *,
    now: datetime,
    size: int,
) -> None:
    length = kept_for(kind, row, floor)
    if length is None:
        _remember(row, kind, {**done, "is_done": True})
        return
    after = done.get("after")
    old = Old(
        row.account_id,
        cutoff(kind, length, row.running_since or now),
        held_in(row.account_id),
        now,
        (datetime.fromisoformat(after[0]), after[1]) if after else None,
    )
    batch = FORGET[kind.name](old, size)
    told = {"kept": length_words(kind, length), "before": instant(old.before)}
    _remember(row, kind, {**done, **told, **_added(done, batch)})


def _added(done: dict[str, Any], batch: Batch) -> dict[str, Any]:
    gone = dict(done.get("gone", {}))
    for name, number in batch.gone.items():
        gone[name] = gone.get(name, 0) + number
    oldest = done.get("oldest") or (instant(batch.oldest) if batch.oldest else None)
    newest = instant(batch.newest) if batch.newest else done.get("newest")
    return {
        "gone": gone,
        "oldest": oldest,
        "newest": newest,
        "after": [batch.last[0].isoformat(), batch.last[1]] if batch.last else None,
        "is_done": batch.last is None,
    }


def _remember(row: RetentionPolicy, kind: Kind, done: dict[str, Any]) -> None:
    row.progress = {**row.progress, kind.name: done}
    RetentionPolicy.objects.filter(pk=row.pk).update(progress=row.progress, leased_until=None)


def _finish(row: RetentionPolicy, *, now: datetime) -> None:
    """Certify what went, and be done for today."""
    counts: dict[str, int] = {}
    for done in row.progress.values():
        for name, number in done.get("gone", {}).items():
            counts[name] = counts.get(name, 0) + number
    with transaction.atomic(durable=True):
        if any(counts.values()):
            _certify(row, counts, now=now)
        RetentionPolicy.objects.filter(pk=row.pk).update(
            next_at=next_night(row.account, now),
            leased_until=None,
            running_since=None,
            progress={},
        )


def _certify(row: RetentionPolicy, counts: dict[str, int], *, now: datetime) -> None:
    by, at = row.changed_by, row.changed_at
    settled = f", as settled by user {by.pk} at {instant(at)}" if by and at else ""
    spans = {
        name: {"from": done["oldest"], "to": done["newest"]}
        for name, done in row.progress.items()
        if done.get("oldest")
    }
    setting = {
        name: {"kept": done["kept"], "older_than": done["before"]}
        for name, done in row.progress.items()
        if "kept" in done
    }
    issue(
        row.account_id,
        Went(
            cause=ForgettingCertificate.Cause.RETENTION,
            asked_by=NIGHTLY + settled,
            counts={name: number for name, number in counts.items() if number},
            began_at=row.running_since or now,
            ended_at=now,
            setting=setting,
            spans=spans,
        ),
        now=now,
    )
