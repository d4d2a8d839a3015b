"""Is what an account settles stricter than the row, and what holds of the two?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.jurisdictions import Jurisdiction, shipped_pack
from compliance.stricter import (
    KINDS,
    LEVELS,
    CellError,
    Column,
    Override,
    cell_of,
    common,
    first_outside,
    is_stricter,
    is_within,
    read_cell,
    settled,
    why_looser,
)
from compliance.windows import ANY, DAYS, Span, Window, WindowError, read_window, write_window

ROWS = shipped_pack().rows
US, FLORIDA, FRANCE, INDIA = (ROWS[code] for code in ("US", "US-FL", "FR", "IN"))


# --- Windows -------------------------------------------------------------------------------------


@st.composite
def spans(draw: Any) -> tuple[Span, ...]:
    """Draw spans of a day as they may stand in a pack: in order, without overlap."""
    # Half hours, so that ends meet often.
    ends = sorted(draw(st.sets(st.integers(0, 48), max_size=6)))
    pairs = zip(ends[::2], ends[1::2], strict=False)
    return tuple(Span(start * 30, end * 30) for start, end in pairs)


windows = st.builds(
    Window,
    st.tuples(*(spans() for _day in DAYS)),
    st.none() | spans(),
)


def minutes(window: Window) -> set[tuple[int, bool, int]]:
    """Return every half hour that a window allows, by weekday and kind of day."""
    return {
        (weekday, is_holiday, minute)
        for weekday in range(7)
        for is_holiday in (False, True)
        for span in window.spans(weekday, is_holiday=is_holiday)
        for minute in range(span.starts, span.ends, 30)
    }


@given(windows, windows)
def test_a_window_lies_within_another_as_its_minutes_do(one: Window, other: Window) -> None:
    assert is_within(one, other) is (minutes(one) <= minutes(other))
    assert bool(first_outside(one, other)) is not is_within(one, other)


@given(windows, windows)
def test_what_two_windows_have_in_common_is_never_more_than_either(
    one: Window, other: Window
) -> None:
    both, exact = common(one, other), minutes(one) & minutes(other)

    assert minutes(both) <= exact
    assert {m for m in minutes(both) if not m[1]} == {m for m in exact if not m[1]}
    if (one.holiday is None) == (other.holiday is None):
        assert minutes(both) == exact


@given(windows)
def test_a_window_is_within_itself_and_within_every_hour(window: Window) -> None:
    assert is_within(window, window)
    assert is_within(window, ANY)
    assert common(window, window) == window
    assert minutes(common(window, ANY)) == minutes(window)


@given(windows, windows, windows)
def test_stricter_than_the_stricter_is_stricter(one: Window, two: Window, three: Window) -> None:
    inner, middle = common(common(one, two), three), common(one, two)

    assert is_within(inner, middle)
    assert is_within(middle, one)
    assert is_within(inner, one)


@given(windows)
def test_a_window_that_is_written_reads_the_same(window: Window) -> None:
    assert minutes(read_window(write_window(window))) == minutes(window)
    # And is written the same way, whoever wrote it.
    assert write_window(read_window(write_window(window))) == write_window(window)


@pytest.mark.parametrize(
    "text",
    [
        "any",
        "mon-sun=08:00-21:00",
        "mon-fri=08:00-20:00;sat=09:00-13:00;sun=none;hol=none",
        "mon-thu=08:00-12:00,14:00-24:00;fri=none;sat-sun=10:00-11:30",
    ],
)
def test_windows_of_packs_are_written_as_they_were(text: str) -> None:
    assert write_window(read_window(text)) == text


def test_24_00_is_an_end_and_nothing_else() -> None:
    assert read_window("mon-sun=08:00-24:00").week[0] == (Span(480, 1440),)
    with pytest.raises(WindowError):
        read_window("mon-sun=24:00-24:00")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mon-sun=20:00-08:00", "ends before it starts"),
        ("mon-sun=08:00-08:00", "ends before it starts"),
        ("mon-sun=8-20", "no span of time"),
        ("mon-fri=08:00-20:00;caturday=08:00-20:00", "no day"),
        ("mon-sun=", "no span of time"),
        ("", "no day"),
        ("mon-fri=08:00-20:00", "Nothing is said of sat, sun"),
        ("mon-sun=08:00-12:00,11:00-13:00", "morning to evening"),
        ("mon-sun=08:00-20:00;sun=none", "named twice"),
        ("mon-sun=08:00-25:00", "no span of time"),
    ],
)
def test_a_custom_window_that_is_none_is_refused_in_words(text: str, words: str) -> None:
    """Section 14: end before start, an unknown day, nothing at all."""
    with pytest.raises(CellError, match=words):
        read_cell(Column.PROMOTION, text)


# --- Columns -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "value", "is_so"),
    [
        (US, Column.PROMOTION, "mon-sun=09:00-20:00", True),
        (US, Column.PROMOTION, "mon-sun=08:00-21:00", True),
        (US, Column.PROMOTION, "mon-sun=08:00-21:00;hol=none", True),
        (US, Column.PROMOTION, "mon-sat=09:00-20:00;sun=none", True),
        (US, Column.PROMOTION, "mon-sun=07:59-20:00", False),
        (US, Column.PROMOTION, "mon-fri=09:00-20:00;sat-sun=08:00-21:30", False),
        (US, Column.PROMOTION, "any", False),
        # France rests on public holidays: a window that does not name them is looser.
        (FRANCE, Column.PROMOTION, "mon-sat=09:00-19:00;sun=none", False),
        (FRANCE, Column.PROMOTION, "mon-sat=09:00-19:00;sun=none;hol=none", True),
        (US, Column.NOTIFICATION, "mon-sun=08:00-21:00", True),
        (US, Column.NOTIFICATION, "any", True),
        (US, Column.CONSENT, "written", True),
        (US, Column.CONSENT, "express", False),
        (FRANCE, Column.CONSENT, "written", True),
        (FRANCE, Column.CONSENT, "inferred", False),
        (FLORIDA, Column.MOST_A_DAY, "3", True),
        (FLORIDA, Column.MOST_A_DAY, "1", True),
        (FLORIDA, Column.MOST_A_DAY, "4", False),
        (US, Column.MOST_A_DAY, "999", True),
        (US, Column.EVIDENCE_YEARS, "5", True),
        (US, Column.EVIDENCE_YEARS, "4", False),
        (US, Column.OPT_OUT_YEARS, "10", True),
        (US, Column.OPT_OUT_YEARS, "9", False),
    ],
)
def test_what_is_stricter_than_the_row(
    row: Jurisdiction, column: Column, value: str, is_so: bool
) -> None:
    assert is_stricter(row, column, read_cell(column, value)) is is_so
    assert bool(why_looser(row, column, read_cell(column, value))) is not is_so


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Column.MOST_A_DAY, "0"),
        (Column.MOST_A_DAY, "-1"),
        (Column.MOST_A_DAY, "1000"),
        (Column.MOST_A_DAY, "3.5"),
        (Column.MOST_A_DAY, "٣"),
        (Column.EVIDENCE_YEARS, "100"),
        (Column.OPT_OUT_YEARS, "ten"),
        (Column.CONSENT, "EXPRESS"),
        (Column.CONSENT, "a nod"),
        (Column.PROMOTION, "mon-sun=08:00-20:00" + ";" * 400),
    ],
)
def test_what_is_no_value_is_refused(column: Column, value: str) -> None:
    with pytest.raises(CellError):
        read_cell(column, value)


def test_why_something_is_looser_names_the_first_hour_outside() -> None:
    assert why_looser(US, Column.PROMOTION, "mon-sun=07:00-20:00").startswith(
        "mon 07:00-08:00 lies outside mon-sun=08:00-21:00"
    )
    assert why_looser(FRANCE, Column.PROMOTION, "mon-sat=09:00-19:00;sun=none").startswith(
        "hol 09:00-19:00 lies outside"
    )
    assert "3, which is stricter" in why_looser(FLORIDA, Column.MOST_A_DAY, "5")


# --- What holds ----------------------------------------------------------------------------------

values = st.one_of(
    st.tuples(st.sampled_from([Column.PROMOTION, Column.NOTIFICATION]), windows.map(write_window)),
    st.tuples(st.just(Column.CONSENT), st.sampled_from(LEVELS)),
    st.tuples(st.just(Column.MOST_A_DAY), st.integers(1, 999).map(str)),
    st.tuples(
        st.sampled_from([Column.EVIDENCE_YEARS, Column.OPT_OUT_YEARS]),
        st.integers(1, 99).map(str),
    ),
)
rows = st.sampled_from(sorted(ROWS.values(), key=lambda row: row.code))


@given(rows, st.lists(values, max_size=4))
def test_what_is_not_signed_never_makes_a_row_looser(
    row: Jurisdiction, settings: list[tuple[Column, str]]
) -> None:
    own = [Override(row.code, column, value, "") for column, value in settings]

    held = settled(row, own)

    for column, kind in KINDS.items():
        assert kind.is_stricter(kind.of_row(held), kind.of_row(row)), column
    for column, value in settings:
        kind = KINDS[column]
        assert kind.is_stricter(kind.of_row(held), kind.read(value)), column


@given(rows, values)
def test_what_is_stricter_holds_as_it_was_written(
    row: Jurisdiction, setting: tuple[Column, str]
) -> None:
    column, value = setting
    held = settled(row, [Override(row.code, column, value, cell_of(row, column))])

    if is_stricter(row, column, value):
        kind = KINDS[column]
        assert kind.of_row(held) == kind.read(value)


@given(rows, rows, values)
def test_a_signature_holds_for_the_rule_that_was_read_and_for_no_other(
    row: Jurisdiction, other: Jurisdiction, setting: tuple[Column, str]
) -> None:
    column, value = setting
    kind = KINDS[column]
    signed = Override(row.code, column, value, cell_of(other, column), is_looser=True)

    held = settled(row, [signed])

    if cell_of(row, column) == cell_of(other, column):
        assert kind.of_row(held) == kind.read(value)
        assert not signed.has_lapsed(row)
    else:
        assert kind.is_stricter(kind.of_row(held), kind.of_row(row))
        assert signed.has_lapsed(row)


def test_a_rule_of_one_row_leaves_the_others_alone() -> None:
    own = [Override("US-FL", Column.MOST_A_DAY, "1", "3")]

    assert settled(FLORIDA, own).most_a_day == 1
    assert settled(US, own) == US


def test_the_gate_reads_what_was_settled() -> None:
    own = [
        Override("IN", Column.CONSENT, "written", "express"),
        Override("IN", Column.PROMOTION, "mon-sun=11:00-12:00", "mon-sun=10:00-20:00"),
        Override("IN", Column.MOST_A_DAY, "2", ""),
        Override("IN", Column.EVIDENCE_YEARS, "7", "5"),
        Override("IN", Column.OPT_OUT_YEARS, "12", "10"),
    ]

    held = settled(INDIA, own)

    assert held.consent_level == "written"
    assert write_window(held.hours("promotional").window) == "mon-sun=11:00-12:00"
    assert (held.most_a_day, held.evidence_years, held.opt_out_years) == (2, 7, 12)
    # What was not settled is the row's.
    assert held.facts["sources"] == INDIA.facts["sources"]
    assert held.can_answer("long_code") is INDIA.can_answer("long_code")


def test_years_are_read_from_cells_that_say_more_than_a_number() -> None:
    said = {row.code: row.evidence_years for row in ROWS.values()}

    assert said["US"] == said["DE"] == 5
    assert None in said.values()
    assert {row.opt_out_years for row in ROWS.values()} == {10}


def test_a_row_is_stale_after_half_a_year() -> None:
    assert not US.is_stale(date(2027, 5, 22))
    assert US.is_stale(date(2027, 5, 23))
