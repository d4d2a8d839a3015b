"""How is a person forgotten here, while nobody may write to them and the ledger still verifies?

Their keys are destroyed and what was sealed with them deleted. The events stay: without key and
salt they say that something happened to somebody. Who was opted out, held or do-not-contact leaves
a marker, an HMAC of the address, so that a later message to it is still refused
(compliance reference, 5.2). What messages and contacts say of them is forgotten in inbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.addresses import Address
from compliance.evidence import EventKind, Evidence, Source
from compliance.models import (
    Consent,
    ConsentDetails,
    ConsentEvent,
    ConsentKey,
    ConsentState,
    ProviderBlock,
    Suppression,
    WebEvidence,
)
from compliance.standing import Held, lock_addresses, record


@dataclass(frozen=True)
class Erased:
    """What was forgotten of one address, without naming it; goes into the certificate."""

    handle: str
    event_seq: int
    details: int
    is_suppressed: bool


def erase_person(
    *,
    account_id: int,
    addresses: Sequence[Address],
    now: datetime,
    by: int | None = None,
    source: Source = Source.ADMIN,
) -> list[Erased]:
    """Forget everything personal that compliance keeps of these addresses of one account.

    Runs in the caller's transaction, beside the rest of an erasure. Doing it twice forgets what
    came in between; an address that nobody knows leaves only an event that it was erased.
    """
    once = {address.consent_key: address for address in addresses}
    every = lock_addresses(account_id, list(once.values()), now=now)
    return [_erase(held, source=source, by=by, now=now) for held in every]


def _erase(held: Held, *, source: Source, by: int | None, now: datetime) -> Erased:
    was = held.consent
    is_out = was.state in (ConsentState.OPTED_OUT, ConsentState.HELD)
    since, no_contact_at = was.opted_out_at or was.held_at or was.since, was.no_contact_at
    event = record(held, Evidence(EventKind.ERASED, source, recorded_by=by), now=now)
    details = _destroy(event, now=now)
    _forget_rows(held)
    if is_out or no_contact_at:
        state = ConsentState.OPTED_OUT if is_out else ConsentState.NONE
        _suppress(event, state, since=since, no_contact_at=no_contact_at, now=now)
    return Erased(event.handle, event.seq, details, bool(is_out or no_contact_at))


def _destroy(event: ConsentEvent, *, now: datetime) -> int:
    """Destroy the key of an address and delete what it sealed; say how many details went."""
    keys = ConsentKey.objects.filter(account=event.account_id, handle=event.handle)
    gone, _ = ConsentDetails.objects.filter(key__in=keys).delete()
    WebEvidence.objects.filter(key__in=keys).delete()
    keys.filter(destroyed_at=None).update(key="", destroyed_at=now)
    return gone


def _forget_rows(held: Held) -> None:
    key = {"account": held.account_id, "address": held.address.consent_key}
    Consent.objects.filter(**key, family=held.address.consent_family).delete()
    ProviderBlock.objects.filter(**key).delete()


def _suppress(
    event: ConsentEvent,
    state: ConsentState,
    *,
    since: datetime,
    no_contact_at: datetime | None,
    now: datetime,
) -> None:
    Suppression.objects.update_or_create(
        account_id=event.account_id,
        handle=event.handle,
        defaults={
            "family": event.family,
            "state": state,
            "since": since,
            "no_contact_at": no_contact_at,
            "erased_at": now,
        },
    )
