"""Who could receive a message in which hour of a week, and who is not counted, and why?

Everybody counts who is active, works in the team, holds a licence in that hour, and is on duty by
their availability plan, or has none. Who is away now is left out of the hour that is now.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _

from accounts.models import (
    Account,
    Feature,
    FeatureGrant,
    License,
    LicensePool,
    Membership,
    User,
)
from inbox.models import TeamInbox
from inbox.setup.policies import calendars_of
from routing.coverage import CoveredDay, Helper, hour_around, shared, week_of, without
from routing.hours import Calendar, Span
from routing.models import BusinessHours

# What has no end ends after every week that can be asked for.
_EVER = datetime(2200, 1, 1, tzinfo=UTC)
# Every clock's week lies in a week of UTC with so much around it.
_AROUND = timedelta(days=2)


class Member(NamedTuple):
    """Somebody who belongs to the team of an inbox."""

    team: int
    user: int
    name: str
    role: str
    works_as: str
    is_active: bool
    availability: str
    works_by: int | None


@dataclass(frozen=True)
class LeftOut:
    """A member who is not counted in the whole week, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Counted:
    """A member who is counted, and by the name of which hours they work; blank for any hour."""

    user: int
    name: str
    works_by: str = ""


@dataclass(frozen=True)
class Plan:
    """The hours by which somebody works, and when these are open in the week that is asked for."""

    name: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Coverage:
    """One inbox in one week. `note` says what holds for all of it, if anything does."""

    inbox: TeamInbox
    hours: str
    days: tuple[CoveredDay, ...]
    names: Mapping[int, str]
    left_out: tuple[LeftOut, ...]
    away: tuple[str, ...]
    note: str = ""
    counted: tuple[Counted, ...] = ()

    @property
    def has_gap(self) -> bool:
        """Say whether customers may expect somebody at a time at which nobody is there."""
        return any(day.has_gap for day in self.days)


def coverage_of(
    account: Account, inboxes: Sequence[TeamInbox], *, monday: date, now: datetime
) -> list[Coverage]:
    """Return who could receive a message in each of these inboxes of an account in the week that
    begins on a Monday; in a fixed number of queries, however many inboxes and people.
    """
    members = _members(account, inboxes)
    people = [one for team in members.values() for one in team]
    licences = _licences(account, {one.user for one in people})
    plans = _plans({one.works_by for one in people if one.works_by}, monday)
    service = _service(account)
    note = _note(account, service, now)
    return [
        _covered(
            inbox,
            calendar,
            members[inbox.pk],
            licences,
            plans,
            service if inbox.is_on else (),
            monday=monday,
            now=now,
            note=note if inbox.is_on else _("This inbox is switched off: nobody is alerted."),
        )
        for inbox, calendar in calendars_of(inboxes)
    ]


def _covered(
    inbox: TeamInbox,
    calendar: Calendar,
    members: Iterable[Member],
    licences: Mapping[int, tuple[Span, ...]],
    plans: Mapping[int, Plan],
    service: Sequence[Span],
    *,
    monday: date,
    now: datetime,
    note: str,
) -> Coverage:
    this_hour = hour_around(now, inbox.zone)
    helpers, left_out, away, counted = [], [], [], []
    for one in members:
        spans = licences.get(one.user, ())
        if why := _why_not(one, spans):
            left_out.append(LeftOut(one.name, why))
            continue
        plan = plans.get(one.works_by) if one.works_by else None
        counted.append(Counted(one.user, one.name, plan.name if plan else ""))
        there = shared(spans, service)
        there = shared(there, plan.spans) if plan else there
        if one.availability == User.Availability.AWAY:
            away.append(one.name)
            there = without(there, this_hour)
        helpers.append(Helper(one.user, there))
    return Coverage(
        inbox=inbox,
        hours=inbox.hours.name if inbox.hours else "",
        days=week_of(calendar, helpers, zone=inbox.zone, monday=monday),
        names={one.user: one.name for one in counted},
        left_out=tuple(left_out),
        away=tuple(away),
        note=note,
        counted=tuple(counted),
    )


def _why_not(member: Member, licences: Sequence[Span]) -> str:
    """Say why a member never receives anything, if so."""
    if not member.is_active:
        return _("not active")
    if member.works_as == User.Role.AUDITOR:
        return _("an auditor")
    if member.role == Membership.Role.OBSERVER:
        return _("only observes")
    return "" if licences else _("no licence")


def _members(account: Account, inboxes: Sequence[TeamInbox]) -> Mapping[int, list[Member]]:
    found: dict[int, list[Member]] = defaultdict(list)
    rows = Membership.objects.filter(
        team__in=[inbox.pk for inbox in inboxes], team__account=account, user__account=account
    ).order_by("user__name", "user_id")
    for row in rows.values_list(
        *("team_id", "user_id", "user__name", "role"),
        *("user__role", "user__is_active", "user__availability"),
        "user__availability_plan__hours",
    ):
        found[row[0]].append(Member(*row))
    return found


def _licences(account: Account, users: Iterable[int]) -> Mapping[int, tuple[Span, ...]]:
    """Return when each of these people holds a seat that is paid for."""
    found: dict[int, list[Span]] = defaultdict(list)
    rows = License.objects.filter(
        holder__in=set(users), pool__account=account, pool__plan=LicensePool.Plan.PRO_CX
    )
    for holder, start, end, pool_start, pool_end in rows.values_list(
        "holder_id", "starts_at", "ends_at", "pool__starts_at", "pool__ends_at"
    ):
        held, paid = (start, end or _EVER), (pool_start, pool_end or _EVER)
        found[holder] += shared([held], [paid])
    return {holder: tuple(spans) for holder, spans in found.items()}


def _plans(hours: Collection[int], monday: date) -> Mapping[int, Plan]:
    """Return when these hours, by which people work, are open in a week and around it."""
    start = datetime.combine(monday, time(), UTC) - _AROUND
    end = start + timedelta(days=7) + 2 * _AROUND
    rows = BusinessHours.objects.filter(pk__in=hours).with_days() if hours else ()
    return {row.pk: Plan(row.name, row.calendar().open_spans(start, end)) for row in rows}


def _service(account: Account) -> tuple[Span, ...]:
    """Return when Team Inbox is switched on for an account; never while it is suspended."""
    if account.status != Account.Status.ACTIVE:
        return ()
    grants = FeatureGrant.objects.filter(account=account, feature=Feature.TEAM_INBOX)
    rows = grants.values_list("starts_at", "ends_at")
    return tuple((start, end or _EVER) for start, end in rows if end is None or end > start)


def _note(account: Account, service: Sequence[Span], now: datetime) -> str:
    if account.status != Account.Status.ACTIVE:
        return _("This account is suspended: nobody is alerted.")
    if not any(start <= now < end for start, end in service):
        return _("Team Inbox is off for this account now: nobody is alerted.")
    return ""
