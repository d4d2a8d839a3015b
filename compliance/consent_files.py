"""What does a file (.csv) say of people's consents, and which of its rows cannot be used?

Pure: bytes in, rows out; `now` is given. Nothing is guessed: what is not clear is named with its
line and the reason, and the other rows go on. A file that is no table is refused whole. Contract:
compliance reference, section 14.
"""

import csv
import io
import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import phonenumbers

from accounts.english import noop
from accounts.exports import FORMULA
from compliance.addresses import BSUID, SMS, WHATSAPP, Address, masked, parse_address
from compliance.evidence import EVERY_PROGRAMME, Basis, EventKind, date_problem

LARGEST_FILE = 20 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 60
LONGEST_CELL = 1000
LONGEST_WORDING = 5000
LONGEST_SHOWN = 40
# So many digits may be somebody's number: they are not repeated.
_MANY_DIGITS = 7
_DELIMITERS = ",;\t"
BOTH = "both"
CHANNELS = (SMS, WHATSAPP, BOTH)

# What a file may say, and how files call it. The first that fits counts.
FIELDS: Mapping[str, Sequence[str]] = {
    "address": (
        "address",
        "phone",
        "phone number",
        "phone_number",
        "number",
        "mobile",
        "msisdn",
        "telephone",
        "contact_id",
        "to",
    ),
    "action": ("action", "status", "consent", "event", "opt", "type"),
    "channel": ("channel", "medium"),
    "occurred_at": (
        "occurred_at",
        "date",
        "at",
        "timestamp",
        "date_of_consent",
        "opted_out_at",
        "opted_in_at",
        "created_at",
    ),
    "programme": ("programme", "program", "campaign", "list"),
    "basis": ("basis", "consent_basis", "level"),
    "wording": ("wording", "consent_text", "disclosure", "text shown"),
    "language": ("language", "wording_language", "lang"),
    "page_url": ("page_url", "url", "page"),
    "ip": ("ip", "ip_address"),
    "note": ("note", "notes", "comment", "reason"),
}
_OPT_OUT = {
    "opt_out", "optout", "opted_out", "optedout", "out", "stop", "stopped", "unsubscribe",
    "unsubscribed", "revoked", "blocked",
}  # fmt: skip
_OPT_IN = {
    "opt_in", "optin", "opted_in", "optedin", "in", "start", "subscribe", "subscribed", "granted",
}  # fmt: skip


class ConsentFileError(Exception):
    """A file cannot be imported at all. `reason` is fit for a person, `field` names the input."""

    def __init__(self, reason: str, field: str = "file") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


@dataclass(frozen=True)
class Mapped:
    """Which column holds what, and what holds for rows whose file does not say it.

    `columns` gives the name of the column in the file for each of `FIELDS` that it has; `action`
    is blank where a column says it. `country` is that of numbers without a country code.
    """

    columns: Mapping[str, str]
    action: str = ""
    channel: str = SMS
    country: str = ""


@dataclass(frozen=True)
class Sheet:
    """A file as it was written: the names of its columns, and its rows with their lines.

    Lines count from 1, the first with the names of the columns; a row begins on its line.
    """

    header: tuple[str, ...]
    rows: Sequence[tuple[int, Sequence[str]]]


@dataclass(frozen=True)
class Row:
    """What one row says. An opt-in `is_proven` if it says what they were shown, and when."""

    line: int
    address: Address
    kind: EventKind
    occurred_at: datetime | None = None
    programme: str = EVERY_PROGRAMME
    basis: str = ""
    wording: str = ""
    language: str = ""
    page_url: str = ""
    ip: str = ""
    note: str = ""

    @property
    def is_opt_out(self) -> bool:
        """Say whether it stops messages."""
        return self.kind is EventKind.OPT_OUT

    @property
    def is_proven(self) -> bool:
        """Say whether an opt-in comes with proof: the words they were shown, when, and its basis.

        Source of the list: 16 CFR 310.5(a)(8), as in compliance reference 5.1.
        """
        return bool(self.wording and self.occurred_at and self.basis)

    @property
    def missing(self) -> tuple[str, ...]:
        """Name what an opt-in lacks to be proven."""
        there = {"wording": self.wording, "date": self.occurred_at, "basis": self.basis}
        return tuple(name for name, value in there.items() if not value)


@dataclass(frozen=True)
class RowProblem:
    """Why a row cannot be used. `cell` is what is wrong, cut, and not whole if it is a number."""

    line: int
    field: str
    reason: str
    cell: str = ""


@dataclass(frozen=True)
class Read:
    """What a file says: `outs` before `ins`, each in the order of the file.

    `repeated` are rows that say what an earlier row said: their line, and that of the first.
    """

    outs: tuple[Row, ...] = ()
    ins: tuple[Row, ...] = ()
    problems: tuple[RowProblem, ...] = ()
    repeated: tuple[tuple[int, int], ...] = ()
    number: int = 0

    @property
    def entries(self) -> tuple[Row, ...]:
        """Return all that is to be recorded, in the order in which it is: opt-outs first."""
        return self.outs + self.ins


# --- The file -------------------------------------------------------------------------------------


def read_sheet(content: bytes) -> Sheet:
    """Read a file as a table. Raises ConsentFileError for what is none, or is too large."""
    text = _text(content)
    lines = _lines(text)
    header = _header(next(lines, (1, []))[1])
    rows = []
    for line, cells in lines:
        if any(cells):
            rows.append((line, cells))
        if len(rows) > MOST_ROWS:
            raise ConsentFileError(
                noop(
                    "The file has more than %(most_rows)s rows. Split it, and import one "
                    "after the other."
                )
                % {"most_rows": f"{MOST_ROWS:,}"}
            )
    if not rows:
        raise ConsentFileError(noop("The file has no rows under the names of its columns."))
    return Sheet(header, rows)


def _text(content: bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise ConsentFileError(noop("The file is larger than 20 MB."))
    if not content.strip():
        raise ConsentFileError(noop("The file is empty."))
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        words = noop(
            "This is a packed file or a workbook, not a table in text form. Save it as .csv."
        )
        raise ConsentFileError(words)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        words = noop("The file is not text in UTF-8. Export it again, as “CSV UTF-8”.")
        raise ConsentFileError(words) from error
    if "\0" in text:
        raise ConsentFileError(noop("The file is not a table in text form (.csv)."))
    if not text.strip():
        raise ConsentFileError(noop("The file is empty."))
    return text


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with the line on which each begins, cells without blanks around them."""
    head = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells or line > 1:
                yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        words = noop("Line %(line)s is not written as a table is; export the file again.") % {
            "line": line
        }
        raise ConsentFileError(words) from error


def _header(names: Sequence[str]) -> tuple[str, ...]:
    header = tuple(names)
    if not any(header):
        raise ConsentFileError(noop("The first line must name the columns."))
    if any(_looks_like_number(name) for name in header):
        words = noop(
            "The first line holds a phone number: it must name the columns, such as “phone”."
        )
        raise ConsentFileError(words)
    if len(header) > MOST_COLUMNS:
        raise ConsentFileError(
            noop("There are more than %(most_columns)s columns.") % {"most_columns": MOST_COLUMNS}
        )
    if max(map(len, header)) > LONGEST_CELL:
        raise ConsentFileError(noop("The name of a column is too long."))
    named = [name.casefold() for name in header if name]
    if len(set(named)) < len(named):
        raise ConsentFileError(noop("Two columns have the same name: each needs one of its own."))
    return header


def _looks_like_number(name: str) -> bool:
    return sum(char.isdigit() for char in name) >= _MANY_DIGITS and not re.search(
        r"[A-Za-z]{3}", name
    )


def guess_columns(header: Sequence[str]) -> dict[str, str]:
    """Return which column seems to hold what, by its name."""
    known = {name.casefold().replace("-", "_"): name for name in header if name}
    found: dict[str, str] = {}
    for one, names in FIELDS.items():
        for name in names:
            if name in known and known[name] not in found.values():
                found[one] = known[name]
                break
    return found


def check_mapped(mapped: Mapped, header: Sequence[str]) -> None:
    """See whether this says how to read the file. Raises ConsentFileError naming the input."""
    columns = {one: name for one, name in mapped.columns.items() if name}
    for one, name in columns.items():
        if one not in FIELDS:
            raise ConsentFileError(
                noop("There is nothing called “%(one)s”.") % {"one": one[:40]}, "columns"
            )
        if name not in header:
            raise ConsentFileError(
                noop("The file has no column “%(name)s”.") % {"name": name[:40]}, one
            )
    if len(set(columns.values())) < len(columns):
        raise ConsentFileError(noop("One column cannot hold two things."), "columns")
    if "address" not in columns:
        raise ConsentFileError(noop("Say which column holds the phone numbers."), "address")
    if ("action" in columns) == bool(mapped.action):
        words = noop(
            "Say which column tells opt-outs from opt-ins, or that all rows are one of them."
        )
        raise ConsentFileError(words, "action")
    if mapped.action not in ("", "opt_out", "opt_in"):
        raise ConsentFileError(noop("Rows are opt_out or opt_in."), "action")
    if mapped.channel not in CHANNELS:
        raise ConsentFileError(noop("A channel is sms, whatsapp or both."), "channel")
    if mapped.country and mapped.country not in phonenumbers.SUPPORTED_REGIONS:
        raise ConsentFileError(noop("There is no such country."), "country")


# --- Its rows -------------------------------------------------------------------------------------


@dataclass
class _Gathered:
    outs: list[Row] = field(default_factory=list)
    ins: list[Row] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    repeated: list[tuple[int, int]] = field(default_factory=list)
    seen: dict[tuple[object, ...], int] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        key = (row.address.consent_key, row.kind, row.programme, row.occurred_at)
        first = self.seen.setdefault(key, row.line)
        if first != row.line:
            self.repeated.append((row.line, first))
        elif row.is_opt_out:
            self.outs.append(row)
        else:
            self.ins.append(row)


def read_rows(sheet: Sheet, mapped: Mapped, *, now: datetime) -> Read:
    """Read every row. Raises ConsentFileError where `check_mapped` does."""
    check_mapped(mapped, sheet.header)
    places = {one: sheet.header.index(name) for one, name in mapped.columns.items() if name}
    gathered = _Gathered()
    for line, cells in sheet.rows:
        try:
            _check_cells(cells, sheet.header, places)
            for row in _rows_of(line, _Cells(cells, places), mapped, now=now):
                gathered.take(row)
        except _UnusableError as error:
            problem = RowProblem(line, error.field, error.reason, shown_cell(error.cell))
            gathered.problems.append(problem)
    return Read(
        tuple(gathered.outs),
        tuple(gathered.ins),
        tuple(gathered.problems),
        tuple(gathered.repeated),
        len(sheet.rows),
    )


class _UnusableError(Exception):
    """One row cannot be used; the others can."""

    def __init__(self, field: str, reason: str, cell: str = "") -> None:
        super().__init__(reason)
        self.field, self.reason, self.cell = field, reason, cell


@dataclass(frozen=True)
class _Cells:
    cells: Sequence[str]
    places: Mapping[str, int]

    def __getitem__(self, name: str) -> str:
        place = self.places.get(name)
        return self.cells[place] if place is not None and place < len(self.cells) else ""


def shown_cell(text: str) -> str:
    """Return what of a cell is repeated to people: cut, and of a number its end only."""
    plain = "".join(char for char in text if char.isprintable())
    digits = sum(char.isdigit() for char in plain)
    return masked(plain) if digits >= _MANY_DIGITS else plain[:LONGEST_SHOWN]


def _check_cells(cells: Sequence[str], header: Sequence[str], places: Mapping[str, int]) -> None:
    if len(cells) > len(header) and any(cells[len(header) :]):
        raise _UnusableError("", noop("This row has more cells than there are columns."))
    for one, place in places.items():
        cell = cells[place] if place < len(cells) else ""
        longest = LONGEST_WORDING if one == "wording" else LONGEST_CELL
        if len(cell) > longest:
            raise _UnusableError(
                one, noop("This cell has more than %(longest)s characters.") % {"longest": longest}
            )
        if any("\ud800" <= char <= "\udfff" for char in cell):
            raise _UnusableError(one, noop("This cell is not legible."))
        if FORMULA.match(cell) and not (one == "address" and re.match(r"\+[\d\s(]", cell)):
            words = noop("This cell begins like a formula. Export values only.")
            raise _UnusableError(one, words, cell)


def _rows_of(line: int, cells: _Cells, mapped: Mapped, *, now: datetime) -> Iterator[Row]:
    kind = _kind(cells["action"], mapped.action)
    is_out = kind is EventKind.OPT_OUT
    row = {
        "line": line,
        "kind": kind,
        "occurred_at": _moment(cells["occurred_at"], now=now),
        # An opt-out is broad: whatever list it was kept on.
        "programme": EVERY_PROGRAMME if is_out else _programme(cells["programme"]),
        "basis": "" if is_out else _basis(cells["basis"]),
        "wording": "" if is_out else cells["wording"],
        "language": "" if is_out else cells["language"][:20],
        "page_url": cells["page_url"],
        "ip": _ip(cells["ip"]),
        "note": cells["note"],
    }
    for address in _addresses(cells["address"], cells["channel"], mapped, is_out=is_out):
        yield Row(address=address, **row)  # type: ignore[arg-type]


def _kind(cell: str, every: str) -> EventKind:
    said = re.sub(r"[\s-]+", "_", (every or cell).casefold())
    if said in _OPT_OUT:
        return EventKind.OPT_OUT
    if said in _OPT_IN:
        return EventKind.GRANT
    words = (
        noop("says neither opt_out nor opt_in") if said else noop("is empty: say opt_out or opt_in")
    )
    raise _UnusableError("action", noop("The action %(words)s.") % {"words": words}, cell)


def _moment(cell: str, *, now: datetime) -> datetime | None:
    """Read an instant with its time zone; there is no guess."""
    if not cell:
        return None
    try:
        at = datetime.fromisoformat(cell)
    except ValueError:
        words = noop("The date is no moment like 2026-01-31T15:00:00Z.")
        raise _UnusableError("occurred_at", words, cell) from None
    try:
        problem = date_problem(at, now=now)
    except OverflowError:
        problem = noop("lies outside of all that can be")
    if problem:
        raise _UnusableError(
            "occurred_at", noop("The date %(problem)s.") % {"problem": problem}, cell
        )
    return at


def _programme(cell: str) -> str:
    if len(cell) > 60:
        raise _UnusableError("programme", noop("A programme has at most 60 characters."), cell)
    return cell or EVERY_PROGRAMME


def _basis(cell: str) -> str:
    said = re.sub(r"[\s-]+", "_", cell.casefold())
    if said and said not in Basis.values:
        raise _UnusableError(
            "basis",
            noop("The basis is none of %(values)s.") % {"values": ", ".join(Basis.values)},
            cell,
        )
    return said


def _ip(cell: str) -> str:
    if not cell:
        return ""
    try:
        return str(ipaddress.ip_address(cell))
    except ValueError:
        raise _UnusableError("ip", noop("This is no IP address."), cell) from None


def _addresses(cell: str, channel: str, mapped: Mapped, *, is_out: bool) -> Iterator[Address]:
    text = "".join(
        char for char in unicodedata.normalize("NFKC", cell) if unicodedata.category(char) != "Cf"
    ).strip()
    if not text:
        raise _UnusableError("address", noop("There is no phone number."))
    named = re.fullmatch(r"(sms|mms|whatsapp|rcs)\s*:\s*(.*)", text, re.IGNORECASE | re.DOTALL)
    rest = named[2].strip() if named else text
    if BSUID.fullmatch(rest):
        yield parse_address(f"{WHATSAPP}:{rest}")
        return
    wanted = _channel(named[1] if named else channel, mapped.channel)
    if wanted == BOTH and not is_out:
        words = noop("An opt-in is for one channel: say sms or whatsapp.")
        raise _UnusableError("channel", words, channel)
    phone = _phone(rest, mapped.country)
    for family in (SMS, WHATSAPP) if wanted == BOTH else (wanted,):
        yield parse_address(f"{family}:{phone}")


def _channel(cell: str, every: str) -> str:
    said = cell.casefold().strip() or every
    known = {"mms": SMS, "rcs": SMS, "text": SMS, "wa": WHATSAPP, "*": BOTH, "all": BOTH}
    said = known.get(said, said)
    if said not in CHANNELS:
        raise _UnusableError(
            "channel", noop("The channel is none of sms, whatsapp and both."), cell
        )
    return said


def _phone(text: str, country: str) -> str:
    digits = re.sub(r"^00", "+", re.sub(r"[\s().\-/]", "", text))
    words = noop("This is not a phone number")
    if not digits.startswith("+") and not country:
        raise _UnusableError(
            "address", noop("%(words)s with its country code.") % {"words": words}, text
        )
    try:
        parsed = phonenumbers.parse(digits, country or None)
    except phonenumbers.NumberParseException as error:
        raise _UnusableError("address", f"{words}.", text) from error
    if not phonenumbers.is_possible_number(parsed):
        raise _UnusableError("address", f"{words}.", text)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
