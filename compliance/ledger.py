"""How does an event get into an account's ledger?

One at a time: whoever writes holds the head of the chain until the transaction ends. Consents are
locked before it, in the order of their addresses, and nothing of compliance after it, so that no
two stories wait for each other. An ordinary message writes no event and never comes here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from compliance.addresses import Address
from compliance.chain import commitment, handle, hash_of
from compliance.evidence import NO_WORDING, NOWHERE, Evidence, Wording
from compliance.in_force import rules_in_force
from compliance.models import (
    ConsentChain,
    ConsentDetails,
    ConsentEvent,
    ConsentKey,
    WebEvidence,
)
from compliance.sealing import Opened, new_key, new_salt, seal
from compliance.state_machine import ConsentState
from compliance.whereabouts import whereabouts


def locked_chain(account_id: int, *, now: datetime) -> ConsentChain:
    """Return the head of an account's ledger, locked; begin the ledger if there is none."""
    chain = ConsentChain.objects.select_for_update(no_key=True).filter(account=account_id).first()
    if chain is None:
        new = ConsentChain(account_id=account_id, pepper=new_salt(), begun_at=now)
        ConsentChain.objects.bulk_create([new], ignore_conflicts=True)
        chain = ConsentChain.objects.select_for_update(no_key=True).get(account=account_id)
    return chain


def handle_of(account_id: int, address: Address) -> str | None:
    """Return what stands for an address in an account's ledger; None where no ledger has begun."""
    chain = ConsentChain.objects.filter(account=account_id).only("pepper").first()
    return handle(chain.pepper, address.consent_key) if chain else None


def handles_of(account_id: int, addresses: Iterable[Address]) -> frozenset[str]:
    """Return what stands for addresses in an account's ledger; none where none has begun."""
    chain = ConsentChain.objects.filter(account=account_id).only("pepper").first()
    if chain is None:
        return frozenset()
    return frozenset(handle(chain.pepper, one.consent_key) for one in addresses)


def events_of(account_id: int, address: Address) -> list[ConsentEvent]:
    """Return every event of an address, in the order in which they were recorded."""
    known = handle_of(account_id, address)
    return events_by_handle(account_id, known) if known else []


def events_by_handle(account_id: int, known: str) -> list[ConsentEvent]:
    """Return every event of an address that is known by its handle, in the order recorded."""
    return list(
        ConsentEvent.objects.filter(account=account_id, handle=known)
        .select_related("details__key")
        .order_by("seq")
    )


def append(
    chain: ConsentChain,
    address: Address,
    given: Evidence,
    *,
    state: ConsentState,
    occurred_at: datetime,
    previous: int | None,
    now: datetime,
) -> ConsentEvent:
    """Write one event at the end of a chain that is locked, with what is personal beside it."""
    assert transaction.get_connection().in_atomic_block, "a chain is held by a transaction"
    known = handle(chain.pepper, address.consent_key)
    times = {"occurred_at": occurred_at, "now": now}
    event = next_event(chain, address, known, given, state=state, previous=previous, **times)
    event.save(force_insert=True)
    key = _key(chain.account_id, known, now=now)
    details_of(event, key).save(force_insert=True)
    if (evidence := web_evidence_of(event, key)) is not None:
        evidence.save(force_insert=True)
    chain.save(update_fields=["seq", "head_hash"])
    return event


def next_event(
    chain: ConsentChain,
    address: Address,
    known: str,
    given: Evidence,
    *,
    state: ConsentState,
    occurred_at: datetime,
    previous: int | None,
    now: datetime,
) -> ConsentEvent:
    """Return the event that comes next in a chain, and let the chain end with it; save neither."""
    given = _placed(given, address)
    opened = Opened(new_salt(), given.personal(address.consent_key))
    web = Opened(new_salt(), given.web) if given.web != NOWHERE else None
    event = ConsentEvent(
        account_id=chain.account_id,
        seq=chain.seq + 1,
        prev_hash=chain.head_hash,
        handle=known,
        previous=previous,
        family=address.consent_family,
        state=state,
        occurred_at=occurred_at,
        recorded_at=now,
        recorded_by_id=given.recorded_by,
        details_hash=commitment(opened.salt, opened.personal),
        web_hash=commitment(web.salt, web.personal) if web else "",
        **_same(given),
        **_wording(given.wording),
    )
    event.hash = hash_of(event.body)
    event.opened, event.opened_web = opened, web
    chain.seq, chain.head_hash = event.seq, event.hash
    return event


def details_of(event: ConsentEvent, key: ConsentKey) -> ConsentDetails:
    """Return what is personal in a new event, sealed; it is not saved."""
    assert event.opened is not None
    sealed = seal(key.key, event.opened)
    return ConsentDetails(account_id=event.account_id, event=event, key=key, sealed=sealed)


def web_evidence_of(event: ConsentEvent, key: ConsentKey) -> WebEvidence | None:
    """Return from where on the web a new event was done, sealed, not saved; None if it was not."""
    if event.opened_web is None:
        return None
    return WebEvidence(
        account_id=event.account_id,
        event=event,
        key=key,
        sealed=seal(key.key, event.opened_web),
        recorded_at=event.recorded_at,
    )


def _placed(given: Evidence, address: Address) -> Evidence:
    """Name the country of the number and the rules of today, where nobody knew it better."""
    if given.jurisdiction or given.pack_version:
        return given
    country = whereabouts(address).country
    return replace(given, jurisdiction=country, pack_version=rules_in_force().version)


_SAME: Sequence[str] = (
    "kind",
    "source",
    "programme",
    "basis",
    "quality",
    "expires_at",
    "message_sid",
    "rule_version",
    "file_sha256",
    "jurisdiction",
    "pack_version",
    "supersedes",
    "scope",
)


def _same(given: Evidence) -> dict[str, object]:
    return {name: getattr(given, name) for name in _SAME}


def _wording(shown: Wording) -> dict[str, str]:
    if shown == NO_WORDING:
        return {}
    return {
        "wording_id": shown.id,
        "wording_version": shown.version,
        "wording_language": shown.language,
        "wording_sha256": shown.sha256,
    }


def _key(account_id: int, known: str, *, now: datetime) -> ConsentKey:
    """Return the standing key of an address; the chain must be held, so that none is made twice."""
    key = ConsentKey.objects.filter(account=account_id, handle=known, destroyed_at=None).first()
    return key or ConsentKey.objects.create(
        account_id=account_id, handle=known, key=new_key(), made_at=now
    )
