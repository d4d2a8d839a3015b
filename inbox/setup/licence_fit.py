"""Do the licences fit the people: who has one and does not use it, who needs one and has none?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, DateTimeField, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Greatest

from accounts.access import licensed
from accounts.models import Account, License, LicensePool, Membership, User, in_force
from inbox.models import Conversation, ConversationEvent, Message

UNUSED_FOR = timedelta(days=30)


@dataclass(frozen=True)
class HeldSeat:
    """Who holds a seat, since when, when they last did something, and what they have in hand."""

    license: License
    person: User
    used_at: datetime | None
    is_unused: bool
    conversations: int


@dataclass(frozen=True)
class Blocked:
    """Somebody who is in a team with an inbox and has no licence: they see nothing."""

    person: User
    teams: str


@dataclass(frozen=True)
class PoolUse:
    """How many seats of a pool are taken now."""

    pool: LicensePool
    taken: int

    @property
    def free(self) -> int:
        """Return how many can be given now."""
        return max(self.pool.seats - self.taken, 0)


@dataclass(frozen=True)
class LicenceFit:
    """The whole report of an account at one moment."""

    pools: tuple[PoolUse, ...]
    seats: tuple[HeldSeat, ...]
    blocked: tuple[Blocked, ...]

    @property
    def unused(self) -> tuple[HeldSeat, ...]:
        """Return the seats that nobody used for `UNUSED_FOR`."""
        return tuple(seat for seat in self.seats if seat.is_unused)

    @property
    def free(self) -> int:
        """Return how many seats can be given now."""
        return sum(use.free for use in self.pools)


def licence_fit(account: Account, *, now: datetime) -> LicenceFit:
    """Look at the licences of an account, in a fixed number of queries."""
    return LicenceFit(
        pools=tuple(pools_of(account, now=now)),
        seats=tuple(_seats(account, now=now)),
        blocked=tuple(_blocked(account, now=now)),
    )


def pools_of(account: Account, *, now: datetime) -> list[PoolUse]:
    """Return the seats that an account has now or will have, with how many are taken now."""
    pools = account.license_pools.exclude(ends_at__lte=now).order_by("starts_at", "pk")
    counted = pools.annotate(taken=Count("licenses", filter=in_force(now, "licenses__")))
    return [PoolUse(pool, int(getattr(pool, "taken", 0))) for pool in counted]


def _seats(account: Account, *, now: datetime) -> list[HeldSeat]:
    rows = (
        License.objects.filter(in_force(now), pool__account=account)
        .select_related("holder", "pool")
        .annotate(
            in_hand=_owned_by("holder"),
            # Whatever they did last: logging in, writing, or any act on a conversation.
            used_at=Greatest(
                "holder__last_login",
                _latest(Message.objects.filter(author=OuterRef("holder")), "created_at"),
                _latest(ConversationEvent.objects.filter(actor=OuterRef("holder")), "at"),
                output_field=DateTimeField(),
            ),
        )
        .order_by("holder__name", "holder__email")
    )
    return [_seat(row, now=now) for row in rows]


def _seat(row: License, *, now: datetime) -> HeldSeat:
    used_at: datetime | None = getattr(row, "used_at", None)
    since = max(used_at, row.starts_at) if used_at else row.starts_at
    return HeldSeat(
        license=row,
        person=row.holder,
        used_at=used_at,
        is_unused=since <= now - UNUSED_FOR,
        conversations=int(getattr(row, "in_hand", None) or 0),
    )


def _latest(rows: "QuerySet[Message] | QuerySet[ConversationEvent]", at: str) -> Subquery:
    return Subquery(rows.order_by(f"-{at}").values(at)[:1])


def _owned_by(holder: str) -> Subquery:
    owned = Conversation.objects.live().filter(owner=OuterRef(holder)).order_by().values("owner")
    return Subquery(owned.annotate(n=Count("pk")).values("n"))


def _blocked(account: Account, *, now: datetime) -> list[Blocked]:
    teams = Membership.objects.filter(team__inbox__is_on=True, team__account=account)
    people = (
        User.objects.filter(account=account, is_active=True)
        .filter(Exists(teams.filter(user=OuterRef("pk"))))
        .exclude(pk__in=licensed(now=now).filter(account=account))
        .order_by("name", "email")
    )
    found = list(people)
    names: dict[int, list[str]] = {}
    for user, team in teams.filter(user__in=found).values_list("user", "team__name"):
        names.setdefault(user, []).append(team)
    return [Blocked(user, ", ".join(sorted(names.get(user.pk, [])))) for user in found]
