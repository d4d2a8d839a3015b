"""Is a seat free, may this person have it, and what is said and written when it is not or is?

What the stories of `accounts.licences` and `accounts.pools` share. Words here are for people; the
database refuses the same by itself (`accounts.models.licenses`), and a race that only it can see is
told in words as well.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import dateformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.audit import Snapshot, changes, record_row
from accounts.models import License, LicensePool, User, sharing_time
from accounts.models.licenses import INSIDE, ONE_AT_A_TIME, SAME_ACCOUNT, SEATS
from accounts.refusals import RefusedError

# A form is filled in a little before it is sent: an end that recent means now.
JUST_NOW = timedelta(minutes=5)
MOST_NAMES = 5
_MOMENT = "j M Y, H:i"  # as Django writes formats
# Beyond these a clock in some time zone can no longer show the moment, and no page opens again.
FIRST_YEAR, LAST_YEAR = 2000, 2199
RACES = {
    SEATS: gettext_lazy("Somebody else took the last seat meanwhile."),
    ONE_AT_A_TIME: gettext_lazy("Somebody has a licence at that time already."),
    INSIDE: gettext_lazy("The seats are paid for during another time."),
    SAME_ACCOUNT: gettext_lazy("This person belongs to another account."),
}


# Pools are locked first, then people, then licences, each in their order: so do all who change
# seats, and the database's own check locks what is locked already.


def lock_pool(pool: LicensePool) -> LicensePool:
    """Fetch a pool again, locked until the transaction ends: one at a time gives its seats."""
    return LicensePool.objects.select_for_update(no_key=True).get(pk=pool.pk)


def lock_holders(holders: Sequence[User]) -> list[User]:
    """Fetch people again, locked until the transaction ends: nobody is deactivated meanwhile."""
    keys = [user.pk for user in holders]
    rows = User.objects.select_for_update(no_key=True, of=("self",)).select_related("account")
    found = {user.pk: user for user in rows.filter(pk__in=keys).order_by("pk")}
    return [found[key] for key in keys]


def lock_licenses(licenses: Iterable[License]) -> list[License]:
    """Fetch licences again, their pools and they themselves locked until the transaction ends."""
    given = list(licenses)
    pools = LicensePool.objects.select_for_update(no_key=True)
    list(pools.filter(pk__in={row.pool_id for row in given}).order_by("pk").values_list("pk"))
    rows = License.objects.select_for_update(no_key=True, of=("self",))
    found = rows.select_related("holder", "pool__account").filter(pk__in=[row.pk for row in given])
    locked = {row.pk: row for row in found.order_by("pk")}
    return [locked[row.pk] for row in given]


def check_years(**moments: datetime | None) -> None:
    """Refuse moments, by the name of their field, that no clock shows in every time zone."""
    for field, moment in moments.items():
        if moment and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            words = _("Choose a year from %(first)d to %(last)d.")
            if field == "ends_at":
                words = _("Choose a year from %(first)d to %(last)d, or leave it empty.")
            years = {"first": FIRST_YEAR, "last": LAST_YEAR}
            raise RefusedError(words % years, field=field)


def not_before(moment: datetime, now: datetime) -> datetime:
    """Return `now` for a moment just passed.

    Raises RefusedError for one longer ago: what was held was held.
    """
    if moment < now - JUST_NOW:
        raise RefusedError(
            _("It cannot end in the past: what was held was held. End it now."), field="ends_at"
        )
    return max(moment, now)


def free_seats(pool: LicensePool, starts_at: datetime, ends_at: datetime | None) -> int:
    """Return how many seats nobody holds at any moment of a time."""
    return pool.seats - most_held(held_in(pool, starts_at, ends_at), starts_at, ends_at)


def most_at_once(spans: Iterable[tuple[datetime, datetime | None]]) -> int:
    """Return how many of these times hold at the moment when most do; an end is not part of it."""
    steps: list[tuple[datetime, int]] = []
    for start, end in spans:
        steps.append((start, 1))
        if end:
            steps.append((end, -1))
    now = most = 0
    for _at, step in sorted(steps):
        now += step
        most = max(most, now)
    return most


def most_held(
    held: "QuerySet[License, License]", starts_at: datetime, ends_at: datetime | None
) -> int:
    """Return how many of these licences hold at the moment of a time when most do."""
    spans = held.filter(sharing_time(starts_at, ends_at)).values_list("starts_at", "ends_at")
    return most_at_once((max(start, starts_at), end) for start, end in spans)


def held_in(
    pool: LicensePool, starts_at: datetime, ends_at: datetime | None
) -> QuerySet[License, License]:
    """Return the licences of a pool that hold at some moment of a time."""
    return pool.licenses.filter(sharing_time(starts_at, ends_at))


def check_span(pool: LicensePool, begin: datetime, end: datetime | None) -> None:
    """Refuse a time that ends before it begins, or that the seats are not paid for."""
    check_years(starts_at=begin, ends_at=end)
    if begin < pool.starts_at:
        words = _("These seats are paid for from %s on.") % day_words(pool.starts_at)
        raise RefusedError(words, field="starts_at")
    if pool.ends_at and begin >= pool.ends_at:
        words = _("These seats are paid for until %s only.") % day_words(pool.ends_at)
        raise RefusedError(words, field="starts_at")
    if end and end <= begin:
        raise RefusedError(_("It must end after it starts."), field="ends_at")
    if pool.ends_at and (end is None or end > pool.ends_at):
        words = _("These seats are paid for until %s only.") % day_words(pool.ends_at)
        raise RefusedError(words, field="ends_at")


def check_holders(
    pool: LicensePool,
    holders: Sequence[User],
    begin: datetime,
    end: datetime | None,
    *,
    but: License | None = None,
) -> None:
    """Refuse people of another account, who cannot log in, auditors, and holders at that time.

    `but` is the licence that is being changed.
    """
    for user in holders:
        if user.account_id != pool.account_id:
            words = _("%(person)s belongs to %(theirs)s, but these seats to %(ours)s.") % {
                "person": user,
                "theirs": user.account or _("no account"),
                "ours": pool.account,
            }
            raise RefusedError(words, field="holder")
        if not user.is_active and not but:
            words = _("%s can no longer log in: a seat would be of no use.") % user
            raise RefusedError(words, field="holder")
        if user.role == User.Role.AUDITOR and not but:
            words = _("%s is an auditor, who answers nobody: a seat would be of no use.") % user
            raise RefusedError(words, field="holder")
    theirs = License.objects.filter(sharing_time(begin, end), holder__in=holders, plan=pool.plan)
    if but:
        theirs = theirs.exclude(pk=but.pk)
    if has_one := User.objects.filter(licenses__in=theirs).distinct().order_by("name"):
        words = ngettext(
            "%s has a licence at that time already.",
            "%s have a licence at that time already.",
            len(has_one),
        )
        raise RefusedError(words % names_of(has_one), field="holder")


def check_room(
    pool: LicensePool,
    holders: Sequence[User],
    begin: datetime,
    end: datetime | None,
    *,
    but: License | None = None,
) -> None:
    """Refuse more people than seats are free throughout a time, and name who would be over."""
    held = held_in(pool, begin, end)
    if but:
        held = held.exclude(pk=but.pk)
    free = max(pool.seats - most_held(held, begin, end), 0)
    over = holders[free:]
    if not over:
        return
    if free == 0:
        words = ngettext(
            "The %d seat is taken at that time.", "All %d seats are taken at that time.", pool.seats
        )
        raise RefusedError(words % pool.seats)
    words = ngettext(
        "One seat is free for %(people)d people: %(names)s would be over.",
        "%(free)d seats are free for %(people)d people: %(names)s would be over.",
        free,
    )
    raise RefusedError(words % {"free": free, "people": len(holders), "names": names_of(over)})


def note_license(
    action: str,
    row: License,
    *,
    by: User,
    now: datetime,
    before: Snapshot | None = None,
    **more: Any,
) -> None:
    """Write a line about a licence into the audit log; `before` is how it was, if it was."""
    shows = ("pool", "holder", "starts_at", "ends_at")
    more |= {"changes": changes(before, row), "account_id": row.pool.account_id}
    record_row(action, row, shows, by=by, now=now, **more)


def note_pool(
    action: str,
    pool: LicensePool,
    *,
    by: User,
    now: datetime,
    before: Snapshot | None = None,
    **more: Any,
) -> None:
    """Write a line about a pool into the audit log; `before` is how it was, if it was."""
    shows = ("plan", "seats", "starts_at", "ends_at")
    more |= {"changes": changes(before, pool), "account_id": pool.account_id}
    record_row(action, pool, shows, by=by, now=now, **more)


def day_words(moment: datetime) -> str:
    """Write a moment (UTC) for people, in the language that is spoken."""
    return f"{dateformat.format(moment, _MOMENT)} UTC"


def local_words(moment: datetime, zone: str) -> str:
    """Write a moment for people of a time zone, in the language that is spoken."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{dateformat.format(local, _MOMENT)} {local:%Z}"


def names_of(people: Iterable[User]) -> str:
    """Write the names of the first few, and how many more there are."""
    names = [str(user) for user in people]
    more = len(names) - MOST_NAMES
    if more > 0:
        return _("%(names)s and %(more)d more") % {
            "names": ", ".join(names[:MOST_NAMES]),
            "more": more,
        }
    return ", ".join(names)
