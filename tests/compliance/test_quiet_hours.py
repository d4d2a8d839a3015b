"""Is a message held while somebody may be asleep, and does it go at the first moment it may?"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.jurisdictions import shipped_pack
from compliance.quiet_hours import HORIZON, Hours, Timing, next_send_time
from compliance.windows import ANY, DAYS, MINUTES_OF_DAY, Span, Window, WindowError, read_window

CASES = list(csv.DictReader(Path(__file__).with_name("quiet_hours_cases.csv").open()))
MINUTE = timedelta(minutes=1)
# Clocks that are changed at midnight, by half an hour, by a whole day, or not at all.
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Etc/UTC",
]


def ask(capsys: Any, *arguments: str) -> str:
    call_command("next_send_time", *arguments)
    return str(capsys.readouterr().out).strip()


# --- The worked cases ---


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_worked_cases_hold(case: dict[str, str], capsys: Any) -> None:
    said = ask(capsys, "--codes", case["codes"], "--zones", case["zones"], "--at", case["now_utc"])

    assert said == f"{case['verdict']} {case['until_utc']}".strip()


@pytest.mark.parametrize(
    ("codes", "zones", "at", "said"),
    [
        # Exactly at the end it is over, a minute before it is not.
        ("US,US-FL", "America/New_York", "2026-11-24T00:59Z", "ALLOW"),
        ("US,US-FL", "America/New_York", "2026-11-24T01:00Z", "DEFER 2026-11-24T13:00Z"),
        ("US,US-FL", "America/New_York", "2026-11-24T00:59:59.9Z", "ALLOW"),
        # The night in which clocks are set forward and back is an hour shorter and longer.
        ("GB", "Europe/London", "2027-03-28T00:30Z", "DEFER 2027-03-28T07:00Z"),
        ("GB", "Europe/London", "2026-10-25T00:30Z", "DEFER 2026-10-25T08:00Z"),
        # Christmas on a Friday, then a Saturday that is Boxing Day only elsewhere, and a Sunday.
        ("FR", "Europe/Paris", "2026-12-24T20:00Z", "DEFER 2026-12-26T07:00Z"),
        ("ZA", "Africa/Johannesburg", "2026-12-24T19:00Z", "DEFER 2026-12-28T06:00Z"),
        # A holiday of one German state counts: nobody knows in which state they are.
        ("DE", "Europe/Berlin", "2026-08-14T19:00Z", "DEFER 2026-08-17T06:00Z"),
        # A subdivision brings its country, a territory its parent; others are judged as unknown.
        ("US-FL", "America/New_York", "2026-11-24T01:30Z", "DEFER 2026-11-24T13:00Z"),
        ("US-NY", "America/New_York", "2026-11-24T01:30Z", "ALLOW"),
        ("GG", "Europe/London", "2026-11-23T12:00Z", "ALLOW"),
        ("XX", "Etc/UTC", "2026-11-22T12:00Z", "DEFER 2026-11-23T09:00Z"),
        # Where one wakes the other goes to bed: it never fits.
        ("FR", "Europe/Paris,Pacific/Auckland", "2026-11-23T12:00Z", "BLOCK QUIET_HOURS_EXPIRED"),
    ],
)
def test_more_cases(capsys: Any, codes: str, zones: str, at: str, said: str) -> None:
    assert ask(capsys, "--codes", codes, "--zones", zones, "--at", at) == said


@pytest.mark.parametrize(
    ("purpose", "said"),
    [
        ("promotional", "DEFER 2026-11-24T13:00Z"),
        ("consent_request", "DEFER 2026-11-24T13:00Z"),
        ("advertisment", "DEFER 2026-11-24T13:00Z"),
        ("", "DEFER 2026-11-24T13:00Z"),
        ("reply", "ALLOW"),
        ("auto_reply", "ALLOW"),
        ("notification", "ALLOW"),
        ("optout_confirmation", "ALLOW"),
        ("help_reply", "ALLOW"),
    ],
)
def test_only_promotion_waits_and_what_is_unknown_is_promotion(
    capsys: Any, purpose: str, said: str
) -> None:
    where = ("--codes", "US,US-FL", "--zones", "America/New_York")

    assert ask(capsys, *where, "--at", "2026-11-24T01:30Z", "--purpose", purpose) == said


@pytest.mark.parametrize(
    ("zones", "at", "words"),
    [
        ("Mars/Olympus", "2026-11-24T01:30Z", "no time zone Mars/Olympus"),
        ("../../etc/passwd", "2026-11-24T01:30Z", "no time zone"),
        (",", "2026-11-24T01:30Z", "at least one time zone"),
        ("Europe/Berlin", "yesterday", "yesterday is no moment"),
        ("Europe/Berlin", "2026-11-24T01:30", "Put a Z behind it"),
        ("Europe/Berlin", "2026-02-30T01:30Z", "is no moment"),
    ],
)
def test_what_makes_no_sense_is_told_in_words(zones: str, at: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("next_send_time", "--codes", "US", "--zones", zones, "--at", at)


def test_codes_may_be_written_small(capsys: Any) -> None:
    asked = ("--zones", "America/New_York", "--at", "2026-11-24T01:30Z")

    assert ask(capsys, "--codes", "us,us-fl", *asked) == "DEFER 2026-11-24T13:00Z"


def test_a_purpose_that_nobody_knows_is_promotion_and_said_so(capsys: Any) -> None:
    asked = ("--codes", "US,US-FL", "--zones", "America/New_York", "--at", "2026-11-24T01:30Z")

    call_command("next_send_time", *asked, "--purpose", "newsletter")

    said = capsys.readouterr()
    assert said.out.strip() == "DEFER 2026-11-24T13:00Z"
    assert said.err.strip() == "newsletter is no purpose; judged as promotional."


def test_the_answer_names_the_rule_and_the_clock_there() -> None:
    rules = [one.hours("promotional") for one in shipped_pack().rules_for(["US-FL"])]
    zone = ZoneInfo("America/New_York")

    timing = next_send_time(rules, [zone], datetime(2026, 11, 24, 1, 30, tzinfo=UTC))

    assert [(held.code, f"{held.wall:%H:%M}") for held in timing.held] == [("US-FL", "20:30")]


def test_somebody_is_somewhere() -> None:
    with pytest.raises(ValueError, match="at least one"):
        next_send_time([Hours("ZZ", ANY)], [], datetime(2026, 1, 1, tzinfo=UTC))


# --- Against a clock that is looked at every minute ---


def windows() -> st.SearchStrategy[Window]:
    quarter = st.integers(0, 95).map(lambda number: number * 15)
    pair = st.tuples(quarter, quarter).filter(lambda two: two[0] != two[1])
    span = pair.map(lambda two: Span(min(two), max(two)))
    whole = st.just(Span(0, MINUTES_OF_DAY))
    day = st.one_of(st.just(()), st.tuples(span), st.tuples(whole))
    return st.builds(Window, st.tuples(*[day] * len(DAYS)), st.one_of(st.none(), day))


def by_looking(rules: list[Hours], zones: list[ZoneInfo], at: datetime) -> datetime | None:
    """Look at every clock every minute for a week."""
    moment = at
    while moment <= at + HORIZON:
        if all(rule.allow(moment.astimezone(zone)) for rule in rules for zone in zones):
            return moment
        whole = moment.replace(second=0, microsecond=0)
        moment = whole + MINUTE
    return None


# Around changes of clocks of these years, and anywhere.
MOMENTS = st.one_of(
    st.datetimes(datetime(2026, 3, 5), datetime(2026, 3, 30)),
    st.datetimes(datetime(2026, 10, 22), datetime(2026, 11, 3)),
    st.datetimes(datetime(2011, 12, 27), datetime(2012, 1, 1)),
    st.datetimes(datetime(2026, 4, 1), datetime(2027, 5, 1)),
).map(lambda moment: moment.replace(tzinfo=UTC))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(windows(), min_size=1, max_size=2),
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    MOMENTS,
    st.sets(st.integers(0, 30)),
)
def test_it_is_the_first_moment_that_fits(
    chosen: list[Window], names: list[str], at: datetime, off: set[int]
) -> None:
    def is_holiday(day: date) -> bool:
        return day.toordinal() % 31 in off

    rules = [Hours(str(number), window, is_holiday) for number, window in enumerate(chosen)]
    zones = [ZoneInfo(name) for name in names]

    timing = next_send_time(rules, zones, at)

    assert timing.until == by_looking(rules, zones, at)
    assert timing.is_now == (timing.until == at)


def test_a_message_that_may_go_is_not_moved() -> None:
    at = datetime(2026, 11, 23, 12, 0, 30, 5, tzinfo=UTC)

    assert next_send_time([Hours("ZZ", ANY)], [ZoneInfo("Etc/UTC")], at) == Timing(at)


# --- The grammar ---


@pytest.mark.parametrize(
    ("text", "day", "spans"),
    [
        ("mon-sun=08:00-21:00", 6, [(480, 1260)]),
        ("sun-thu=08:00-20:00;fri=08:00-14:00;sat=none", 6, [(480, 1200)]),
        ("sun-thu=08:00-20:00;fri=08:00-14:00;sat=none", 5, []),
        ("mon-sun=08:00-12:00,14:00-24:00", 0, [(480, 720), (840, 1440)]),
        (" mon-fri = 08:00-09:00 ; sat-sun = none ", 4, [(480, 540)]),
        ("any", 3, [(0, 1440)]),
    ],
)
def test_a_window_is_read(text: str, day: int, spans: list[tuple[int, int]]) -> None:
    found = read_window(text).spans(day, is_holiday=False)

    assert [(span.starts, span.ends) for span in found] == spans


def test_a_holiday_is_a_day_like_others_unless_something_is_said_of_it() -> None:
    like_others = read_window("mon-sun=08:00-21:00")
    closed = read_window("mon-sun=08:00-21:00;hol=none")

    assert like_others.spans(0, is_holiday=True) == (Span(480, 1260),)
    assert closed.spans(0, is_holiday=True) == ()
    assert closed.spans(0, is_holiday=False) == (Span(480, 1260),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no day"),
        ("mon-fri=08:00-20:00", "Nothing is said of sat, sun"),
        ("mon-sun=08:00-20:00;sun=none", "“sun” is named twice"),
        ("mon-sun=20:00-08:00", "ends before it starts"),
        ("mon-sun=08:00-08:00", "ends before it starts"),
        ("mon-sun=8-20", "no span of time"),
        ("mon-sun=08:00-25:00", "no span of time"),
        ("mon-sun=14:00-18:00,08:00-12:00", "from morning to evening"),
        ("monday-sunday=08:00-20:00", "is no day"),
        ("mon-=08:00-20:00", "is no day"),
        ("mon-sun", "no span of time"),
    ],
)
def test_a_window_that_cannot_be_read_is_told_in_words(text: str, words: str) -> None:
    with pytest.raises(WindowError) as refused:
        read_window(text)
    assert words in refused.value.reason
