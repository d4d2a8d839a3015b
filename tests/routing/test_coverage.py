"""Who is there in each hour of a week, where clocks jump, nights run over and people change?"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.coverage import Helper, hour_around, monday_of, shared, week_of, without
from routing.hours import ALWAYS_OPEN, NEVER_OPEN, Calendar, Opening, SpecialDay, Week

LONG = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
ANN, BO = Helper(1, (LONG,)), Helper(2, (LONG,))
NINE_TO_FIVE: Week = (*[(Opening(540, 1020),)] * 5, (), ())
MONDAY = date(2026, 11, 23)
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("America/Santiago", "Pacific/Apia", "Asia/Beirut"),
)
# Weeks in which clocks jump somewhere, and some in which none does.
MONDAYS = tuple(
    monday_of(date.fromisoformat(on))
    for on in (
        "2026-03-29",
        "2026-10-25",
        "2026-03-08",
        "2026-11-01",
        "2026-04-05",
        "2026-11-26",
        "2026-09-06",
        "2011-12-30",
    )
)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def words(day: int, calendar: Calendar, *helpers: Helper, monday: date = MONDAY) -> list[str]:
    """Return the open times of a day as its clock shows them, with who is there."""
    here = ZoneInfo(calendar.zone)
    covered = week_of(calendar, helpers, zone=calendar.zone, monday=monday)[day]
    return [
        f"{one.starts.astimezone(here):%H:%M}-{one.ends.astimezone(here):%H:%M} {[*one.people]}"
        for one in covered.stretches
    ]


def test_an_ordinary_day() -> None:
    calendar = Calendar("Europe/Berlin", NINE_TO_FIVE)

    assert words(0, calendar, ANN, BO) == ["09:00-17:00 [1, 2]"]
    assert words(5, calendar, ANN, BO) == []
    [day, *_rest] = week_of(calendar, [ANN], zone="Europe/Berlin", monday=MONDAY)
    assert [hour.hour for hour in day.hours if not hour.is_closed] == list(range(9, 17))
    assert not day.has_gap


def test_nobody_is_a_gap_and_a_closed_hour_is_none() -> None:
    calendar = Calendar("UTC", NINE_TO_FIVE)

    day = week_of(calendar, [], zone="UTC", monday=MONDAY)[0]

    assert [hour.hour for hour in day.hours if hour.has_gap] == list(range(9, 17))
    assert words(0, calendar) == ["09:00-17:00 []"]


def test_who_goes_in_the_middle_of_an_hour_leaves_a_gap_there() -> None:
    leaver = Helper(3, ((LONG[0], at("2026-11-23T12:30")),))
    calendar = Calendar("UTC", NINE_TO_FIVE)

    assert words(0, calendar, leaver) == ["09:00-12:30 [3]", "12:30-17:00 []"]
    day = week_of(calendar, [leaver], zone="UTC", monday=MONDAY)[0]
    assert [hour.has_gap for hour in day.hours[11:14]] == [False, True, True]


def test_breaks_cut_a_day_and_the_hour_in_which_they_lie() -> None:
    week = ((Opening(540, 750), Opening(780, 1020)), *NINE_TO_FIVE[1:])
    calendar = Calendar("UTC", week)

    assert words(0, calendar, ANN) == ["09:00-12:30 [1]", "13:00-17:00 [1]"]
    noon = week_of(calendar, [ANN], zone="UTC", monday=MONDAY)[0].hours[12]
    assert [(one.is_open, one.length) for one in noon.stretches] == [
        (True, timedelta(minutes=30)),
        (False, timedelta(minutes=30)),
    ]
    assert not noon.has_gap


def test_a_night_runs_into_the_next_day_also_from_the_week_before() -> None:
    week = (*[()] * 6, (Opening(1320, 1800),))
    calendar = Calendar("Europe/Berlin", week)

    assert words(6, calendar, ANN) == ["22:00-00:00 [1]"]
    assert words(0, calendar, ANN) == ["00:00-06:00 [1]"]


def test_holidays_close_a_day_and_are_named() -> None:
    calendar = Calendar("Europe/Berlin", NINE_TO_FIVE, country="DE")
    monday = date(2026, 12, 21)

    days = week_of(calendar, [], zone="Europe/Berlin", monday=monday)

    assert days[4].on == date(2026, 12, 25)
    assert len(days[4].names) == 1
    assert not days[4].has_gap
    assert days[3].has_gap


def test_a_special_day_has_its_own_hours() -> None:
    party = SpecialDay(MONDAY, "Party", (Opening(600, 660),))
    calendar = Calendar("UTC", NINE_TO_FIVE, special_days=(party,))

    assert words(0, calendar, ANN) == ["10:00-11:00 [1]"]
    assert week_of(calendar, [ANN], zone="UTC", monday=MONDAY)[0].names == ("Party",)


def test_an_hour_is_skipped_in_spring_and_comes_twice_in_autumn() -> None:
    calendar = Calendar("Europe/Berlin", ALWAYS_OPEN)
    spring = week_of(calendar, [ANN], zone="Europe/Berlin", monday=date(2026, 3, 23))[6]
    autumn = week_of(calendar, [ANN], zone="Europe/Berlin", monday=date(2026, 10, 19))[6]

    assert [hour.hour for hour in spring.hours if hour.is_skipped] == [2]
    assert [hour.hour for hour in autumn.hours if hour.is_repeated] == [2]
    assert not spring.hours[2].has_gap


def test_an_inbox_may_show_another_clock_than_its_hours_keep() -> None:
    calendar = Calendar("Europe/Berlin", NINE_TO_FIVE)

    day = week_of(calendar, [ANN], zone="America/New_York", monday=MONDAY)[0]

    assert [hour.hour for hour in day.hours if not hour.is_closed] == list(range(3, 11))


@pytest.mark.parametrize(
    ("moment", "zone", "start", "end"),
    [
        ("2026-11-23T10:20", "UTC", "2026-11-23T10:00", "2026-11-23T11:00"),
        ("2026-11-23T10:20", "Asia/Kathmandu", "2026-11-23T10:15", "2026-11-23T11:15"),
        ("2026-10-25T00:30", "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T01:00"),
    ],
)
def test_the_hour_that_a_clock_shows(moment: str, zone: str, start: str, end: str) -> None:
    assert hour_around(at(moment), zone) == (at(start), at(end))


def test_times_are_cut_and_shared() -> None:
    eight, nine, ten, noon = (at(f"2026-11-23T{hour:02}:00") for hour in (8, 9, 10, 12))

    assert without([(eight, noon)], (nine, ten)) == ((eight, nine), (ten, noon))
    assert without([(nine, ten)], (eight, noon)) == ()
    assert without([(eight, nine)], (ten, noon)) == ((eight, nine),)
    assert shared([(eight, ten)], [(nine, noon)]) == ((nine, ten),)
    assert shared([(eight, nine)], [(ten, noon)]) == ()


# --- Properties ---


@st.composite
def openings(draw: st.DrawFn) -> tuple[Opening, ...]:
    """Return hours of one day, possibly over midnight, possibly with a break."""
    starts = draw(st.integers(0, 1380))
    first = Opening(starts, starts + draw(st.integers(1, 1440)))
    if first.ends < 1380 and draw(st.booleans()):
        begins = draw(st.integers(first.ends, 1439))
        return first, Opening(begins, begins + draw(st.integers(1, 600)))
    return (first,)


weeks = st.tuples(*[st.one_of(st.just(()), openings())] * 7)


@st.composite
def helpers(draw: st.DrawFn, monday: date) -> list[Helper]:
    begins = datetime(monday.year, monday.month, monday.day, tzinfo=UTC) - timedelta(days=1)
    minutes = st.integers(0, 9 * 1440)

    def span() -> tuple[datetime, datetime]:
        first, last = sorted((draw(minutes), draw(minutes)))
        return begins + timedelta(minutes=first), begins + timedelta(minutes=last)

    return [
        Helper(n, tuple(span() for _ in range(draw(st.integers(0, 3)))))
        for n in range(draw(st.integers(0, 4)))
    ]


@given(st.data(), st.sampled_from(ZONES), st.sampled_from(ZONES), st.sampled_from(MONDAYS), weeks)
@settings(max_examples=60, deadline=None)
def test_every_instant_is_told_once_and_rightly(
    data: st.DataObject, zone: str, hours_zone: str, monday: date, week: Week
) -> None:
    special = data.draw(st.sampled_from([(), (SpecialDay(monday + timedelta(days=2)),)]))
    calendar = Calendar(hours_zone, week, country="DE", special_days=special)
    people = data.draw(helpers(monday))
    here = ZoneInfo(zone)

    days = week_of(calendar, people, zone=zone, monday=monday)

    cells = {(day.on, hour.hour): hour.stretches for day in days for hour in day.hours}
    told = sorted((one for found in cells.values() for one in found), key=lambda one: one.starts)
    for one, other in zip(told, told[1:], strict=False):
        assert one.ends == other.starts
    for (on, hour), found in cells.items():
        for one in found:
            for moment in (one.starts, one.starts + one.length / 2):
                wall = moment.astimezone(here)
                assert (wall.date(), wall.hour) == (on, hour)
                assert one.is_open == calendar.is_open(moment)
                there = [helper.id for helper in people if helper.is_there(moment)]
                assert list(one.people) == (there if one.is_open else [])
    dates = {(told[0].starts + timedelta(minutes=n)).astimezone(here).date() for n in (0, 1)}
    assert told[0].starts - timedelta(microseconds=1) < told[0].starts
    assert (told[0].starts - timedelta(seconds=1)).astimezone(here).date() < monday
    assert told[-1].ends.astimezone(here).date() >= monday + timedelta(days=7)
    assert min(dates) >= monday


@given(st.sampled_from(ZONES), st.sampled_from(MONDAYS), weeks)
@settings(max_examples=60, deadline=None)
def test_with_somebody_always_there_is_no_gap_and_without_anybody_all_open_time_is_one(
    zone: str, monday: date, week: Week
) -> None:
    calendar = Calendar(zone, week)

    manned = week_of(calendar, [ANN], zone=zone, monday=monday)
    empty = week_of(calendar, [], zone=zone, monday=monday)

    def length(days: object, *, of_gaps: bool) -> timedelta:
        return sum(
            (
                one.length
                for day in days  # type: ignore[attr-defined]
                for hour in day.hours
                for one in hour.stretches
                if (one.is_gap if of_gaps else one.is_open)
            ),
            timedelta(),
        )

    assert not any(day.has_gap for day in manned)
    assert length(empty, of_gaps=True) == length(manned, of_gaps=False)
    assert any(day.has_gap for day in empty) == any(day.stretches for day in manned)


def test_hours_that_never_open_have_nothing_to_tell() -> None:
    days = week_of(Calendar("UTC", NEVER_OPEN), [ANN], zone="UTC", monday=MONDAY)

    assert all(hour.is_closed for day in days for hour in day.hours)
