"""Which addresses are one person's? Consent given or withdrawn on one counts for its family.

Compliance knows addresses as text only; that several of them are one contact's is known here.
"""

from datetime import datetime

from compliance.addresses import Address, parse_address
from compliance.consent import bind_opt_outs
from inbox.models import Contact, ContactAddress


def linked_addresses(contact_id: int, address: Address) -> tuple[Address, ...]:
    """Return the contact's other addresses of the same channel family, as they are now.

    The thread must be locked, and the contact is locked until the transaction ends: whoever joins
    another contact to this one waits, and binds its consents afterwards.
    """
    return tuple(
        other
        for other in _locked_addresses(contact_id)
        if other.consent_family == address.consent_family
        and other.consent_key != address.consent_key
    )


def bind_linked(contact: Contact, *, now: datetime) -> None:
    """Let an opt-out on any address of a contact bind the others of its channel family.

    Call it when addresses turned out to be one person's, after their threads were given over.
    """
    bind_opt_outs(contact.account_id, _locked_addresses(contact.pk), now=now)


def _locked_addresses(contact_id: int) -> list[Address]:
    """Lock the contact and return its addresses, one of those that share a consent."""
    Contact.objects.select_for_update(no_key=True).only("pk").get(pk=contact_id)
    keys = ContactAddress.objects.filter(contact=contact_id).order_by("key")
    parsed = [parse_address(key) for key in keys.values_list("key", flat=True)]
    return list({address.consent_key: address for address in parsed}.values())
