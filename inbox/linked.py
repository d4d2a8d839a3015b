"""Which addresses are one person's? Consent given or withdrawn on one counts for its family.

Compliance knows addresses as text only; that several of them are one contact's is known here.
"""

from collections.abc import Iterable
from datetime import datetime

from compliance.addresses import SMS, WHATSAPP, Address, parse_address
from compliance.consent import bind_opt_outs
from compliance.evidence import OptOutScope
from compliance.models import Consent, ConsentState
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


def reached_by_opt_out(
    contact_id: int | None, address: Address, scope: OptOutScope
) -> tuple[Address, ...]:
    """Return the further addresses that an opt-out on this one counts for.

    In the channel family those of the contact. For every channel all of theirs, and each telephone
    number on every channel: nobody need have written there yet. Locks as `linked_addresses` does.
    """
    theirs = _locked_addresses(contact_id) if contact_id else []
    if scope is OptOutScope.EVERY:
        return _once(address, (*theirs, *twins_of((address, *theirs))))
    family = address.consent_family
    return _once(address, (one for one in theirs if one.consent_family == family))


def opted_out_elsewhere(
    account_id: int, contact_id: int | None, address: Address
) -> tuple[Address, ...]:
    """Return the person's addresses of other channels that are opted out: perhaps by what they said
    here, which a START takes back and an error corrects."""
    reached = reached_by_opt_out(contact_id, address, OptOutScope.EVERY)
    others = {
        one.consent_key: one for one in reached if one.consent_family != address.consent_family
    }
    out = Consent.objects.filter(
        account=account_id, address__in=others, state=ConsentState.OPTED_OUT
    )
    return tuple(others[key] for key in sorted(set(out.values_list("address", flat=True))))


def twins_of(addresses: Iterable[Address]) -> Iterable[Address]:
    """Return the telephone numbers among these on every channel."""
    phones = {one.phone for one in addresses if one.phone}
    return (parse_address(f"{family}:{phone}") for phone in sorted(phones) for family in _FAMILIES)


_FAMILIES = (SMS, WHATSAPP)


def _once(address: Address, others: Iterable[Address]) -> tuple[Address, ...]:
    every = {one.consent_key: one for one in others}
    every.pop(address.consent_key, None)
    return tuple(every.values())


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
