"""How do business hours come to be, and how do they change? Two people at once are told apart."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Account, AuditEntry, User
from routing import hours as pure
from routing.hours import NEVER_OPEN, Opening, Week, is_zone
from routing.hours_documents import NamedHours
from routing.models import BusinessHours, OpeningHours, SpecialDay
from routing.public_holidays import countries

T = TypeVar("T")

LONGEST_NAME = 80
MOST_CALENDARS = 200
MOST_SPECIAL_DAYS = 2000
# What is changed together, and so by one person at a time.
NAME_AND_ZONE = ("name", "time_zone")
HOLIDAYS = ("country", "region", "ignored_holidays")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class HoursError(Exception):
    """Business hours cannot be as asked. `reason` is fit for a person; `field` is what is wrong."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


class HoursChangedError(HoursError):
    """Somebody else changed the same part of them meanwhile: `changes` say what, to `version`."""

    def __init__(self, version: int, changes: "tuple[Change, ...]") -> None:
        super().__init__(_("Somebody changed this while you were at it."))
        self.version, self.changes = version, changes


@dataclass(frozen=True)
class Change:
    """What one person did to business hours at one moment: name by name, what was and what is."""

    who: str
    at: datetime
    what: Mapping[str, tuple[str, str]]

    def only(self, names: Collection[str]) -> "Change":
        """Return the part of the change that these names are about."""
        what = {name: both for name, both in self.what.items() if name in names}
        return Change(self.who, self.at, what)


# --- Stories ---


@transaction.atomic(durable=True)
def make_hours(
    *, account: Account, name: str, by: User, now: datetime, week: Week = NEVER_OPEN
) -> BusinessHours:
    """Make business hours in the account's time zone. Raises HoursError."""
    return add_hours(account=account, name=name, by=by, now=now, week=week)


@transaction.atomic(durable=True)
def copy_hours(*, hours: BusinessHours, by: User, now: datetime) -> BusinessHours:
    """Make business hours that are like others, under a name of their own. Raises HoursError."""
    original = hours.calendar()
    return add_hours(
        account=hours.account,
        name=free_name(hours.name, BusinessHours.objects.filter(account=hours.account_id)),
        by=by,
        now=now,
        week=original.week,
        zone=original.zone,
        country=original.country,
        region=original.region,
        ignored_holidays=hours.ignored_holidays,
        special_days=original.special_days,
    )


@transaction.atomic(durable=True)
def save_name_and_zone(
    *, hours: BusinessHours, name: str, zone: str, version: int, by: User, now: datetime
) -> BusinessHours:
    """Name business hours and set where their clock hangs. Raises HoursError."""
    name = _checked_name(name, hours.account, but=hours)
    _check_zone(zone)

    def change(row: BusinessHours) -> None:
        row.name, row.time_zone = name, zone

    return _change(hours, change, NAME_AND_ZONE, version=version, by=by, now=now)


@transaction.atomic(durable=True)
def save_week(
    *, hours: BusinessHours, week: Week, version: int, by: User, now: datetime
) -> BusinessHours:
    """Set the hours of the week. Raises HoursError where some overlap."""
    if clash := overlap_in(week):
        raise HoursError(_("%(one)s and %(other)s overlap.") % clash)

    def change(row: BusinessHours) -> None:
        row.openings.filter(weekday__isnull=False).delete()
        OpeningHours.objects.bulk_create(_weekly_rows(row, week))

    return _change(hours, change, WEEKDAYS, version=version, by=by, now=now)


@transaction.atomic(durable=True)
def save_holidays(
    *,
    hours: BusinessHours,
    country: str,
    region: str,
    ignored: Iterable[str],
    version: int,
    by: User,
    now: datetime,
) -> BusinessHours:
    """Say whose public holidays are kept, and which of them are not. Raises HoursError."""
    if country and country not in countries():
        raise HoursError(_("We do not know the holidays of this country."), "country")
    if region and region not in countries().get(country, ()):
        raise HoursError(_("This country has no such region."), "region")
    names = sorted(set(ignored)) if country else []

    def change(row: BusinessHours) -> None:
        row.country, row.region, row.ignored_holidays = country, region, names

    return _change(hours, change, HOLIDAYS, version=version, by=by, now=now)


@transaction.atomic(durable=True)
def save_special_days(
    *,
    hours: BusinessHours,
    days: Sequence[pure.SpecialDay],
    version: int,
    by: User,
    now: datetime,
) -> BusinessHours:
    """Set what holds on some dates, in place of what was there. Raises HoursError."""
    for day in days:
        if clash := overlap_of(day.openings):
            raise HoursError(_("%(one)s and %(other)s overlap.") % clash, "open")

    def change(row: BusinessHours) -> None:
        row.special_days.filter(on__in=[day.on for day in days]).delete()
        add_special_days(row, days)
        if row.special_days.count() > MOST_SPECIAL_DAYS:
            raise HoursError(
                _("There may be %(most)s exceptions; remove old ones first.")
                % {"most": MOST_SPECIAL_DAYS}
            )

    dates = {str(day.on) for day in days}
    return _change(hours, change, dates, version=version, by=by, now=now)


@transaction.atomic(durable=True)
def remove_special_days(
    *, hours: BusinessHours, first: date, last: date, version: int, by: User, now: datetime
) -> BusinessHours:
    """Let the usual hours hold again from one date to another. Raises HoursError."""

    def change(row: BusinessHours) -> None:
        row.special_days.filter(on__range=(first, last)).delete()

    dates = {str(first + timedelta(days=n)) for n in range((last - first).days + 1)}
    return _change(hours, change, dates, version=version, by=by, now=now)


@transaction.atomic(durable=True)
def make_hours_like(
    *, account: Account, wanted: NamedHours, by: User, now: datetime
) -> BusinessHours:
    """Make business hours as a document says them. Raises HoursError."""
    _checked_name(wanted.name, account)
    return put_hours(account=account, wanted=wanted, by=by, now=now)


@transaction.atomic(durable=True)
def save_hours(
    *, hours: BusinessHours, wanted: NamedHours, version: int, by: User, now: datetime
) -> BusinessHours:
    """Let business hours be as a document says them, all at once.

    Raises HoursChangedError if anything of them is another than in `version`, HoursError.
    """
    row = BusinessHours.objects.select_for_update().filter(pk=hours.pk).first()
    if row and row.version != version:
        raise HoursChangedError(row.version, tuple(changes_since(row, version)))
    _checked_name(wanted.name, hours.account, but=hours)
    return _change(hours, _becoming(wanted), (), version=version, by=by, now=now)


# --- What stories of other apps call, in their own transaction ---


def add_hours(
    *,
    account: Account,
    name: str,
    by: User | None,
    now: datetime,
    week: Week,
    special_days: Sequence[pure.SpecialDay] = (),
    zone: str = "",
    **fields: Any,
) -> BusinessHours:
    """Add business hours in the caller's transaction, with an audit line. Raises HoursError."""
    name = _checked_name(name, account)
    if BusinessHours.objects.filter(account=account).count() >= MOST_CALENDARS:
        raise HoursError(_("There are too many business hours; delete some first."))
    zone = zone or (account.time_zone if is_zone(account.time_zone) else "UTC")
    hours = _unless_taken(
        lambda: BusinessHours.objects.create(
            account=account, name=name, time_zone=zone, created_at=now, changed_at=now, **fields
        )
    )
    OpeningHours.objects.bulk_create(_weekly_rows(hours, week))
    add_special_days(hours, special_days)
    _note(hours, "hours_added", {}, described(hours), by=by, now=now)
    return hours


def add_special_days(hours: BusinessHours, days: Sequence[pure.SpecialDay]) -> None:
    """Add special days on dates that have none, in the caller's transaction; notes nothing."""
    rows = SpecialDay.objects.bulk_create(
        SpecialDay(account_id=hours.account_id, hours=hours, on=day.on, name=day.name)
        for day in days
    )
    openings = {day.on: day.openings for day in days}
    OpeningHours.objects.bulk_create(
        OpeningHours(
            account_id=hours.account_id,
            hours=hours,
            special_day=row,
            starts=opening.starts,
            ends=opening.ends,
        )
        for row in rows
        for opening in openings[row.on]
    )


def put_hours(*, account: Account, wanted: NamedHours, by: User, now: datetime) -> BusinessHours:
    """Let the account's hours of a name be as wanted, in the caller's transaction.

    They are made where there are none. Raises HoursError.
    """
    calendar = wanted.calendar
    there = BusinessHours.objects.filter(account=account, name__iexact=wanted.name).first()
    if there:
        return _change(there, _becoming(wanted), (), version=there.version, by=by, now=now)
    return add_hours(
        account=account,
        name=wanted.name,
        by=by,
        now=now,
        week=calendar.week,
        special_days=calendar.special_days,
        zone=calendar.zone,
        country=calendar.country,
        region=calendar.region,
        ignored_holidays=sorted(calendar.ignored_holidays),
    )


def _becoming(wanted: NamedHours) -> Callable[[BusinessHours], None]:
    calendar = wanted.calendar

    def change(row: BusinessHours) -> None:
        row.name, row.time_zone = wanted.name, calendar.zone
        row.country, row.region = calendar.country, calendar.region
        row.ignored_holidays = sorted(calendar.ignored_holidays)
        row.openings.filter(weekday__isnull=False).delete()
        OpeningHours.objects.bulk_create(_weekly_rows(row, calendar.week))
        row.special_days.all().delete()
        add_special_days(row, calendar.special_days)

    return change


def named(hours: BusinessHours) -> NamedHours:
    """Return hours as a document says them."""
    return NamedHours(hours.name, hours.calendar())


def delete_hours(*, hours: BusinessHours, by: User, now: datetime) -> None:
    """Delete business hours that nothing uses any more, in the caller's transaction."""
    before, pk = described(hours), hours.pk
    hours.delete()
    hours.pk = pk
    _note(hours, "hours_deleted", before, {}, by=by, now=now)


# --- What is asked about them ---


def free_name(name: str, others: Iterable[BusinessHours]) -> str:
    """Return this name, or with the first number behind it that none of the others has."""
    taken = {other.name.lower() for other in others}
    candidates = (f"{name[: LONGEST_NAME - 6]} ({n})" for n in range(2, MOST_CALENDARS + 3))
    return next(one for one in (name, *candidates) if one.lower() not in taken)


def changes_since(hours: BusinessHours, version: int) -> list[Change]:
    """Return what was done since a version, the oldest first."""
    entries = AuditEntry.objects.filter(
        account_id=hours.account_id,
        action="hours_changed",
        data__hours=hours.pk,
        data__version__gt=version,
    ).order_by("id")
    return [Change(entry.actor_label, entry.at, _pairs(entry.data)) for entry in entries]


def overlap_in(week: Week) -> dict[str, str] | None:
    """Return two openings of a week that overlap, also over midnight and Sunday; else None."""
    spans = sorted(
        (day * pure.MINUTES_OF_DAY + opening.starts, day * pure.MINUTES_OF_DAY + opening.ends)
        for day, openings in enumerate(week)
        for opening in openings
    )
    if spans:
        a_week = 7 * pure.MINUTES_OF_DAY
        spans.append((spans[0][0] + a_week, spans[0][1] + a_week))
    return _first_clash(spans, _weekly_words)


def overlap_of(openings: Iterable[Opening]) -> dict[str, str] | None:
    """Return two openings of one day that overlap; else None."""
    return _first_clash(
        sorted((one.starts, one.ends) for one in openings),
        lambda starts, ends: str(Opening(starts, ends)),
    )


def described(hours: BusinessHours) -> dict[str, str]:
    """Return everything that can be set about business hours, in words, by name."""
    calendar = hours.calendar()
    words = {
        "name": hours.name,
        "time_zone": hours.time_zone,
        "country": hours.country,
        "region": hours.region,
        "ignored_holidays": ", ".join(hours.ignored_holidays),
    }
    for name, openings in zip(WEEKDAYS, calendar.week, strict=True):
        words[name] = openings_in_words(openings)
    for day in calendar.special_days:
        words[str(day.on)] = f"{openings_in_words(day.openings)} {day.name}".strip()
    return words


def openings_in_words(openings: Sequence[Opening]) -> str:
    """Return hours as on a sign at the door."""
    return ", ".join(map(str, openings)) or "closed"


# --- How a change is made ---


def _change(
    hours: BusinessHours,
    change: Callable[[BusinessHours], None],
    names: Collection[str],
    *,
    version: int,
    by: User,
    now: datetime,
) -> BusinessHours:
    """Change what these names are about; note what was and what is.

    Raises HoursChangedError if somebody else changed something of it since this version.
    """
    row = BusinessHours.objects.select_for_update().filter(pk=hours.pk).first()
    if row is None:
        raise HoursError(_("Somebody deleted these hours meanwhile."))
    if row.version != version:
        theirs = tuple(change.only(names) for change in changes_since(row, version))
        if theirs := tuple(change for change in theirs if change.what):
            raise HoursChangedError(row.version, theirs)
    before = described(row)
    change(row)
    after = described(row)
    if after == before:
        return row
    row.version += 1
    row.changed_at = now
    _unless_taken(row.save)
    _note(row, "hours_changed", before, after, by=by, now=now)
    return row


def _note(
    hours: BusinessHours,
    action: str,
    before: dict[str, str],
    after: dict[str, str],
    *,
    by: User | None,
    now: datetime,
) -> None:
    """Write an audit line with what differs."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    record(
        action=action,
        subject=hours.name,
        now=now,
        actor=by,
        account_id=hours.account_id,
        hours=hours.pk,
        version=hours.version,
        changes={name: {"before": before.get(name), "after": after.get(name)} for name in names},
    )


def _pairs(data: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        name: (both["before"] or "", both["after"] or "")
        for name, both in data.get("changes", {}).items()
    }


def _weekly_rows(hours: BusinessHours, week: Week) -> list[OpeningHours]:
    return [
        OpeningHours(
            account_id=hours.account_id,
            hours=hours,
            weekday=day,
            starts=opening.starts,
            ends=opening.ends,
        )
        for day, openings in enumerate(week)
        for opening in openings
    ]


def _checked_name(name: str, account: Account, but: BusinessHours | None = None) -> str:
    name = " ".join(name.split())
    if not name:
        raise HoursError(_("Give these hours a name."), "name")
    if len(name) > LONGEST_NAME:
        words = _("The name may have %(most)s characters.") % {"most": LONGEST_NAME}
        raise HoursError(words, "name")
    same = BusinessHours.objects.filter(account=account, name__iexact=name)
    if (same.exclude(pk=but.pk) if but else same).exists():
        raise HoursError(_("There are hours of this name already."), "name")
    return name


def _check_zone(zone: str) -> None:
    if not is_zone(zone):
        raise HoursError(_("There is no such time zone. Choose one from the list."), "zone")


def _unless_taken(write: Callable[[], T]) -> T:
    """Write; two who choose one name at the same time are told by the constraint."""
    try:
        with transaction.atomic():
            return write()
    except IntegrityError as error:
        if "hours_name_once_per_account" in str(error):
            raise HoursError(_("There are hours of this name already."), "name") from error
        raise


def _first_clash(
    spans: list[tuple[int, int]], words: Callable[[int, int], str]
) -> dict[str, str] | None:
    for one, other in zip(spans, spans[1:], strict=False):
        if other[0] < one[1]:
            return {"one": words(*one), "other": words(*other)}
    return None


def _weekly_words(starts: int, ends: int) -> str:
    day, minute = divmod(starts, pure.MINUTES_OF_DAY)
    return f"{weekday_name(day % 7)} {Opening(minute, minute + ends - starts)}"


def weekday_name(day: int) -> str:
    """Return the name of a day of the week; Monday is 0."""
    names = [
        _("Monday"),
        _("Tuesday"),
        _("Wednesday"),
        _("Thursday"),
        _("Friday"),
        _("Saturday"),
        _("Sunday"),
    ]
    return names[day]
