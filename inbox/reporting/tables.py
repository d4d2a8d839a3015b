"""What is a table of a report, and how is what stands in it written for people and for machines?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from django.utils.formats import number_format
from django.utils.translation import gettext as _

Value: TypeAlias = str | int | float | Decimal | timedelta | None
NOTHING = "–"
ROOM_FOR_COLUMNS = 6


class Kind(StrEnum):
    """What stands in a column."""

    TEXT = "text"
    NUMBER = "number"
    SHARE = "share"
    TIME = "time"


@dataclass(frozen=True)
class Column:
    """One column: what it is called, and what stands in it."""

    title: str
    kind: Kind = Kind.NUMBER


@dataclass(frozen=True)
class Cell:
    """One value as people read it. `plain` is a number for scripts that draw; blank: none."""

    words: str
    plain: str = ""
    level: int = 0
    is_text: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under columns, with a title. The first value of each row names it.

    `drawn` says how a script may draw it (`bars`, `lines`, `heat`); blank: it stays a table.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    drawn: str = ""
    note: str = ""
    empty: str = ""
    total: int = field(default=0)

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing in it to look at."""
        if not self.drawn:
            return not self.rows
        return not any(value for row in self.rows for value in row[1:])

    @property
    def is_wide(self) -> bool:
        """Say whether it needs the whole page, so that nobody has to move it sideways."""
        return len(self.columns) > ROOM_FOR_COLUMNS and not self.is_empty

    @property
    def shown(self) -> Iterable[Sequence[Cell]]:
        """Return the rows as people read them."""
        most = max((v for row in self.rows for v in row[1:] if isinstance(v, int)), default=0)
        for row in self.rows:
            yield [
                _cell(value, column.kind, most if self.drawn == "heat" else 0)
                for value, column in zip(row, self.columns, strict=True)
            ]

    @property
    def header(self) -> list[str]:
        """Return the titles as a file has them: times are whole seconds there, shares percent."""
        marks = {Kind.TIME: _("%(title)s (seconds)"), Kind.SHARE: _("%(title)s (percent)")}
        return [marks.get(one.kind, "%(title)s") % {"title": one.title} for one in self.columns]

    @property
    def plain_rows(self) -> Iterable[list[str | int | float | None]]:
        """Return the rows as a file has them."""
        for row in self.rows:
            yield [_plain(value) for value in row]


LEVELS = 5


def _cell(value: Value, kind: Kind, most: int) -> Cell:
    if kind is Kind.TEXT:
        return Cell(str(value), is_text=True)
    level = -(-LEVELS * value // most) if most and isinstance(value, int) else 0
    plain = _plain(value)
    return Cell(words_for(value, kind), "" if plain is None else str(plain), level)


def _plain(value: Value) -> str | int | float | None:
    if isinstance(value, timedelta):
        return round(value.total_seconds())
    if isinstance(value, Decimal | float):
        return round(float(value), 4)
    return value


def words_for(value: Value, kind: Kind) -> str:
    """Write a value for people, in their language; a dash for none."""
    if value is None:
        return NOTHING
    if isinstance(value, timedelta):
        return time_words(value)
    if kind is Kind.SHARE and isinstance(value, int | float):
        return _("%(number)s %%") % {"number": number_format(value, 1)}
    if isinstance(value, str):
        return value
    digits = 2 if isinstance(value, Decimal) else None
    return str(number_format(value, digits, use_l10n=True, force_grouping=True))


def time_words(span: timedelta) -> str:
    """Write how long something took, in two units at most."""
    seconds = round(span.total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return _("%(seconds)d s") % {"seconds": seconds}
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    if hours < 24 and minutes % 60:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes % 60}
    if hours < 24:
        return _("%(hours)d h") % {"hours": hours}
    if not hours % 24:
        return _("%(days)d d") % {"days": days}
    return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours % 24}


def share_of(part: int, whole: int) -> float | None:
    """Return how much of a whole a part is, in percent; None where there is no whole."""
    return round(100 * part / whole, 1) if whole else None
