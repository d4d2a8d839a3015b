"""How does a file of consents come in: looked at, told what it would change, started, cancelled?

Whoever starts it says in their own words why these consents are right; that, the hash of the file
and who it was stand in every event of it. What is recorded is told in `inbox.importing`.
"""

import base64
import hashlib
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.english import noop
from accounts.models import Account, User
from accounts.secrets import SecretUnreadableError
from compliance.addresses import masked
from compliance.asking_settings import asking_of
from compliance.consent_files import (
    Mapped,
    Read,
    Row,
    Sheet,
    check_mapped,
    guess_columns,
    read_rows,
    read_sheet,
)
from compliance.evidence import EVERY_PROGRAMME
from compliance.import_outcomes import Outcome, Stand, outcome_of, said_in
from compliance.models import Consent, ConsentImport, ConsentImportLine, ConsentState
from inbox.models.ids import public_id
from inbox.nudges import nudge_on_commit
from inbox.questions import last_asked
from inbox.setup.refusals import SetUpError

SHOWN_ROWS = 10
SHOWN_LINES = 50
LONGEST_ATTESTATION = 1000
SHORTEST_ATTESTATION = 10
DRAFTS_WAIT = timedelta(hours=24)
LINES_KEPT = timedelta(days=30)
_CHUNK = 1000
# So far are questions of one import apart: ten thousand people are not asked in one second.
ASKING_PACE = timedelta(seconds=0.5)
_Status, _Outcome = ConsentImport.Status, ConsentImportLine.Outcome


class ImportedAlreadyError(SetUpError):
    """The same file, read in the same way, was imported before: `row` is that import."""

    def __init__(self, row: ConsentImport) -> None:
        super().__init__(_("This file was imported already. Nothing is recorded twice."))
        self.row = row


class OtherBodyError(SetUpError):
    """The same idempotency key came with something else."""

    def __init__(self) -> None:
        super().__init__(_("This Idempotency-Key was used for another file, or for other words."))


@dataclass(frozen=True)
class Foretold:
    """What an import would change, as things stand now."""

    read: Read
    counts: Mapping[Outcome, int]
    shown: Sequence[tuple[Row, Outcome]] = ()

    @property
    def new_opt_outs(self) -> int:
        """Count who would be opted out."""
        return self.counts.get(Outcome.OPTED_OUT, 0)

    @property
    def to_ask(self) -> int:
        """Count who would be asked to confirm."""
        return self.counts.get(Outcome.ASKED, 0)

    @property
    def asking_minutes(self) -> int:
        """Return in how many minutes the last of them is asked, where no hours hold them up."""
        return round(self.to_ask * ASKING_PACE / timedelta(minutes=1))

    @property
    def problems_shown(self) -> Sequence[Any]:
        """Return the first rows that cannot be used."""
        return self.read.problems[:SHOWN_LINES]

    @property
    def more_problems(self) -> int:
        """Count those that are not shown."""
        return max(0, len(self.read.problems) - SHOWN_LINES)


# --- Coming in ------------------------------------------------------------------------------------


def upload(
    content: bytes, *, account: Account, by: User, name: str = "", now: datetime
) -> ConsentImport:
    """Keep a file as a draft that was looked at. Raises ConsentFileError for what is no table."""
    sheet = read_sheet(content)
    mapped = Mapped(guess_columns(sheet.header), country=account.default_country)
    if "action" not in mapped.columns:
        mapped = replace(mapped, action="opt_out")
    return ConsentImport.objects.create(
        account=account,
        public_id=public_id(),
        file_name=_name(name),
        file_sha256=hashlib.sha256(content).hexdigest(),
        content=base64.b64encode(zlib.compress(content)).decode(),
        mapped=as_json(mapped),
        rows=len(sheet.rows),
        uploaded_by=by,
        uploaded_at=now,
    )


def _name(name: str) -> str:
    return "".join(char for char in name if char.isprintable() and char not in "\ud800")[:120]


def sheet_of(row: ConsentImport) -> Sheet:
    """Read the file of an import again. Raises SetUpError if it is no longer there."""
    try:
        packed = row.content
        if packed:
            return read_sheet(zlib.decompress(base64.b64decode(packed)))
    except (SecretUnreadableError, zlib.error, ValueError) as error:
        words = _("The file of this import cannot be read any more. Upload it again.")
        raise SetUpError(words, field="file") from error
    words = _("The file of this import is no longer kept. Upload it again.")
    raise SetUpError(words, field="file")


def as_json(mapped: Mapped) -> dict[str, Any]:
    """Write how a file is read."""
    return {
        "columns": dict(mapped.columns),
        "action": mapped.action,
        "channel": mapped.channel,
        "country": mapped.country,
    }


def mapped_of(row: ConsentImport) -> Mapped:
    """Return how the file of an import is read."""
    return Mapped(**row.mapped)


def map_columns(row: ConsentImport, mapped: Mapped) -> None:
    """Say how a draft is read. Raises ConsentFileError naming what is wrong."""
    check_mapped(mapped, sheet_of(row).header)
    changed = ConsentImport.objects.filter(pk=row.pk, status=_Status.DRAFT)
    if not changed.update(mapped=as_json(mapped)):
        raise SetUpError(_("This import was started or cancelled meanwhile."))
    row.mapped = as_json(mapped)


# --- What it would change -------------------------------------------------------------------------


def foretell(row: ConsentImport, *, now: datetime) -> Foretold:
    """Say what an import would change now. Raises ConsentFileError, SetUpError."""
    read = read_rows(sheet_of(row), mapped_of(row), now=now)
    looked = _Look(row.account_id, read, now)
    counts: Counter[Outcome] = Counter()
    shown: list[tuple[Row, Outcome]] = []
    for one, outcome in looked.outcomes():
        counts[outcome] += 1
        if len(shown) < SHOWN_ROWS:
            shown.append((one, outcome))
    return Foretold(read, counts, shown)


@dataclass
class _Look:
    """One look at where everybody in a file stands; what the file says earlier counts too."""

    account_id: int
    read: Read
    now: datetime
    out_at: dict[str, datetime] = field(default_factory=dict)
    asked: set[tuple[str, str]] = field(default_factory=set)

    def outcomes(self) -> Iterator[tuple[Row, Outcome]]:
        both = said_in(self.read.ins)
        entries = self.read.entries
        asking = asking_of(self.account_id)
        confirms = asking.confirms
        for start in range(0, len(entries), _CHUNK):
            chunk = entries[start : start + _CHUNK]
            stands = self._stands(chunk)
            asked = last_asked(self.account_id, (row.address for row in chunk)) if confirms else {}
            for row in chunk:
                key = row.address.consent_key
                stand = replace(
                    self._stand(row, stands[key]),
                    asked_at=asked.get((key, row.programme)),
                    confirms=confirms,
                    approves=asking.approves,
                )
                outcome = outcome_of(row, stand, started_at=self.now, said_in_at=both.get(key))
                if outcome is Outcome.OPTED_OUT:
                    at = row.occurred_at or self.now
                    self.out_at[key] = max(at, self.out_at.get(key, at))
                if outcome is Outcome.ASKED:
                    self.asked.add((key, row.programme))
                yield row, outcome

    def _stands(self, chunk: Sequence[Row]) -> Mapping[str, dict[str, Consent]]:
        keys = {row.address.consent_key for row in chunk}
        found: dict[str, dict[str, Consent]] = defaultdict(dict)
        for consent in Consent.objects.filter(account=self.account_id, address__in=keys):
            found[consent.address][consent.programme] = consent
        return found

    def _stand(self, row: Row, rows: Mapping[str, Consent]) -> Stand:
        consent = rows.get(row.programme) or rows.get(EVERY_PROGRAMME)
        out_at = self.out_at.get(row.address.consent_key)
        stand = Stand()
        if consent is not None:
            outs = {consent.opted_out_at} if consent.opted_out_at else set()
            stand = Stand(
                state=consent.state_at(self.now),
                opted_out_at=consent.opted_out_at,
                outs=frozenset(outs),
                grants=frozenset({(consent.since, consent.basis, consent.quality)}),
                given=(consent.basis, consent.quality),
            )
        if self.asked & {(row.address.consent_key, one) for one in (row.programme, "*")}:
            return replace(stand, state=ConsentState.PENDING)
        if out_at is None:
            return stand
        latest = max(filter(None, (stand.opted_out_at, out_at)))
        return replace(
            stand,
            state=ConsentState.OPTED_OUT,
            opted_out_at=latest,
            outs=stand.outs | {out_at},
        )


# --- Starting, cancelling, forgetting -------------------------------------------------------------


def start(
    row: ConsentImport,
    *,
    attestation: str,
    by: User,
    idempotency_key: str = "",
    now: datetime,
) -> ConsentImport:
    """Let a draft be recorded from now on.

    Raises SetUpError without an attestation, ConsentFileError for what cannot be read, and
    ImportedAlreadyError naming the import of the same file, read in the same way.
    """
    words = " ".join(attestation.split())
    if len(words) < SHORTEST_ATTESTATION:
        reason = _("Say in a sentence where these consents come from and why they are right.")
        raise SetUpError(reason, field="attestation")
    if len(words) > LONGEST_ATTESTATION or "\0" in words:
        reason = _("Say it in at most %(most)s characters.") % {"most": LONGEST_ATTESTATION}
        raise SetUpError(reason, field="attestation")
    read = read_rows(sheet_of(row), mapped_of(row), now=now)
    if not read.entries:
        raise SetUpError(_("No row of this file can be used."), field="file")
    key = key_of(row)
    try:
        with transaction.atomic(durable=True):
            locked = ConsentImport.objects.select_for_update().get(pk=row.pk)
            if locked.status != _Status.DRAFT or locked.mapped != row.mapped:
                raise SetUpError(_("This import was changed meanwhile. Look at it again."))
            _begin(locked, read, words, key, idempotency_key, by, now=now)
            nudge_on_commit("sweep_imports")
    except IntegrityError as error:
        raise _clash(row, key, idempotency_key) or error from error
    return locked


def key_of(row: ConsentImport) -> str:
    """Return what a file and the way it is read are known by."""
    told = json.dumps([row.file_sha256, row.mapped], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _begin(
    row: ConsentImport,
    read: Read,
    attestation: str,
    key: str,
    idempotency_key: str,
    by: User,
    *,
    now: datetime,
) -> None:
    row.status, row.attestation, row.key = _Status.RUNNING, attestation, key
    row.idempotency_key = idempotency_key
    row.started_at, row.uploaded_by = now, by
    row.rows, row.total = read.number, len(read.entries)
    row.repeated, row.wrong = len(read.repeated), len(read.problems)
    row.save()
    ConsentImportLine.objects.bulk_create(_lines(row, read), batch_size=1000)
    audit.record(
        action="consent_import_started",
        subject=str(row),
        actor=by,
        account_id=row.account_id,
        now=now,
        row=row.public_id,
        file_sha256=row.file_sha256,
        rows=row.rows,
        attestation=attestation,
    )


def _lines(row: ConsentImport, read: Read) -> Iterator[ConsentImportLine]:
    mine = {"account_id": row.account_id, "file": row}
    for problem in read.problems:
        yield ConsentImportLine(
            **mine,
            line=problem.line,
            outcome=_Outcome.WRONG,
            field=problem.field,
            reason=problem.reason[:300],
            cell=problem.cell,
        )
    for line, first in read.repeated:
        reason = noop("Line %(first)s says the same.") % {"first": first}
        yield ConsentImportLine(**mine, line=line, outcome=_Outcome.REPEATED, reason=reason)


def _clash(row: ConsentImport, key: str, idempotency_key: str) -> SetUpError | None:
    rows = ConsentImport.objects.filter(account=row.account_id).exclude(pk=row.pk)
    if same := rows.filter(key=key, status__in=[_Status.RUNNING, _Status.DONE]).first():
        return ImportedAlreadyError(same)
    if idempotency_key and rows.filter(idempotency_key=idempotency_key).exists():
        return OtherBodyError()
    return None


def cancel(row: ConsentImport, *, by: User, now: datetime) -> ConsentImport:
    """Record nothing more of an import, and ask nobody more; what is recorded stays.

    Raises SetUpError if it is over.
    """
    with transaction.atomic(durable=True):
        locked = ConsentImport.objects.select_for_update().get(pk=row.pk)
        if locked.is_over and not locked.is_asking:
            raise SetUpError(_("This import is over already."))
        was_running = locked.status == _Status.RUNNING or locked.is_asking
        _stop_asking(locked)
        locked.status, locked.content = _Status.CANCELED, ""
        locked.canceled_by, locked.finished_at = by, now
        locked.save()
        if was_running:
            audit.record(
                action="consent_import_canceled",
                subject=str(locked),
                actor=by,
                account_id=locked.account_id,
                now=now,
                row=locked.public_id,
                done=locked.done,
                total=locked.total,
            )
    return locked


def _stop_asking(row: ConsentImport) -> None:
    reason = noop(
        "The import was cancelled before they were asked. Without a yes it comes to nothing."
    )
    waiting = row.lines.filter(outcome=_Outcome.TO_ASK)
    row.questions += waiting.update(outcome=_Outcome.NOT_ASKED, reason=reason)
    row.ask_next_at = None


def forget_old(*, now: datetime) -> None:
    """Forget the files of drafts that nobody started, and what was wrong with rows long ago."""
    drafts = ConsentImport.objects.filter(status=_Status.DRAFT, uploaded_at__lte=now - DRAFTS_WAIT)
    drafts.update(status=_Status.CANCELED, content="", finished_at=now)
    old = ConsentImportLine.objects.filter(file__finished_at__lte=now - LINES_KEPT)
    old.delete()


def masked_rows(told: Foretold) -> list[dict[str, Any]]:
    """Return the first rows as a page shows them: numbers not whole."""
    return [
        {
            "line": row.line,
            "address": f"{row.address.consent_family} {masked(row.address.consent_key)}",
            "row": row,
            "outcome": outcome.value,
        }
        for row, outcome in told.shown
    ]
