"""What does a calendar file say about our hours? Whole, broken and hostile files."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.calendar_files import (
    LARGEST_FILE,
    MOST_EVENTS,
    CalendarFileError,
    Reading,
    compare,
    read_calendar_file,
)
from routing.hours import Opening, SpecialDay

TODAY = date(2026, 11, 26)


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"])


def file(*events: str) -> bytes:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//Test//EN"]
    return "\r\n".join([*head, *events, "END:VCALENDAR", ""]).encode()


def read(content: bytes, zone: str = "Europe/Berlin") -> Reading:
    return read_calendar_file(content, zone=zone, today=TODAY)


def days(*events: str, zone: str = "Europe/Berlin") -> dict[str, str]:
    """Read a file of these events; return what it says, by date."""
    reading = read(file(*events), zone)
    return {
        str(day.on): " ".join([*map(str, day.openings)] or ["closed"]) + f" {day.name}"
        for day in reading.days
    }


def test_an_all_day_event_closes_its_days_but_not_the_one_on_which_it_ends() -> None:
    found = days(
        event("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227", "SUMMARY:Xmas\\, off"),
        event("DTSTART;VALUE=DATE:20270101", "SUMMARY:New Year"),
    )

    assert found == {
        "2026-12-24": "closed Xmas, off",
        "2026-12-25": "closed Xmas, off",
        "2026-12-26": "closed Xmas, off",
        "2027-01-01": "closed New Year",
    }


def test_an_event_with_times_gives_the_day_other_hours() -> None:
    found = days(
        event("DTSTART:20261224T090000", "DTEND:20261224T123000", "SUMMARY:Short day"),
        event("DTSTART:20261231T220000", "DURATION:PT4H", "SUMMARY:Party"),
        event("DTSTART:20261224T140000", "DTEND:20261224T160000", "SUMMARY:Short day"),
    )

    assert found == {
        "2026-12-24": "09:00–12:30 14:00–16:00 Short day",
        "2026-12-31": "22:00–02:00 Party",
    }


def test_times_are_those_of_our_zone() -> None:
    found = days(
        event("DTSTART;TZID=America/New_York:20261224T090000", "DTEND;TZID=America/New_York:"
              "20261224T120000", "SUMMARY:A"),
        event("DTSTART:20261230T230000Z", "DTEND:20261231T010000Z", "SUMMARY:B"),
    )  # fmt: skip

    assert found == {"2026-12-24": "15:00–18:00 A", "2026-12-31": "00:00–02:00 B"}


def test_times_hold_where_a_date_has_both() -> None:
    found = days(
        event("DTSTART;VALUE=DATE:20261224", "SUMMARY:Christmas Eve"),
        event("DTSTART:20261224T090000", "DTEND:20261224T120000", "SUMMARY:Open till noon"),
    )

    assert found == {"2026-12-24": "09:00–12:00 Open till noon"}


def test_a_yearly_event_comes_twice_in_two_years() -> None:
    found = days(
        event("DTSTART;VALUE=DATE:19980501", "RRULE:FREQ=YEARLY", "SUMMARY:Labour Day"),
        event("DTSTART;VALUE=DATE:20100101", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "SUMMARY:T"),
    )

    assert list(found) == ["2026-11-26", "2027-05-01", "2027-11-25", "2028-05-01", "2028-11-23"]


def test_exceptions_and_moved_days_of_a_series() -> None:
    found = days(
        event(
            "UID:1", "DTSTART:20261201T180000Z", "DTEND:20261201T190000Z",
            "RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20261202T180000Z", "SUMMARY:Late",
        ),
        event(
            "UID:1", "RECURRENCE-ID:20261203T180000Z", "DTSTART:20261210T180000Z",
            "DTEND:20261210T190000Z", "SUMMARY:Moved",
        ),
        event("UID:1", "RECURRENCE-ID:20261204T180000Z", "STATUS:CANCELLED",
              "DTSTART:20261204T180000Z"),
        event("DTSTART;VALUE=DATE:20261220", "RDATE;VALUE=DATE:20261221", "SUMMARY:Twice"),
    )  # fmt: skip

    assert found == {
        "2026-12-01": "19:00–20:00 Late",
        "2026-12-05": "19:00–20:00 Late",
        "2026-12-10": "19:00–20:00 Moved",
        "2026-12-20": "closed Twice",
        "2026-12-21": "closed Twice",
    }


def test_a_series_ends_where_it_says() -> None:
    found = days(
        event(
            "DTSTART;TZID=Europe/Berlin:20261201T090000", "DURATION:PT1H",
            "RRULE:FREQ=DAILY;UNTIL=20261203T080000Z", "SUMMARY:A",
        ),
        event(
            "DTSTART;TZID=Europe/Berlin:20261211T090000", "DURATION:PT1H",
            "RRULE:FREQ=DAILY;UNTIL=20261213T075959Z", "SUMMARY:B",
        ),
    )  # fmt: skip

    assert list(found) == ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-11", "2026-12-12"]


def test_what_is_past_or_far_away_is_left_out_and_counted() -> None:
    reading = read(
        file(
            event("DTSTART;VALUE=DATE:20251224", "SUMMARY:Past"),
            event("DTSTART;VALUE=DATE:20301224", "SUMMARY:Far"),
            event("DTSTART;VALUE=DATE:20261125", "DTEND;VALUE=DATE:20261128", "SUMMARY:Now"),
        )
    )

    assert [day.on.day for day in reading.days] == [26, 27]
    assert reading.left_out == ("2 events are past, or later than in two years.",)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "does not say when"),
        (["DTSTART:2026"], "DTSTART cannot be read"),
        (["DTSTART;VALUE=DATE:20261201", "DTEND:2026"], "DTEND cannot be read"),
        (["DTSTART:20261201T090000", "DTEND:20261203T090000"], "at most a day"),
        (["DTSTART:20261201T090000"], "more than nothing"),
        (["DTSTART:20261201T090000", "DTEND;VALUE=DATE:20261202"], "only one of its two ends"),
        (["DTSTART:20261201T090000", "DTEND:20261201T100000Z"], "time zone"),
        (["DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:20281201"], "longer than a year"),
        (["DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=HOURLY"], "how it is repeated"),
        (["DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=DAILY;UNTIL=202706"], "how it is repeated"),
        (["DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=NOW"], "RRULE cannot be read"),
        (["DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=YEARLY;BYWEEKNO=3"], "BYWEEKNO"),
        (["DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=DAILY;INTERVAL=99999999"], "cannot be"),
        (["DTSTART;VALUE=DATE:00011201", "RRULE:FREQ=DAILY"], "date cannot be right"),
    ],
)
def test_an_event_that_cannot_be_used_is_named_and_the_others_are_taken(
    lines: list[str], words: str
) -> None:
    good = event("DTSTART;VALUE=DATE:20261224", "SUMMARY:Good")

    reading = read(file(event("SUMMARY:Odd one", *lines), good))

    assert [day.name for day in reading.days] == ["Good"]
    assert len(reading.left_out) == 1
    assert reading.left_out[0].startswith("Odd one: ")
    assert words in reading.left_out[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"hello", "not a calendar file"),
        (b"<!doctype html><html></html>", "not a calendar file"),
        ("BEGIN:VCALENDAR".encode("utf-16"), "UTF-8"),
        (b"\x89PNG\r\n", "UTF-8"),
        (b"BEGIN:VCALENDAR\r\nrubbish\r\nEND:VCALENDAR", "broken.*rubbish"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\n", "cut off"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0", "cut off"),
        (b"BEGIN:VCALENDAR\r\n" + b"X" * LARGEST_FILE, "1 MB"),
        (file(*[event("DTSTART;VALUE=DATE:20261224")] * (MOST_EVENTS + 1)), "5000 events"),
        (
            file(*[event("DTSTART;VALUE=DATE:19000101", "RRULE:FREQ=DAILY")] * 20),
            "repeated too often",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(content: bytes, words: str) -> None:
    with pytest.raises(CalendarFileError, match=words):
        read(content)


def test_a_calendar_without_events_has_no_days() -> None:
    assert read(file()) == Reading(())


def test_a_byte_order_mark_and_bare_line_ends_do_no_harm() -> None:
    content = file(event("DTSTART;VALUE=DATE:20261224", "SUMMARY:Heiligabend 🎄"))

    assert read(b"\xef\xbb\xbf" + content.replace(b"\r\n", b"\n")) == read(content)
    assert read(content).days[0].name == "Heiligabend 🎄"


def test_only_what_differs_is_to_be_saved() -> None:
    opening = (Opening(540, 720),)
    known = [SpecialDay(TODAY, "A"), SpecialDay(TODAY + timedelta(1), "B")]
    found = [SpecialDay(TODAY, "A"), SpecialDay(TODAY + timedelta(1), "B", opening),
             SpecialDay(TODAY + timedelta(2), "C")]  # fmt: skip

    comparison = compare(found, known)

    assert comparison.same == (known[0],)
    assert comparison.changed == ((known[1], found[1]),)
    assert comparison.new == (found[2],)
    assert comparison.to_save == (found[2], found[1])
    assert compare(found, [*found]).to_save == ()


LINES = file(
    event("UID:1", "DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=YEARLY;COUNT=3", "SUMMARY:A"),
    event("UID:2", "DTSTART;TZID=Europe/Berlin:20261201T180000", "DURATION:PT2H",
          "RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20270601", "EXDATE:20261225T180000Z"),
    event("UID:2", "RECURRENCE-ID:20261201T180000", "DTSTART:20261205T180000Z",
          "DTEND:20261205T190000Z"),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_wrong_with_a_file_is_said_and_never_breaks_us(data: st.DataObject) -> None:
    content = bytearray(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(
            st.binary(max_size=3)
            | st.sampled_from([b"0", b"9", b"-", b"\r\n", b";", b":", b"T", b"99999", b"NaN"])
        )
        content[at : at + data.draw(st.integers(0, 4))] = piece

    with suppress(CalendarFileError):
        assert all(day.on >= TODAY for day in read(bytes(content)).days)
