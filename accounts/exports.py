"""How does a table leave the house as CSV, so that no spreadsheet runs what a customer typed?"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse

# A cell that begins so is a formula to a spreadsheet; the wide forms count to some of them.
# Source: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠]")
# Some spreadsheets take UTF-8 for something older unless this comes first.
BYTE_ORDER_MARK = "\ufeff"


class _Echo:
    """Gives back what is written to it, so that a line can be sent at once."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def defused(value: Any) -> str:
    """Return a cell that every spreadsheet shows as text.

    Numbers of ours stay numbers; a text that begins like a formula gets an apostrophe in front.
    Moments are written in UTC, to the second.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    text = str(value).replace("\0", "")
    is_text = not isinstance(value, bool | int | float)
    return f"'{text}" if is_text and FORMULA.match(text) else text


def undefused(text: str) -> str:
    """Return what a cell said before `defused` put an apostrophe in front of it."""
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Write the lines of a CSV one by one, every cell defused, those of the header too."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow([defused(cell) for cell in header])
    for row in rows:
        yield writer.writerow([defused(cell) for cell in row])


def csv_response(
    name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """Answer with a CSV file that is sent while it is read; nothing of it is kept in memory.

    `name` is the file's name without an ending. Who calls it writes the line of the audit log
    (`accounts.audit.record_export`) first.
    """
    response = StreamingHttpResponse(
        csv_lines(header, rows), content_type="text/csv; charset=utf-8"
    )
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "export"
    response["Content-Disposition"] = f'attachment; filename="{safe}.csv"'
    response["Cache-Control"] = "no-store"
    return response
