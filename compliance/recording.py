"""How is consent recorded that somebody gave, took back or was seen to give elsewhere?

The door for forms, imports, agents, admins, other systems and the clock. What arrives as a message
comes through `compliance.consent` instead. Every story here runs in its caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from compliance.addresses import Address
from compliance.evidence import (
    SEEN_BY_US,
    EventKind,
    Evidence,
    Quality,
    Source,
    check_evidence,
)
from compliance.ledger import handle_of
from compliance.models import ConsentEvent, ConsentState
from compliance.standing import Held, lock_addresses, record


@dataclass(frozen=True)
class Recorded:
    """What was recorded, and where the address stands now for its programme.

    It is `superseded` if it is kept as history only: something later counts for more.
    """

    event: ConsentEvent
    state: ConsentState
    superseded: bool = False


class OptInRefusedError(Exception):
    """Nobody but the person undoes an opt-out."""

    reason = (
        "They opted out. Only they can undo it, by texting START, or with new proof of their own "
        "that is dated after the opt-out."
    )

    def __str__(self) -> str:
        return self.reason


class NotCorrectableError(Exception):
    """An event cannot be corrected."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def record_consent(
    *, account_id: int, address: Address, evidence: Evidence, now: datetime
) -> Recorded:
    """Record one thing that happened to the consent of an address.

    Raises EvidenceError naming what is missing, FutureDateError for a date that cannot be,
    OptInRefusedError if it would undo an opt-out that only the person can undo, and
    NotCorrectableError if it supersedes what it may not.
    """
    check_evidence(evidence, now=now)
    [held] = lock_addresses(account_id, [address], now=now)
    if evidence.kind is EventKind.GRANT:
        _check_grant(held, evidence, now=now)
    if evidence.supersedes is not None:
        _check_correctable(held, evidence.supersedes)
    event = record(held, evidence, now=now)
    state = held.of(evidence.programme).state_at(now)
    is_void = evidence.kind is EventKind.GRANT and state is ConsentState.OPTED_OUT
    return Recorded(event, state, superseded=is_void)


def withdraw_event(
    *,
    account_id: int,
    address: Address,
    seq: int,
    reason: str,
    by: int | None,
    now: datetime,
    source: Source = Source.ADMIN,
) -> Recorded:
    """Declare that an event was recorded in error; where the address stands follows.

    The event stays in the ledger; a new one says that it does not count, and why. Raises
    NotCorrectableError for what the person did themselves, and for what is not theirs.
    """
    evidence = Evidence(
        EventKind.VOID,
        source,
        programme=_event(account_id, address, seq).programme,
        supersedes=seq,
        reason=reason,
        recorded_by=by,
    )
    return record_consent(account_id=account_id, address=address, evidence=evidence, now=now)


# What the person did, and we or the carrier saw: nobody may say that it did not happen.
_THEIR_OWN = (SEEN_BY_US - {Source.INBOUND_FUZZY}) | {Source.LINK, Source.PROVIDER_REFUSAL}


def _check_correctable(held: Held, seq: int) -> None:
    event = _event(held.account_id, held.address, seq)
    if event.source in _THEIR_OWN or event.kind == EventKind.ERASED:
        raise NotCorrectableError(
            f"'{event.get_kind_display()}' cannot be taken back by anybody else. "
            f"From where we know it: {event.get_source_display()}."
        )


def _event(account_id: int, address: Address, seq: int) -> ConsentEvent:
    mine = ConsentEvent.objects.filter(
        account=account_id, handle=handle_of(account_id, address), seq=seq
    )
    if (event := mine.first()) is None:
        raise NotCorrectableError(f"There is no event {seq} of this address.")
    return event


def _check_grant(held: Held, evidence: Evidence, *, now: datetime) -> None:
    row = next((row for row in held.rows if row.programme == evidence.programme), held.consent)
    if row.state != ConsentState.OPTED_OUT or evidence.quality == Quality.FIRST_HAND:
        return
    at = evidence.occurred_at or now
    if row.opted_out_at is None or at > row.opted_out_at:
        raise OptInRefusedError
