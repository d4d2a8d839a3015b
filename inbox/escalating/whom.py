"""Who is there to help, and may anybody be alerted? Asked once for all that act together."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.access import granted, licensed
from accounts.models import Account, Feature, Membership, User
from accounts.prepared import OneOf, Prepared
from inbox.audience import current_parts
from inbox.models import Conversation, Participant, TeamInbox
from routing.escalation import Do, Helpers, Step, helpers_of

WHATSAPP_PREFIX = "whatsapp:"


def _grants(accounts: Any, now: Any) -> "QuerySet[Any, Any]":
    team_inbox, whatsapp = (granted(one, now=now) for one in (Feature.TEAM_INBOX, Feature.WHATSAPP))
    found = (team_inbox | whatsapp).filter(
        OneOf("account", accounts), account__status=Account.Status.ACTIVE
    )
    return found.values_list("account_id", "feature").order_by()


def _people_able(users: Any, account: Any, team: Any, now: Any) -> "QuerySet[Any, Any]":
    observes = Membership.objects.filter(
        user=OuterRef("pk"), team=team, role=Membership.Role.OBSERVER
    )
    people = licensed(now=now).filter(~Exists(observes), OneOf("pk", users), account=account)
    available = people.filter(availability=User.Availability.AVAILABLE)
    return available.values_list("pk", "name")


_GRANTS = Prepared(_grants)
_ABLE = Prepared(_people_able)
_MEMBERS = Prepared(
    lambda teams: (
        Membership.objects.filter(OneOf("team", teams))
        .exclude(role=Membership.Role.OBSERVER)
        .order_by("pk")
        .values_list("team_id", "user_id")
    )
)
_SUPERVISORS = Prepared(
    lambda team, now: (
        licensed(now=now)
        .filter(
            Exists(
                Membership.objects.filter(
                    user=OuterRef("pk"), team=team, role=Membership.Role.SUPERVISOR
                )
            )
        )
        .values_list("pk", flat=True)
    )
)
_TEAM_NAMES = Prepared(
    lambda team: TeamInbox.objects.filter(pk=team).values_list("name", flat=True)
)


@dataclass
class Look:
    """What was found out at one moment, so that no question is asked twice in a transaction."""

    now: datetime
    _features: dict[int, set[str]] = field(default_factory=dict)
    _able: dict[tuple[int, int, frozenset[int]], dict[int, str]] = field(default_factory=dict)
    _members: dict[int, list[int]] = field(default_factory=dict)
    _supervisors: dict[int, frozenset[int]] = field(default_factory=dict)

    def read_features(self, account_ids: Iterable[int]) -> None:
        """Find out at once which features these accounts have."""
        wanted = sorted(set(account_ids) - self._features.keys())
        self._features |= {account_id: set() for account_id in wanted}
        if wanted:
            for account_id, feature in _GRANTS.all(accounts=wanted, now=self.now):
                self._features[account_id].add(feature)

    def may_act(self, row: Conversation) -> bool:
        """Say whether anybody may be alerted here: behaviour, decision 9."""
        self.read_features([row.account_id])
        is_whatsapp = row.thread.our_address.startswith(WHATSAPP_PREFIX)
        needed = {Feature.TEAM_INBOX, *([Feature.WHATSAPP] if is_whatsapp else [])}
        return row.inbox.is_on and needed <= self._features[row.account_id]

    def able(self, row: Conversation, user_ids: Collection[int]) -> dict[int, str]:
        """Name those who are licensed, available and no mere observers of this inbox, by id."""
        key = (row.account_id, row.inbox_id, frozenset(user_ids))
        if user_ids and key not in self._able:
            self._able[key] = dict(
                _ABLE.all(
                    users=sorted(user_ids), account=row.account_id, team=row.inbox_id, now=self.now
                )
            )
        return self._able.get(key, {})

    def members(self, teams: Iterable[int]) -> dict[int, list[int]]:
        """Return who works in these teams."""
        wanted = set(teams)
        unknown = sorted(wanted - self._members.keys())
        if unknown:
            found: dict[int, list[int]] = defaultdict(list)
            for team, user_id in _MEMBERS.all(teams=unknown):
                found[team].append(user_id)
            self._members |= {team: found[team] for team in unknown}
        return {team: self._members[team] for team in wanted}

    def supervisors(self, row: Conversation) -> frozenset[int]:
        """Return the licensed supervisors of a conversation's inbox."""
        team = row.inbox_id
        if team not in self._supervisors:
            self._supervisors[team] = frozenset(_SUPERVISORS.all(team=team, now=self.now))
        return self._supervisors[team]


@dataclass(frozen=True)
class Found:
    """Whom a step's ladder came down to, with their names, and who takes part as it is."""

    helpers: Helpers
    names: str
    parts: list[Participant]


def find_helpers(row: Conversation, step: Step, look: Look) -> Found | None:
    """Return whom a step's ladder comes down to: who may work here, is available, and is new."""
    members = look.members(rung.team for rung in step.to if rung.team is not None)
    if row.is_team_wide and row.owner_id is None:
        members.pop(row.inbox_id, None)
    named = {user_id for rung in step.to for user_id in rung.users}
    able = look.able(row, named.union(*members.values()))
    parts = current_parts(row)
    there = _there(row, step, parts)
    new = [user_id for user_id in able if user_id not in there]
    helpers = helpers_of(step, members=members, able=new)
    return Found(helpers, _names(helpers, able), parts) if helpers else None


def _there(row: Conversation, step: Step, parts: Iterable[Participant]) -> set[int]:
    """Return whom a step cannot bring: who takes part already, or has it already."""
    if step.do is Do.MOVE:
        return {row.owner_id} if row.owner_id else set()
    return {part.user_id for part in parts if part.role != Participant.Role.WATCHER}


def _names(helpers: Helpers, able: dict[int, str]) -> str:
    """Name the people of a rung, or its team."""
    if helpers.rung.team is None:
        return ", ".join(able[user_id] for user_id in helpers.users)
    return _TEAM_NAMES.first(team=helpers.rung.team) or _("the team")
