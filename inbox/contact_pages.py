"""What do the list of contacts and the page of one show, in a fixed number of queries?

Nothing on them comes from a conversation that their reader may not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.access import Viewer, licensed
from accounts.models import User
from accounts.numbers import number_in
from inbox import labels
from inbox.abilities import Ability, abilities_of, may_begin, part_of
from inbox.access import contacts_of, conversations_of, inboxes_of
from inbox.cards import may_block, may_change, seen_mark
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    MergeLog,
    TeamInbox,
)
from inbox.searching.matching import contacts_named
from inbox.searching.parsing import Query, parse
from inbox.threads import (
    AddressCard,
    AttributeCard,
    KnownCard,
    address_cards,
    attributes_of,
    known_cards,
)

ROWS = 50
CONVERSATIONS = 30
FILES = 30
MERGES = 10
WAYS = 20


@dataclass(frozen=True)
class ContactRow:
    """One line of the list: the contact, one of their addresses, and when they were last heard."""

    contact: Contact
    address: ContactAddress | None
    last_at: datetime | None = None

    @property
    def name(self) -> str:
        """Name them."""
        return name_of(self.contact, self.address)


@dataclass(frozen=True)
class ContactList:
    """A page of contacts, the newest first. `next_before` leads to the rest; blank: no more."""

    query: Query
    rows: Sequence[ContactRow]
    next_before: str = ""
    only_blocked: bool = False


@dataclass(frozen=True)
class ContactPage:
    """A contact as one reader sees them.

    `conversation` is the one on which marks are written, None where the reader may not.
    """

    contact: Contact
    addresses: Sequence[AddressCard]
    attributes: Sequence[AttributeCard]
    known: Sequence[KnownCard]
    conversations: Sequence[Conversation]
    has_more: bool
    files: Sequence[Attachment]
    conversation: Conversation | None
    may_change: bool
    may_block: bool
    seen: str
    owners: Sequence[User] = ()
    merges: Sequence[MergeLog] = ()
    begins_in: Sequence[TeamInbox] = ()

    @property
    def may_mark(self) -> bool:
        """Say whether tags and attributes are theirs to write."""
        return self.conversation is not None

    @property
    def written_on(self) -> str:
        """Return the conversation on which this reader marks addresses; blank if they may not."""
        return self.conversation.public_id if self.conversation else ""

    @property
    def name(self) -> str:
        """Name them."""
        return name_of(self.contact, next((one.address for one in self.addresses), None))


def name_of(contact: Contact, address: ContactAddress | None) -> str:
    """Name a contact, who may have no address any more."""
    return labels.contact_name(contact, address) if address else labels.name_words(str(contact))


# --- The list ------------------------------------------------------------------------------------


def contact_list(
    viewer: Viewer, words: str, *, before: str = "", only_blocked: bool = False
) -> ContactList:
    """Read a page of the contacts this person may see, in three queries."""
    query = parse(words)
    rows = contacts_of(viewer)
    if only_blocked:
        rows = rows.filter(is_blocked=True)
    place, goes_on = number_in(before), 0
    if query.wanted:
        named = contacts_named(rows, viewer.account_id, query, below=place or 0)
        rows, goes_on = Contact.objects.filter(pk__in=named.pks), named.goes_on
    elif place is not None:
        rows = rows.filter(pk__lt=place)
    last = conversations_of(viewer).filter(contact=OuterRef("pk")).order_by("-last_activity_at")
    told = rows.annotate(last_at=Subquery(last.values("last_activity_at")[:1]))
    found = list(told.select_related("owner").order_by("-pk")[: ROWS + 1])
    shown = found[:ROWS]
    first = {one.contact_id: one for one in _addresses(shown)}
    return ContactList(
        query=query,
        rows=[ContactRow(one, first.get(one.pk), one.last_at) for one in shown],
        next_before=str(shown[-1].pk if len(found) > ROWS else goes_on or ""),
        only_blocked=only_blocked,
    )


def _addresses(contacts: Sequence[Contact]) -> "QuerySet[ContactAddress]":
    """Return one address of each: the one they had first."""
    theirs = ContactAddress.objects.filter(contact__in=contacts, alias_of=None)
    return theirs.order_by("contact_id", "pk").distinct("contact_id")


# --- One contact ---------------------------------------------------------------------------------


def contact_page(viewer: Viewer, contact: Contact, *, now: datetime) -> ContactPage:
    """Read what this reader may know of a contact."""
    seen = conversations_of(viewer).filter(contact=contact)
    related = seen.select_related("inbox__account", "owner", "thread__address")
    latest = list(related.order_by("-last_activity_at", "-pk")[: CONVERSATIONS + 1])
    ways = contact.addresses.select_related("out_of_reach_by")
    addresses = ways.filter(alias_of=None).order_by("pk")[:WAYS]
    can_change = may_change(viewer)
    return ContactPage(
        contact=contact,
        addresses=address_cards(contact.account_id, list(addresses)),
        attributes=attributes_of(contact),
        known=known_cards(contact),
        conversations=latest[:CONVERSATIONS],
        has_more=len(latest) > CONVERSATIONS,
        files=list(_files(seen)),
        conversation=_written_on(viewer, latest[:1]),
        may_change=can_change,
        may_block=can_change if contact.is_blocked else may_block(viewer, contact),
        seen=seen_mark(contact),
        owners=owners_of(contact, now=now),
        merges=list(_merges(contact)),
        begins_in=[one for one in inboxes_of(viewer) if may_begin(viewer, one)],
    )


def _written_on(viewer: Viewer, latest: Sequence[Conversation]) -> Conversation | None:
    for one in latest:
        if Ability.TAG in abilities_of(viewer, one, part_of(viewer, one)):
            return one
    return None


def _files(seen: "QuerySet[Conversation]") -> "QuerySet[Attachment]":
    ready = Attachment.objects.filter(message__conversation__in=seen)
    ready = ready.filter(state=Attachment.State.READY).select_related("message")
    return ready.order_by("-pk")[:FILES]


def _merges(contact: Contact) -> "QuerySet[MergeLog]":
    told = MergeLog.objects.filter(kept=contact).select_related("by", "undone_by")
    return told.order_by("-pk")[:MERGES]


def owners_of(contact: Contact, *, now: datetime) -> list[User]:
    """Return who may look after a contact, and who does."""
    able = licensed(now=now).filter(account=contact.account_id).values("pk")
    people = User.objects.filter(Q(pk__in=able) | Q(pk=contact.owner_id or 0))
    return list(people.order_by("name", "pk"))
