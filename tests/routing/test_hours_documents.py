"""Do business hours come out of a document as they went in, and is every mistake told?"""

from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.hours import ALL_DAY, MINUTES_OF_DAY, Calendar, Opening, SpecialDay
from routing.hours_documents import NamedHours, read_hours, write_hours
from routing.reading import DocumentError

OFFICE: dict[str, Any] = {
    "name": "Office",
    "time_zone": "Europe/Vienna",
    "week": {"monday": ["09:00-12:00", "13:00-18:00"], "saturday": ["22:00-06:00"]},
    "holidays": {"country": "AT", "region": "9", "ignored": ["Epiphany"]},
    "special_days": [{"on": "2026-12-24", "name": "Christmas Eve", "open": ["09:00-12:00"]}],
}


def test_what_is_written_is_what_was_read() -> None:
    read = read_hours(OFFICE)

    assert read.name == "Office"
    assert read.calendar.week[0] == (Opening(540, 720), Opening(780, 1080))
    assert read.calendar.week[5] == (Opening(1320, 1800),)
    assert read.calendar.special_days == (
        SpecialDay(date(2026, 12, 24), "Christmas Eve", (Opening(540, 720),)),
    )
    assert write_hours(read) == OFFICE


def test_a_whole_day_has_no_end_before_midnight() -> None:
    week = (ALL_DAY,) * 7
    written = write_hours(NamedHours("All", Calendar("UTC", week)))

    assert written["week"]["monday"] == ["00:00-24:00"]
    assert read_hours(written).calendar.week == week


@st.composite
def openings(draw: st.DrawFn) -> tuple[Opening, ...]:
    """Some hours of a day, apart from each other and within it."""
    edges = sorted(draw(st.sets(st.integers(0, MINUTES_OF_DAY - 1), max_size=8)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple(Opening(starts, ends) for starts, ends in pairs)


@given(
    st.tuples(*[openings()] * 7),
    st.sets(st.dates(date(2000, 1, 1), date(2100, 1, 1)), max_size=4),
    openings(),
    st.text(max_size=20).filter(lambda text: "\0" not in text),
)
def test_any_hours_come_back_as_they_were(
    week: Any, dates: set[date], open_then: tuple[Opening, ...], name: str
) -> None:
    days = tuple(SpecialDay(on, name, open_then) for on in sorted(dates))
    hours = NamedHours("Any", Calendar("Asia/Tokyo", week, special_days=days))

    assert read_hours(write_hours(hours)) == hours


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"name": " "}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"week": {"moonday": []}}, "week"),
        ({"week": {"monday": "09:00-17:00"}}, "week.monday"),
        ({"week": {"monday": ["9-17"]}}, "week.monday[0]"),
        ({"week": {"monday": ["25:00-26:00"]}}, "week.monday[0]"),
        ({"week": {"monday": ["09:00-12:00", "11:00-13:00"]}}, "week.monday"),
        ({"week": {"sunday": ["20:00-04:00"], "monday": ["03:00-05:00"]}}, "week.sunday"),
        ({"week": {"monday": ["09:00-17:00"] * 25}}, "week.monday"),
        ({"holidays": {"country": "XX"}}, "holidays.country"),
        ({"holidays": {"country": "AT", "region": "Mars"}}, "holidays.region"),
        ({"special_days": [{"on": "24.12.2026"}]}, "special_days[0].on"),
        ({"special_days": [{"on": "2026-12-24"}] * 2}, "special_days"),
        ({"special_days": [{"on": "2026-12-24", "open": ["x"]}]}, "special_days[0].open[0]"),
        ({"open": True}, "document"),
    ],
)
def test_every_mistake_is_told_with_its_place(change: dict[str, Any], where: str) -> None:
    with pytest.raises(DocumentError) as refused:
        read_hours({**OFFICE, **change})

    assert where in [problem.where for problem in refused.value.problems]


@pytest.mark.parametrize("document", [None, [], "hours", 7, {}])
def test_what_is_no_document_is_refused(document: object) -> None:
    with pytest.raises(DocumentError):
        read_hours(document)


def test_noon_is_noon() -> None:
    assert read_hours(OFFICE).calendar.week[0][1].starts == time(13).hour * 60
