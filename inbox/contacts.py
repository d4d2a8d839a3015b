"""Who is writing? Find or make the contact, the address and the thread of a customer."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from accounts.audit import record
from accounts.prepared import Prepared
from compliance.addresses import Address, parse_address
from compliance.consent import consent_of
from compliance.models import AccountKeyword, ConsentState
from inbox.linked import bind_linked
from inbox.models import (
    Contact,
    ContactAddress,
    CrmAnswer,
    Erasure,
    LegalHold,
    Sender,
    Thread,
)
from routing.marks import Attributes, with_attributes, with_tags


def locked_thread(
    sender: Sender,
    address: Address,
    *,
    now: datetime,
    our_address: str,
    profile_name: str = "",
    other_addresses: Sequence[str] = (),
) -> Thread:
    """Return the thread between a sender and a customer, locked; make it if it is new.

    Whoever holds the lock orders the thread. In the usual case this is one query.
    """
    others = tuple(parse_address(other) for other in other_addresses)
    thread = _find(sender, address.key)
    if thread is None:
        thread = _make(sender, address, others, our_address, profile_name, now=now)
    elif others:
        # One and the same row, whose facts may change by being joined with another's.
        thread.address.contact = thread.contact
        _learn_aliases(thread.address, others, now=now)
    if profile_name and thread.contact.profile_name != profile_name:
        thread.contact.profile_name = profile_name
        thread.contact.save(update_fields=["profile_name"])
    thread.sender = sender
    return thread


def address_of(thread: Thread) -> Address:
    """Return the one address that a thread's consent is kept under and its answers go to."""
    address = thread.address
    return Address(
        family=address.family,
        key=address.key,
        raw=thread.customer_address,
        phone=address.phone,
        is_repliable=address.is_repliable,
    )


def is_opted_out(thread: Thread) -> bool:
    """Say whether the consent of a thread's address is withdrawn now."""
    consent = consent_of(thread.account_id, address_of(thread))
    return consent is not None and consent.state == ConsentState.OPTED_OUT


_KEYWORDS = AccountKeyword.objects.filter(account=OuterRef("account"))


def _whole_threads() -> QuerySet[Thread]:
    """Return threads, to be locked, with what a message needs: who writes, and in which words."""
    return (
        Thread.objects.select_for_update(of=("self",), no_key=True)
        .select_related("address", "contact")
        .annotate(has_own_keywords=Exists(_KEYWORDS))
    )


_THREAD = Prepared(
    lambda sender, account, key: _whole_threads().filter(
        sender=sender, address__account=account, address__key=key
    )
)


def _find(sender: Sender, key: str) -> Thread | None:
    return _THREAD.first(sender=sender.pk, account=sender.account_id, key=key)


def _make(
    sender: Sender,
    address: Address,
    others: tuple[Address, ...],
    our_address: str,
    profile_name: str,
    *,
    now: datetime,
) -> Thread:
    # Two first messages at once must not make two contacts: the address text is the lock.
    lock_text(f"contact:{sender.account_id}:{address.phone or address.key}")
    known = _known_address(sender.account_id, address)
    if known is None:
        known = _new_address(sender.account_id, address, others, profile_name)
    target = known.alias_of or known
    _learn_aliases(target, others, now=now)
    Thread.objects.bulk_create(
        [
            Thread(
                account_id=sender.account_id,
                sender=sender,
                address=target,
                contact_id=target.contact_id,
                our_address=our_address,
                customer_address=address.raw,
            )
        ],
        ignore_conflicts=True,
    )
    return _whole_threads().get(sender=sender, address=target)


def _known_address(account_id: int, address: Address) -> ContactAddress | None:
    return (
        ContactAddress.objects.select_related("alias_of")
        .filter(account=account_id, key=address.key)
        .first()
    )


def _new_address(
    account_id: int, address: Address, others: tuple[Address, ...], profile_name: str
) -> ContactAddress:
    """Make an address; it joins the contact who has the same phone number or user id already."""
    alias = next((found for other in others if (found := _known_address(account_id, other))), None)
    contact = alias.contact if alias else _contact_with_phone(account_id, address.phone)
    if contact is None:
        contact = Contact.objects.create(account_id=account_id, profile_name=profile_name)
    return _store_address(account_id, contact, address, alias_of=alias)


def _contact_with_phone(account_id: int, phone: str) -> Contact | None:
    if not phone:
        return None
    return Contact.objects.filter(account=account_id, addresses__phone=phone).order_by("pk").first()


def _store_address(
    account_id: int, contact: Contact, address: Address, alias_of: ContactAddress | None = None
) -> ContactAddress:
    target = (alias_of.alias_of or alias_of) if alias_of else None
    return ContactAddress.objects.create(
        account_id=account_id,
        contact=contact,
        key=address.key,
        family=address.family,
        raw=address.raw,
        phone=address.phone,
        is_repliable=address.is_repliable,
        alias_of=target,
    )


def _learn_aliases(target: ContactAddress, others: Sequence[Address], *, now: datetime) -> None:
    """Remember further names of the same WhatsApp account.

    A name that has its own thread already keeps it; the contact is joined, and an opt-out on
    either binds both.
    """
    has_joined = False
    for other in others:
        known = _known_address(target.account_id, other)
        if known is None:
            _store_address(target.account_id, target.contact, other, alias_of=target)
        elif known.contact_id != target.contact_id:
            join_contacts(keep=target.contact, absorb=known.contact)
            has_joined = True
    if has_joined:
        bind_linked(target.contact, now=now)


def join_contacts(*, keep: Contact, absorb: Contact) -> None:
    """Make two contacts one: everything of `absorb` belongs to `keep` afterwards.

    Who was blocked under either name stays blocked; what `keep` does not say of itself it takes
    over, tags and attributes too, as far as there is room for them.
    """
    # As they are now: somebody may have written on either card since they were read. Only one is
    # locked: whoever holds a thread of the other may wait for this one.
    keep.refresh_from_db(from_queryset=Contact.objects.select_for_update(no_key=True))
    absorb.refresh_from_db()
    keep.is_blocked = keep.is_blocked or absorb.is_blocked
    keep.owner = keep.owner or absorb.owner
    for field in ("name", "profile_name", "language"):
        setattr(keep, field, getattr(keep, field) or getattr(absorb, field))
    keep.notes = "\n\n".join(filter(None, [keep.notes, absorb.notes]))
    keep.tags = list(with_tags(keep.tags, absorb.tags).all)
    own = {name.casefold() for name in keep.attributes}
    theirs = {name: it for name, it in absorb.attributes.items() if name.casefold() not in own}
    keep.attributes = dict(with_attributes(keep.attributes, theirs).all)
    keep.save()
    ContactAddress.objects.filter(contact=absorb).update(contact=keep)
    Thread.objects.filter(contact=absorb).update(contact=keep)
    absorb.conversations.update(contact=keep)
    _leave_nothing(keep, absorb)


def _leave_nothing(keep: Contact, absorb: Contact) -> None:
    """Let what is said of a person stand in one place: what is held or erased is then all of it."""
    CrmAnswer.objects.filter(contact=absorb).delete()
    if not LegalHold.objects.filter(contact=keep, lifted_at=None).exists():
        LegalHold.objects.filter(contact=absorb, lifted_at=None).update(contact=keep)
    begins = (Erasure.State.HELD, Erasure.State.ASKED)
    Erasure.objects.filter(contact=absorb, state__in=begins).update(contact=keep)
    absorb.name = absorb.profile_name = absorb.language = absorb.notes = ""
    absorb.tags, absorb.attributes = [], {}
    absorb.save()


def apply_attributes(
    contact: Contact, attributes: Mapping[str, object], *, source: str, now: datetime
) -> Attributes:
    """Set what a machine knows of a contact; return what is there now, what changed, what not.

    None removes one. What does not fit is left out and said (`routing.marks`); nothing raises.
    `source` names who said so, such as a Data Action, in the audit log: the names of what changed,
    no values. Call it in a transaction that holds a thread of the contact, before its conversation
    is locked.
    """
    row = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
    found = with_attributes(row.attributes, attributes)
    contact.attributes = dict(found.all)
    if found.changed:
        contact.save(update_fields=["attributes"])
        record(
            action="contact_attributes_set",
            subject=f"contact {contact.public_id}",
            account_id=contact.account_id,
            nobody=source[:120],
            now=now,
            attributes=list(found.changed),
        )
    return found


def lock_text(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [text])
