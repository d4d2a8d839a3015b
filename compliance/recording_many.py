"""How are many events recorded at once, as `compliance.recording` records one?

For files: the same chain, the same events, the same consents, with a few statements for hundreds of
addresses. What is read and written here is what `standing.record` would have.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Collate

from compliance.addresses import Address
from compliance.chain import handle
from compliance.evidence import EventKind, Evidence, check_evidence
from compliance.ledger import details_of, locked_chain, next_event, web_evidence_of
from compliance.models import (
    Consent,
    ConsentChain,
    ConsentEvent,
    ConsentKey,
    ConsentState,
    Suppression,
    WebEvidence,
)
from compliance.recording import as_linked, check_opt_in
from compliance.sealing import new_key
from compliance.standing import (
    PROJECTED,
    Held,
    fact_of,
    is_about,
    lock_addresses,
    put,
    seen_after,
    standing_of,
    state_after,
)
from compliance.state_machine import superseded_in

_ONE = ("account", "address", "family", "programme")


def make_rows(account_id: int, addresses: Iterable[Address], *, now: datetime) -> None:
    """Let every address have a row, in a transaction of its own.

    Rows that are made while others are locked could let two stories wait for each other. Who was
    erased while opted out is remembered, as `lock_addresses` does.
    """
    every = {one.consent_key: one for one in addresses}
    with transaction.atomic():
        there = Consent.objects.filter(account=account_id, address__in=every)
        missing = every.keys() - set(there.values_list("address", flat=True))
        suppressed = _suppressed(account_id, [every[key] for key in missing])
        new = [
            Consent(account_id=account_id, address=key, family=every[key].consent_family, since=now)
            for key in sorted(missing - suppressed.keys())
        ]
        Consent.objects.bulk_create(new, ignore_conflicts=True)
        lock_addresses(account_id, list(suppressed.values()), now=now)


def _suppressed(account_id: int, addresses: Sequence[Address]) -> dict[str, Address]:
    chain = ConsentChain.objects.filter(account=account_id).only("pepper").first()
    if chain is None or not addresses:
        return {}
    known = {handle(chain.pepper, one.consent_key): one for one in addresses}
    found = Suppression.objects.filter(account=account_id, handle__in=known)
    return {known[one].consent_key: known[one] for one in found.values_list("handle", flat=True)}


@dataclass
class Many:
    """Addresses of an account, locked with the head of its ledger until the transaction ends.

    What is recorded is written by `save`, which must be called.
    """

    account_id: int
    now: datetime
    chain: ConsentChain
    held: Mapping[str, Held]
    _handles: Mapping[str, str]
    _history: defaultdict[str, list[ConsentEvent]]
    _new: list[ConsentEvent] = field(default_factory=list)
    _changed: dict[tuple[str, str], Consent] = field(default_factory=dict)

    @classmethod
    def lock(cls, account_id: int, addresses: Iterable[Address], *, now: datetime) -> "Many":
        """Lock where these addresses stand, in the order of their keys, then the ledger."""
        every = {one.consent_key: one for one in addresses}
        held = {key: Held(account_id, one) for key, one in every.items()}
        rows = Consent.objects.select_for_update().filter(account=account_id, address__in=every)
        for row in rows.order_by(Collate("address", "C"), "pk"):
            if row.family == every[row.address].consent_family:
                held[row.address].rows.append(row)
        # Somebody was erased since the rows were made.
        for key in sorted(key for key, one in held.items() if not one.rows):
            held[key] = lock_addresses(account_id, [every[key]], now=now)[0]
        chain = locked_chain(account_id, now=now)
        handles = {key: handle(chain.pepper, key) for key in every}
        return cls(account_id, now, chain, held, handles, _events(account_id, handles.values()))

    def history(self, address: Address) -> Sequence[ConsentEvent]:
        """Return every event of an address so far, in the order recorded."""
        return self._history[self._handles[address.consent_key]]

    def counted(self, address: Address, kind: EventKind) -> list[ConsentEvent]:
        """Return the events of a kind that were not declared to be recorded in error."""
        events = self.history(address)
        gone = superseded_in(event.fact for event in events)
        return [one for one in events if one.kind == kind and one.seq not in gone]

    def state(self, address: Address) -> ConsentState:
        """Return where an address stands in general."""
        return self.held[address.consent_key].consent.state_at(self.now)

    def record(
        self, address: Address, evidence: Evidence, others: Iterable[Address] = ()
    ) -> ConsentEvent:
        """Record one thing, and what it means for the same person's other addresses.

        Raises what `record_consent` raises.
        """
        check_evidence(evidence, now=self.now)
        held = self.held[address.consent_key]
        check_opt_in(held, evidence, now=self.now)
        event = self._append(held, evidence)
        for other in others:
            told = as_linked(evidence, event, family=other.consent_family)
            if told and other.consent_key != address.consent_key:
                self._append(self.held[other.consent_key], told)
        return event

    def _append(self, held: Held, given: Evidence) -> ConsentEvent:
        key = held.address.consent_key
        history = self._history[self._handles[key]]
        occurred_at = given.occurred_at or seen_after(held.last_at, self.now)
        target = held.of(given.programme)
        event = next_event(
            self.chain,
            held.address,
            self._handles[key],
            given,
            state=state_after(target, history, fact_of(given, occurred_at, self.chain.seq + 1)),
            occurred_at=occurred_at,
            previous=history[-1].seq if history else None,
            now=self.now,
        )
        history.append(event)
        self._new.append(event)
        for row in held.rows:
            if is_about(row, event):
                put(row, standing_of(row, history), history)
            else:
                row.last_event = event.seq
                row.last_at = max(filter(None, (row.last_at, event.occurred_at)))
            self._changed[key, row.programme] = row
        return event

    def save(self) -> list[ConsentEvent]:
        """Write all of it, and return the new events."""
        if not self._new:
            return []
        ConsentEvent.objects.bulk_create(self._new)
        keys = self._keys()
        details = [details_of(event, keys[event.handle]) for event in self._new]
        type(details[0]).objects.bulk_create(details)
        web = (web_evidence_of(event, keys[event.handle]) for event in self._new)
        WebEvidence.objects.bulk_create(filter(None, web))
        self.chain.save(update_fields=["seq", "head_hash"])
        Consent.objects.bulk_create(
            self._changed.values(),
            update_conflicts=True,
            unique_fields=_ONE,
            update_fields=PROJECTED,
        )
        self._forget_suppressions()
        return self._new

    def _keys(self) -> dict[str, ConsentKey]:
        wanted = sorted({event.handle for event in self._new})
        standing = {"account": self.account_id, "handle__in": wanted, "destroyed_at": None}
        keys = {one.handle: one for one in ConsentKey.objects.filter(**standing)}
        made = [
            ConsentKey(account_id=self.account_id, handle=one, key=new_key(), made_at=self.now)
            for one in wanted
            if one not in keys
        ]
        return keys | {one.handle: one for one in ConsentKey.objects.bulk_create(made)}

    def _forget_suppressions(self) -> None:
        """The marker of who was erased stays until they opt in themselves."""
        changed = {key for key, _programme in self._changed}
        back = [
            self._handles[key]
            for key in changed
            if not (self.held[key].is_out or self.held[key].consent.no_contact_at)
        ]
        erased = [
            one for one in back if any(e.kind == EventKind.ERASED for e in self._history[one])
        ]
        if erased:
            Suppression.objects.filter(account=self.account_id, handle__in=erased).delete()


def _events(account_id: int, handles: Iterable[str]) -> defaultdict[str, list[ConsentEvent]]:
    found: defaultdict[str, list[ConsentEvent]] = defaultdict(list)
    rows = ConsentEvent.objects.filter(account=account_id, handle__in=list(handles))
    for event in rows.select_related("details__key").order_by("seq"):
        found[event.handle].append(event)
    return found
