"""What follows in the inbox when a seat changes hands or goes?

The rows are changed by `accounts.licences` and `accounts.pools`. Whoever can no longer work gives
back what they had: after the commit, through the same story as everywhere, one conversation at a
time. Should that be cut off, the sweep finds the rest within seconds.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, transaction

from accounts.access import is_licensed
from accounts.english import noop
from accounts.licences import change_license_end, end_licenses, hand_over_license
from accounts.models import License, LicensePool, User
from accounts.pools import PoolChange, change_pool
from inbox.conversations import release_all_of

logger = logging.getLogger(__name__)

REASON = noop("the licence ended")


@dataclass
class GivenBack:
    """How many conversations of whom went back to their teams. Complete after the commit."""

    numbers: dict[str, int] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)


def remove_licenses(
    *, licenses: Iterable[License], by: User, reason: str, now: datetime
) -> GivenBack:
    """Take seats away at once, for a reason; raises RefusedError as `end_licenses` does."""
    with transaction.atomic():
        ended = end_licenses(licenses=licenses, by=by, reason=reason, now=now)
        return give_back_after_commit([row.holder for row in ended], now=now)


def hand_over_seat(
    *, license: License, to: User, by: User, reason: str, now: datetime
) -> tuple[License, GivenBack]:
    """Give somebody else a seat; raises RefusedError as `hand_over_license` does."""
    with transaction.atomic():
        new = hand_over_license(license=license, to=to, by=by, reason=reason, now=now)
        return new, give_back_after_commit([license.holder], now=now)


def move_license_end(
    *, license: License, ends_at: datetime | None, by: User, reason: str, now: datetime
) -> tuple[License, GivenBack]:
    """Let a licence end at another moment; raises RefusedError as `change_license_end` does."""
    with transaction.atomic():
        row = change_license_end(license=license, ends_at=ends_at, by=by, reason=reason, now=now)
        return row, give_back_after_commit([row.holder], now=now)


def change_seats(
    *,
    pool: LicensePool,
    seats: int,
    starts_at: datetime,
    ends_at: datetime | None,
    by: User,
    now: datetime,
) -> tuple[LicensePool, PoolChange, GivenBack]:
    """Change the seats or the time of a pool; raises RefusedError as `change_pool` does."""
    with transaction.atomic():
        row, change = change_pool(
            pool=pool, seats=seats, starts_at=starts_at, ends_at=ends_at, by=by, now=now
        )
        return row, change, give_back_after_commit([one.holder for one in change.ending], now=now)


def give_back_after_commit(people: Iterable[User], *, now: datetime) -> GivenBack:
    """Free what these people had, once the change is committed, if they can no longer work."""
    given = GivenBack()
    leaving = list(people)

    def free() -> None:
        for user in leaving:
            _free(user, given, now=now)

    # The story commits conversation by conversation: it cannot run inside this transaction.
    transaction.on_commit(free)
    return given


def _free(user: User, given: GivenBack, *, now: datetime) -> None:
    if is_licensed(user.pk, now=now):
        return
    try:
        number = release_all_of(user=user, reason=REASON, now=now)
    except DatabaseError:
        logger.exception("conversations of user %s were not given back; the sweep will", user.pk)
        given.unfinished.append(user.name)
        return
    if number:
        given.numbers[user.name] = given.numbers.get(user.name, 0) + number
