"""What does a page need to know, in a fixed number of queries?

Every list starts from `access.conversations_of(viewer)`: no row, number or name on a page comes
from a conversation its reader may not see.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import Http404
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from phonenumbers import NumberParseException, parse, timezone

from accounts.access import Viewer, licensed_members
from accounts.models import Membership, User
from compliance.addresses import parse_address
from compliance.models import Consent
from inbox.abilities import Ability, abilities_of, part_of
from inbox.access import Seen, conversations_of, inboxes_of
from inbox.attendance import State, states_in
from inbox.desk import Desk, desk_of
from inbox.fragments import bubble_queryset
from inbox.lookups.asking import known_of
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    ConversationEvent,
    InboxCounter,
    Message,
    ReadCursor,
    TeamInbox,
)
from inbox.models.conversation import ConversationQuerySet
from inbox.rows import COUNT_LIMIT, FIELDS, Row, draw_rows
from inbox.search import search
from routing.marks import Kind, kind_of, words_of

ROWS = 30
ITEMS = 40
ITEMS_AFTER = 200
EVENTS = 300
ZONES = 8
MICROSECONDS = 1_000_000


class View(StrEnum):
    """Which part of the list somebody looks at."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"

    @classmethod
    def named(cls, name: str) -> "View":
        """Return the view of this name, or all that is open."""
        return cls(name) if name in set(cls) else cls.OPEN


COUNTED_VIEWS = (View.MINE, View.UNASSIGNED, View.OPEN, View.SNOOZED)


@dataclass(frozen=True)
class Asked:
    """What somebody asks of a list: which part, which words, whose, from where on."""

    view: View = View.OPEN
    words: str = ""
    owner: int | None = None
    before: str = ""


class RowCard(NamedTuple):
    """One row of the list and how much of it this reader has not read."""

    row: Row
    unread: int = 0


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


@dataclass(frozen=True)
class InboxPage:
    """The list of an inbox for one reader. `head` is older than the rows: catch up from there."""

    inbox: TeamInbox
    inboxes: Sequence[TeamInbox]
    asked: Asked
    head: int
    rows: Sequence[RowCard]
    next_before: str
    counts: dict[str, int]
    owners: Sequence[Owner]
    is_supervisor: bool

    @property
    def has_rows(self) -> bool:
        """Say whether there is anything to show."""
        return bool(self.rows)

    @property
    def rows_html(self) -> SafeString:
        """Draw the rows as they are for this reader."""
        return draw_rows(self.rows)

    @property
    def next_query(self) -> str:
        """Write the query of the address where the list goes on."""
        asked = self.asked
        facts = {"view": asked.view, "q": asked.words, "owner": asked.owner or ""}
        return urlencode({**facts, "before": self.next_before})

    @property
    def chips(self) -> tuple[Chip, ...]:
        """List the views with their numbers; what is closed is not counted."""
        named = (
            (View.MINE, _("Mine"), "g m"),
            (View.UNASSIGNED, _("Unassigned"), "g u"),
            (View.OPEN, _("All open"), "g a"),
            (View.SNOOZED, _("Snoozed"), ""),
            (View.CLOSED, _("Closed"), ""),
        )
        chosen = None if self.asked.words else self.asked.view
        return tuple(
            Chip(view, label, self.counts.get(view), keys, view is chosen)
            for view, label, keys in named
        )


@dataclass(frozen=True)
class Item:
    """One entry of a timeline: a message, or something that happened."""

    message: Message | None = None
    event: ConversationEvent | None = None


@dataclass(frozen=True)
class Timeline:
    """A stretch of a thread, and whether there is more on either side of it."""

    items: Sequence[Item]
    has_earlier: bool
    has_later: bool
    first_seq: int
    last_seq: int


@dataclass(frozen=True)
class ThreadPage:
    """A conversation as one reader sees it."""

    conversation: Conversation
    timeline: Timeline
    desk: Desk
    read_seq: int
    found: str = ""


@dataclass(frozen=True)
class AddressCard:
    """One way to reach a contact, and what they consented to on it."""

    address: ContactAddress
    consent: Consent | None
    zones: Sequence[str] = ()


@dataclass(frozen=True)
class AttributeCard:
    """An attribute of a contact: its words, and what a form to change it sends back as `seen`."""

    name: str
    kind: Kind
    words: str
    seen: str


@dataclass(frozen=True)
class KnownCard:
    """What one CRM said of a contact, and when."""

    source: str
    at: datetime
    facts: Sequence[tuple[str, str]]
    left_out: Sequence[str] = ()


@dataclass(frozen=True)
class PanelPage:
    """What is known about a contact, as far as this reader may know it."""

    conversation: Conversation
    addresses: Sequence[AddressCard]
    others: Sequence[Conversation]
    photos: Sequence[Attachment]
    attributes: Sequence[AttributeCard] = ()
    known: Sequence[KnownCard] = ()
    may_mark: bool = False


@dataclass(frozen=True)
class Colleague:
    """Somebody to whom a conversation can be given, and whether they would notice now.

    `state` is blank when that is not known.
    """

    person: User
    state: str = ""


@dataclass(frozen=True)
class TransferPage:
    """To whom a conversation can be given."""

    conversation: Conversation
    colleagues: Sequence[Colleague]
    inboxes: Sequence[TeamInbox] = field(default_factory=tuple)


# --- The list ------------------------------------------------------------------------------------


def inbox_page(viewer: Viewer, slug: str, asked: Asked) -> InboxPage:
    """Read the list of one inbox. Raises Http404 if the reader has no such inbox."""
    inboxes = inboxes_of(viewer)
    inbox = next((one for one in inboxes if one.slug == slug), None)
    if inbox is None:
        raise Http404("No such inbox.")
    return _list_of(viewer, inbox, inboxes, asked)


def inbox_page_around(viewer: Viewer, conversation: Conversation, asked: Asked) -> InboxPage:
    """Read the list that stands beside an open conversation."""
    return _list_of(viewer, conversation.inbox, inboxes_of(viewer), asked)


def _list_of(
    viewer: Viewer, inbox: TeamInbox, inboxes: Sequence[TeamInbox], asked: Asked
) -> InboxPage:
    # The cursor before the rows: what happens in between is then heard twice, never missed.
    head, counts = _head_and_counts(viewer, inbox)
    found = _page(viewer, inbox, asked)
    rows, rest = found[:ROWS], found[ROWS:]
    is_supervisor = viewer.supervises_team(inbox.pk)
    return InboxPage(
        inbox=inbox,
        inboxes=inboxes,
        asked=asked,
        head=head,
        rows=rows,
        next_before=cursor_of(rows[-1].row) if rest else "",
        counts=counts,
        owners=_owners(inbox) if is_supervisor else (),
        is_supervisor=is_supervisor,
    )


class _Number(Subquery):
    """How many rows a query finds."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS found)"
    output_field = IntegerField()


def _page(viewer: Viewer, inbox: TeamInbox, asked: Asked) -> list[RowCard]:
    """Return the rows of a page, and one row more if there is one."""
    at, public_id = _place_of(asked.before) if asked.before else (None, None)
    if asked.words:
        found = search(conversations_of(viewer).filter(inbox=inbox), asked.words)
        below = _below(found, at, public_id) if at else found
        rows = list(_in_order(below, viewer.user_id))
    else:
        query = _rows_query(asked.view, has_owner=bool(asked.owner), is_below=bool(at))
        values = {"inbox": inbox.pk, "owner": asked.owner, "at": at, "public_id": public_id}
        rows = query.all(viewer, **values)
    return [RowCard(Row.of(shown), unread) for unread, *shown in rows]


@lru_cache
def _rows_query(view: View, *, has_owner: bool, is_below: bool) -> Seen[tuple[Any, ...]]:
    def ask(
        seen: ConversationQuerySet, me: Any, inbox: Any, owner: Any, at: Any, public_id: Any
    ) -> "QuerySet[Conversation, tuple[Any, ...]]":
        chosen = seen.filter(_condition(view, me), inbox=inbox)
        chosen = chosen.filter(owner=owner) if has_owner else chosen
        return _in_order(_below(chosen, at, public_id) if is_below else chosen, me)

    return Seen(ask)


def _in_order(
    conversations: ConversationQuerySet, me: Any
) -> "QuerySet[Conversation, tuple[Any, ...]]":
    ordered = conversations.order_by("-last_activity_at", "-id")
    return ordered.values_list(_Number(_unread(me)), *FIELDS)[: ROWS + 1]


def _unread(me: Any) -> "QuerySet[Message, Any]":
    """What customers wrote in the conversation at hand after the reader's cursor."""
    cursor = ReadCursor.objects.filter(user=me, conversation=OuterRef(OuterRef("pk")))
    read = Coalesce(Subquery(cursor.values("seq")[:1]), Value(0), output_field=IntegerField())
    written = Message.objects.filter(conversation=OuterRef("pk"), direction=Message.Direction.IN)
    return written.filter(seq__gt=read).order_by().values("pk")


def _condition(view: View, me: Any) -> Q:
    is_open = Q(status=Conversation.Status.OPEN)
    return {
        View.MINE: is_open & Q(owner=me),
        View.UNASSIGNED: is_open & Q(owner=None),
        View.OPEN: is_open,
        View.SNOOZED: Q(status=Conversation.Status.SNOOZED),
        View.CLOSED: Q(status=Conversation.Status.CLOSED),
    }[view]


def cursor_of(row: Row) -> str:
    """Say where a page ends, so that the next one begins there."""
    return f"{int(row.last_activity_at.timestamp() * MICROSECONDS)}.{row.public_id}"


def _place_of(cursor: str) -> tuple[datetime, str]:
    micros, _, public_id = cursor.partition(".")
    if not micros.isdecimal() or len(micros) > 17 or "\0" in public_id:
        raise Http404("No such page.")
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micros)), public_id


def _below(conversations: ConversationQuerySet, at: Any, public_id: Any) -> ConversationQuerySet:
    same = Conversation.objects.filter(public_id=public_id).values("pk")[:1]
    is_later = Q(last_activity_at__lt=at) | Q(last_activity_at=at, pk__lt=Subquery(same))
    return conversations.filter(is_later, last_activity_at__lte=at)


def counts_of(viewer: Viewer, inbox: TeamInbox) -> dict[str, int]:
    """Count each part of the list up to a hundred, in one query."""
    return _head_and_counts(viewer, inbox)[1]


def _head_and_counts(viewer: Viewer, inbox: TeamInbox) -> tuple[int, dict[str, int]]:
    nothing = (0,) * (1 + len(COUNTED_VIEWS))
    head, *numbers = next(iter(_COUNTED.all(viewer, inbox=inbox.pk)), nothing)
    return head, {view.value: number for view, number in zip(COUNTED_VIEWS, numbers, strict=True)}


def _counted(
    seen: ConversationQuerySet, me: Any, inbox: Any
) -> "QuerySet[TeamInbox, tuple[int, ...]]":
    parts = [
        seen.filter(_condition(view, me), inbox=inbox).order_by().values("pk")[:COUNT_LIMIT]
        for view in COUNTED_VIEWS
    ]
    head = InboxCounter.objects.filter(inbox=inbox).values("seq")
    return TeamInbox.objects.filter(pk=inbox).values_list(
        Coalesce(Subquery(head), 0), *map(_Number, parts)
    )


_COUNTED = Seen(_counted)


def _owners(inbox: TeamInbox) -> tuple[Owner, ...]:
    people = User.objects.filter(memberships__team=inbox.pk, is_active=True).order_by("name")
    return tuple(Owner(*facts) for facts in people.values_list("pk", "name"))


# --- The thread ----------------------------------------------------------------------------------


def thread_page(
    viewer: Viewer,
    user: User,
    conversation: Conversation,
    *,
    now: datetime,
    found: str = "",
    before: int | None = None,
) -> ThreadPage:
    """Read a conversation: its thread, the reader's desk, and how far they have read.

    It shows the latest, or what lies around the message `found` or before the number `before`.
    """
    cursor = ReadCursor.objects.filter(user=viewer.user_id, conversation=conversation).first()
    target = _seq_of(conversation, found) if found else None
    return ThreadPage(
        conversation=conversation,
        timeline=timeline(viewer, conversation, around=target, before=before),
        desk=desk_of(viewer, user, conversation, now=now),
        read_seq=cursor.seq if cursor else 0,
        found=found if target else "",
    )


def timeline(
    viewer: Viewer,
    conversation: Conversation,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
) -> Timeline:
    """Read a stretch of the thread: the latest, or before, after or around a message.

    Only segments the reader may see, and messages that belong to none (keywords), are in it.
    """
    segments = list(
        conversations_of(viewer).filter(thread=conversation.thread_id).values_list("pk", flat=True)
    )
    messages = bubble_queryset().filter(
        Q(conversation__in=segments) | Q(conversation=None), thread=conversation.thread_id
    )
    stretch = _Stretch.read(messages, before=before, after=after, around=around)
    events = ConversationEvent.objects.filter(
        stretch.holds(), thread=conversation.thread_id, conversation__in=segments
    ).order_by("-after_seq", "-pk")[:EVENTS]
    return Timeline(
        items=_woven(stretch.messages, list(events)),
        has_earlier=stretch.has_earlier,
        has_later=stretch.has_later,
        first_seq=stretch.messages[0].seq if stretch.messages else 0,
        last_seq=stretch.messages[-1].seq if stretch.messages else 0,
    )


@dataclass(frozen=True)
class _Stretch:
    """Neighbouring messages in order, and whether more lie on either side."""

    messages: list[Message]
    has_earlier: bool
    has_later: bool
    below: int | None = None

    @classmethod
    def read(
        cls,
        messages: QuerySet[Message],
        *,
        before: int | None,
        after: int | None,
        around: int | None,
    ) -> "_Stretch":
        up, down = messages.order_by("-seq"), messages.order_by("seq")
        if after is not None:
            found = list(down.filter(seq__gt=after)[: ITEMS_AFTER + 1])
            return cls(found[:ITEMS_AFTER], True, len(found) > ITEMS_AFTER)
        if around is not None:
            half = ITEMS // 2
            older = list(up.filter(seq__lte=around)[: half + 1])
            newer = list(down.filter(seq__gt=around)[: half + 1])
            both = older[:half][::-1] + newer[:half]
            return cls(both, len(older) > half, len(newer) > half)
        older = list((up.filter(seq__lt=before) if before is not None else up)[: ITEMS + 1])
        return cls(older[:ITEMS][::-1], len(older) > ITEMS, False, below=before)

    def holds(self) -> Q:
        """Match the events that happened within this stretch."""
        inside = Q()
        if self.messages and self.has_earlier:
            inside &= Q(after_seq__gte=self.messages[0].seq)
        if self.messages and self.has_later:
            inside &= Q(after_seq__lte=self.messages[-1].seq)
        if self.below is not None:
            inside &= Q(after_seq__lt=self.below)
        return inside


def _woven(messages: Sequence[Message], events: Sequence[ConversationEvent]) -> list[Item]:
    keyed = [((message.seq, 0, 0), Item(message=message)) for message in messages]
    keyed += [((event.after_seq, 1, event.pk), Item(event=event)) for event in events]
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def _seq_of(conversation: Conversation, public_id: str) -> int | None:
    return (
        Message.objects.filter(thread=conversation.thread_id, public_id=public_id)
        .values_list("seq", flat=True)
        .first()
    )


# --- Beside the thread ---------------------------------------------------------------------------


def panel_page(viewer: Viewer, conversation: Conversation) -> PanelPage:
    """Read what this reader may know about the contact."""
    seen = conversations_of(viewer).filter(contact=conversation.contact_id)
    addresses = list(conversation.contact.addresses.filter(alias_of=None).order_by("pk")[:20])
    photos = Attachment.objects.filter(
        message__conversation__in=seen,
        state=Attachment.State.READY,
        look=Attachment.Look.IMAGE,
    ).order_by("-pk")
    abilities = abilities_of(viewer, conversation, part_of(viewer, conversation))
    return PanelPage(
        conversation=conversation,
        attributes=attributes_of(conversation.contact),
        known=known_cards(conversation.contact),
        may_mark=Ability.TAG in abilities,
        addresses=_with_consent(conversation.account_id, addresses),
        others=list(
            seen.exclude(pk=conversation.pk)
            .select_related("inbox", "owner")
            .order_by("-last_activity_at")[:8]
        ),
        photos=list(photos[:9]),
    )


def attributes_of(contact: Contact) -> list[AttributeCard]:
    """List what is known of a contact by name."""
    return [
        AttributeCard(name, kind_of(value), words_of(value), json.dumps(value))
        for name, value in sorted(contact.attributes.items(), key=lambda one: one[0].casefold())
    ]


def known_cards(contact: Contact) -> list[KnownCard]:
    """List what CRMs said of a contact."""
    return [
        KnownCard(
            answer.connector.name,
            answer.answered_at,
            [(name, words_of(value)) for name, value in answer.facts.items()],
            answer.left_out,
        )
        for answer in known_of(contact)
    ]


def _with_consent(account_id: int, addresses: Sequence[ContactAddress]) -> list[AddressCard]:
    keys = {address.pk: parse_address(address.key).consent_key for address in addresses}
    consents = {
        consent.address: consent
        for consent in Consent.objects.filter(account=account_id, address__in=keys.values())
    }
    return [
        AddressCard(address, consents.get(keys[address.pk]), zones_of(address.phone))
        for address in addresses
    ]


def zones_of(phone: str) -> tuple[str, ...]:
    """Name the time zones a number may be in; none if it could be anywhere."""
    try:
        zones = timezone.time_zones_for_number(parse(phone)) if phone else ()
    except NumberParseException:
        return ()
    known = tuple(zone for zone in zones if "/" in zone and not zone.startswith("Etc/"))
    return known if len(known) <= ZONES else ()


def transfer_page(viewer: Viewer, conversation: Conversation, *, now: datetime) -> TransferPage:
    """Read to whom a conversation can be given: colleagues who can work here, other inboxes."""
    people = (
        licensed_members(conversation.inbox_id, now=now)
        .exclude(
            memberships__team=conversation.inbox_id,
            memberships__role=Membership.Role.OBSERVER,
        )
        .exclude(pk=conversation.owner_id or 0)
        .exclude(pk=viewer.user_id if conversation.owner_id else 0)
        .distinct()
        .order_by("availability", "name")
    )
    inboxes = TeamInbox.objects.filter(account=viewer.account_id, is_on=True).exclude(
        pk=conversation.inbox_id
    )
    states = states_in(conversation.inbox.public_id)
    colleagues = [Colleague(person, _state_of(person, states)) for person in people]
    return TransferPage(conversation, colleagues, list(inboxes))


def _state_of(person: User, states: Mapping[int, State] | None) -> str:
    if states is None:
        return ""
    state = states.get(person.pk, State.OFFLINE)
    is_away = person.availability == User.Availability.AWAY
    return State.AWAY if is_away and state == State.ONLINE else state
