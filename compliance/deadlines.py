"""When must something be decided that the law counts in business days?

Pure. A business day is one from Monday to Friday that is no public holiday of the country. Source
of the ten days: 47 CFR 64.1200(a)(10).
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from compliance.jurisdictions import is_public_holiday

TO_ACT_ON_AN_OPT_OUT = 10  # business days
TO_DECIDE_A_DOUBT = 1
REMINDED_AFTER = (1, 5, 9)


def business_days_after(start: datetime, days: int, *, country: str, zone: str) -> datetime:
    """Return the end of the nth business day after an instant, in a country and its zone (UTC).

    The day on which it begins does not count. `country` is ISO 3166 alpha-2; of one whose holidays
    are not known only weekends are left out.
    """
    day = start.astimezone(ZoneInfo(zone)).date()
    for _ in range(days):
        day = _next_business_day(day, country)
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    return midnight.astimezone(UTC)


def _next_business_day(day: date, country: str) -> date:
    day += timedelta(days=1)
    while day.weekday() >= 5 or is_public_holiday(country, day):
        day += timedelta(days=1)
    return day
