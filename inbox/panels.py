"""What is in the folds of the contact panel? Fetched after it, in a fixed number of queries.

What waits to be sent, who looks after the contact, what colleagues noted, and from where we know
what they consented to. Nothing in it comes from a conversation that its reader may not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.access import Viewer
from accounts.models import User
from compliance.addresses import parse_address
from compliance.evidence import EVERY_PROGRAMME
from compliance.models import Consent, ConsentEvent, ConsentState
from inbox.abilities import Ability, abilities_of, part_of
from inbox.cards import may_change, seen_mark
from inbox.contact_pages import owners_of
from inbox.models import Contact, ContactAddress, Conversation, Message

MOST_WAITING = 20
WAYS = 20


@dataclass(frozen=True)
class Known:
    """From where we know what was consented to on one address; `by` is who recorded it, if one did.

    Without an event it rests on their having written to us, or on nothing.
    """

    address: ContactAddress
    consent: Consent
    event: ConsentEvent | None = None

    @property
    def has_written(self) -> bool:
        """Say whether it rests on their having written to us."""
        return self.event is None and self.consent.state == ConsentState.CONVERSATIONAL


@dataclass(frozen=True)
class Folds:
    """What one reader may know beside the contact panel. `seen` tells the card from a newer one."""

    conversation: Conversation
    contact: Contact
    waiting: Sequence[Message]
    may_stop: bool
    may_change: bool
    seen: str
    owners: Sequence[User]
    known: Sequence[Known]
    may_prove: bool
    may_erase: bool


def folds_of(viewer: Viewer, user: User, conversation: Conversation, *, now: datetime) -> Folds:
    """Read what is in the folds of a conversation's panel for this reader."""
    contact = conversation.contact
    abilities = abilities_of(viewer, conversation, part_of(viewer, conversation))
    can_change = may_change(viewer) and contact.erased_at is None
    is_own_admin = user.role == User.Role.ACCOUNT_ADMIN and not viewer.is_support
    return Folds(
        conversation=conversation,
        contact=contact,
        waiting=list(_waiting(conversation, now=now)),
        may_stop=Ability.REPLY in abilities,
        may_change=can_change,
        seen=seen_mark(contact),
        owners=owners_of(contact, now=now) if can_change else (),
        known=_known(contact),
        may_prove=is_own_admin or user.role == User.Role.AUDITOR,
        may_erase=is_own_admin,
    )


def _waiting(conversation: Conversation, *, now: datetime) -> "QuerySet[Message]":
    """Return what of a conversation goes later: the first to go first."""
    rows = Message.objects.filter(
        conversation=conversation,
        direction=Message.Direction.OUT,
        status=Message.Status.QUEUED,
        not_before__gt=now,
    )
    return rows.order_by("not_before", "seq")[:MOST_WAITING]


def _known(contact: Contact) -> list[Known]:
    addresses = list(contact.addresses.filter(alias_of=None).order_by("pk")[:WAYS])
    keys = {one.pk: parse_address(one.key).consent_key for one in addresses}
    rows = Consent.objects.filter(
        account=contact.account_id, address__in=keys.values(), programme=EVERY_PROGRAMME
    )
    consents = {one.address: one for one in rows.exclude(state=ConsentState.NONE)}
    seqs = [one.decided_by for one in consents.values() if one.decided_by is not None]
    events = ConsentEvent.objects.filter(account=contact.account_id, seq__in=seqs)
    by_seq = {one.seq: one for one in events.select_related("recorded_by")} if seqs else {}
    return [
        Known(one, consent, by_seq.get(consent.decided_by or 0))
        for one in addresses
        if (consent := consents.get(keys[one.pk]))
    ]
