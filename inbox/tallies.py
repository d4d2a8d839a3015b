"""How much is there in an inbox for each of its readers? The numbers of the chips, live.

The process that holds the sockets counts: it hears a tick of every change anyway. At most once a
second it asks three queries for all inboxes that changed, however many people sit there, and writes
the frames to them. Whoever publishes pays nothing, and with nobody there nobody asks.

A reader's numbers are sums: what the team shares (`counts`) and what is theirs besides
(`counts.mine`). A guest has only the second, a supervisor reads `counts.team` and `mine`.
"""

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import DatabaseError
from django.db.models import Count, IntegerField, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.access import Viewer
from inbox.broadcast import VERSION
from inbox.mentions import unread_mark
from inbox.models import Conversation, Participant, ReadCursor, TeamInbox
from inbox.models.conversation import ConversationQuerySet
from inbox.rows import COUNT_LIMIT
from inbox.seats import Seat, Seats

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.1
GAP_SECONDS = 1.0
AGAIN_SECONDS = 30.0

Readers: TypeAlias = Mapping[str, Iterable[Viewer]]
_OPEN = Q(status=Conversation.Status.OPEN)
_SNOOZED = Q(status=Conversation.Status.SNOOZED)
_FREE = Q(owner=None)


# --- Counting -------------------------------------------------------------------------------------


@dataclass
class Shares:
    """The numbers of one pool of conversations."""

    unassigned: int = 0
    open: int = 0
    snoozed: int = 0
    oldest_waiting_at: datetime | None = None

    def as_data(self) -> dict[str, Any]:
        """Return what travels; numbers stop at a hundred, as on a page."""
        oldest = self.oldest_waiting_at
        return {
            "unassigned": min(self.unassigned, COUNT_LIMIT),
            "open": min(self.open, COUNT_LIMIT),
            "snoozed": min(self.snoozed, COUNT_LIMIT),
            "oldest_waiting_at": oldest.isoformat() if oldest else None,
        }


@dataclass
class Own(Shares):
    """What one reader owns, and what they see beside what the team shares.

    `unread` names what is open, theirs, and has words of a customer that they have not read.
    """

    mine: int = 0
    shared: int = 0
    mentions: int = 0
    unread: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """Return what travels; numbers stop at a hundred, as on a page."""
        return {
            "mine": min(self.mine, COUNT_LIMIT),
            "shared": min(self.shared, COUNT_LIMIT),
            "mentions": min(self.mentions, COUNT_LIMIT),
            "unread": self.unread[:COUNT_LIMIT],
            **super().as_data(),
        }


@dataclass
class Numbers:
    """All numbers of one inbox: the team's, everything there is, by owner, and each reader's."""

    inbox_id: int
    team: Shares
    everything: Shares
    by_agent: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    own: dict[int, Own] = field(default_factory=lambda: defaultdict(Own))

    def as_data_for_supervisors(self) -> dict[str, Any]:
        """Return what supervisors hear."""
        by_agent = {str(pk): min(n, COUNT_LIMIT) for pk, n in sorted(self.by_agent.items())}
        return {**self.everything.as_data(), "by_agent": by_agent}


def count(readers: Readers) -> dict[str, Numbers]:
    """Count inboxes (by public id) for these readers, in three queries however many there are.

    No number holds a conversation that its readers may not see: for each reader they add up to
    `queries.counts_of`, which a test holds equal over random days. An inbox that is switched off
    has no numbers.
    """
    numbers = {str(row.public_id): _totals_of(row) for row in _totals(readers)}
    by_id = {found.inbox_id: found for found in numbers.values()}
    people = {
        (numbers[inbox].inbox_id, viewer.user_id): viewer
        for inbox, viewers in readers.items()
        if inbox in numbers
        for viewer in viewers
    }
    for inbox_id, user_id in people:
        by_id[inbox_id].own[user_id] = Own()
    _add_owned(by_id, people)
    _add_parts(by_id, people)
    return numbers


class _Capped(Subquery):
    """The number of rows of a subquery."""

    template = "(SELECT count(*) FROM (%(subquery)s) capped)"
    output_field = IntegerField()


def _totals(inboxes: Iterable[str]) -> QuerySet[TeamInbox, Any]:
    everything = Conversation.objects.filter(inbox=OuterRef("pk"))
    pools = {"team": everything.shared_with_team(), "all": everything.live()}
    asked: dict[str, Subquery] = {}
    for name, pool in pools.items():
        asked[f"{name}_unassigned"] = _number(pool.filter(_OPEN & _FREE))
        asked[f"{name}_open"] = _number(pool.filter(_OPEN))
        asked[f"{name}_snoozed"] = _number(pool.filter(_SNOOZED))
        asked[f"{name}_oldest"] = _oldest(pool.filter(_OPEN))
    on = TeamInbox.objects.filter(public_id__in=list(inboxes), is_on=True)
    return on.annotate(**asked)


def _number(pool: ConversationQuerySet) -> Subquery:
    return _Capped(pool.values("pk")[:COUNT_LIMIT])


def _oldest(pool: ConversationQuerySet) -> Subquery:
    waiting = pool.filter(waiting_since__isnull=False).order_by("waiting_since")
    return Subquery(waiting.values("waiting_since")[:1])


def _totals_of(row: Any) -> Numbers:
    team = Shares(row.team_unassigned, row.team_open, row.team_snoozed, row.team_oldest)
    everything = Shares(
        row.all_unassigned,
        row.all_open,
        row.all_snoozed,
        row.all_oldest,
    )
    return Numbers(row.pk, team, everything)


_People: TypeAlias = Mapping[tuple[int, int], Viewer]


def _add_owned(by_id: Mapping[int, Numbers], people: _People) -> None:
    owned = (
        Conversation.objects.filter(_OPEN, inbox__in=list(by_id), owner__isnull=False)
        .order_by()
        .values_list("inbox", "owner", "is_hidden")
        .annotate(number=Count("pk"), unread=_unread_of({user_id for _, user_id in people}))
    )
    for inbox_id, owner_id, is_hidden, number, unread in owned:
        found = by_id[inbox_id]
        found.by_agent[owner_id] += number
        viewer = people.get((inbox_id, owner_id))
        if viewer and (viewer.supervises_team(inbox_id) or not is_hidden):
            found.own[owner_id].mine += number
            found.own[owner_id].unread += unread


def _unread_of(owners: set[int]) -> ArrayAgg:
    """The public ids of what these owners have not read, as a column."""
    cursor = ReadCursor.objects.filter(user=OuterRef("owner"), conversation=OuterRef("pk"))
    read = Coalesce(Subquery(cursor.values("seq")[:1]), Value(0), output_field=IntegerField())
    is_unread = Q(owner__in=owners, last_inbound_seq__gt=read)
    return ArrayAgg("public_id", filter=is_unread, default=Value([]))


def _add_parts(by_id: Mapping[int, Numbers], people: _People) -> None:
    """Add what readers see because they take part in it, and the team does not see.

    Where a note mentions them they take part too, also while the team sees it.
    """
    current = Participant.objects.filter(
        ended_at=None,
        user__in={user_id for _, user_id in people},
        conversation__inbox__in=list(by_id),
        conversation__is_hidden=False,
    )
    parts = (
        current.annotate(is_mention=unread_mark())
        .order_by()
        .values_list(
            "conversation__inbox",
            "user",
            "conversation__owner",
            "conversation__status",
            "conversation__is_team_wide",
            "conversation__inbox__after_claim",
        )
        .annotate(
            number=Count("pk"),
            oldest=Min("conversation__waiting_since"),
            mentions=Count("pk", filter=Q(is_mention=True)),
        )
    )
    for inbox_id, user_id, owner_id, status, is_team_wide, after_claim, *numbers in parts:
        viewer = people.get((inbox_id, user_id))
        if viewer is None:
            continue
        number, oldest, mentions = numbers
        own = by_id[inbox_id].own[user_id]
        own.mentions += mentions
        is_shared = is_team_wide or after_claim == TeamInbox.AfterClaim.READ_ONLY
        is_counted = is_shared and viewer.is_member_of(inbox_id)
        if not is_counted and status != Conversation.Status.CLOSED:
            _add_part(own, user_id, owner_id, status, number, oldest)


def _add_part(
    own: Own, user_id: int, owner_id: int | None, status: str, number: int, oldest: datetime | None
) -> None:
    if status == Conversation.Status.SNOOZED:
        own.snoozed += number
        return
    own.open += number
    own.unassigned += number if owner_id is None else 0
    own.shared += number if owner_id != user_id else 0
    own.oldest_waiting_at = min(filter(None, (own.oldest_waiting_at, oldest)), default=None)


# --- Telling --------------------------------------------------------------------------------------


Ask: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Awaitable[Any]]]


class Tallies:
    """Tells the seats of this process their numbers, at most once a second for each inbox.

    `ask` runs a function that asks the database, away from the loop.
    """

    def __init__(self, seats: Seats, ask: Ask) -> None:
        self._seats, self._ask = seats, ask
        self._due: set[str] = set()
        self._counted_at: dict[str, float] = {}
        self._runner: asyncio.Task[None] | None = None

    def heard(self, inbox: str) -> None:
        """Remember that something happened in an inbox, or that somebody sat down there.

        Cheap: every socket calls it for every frame.
        """
        if inbox in self._due or not self._seats.is_anybody_in(inbox):
            return
        self._due.add(inbox)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._seats.is_anybody_here:
            # A story is several frames: they are counted together.
            await asyncio.sleep(GATHER_SECONDS)
            if due := self._take_due():
                await self._count(due)

    def _take_due(self) -> list[str]:
        """Take the inboxes whose time has come: changed, or not looked at for long.

        The second mends what a lost tick or a changed setting left behind.
        """
        now = time.monotonic()
        since = {inbox: now - self._counted_at.get(inbox, 0) for inbox in self._seats.inboxes}
        due = [
            inbox
            for inbox, age in since.items()
            if age >= AGAIN_SECONDS or (inbox in self._due and age >= GAP_SECONDS)
        ]
        # What happens while we count is counted next time.
        self._due -= set(due)
        self._counted_at = {
            inbox: now if inbox in due else now - age for inbox, age in since.items()
        }
        return due

    async def _count(self, inboxes: list[str]) -> None:
        readers = {
            inbox: {seat.sitter.viewer.user_id: seat.sitter.viewer for seat in seats}
            for inbox in inboxes
            if (seats := self._seats.in_inbox(inbox))
        }
        asked = {inbox: list(viewers.values()) for inbox, viewers in readers.items()}
        try:
            numbers = await self._ask(count)(asked)
        except DatabaseError:
            logger.exception("live: not counted; next time")
            self._due.update(inboxes)
            return
        for inbox, found in numbers.items():
            self._tell(inbox, found)

    def _tell(self, inbox: str, numbers: Numbers) -> None:
        team = _frame(inbox, "counts", numbers.team.as_data())
        everything = _frame(inbox, "counts.team", numbers.as_data_for_supervisors())
        own: dict[int, str] = {}
        for seat in self._seats.in_inbox(inbox):
            user_id = seat.sitter.viewer.user_id
            if user_id not in numbers.own or inbox not in seat.sitter.inboxes:
                continue  # They came while we counted, and are counted next, or may not stay.
            if user_id not in own:
                own[user_id] = _frame(inbox, "counts.mine", numbers.own[user_id].as_data())
            _tell_seat(seat, team, everything, own[user_id])


def _tell_seat(seat: Seat, team: str, everything: str, own: str) -> None:
    # One's own come last: a page that has them has all it needs.
    if seat.is_of_member:
        seat.tell_if_new("counts", team)
    if seat.is_of_supervisor:
        seat.tell_if_new("counts.team", everything)
    seat.tell_if_new("counts.mine", own)


def _frame(inbox: str, kind: str, data: Mapping[str, Any]) -> str:
    frame = {"v": VERSION, "inbox": inbox, "type": kind, "data": data}
    return json.dumps(frame, separators=(",", ":"))
