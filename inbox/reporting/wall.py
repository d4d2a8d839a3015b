"""What hangs on the wall: who waits, how much is open, who is at work, and how today goes?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from accounts.access import licensed
from accounts.models import Membership, User
from inbox.attendance import State, states_in
from inbox.models import Conversation, TeamInbox
from inbox.reporting.asking import period_of
from inbox.reporting.measures import (
    Standing,
    Took,
    counted_to_of,
    standing_of,
    sums_of,
    times_of,
    zone_of,
)
from inbox.reporting.scope import Scope
from inbox.reporting.tables import Kind, words_for


@dataclass(frozen=True)
class Line:
    """One inbox: what is open, who waits since when, and who is at work there.

    `on_duty` is None while nobody can tell.
    """

    inbox: TeamInbox
    open: int
    waiting: int
    unassigned: int
    longest_wait: timedelta | None
    on_duty: int | None
    is_late: bool = False

    @property
    def longest_words(self) -> str:
        """Write how long who waits longest has waited."""
        return words_for(self.longest_wait, Kind.TIME)


@dataclass(frozen=True)
class Wall:
    """Everything on the board at one moment."""

    scope: Scope
    now: datetime
    standing: Standing
    lines: Sequence[Line]
    on_duty: int | None
    today: Mapping[str, int]
    first: Took
    counted_to: datetime

    @property
    def first_words(self) -> str:
        """Write how long today's first replies took, at the median."""
        return words_for(self.first.median, Kind.TIME)

    @property
    def outbound(self) -> int:
        """Return how many messages went out today."""
        return self.today["replies"] + self.today["automatic"]


def wall_of(scope: Scope, *, now: datetime) -> Wall:
    """Read the board, in eight questions and one to Redis for each inbox."""
    counted_to = counted_to_of(scope.account_id) or now
    # Today's times are read where they are written: they are as new as the moment.
    period = period_of(scope.asked, zone_of(scope), now=now, counted_to=now)
    standing = standing_of(scope, now=now)
    duty = _on_duty(scope, now=now)
    return Wall(
        scope=scope,
        now=now,
        standing=standing,
        lines=_lines(scope, duty, now),
        on_duty=None if duty is None else len(set().union(*duty.values())),
        today=sums_of(scope.cells(period.since, now)),
        first=times_of(scope, period.since, now)["first"],
        counted_to=counted_to,
    )


def _lines(scope: Scope, duty: Mapping[int, set[int]] | None, now: datetime) -> list[Line]:
    is_open = Q(status=Conversation.Status.OPEN)
    rows = (
        scope.conversations()
        .live()
        .order_by()
        .values_list("inbox")
        .annotate(
            open=Count("pk", filter=is_open),
            waiting=Count("pk", filter=is_open & Q(waiting_since__isnull=False)),
            unassigned=Count("pk", filter=is_open & Q(owner=None)),
            oldest=Min("waiting_since", filter=is_open),
        )
    )
    found = {pk: rest for pk, *rest in rows}
    nothing = (0, 0, 0, None)
    lines = []
    for inbox in scope.chosen:
        number, waiting, unassigned, oldest = found.get(inbox.pk, nothing)
        wait = None if oldest is None else now - oldest
        target = timedelta(minutes=scope.asked.target or inbox.target_minutes)
        is_late = wait is not None and wait > target
        on_duty = None if duty is None else len(duty[inbox.pk])
        lines.append(Line(inbox, number, waiting, unassigned, wait, on_duty, is_late))
    return lines


def _on_duty(scope: Scope, *, now: datetime) -> dict[int, set[int]] | None:
    """Return by inbox who is there and has not set themselves away; None while Redis is away."""
    able = licensed(now=now).filter(availability=User.Availability.AVAILABLE)
    members = Membership.objects.filter(team__in=scope.inbox_ids, user__in=able)
    teams: dict[int, set[int]] = {pk: set() for pk in scope.inbox_ids}
    for team_id, user_id in members.values_list("team", "user"):
        teams[team_id].add(user_id)
    for inbox in scope.chosen:
        states = states_in(inbox.public_id)
        if states is None:
            return None
        online = {user_id for user_id, state in states.items() if state is State.ONLINE}
        teams[inbox.pk] &= online
    return teams
