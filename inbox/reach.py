"""Which numbers and addresses reach nobody any more?

People say so, and take it back; a message that comes from there takes it back by itself. It says
nothing of consent: the gate lets nothing go there meanwhile, and that is all.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from inbox.marking import Writer, locked_contact, tell_everywhere
from inbox.models import ContactAddress, Conversation, ConversationEvent, Thread
from inbox.refusals import MissingInputError, NotAllowedError
from inbox.story import Story

LONGEST = 200
_FIELDS = ("out_of_reach_at", "out_of_reach_by", "out_of_reach_why")
_REACH = ConversationEvent.Verb.REACH


def mark_out_of_reach(writer: Writer, address_id: int, why: str) -> ContactAddress:
    """Mark an address of the contact as one that reaches nobody. Marked already: nothing changes.

    Raises MissingInputError without a reason or for an address that is not theirs, NotAllowedError
    and its kin for who may not answer.
    """
    why = " ".join(why.replace("\0", "").split())[:LONGEST]
    if not why:
        raise MissingInputError(_("Say why nobody is reached there."))
    with transaction.atomic(durable=True):
        contact, row = locked_contact(writer)
        address = _address(contact.pk, address_id)
        if address.out_of_reach_at:
            return address
        if contact.erased_at:
            raise NotAllowedError(_("This contact was erased."))
        address.out_of_reach_at, address.out_of_reach_by = writer.now, writer.user
        address.out_of_reach_why = why
        address.save(update_fields=_FIELDS)
        story = Story(now=writer.now, actor=writer.user)
        story.record(row, _REACH, did=_did("lost", address, row), reason=why)
        tell_everywhere(story, contact, row, "reach")
    return address


def mark_within_reach(writer: Writer, address_id: int) -> ContactAddress:
    """Take the mark of an address back. Without one nothing changes. Raises as the above."""
    with transaction.atomic(durable=True):
        contact, row = locked_contact(writer)
        address = _address(contact.pk, address_id)
        if address.out_of_reach_at is None:
            return address
        _clear(address)
        address.save(update_fields=_FIELDS)
        story = Story(now=writer.now, actor=writer.user)
        story.record(row, _REACH, did=_did("found", address, row))
        tell_everywhere(story, contact, row, "reach")
    return address


def is_back(thread: Thread, *, wrote_at: datetime) -> bool:
    """Take the mark of a locked thread's address back if its customer wrote after it was made.

    Says whether there was one. Asks the database only where the address carries a mark.
    """
    address = thread.address
    if address.out_of_reach_at is None or wrote_at <= address.out_of_reach_at:
        return False
    _clear(address)
    address.save(update_fields=_FIELDS)
    return True


def tell_back(conversation: Conversation, story: Story) -> None:
    """Say in a conversation that its customer is within reach again, because they wrote."""
    story.record(conversation, _REACH, label="Customer", did="wrote")
    story.contact_updated(conversation, "reach")


def _clear(address: ContactAddress) -> None:
    address.out_of_reach_at = address.out_of_reach_by = None
    address.out_of_reach_why = ""


def _address(contact_id: int, address_id: int) -> ContactAddress:
    found = ContactAddress.objects.filter(contact=contact_id, pk=address_id, alias_of=None).first()
    if found is None:
        raise MissingInputError(_("Choose a number or address of this contact."))
    return found


def _did(what: str, address: ContactAddress, row: Conversation) -> str:
    """Say what was done: with the address of this conversation, or with another of theirs."""
    return what if address.pk == row.thread.address_id else f"{what}_other"
