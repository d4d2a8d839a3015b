"""What would a file make of a table? Looked at first, then kept as it was seen.

Between the look and the button the file waits in the cache, for an hour, for one person.
"""

import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.utils.translation import gettext as _

from accounts.models import Account, User
from routing.crm_tables import RowError, Sheet, read_table
from routing.lookups import DefinitionError, add_table, replace_table
from routing.models import CrmTable

WAITS_SECONDS = 3600
SHOWN_ROWS = 10


@dataclass(frozen=True)
class Preview:
    """What a file holds; `key` is what is sent back to keep it, `lost` whose columns it lacks."""

    key: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    number: int
    errors: Sequence[RowError]
    more_errors: int
    lost: Sequence[str] = ()

    @property
    def more_rows(self) -> int:
        """Count the rows that are not shown."""
        return self.number - len(self.rows)


def preview_file(
    content: bytes, *, account: Account, by: User, table: CrmTable | None = None
) -> Preview:
    """Look into a file and remember it. Raises TableFileError for what is no table."""
    sheet = read_table(content, country=account.default_country)
    key = secrets.token_urlsafe(16)
    cache.set(_place(key, account, by), zlib.compress(content), WAITS_SECONDS)
    return _preview(key, sheet, table)


def preview_again(
    key: str, *, account: Account, by: User, table: CrmTable | None = None
) -> Preview:
    """Look into the same file once more. Raises DefinitionError if it is forgotten."""
    return _preview(key, _remembered(key, account, by), table)


def keep_file(
    key: str,
    *,
    account: Account,
    name: str = "",
    table: CrmTable | None = None,
    seen: datetime | None = None,
    by: User,
    now: datetime,
) -> CrmTable:
    """Keep a file that was looked at, as a new table or in place of what one holds.

    Raises DefinitionError and its kin, see `routing.lookups`.
    """
    sheet = _remembered(key, account, by)
    if table is None:
        kept = add_table(account=account, name=name, sheet=sheet, by=by, now=now)
    else:
        before = seen or table.changed_at
        kept = replace_table(table=table, sheet=sheet, seen=before, by=by, now=now)
    cache.delete(_place(key, account, by))
    return kept


def _remembered(key: str, account: Account, by: User) -> Sheet:
    packed = cache.get(_place(key, account, by)) if key else None
    if packed is None:
        raise DefinitionError(_("The preview is too old. Choose the file again."), "file")
    return read_table(zlib.decompress(packed), country=account.default_country)


def _place(key: str, account: Account, by: User) -> str:
    return f"crm-file:{account.pk}:{by.pk}:{key[:64]}"


def _preview(key: str, sheet: Sheet, table: CrmTable | None) -> Preview:
    first = list(sheet.rows.items())[:SHOWN_ROWS]
    return Preview(
        key=key,
        columns=sheet.columns,
        rows=[(number, cells_of(values, sheet.columns)) for number, values in first],
        number=len(sheet.rows),
        errors=sheet.errors,
        more_errors=sheet.more_errors,
        lost=_lost(sheet, table) if table else (),
    )


def cells_of(values: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    """Put the values of a row in the order of its columns."""
    return [values.get(name, "") for name in columns]


def _lost(sheet: Sheet, table: CrmTable) -> list[str]:
    """Say which look-ups want a column that the file lacks."""
    words = _("“%(lookup)s” reads the column “%(column)s”, which this file has not.")
    return [
        words % {"lookup": connector.name, "column": one["path"]}
        for connector in table.connectors.all()
        for one in connector.fields
        if one.get("path") not in sheet.columns
    ]
