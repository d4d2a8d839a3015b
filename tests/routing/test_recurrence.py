"""Does an event come again on the right days? Compared with dateutil, which walks to year 9999."""

from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from typing import Any

import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.recurrence import Frequency, Rule, steps

NAMES: dict[Frequency, Any] = {
    Frequency.DAILY: rrule.DAILY,
    Frequency.WEEKLY: rrule.WEEKLY,
    Frequency.MONTHLY: rrule.MONTHLY,
    Frequency.YEARLY: rrule.YEARLY,
}


def days_of(rule: Rule, start: date, last: date) -> list[date]:
    return list(chain.from_iterable(steps(rule, start, last)))


def days_of_dateutil(rule: Rule, start: date, last: date) -> list[date]:
    theirs = rrule.rrule(
        NAMES[rule.frequency],
        dtstart=datetime.combine(start, time()),
        interval=rule.interval,
        until=datetime.combine(min(last, rule.until or last), time()),
        bymonth=sorted(rule.months) or None,
        bymonthday=sorted(rule.month_days) or None,
        byweekday=[rrule.weekday(day, nth or None) for nth, day in sorted(rule.weekdays)] or None,
        bysetpos=sorted(rule.positions) or None,
        wkst=rule.week_start,
    )
    return [one.date() for one in islice(theirs, rule.count)]


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, date]:
    start = draw(st.dates(date(2020, 1, 1), date(2026, 12, 31)))
    frequency = draw(st.sampled_from(Frequency))
    is_long = frequency in (Frequency.MONTHLY, Frequency.YEARLY)
    # They take a mixture of "every Monday" and "first Monday" for both at once, against the RFC.
    nth = st.just(0)
    if is_long and draw(st.booleans()):
        nth = st.sampled_from([1, 2, 3, 4, -1, -2])
    months = draw(st.frozensets(st.integers(1, 12), max_size=3))
    # Their walk to year 9999 in search of 30 February takes too long to be asked for.
    month_days = draw(st.frozensets(st.integers(1, 28) | st.integers(-28, -1), max_size=3))
    weekdays = draw(st.frozensets(st.tuples(nth, st.integers(0, 6)), max_size=3))
    if frequency is Frequency.WEEKLY:
        month_days = frozenset()
    if month_days:
        weekdays = frozenset()
    # In the first week they count positions from the start, against the RFC.
    has_parts = bool(months or month_days or weekdays) and frequency is not Frequency.WEEKLY
    rule = Rule(
        frequency,
        interval=draw(st.integers(1, 3)) if not (months and month_days) else 1,
        count=draw(st.none() | st.integers(1, 20)),
        until=draw(st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))),
        months=months,
        month_days=month_days,
        weekdays=weekdays,
        positions=draw(st.frozensets(st.sampled_from([1, -1]), max_size=2))
        if has_parts
        else frozenset(),
        week_start=draw(st.integers(0, 6)),
    )
    return rule, start


@settings(max_examples=200, deadline=None)
@given(rules())
def test_events_come_again_when_dateutil_says(case: tuple[Rule, date]) -> None:
    rule, start = case
    last = start + timedelta(days=1500)

    assert days_of(rule, start, last) == days_of_dateutil(rule, start, last)


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        (Rule(Frequency.YEARLY), ["2026-12-24", "2027-12-24", "2028-12-24"]),
        (
            Rule(Frequency.YEARLY, months=frozenset({11}), weekdays=frozenset({(4, 3)})),
            ["2027-11-25", "2028-11-23"],
        ),
        (Rule(Frequency.MONTHLY, weekdays=frozenset({(-1, 4)}), count=2), ["2027-01-29"]),
        (Rule(Frequency.WEEKLY, interval=2, count=2), ["2026-12-24", "2027-01-07"]),
    ],
    ids=["every year", "Thanksgiving", "last Friday", "every other week"],
)
def test_well_known_rules(rule: Rule, days: list[str]) -> None:
    found = [str(day) for day in days_of(rule, date(2026, 12, 24), date(2028, 12, 31))]

    assert [day for day in found if day in days] == days


def test_a_rule_that_never_comes_true_ends() -> None:
    never = Rule(Frequency.DAILY, months=frozenset({2}), month_days=frozenset({30}))

    assert days_of(never, date(2026, 1, 1), date(2028, 1, 1)) == []


def test_the_29th_of_february_comes_every_four_years() -> None:
    rule = Rule(Frequency.YEARLY)

    found = days_of(rule, date(2024, 2, 29), date(2033, 1, 1))

    assert [day.year for day in found] == [2024, 2028, 2032]
