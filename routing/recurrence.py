"""On which days does an event come again? The rules of iCalendar (RFC 5545) that calendars use."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Frequency(StrEnum):
    """How long the steps are in which an event comes again."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True)
class Rule:
    """When an event comes again; names follow the RFC's BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS.

    A weekday is (n, day) with Monday as 0: the n-th of its month or year, from the end if negative,
    or each of them if n is 0.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | None = None
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[tuple[int, int]] = frozenset()
    positions: frozenset[int] = frozenset()
    week_start: int = 0


def steps(rule: Rule, start: date, last: date) -> Iterator[list[date]]:
    """Return the days of each step from `start` until `last`, also of those steps that have none.

    One list per step lets the caller give up on a rule that never comes to an end.
    """
    left = rule.count
    last = min(last, rule.until or last)
    for candidates in _candidates(rule, start, last):
        days = [day for day in _chosen(candidates, rule) if start <= day <= last]
        if left is not None:
            days = days[:left]
            left -= len(days)
        yield days
        if left == 0:
            return


def _candidates(rule: Rule, start: date, last: date) -> Iterator[list[date]]:
    """Return what the rule allows in each step, in order."""
    if rule.frequency is Frequency.DAILY:
        found = ([day] for day in _walk(start, last, rule.interval))
    elif rule.frequency is Frequency.WEEKLY:
        first = start - timedelta(days=(start.weekday() - rule.week_start) % 7)
        mondays = _walk(first, last, 7 * rule.interval)
        found = ([day + timedelta(days=n) for n in range(7)] for day in mondays)
    else:
        return _monthly_or_yearly(rule, start, last)
    return ([day for day in days if _fits(day, rule, start)] for days in found)


def _walk(first: date, last: date, days: int) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=days)


def _fits(day: date, rule: Rule, start: date) -> bool:
    """Say whether a day passes the filters of a daily or weekly rule."""
    weekdays = {weekday for _, weekday in rule.weekdays}
    if not weekdays and rule.frequency is Frequency.WEEKLY:
        weekdays = {start.weekday()}
    return (
        (not rule.months or day.month in rule.months)
        and (not weekdays or day.weekday() in weekdays)
        and (not rule.month_days or _is_month_day(day, rule))
    )


def _monthly_or_yearly(rule: Rule, start: date, last: date) -> Iterator[list[date]]:
    if rule.frequency is Frequency.MONTHLY:
        month = start.year * 12 + start.month - 1
        while date(month // 12, month % 12 + 1, 1) <= last:
            year, number = month // 12, month % 12 + 1
            is_month = not rule.months or number in rule.months
            yield _in_months(rule, start, year, [number]) if is_month else []
            month += rule.interval
        return
    for year in range(start.year, last.year + 1, rule.interval):
        yield _in_year(rule, start, year)


def _in_year(rule: Rule, start: date, year: int) -> list[date]:
    if rule.months:
        return _in_months(rule, start, year, sorted(rule.months))
    if not rule.weekdays:
        return _in_months(rule, start, year, range(1, 13) if rule.month_days else [start.month])
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range(365 + calendar.isleap(year))]
    return _by_weekday(rule, days)


def _in_months(rule: Rule, start: date, year: int, months: Sequence[int]) -> list[date]:
    found: list[date] = []
    for month in months:
        length = calendar.monthrange(year, month)[1]
        days = [date(year, month, n) for n in range(1, length + 1)]
        if rule.weekdays:
            found += _by_weekday(rule, days)
        elif rule.month_days:
            found += [day for day in days if _is_month_day(day, rule)]
        else:
            found += days[start.day - 1 : start.day]
    return found


def _by_weekday(rule: Rule, days: Sequence[date]) -> list[date]:
    """Return the days of a month or year that are one of the rule's weekdays."""
    found: set[date] = set()
    for nth, weekday in rule.weekdays:
        same = [day for day in days if day.weekday() == weekday]
        if nth == 0:
            found.update(same)
        elif abs(nth) <= len(same):
            found.add(same[nth - 1 if nth > 0 else nth])
    return sorted(day for day in found if not rule.month_days or _is_month_day(day, rule))


def _is_month_day(day: date, rule: Rule) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    return day.day in rule.month_days or day.day - length - 1 in rule.month_days


def _chosen(days: list[date], rule: Rule) -> list[date]:
    """Keep the positions that the rule asks for, counted within one step."""
    if not rule.positions:
        return days
    picked = {days[n - 1 if n > 0 else n] for n in rule.positions if abs(n) <= len(days) and n != 0}
    return sorted(picked)
