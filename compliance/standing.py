"""Where does each address stand, and how does that follow its events?

`Consent` rows are a projection of the ledger: what is written here is what replaying gives, and
`differences` finds where it is not.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from accounts.prepared import Prepared
from accounts.secrets import SecretUnreadableError
from compliance.addresses import Address
from compliance.chain import handle
from compliance.evidence import EVERY_PROGRAMME, EventKind, Evidence, Source
from compliance.ledger import append, events_by_handle, locked_chain
from compliance.models import Consent, ConsentChain, ConsentEvent, ConsentState, Suppression
from compliance.sealing import UnreadableDetailsError
from compliance.state_machine import Fact, Standing, moves, replay

logger = logging.getLogger(__name__)

TICK = timedelta(microseconds=1)
# What they wrote to us in so many words: said of a phone call, "they texted" would be wrong.
TEXTED = frozenset(
    {Source.INBOUND_KEYWORD, Source.INBOUND_FUZZY, Source.PROVIDER_EVENT, Source.BUTTON}
)


@dataclass
class Held:
    """One address of an account, with its consents of every programme, locked."""

    account_id: int
    address: Address
    rows: list[Consent] = field(default_factory=list)

    @property
    def consent(self) -> Consent:
        """Return where it stands in general: for replies, and for programmes not named."""
        return next(row for row in self.rows if row.programme == EVERY_PROGRAMME)

    @property
    def is_out(self) -> bool:
        """Say whether it is opted out of everything."""
        return self.consent.state == ConsentState.OPTED_OUT

    @property
    def last_at(self) -> datetime | None:
        """Return when the last thing happened that is known of it."""
        return max((row.last_at for row in self.rows if row.last_at), default=None)

    def of(self, programme: str) -> Consent:
        """Return where it stands for a programme: a new row stands where the general one does."""
        found = next((row for row in self.rows if row.programme == programme), None)
        if found is None:
            general = self.consent
            found = Consent(
                account_id=self.account_id,
                address=general.address,
                family=general.family,
                programme=programme,
                since=general.since,
                wrote_at=general.wrote_at,
            )
            self.rows.append(found)
        return found


def lock_addresses(account_id: int, addresses: Sequence[Address], *, now: datetime) -> list[Held]:
    """Lock where these addresses stand, in the order of their keys, so that two stories of one
    person cannot wait for each other; return them in the order asked for."""
    in_order = sorted(addresses, key=lambda address: address.consent_key)
    held = {address.consent_key: _lock(account_id, address, now=now) for address in in_order}
    return [held[address.consent_key] for address in addresses]


_CONSENTS = Prepared(lambda **key: Consent.objects.select_for_update().filter(**key))


def _lock(account_id: int, address: Address, *, now: datetime) -> Held:
    key = {
        "account_id": account_id,
        "address": address.consent_key,
        "family": address.consent_family,
    }
    held = Held(account_id, address, _CONSENTS.all(**key))
    # More than once only where somebody was erased since the row was seen.
    while not held.rows:
        Consent.objects.bulk_create([Consent(**key, since=now)], ignore_conflicts=True)
        suppressed = Suppression.objects.filter(account=OuterRef("account"))
        new = Consent.objects.select_for_update().annotate(may_be_erased=Exists(suppressed))
        rows = list(new.filter(**key))
        held.rows.extend(rows)
        if rows and rows[0].may_be_erased:
            _remember_suppression(held)
    return held


_FREE = Prepared(
    lambda account, address, family: Consent.objects.select_for_update(skip_locked=True).filter(
        account=account, address=address, family=family, programme=EVERY_PROGRAMME
    )
)


def is_free(account_id: int, address: Address) -> bool:
    """Lock where an address stands, unless somebody holds it; say whether nobody did.

    For who holds a message already, and must not wait for what comes before it. Until the
    transaction ends no opt-out of theirs is recorded.
    """
    key = {"address": address.consent_key, "family": address.consent_family}
    if _FREE.first(account=account_id, **key) is not None:
        return True
    return not Consent.objects.filter(account=account_id, **key).exists()


def _remember_suppression(held: Held) -> None:
    """Who was erased while opted out and writes again is opted out, not a stranger."""
    if suppression_of(held.account_id, held.address):
        _project(held, _history(held), new=None)


def suppression_of(account_id: int, address: Address) -> Suppression | None:
    """Return the marker that somebody with this address was erased and may not be written to."""
    chain = ConsentChain.objects.filter(account=account_id).only("pepper").first()
    if chain is None:
        return None
    known = handle(chain.pepper, address.consent_key)
    return Suppression.objects.filter(account=account_id, handle=known).first()


def note_message(held: Held, *, now: datetime) -> None:
    """They wrote to us: who was unknown is so no longer. Says nothing else, and writes no event."""
    for row in held.rows:
        if row.state_at(now) in (ConsentState.NONE, ConsentState.EXPIRED):
            row.state, row.ground = ConsentState.CONVERSATIONAL, ConsentState.CONVERSATIONAL
            row.basis, row.quality, row.expires_at, row.asked_at = "", "", None, None
            row.since = row.wrote_at = row.last_at = now
            row.words, row.decided_by = "", None
            row.save(update_fields=PROJECTED)


def record(held: Held, given: Evidence, *, now: datetime) -> ConsentEvent:
    """Write down what happened, and let the address stand where that puts it.

    Runs in the caller's transaction, which holds the address. Evidence that comes from outside goes
    through `compliance.recording` instead, which checks it.
    """
    occurred_at = given.occurred_at or seen_after(held.last_at, now)
    chain = locked_chain(held.account_id, now=now)
    target = held.of(given.programme)
    events = _history(held, chain) if _needs_history(held, given, occurred_at) else None
    fact = fact_of(given, occurred_at, chain.seq + 1)
    state = ConsentState(target.state) if events is None else state_after(target, events, fact)
    event = append(
        chain,
        held.address,
        given,
        state=state,
        occurred_at=occurred_at,
        previous=_last(events) if events is not None else held.consent.last_event,
        now=now,
    )
    if events is None:
        _note_event(held, event)
    else:
        _project(held, [*events, event], new=event)
    return event


def seen_after(last: datetime | None, now: datetime) -> datetime:
    """Return when something happened that we see ourselves: after all that we know of."""
    return now if last is None or now > last else last + TICK


def _needs_history(held: Held, given: Evidence, occurred_at: datetime) -> bool:
    """Say whether the events must be read: not for what changes nothing, such as a second STOP."""
    is_latest = held.last_at is not None and occurred_at > held.last_at
    is_new = any(row.last_event is None for row in held.rows)
    may_change = given.supersedes is not None or any(
        moves(ConsentState(row.state), given.kind) for row in held.rows
    )
    return is_new or may_change or not is_latest


def _history(held: Held, chain: ConsentChain | None = None) -> list[ConsentEvent]:
    chain = chain or ConsentChain.objects.filter(account=held.account_id).first()
    if chain is None:
        return []
    return events_by_handle(held.account_id, handle(chain.pepper, held.address.consent_key))


def fact_of(given: Evidence, occurred_at: datetime, seq: int) -> Fact:
    """Return what the state machine needs of something that happened."""
    return Fact(
        kind=given.kind,
        occurred_at=occurred_at,
        seq=seq,
        programme=given.programme,
        basis=given.basis,
        quality=given.quality,
        expires_at=given.expires_at,
        supersedes=given.supersedes,
        is_linked=given.source == ConsentEvent.Source.LINKED,
    )


def state_after(row: Consent, events: Iterable[ConsentEvent], new: Fact) -> ConsentState:
    """Return where a row stands once one more thing happened."""
    facts = [*(event.fact for event in events), new, *wrote(row)]
    return replay(facts, row.programme).state


def _last(events: Sequence[ConsentEvent]) -> int | None:
    return events[-1].seq if events else None


def wrote(row: Consent) -> list[Fact]:
    """Return the one thing that a consent follows beside events: that they wrote to us."""
    return [Fact(None, row.wrote_at)] if row.wrote_at else []


def standing_of(row: Consent, events: Iterable[ConsentEvent]) -> Standing:
    """Return where an address stands for the programme of a row, after these events of its."""
    return replay([*(event.fact for event in events), *wrote(row)], row.programme)


def _note_event(held: Held, event: ConsentEvent) -> None:
    for row in held.rows:
        row.last_event = event.seq
        row.last_at = max(filter(None, (row.last_at, event.occurred_at)))
        row.save(update_fields=["last_event", "last_at"])


def _project(held: Held, events: Sequence[ConsentEvent], *, new: ConsentEvent | None) -> None:
    """Write where the address stands for every programme that the newest event is about."""
    for row in held.rows:
        if is_about(row, new):
            _write(row, standing_of(row, events), events)
        elif new:
            _note_event(Held(held.account_id, held.address, [row]), new)
    general = held.consent
    if general.state != ConsentState.OPTED_OUT and not general.no_contact_at:
        _forget_suppression(held, events)


def is_about(row: Consent, new: ConsentEvent | None) -> bool:
    """Say whether the newest event can change where a row stands; without one everything can."""
    if new is None or new.supersedes is not None:
        return True
    return new.programme in (EVERY_PROGRAMME, row.programme)


PROJECTED = (
    "state",
    "ground",
    "basis",
    "quality",
    "expires_at",
    "since",
    "words",
    "wrote_at",
    "asked_at",
    "held_at",
    "opted_out_at",
    "no_contact_at",
    "no_marketing_at",
    "reassigned_at",
    "decided_by",
    "last_event",
    "last_at",
)
COMPARED = tuple(
    name
    for name in PROJECTED
    if name not in ("words", "since", "wrote_at", "last_at", "last_event")
)


def projected(standing: Standing) -> dict[str, object]:
    """Return what a row says of somebody who stands like this."""
    return {
        "state": standing.state,
        "ground": standing.ground.state,
        "basis": standing.ground.basis,
        "quality": standing.ground.quality,
        "expires_at": standing.ground.expires_at,
        "asked_at": standing.asked_at,
        "held_at": standing.held_at,
        "opted_out_at": standing.opted_out_at,
        "no_contact_at": standing.no_contact_at,
        "no_marketing_at": standing.no_marketing_at,
        "reassigned_at": standing.reassigned_at,
        "decided_by": standing.decided_by,
    }


def _write(row: Consent, standing: Standing, events: Sequence[ConsentEvent]) -> None:
    put(row, standing, events)
    if row.pk:
        row.save(update_fields=PROJECTED)
    else:
        row.save(force_insert=True)


def put(row: Consent, standing: Standing, events: Sequence[ConsentEvent]) -> None:
    """Let a row say where its address stands after these events; it is not saved."""
    for name, value in projected(standing).items():
        setattr(row, name, value)
    row.since = standing.since or row.since
    decisive = next((event for event in events if event.seq == standing.decided_by), None)
    row.words = _words_of(decisive)[:200] if decisive else ""
    row.last_event = _last(events)
    times = [event.occurred_at for event in events]
    row.last_at = max([*times, *filter(None, [row.wrote_at])], default=None)


def _words_of(event: ConsentEvent) -> str:
    # Words are shown to people; that they cannot be read must not keep anybody from opting out.
    if event.source not in TEXTED:
        return ""
    try:
        return event.words
    except (UnreadableDetailsError, SecretUnreadableError):
        logger.warning("the details of consent event %s cannot be read", event.pk)
        return ""


def _forget_suppression(held: Held, events: Sequence[ConsentEvent]) -> None:
    """The marker stays until they opt in themselves."""
    if any(event.kind == EventKind.ERASED for event in events):
        Suppression.objects.filter(account=held.account_id, handle=events[-1].handle).delete()
