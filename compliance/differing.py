"""What is different between two packs of rules? Row by row and column by column. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from compliance.jurisdictions import Jurisdiction, Pack
from compliance.stricter import KINDS, Column


@dataclass(frozen=True)
class CellChange:
    """One column of a row: what it said, and what it says. `tone` is what that does, if known."""

    column: str
    before: str
    after: str
    tone: str = ""


@dataclass(frozen=True)
class RowChange:
    """A row that came, went or changed."""

    code: str
    name: str
    kind: str  # added, removed, changed
    cells: Sequence[CellChange] = ()


def differences(before: Pack, after: Pack) -> list[RowChange]:
    """Return every row that is not the same in both packs, by code."""
    codes = sorted({*before.rows, *after.rows})
    found = (_row_change(code, before.rows.get(code), after.rows.get(code)) for code in codes)
    return [change for change in found if change]


def _row_change(
    code: str, before: Jurisdiction | None, after: Jurisdiction | None
) -> RowChange | None:
    row = after or before
    assert row is not None
    cells = list(_cells(before, after))
    if before and after:
        return RowChange(code, row.name, "changed", cells) if cells else None
    return RowChange(code, row.name, "added" if after else "removed", cells)


def _cells(before: Jurisdiction | None, after: Jurisdiction | None) -> Iterator[CellChange]:
    old, new = before.cells if before else {}, after.cells if after else {}
    for column in dict.fromkeys((*old, *new)):
        was, now = old.get(column, ""), new.get(column, "")
        if was != now:
            yield CellChange(column, was, now, _tone(column, before, after))


def _tone(column: str, before: Jurisdiction | None, after: Jurisdiction | None) -> str:
    """Say whether a change makes the rule stricter, looser or other, where that can be told."""
    if before is None or after is None or column not in set(Column):
        return ""
    kind = KINDS[Column(column)]
    old, new = kind.of_row(before), kind.of_row(after)
    if old == new:
        return ""
    if kind.is_stricter(new, old):
        return "stricter"
    return "looser" if kind.is_stricter(old, new) else "other"


def counts_of(changes: Sequence[RowChange]) -> Mapping[str, int]:
    """Count rows that came, went and changed, for a line of the audit log."""
    kinds = [change.kind for change in changes]
    return {kind: kinds.count(kind) for kind in ("added", "changed", "removed")}
