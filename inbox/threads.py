"""What does the page of a conversation show, in a fixed number of queries?

It starts from `access.conversations_of(viewer)`: nothing on a page comes from a conversation its
reader may not see.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from phonenumbers import timezone

from accounts.access import Viewer, licensed_members
from accounts.models import Membership, User
from compliance.addresses import numbered, parse_address
from compliance.asking_settings import asking_of
from compliance.evidence import EVERY_PROGRAMME, Quality
from compliance.models import Consent, ConsentState
from inbox.abilities import Ability, abilities_of, may_remove, part_of
from inbox.access import conversations_of
from inbox.attendance import State, states_in
from inbox.cards import may_block_here, may_change, seen_mark
from inbox.desk import Desk, desk_of
from inbox.fragments import bubble_queryset
from inbox.labels import words_about
from inbox.lookups.asking import known_of
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    ConversationEvent,
    Message,
    ReadCursor,
    TeamInbox,
)
from inbox.models.message import ATTACHED_REACTIONS
from inbox.opting_in import why_unasked
from inbox.said_elsewhere import may_forbid, noted_opt_out
from routing.marks import Kind, kind_of, words_of

ITEMS = 40
ITEMS_AFTER = 200
EVENTS = 300
ZONES = 8
OTHERS = 8
MOST_MEDIA = 120


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
    new_after: int = 0
    found: str = ""
    may_remove: bool = False


@dataclass(frozen=True)
class AddressCard:
    """One way to reach a contact, and what they consented to on it, also for each programme of
    which they said something apart, by its name."""

    address: ContactAddress
    consent: Consent | None
    zones: Sequence[str] = ()
    programmes: Sequence[tuple[str, Consent]] = ()


@dataclass(frozen=True)
class AttributeCard:
    """An attribute of a contact: its words, and what a form to change it sends back as `seen`.

    `is_masked`: its reader does not see all of it, and so does not change it.
    """

    name: str
    kind: Kind
    words: str
    seen: str
    is_masked: bool = False


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
    has_more_others: bool = False
    attributes: Sequence[AttributeCard] = ()
    known: Sequence[KnownCard] = ()
    may_mark: bool = False
    may_forbid: bool = False
    # Whether the reader writes on the card, and what tells it from the same card later.
    may_change: bool = False
    seen: str = ""
    # Whether they may block the contact, or let them in again.
    may_block: bool = False
    consent: Consent | None = None
    is_noted: bool = False
    why_unasked: str = ""

    @property
    def is_out(self) -> bool:
        """Say whether the customer is opted out where this conversation is."""
        return self.consent is not None and self.consent.state == ConsentState.OPTED_OUT

    @property
    def may_opt_in(self) -> bool:
        """Say whether it makes sense to note that they agreed: not where it would add nothing."""
        if self.consent is None:
            return True
        is_proven = self.consent.quality == Quality.FIRST_HAND
        is_in = self.consent.state == ConsentState.OPTED_IN and is_proven
        return not is_in and self.consent.state != ConsentState.HELD

    @property
    def written_on(self) -> str:
        """Return the conversation on which this reader marks addresses; blank if they may not."""
        return self.conversation.public_id if self.may_mark else ""

    @property
    def no_contact_since(self) -> datetime | None:
        """Return since when nobody may write to them, if so."""
        return self.consent.no_contact_at if self.consent else None


@dataclass(frozen=True)
class Month:
    """A month in which files came or went, and these, the newest first."""

    begins: date
    files: Sequence[Attachment]


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

    colleagues: Sequence[Colleague]
    inboxes: Sequence[TeamInbox] = field(default_factory=tuple)
    conversation: Conversation | None = None


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
    read_seq, new_after = _reading(viewer, conversation)
    target = _place_of(conversation, found) if found else None
    return ThreadPage(
        conversation=conversation,
        timeline=timeline(
            viewer, conversation, around=target.seq if target else None, before=before
        ),
        desk=desk_of(viewer, user, conversation, now=now),
        read_seq=read_seq,
        new_after=new_after,
        found=target.public_id if target else "",
        may_remove=may_remove(viewer, conversation),
    )


def _reading(viewer: Viewer, conversation: Conversation) -> tuple[int, int]:
    """Return up to which number somebody has read, and after which all is new to them.

    Who has read nothing yet begins with the first words of this conversation: what came in earlier
    ones of the thread is not new.
    """
    cursor = ReadCursor.objects.filter(user=viewer.user_id, conversation=OuterRef("pk"))
    written = Message.objects.filter(conversation=OuterRef("pk"), direction=Message.Direction.IN)
    first = written.exclude(ATTACHED_REACTIONS).order_by("seq").values("seq")[:1]
    rows = Conversation.objects.filter(pk=conversation.pk).order_by()
    read_seq, first_seq = rows.values_list(
        Coalesce(Subquery(cursor.values("seq")[:1]), 0), Coalesce(Subquery(first), 1)
    ).get()
    return read_seq, read_seq or first_seq - 1


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
    segments = _segments(viewer, conversation)
    messages = _readable(bubble_queryset(), conversation, segments)
    stretch = _Stretch.read(messages, before=before, after=after, around=around)
    for message in stretch.messages:
        # Who writes in a thread is one contact, and it is at hand.
        message.thread.contact = conversation.contact
        message.thread.address = conversation.thread.address
    events = ConversationEvent.objects.filter(
        stretch.holds(), thread=conversation.thread_id, conversation__in=segments
    ).order_by("-after_seq", "-pk")[:EVENTS]
    return Timeline(
        items=woven(stretch.messages, list(events)),
        has_earlier=stretch.has_earlier,
        has_later=stretch.has_later,
        first_seq=stretch.messages[0].seq if stretch.messages else 0,
        last_seq=stretch.messages[-1].seq if stretch.messages else 0,
    )


def _segments(viewer: Viewer, conversation: Conversation) -> list[int]:
    """Return those conversations of a thread that this reader may see."""
    seen = conversations_of(viewer).filter(thread=conversation.thread_id)
    return list(seen.values_list("pk", flat=True))


def _readable(
    messages: QuerySet[Message], conversation: Conversation, segments: Iterable[int]
) -> QuerySet[Message]:
    """Keep a thread's messages of these segments, and those that belong to none (keywords).

    Reactions that are drawn at other messages are left out.
    """
    of_them = Q(conversation__in=segments) | Q(conversation=None)
    return messages.filter(of_them, thread=conversation.thread_id).exclude(ATTACHED_REACTIONS)


def beginning_of(day: str, zone: str) -> datetime | None:
    """Return when a day (`2026-11-27`) begins in a time zone; None where there is no such day."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), tzinfo=ZoneInfo(zone))
    except (ValueError, OSError, KeyError):
        return None


def first_since(viewer: Viewer, conversation: Conversation, begins: datetime) -> Message | None:
    """Find the first message from a moment on that this reader may see; after all, the last."""
    every = _readable(Message.objects.all(), conversation, _segments(viewer, conversation))
    later = every.filter(created_at__gte=begins).order_by("seq").first()
    return later or every.order_by("-seq").first()


def quoted_by(viewer: Viewer, conversation: Conversation, public_id: str) -> Message | None:
    """Find what a message of this thread answers, if it is there and this reader may see it."""
    every = _readable(Message.objects.all(), conversation, _segments(viewer, conversation))
    answer = every.filter(public_id=public_id).values("reply_to")[:1]
    return every.filter(pk__in=answer).first()


@dataclass(frozen=True)
class _Stretch:
    """Neighbouring messages in order, and whether more lie on either side."""

    messages: list[Message]
    has_earlier: bool
    has_later: bool
    below: int | None = None
    above: int | None = None

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
            return cls(found[:ITEMS_AFTER], True, len(found) > ITEMS_AFTER, above=after)
        if around is not None:
            half = ITEMS // 2
            older = list(up.filter(seq__lte=around)[: half + 1])
            newer = list(down.filter(seq__gt=around)[: half + 1])
            both = older[:half][::-1] + newer[:half]
            return cls(both, len(older) > half, len(newer) > half)
        older = list((up.filter(seq__lt=before) if before is not None else up)[: ITEMS + 1])
        return cls(older[:ITEMS][::-1], len(older) > ITEMS, False, below=before)

    def holds(self) -> Q:
        """Match the events that happened within this stretch.

        What happened right behind the message `above` belongs to it: a page that keeps few lines
        may have that message and no longer what came behind it.
        """
        inside = Q()
        if self.above is not None:
            inside &= Q(after_seq__gte=self.above)
        elif self.messages and self.has_earlier:
            inside &= Q(after_seq__gte=self.messages[0].seq)
        if self.messages and self.has_later:
            inside &= Q(after_seq__lte=self.messages[-1].seq)
        if self.below is not None:
            inside &= Q(after_seq__lt=self.below)
        return inside


def woven(messages: Sequence[Message], events: Sequence[ConversationEvent]) -> list[Item]:
    """Put messages and what happened into one order."""
    keyed = [((message.seq, 0, 0), Item(message=message)) for message in messages]
    keyed += [((event.after_seq, 1, event.pk), Item(event=event)) for event in events]
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


def _place_of(conversation: Conversation, public_id: str) -> Message | None:
    """Find a message of the thread, or the one at which it is drawn."""
    rows = Message.objects.filter(thread=conversation.thread_id).select_related("reply_to")
    found = rows.filter(public_id=public_id).first()
    return found.reply_to if found and found.is_attached else found


# --- Beside the thread ---------------------------------------------------------------------------


def panel_page(viewer: Viewer, conversation: Conversation, *, now: datetime) -> PanelPage:
    """Read what this reader may know about the contact."""
    seen = conversations_of(viewer).filter(contact=conversation.contact_id)
    ways = conversation.contact.addresses.select_related("out_of_reach_by")
    addresses = list(ways.filter(alias_of=None).order_by("pk")[:20])
    photos = Attachment.objects.filter(
        message__conversation__in=seen,
        state=Attachment.State.READY,
        look__in=(Attachment.Look.IMAGE, Attachment.Look.VIDEO),
    )
    beside = seen.exclude(pk=conversation.pk).select_related("inbox", "owner", "thread__address")
    others = list(beside.order_by("-last_activity_at")[: OTHERS + 1])
    abilities = abilities_of(viewer, conversation, part_of(viewer, conversation))
    cards = address_cards(conversation.account_id, addresses)
    here = conversation.thread.address_id
    can_change = may_change(viewer) and conversation.contact.erased_at is None
    consent = next((card.consent for card in cards if card.address.pk == here), None)
    is_out = consent is not None and consent.state == ConsentState.OPTED_OUT
    waits = consent is not None and consent.state == ConsentState.PENDING
    return PanelPage(
        conversation=conversation,
        consent=consent,
        is_noted=is_out and noted_opt_out(conversation.thread) is not None,
        why_unasked=why_unasked(conversation.thread, now=now) if waits else "",
        may_forbid=may_forbid(viewer, conversation),
        may_change=can_change,
        seen=seen_mark(conversation.contact),
        may_block=can_change
        if conversation.contact.is_blocked
        else may_block_here(viewer, conversation, abilities),
        attributes=attributes_of(conversation.contact),
        known=known_cards(conversation.contact),
        may_mark=Ability.TAG in abilities,
        addresses=cards,
        others=others[:OTHERS],
        has_more_others=len(others) > OTHERS,
        photos=list(photos.select_related("message").order_by("-pk")[:9]),
    )


def media_by_month(viewer: Viewer, conversation: Conversation) -> tuple[list[Month], bool]:
    """List the latest files of a contact that this reader may see, the newest month first.

    Months are those of the inbox's time zone. Says as well whether there are more.
    """
    seen = conversations_of(viewer).filter(contact=conversation.contact_id)
    files = (
        Attachment.objects.filter(message__conversation__in=seen, state=Attachment.State.READY)
        .select_related("message")
        .order_by("-message__created_at", "-pk")[: MOST_MEDIA + 1]
    )
    found = list(files)
    zone = ZoneInfo(conversation.inbox.zone)
    months: dict[date, list[Attachment]] = {}
    for file in found[:MOST_MEDIA]:
        assert file.message is not None
        day = file.message.created_at.astimezone(zone).date()
        months.setdefault(day.replace(day=1), []).append(file)
    return [Month(begins, of_it) for begins, of_it in months.items()], len(found) > MOST_MEDIA


def attributes_of(contact: Contact) -> list[AttributeCard]:
    """List what is known of a contact by name."""
    found = sorted(contact.attributes.items(), key=lambda one: one[0].casefold())
    return [_attribute(contact, name, value) for name, value in found]


def _attribute(contact: Contact, name: str, value: Any) -> AttributeCard:
    words = words_of(value)
    shown = words_about(contact, words)
    if shown != words:
        return AttributeCard(name, kind_of(value), shown, "", is_masked=True)
    return AttributeCard(name, kind_of(value), words, json.dumps(value))


def known_cards(contact: Contact) -> list[KnownCard]:
    """List what CRMs said of a contact."""
    return [
        KnownCard(
            answer.connector.name,
            answer.answered_at,
            [(name, words_about(contact, words_of(value))) for name, value in answer.facts.items()],
            [words_about(contact, words) for words in answer.left_out],
        )
        for answer in known_of(contact)
    ]


def address_cards(account_id: int, addresses: Sequence[ContactAddress]) -> list[AddressCard]:
    """List ways to reach a contact, with what was consented to on each."""
    keys = {address.pk: parse_address(address.key).consent_key for address in addresses}
    rows = list(Consent.objects.filter(account=account_id, address__in=keys.values()))
    consents = {one.address: one for one in rows if one.programme == EVERY_PROGRAMME}
    apart = [one for one in rows if one.programme != EVERY_PROGRAMME]
    named = _programme_names(account_id) if apart else {}
    return [
        AddressCard(
            address,
            consents.get(keys[address.pk]),
            zones_of(address.phone),
            [
                (named.get(one.programme, one.programme), one)
                for one in sorted(apart, key=lambda one: one.programme)
                if one.address == keys[address.pk]
            ],
        )
        for address in addresses
    ]


def _programme_names(account_id: int) -> dict[str, str]:
    return {one.code: one.name for one in asking_of(account_id).programmes}


def zones_of(phone: str) -> tuple[str, ...]:
    """Name the time zones a number may be in; none if it could be anywhere."""
    number = numbered(phone)
    zones = timezone.time_zones_for_number(number) if number else ()
    known = tuple(zone for zone in zones if "/" in zone and not zone.startswith("Etc/"))
    return known if len(known) <= ZONES else ()


def transfer_page(viewer: Viewer, conversation: Conversation, *, now: datetime) -> TransferPage:
    """Read to whom a conversation can be given: colleagues who can work here, other inboxes."""
    inbox, owner = conversation.inbox, conversation.owner_id
    everybody = _colleagues(inbox, now=now)
    people = everybody.exclude(pk=owner or 0).exclude(pk=viewer.user_id if owner else 0)
    return TransferPage(_with_states(people, inbox), _inboxes_beside(viewer, inbox), conversation)


def targets_in(viewer: Viewer, inbox: TeamInbox, *, now: datetime) -> TransferPage:
    """Read to whom conversations of an inbox can be given, whoever has them now."""
    people = _colleagues(inbox, now=now)
    return TransferPage(_with_states(people, inbox), _inboxes_beside(viewer, inbox))


def _colleagues(inbox: TeamInbox, *, now: datetime) -> QuerySet[User]:
    people = licensed_members(inbox.pk, now=now).exclude(
        memberships__team=inbox.pk, memberships__role=Membership.Role.OBSERVER
    )
    return people.distinct().order_by("availability", "name")


def _inboxes_beside(viewer: Viewer, inbox: TeamInbox) -> list[TeamInbox]:
    every = TeamInbox.objects.filter(account=viewer.account_id, is_on=True)
    return list(every.exclude(pk=inbox.pk))


def _with_states(people: Iterable[User], inbox: TeamInbox) -> list[Colleague]:
    states = states_in(inbox.public_id)
    return [Colleague(person, _state_of(person, states)) for person in people]


def _state_of(person: User, states: Mapping[int, State] | None) -> str:
    if states is None:
        return ""
    state = states.get(person.pk, State.OFFLINE)
    is_away = person.availability == User.Availability.AWAY
    return State.AWAY if is_away and state == State.ONLINE else state
