"""What does the list of an inbox show, in a fixed number of queries?

It starts from `access.conversations_of(viewer)`: no row, number or name on a page comes from a
conversation its reader may not see.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import (
    Case,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.http import Http404
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.administrators import administrators_of
from accounts.models import User
from inbox.access import Seen, conversations_of, inboxes_for, teams_of
from inbox.drafts import drafted
from inbox.filters import CHANNELS, URGENCY, Filter, Sort, filtered
from inbox.mentions import unread as unread_mentions
from inbox.models import (
    Conversation,
    InboxCounter,
    Message,
    Participant,
    ReadCursor,
    Sender,
    TeamInbox,
)
from inbox.models.conversation import ConversationQuerySet
from inbox.models.message import ATTACHED_REACTIONS
from inbox.rows import COUNT_LIMIT, FIELDS, Row, draw_rows
from inbox.searching.finding import Narrowed, narrowed
from inbox.searching.parsing import parse
from inbox.standing import standing_of

ROWS = 30
MICROSECONDS = 1_000_000


class View(StrEnum):
    """Which part of the list somebody looks at."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    OPEN = "open"
    WAITING = "waiting"
    SNOOZED = "snoozed"
    CLOSED = "closed"
    MENTIONS = "mentions"

    @classmethod
    def named(cls, name: str) -> "View":
        """Return the view of this name, or all that is open."""
        return cls(name) if name in set(cls) else cls.OPEN


COUNTED_VIEWS = (View.MINE, View.UNASSIGNED, View.OPEN, View.SNOOZED, View.MENTIONS)


@dataclass(frozen=True)
class Asked:
    """What somebody asks of a list: which part, which words, whose, from where on; and when."""

    now: datetime
    view: View = View.OPEN
    words: str = ""
    owner: int | None = None
    before: str = ""
    wanted: Filter = Filter()

    @property
    def sort(self) -> Sort:
        """Return in which order rows stand: who waits longest comes first in their view."""
        is_waiting = self.view is View.WAITING and not self.words
        return Sort.WAITING if is_waiting else self.wanted.sort


class RowCard(NamedTuple):
    """One row of the list, how much of it its reader has not read, and whether they write there."""

    row: Row
    unread: int = 0
    has_draft: bool = False


@dataclass(frozen=True)
class Chip:
    """One way to look at the list, and how much is in it."""

    view: View
    label: str
    number: int | None
    keys: str
    is_chosen: bool


class Owner(NamedTuple):
    """Somebody whose conversations a supervisor can choose to see."""

    pk: int
    name: str


class Unconnected(NamedTuple):
    """No number leads into the inbox: may its reader connect one, or whom do they ask?"""

    may_connect: bool
    whom: tuple[str, ...]


@dataclass(frozen=True)
class InboxPage:
    """The list of an inbox for one reader, as they stand in it (`inbox.standing`).

    `head` is older than the rows: catch up from there. `is_partial`: words were looked for among
    the newest messages alone.
    """

    inbox: TeamInbox
    inboxes: Sequence[TeamInbox]
    asked: Asked
    head: int
    rows: Sequence[RowCard]
    next_before: str
    counts: dict[str, int]
    owners: Sequence[Owner]
    is_supervisor: bool
    standing: str
    unconnected: Unconnected | None = None
    is_partial: bool = False

    @property
    def has_rows(self) -> bool:
        """Say whether there is anything to show."""
        return bool(self.rows)

    @property
    def rows_html(self) -> SafeString:
        """Draw the rows as they are for this reader."""
        return draw_rows(self.rows)

    @property
    def search_query(self) -> str:
        """Write the query of the address where the search for its words can go on."""
        return urlencode({"q": f"{self.asked.words} inbox:{self.inbox.slug}", "show": "messages"})

    @property
    def next_query(self) -> str:
        """Write the query of the address where the list goes on."""
        asked = self.asked
        facts = {"view": asked.view, "q": asked.words, "owner": asked.owner or ""}
        return urlencode({**facts, **asked.wanted.as_query(), "before": self.next_before})

    @property
    def wanted_query(self) -> str:
        """Write what narrows and sorts the list as it stands in an address."""
        return urlencode(self.asked.wanted.as_query())

    @property
    def channels(self) -> tuple[str, ...]:
        """Name the channels that a list can be narrowed to."""
        return CHANNELS

    @property
    def priorities(self) -> tuple[tuple[str, str], ...]:
        """Return the priorities that a list can be narrowed to, and how they are said."""
        return _priorities(get_language())

    @property
    def chips(self) -> tuple[Chip, ...]:
        """List the views with their numbers; what is closed is not counted."""
        chosen = None if self.asked.words else self.asked.view
        return tuple(
            Chip(view, label, self.counts.get(view), keys, view is chosen)
            for view, label, keys in _named_views(get_language())
        )


@lru_cache(maxsize=16)
def _priorities(language: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((one.value, str(one.label)) for one in reversed(Conversation.Priority))


@lru_cache(maxsize=16)
def _named_views(language: str | None) -> tuple[tuple[View, str, str], ...]:
    return (
        (View.MINE, _("Mine"), "g m"),
        (View.UNASSIGNED, _("Unassigned"), "g u"),
        (View.OPEN, _("All open"), "g a"),
        (View.WAITING, _("Waiting longest"), "g w"),
        (View.MENTIONS, _("Mentions"), "g n"),
        (View.SNOOZED, pgettext("conversations", "Snoozed"), "g s"),
        (View.CLOSED, pgettext("conversations", "Closed"), "g c"),
    )


def inbox_page(viewer: Viewer, slug: str, asked: Asked) -> InboxPage:
    """Read the list of one inbox. Raises Http404 if the reader has no such inbox, TooSlowError
    where words are looked for in too much."""
    inboxes = _inboxes_beside(viewer, slug)
    inbox = _named(inboxes, slug)
    if inbox is None:
        raise Http404("No such inbox.")
    return _list_of(viewer, inbox, inboxes, asked)


def inbox_page_around(viewer: Viewer, conversation: Conversation, asked: Asked) -> InboxPage:
    """Read the list that stands beside an open conversation."""
    slug = conversation.inbox.slug
    inboxes = _inboxes_beside(viewer, slug)
    return _list_of(viewer, _named(inboxes, slug) or conversation.inbox, inboxes, asked)


def _named(inboxes: Iterable[TeamInbox], slug: str) -> TeamInbox | None:
    return next((one for one in inboxes if one.slug == slug), None)


def _list_of(
    viewer: Viewer, inbox: TeamInbox, inboxes: Sequence[TeamInbox], asked: Asked
) -> InboxPage:
    # The cursor before the rows: what happens in between is then heard twice, never missed.
    head, counts = _told(inbox) or _head_and_counts(viewer, inbox)
    found, is_partial = _page(viewer, inbox, asked)
    rows, rest = found[:ROWS], found[ROWS:]
    is_supervisor = viewer.supervises_team(inbox.pk)
    return InboxPage(
        inbox=inbox,
        inboxes=inboxes,
        asked=asked,
        head=head,
        rows=rows,
        next_before=cursor_of(rows[-1].row, asked.sort) if rest else "",
        counts=counts,
        owners=_owners(inbox) if is_supervisor or inbox.is_read_only_after_claim else (),
        is_supervisor=is_supervisor,
        standing=standing_of(viewer, inbox),
        unconnected=None if rows or asked.before else _unconnected(viewer, inbox),
        is_partial=is_partial,
    )


def _unconnected(viewer: Viewer, inbox: TeamInbox) -> Unconnected | None:
    if vars(inbox).get(_HAS_NUMBER, True):
        return None
    admins = administrators_of(viewer.account_id).values_list("name", flat=True)
    return Unconnected(viewer.is_admin, tuple(admins))


class _Number(Subquery):
    """How many rows a query finds."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS found)"
    output_field = IntegerField()


def _page(viewer: Viewer, inbox: TeamInbox, asked: Asked) -> tuple[list[RowCard], bool]:
    """Return the rows of a page, and one row more if there is one; and whether words were looked
    for among the newest messages alone."""
    place = _place_of(asked.before, asked.sort) if asked.before else None
    is_partial = False
    if asked.words or not asked.wanted.is_plain:
        found, is_partial = _asked_for(viewer, inbox, asked)
        rows = _rows_of(found, viewer.user_id, asked.sort, place)
    else:
        query = _rows_query(asked.view, has_owner=bool(asked.owner), is_below=bool(place))
        at, public_id = (place.at, place.public_id) if place else (None, None)
        values = {"inbox": inbox.pk, "owner": asked.owner, "at": at, "public_id": public_id}
        rows = query.all(viewer, **values)
    cards = [RowCard(Row.of(shown), unread, has_draft) for unread, has_draft, *shown in rows]
    return cards, is_partial


def _rows_of(
    found: ConversationQuerySet, me: int, sort: Sort, place: "_Place | None"
) -> list[tuple[Any, ...]]:
    if sort is Sort.PRIORITY:
        return _by_priority(found, me, place)
    below = _below(found, place.at, place.public_id, sort) if place else found
    return list(_in_order(below, me, sort))


def _by_priority(
    found: ConversationQuerySet, me: int, place: "_Place | None"
) -> list[tuple[Any, ...]]:
    """Read one priority after the other until there is a page: each has an index in its order."""
    rows: list[tuple[Any, ...]] = []
    begin = URGENCY.index(place.priority) if place else 0
    for priority in URGENCY[begin:]:
        part = found.filter(priority=priority)
        if place and place.priority == priority:
            part = _below(part, place.at, place.public_id, Sort.PRIORITY)
        rows += _in_order(part, me, Sort.PRIORITY)[: ROWS + 1 - len(rows)]
        if len(rows) > ROWS:
            break
    return rows


def _asked_for(viewer: Viewer, inbox: TeamInbox, asked: Asked) -> Narrowed:
    """Return what words and filters leave of a list. Words look through every part of it."""
    found, is_partial = conversations_of(viewer).filter(inbox=inbox), False
    if asked.words:
        found, is_partial = narrowed(viewer, found, parse(asked.words), now=asked.now)
    else:
        found = found.filter(_condition(asked.view, viewer.user_id))
        found = found.filter(owner=asked.owner) if asked.owner else found
    return Narrowed(filtered(found, asked.wanted, me=viewer.user_id, now=asked.now), is_partial)


@lru_cache
def _rows_query(view: View, *, has_owner: bool, is_below: bool) -> Seen[tuple[Any, ...]]:
    def ask(
        seen: ConversationQuerySet, me: Any, inbox: Any, owner: Any, at: Any, public_id: Any
    ) -> "QuerySet[Conversation, tuple[Any, ...]]":
        chosen = seen.filter(_condition(view, me), inbox=inbox)
        chosen = chosen.filter(owner=owner) if has_owner else chosen
        sort = Sort.WAITING if view is View.WAITING else Sort.NEWEST
        below = _below(chosen, at, public_id, sort) if is_below else chosen
        return _in_order(below, me, sort)

    return Seen(ask)


def _in_order(
    conversations: ConversationQuerySet, me: Any, sort: Sort = Sort.NEWEST
) -> "QuerySet[Conversation, tuple[Any, ...]]":
    ordered = conversations.order_by(*sort.ordering)
    marks = (_Number(_unread(me)), Exists(drafted(me)))
    return ordered.values_list(*marks, *FIELDS)[: ROWS + 1]


def _unread(me: Any) -> "QuerySet[Message, Any]":
    """What customers wrote in the conversation at hand after the reader's cursor."""
    cursor = ReadCursor.objects.filter(user=me, conversation=OuterRef(OuterRef("pk")))
    read = Coalesce(Subquery(cursor.values("seq")[:1]), Value(0), output_field=IntegerField())
    written = Message.objects.filter(conversation=OuterRef("pk"), direction=Message.Direction.IN)
    return written.exclude(ATTACHED_REACTIONS).filter(seq__gt=read).order_by().values("pk")


def _condition(view: View, me: Any) -> Q:
    is_open = Q(status=Conversation.Status.OPEN)
    return {
        View.MINE: is_open & Q(owner=me),
        View.UNASSIGNED: is_open & Q(owner=None),
        View.OPEN: is_open,
        View.WAITING: is_open & Q(waiting_since__isnull=False),
        View.SNOOZED: Q(status=Conversation.Status.SNOOZED),
        View.CLOSED: Q(status=Conversation.Status.CLOSED),
        View.MENTIONS: Q(Exists(_mentioned(me))),
    }[view]


def _counted_condition(view: View, me: Any) -> Q:
    """Of mentions those are counted that their reader has not read."""
    if view is not View.MENTIONS:
        return _condition(view, me)
    return Q(Exists(unread_mentions(_mentioned(me))), is_hidden=False)


def _mentioned(me: Any) -> "QuerySet[Participant]":
    parts = Participant.objects.filter(user=me, ended_at=None, mentioned_seq__isnull=False)
    return parts.filter(conversation=OuterRef("pk"))


def cursor_of(row: Row, sort: Sort = Sort.NEWEST) -> str:
    """Say where a page ends, so that the next one begins there."""
    at: datetime = getattr(row, sort.field)
    place = f"{int(at.timestamp() * MICROSECONDS)}.{row.public_id}"
    return f"{place}.{row.priority}" if sort is Sort.PRIORITY else place


class _Place(NamedTuple):
    """Where a page ended: a row's moment and id, and its priority where that counts first."""

    at: datetime
    public_id: str
    priority: str


def _place_of(cursor: str, sort: Sort) -> _Place:
    micros, _, rest = cursor.partition(".")
    public_id, _, priority = rest.partition(".")
    if not micros.isdecimal() or len(micros) > 17 or "\0" in public_id:
        raise Http404("No such page.")
    if sort is Sort.PRIORITY and priority not in URGENCY:
        raise Http404("No such page.")
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micros))
    return _Place(at, public_id, priority)


def _below(
    conversations: ConversationQuerySet, at: Any, public_id: Any, sort: Sort = Sort.NEWEST
) -> ConversationQuerySet:
    same = Conversation.objects.filter(public_id=public_id).values("pk")[:1]
    return conversations.filter(sort.after(at, Subquery(same)))


def counts_of(viewer: Viewer, inbox: TeamInbox) -> dict[str, int]:
    """Count each part of the list up to a hundred, in one query."""
    return _head_and_counts(viewer, inbox)[1]


def unread_among(viewer: Viewer, inbox: TeamInbox, public_ids: Sequence[str]) -> dict[str, int]:
    """Count what this reader has not read in each of these conversations that they see now."""
    seen = conversations_of(viewer).filter(inbox=inbox, public_id__in=public_ids).order_by()
    return dict(seen.values_list("public_id", _Number(_unread(viewer.user_id))))


def _head_and_counts(viewer: Viewer, inbox: TeamInbox) -> tuple[int, dict[str, int]]:
    nothing = (0,) * (1 + len(COUNTED_VIEWS))
    numbers = next(iter(_COUNTED.all(viewer, inbox=inbox.pk)), nothing)
    return _as_told(numbers)


def _as_told(numbers: Iterable[int]) -> tuple[int, dict[str, int]]:
    head, *found = numbers
    return head, dict(zip(map(str, COUNTED_VIEWS), found, strict=True))


def _numbers(seen: ConversationQuerySet, me: Any, inbox: Any) -> list[Any]:
    """The expressions of an inbox's head and counts; `inbox` is where its key is found."""
    head = InboxCounter.objects.filter(inbox=inbox).values("seq")
    parts = [
        seen.filter(_counted_condition(view, me), inbox=inbox).order_by().values("pk")[:COUNT_LIMIT]
        for view in COUNTED_VIEWS
    ]
    return [Coalesce(Subquery(head), 0), *map(_Number, parts)]


def _counted(
    seen: ConversationQuerySet, me: Any, inbox: Any
) -> "QuerySet[TeamInbox, tuple[int, ...]]":
    return TeamInbox.objects.filter(pk=inbox).values_list(*_numbers(seen, me, inbox))


_COUNTED = Seen(_counted)


def _inboxes_beside(viewer: Viewer, slug: str) -> list[TeamInbox]:
    """Return the inboxes of `inboxes_of`, the named one with its head and counts, in one query."""
    teams = teams_of(viewer)
    return _BESIDE.all(viewer, slug=slug, of_account=viewer.account_id, teams=teams)


def _beside(
    seen: ConversationQuerySet, me: Any, slug: Any, of_account: Any, teams: Any
) -> "QuerySet[TeamInbox, TeamInbox]":
    numbers = _numbers(seen, me, OuterRef("pk"))
    only_there = (Case(When(slug=slug, then=number)) for number in numbers)
    told = dict(zip(_TOLD, only_there, strict=True))
    in_use = Sender.objects.in_use().filter(inbox=OuterRef("pk"))
    return inboxes_for(me, of_account, teams).annotate(**told, **{_HAS_NUMBER: Exists(in_use)})


_BESIDE = Seen(_beside)
_HAS_NUMBER = "told_has_number"
_TOLD = ("told_head", *(f"told_{view}" for view in COUNTED_VIEWS))


def _told(inbox: TeamInbox) -> tuple[int, dict[str, int]] | None:
    """Return what `_inboxes_beside` found of an inbox, if it came from there."""
    found = vars(inbox)
    return _as_told(found[name] for name in _TOLD) if _TOLD[0] in found else None


def _owners(inbox: TeamInbox) -> tuple[Owner, ...]:
    people = User.objects.filter(memberships__team=inbox.pk, is_active=True).order_by("name")
    return tuple(Owner(*facts) for facts in people.values_list("pk", "name"))
