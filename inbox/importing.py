"""How is a file of consents recorded: piece by piece, opt-outs first, each piece once?

The number of entries that are recorded stands in the row of the import and changes in the same
transaction as the ledger: whoever goes on after a crash begins there. What waits to be sent to
somebody whom the file opts out is cancelled in that transaction too. Where the account asks people
to confirm, an opt-in is written down as asked for; `asking_imported` asks them in turn.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.db import transaction
from django.db.models import Q

from accounts import audit
from accounts.english import noop
from compliance.addresses import Address, parse_address
from compliance.asking_settings import asking_of, scope_of
from compliance.consent_files import ConsentFileError, Read, Row, read_rows
from compliance.evidence import EventKind, EvidenceError, OptOutScope
from compliance.import_outcomes import (
    NOT_BY_FILE,
    WORDS,
    Outcome,
    Stand,
    evidence_of,
    outcome_of,
    said_in,
)
from compliance.models import (
    ConsentEvent,
    ConsentImport,
    ConsentImportLine,
    ConsentState,
    ProviderBlock,
)
from compliance.recording import OptInRefusedError
from compliance.recording_many import Many, make_rows
from inbox.broadcast import announce
from inbox.contacts import address_of
from inbox.linked import twins_of
from inbox.models import Contact, ContactAddress, Thread
from inbox.questions import last_asked
from inbox.reviewing import settle_open
from inbox.sending import follow_consent, recorded_after
from inbox.setup.consent_imports import mapped_of, sheet_of
from inbox.setup.refusals import SetUpError
from inbox.story import Story

logger = logging.getLogger(__name__)

PIECE = 500
LEASE = timedelta(minutes=2)
_Status = ConsentImport.Status


@dataclass(frozen=True)
class Work:
    """One import that is under way, with what its file says; read once, recorded in pieces."""

    pk: int
    account_id: int
    read: Read
    started_at: datetime
    file_sha256: str
    note: str
    recorded_by: int

    @cached_property
    def said_in(self) -> Mapping[str, datetime]:
        """Return when the file says that people opted in."""
        return said_in(self.read.ins)


def claim_next(*, now: datetime) -> Work | None:
    """Claim an import that is under way and that nobody works on; None if there is none.

    A file that cannot be read any more ends its import, and says so.
    """
    is_free = Q(leased_until=None) | Q(leased_until__lte=now)
    free = ConsentImport.objects.filter(is_free, status=_Status.RUNNING)
    for pk in free.order_by("started_at", "pk").values_list("pk", flat=True)[:10]:
        if not free.filter(pk=pk).update(leased_until=now + LEASE):
            continue
        row = ConsentImport.objects.get(pk=pk)
        try:
            return _work(row)
        except (SetUpError, ConsentFileError) as error:
            _give_up(row, error.reason, now=now)
    return None


def _work(row: ConsentImport) -> Work:
    assert row.started_at is not None
    # As it was read when it was started: what was in the future then is so now.
    read = read_rows(sheet_of(row), mapped_of(row), now=row.started_at)
    if len(read.entries) != row.total:
        raise SetUpError(noop("The file is not read as it was when the import was started."))
    note = f"import {row.public_id}: {row.attestation}"
    return Work(
        row.pk, row.account_id, read, row.started_at, row.file_sha256, note, row.uploaded_by_id
    )


def go_on(work: Work, *, now: datetime) -> bool:
    """Record the next piece of an import; say whether there is more to do."""
    # Of two processes one may be behind the other: nothing is recorded before it began.
    now = max(now, work.started_at)
    row = ConsentImport.objects.only("done", "status").get(pk=work.pk)
    if row.status != _Status.RUNNING:
        return False
    piece = _piece(work.read, row.done)
    # Those of other channels as well: to make a row where there is one already changes nothing.
    every = _reached([one.address for one in piece], scope_of(work.account_id))
    make_rows(work.account_id, every, now=now)
    with transaction.atomic(durable=True):
        locked = ConsentImport.objects.select_for_update().get(pk=work.pk)
        if locked.status != _Status.RUNNING or locked.done != row.done:
            return locked.status == _Status.RUNNING
        _record(work, locked, piece, now=now)
        locked.done += len(piece)
        locked.leased_until = now + LEASE
        if locked.done >= locked.total:
            _finish(locked, now=now)
        locked.save()
    return locked.status == _Status.RUNNING


def release(work: Work) -> None:
    """Let somebody else go on with an import."""
    ConsentImport.objects.filter(pk=work.pk).update(leased_until=None)


def _piece(read: Read, done: int) -> Sequence[Row]:
    """Return what is recorded next; opt-outs and opt-ins are never in one piece."""
    entries = read.entries
    end = min(done + PIECE, len(entries))
    if done < len(read.outs) < end:
        end = len(read.outs)
    return entries[done:end]


def _finish(row: ConsentImport, *, now: datetime) -> None:
    row.status, row.content, row.finished_at, row.leased_until = _Status.DONE, "", now, None
    audit.record(
        action="consent_import_done",
        subject=str(row),
        actor=row.uploaded_by,
        account_id=row.account_id,
        now=now,
        row=row.public_id,
        opted_out=row.opted_out,
        opted_in=row.opted_in,
        unproven=row.unproven,
    )


def _give_up(row: ConsentImport, reason: str, *, now: datetime) -> None:
    with transaction.atomic(durable=True):
        mine = ConsentImport.objects.filter(pk=row.pk, status=_Status.RUNNING)
        if mine.update(
            status=_Status.FAILED,
            content="",
            finished_at=now,
            leased_until=None,
            problem=reason[:300],
        ):
            audit.alarm(
                action="consent_import_failed",
                subject=str(row),
                words=reason,
                account_id=row.account_id,
                now=now,
                row=row.public_id,
            )


# --- One piece ------------------------------------------------------------------------------------


def _record(work: Work, row: ConsentImport, piece: Sequence[Row], *, now: datetime) -> None:
    addresses = {one.address.consent_key: one.address for one in piece}
    # Opt-outs and opt-ins are never in one piece, and an opt-in travels nowhere.
    scope = scope_of(work.account_id) if piece and piece[0].is_opt_out else OptOutScope.FAMILY
    people = _People.lock(work.account_id, addresses.values(), scope)
    every = {**addresses, **people.linked}
    at = recorded_after(work.account_id, list(every.values()), now=now)
    many = Many.lock(work.account_id, every.values(), now=at)
    before = {key: many.state(one) for key, one in every.items()}
    blocked = _blocked(work.account_id, addresses)
    asks = _Asks.look(work.account_id, addresses.values())
    counts: Counter[Outcome] = Counter()
    lines = []
    for one in piece:
        outcome, event = _record_one(work, many, people, asks, one)
        counts[outcome] += 1
        if event and outcome is Outcome.ASKED:
            lines.append(_asking_line(row, one, event))
        elif outcome in _TOLD:
            lines.append(_line(row, one, outcome))
        elif outcome is Outcome.OPTED_IN and one.address.consent_key in blocked:
            lines.append(_blocked_line(row, one))
    many.save()
    ConsentImportLine.objects.bulk_create(lines)
    for outcome, number in counts.items():
        setattr(row, outcome.value, getattr(row, outcome.value) + number)
    if counts[Outcome.ASKED] and row.ask_next_at is None:
        row.ask_next_at = now
    changed = [one for key, one in every.items() if many.state(one) is not before[key]]
    _follow(work.account_id, people, many, changed, now=now)


_TOLD = {Outcome.SUPERSEDED, Outcome.REFUSED, Outcome.UNPROVEN}


@dataclass(frozen=True)
class _Asks:
    """Whether the account asks people to confirm, and when these were asked last."""

    confirms: bool
    approves: bool
    last: Mapping[tuple[str, str], datetime]

    @classmethod
    def look(cls, account_id: int, addresses: Iterable[Address]) -> "_Asks":
        asking = asking_of(account_id)
        last = last_asked(account_id, addresses) if asking.confirms else {}
        return cls(asking.confirms, asking.approves, last)


def _record_one(
    work: Work, many: Many, people: "_People", asks: _Asks, row: Row
) -> tuple[Outcome, ConsentEvent | None]:
    key = row.address.consent_key
    outcome = outcome_of(
        row,
        _stand(many, asks, row),
        started_at=work.started_at,
        said_in_at=work.said_in.get(key),
    )
    if outcome in (Outcome.ALREADY, Outcome.REFUSED):
        return outcome, None
    evidence = evidence_of(
        row,
        outcome,
        started_at=work.started_at,
        file_sha256=work.file_sha256,
        note=work.note,
        recorded_by=work.recorded_by,
    )
    if people.scope is OptOutScope.EVERY:
        evidence = replace(evidence, scope=people.scope.value)
    try:
        event = many.record(row.address, evidence, people.others(row.address))
    except (EvidenceError, OptInRefusedError):
        return Outcome.REFUSED, None
    return (outcome if _counts(event, outcome) else Outcome.SUPERSEDED), event


def _counts(event: ConsentEvent, outcome: Outcome) -> bool:
    """Say whether what was recorded is more than history."""
    if outcome is Outcome.ASKED:
        return event.state == ConsentState.PENDING
    return (event.state == ConsentState.OPTED_OUT) == (event.kind == EventKind.OPT_OUT)


def _stand(many: Many, asks: _Asks, row: Row) -> Stand:
    held = many.held[row.address.consent_key]
    consent = next((one for one in held.rows if one.programme == row.programme), held.consent)
    outs = [
        *many.counted(row.address, EventKind.OPT_OUT),
        *many.counted(row.address, EventKind.CARRIER_BLOCK),
    ]
    grants = many.counted(row.address, EventKind.GRANT)
    return Stand(
        state=consent.state_at(many.now),
        opted_out_at=consent.opted_out_at,
        outs=frozenset(one.occurred_at for one in outs),
        grants=frozenset(
            (one.occurred_at, one.basis, one.quality)
            for one in grants
            if one.programme == row.programme
        ),
        given=(consent.basis, consent.quality),
        asked_at=asks.last.get((row.address.consent_key, row.programme)),
        confirms=asks.confirms,
        approves=asks.approves,
    )


def _line(row: ConsentImport, one: Row, outcome: Outcome) -> ConsentImportLine:
    reason = WORDS.get(outcome) or (
        noop("Without proof: %(missing)s is missing.") % {"missing": ", ".join(one.missing)}
    )
    if outcome is Outcome.REFUSED and one.is_proven:
        reason = NOT_BY_FILE
    return ConsentImportLine(
        account_id=row.account_id,
        file=row,
        line=one.line,
        outcome=outcome.value,
        reason=reason,
    )


def _asking_line(row: ConsentImport, one: Row, event: ConsentEvent) -> ConsentImportLine:
    return ConsentImportLine(
        account_id=row.account_id,
        file=row,
        line=one.line,
        outcome=ConsentImportLine.Outcome.TO_ASK,
        reason=WORDS[Outcome.ASKED],
        event=event.seq,
    )


def _blocked(account_id: int, keys: Iterable[str]) -> set[str]:
    rows = ProviderBlock.objects.filter(account=account_id, address__in=list(keys), cleared_at=None)
    return set(rows.values_list("address", flat=True))


def _blocked_line(row: ConsentImport, one: Row) -> ConsentImportLine:
    return ConsentImportLine(
        account_id=row.account_id,
        file=row,
        line=one.line,
        outcome=ConsentImportLine.Outcome.BLOCKED,
        reason=noop("Ask them to text START: until then nothing of ours reaches them."),
    )


def _follow(
    account_id: int, people: "_People", many: Many, changed: Sequence[Address], *, now: datetime
) -> None:
    """Cancel what waits for who is out now, and tell the conversations of everybody concerned."""
    by_state: dict[tuple[str, ConsentState], list[Address]] = defaultdict(list)
    for address in changed:
        by_state[address.consent_family, many.state(address)].append(address)
    story = Story(now=now)
    for (family, state), addresses in by_state.items():
        if state is ConsentState.OPTED_OUT:
            settle_open(account_id, tuple(addresses), now=now)
        if thread := people.thread_of(family):
            follow_consent(thread, None, addresses, state, story)
    announce(story.announcements(), now=now)


@dataclass(frozen=True)
class _People:
    """Whose addresses these are, as far as they are known: their threads and contacts, locked."""

    scope: OptOutScope
    linked: Mapping[str, Address]
    _others: Mapping[str, tuple[Address, ...]]
    _threads: Sequence[Thread]

    @classmethod
    def lock(cls, account_id: int, addresses: Iterable[Address], scope: OptOutScope) -> "_People":
        """Lock them; `scope` says whether other channels of theirs are reached as well."""
        asked = _reached(addresses, scope)
        keys = {key for one in asked for key in one.sibling_keys}
        known = ContactAddress.objects.filter(account=account_id, key__in=keys)
        contacts = sorted(set(known.values_list("contact_id", flat=True)))
        threads = Thread.objects.filter(account=account_id, contact__in=contacts)
        # The locks first and alone, and in one order: contacts may be joined meanwhile.
        list(threads.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        mine = Contact.objects.filter(pk__in=contacts).order_by("pk")
        list(mine.select_for_update(no_key=True).values_list("pk"))
        theirs: dict[int | str, dict[str, Address]] = defaultdict(dict)
        rows = ContactAddress.objects.filter(contact__in=contacts).order_by("key")
        for contact, key in rows.values_list("contact_id", "key"):
            address = parse_address(key)
            for reached in _reached([address], scope):
                theirs[contact][reached.consent_key] = reached
        for one in asked:
            # Whoever is no contact yet is the same person on every channel of their number.
            theirs[one.phone or one.consent_key][one.consent_key] = one
        return cls(
            scope,
            _linked(theirs),
            _by_address(theirs, scope),
            list(threads.select_related("sender__inbox", "address", "contact").order_by("pk")),
        )

    def others(self, address: Address) -> tuple[Address, ...]:
        """Return the same person's other addresses that an opt-out reaches."""
        return self._others.get(address.consent_key, ())

    def thread_of(self, family: str) -> Thread | None:
        """Return any thread of a channel family, for what is told of the channel."""
        return next(
            (one for one in self._threads if address_of(one).consent_family == family), None
        )


def _reached(addresses: Iterable[Address], scope: OptOutScope) -> list[Address]:
    given = list(addresses)
    twins = twins_of(given) if scope is OptOutScope.EVERY else ()
    return list({one.consent_key: one for one in (*given, *twins)}.values())


def _linked(theirs: Mapping[int | str, Mapping[str, Address]]) -> dict[str, Address]:
    return {key: one for of_one in theirs.values() for key, one in of_one.items()}


def _by_address(
    theirs: Mapping[int | str, Mapping[str, Address]], scope: OptOutScope
) -> dict[str, tuple[Address, ...]]:
    found: dict[str, dict[str, Address]] = defaultdict(dict)
    for of_one in theirs.values():
        for key, one in of_one.items():
            for other_key, other in of_one.items():
                is_reached = (
                    scope is OptOutScope.EVERY or other.consent_family == one.consent_family
                )
                if other_key != key and is_reached:
                    found[key][other_key] = other
    return {key: tuple(others.values()) for key, others in found.items()}
