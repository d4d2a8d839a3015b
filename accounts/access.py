"""Who is this person right now: which teams, which role, which licence, which features?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat

from accounts.models import (
    Account,
    Feature,
    FeatureGrant,
    License,
    LicensePool,
    Membership,
    SupportAccess,
    Team,
    User,
    in_force,
)
from accounts.prepared import OneOf, Prepared, is_any
from accounts.support import open_support_of


@dataclass(frozen=True)
class Viewer:
    """A person as of one moment: what every question of sight is answered from.

    `member_of` are all their teams (supervised ones included), `supervises` those where they
    are a supervisor. Without a valid licence or with the feature off they see nothing.

    Who is in the account for support (`is_support`) belongs to no team: they read what lies in the
    teams of `looks_into`, and do nothing else. `is_supported`: somebody is in the account for it.

    `is_admin`: they administer the account. `sees_numbers`: customers' numbers are whole for them,
    as they are for everybody where the account does not mask them.
    """

    user_id: int
    account_id: int | None
    name: str
    is_licensed: bool
    has_team_inbox: bool
    member_of: frozenset[int]
    supervises: frozenset[int]
    observes: frozenset[int]
    is_supported: bool = False
    is_support: bool = False
    looks_into: frozenset[int] = frozenset()
    is_admin: bool = False
    sees_numbers: bool = True

    @property
    def may_see(self) -> bool:
        """Say whether this person may see inbox content at all (behaviour: decisions 7, 10)."""
        return (self.is_licensed or self.is_support) and self.has_team_inbox

    @property
    def reads_all_of(self) -> frozenset[int]:
        """Return the teams all of whose conversations this person may read."""
        return self.looks_into or self.supervises

    def supervises_team(self, team_id: int) -> bool:
        """Say whether this person is a supervisor of the team."""
        return team_id in self.supervises

    def is_member_of(self, team_id: int) -> bool:
        """Say whether this person belongs to the team, in whatever role."""
        return team_id in self.member_of


def viewer_of(user: User, *, now: datetime) -> Viewer:
    """Return what `user` is entitled to at `now`, in one query.

    Partners and platform staff are asked three more: in whose account are they for support?
    """
    found = viewers_of([user.pk], now=now).get(user.pk)
    if found is None:
        return Viewer(user.pk, None, user.name, False, False, frozenset(), frozenset(), frozenset())
    return as_supporter(found, user, now=now)


def as_supporter(found: Viewer, user: User, *, now: datetime) -> Viewer:
    """Return the same person as who they are while they are in an account for support."""
    if support := open_support_of(user, now=now):
        return _supporter(found, support.account, now)
    return found


def _supporter(person: Viewer, account: Account, now: datetime) -> Viewer:
    teams = Team.objects.filter(account=account).values_list("pk", flat=True)
    return replace(
        person,
        account_id=account.pk,
        is_licensed=False,
        has_team_inbox=feature_is_on(account.pk, Feature.TEAM_INBOX, now=now),
        member_of=frozenset(),
        supervises=frozenset(),
        observes=frozenset(),
        is_support=True,
        looks_into=frozenset(teams),
        is_admin=False,
        sees_numbers=not account.masks_numbers,
    )


def viewers_of(user_ids: Iterable[int], *, now: datetime) -> dict[int, Viewer]:
    """Return what each of these people is entitled to at `now`, in one query for any number.

    Who is not active any more is not in the answer.
    """
    return {user.pk: viewer_from(user, user) for user in _PEOPLE.all(users=list(user_ids), now=now)}


def viewer_from(user: User, found: Any) -> Viewer:
    """Return the viewer of a person read with their account, and with what `entitlements` found."""
    roles = dict(zip(found.team_ids, found.team_roles, strict=True))
    is_active_account = bool(user.account and user.account.status == Account.Status.ACTIVE)
    supervises = frozenset(
        team for team, role in roles.items() if role == Membership.Role.SUPERVISOR
    )
    is_admin = user.role == User.Role.ACCOUNT_ADMIN
    return Viewer(
        user_id=user.pk,
        account_id=user.account_id,
        name=user.name,
        is_licensed=found.licensed and user.role != User.Role.AUDITOR,
        has_team_inbox=found.has_inbox and is_active_account,
        member_of=frozenset(roles),
        supervises=supervises,
        observes=frozenset(t for t, role in roles.items() if role == Membership.Role.OBSERVER),
        is_supported=found.supported,
        is_admin=is_admin,
        sees_numbers=bool(
            is_admin or supervises or user.account is None or not user.account.masks_numbers
        ),
    )


def entitlements(*, now: Any, user: str = "pk", account: str = "account") -> dict[str, Any]:
    """Return what rows are annotated with to learn what a person may do, for `viewer_from`.

    `user` and `account` are where a row has the person and their account.
    """
    theirs = Membership.objects.filter(
        user=OuterRef(user), team__account=OuterRef(account)
    ).order_by("team_id")
    grants = _grants_in_force(Feature.TEAM_INBOX, now)
    return {
        "licensed": is_any(_licenses_in_force(now).filter(holder=OuterRef(user))),
        "has_inbox": is_any(grants.filter(account=OuterRef(account))),
        "supported": is_any(SupportAccess.objects.open(now).filter(account=OuterRef(account))),
        "team_ids": ArraySubquery(theirs.values("team_id")),
        "team_roles": ArraySubquery(theirs.values("role")),
    }


def _people(users: Any, now: Any) -> "QuerySet[Any, Any]":
    people: QuerySet[Any, Any] = (
        User.objects.filter(OneOf("pk", users), is_active=True)
        .select_related("account")
        .annotate(**entitlements(now=now))
        .only("account", "name", "role", "account__status", "account__masks_numbers")
        .order_by()
    )
    return people


_PEOPLE = Prepared(_people)


def entitlement_marks(user_ids: Sequence[int], *, now: datetime) -> dict[int, str]:
    """Return one text per person that changes whenever what they are entitled to does.

    One query for any number of people: what watches over open sockets asks it.
    """
    rows = (
        User.objects.filter(pk__in=user_ids, is_active=True)
        .annotate(
            licensed=is_any(_licenses_in_force(now).filter(holder=OuterRef("pk"))),
            has_inbox=_has_inbox(now),
            roles=StringAgg(
                Concat(Cast("memberships__team_id", TextField()), Value(":"), "memberships__role"),
                delimiter=",",
                order_by="memberships__team_id",
            ),
            support=Subquery(
                SupportAccess.objects.open(now)
                .filter(
                    Q(user__role=User.Role.STAFF) | Q(account__partner=OuterRef("partner")),
                    user=OuterRef("pk"),
                )
                .annotate(is_on=_has_inbox(now))
                .values(mark=Concat(Cast("pk", TextField()), Cast("is_on", TextField())))[:1]
            ),
            # Who is in their account: their pages say so.
            present=Subquery(_present(now).filter(account=OuterRef("account")).values("who")),
        )
        .values_list("pk", "role", "licensed", "has_inbox", "roles", "support", "present")
    )
    return {pk: "|".join(map(str, facts)) for pk, *facts in rows}


def _has_inbox(now: datetime) -> Any:
    grants = _grants_in_force(Feature.TEAM_INBOX, now)
    active = Account.Status.ACTIVE
    return is_any(grants.filter(account=OuterRef("account"), account__status=active))


def _present(now: datetime) -> "QuerySet[Any, Any]":
    open_ones = SupportAccess.objects.open(now).order_by().values("account")
    named = StringAgg(Cast("pk", TextField()), delimiter=",", order_by="pk")
    return open_ones.annotate(who=named)


def feature_is_on(account_id: int, feature: str, *, now: datetime) -> bool:
    """Say whether a partner's grant of `feature` is in force and the account not suspended."""
    return (
        _grants_in_force(feature, now)
        .filter(account=account_id, account__status=Account.Status.ACTIVE)
        .exists()
    )


def granted(feature: str, *, now: datetime) -> QuerySet[FeatureGrant]:
    """Return the grants of a feature in force at `now`, whether or not an account is suspended."""
    return _grants_in_force(feature, now)


def accounts_without(feature: str, *, now: datetime) -> QuerySet[Account]:
    """Return the accounts for which `feature` is off: not granted now, or suspended."""
    is_on = Exists(_grants_in_force(feature, now).filter(account=OuterRef("pk")))
    return Account.objects.exclude(is_on, status=Account.Status.ACTIVE)


def licensed_members(team_id: int, *, now: datetime) -> QuerySet[User]:
    """Return the people of a team who hold a valid Pro-CX licence at `now`."""
    return licensed(now=now).filter(memberships__team=team_id)


def licensed(*, now: datetime) -> QuerySet[User]:
    """Return the people who are active and hold a valid Pro-CX licence at `now`.

    An auditor reads elsewhere, masked, and answers nobody: a licence makes no agent of them.
    """
    held = _licenses_in_force(now).filter(holder=OuterRef("pk"))
    return User.objects.filter(Exists(held), is_active=True).exclude(role=User.Role.AUDITOR)


def entitled(*, now: datetime) -> QuerySet[User]:
    """Return the people who may see inbox content at `now`: licensed, and Team Inbox is on."""
    is_on = Exists(_grants_in_force(Feature.TEAM_INBOX, now).filter(account=OuterRef("account")))
    return licensed(now=now).filter(is_on, account__status=Account.Status.ACTIVE)


def is_licensed(user_id: int, *, now: datetime) -> bool:
    """Say whether the person holds a valid Pro-CX licence at `now`."""
    return licensed(now=now).filter(pk=user_id).exists()


def _licenses_in_force(now: datetime) -> QuerySet[License]:
    return License.objects.filter(
        in_force(now), in_force(now, "pool__"), pool__plan=LicensePool.Plan.PRO_CX
    )


def _grants_in_force(feature: str, now: datetime) -> QuerySet[FeatureGrant]:
    return FeatureGrant.objects.filter(in_force(now), feature=feature)
