"""How is consent recorded that somebody gave, took back or was seen to give elsewhere?

The door for forms, imports, agents, admins, other systems and the clock. What arrives as a message
comes through `compliance.consent` instead. Every story here runs in its caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.english import noop
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
from compliance.models import Consent, ConsentEvent, ConsentState
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

    reason = noop(
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
    *,
    account_id: int,
    address: Address,
    evidence: Evidence,
    now: datetime,
    others: Sequence[Address] = (),
) -> Recorded:
    """Record one thing that happened to the consent of an address.

    `others` are further addresses of the same person: an opt-out, a hold and their end count for
    them too, a consent does not. What waits to be sent to them is the caller's to cancel.

    Raises EvidenceError naming what is missing, FutureDateError for a date that cannot be,
    OptInRefusedError if it would undo an opt-out that only the person can undo, and
    NotCorrectableError if it supersedes what it may not.
    """
    check_evidence(evidence, now=now)
    held, *linked = lock_addresses(account_id, _once(address, others), now=now)
    check_opt_in(held, evidence, now=now)
    if evidence.supersedes is not None:
        _check_correctable(held, evidence.supersedes)
    event = record(held, evidence, now=now)
    _tell_linked(linked, evidence, event, now=now)
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
    others: Sequence[Address] = (),
) -> Recorded:
    """Declare that an event was recorded in error; where the address stands follows.

    The event stays in the ledger; a new one says that it does not count, and why. What the event
    said for `others`, the same person's further addresses, is withdrawn as well. Raises
    NotCorrectableError for what the person did themselves, and for what is not theirs.
    """
    wrong = _event(account_id, address, seq)
    evidence = Evidence(
        EventKind.VOID,
        source,
        programme=wrong.programme,
        supersedes=seq,
        reason=reason,
        recorded_by=by,
    )
    _own, *linked = lock_addresses(account_id, _once(address, others), now=now)
    recorded = record_consent(account_id=account_id, address=address, evidence=evidence, now=now)
    for other in linked:
        if said := _said_of(other, wrong):
            record(other, replace(evidence, supersedes=said.seq), now=now)
    return recorded


def _once(address: Address, others: Sequence[Address]) -> list[Address]:
    """Return the address and the others, each once: those of SMS and RCS are one."""
    return list({one.consent_key: one for one in (address, *others)}.values())


def _said_of(other: Held, wrong: ConsentEvent) -> ConsentEvent | None:
    """Return the event that told another address of the same person the same thing."""
    return ConsentEvent.objects.filter(
        account=other.account_id,
        handle=handle_of(other.account_id, other.address),
        source=Source.LINKED,
        programme=wrong.programme,
        occurred_at=wrong.occurred_at,
        message_sid=wrong.message_sid,
    ).first()


# What counts for all of a person's addresses of a channel family.
_TRAVELS = {
    EventKind.OPT_OUT: EventKind.OPT_OUT,
    EventKind.CARRIER_BLOCK: EventKind.OPT_OUT,
    EventKind.OPT_IN: EventKind.OPT_IN,
    EventKind.HELD: EventKind.HELD,
    EventKind.HOLD_LIFTED: EventKind.HOLD_LIFTED,
    EventKind.HOLD_LAPSED: EventKind.HOLD_LAPSED,
    EventKind.NO_CONTACT: EventKind.NO_CONTACT,
    EventKind.CONTACT_AGAIN: EventKind.CONTACT_AGAIN,
}


def _tell_linked(
    linked: Sequence[Held], evidence: Evidence, event: ConsentEvent, *, now: datetime
) -> None:
    for held in linked:
        told = as_linked(evidence, event, family=held.address.consent_family)
        if told is not None:
            record(held, told, now=now)


def as_linked(evidence: Evidence, event: ConsentEvent, *, family: str) -> Evidence | None:
    """Return what an event means for another address of the person; None if nothing."""
    kind = _TRAVELS.get(evidence.kind)
    if kind is None:
        return None
    # A doubt is of one channel; that it counts as an opt-out may reach the others.
    is_lapse = evidence.kind is EventKind.HOLD_LAPSED and family != event.family
    return Evidence(
        EventKind.OPT_OUT if is_lapse else kind,
        Source.LINKED,
        scope=event.scope,
        occurred_at=event.occurred_at,
        programme=event.programme,
        message_sid=event.message_sid,
        recorded_by=evidence.recorded_by,
        reason=evidence.reason,
    )


# What the person did, and we or the carrier saw: nobody may say that it did not happen.
_THEIR_OWN = (SEEN_BY_US - {Source.INBOUND_FUZZY}) | {Source.LINK, Source.PROVIDER_REFUSAL}


def _check_correctable(held: Held, seq: int) -> None:
    event = _event(held.account_id, held.address, seq)
    if event.source in _THEIR_OWN or event.kind == EventKind.ERASED:
        raise NotCorrectableError(
            noop(
                "'%(get_kind_display)s' cannot be taken back by anybody else. From "
                "where we know it: %(get_source_display)s."
            )
            % {
                "get_kind_display": event.get_kind_display(),
                "get_source_display": event.get_source_display(),
            }
        )


def _event(account_id: int, address: Address, seq: int) -> ConsentEvent:
    mine = ConsentEvent.objects.filter(
        account=account_id, handle=handle_of(account_id, address), seq=seq
    )
    if (event := mine.first()) is None:
        raise NotCorrectableError(noop("There is no event %(seq)s of this address.") % {"seq": seq})
    return event


# Where somebody can ask for messages again.
_BY_THEMSELVES = frozenset(
    {
        Source.INBOUND_KEYWORD,
        Source.PROVIDER_EVENT,
        Source.BUTTON,
        Source.LINK,
        Source.LINKED,
    }
)


# Where the person acted themselves: nobody speaks for them.
_THEIR_ACT = SEEN_BY_US | {Source.LINK, Source.WEB_FORM}


def undoes_opt_out(row: Consent, evidence: Evidence, *, now: datetime) -> bool:
    """Say whether this is somebody's opt-in for a person who opted out, with proof that undoes it.

    What the person did themselves, on a form or by a link, is no opt-in for them.
    """
    if evidence.kind is not EventKind.GRANT or evidence.quality != Quality.FIRST_HAND:
        return False
    if evidence.source in _THEIR_ACT or row.state != ConsentState.OPTED_OUT:
        return False
    return row.opted_out_at is None or (evidence.occurred_at or now) > row.opted_out_at


def check_opt_in(held: Held, evidence: Evidence, *, now: datetime) -> None:
    """See that this undoes no opt-out that only the person can. Raises OptInRefusedError."""
    is_grant = evidence.kind is EventKind.GRANT and evidence.quality != Quality.FIRST_HAND
    is_start = evidence.kind is EventKind.OPT_IN and evidence.source not in _BY_THEMSELVES
    row = next((row for row in held.rows if row.programme == evidence.programme), held.consent)
    if row.state != ConsentState.OPTED_OUT or not (is_grant or is_start):
        return
    at = evidence.occurred_at or now
    if row.opted_out_at is None or at > row.opted_out_at:
        raise OptInRefusedError
