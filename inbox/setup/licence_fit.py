"""Do the licences fit the people: who has one and does not use it, who needs one and has none?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest

from accounts.access import licensed
from accounts.models import (
    Account,
    BrowserSession,
    License,
    LicensePool,
    Membership,
    User,
    in_force,
)
from inbox.models import Conversation, ConversationEvent, Message

UNUSED_FOR = timedelta(days=30)


@dataclass(frozen=True)
class HeldSeat:
    """Who holds a seat, since when, when they last did something, and what they have in hand.

    One that `begins_later` is held from its beginning on: it is not free then.
    """

    license: License
    person: User
    used_at: datetime | None
    is_unused: bool
    conversations: int
    begins_later: bool


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
class Asked:
    """Which part of the report somebody wants: who, only what is unused, after which licence."""

    words: str = ""
    is_unused: bool = False
    after: int | None = None
    most: int | None = None
    most_blocked: int | None = None


EVERYTHING = Asked()


@dataclass(frozen=True)
class LicenceFit:
    """The report of an account at one moment, or the part of it that was asked for.

    `unused_number` counts all seats that nobody used for `UNUSED_FOR`; `next_after` is the key of
    the last seat here if there are more.
    """

    pools: tuple[PoolUse, ...]
    seats: tuple[HeldSeat, ...]
    blocked: tuple[Blocked, ...]
    unused_number: int
    next_after: int | None = None
    is_more_blocked: bool = False

    @property
    def unused(self) -> tuple[HeldSeat, ...]:
        """Return the seats here that nobody used for `UNUSED_FOR`."""
        return tuple(seat for seat in self.seats if seat.is_unused)

    @property
    def free(self) -> int:
        """Return how many seats can be given now."""
        return sum(use.free for use in self.pools)


def licence_fit(account: Account, *, now: datetime, asked: Asked = EVERYTHING) -> LicenceFit:
    """Look at the licences of an account, in a fixed number of queries."""
    held = (
        License.objects.filter(pool__account=account)
        .exclude(ends_at__lte=now)
        .exclude(ends_at=F("starts_at"))
    )
    seats, next_after = _page(_seats(held, asked, now=now), asked.most)
    blocked, more = _page(_blocked_people(account, asked, now=now), asked.most_blocked)
    return LicenceFit(
        pools=tuple(pools_of(account, now=now)),
        seats=tuple(_seat(row, now=now) for row in seats),
        blocked=tuple(_with_teams(blocked, account)),
        unused_number=_unused(held, now=now).count(),
        next_after=next_after,
        is_more_blocked=more is not None,
    )


def matching(words: str, to: str = "") -> Q:
    """Match people by name, e-mail address or team; `to` is the way to the person."""
    if not words:
        return Q()
    named = Q(**{f"{to}name__icontains": words}) | Q(**{f"{to}email__icontains": words})
    teams = Membership.objects.filter(team__name__icontains=words)
    return named | Q(Exists(teams.filter(user=OuterRef(f"{to}pk"))))


def _page(rows: "QuerySet[Any]", most: int | None) -> tuple[list[Any], int | None]:
    """Return at most so many rows, and the key of the last one if there are more."""
    if most is None:
        return list(rows), None
    found = list(rows[: most + 1])
    return found[:most], found[most - 1].pk if len(found) > most else None


def pools_of(account: Account, *, now: datetime) -> list[PoolUse]:
    """Return the seats that an account has now or will have, with how many are taken now."""
    pools = account.license_pools.exclude(ends_at__lte=now).order_by("starts_at", "pk")
    counted = pools.annotate(taken=Count("licenses", filter=in_force(now, "licenses__")))
    return [PoolUse(pool, int(getattr(pool, "taken", 0))) for pool in counted]


def _seats(held: "QuerySet[License]", asked: Asked, *, now: datetime) -> "QuerySet[License]":
    rows = held.filter(matching(asked.words, "holder__"))
    rows = _unused(rows, now=now) if asked.is_unused else rows
    last = held.filter(pk=asked.after).select_related("holder").first() if asked.after else None
    if last is not None:
        # A key and not a number of rows to skip: the last page costs no more than the first.
        name, email = last.holder.name, last.holder.email
        later = Q(holder__name=name, holder__email__gt=email)
        later |= Q(holder__name=name, holder__email=email, pk__gt=last.pk)
        rows = rows.filter(Q(holder__name__gt=name) | later)
    return (
        rows.select_related("holder", "pool")
        .annotate(
            in_hand=_owned_by("holder"),
            # Whatever they did last: logging in, reading, writing, any act on a conversation.
            used_at=Greatest(
                "holder__last_login",
                _latest(BrowserSession.objects.filter(user=OuterRef("holder")), "seen_at"),
                _latest(Message.objects.filter(author=OuterRef("holder")), "created_at"),
                _latest(ConversationEvent.objects.filter(actor=OuterRef("holder")), "at"),
                output_field=DateTimeField(),
            ),
        )
        .order_by("holder__name", "holder__email", "pk")
    )


def _unused(rows: "QuerySet[License]", *, now: datetime) -> "QuerySet[License]":
    """Keep what nobody used for long: the cheap questions first, then the acts of who is left."""
    since = now - UNUSED_FOR
    read = BrowserSession.objects.filter(user=OuterRef("holder"), seen_at__gt=since)
    wrote = Message.objects.filter(author=OuterRef("holder"), created_at__gt=since)
    acted = ConversationEvent.objects.filter(actor=OuterRef("holder"), at__gt=since)
    idle = rows.filter(starts_at__lte=since).exclude(holder__last_login__gt=since)
    return idle.filter(~Exists(read), ~Exists(wrote), ~Exists(acted))


def _seat(row: License, *, now: datetime) -> HeldSeat:
    used_at: datetime | None = getattr(row, "used_at", None)
    since = max(used_at, row.starts_at) if used_at else row.starts_at
    return HeldSeat(
        license=row,
        person=row.holder,
        used_at=used_at,
        is_unused=since <= now - UNUSED_FOR,
        conversations=int(getattr(row, "in_hand", None) or 0),
        begins_later=row.starts_at > now,
    )


def _latest(rows: "QuerySet[Any]", at: str) -> Subquery:
    return Subquery(rows.order_by(f"-{at}").values(at)[:1])


def _owned_by(holder: str) -> Subquery:
    owned = Conversation.objects.live().filter(owner=OuterRef(holder)).order_by().values("owner")
    return Subquery(owned.annotate(n=Count("pk")).values("n"))


def _blocked_people(account: Account, asked: Asked, *, now: datetime) -> "QuerySet[User]":
    at_work = _at_work(account).filter(user=OuterRef("pk"))
    people = User.objects.filter(matching(asked.words), account=account, is_active=True)
    return (
        people.filter(Exists(at_work))
        .exclude(pk__in=licensed(now=now).filter(account=account))
        .order_by("name", "email")
    )


def _at_work(account: Account) -> "QuerySet[Membership]":
    return Membership.objects.filter(team__inbox__is_on=True, team__account=account)


def _with_teams(people: list[User], account: Account) -> list[Blocked]:
    names: dict[int, list[str]] = {}
    teams = _at_work(account).filter(user__in=people)
    for user, team in teams.values_list("user", "team__name"):
        names.setdefault(user, []).append(team)
    return [Blocked(user, ", ".join(sorted(names.get(user.pk, [])))) for user in people]
