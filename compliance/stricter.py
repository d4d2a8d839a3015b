"""Is one rule stricter than another, and what holds of two?

Of the columns of a pack that an account may settle for itself. Pure. A window is stricter when it
lies within the other on every day, a holiday or not; a cap when it is smaller, a kind of consent
when it is worth more, and what must be kept when it is kept longer.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from accounts.english import noop
from compliance import country_terms
from compliance.jurisdictions import Jurisdiction
from compliance.windows import (
    DAYS,
    HOLIDAY,
    Span,
    Window,
    WindowError,
    clock,
    read_window,
    write_window,
)

LEVELS = ("inferred", "express", "written")
_PHRASES = {
    "inferred": "express_or_inferred",
    "express": "express",
    "written": "express_written",
}
LONGEST_VALUE = 400
_WHOLE = re.compile(r"[0-9]{1,4}")


class Column(StrEnum):
    """What of a row an account may settle for itself."""

    PROMOTION = "promo_window"
    NOTIFICATION = "notification_window"
    CONSENT = "promo_consent"
    MOST_A_DAY = "most_a_day"
    EVIDENCE_YEARS = "consent_evidence_years"
    OPT_OUT_YEARS = "optout_keep_years"


class CellError(Exception):
    """What was written is no value of its column; `reason` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# --- Windows -------------------------------------------------------------------------------------


def is_within(inner: Window, outer: Window) -> bool:
    """Say whether every minute of one window is one of the other, on every day."""
    return not first_outside(inner, outer)


def first_outside(inner: Window, outer: Window) -> str:
    """Name the first span of a window that the other does not allow; blank if there is none."""
    kinds = [False, True] if inner.holiday is not None or outer.holiday is not None else [False]
    for is_holiday in kinds:
        for weekday, day in enumerate(DAYS):
            mine = inner.spans(weekday, is_holiday=is_holiday)
            left = _without(mine, outer.spans(weekday, is_holiday=is_holiday))
            if left:
                name = HOLIDAY if is_holiday else day
                return f"{name} {clock(left[0].starts)}-{clock(left[0].ends)}"
    return ""


def common(one: Window, other: Window) -> Window:
    """Return the minutes that two windows have in common.

    Exact where both treat holidays alike, or one lies within the other; else a holiday is what the
    two have in common whatever its weekday, which is never too much.
    """
    if is_within(one, other):
        return one
    if is_within(other, one):
        return other
    week = tuple(_both(mine, its) for mine, its in zip(one.week, other.week, strict=True))
    if one.holiday is None and other.holiday is None:
        return Window(week)
    holiday: tuple[Span, ...] | None = None
    for window in (one, other):
        for spans in window.week if window.holiday is None else (window.holiday,):
            holiday = spans if holiday is None else _both(holiday, spans)
    return Window(week, holiday)


def _both(one: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    found = (
        Span(max(mine.starts, its.starts), min(mine.ends, its.ends))
        for mine in one
        for its in other
    )
    return _joined(span for span in found if span.starts < span.ends)


def _without(spans: Sequence[Span], taken: Sequence[Span]) -> tuple[Span, ...]:
    left = list(spans)
    for gone in taken:
        pieces = [
            piece
            for one in left
            for piece in (
                Span(one.starts, min(one.ends, gone.starts)),
                Span(max(one.starts, gone.ends), one.ends),
            )
            if piece.starts < piece.ends
        ]
        left = pieces
    return tuple(sorted(left, key=lambda one: one.starts))


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in their order, those that touch as one."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.starts, one.ends)):
        if found and span.starts <= found[-1].ends:
            found[-1] = Span(found[-1].starts, max(found[-1].ends, span.ends))
        else:
            found.append(span)
    return tuple(found)


# --- Columns -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """How the values of a column are read, written and compared."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]
    # Is the first at least as strict as the second?
    is_stricter: Callable[[Any, Any], bool]
    strictest: Callable[[Any, Any], Any]
    of_row: Callable[[Jurisdiction], Any]
    put: Callable[[Jurisdiction, Any], Jurisdiction]


def _window(text: str) -> Window:
    try:
        return read_window(text)
    except WindowError as error:
        raise CellError(error.reason) from None


def _level(text: str) -> int:
    if text not in LEVELS:
        raise CellError(
            noop("“%(text)s” is no kind of consent: it is %(levels)s.")
            % {"text": text[:40], "levels": ", ".join(LEVELS)}
        )
    return LEVELS.index(text)


def _number(text: str, most: int) -> int:
    number = int(text) if _WHOLE.fullmatch(text) else 0
    if not 1 <= number <= most:
        raise CellError(
            noop("“%(text)s” is no whole number from 1 to %(most)s.")
            % {"text": text[:40], "most": most}
        )
    return number


def _cap(text: str) -> int:
    return _number(text, country_terms.MOST_CAP)


def _years(text: str) -> int:
    return _number(text, 99)


def _fact(row: Jurisdiction, name: str, cell: str) -> Jurisdiction:
    return replace(row, facts={**row.facts, name: cell})


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _plain(number: int | None) -> str:
    return "" if number is None else str(number)


KINDS: dict[Column, Kind] = {
    Column.PROMOTION: Kind(
        _window,
        write_window,
        is_within,
        common,
        lambda row: row.promotion,
        lambda row, window: replace(row, promotion=window),
    ),
    Column.NOTIFICATION: Kind(
        _window,
        write_window,
        is_within,
        common,
        lambda row: row.notification,
        lambda row, window: replace(row, notification=window),
    ),
    Column.CONSENT: Kind(
        _level,
        LEVELS.__getitem__,
        lambda one, other: one >= other,
        max,
        lambda row: LEVELS.index(row.consent_level),
        lambda row, level: _fact(row, "promo_consent", _PHRASES[LEVELS[level]]),
    ),
    Column.MOST_A_DAY: Kind(
        _cap,
        _plain,
        lambda one, other: _least(one, other) == one,
        _least,
        lambda row: row.most_a_day,
        lambda row, cap: _fact(row, "most_a_day", _plain(cap)),
    ),
    Column.EVIDENCE_YEARS: Kind(
        _years,
        _plain,
        lambda one, other: _most(one, other) == one,
        _most,
        lambda row: row.evidence_years,
        lambda row, years: _fact(row, "consent_evidence_years", _plain(years)),
    ),
    Column.OPT_OUT_YEARS: Kind(
        _years,
        _plain,
        lambda one, other: _most(one, other) == one,
        _most,
        lambda row: row.opt_out_years,
        lambda row, years: _fact(row, "optout_keep_years", f"until opt-in (min {years})"),
    ),
}


def cell_of(row: Jurisdiction, column: Column) -> str:
    """Write what a row says in a column, as an override would; blank: it says nothing."""
    kind = KINDS[column]
    return kind.write(kind.of_row(row))


def read_cell(column: Column, text: str) -> str:
    """Return what somebody wrote for a column in the one form it is kept in. Raises CellError."""
    text = " ".join(text.split())
    if len(text) > LONGEST_VALUE:
        raise CellError(
            noop("This is longer than %(longest_value)s characters.")
            % {"longest_value": LONGEST_VALUE}
        )
    kind = KINDS[column]
    return kind.write(kind.read(text))


def is_stricter(row: Jurisdiction, column: Column, value: str) -> bool:
    """Say whether a value is at least as strict as the row. Raises CellError."""
    kind = KINDS[column]
    return kind.is_stricter(kind.read(value), kind.of_row(row))


def why_looser(row: Jurisdiction, column: Column, value: str) -> str:
    """Say in words where a value is looser than the row; blank if it is not. Raises CellError."""
    if is_stricter(row, column, value):
        return ""
    own = cell_of(row, column) or "nothing"
    if column in (Column.PROMOTION, Column.NOTIFICATION):
        outside = first_outside(read_window(value), KINDS[column].of_row(row))
        return noop("%(outside)s lies outside %(own)s, which is the rule of %(name)s.") % {
            "outside": outside,
            "own": own,
            "name": row.name,
        }
    return noop("The rule of %(name)s is %(own)s, which is stricter.") % {
        "name": row.name,
        "own": own,
    }


# --- What an account settled ---------------------------------------------------------------------


@dataclass(frozen=True)
class Override:
    """What an account settled for a column of a row.

    `of_value` is what the row said then: a signature under something looser is for the rule that
    was read, and for no other.
    """

    code: str
    column: Column
    value: str
    of_value: str
    is_looser: bool = False

    def has_lapsed(self, row: Jurisdiction) -> bool:
        """Say whether it was signed as looser than a rule that has changed since."""
        return self.is_looser and self.of_value != cell_of(row, self.column)


def settled(row: Jurisdiction, overrides: Iterable[Override]) -> Jurisdiction:
    """Return what holds in place of a row.

    The stricter of row and override, unless something looser was signed for this very rule.
    """
    for one in overrides:
        if one.code != row.code:
            continue
        kind = KINDS[one.column]
        own = kind.read(one.value)
        if not one.is_looser or one.has_lapsed(row):
            own = kind.strictest(own, kind.of_row(row))
        row = kind.put(row, own)
    return row
