"""When is it open? Worked cases: nights, breaks, holidays, and clocks that jump."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.hours import ALL_DAY, Calendar, Opening, SpecialDay, Week

HOUR = timedelta(hours=1)
NINE_TO_FIVE = (Opening(9 * 60, 17 * 60),)
WORK_WEEK: Week = (*[NINE_TO_FIVE] * 5, (), ())
NIGHTS: Week = ((Opening(22 * 60, 30 * 60),),) * 7
BERLIN = Calendar("Europe/Berlin", WORK_WEEK, country="DE", region="BE")


def at(text: str, zone: str = "UTC", fold: int = 0) -> datetime:
    """Return the instant at which a clock shows this."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def berlin(text: str) -> datetime:
    return at(text, "Europe/Berlin")


def test_an_interval_has_its_first_minute_and_not_its_last() -> None:
    assert not BERLIN.is_open(berlin("2026-11-26T08:59:59"))
    assert BERLIN.is_open(berlin("2026-11-26T09:00"))
    assert BERLIN.is_open(berlin("2026-11-26T16:59:59"))
    assert not BERLIN.is_open(berlin("2026-11-26T17:00"))


def test_next_changes_are_told_in_utc() -> None:
    friday_evening = berlin("2026-11-27T18:00")

    assert BERLIN.opens_at(friday_evening) == berlin("2026-11-30T09:00")
    assert BERLIN.closes_at(friday_evening) == berlin("2026-11-30T17:00")
    assert str(BERLIN.opens_at(friday_evening)) == "2026-11-30 08:00:00+00:00"


def test_a_change_is_always_later_than_the_question() -> None:
    opening, closing = berlin("2026-11-26T09:00"), berlin("2026-11-26T17:00")

    assert BERLIN.opens_at(opening) == berlin("2026-11-27T09:00")
    assert BERLIN.closes_at(closing) == berlin("2026-11-27T17:00")
    assert BERLIN.changes_at(opening) == closing
    assert BERLIN.changes_at(closing) == berlin("2026-11-27T09:00")


def test_a_break_is_closed() -> None:
    lunch: Week = ((Opening(9 * 60, 12 * 60), Opening(13 * 60, 17 * 60)),) * 7
    calendar = Calendar("UTC", lunch)

    assert not calendar.is_open(at("2026-11-26T12:30"))
    assert calendar.closes_at(at("2026-11-26T09:30")) == at("2026-11-26T12:00")
    assert calendar.open_time_between(at("2026-11-26T00:00"), at("2026-11-27T00:00")) == 7 * HOUR


def test_a_night_goes_on_past_midnight_and_past_the_weekend() -> None:
    only_sunday: Week = (*[()] * 6, (Opening(22 * 60, 30 * 60),))
    calendar = Calendar("Europe/Berlin", only_sunday)

    assert calendar.is_open(berlin("2026-11-30T05:59"))
    assert not calendar.is_open(berlin("2026-11-30T06:00"))
    assert calendar.closes_at(berlin("2026-11-29T22:00")) == berlin("2026-11-30T06:00")


def test_touching_and_overlapping_hours_are_one() -> None:
    messy: Week = (
        (Opening(9 * 60, 12 * 60), Opening(12 * 60, 14 * 60), Opening(13 * 60, 24 * 60)),
        (Opening(0, 60),),
        *[()] * 5,
    )
    calendar = Calendar("UTC", messy)

    assert calendar.closes_at(at("2026-11-30T10:00")) == at("2026-12-01T01:00")
    assert calendar.open_time_between(at("2026-11-30T00:00"), at("2026-12-02T00:00")) == 16 * HOUR


def test_a_holiday_is_closed_and_says_why() -> None:
    assert not BERLIN.is_open(berlin("2026-12-25T10:00"))
    assert BERLIN.day(date(2026, 12, 25)).names == ("Christmas Day",)
    assert BERLIN.closed_period_key(berlin("2026-12-26T10:00")) == "since 2026-12-24T16:00:00Z"


def test_a_region_keeps_its_own_holidays() -> None:
    womens_day = berlin("2027-03-08T10:00")

    assert not BERLIN.is_open(womens_day)
    assert Calendar("Europe/Berlin", WORK_WEEK, country="DE", region="BY").is_open(womens_day)


def test_an_ignored_holiday_is_a_day_like_any_other() -> None:
    calendar = Calendar(
        "Europe/Berlin", WORK_WEEK, country="DE", ignored_holidays=frozenset({"Christmas Day"})
    )

    assert calendar.is_open(berlin("2026-12-25T10:00"))
    assert calendar.day(date(2026, 12, 25)).names == ()


def test_ignoring_a_holiday_ignores_the_day_on_which_it_is_observed() -> None:
    usual = Calendar("UTC", ((Opening(0, 1440),),) * 7, country="US")
    ignoring = Calendar(
        "UTC", usual.week, country="US", ignored_holidays=frozenset({"Independence Day"})
    )

    # 4 July 2026 is a Saturday.
    assert not usual.is_open(at("2026-07-03T12:00"))
    assert ignoring.is_open(at("2026-07-03T12:00"))
    assert ignoring.is_open(at("2026-07-04T12:00"))


def test_a_special_day_stands_above_the_holiday_and_the_week() -> None:
    special = (
        SpecialDay(date(2026, 12, 25), "Open at Christmas", (Opening(600, 720),)),
        SpecialDay(date(2026, 11, 26), "Company outing"),
    )
    calendar = Calendar("Europe/Berlin", WORK_WEEK, country="DE", special_days=special)

    assert calendar.is_open(berlin("2026-12-25T11:00"))
    assert not calendar.is_open(berlin("2026-11-26T10:00"))
    assert calendar.day(date(2026, 11, 26)).names == ("Company outing",)


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    closed = (SpecialDay(date(2026, 12, 25)),)
    calendar = Calendar("Europe/Berlin", NIGHTS, special_days=closed)

    assert calendar.is_open(berlin("2026-12-25T05:00"))
    assert not calendar.is_open(berlin("2026-12-25T23:00"))
    assert not calendar.is_open(berlin("2026-12-26T05:00"))
    assert calendar.opens_at(berlin("2026-12-25T12:00")) == berlin("2026-12-26T22:00")


# --- Clocks that jump ---


def test_a_night_over_the_change_to_summer_time_is_an_hour_short() -> None:
    calendar = Calendar("Europe/Berlin", NIGHTS)

    start, end = berlin("2026-03-28T22:00"), berlin("2026-03-29T06:00")

    assert calendar.open_time_between(start, end) == 7 * HOUR
    assert calendar.add_open_time(start, 7 * HOUR) == end


def test_a_night_over_the_change_back_is_an_hour_long() -> None:
    calendar = Calendar("Europe/Berlin", NIGHTS)

    start, end = berlin("2026-10-24T22:00"), berlin("2026-10-25T06:00")

    assert calendar.open_time_between(start, end) == 9 * HOUR
    assert calendar.add_open_time(start, 9 * HOUR) == end


def test_hours_in_the_skipped_hour_do_not_happen_and_their_rest_does() -> None:
    calendar = Calendar("America/New_York", ((Opening(135, 195),),) * 7)  # 2:15 to 3:15
    night = at("2026-03-08T00:00", "America/New_York")

    assert calendar.opens_at(night) == at("2026-03-08T07:00")  # 2:00 is 3:00.
    assert calendar.closes_at(night) == at("2026-03-08T07:15")


def test_hours_in_the_repeated_hour_happen_twice() -> None:
    calendar = Calendar("America/New_York", ((Opening(75, 105),),) * 7)  # 1:15 to 1:45
    night = at("2026-11-01T00:00", "America/New_York")

    first = calendar.opens_at(night)
    assert first == at("2026-11-01T05:15")
    assert calendar.opens_at(first) == at("2026-11-01T06:15")
    assert calendar.open_time_between(night, night + 12 * HOUR) == HOUR


def test_half_an_hour_of_summer_time() -> None:
    calendar = Calendar("Australia/Lord_Howe", NIGHTS)

    start = at("2026-04-04T22:00", "Australia/Lord_Howe")
    end = at("2026-04-05T06:00", "Australia/Lord_Howe")

    assert calendar.open_time_between(start, end) == timedelta(hours=8, minutes=30)


def test_a_day_that_never_was_has_no_hours() -> None:
    calendar = Calendar("Pacific/Apia", (NINE_TO_FIVE,) * 7)  # 30 December 2011 was skipped.
    thursday = at("2011-12-29T12:00", "Pacific/Apia")

    assert calendar.closes_at(thursday) == at("2011-12-30T03:00")
    assert calendar.opens_at(thursday) == at("2011-12-30T19:00")  # 9:00 on the 31st.
    assert calendar.open_time_between(thursday, thursday + 36 * HOUR) == 13 * HOUR


def test_a_clock_that_jumps_over_midnight() -> None:
    # Midnight of 6 September 2026 does not exist in Santiago, nor did some in São Paulo.
    calendar = Calendar("America/Santiago", (ALL_DAY,) * 6 + ((),))
    saturday = at("2026-09-05T12:00", "America/Santiago")

    assert calendar.closes_at(saturday) == at("2026-09-06T04:00")
    assert calendar.opens_at(saturday) == at("2026-09-07T00:00", "America/Santiago")


def test_the_29th_of_february_is_a_day() -> None:
    leap = date(2028, 2, 29)
    calendar = Calendar("UTC", WORK_WEEK, special_days=(SpecialDay(leap, "Leap day"),))

    assert not calendar.is_open(at("2028-02-29T10:00"))
    assert calendar.opens_at(at("2028-02-28T18:00")) == at("2028-03-01T09:00")


# --- Due moments ---


def test_time_is_due_at_closing_rather_than_the_next_morning() -> None:
    start = berlin("2026-11-26T16:00")

    assert BERLIN.add_open_time(start, HOUR) == berlin("2026-11-26T17:00")
    assert BERLIN.add_open_time(start, HOUR + timedelta(seconds=1)) == berlin("2026-11-27T09:00:01")


def test_nothing_is_due_while_closed() -> None:
    assert BERLIN.add_open_time(berlin("2026-11-28T03:00"), timedelta()) == berlin(
        "2026-11-30T09:00"
    )
    assert BERLIN.add_open_time(berlin("2026-11-26T10:00"), timedelta()) == berlin(
        "2026-11-26T10:00"
    )


def test_24_business_hours_are_three_days_of_work() -> None:
    assert BERLIN.add_open_time(berlin("2026-12-23T12:00"), 24 * HOUR) == berlin("2026-12-29T12:00")


def test_a_year_of_business_hours_is_added_in_a_moment() -> None:
    calendar = Calendar("UTC", WORK_WEEK)

    assert calendar.add_open_time(at("2026-01-01T00:00"), 520 * 8 * HOUR) == at("2027-12-29T17:00")


def test_time_does_not_run_backwards() -> None:
    assert BERLIN.open_time_between(at("2026-11-26T12:00"), at("2026-11-26T10:00")) == timedelta()
    with pytest.raises(ValueError, match="only ever added"):
        BERLIN.add_open_time(at("2026-11-26T12:00"), -HOUR)


# --- Always, never, hardly ever ---


def test_always_open_never_changes() -> None:
    calendar = Calendar.always("Pacific/Apia")
    now = at("2026-11-26T12:00")

    assert calendar.is_open(now)
    assert calendar.opens_at(now) is None
    assert calendar.closes_at(now) is None
    assert calendar.closed_period_key(now) is None
    assert calendar.add_open_time(now, 30 * HOUR) == now + 30 * HOUR


def test_never_open_is_one_long_closed_period() -> None:
    calendar = Calendar.never()
    now = at("2026-11-26T12:00")

    assert not calendar.is_open(now)
    assert calendar.opens_at(now) is None
    assert calendar.closes_at(now) is None
    assert calendar.add_open_time(now, HOUR) is None
    assert calendar.add_open_time(now, timedelta()) is None
    assert calendar.closed_period_key(now) == calendar.closed_period_key(now + 900 * HOUR)


def test_a_shop_that_opens_for_the_first_time_names_the_wait_by_its_end() -> None:
    opening = SpecialDay(date(2026, 12, 1), "Opening", NINE_TO_FIVE)
    calendar = Calendar("UTC", ((),) * 7, special_days=(opening,))

    assert calendar.closed_period_key(at("2026-11-26T12:00")) == "until 2026-12-01T09:00:00Z"
    assert calendar.closed_period_key(at("2026-12-02T12:00")) == "since 2026-12-01T17:00:00Z"


def test_the_last_hours_of_all_end_as_well() -> None:
    evening = SpecialDay(date(2026, 12, 1), "The end", (Opening(18 * 60, 24 * 60),))
    calendar = Calendar("UTC", ((),) * 7, special_days=(evening,))

    assert calendar.closes_at(at("2026-12-01T20:00")) == at("2026-12-02T00:00")
    assert calendar.opens_at(at("2026-12-01T20:00")) is None


def test_one_closed_night_has_one_name_and_the_next_another() -> None:
    evening, morning = berlin("2026-11-26T17:00"), berlin("2026-11-27T08:59:59")

    name = BERLIN.closed_period_key(evening)

    assert name == BERLIN.closed_period_key(morning) == "since 2026-11-26T16:00:00Z"
    assert BERLIN.closed_period_key(berlin("2026-11-27T17:00")) != name


# --- What is refused ---


@pytest.mark.parametrize(("starts", "ends"), [(-1, 5), (1440, 1500), (600, 600), (60, 1501)])
def test_hours_that_make_no_sense_are_refused(starts: int, ends: int) -> None:
    with pytest.raises(ValueError, match="hours"):
        Opening(starts, ends)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Europe", "a\0b"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        Calendar(zone, WORK_WEEK)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        BERLIN.is_open(datetime(2026, 11, 26, 12))


def test_a_week_has_seven_days() -> None:
    with pytest.raises(ValueError, match="seven"):
        Calendar("UTC", ((),) * 6)


def test_a_calendar_is_a_value() -> None:
    one, other = (Calendar("UTC", WORK_WEEK) for _ in range(2))
    one.is_open(datetime.now(UTC))

    assert one == other
    assert hash(one) == hash(other)


def test_hours_read_as_on_a_sign() -> None:
    assert str(Opening(540, 1020)) == "09:00–17:00"
    assert str(Opening(1320, 1800)) == "22:00–06:00"
    assert str(Opening(0, 1440)) == "00:00–24:00"
