"""Which period, and what of it, does somebody want a report of?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.numbers import number_in
from inbox.filters import CHANNELS, LONGEST_TAG

LONGEST_DAYS = 366
# Minutes after which a customer has waited too long, for who does not go by their inbox.
TARGETS = (5, 15, 30, 60, 4 * 60, 24 * 60)
MOST_FOR_A_SEGMENT = Decimal(10)


class Range(StrEnum):
    """Which days are looked at; all but the own ones end with today."""

    TODAY = "today"
    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"
    OWN = "own"

    @property
    def days(self) -> int:
        """Return how many days it has, today counted; 0 for days that somebody names."""
        return {"today": 1, "own": 0}.get(self, 0) or int(self if self.isdigit() else 0)


@dataclass(frozen=True)
class Asked:
    """What a report is limited to. Blank, 0 and None ask nothing.

    `inbox` is a slug, `agent` a person's key, `target` minutes, None: as each inbox has it; `price`
    is what one segment costs, in `currency`, or where that is blank in whatever money the reader
    has in mind. `problem` says what could not be read, for a person.
    """

    range: Range = Range.WEEK
    first_on: date | None = None
    last_on: date | None = None
    inbox: str = ""
    agent: int | None = None
    channel: str = ""
    tag: str = ""
    is_business: bool = False
    target: int | None = None
    price: Decimal | None = None
    currency: str = ""
    is_own: bool = False
    problem: str = ""

    @classmethod
    def of(
        cls, given: Mapping[str, str], *, usual_price: Decimal | None = None, currency: str = ""
    ) -> "Asked":
        """Read from an address; what makes no sense there asks nothing, and days are told of.

        `usual_price` is what a segment costs, in `currency`, where the address names no other.
        """
        channel, target = given.get("channel", ""), number_in(given.get("target", ""))
        name = given.get("range", "")
        price = price_in(given["price"]) if "price" in given else usual_price
        asked = cls(
            range=Range(name) if name in set(Range) else Range.WEEK,
            inbox=given.get("inbox", "")[:60],
            agent=number_in(given.get("agent", "")),
            channel=channel if channel in CHANNELS else "",
            tag=" ".join(given.get("tag", "").replace("\0", "").split())[:LONGEST_TAG],
            is_business=given.get("hours", "") == "business",
            target=target if target in TARGETS else None,
            price=price,
            currency=currency if price is not None and price == usual_price else "",
            is_own=given.get("scope", "") == "own",
        )
        return _with_days(asked, given) if asked.range is Range.OWN else asked

    def as_query(self) -> dict[str, str]:
        """Return the part of an address that says the same."""
        days = self.first_on.isoformat() if self.first_on else ""
        said = {
            "range": str(self.range),
            "from": days,
            "to": self.last_on.isoformat() if self.last_on else "",
            "inbox": self.inbox,
            "agent": str(self.agent or ""),
            "channel": self.channel,
            "tag": self.tag,
            "hours": "business" if self.is_business else "",
            "target": str(self.target or ""),
            "price": "" if self.price is None else str(self.price),
            "scope": "own" if self.is_own else "",
        }
        return {name: value for name, value in said.items() if value}

    @property
    def clock(self) -> str:
        """Name the field that says how long something took, by the clock that counts."""
        return "business_time" if self.is_business else "calendar_time"

    @property
    def query(self) -> str:
        """Write the query of the address."""
        return urlencode(self.as_query())


def price_in(text: str) -> Decimal | None:
    """Read what a segment costs, with a point or a comma; None for what is no such price."""
    try:
        price = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return price if price.is_finite() and 0 < price <= MOST_FOR_A_SEGMENT else None


def _with_days(asked: Asked, given: Mapping[str, str]) -> Asked:
    first, last = _day_in(given.get("from", "")), _day_in(given.get("to", ""))
    if first is None or last is None:
        problem = _("Choose the first and the last day. Here are the last 7 days.")
    elif last < first:
        problem = _("The last day lies before the first. Here are the last 7 days.")
    elif (last - first).days >= LONGEST_DAYS:
        words = _("A report has at most %(days)d days. Here are the last 7 days.")
        problem = words % {"days": LONGEST_DAYS}
    else:
        return replace(asked, first_on=first, last_on=last)
    return replace(asked, range=Range.WEEK, problem=problem)


def _day_in(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(2000, 1, 1) <= day <= date(2999, 1, 1) else None


# --- When that is ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Period:
    """From a moment up to another, and the period of the same length that it is compared with.

    `until` is the end of the last day or the moment up to which there are figures, whichever comes
    first. What it is compared with ends as far into its last day.
    """

    zone: ZoneInfo
    since: datetime
    until: datetime
    since_before: datetime
    until_before: datetime

    @property
    def days(self) -> int:
        """Return how many days are looked at, begun ones counted."""
        last = max(self.since, self.until - timedelta(seconds=1)).astimezone(self.zone).date()
        return (last - self.since.astimezone(self.zone).date()).days + 1


def period_of(asked: Asked, zone: ZoneInfo, *, now: datetime, counted_to: datetime) -> Period:
    """Say from when to when a report goes, by the clocks of a time zone."""
    today = now.astimezone(zone).date()
    first, last = asked.first_on, asked.last_on
    if first is None or last is None:
        first, last = today - timedelta(days=asked.range.days - 1), today
    length = timedelta(days=(last - first).days + 1)
    since, end = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    until = max(since, min(end, counted_to))
    # By the clock on the wall, so that a day of 23 hours is compared with a whole one.
    before = until.astimezone(zone).replace(tzinfo=None) - length
    return Period(
        zone,
        since,
        until,
        since_before=_midnight(first - length, zone),
        until_before=before.replace(tzinfo=zone),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
