"""Who gets a seat, and who gives one back?

These stories change rows only. What ends for a person in the inbox follows in
`inbox.setup.licences`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import changes, snapshot
from accounts.models import License, LicensePool, User, in_force
from accounts.refusals import RefusedError, in_words
from accounts.seats import (
    RACES,
    check_holders,
    check_room,
    check_span,
    lock_holders,
    lock_licenses,
    lock_pool,
    not_before,
    note_license,
)


def assign_licenses(
    *,
    pool: LicensePool,
    holders: Sequence[User],
    by: User,
    now: datetime,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> list[License]:
    """Give each of these people a seat of the pool: all of them, or nobody.

    From now and until the pool ends unless told otherwise. Raises RefusedError that names who is
    over, who has one already, or who is of another account.
    """
    begin = starts_at or now
    with transaction.atomic(), in_words(RACES):
        locked = lock_pool(pool)
        people = lock_holders(holders)
        end = ends_at or locked.ends_at
        check_span(locked, begin, end)
        check_holders(locked, people, begin, end)
        check_room(locked, people, begin, end)
        given = [
            License.objects.create(pool=locked, holder=user, starts_at=begin, ends_at=end)
            for user in people
        ]
        for license in given:
            note_license("license_added", license, by=by, now=now)
    return given


def end_licenses(
    *,
    licenses: Iterable[License],
    by: User,
    reason: str,
    now: datetime,
) -> list[License]:
    """Take seats away at once, for a reason; one that has not begun is taken back.

    Raises RefusedError without a reason. One that has ended already stays as it is.
    """
    if not reason.strip():
        raise RefusedError(_("Say why the licence is taken away."), field="reason")
    with transaction.atomic():
        return [
            ended
            for row in lock_licenses(licenses)
            if (ended := _end(row, by=by, reason=reason.strip()[:200], now=now))
        ]


def change_license_end(
    *, license: License, ends_at: datetime | None, by: User, reason: str, now: datetime
) -> License:
    """Let a licence end at another moment, for a reason; None: with its pool.

    Raises RefusedError without a reason, if it has ended, if the pool ends before, or if no seat is
    free until then.
    """
    why = reason.strip()[:200]
    if not why:
        raise RefusedError(_("Say why."), field="reason")
    with transaction.atomic(), in_words(RACES):
        [row] = lock_licenses([license])
        pool = row.pool
        end = not_before(ends_at, now) if ends_at else pool.ends_at
        if row.ends_at and row.ends_at <= now:
            raise RefusedError(_("This licence has ended. Give a new one."), field="ends_at")
        if end and end < row.starts_at:
            raise RefusedError(_("It must end after it starts."), field="ends_at")
        check_span(pool, row.starts_at, end)
        check_holders(pool, [row.holder], row.starts_at, end, but=row)
        check_room(pool, [row.holder], row.starts_at, end, but=row)
        before, row.ends_at = snapshot(row), end
        row.ended_by, row.end_reason = (by, why) if end and end <= now else (None, "")
        row.save(update_fields=["ends_at", "ended_by", "end_reason"])
        if changes(before, row):
            note_license("license_changed", row, by=by, now=now, before=before, reason=why)
    return row


def hand_over_license(
    *, license: License, to: User, by: User, reason: str, now: datetime
) -> License:
    """Give somebody else the seat, without a moment in which a third person could take it.

    The old licence ends and a new one begins, until the same end. Raises RefusedError as ending
    and assigning do.
    """
    with transaction.atomic(), in_words(RACES):
        [row] = lock_licenses([license])
        if not row.holds_at(now):
            raise RefusedError(_("Only a licence that is valid now can be handed over."))
        until = row.ends_at
        end_licenses(licenses=[row], by=by, reason=reason, now=now)
        [new] = assign_licenses(pool=row.pool, holders=[to], by=by, now=now, ends_at=until)
        note_license("license_handed_over", new, by=by, now=now, was_held_by=row.holder.name)
    return new


def left_without(licenses: Iterable[License], *, now: datetime) -> list[User]:
    """Return who has a licence at `now` and would have none if these were taken away."""
    leaving = list(licenses)
    people = User.objects.filter(licenses__in=[row for row in leaving if row.holds_at(now)])
    people = people.distinct()
    kept = License.objects.filter(in_force(now)).exclude(pk__in=[row.pk for row in leaving])
    return list(people.exclude(licenses__in=kept).order_by("name", "pk"))


def _end(row: License, *, by: User, reason: str, now: datetime) -> License | None:
    if row.ends_at and row.ends_at <= now:
        return None
    before, row.ends_at = snapshot(row), max(now, row.starts_at)
    row.ended_by, row.end_reason = by, reason
    row.save(update_fields=["ends_at", "ended_by", "end_reason"])
    note_license("license_ended", row, by=by, now=now, before=before, reason=reason)
    return row
