"""What becomes of a row of a file, where its address stands as it does?

Pure: the same judgement for what a page foretells and for what is recorded. An opt-out is broad and
needs no proof. An opt-in without proof is good for notifications only and undoes no opt-out; one
that is dated before an opt-out is history. Where the account asks people to confirm, one with proof
is a question first. Contract: compliance reference, section 12.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from accounts.english import noop
from compliance.consent_files import Row
from compliance.evidence import (
    Basis,
    EventKind,
    Evidence,
    Quality,
    Source,
    Wording,
    as_question,
)
from compliance.state_machine import ASKED_FROM, ConsentState

IMPORTED = "import"


class Outcome(StrEnum):
    """What becomes of a row."""

    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    ASKED = "asked"
    UNPROVEN = "unproven"
    SUPERSEDED = "superseded"
    ALREADY = "already"
    REFUSED = "refused"


NOT_BY_FILE = noop("They opted out. A second person must approve this: report it on its own.")
WORDS = {
    Outcome.ASKED: noop("They will be asked, and it counts after their yes."),
    Outcome.SUPERSEDED: noop("Something later counts for more: kept as history, nothing changes."),
    Outcome.REFUSED: noop(
        "They opted out. Only new proof of their own, dated after it, undoes that."
    ),
}


@dataclass(frozen=True)
class Stand:
    """Where an address stands for a programme, as far as a row needs it.

    `outs` are the moments of its opt-outs that count, `grants` those of its opt-ins with their
    basis and quality. `asked_at` is when they were last asked to confirm. `confirms` says whether
    the account asks, `approves` whether a second person approves what undoes an opt-out: then no
    file does.
    """

    state: ConsentState = ConsentState.NONE
    opted_out_at: datetime | None = None
    outs: frozenset[datetime] = frozenset()
    grants: frozenset[tuple[datetime, str, str]] = frozenset()
    given: tuple[str, str] = ("", "")
    asked_at: datetime | None = None
    confirms: bool = False
    approves: bool = False


def outcome_of(
    row: Row, stand: Stand, *, started_at: datetime, said_in_at: datetime | None
) -> Outcome:
    """Say what becomes of a row, if nothing else happens.

    `said_in_at` is when the person opted in by another row of the same file. An opt-out without a
    date counts from when the import was started; who is out already is out, unless that row would
    undo it: which of the two came first nobody knows, and the opt-out wins.
    """
    if row.is_opt_out:
        return _opt_out(row, stand, started_at, said_in_at)
    return _opt_in(row, stand, started_at)


def _opt_out(row: Row, stand: Stand, started_at: datetime, said_in_at: datetime | None) -> Outcome:
    at = row.occurred_at or started_at
    is_out = stand.state is ConsentState.OPTED_OUT
    if at in stand.outs:
        return Outcome.ALREADY
    out_at = stand.opted_out_at
    is_contested = bool(said_in_at and out_at and said_in_at > out_at)
    if is_out and row.occurred_at is None and not is_contested:
        return Outcome.ALREADY
    if is_out and any(one >= at for one in stand.outs):
        return Outcome.ALREADY
    return Outcome.OPTED_OUT


def _opt_in(row: Row, stand: Stand, started_at: datetime) -> Outcome:
    at, basis, quality = row.occurred_at or started_at, basis_of(row), quality_of(row)
    if (at, basis, quality) in stand.grants:
        return Outcome.ALREADY
    if stand.state is ConsentState.OPTED_OUT:
        is_before = stand.opted_out_at is not None and at <= stand.opted_out_at
        if is_before:
            return Outcome.SUPERSEDED
        return Outcome.OPTED_IN if row.is_proven and not stand.approves else Outcome.REFUSED
    is_in = stand.state is ConsentState.OPTED_IN
    if is_in and row.occurred_at is None and stand.given[1] != Quality.IMPORTED_UNPROVEN:
        return Outcome.ALREADY
    if is_in and row.occurred_at is None and stand.given == (basis, quality):
        return Outcome.ALREADY
    if not row.is_proven:
        return Outcome.UNPROVEN
    is_asked = stand.confirms and stand.state in ASKED_FROM
    return _asked(stand, at) if is_asked else Outcome.OPTED_IN


def _asked(stand: Stand, at: datetime) -> Outcome:
    """Nobody is asked again about what they were asked before, whatever file says it anew."""
    if stand.state is ConsentState.HELD:
        return Outcome.SUPERSEDED
    was_asked = stand.asked_at is not None and at <= stand.asked_at
    if was_asked or stand.state is ConsentState.PENDING:
        return Outcome.ALREADY
    return Outcome.ASKED


def basis_of(row: Row) -> str:
    """Return what an opt-in rests on: without a word of it, on a relationship at most."""
    return row.basis or Basis.INFERRED.value


def quality_of(row: Row) -> str:
    """Return how good the evidence of an opt-in is."""
    return (Quality.FIRST_HAND if row.is_proven else Quality.IMPORTED_UNPROVEN).value


def said_in(ins: Iterable[Row]) -> dict[str, datetime]:
    """Return when a file says that people opted in, the latest, by the key of their consent."""
    found: dict[str, datetime] = {}
    for row in ins:
        if at := row.occurred_at:
            key = row.address.consent_key
            found[key] = max(at, found.get(key, at))
    return found


def evidence_of(
    row: Row,
    outcome: Outcome,
    *,
    started_at: datetime,
    file_sha256: str,
    note: str,
    recorded_by: int,
) -> Evidence:
    """Return what is recorded of a row: the file, who uploaded it, and what they attest."""
    is_out = row.is_opt_out
    said = Evidence(
        EventKind.OPT_OUT if is_out else EventKind.GRANT,
        Source.IMPORT,
        occurred_at=row.occurred_at or started_at,
        programme=row.programme,
        basis="" if is_out else basis_of(row),
        quality=Quality.FIRST_HAND.value if is_out else quality_of(row),
        wording=Wording(IMPORTED if row.wording else "", "", row.language, row.wording),
        file_sha256=file_sha256,
        page_url=row.page_url,
        ip=row.ip,
        note=" · ".join(filter(None, (f"line {row.line}", row.note, note))),
        recorded_by=recorded_by,
    )
    return as_question(said) if outcome is Outcome.ASKED else said
