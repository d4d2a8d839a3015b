"""How far is each team of an account with its inbox? From our own rows: Twilio is not asked."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from accounts.access import feature_is_on, licensed
from accounts.models import Account, Feature, Membership, Team
from inbox.models import DriftFinding, Sender


@dataclass(frozen=True)
class TeamLine:
    """One team: whether its inbox is on, how many numbers it has, and how many things are left."""

    team: Team
    numbers: int
    left: int

    @property
    def state(self) -> str:
        """Return "none", "off", "unfinished" or "healthy"."""
        inbox = getattr(self.team, "inbox", None)
        if inbox is None:
            return "none"
        if not inbox.is_on:
            return "off"
        return "unfinished" if self.left else "healthy"


@dataclass(frozen=True)
class Overview:
    """What an account has, for the first page of its settings."""

    lines: tuple[TeamLine, ...]
    is_feature_on: bool
    account_findings: int
    next_after: int | None = None


def teams_of(account: Account, *, words: str = "", after: int | None = None) -> "QuerySet[Team]":
    """Return the teams of an account by name: those with these words, after the one of a key."""
    rows = Team.objects.filter(account=account).select_related("inbox").order_by("name", "pk")
    if words:
        rows = rows.filter(name__icontains=words)
    last = Team.objects.filter(account=account, pk=after).first() if after else None
    if last is None:
        return rows
    return rows.filter(Q(name__gt=last.name) | Q(name=last.name, pk__gt=last.pk))


def overview_of(
    account: Account,
    *,
    now: datetime,
    words: str = "",
    after: int | None = None,
    most: int = 1_000,
) -> Overview:
    """Return the teams of an account with the one next step, in a fixed number of queries."""
    found = list(teams_of(account, words=words, after=after)[: most + 1])
    teams = found[:most]
    senders = Sender.objects.in_use().filter(account=account).order_by().values("inbox")
    counted = senders.annotate(n=Count("pk"), paused=Count("pk", filter=Q(is_paused=True)))
    numbers = {row["inbox"]: (row["n"], row["paused"]) for row in counted}
    findings = _findings(account)
    staffed = _staffed(account, now=now)
    lines = []
    for team in teams:
        count, paused = numbers.get(team.pk, (0, 0))
        left = findings[team.pk] + paused + (not count) + (team.pk not in staffed)
        lines.append(TeamLine(team, count, left))
    return Overview(
        tuple(lines),
        feature_is_on(account.pk, Feature.TEAM_INBOX, now=now),
        findings[None],
        teams[-1].pk if len(found) > most else None,
    )


def _findings(account: Account) -> "Counter[int | None]":
    """Count the open findings by inbox; those about a whole Twilio account under None."""
    rows = DriftFinding.objects.filter(account=account, resolved_at=None)
    return Counter(rows.values_list("sender__inbox", flat=True))


def _staffed(account: Account, *, now: datetime) -> set[int]:
    """Return the teams that somebody with a licence answers in."""
    parts = Membership.objects.filter(team__account=account, user__in=licensed(now=now))
    working = parts.exclude(role=Membership.Role.OBSERVER)
    return set(working.order_by().values_list("team", flat=True).distinct())
