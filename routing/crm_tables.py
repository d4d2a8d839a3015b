"""Which facts about customers does a file (.csv) hold, and which of its rows cannot be used?

The first column holds numbers. Nothing is guessed: a row that is not clear is named with its line.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import phonenumbers
from django.utils.translation import gettext as _

LARGEST_FILE = 5 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 30
MOST_ERRORS = 100
LONGEST_COLUMN = 40
LONGEST_CELL = 1000
_DELIMITERS = ",;\t"


class TableFileError(Exception):
    """A file is no table that can be read. `reason` is fit for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class RowError:
    """Why a row cannot be used. Lines count from 1, the first with the names of the columns."""

    line: int
    reason: str


@dataclass(frozen=True)
class Sheet:
    """What a file holds: columns behind the first, rows by number (E.164), and what was left out.

    `more_errors` counts those that are not listed.
    """

    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]
    errors: tuple[RowError, ...] = ()
    more_errors: int = 0


def read_table(content: bytes, *, country: str = "") -> Sheet:
    """Read a file. Numbers without a country code are those of `country`. Raises TableFileError."""
    lines = _lines(content)
    columns = _columns(next(lines, (1, []))[1])
    rows: dict[str, Mapping[str, str]] = {}
    errors: list[RowError] = []
    for line, cells in lines:
        if not any(cells):
            continue
        try:
            key, values = _row(cells, columns, country)
            if key in rows:
                raise _UnusableError(_("This number is in the file twice; the first row holds."))
        except _UnusableError as error:
            errors.append(RowError(line, str(error)))
            continue
        rows[key] = values
        if len(rows) > MOST_ROWS:
            raise TableFileError(_("The file has more than %(most)s rows.") % {"most": MOST_ROWS})
    return Sheet(columns, rows, tuple(errors[:MOST_ERRORS]), max(0, len(errors) - MOST_ERRORS))


class _UnusableError(Exception):
    """One row cannot be used; the others can."""


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with the number of the line on which each ends, cells without blanks."""
    text = _text(content)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        words = _("Line %(line)s is not written as a table is; export the file again.")
        raise TableFileError(words % {"line": reader.line_num}) from error


def _text(content: bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise TableFileError(_("The file is larger than 5 MB."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableFileError(_("The file is not text in UTF-8; export it again.")) from error
    if "\0" in text:
        raise TableFileError(_("The file is not a table in text form (.csv)."))
    if not text.strip():
        raise TableFileError(_("The file is empty."))
    return text


def _columns(names: list[str]) -> tuple[str, ...]:
    if len(names) < 2:
        raise TableFileError(
            _("The first line must name the columns: one with numbers, then one for each fact.")
        )
    if len(names) - 1 > MOST_COLUMNS:
        raise TableFileError(_("There are more than %(most)s columns.") % {"most": MOST_COLUMNS})
    columns = tuple(names[1:])
    if not all(columns) or len({name.casefold() for name in columns}) < len(columns):
        raise TableFileError(_("Each column needs a name of its own in the first line."))
    if max(map(len, columns)) > LONGEST_COLUMN:
        words = _("The name of a column may have %(most)s characters.")
        raise TableFileError(words % {"most": LONGEST_COLUMN})
    return columns


def _row(cells: list[str], columns: tuple[str, ...], country: str) -> tuple[str, Mapping[str, str]]:
    if len(cells) > len(columns) + 1:
        raise _UnusableError(_("This row has more cells than there are columns."))
    if max(map(len, cells)) > LONGEST_CELL:
        words = _("A cell has more than %(most)s characters.")
        raise _UnusableError(words % {"most": LONGEST_CELL})
    filled = zip(columns, cells[1:], strict=False)
    return _number(cells[0], country), {name: cell for name, cell in filled if cell}


def _number(text: str, country: str) -> str:
    """Return a number as E.164, however people write it."""
    try:
        parsed = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException as error:
        raise _UnusableError(_("The first cell is no phone number.")) from error
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
