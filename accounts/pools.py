"""What becomes of licences when the seats that an account bought are changed?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import snapshot
from accounts.models import Account, License, LicensePool, User, sharing_time
from accounts.refusals import RefusedError, in_words
from accounts.seats import (
    RACES,
    check_years,
    lock_licenses,
    lock_pool,
    most_at_once,
    names_of,
    not_before,
    note_license,
    note_pool,
)


@dataclass(frozen=True)
class PoolChange:
    """What a change of a pool would do to its licences.

    `ending` end with it, earlier than they would have; `going_on` are extended with it; `staying`
    are not, since their holder has another licence by then. `splits` says that the seats of the
    past stay as they were bought: a second pool with the new number begins now.
    """

    ending: tuple[License, ...] = ()
    going_on: tuple[License, ...] = ()
    staying: tuple[License, ...] = ()
    splits: bool = False


def add_pool(
    *,
    account: Account,
    plan: str,
    seats: int,
    starts_at: datetime,
    ends_at: datetime | None,
    by: User,
    now: datetime,
) -> LicensePool:
    """Add seats that an account has bought. Raises RefusedError if they end before they start."""
    check_years(starts_at=starts_at, ends_at=ends_at)
    if ends_at and ends_at <= starts_at:
        raise RefusedError(_("It must end after it starts."), field="ends_at")
    with transaction.atomic():
        pool = LicensePool.objects.create(
            account=account, plan=plan, seats=seats, starts_at=starts_at, ends_at=ends_at
        )
        note_pool("licensepool_added", pool, by=by, now=now)
    return pool


def foretell_pool_change(
    *,
    pool: LicensePool,
    seats: int,
    starts_at: datetime,
    ends_at: datetime | None,
    now: datetime,
) -> PoolChange:
    """Say what a change of a pool would do. Raises RefusedError if it cannot be done.

    Fewer seats than people hold at some moment from now on are refused, and so is a later start
    under licences that began. An earlier end ends the licences that go beyond it. A later end
    extends those that would have ended with the pool, and no others.
    """
    if pool.ends_at and pool.ends_at <= now:
        raise RefusedError(_("These seats have ended. Add new ones instead."))
    check_years(starts_at=starts_at, ends_at=ends_at)
    end = not_before(ends_at, now) if ends_at else None
    if end and end <= starts_at:
        raise RefusedError(_("It must end after it starts."), field="ends_at")
    rows = list(pool.licenses.exclude(ends_at=F("starts_at")).select_related("holder"))
    if early := [row for row in rows if row.starts_at < starts_at]:
        names = names_of(row.holder for row in early)
        words = _("%(names)s held a seat before that: it cannot start later.")
        raise RefusedError(words % {"names": names}, field="starts_at")
    going_on, staying = _extended(pool, rows, end)
    return PoolChange(
        ending=tuple(row for row in rows if end and (row.ends_at is None or row.ends_at > end)),
        going_on=going_on,
        staying=staying,
        splits=_splits(pool, rows, seats, end, now=now),
    )


def change_pool(
    *,
    pool: LicensePool,
    seats: int,
    starts_at: datetime,
    ends_at: datetime | None,
    by: User,
    now: datetime,
) -> tuple[LicensePool, PoolChange]:
    """Change seats or period; return the pool that goes on, and what became of licences.

    Raises RefusedError as `foretell_pool_change` does; then nothing has changed.
    """
    with transaction.atomic(), in_words(RACES):
        row = lock_pool(pool)
        change = foretell_pool_change(
            pool=row, seats=seats, starts_at=starts_at, ends_at=ends_at, now=now
        )
        end = not_before(ends_at, now) if ends_at else None
        before = snapshot(row)
        for license in lock_licenses(change.ending):
            _shorten(license, end, by=by, now=now)
        row.starts_at, row.ends_at = starts_at, end
        row.ended_by = by if end and end <= now else None
        if not change.splits:
            row.seats = seats
        row.save()
        for license in lock_licenses(change.going_on):
            _extend(license, end, by=by, now=now)
        if change.splits:
            row = _split(row, seats, by=by, now=now)
        note_pool("licensepool_changed", row, by=by, now=now, before=before)
    return row, change


def _splits(
    pool: LicensePool, rows: Sequence[License], seats: int, end: datetime | None, *, now: datetime
) -> bool:
    spans = [(row.starts_at, row.ends_at) for row in rows]
    ahead = [(max(start, now), stop) for start, stop in spans if stop is None or stop > now]
    ahead = [(start, stop) for start, stop in ahead if end is None or start < end]
    taken = most_at_once(ahead)
    if seats < taken:
        words = ngettext(
            "%(taken)d seats are taken. Take %(over)d licence away first.",
            "%(taken)d seats are taken. Take %(over)d licences away first.",
            taken - seats,
        )
        raise RefusedError(words % {"taken": taken, "over": taken - seats}, field="seats")
    is_fewer_than_were_held = seats < most_at_once(spans)
    if is_fewer_than_were_held and end and end <= now:
        raise RefusedError(_("They end now: leave their number as it was."), field="seats")
    return is_fewer_than_were_held


def _extended(
    pool: LicensePool, rows: Sequence[License], end: datetime | None
) -> tuple[tuple[License, ...], tuple[License, ...]]:
    old = pool.ends_at
    if old is None or (end and end <= old):
        return (), ()
    with_pool = [row for row in rows if row.ends_at == old]
    others = License.objects.filter(
        sharing_time(old, end), holder__in=[row.holder_id for row in with_pool], plan=pool.plan
    )
    busy = set(others.values_list("holder", flat=True))
    return (
        tuple(row for row in with_pool if row.holder_id not in busy),
        tuple(row for row in with_pool if row.holder_id in busy),
    )


def _extend(row: License, end: datetime | None, *, by: User, now: datetime) -> None:
    before, row.ends_at = snapshot(row), end
    row.save(update_fields=["ends_at"])
    words = _("The seats end later.")
    note_license("license_changed", row, by=by, now=now, before=before, reason=words)


def _shorten(row: License, end: datetime | None, *, by: User, now: datetime) -> None:
    assert end is not None
    before, row.ends_at = snapshot(row), max(end, row.starts_at)
    if row.ends_at <= now or row.ends_at == row.starts_at:
        row.ended_by, row.end_reason = by, _("The seats ended.")
    row.save(update_fields=["ends_at", "ended_by", "end_reason"])
    words = _("The seats end earlier.")
    note_license("license_changed", row, by=by, now=now, before=before, reason=words)


def _split(pool: LicensePool, seats: int, *, by: User, now: datetime) -> LicensePool:
    """Let the pool end now as it was bought, and go on as another one with fewer seats."""
    until = pool.ends_at
    held = pool.licenses.filter(Q(ends_at=None) | Q(ends_at__gt=now)).exclude(
        ends_at=F("starts_at")
    )
    rows = list(held.select_related("holder").order_by("pk"))
    new = LicensePool.objects.create(
        account_id=pool.account_id, plan=pool.plan, seats=seats, starts_at=now, ends_at=until
    )
    for row in rows:
        if row.starts_at >= now:
            License.objects.filter(pk=row.pk).update(pool=new)
            continue
        ends_at = row.ends_at
        row.ends_at, row.ended_by, row.end_reason = now, by, _("Goes on in another pool.")
        row.save(update_fields=["ends_at", "ended_by", "end_reason"])
        License.objects.create(pool=new, holder=row.holder, starts_at=now, ends_at=ends_at)
    pool.ends_at, pool.ended_by = now, by
    pool.save(update_fields=["ends_at", "ended_by"])
    return new
