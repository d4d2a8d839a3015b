"""Which days does a calendar file (.ics) make special? All-day events close a day, others open it.

Nothing in a file can make reading it long: repetitions are counted, and looked at for two years.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from icalendar import Calendar as File
from icalendar import Event
from icalendar.prop import vBroken

from routing.hours import MINUTES_OF_DAY, Opening, SpecialDay
from routing.recurrence import Frequency, Rule, steps

LARGEST_FILE = 1024 * 1024
MOST_EVENTS = 5000
MOST_STEPS = 100_000
LONGEST_CLOSING = 366
LONGEST_NAME = 120
LOOK_AHEAD = timedelta(days=2 * 365 + 1)

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_KNOWN_PARTS = frozenset(
    ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST")
)

_WHEN = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")

Moment = date | datetime


class CalendarFileError(Exception):
    """A file is no calendar that can be read. `reason` is fit for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _UnusableError(Exception):
    """One event cannot be used; the others can."""


@dataclass(frozen=True)
class Reading:
    """The special days of a file, and in words what of it was left out."""

    days: tuple[SpecialDay, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What a file's days would change."""

    new: tuple[SpecialDay, ...]
    # Each as it was and as it would be.
    changed: tuple[tuple[SpecialDay, SpecialDay], ...]
    same: tuple[SpecialDay, ...]

    @property
    def to_save(self) -> tuple[SpecialDay, ...]:
        """Return the days that are not there yet as they would be."""
        return (*self.new, *(after for _, after in self.changed))


@dataclass
class _Found:
    """What events say about dates, while it is gathered."""

    closed: dict[date, list[str]] = field(default_factory=dict)
    open: dict[date, list[tuple[Opening, str]]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    past: int = 0
    steps_left: int = MOST_STEPS


def read_calendar_file(content: bytes, *, zone: str, today: date) -> Reading:
    """Read the special days from today on for two years. Raises CalendarFileError.

    An event with times means: on the day on which it begins, in `zone`, we are open only then.
    Where a file has both for a date, the times hold.
    """
    events = _events_in(content)
    moved = {
        (str(event.get("UID", "")), _key(moment))
        for event in events
        if (moment := _moment(event, "RECURRENCE-ID")) is not None
    }
    found = _Found()
    for event in events:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        try:
            _add(event, moved, found, zone=ZoneInfo(zone), today=today)
        except _UnusableError as problem:
            found.left_out.append(f"{_name_of(event)}: {problem}")
    return Reading(tuple(_days(found)), tuple(_in_words(found)))


def compare(days: Sequence[SpecialDay], known: Sequence[SpecialDay]) -> Comparison:
    """Say which days are new, which would change and which are there already."""
    there = {day.on: day for day in known}
    changed = [(there[day.on], day) for day in days if day.on in there and there[day.on] != day]
    return Comparison(
        new=tuple(day for day in days if day.on not in there),
        changed=tuple(changed),
        same=tuple(day for day in days if there.get(day.on) == day),
    )


# --- The file ---


def _events_in(content: bytes) -> list[Event]:
    if len(content) > LARGEST_FILE:
        raise CalendarFileError(_("The file is larger than 1 MB."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalendarFileError(_("The file is not text in UTF-8; export it again.")) from error
    if not text.strip():
        raise CalendarFileError(_("The file is empty."))
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        words = _("This is not a calendar file: it does not begin with BEGIN:VCALENDAR.")
        raise CalendarFileError(words)
    begun = text.upper().count("BEGIN:VEVENT")
    if begun > MOST_EVENTS:
        words = _("The file has more than %(most)s events.") % {"most": MOST_EVENTS}
        raise CalendarFileError(words)
    events = _parsed(text)
    if len(events) < begun or "END:VCALENDAR" not in text.upper():
        raise CalendarFileError(_("The file is cut off: it ends in the middle of an event."))
    return events


def _parsed(text: str) -> list[Event]:
    try:
        files = File.from_ical(text, multiple=True)
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, RecursionError) as error:
        words = _("The file is broken and cannot be read: %(why)s")
        raise CalendarFileError(words % {"why": str(error)[:160]}) from error
    return [event for one in files for event in one.walk("VEVENT") if isinstance(event, Event)]


# --- One event ---


def _add(
    event: Event, moved: set[tuple[str, Any]], found: _Found, *, zone: ZoneInfo, today: date
) -> None:
    """Add the days of an event. Raises _UnusableError."""
    if broken := [name for name in _WHEN if _is_broken(event.get(name))]:
        raise _UnusableError(_("its line %(name)s cannot be read.") % {"name": broken[0]})
    start = _moment(event, "DTSTART")
    if start is None:
        raise _UnusableError(_("it does not say when it begins."))
    if not 1900 <= start.year <= 2200:
        raise _UnusableError(_("its date cannot be right."))
    length = _length(event, start)
    is_moved = "RECURRENCE-ID" in event
    uid, is_used = str(event.get("UID", "")), False
    for moment in _times(event, start, found, last=today + LOOK_AHEAD):
        is_elsewhere = not is_moved and (uid, _key(moment)) in moved
        if is_elsewhere or _note(moment, length, _name_of(event), found, zone=zone, today=today):
            is_used = True
    if not is_used:
        found.past += 1


def _note(
    moment: Moment,
    length: timedelta,
    name: str,
    found: _Found,
    *,
    zone: ZoneInfo,
    today: date,
) -> bool:
    """Note what one time of an event says; return whether it is about a day to come."""
    if not isinstance(moment, datetime):
        days = [moment + timedelta(days=n) for n in range(length.days)]
        wanted = [on for on in days if today <= on <= today + LOOK_AHEAD]
        for on in wanted:
            found.closed.setdefault(on, []).append(name)
        return bool(wanted)
    begins = _on_the_wall(moment, zone)
    if not today <= begins.date() <= today + LOOK_AHEAD:
        return False
    ends = _on_the_wall(moment + length, zone)
    midnight = datetime.combine(begins.date(), datetime.min.time())
    starts = (begins - midnight) // timedelta(minutes=1)
    until = -((midnight - ends) // timedelta(minutes=1))
    # A change of the clocks may have put the ends together, or more than a day apart.
    until = min(max(until, starts + 1), starts + MINUTES_OF_DAY)
    found.open.setdefault(begins.date(), []).append((Opening(starts, until), name))
    return True


def _times(event: Event, start: Moment, found: _Found, *, last: date) -> Iterator[Moment]:
    """Return when an event takes place: once, or as its rules and exceptions say."""
    left_out = {_key(moment) for moment in _moments(event, "EXDATE")}
    seen: set[Any] = set()
    for moment in (start, *_moments(event, "RDATE"), *_repeated(event, start, found, last=last)):
        key = _key(moment)
        if key not in seen and key not in left_out and _day_of(moment) not in left_out:
            seen.add(key)
            yield moment


def _repeated(event: Event, start: Moment, found: _Found, *, last: date) -> Iterator[Moment]:
    for parts in _listed(event, "RRULE"):
        rule = _rule(parts, start)
        for days in steps(rule, _day_of(start), last):
            found.steps_left -= 1 + len(days)
            if found.steps_left < 0:
                raise CalendarFileError(_("The events of this file are repeated too often."))
            for day in days:
                yield datetime.combine(day, start.timetz()) if isinstance(start, datetime) else day


def _rule(parts: Any, start: Moment) -> Rule:
    """Turn a rule of the file into ours. Raises _UnusableError."""
    try:
        odd = {str(name).upper() for name in parts} - _KNOWN_PARTS
        rule = Rule(
            Frequency(str(parts["FREQ"][0]).upper()),
            interval=_number(parts, "INTERVAL") or 1,
            count=_number(parts, "COUNT"),
            until=_until(parts, start),
            months=_numbers(parts, "BYMONTH", 1, 12),
            month_days=_numbers(parts, "BYMONTHDAY", -31, 31),
            weekdays=frozenset(_weekday(day) for day in parts.get("BYDAY", [])),
            positions=_numbers(parts, "BYSETPOS", -366, 366),
            week_start=_WEEKDAYS.index(str(parts["WKST"][0]).upper()) if "WKST" in parts else 0,
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _UnusableError(_("we do not know how it is repeated.")) from error
    if odd:
        words = _("we do not know this kind of repetition (%(odd)s).")
        raise _UnusableError(words % {"odd": ", ".join(sorted(odd))[:60]})
    return rule


def _weekday(day: Any) -> tuple[int, int]:
    return (day.relative or 0, _WEEKDAYS.index(str(day.weekday)))


def _number(parts: Any, name: str) -> int | None:
    values = parts.get(name)
    number = int(values[0]) if values else None
    if number is not None and not 1 <= number <= 10_000:
        raise _UnusableError(_("its repetition has a number that cannot be."))
    return number


def _numbers(parts: Any, name: str, least: int, most: int) -> frozenset[int]:
    values = frozenset(int(value) for value in parts.get(name, []))
    if any(not least <= value <= most or value == 0 for value in values):
        raise _UnusableError(_("its repetition has a number that cannot be."))
    return values


def _until(parts: Any, start: Moment) -> date | None:
    if "UNTIL" not in parts:
        return None
    until = parts["UNTIL"][0]
    if not isinstance(until, date):
        raise TypeError("UNTIL is no date")
    if not isinstance(until, datetime) or not isinstance(start, datetime):
        return _day_of(until)
    if until.tzinfo is not None and start.tzinfo is not None:
        until = until.astimezone(start.tzinfo)
    too_late = start.time() > until.time()
    return until.date() - timedelta(days=1) if too_late else until.date()


def _length(event: Event, start: Moment) -> timedelta:
    """Return how long an event lasts. Raises _UnusableError."""
    if (end := _moment(event, "DTEND")) is not None:
        length = _between(start, end)
    else:
        value = getattr(event.get("DURATION"), "dt", None)
        is_day = not isinstance(start, datetime)
        length = value if isinstance(value, timedelta) else timedelta(days=is_day)
    if not isinstance(start, datetime):
        # Some write the last day as the end instead of the day after it.
        length = max(length, timedelta(days=1))
        if length > timedelta(days=LONGEST_CLOSING):
            raise _UnusableError(_("it lasts longer than a year."))
    elif not timedelta() < length <= timedelta(days=1):
        raise _UnusableError(_("with times, it must last more than nothing and at most a day."))
    return length


def _between(start: Moment, end: Moment) -> timedelta:
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise _UnusableError(_("only one of its two ends has a time."))
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return _day_of(end) - _day_of(start)
    if (start.tzinfo is None) != (end.tzinfo is None):
        raise _UnusableError(_("only one of its two ends has a time zone."))
    return end - start


# --- Values of the file ---


def _is_broken(value: Any) -> bool:
    return any(isinstance(one, vBroken) for one in (value if isinstance(value, list) else [value]))


def _listed(event: Event, name: str) -> list[Any]:
    value = event.get(name)
    if value is None or _is_broken(value):
        return []
    return value if isinstance(value, list) else [value]


def _moment(event: Event, name: str) -> Moment | None:
    values = _listed(event, name)
    value = getattr(values[0], "dt", None) if values else None
    return value if isinstance(value, date) else None


def _moments(event: Event, name: str) -> list[Moment]:
    found = []
    for several in _listed(event, name):
        for one in getattr(several, "dts", []):
            value = one.dt[0] if isinstance(one.dt, tuple) else one.dt
            if isinstance(value, date):
                found.append(value)
    return found


def _key(moment: Moment) -> Any:
    """Return what two names of one time have in common."""
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.timestamp()
    return moment


def _day_of(moment: Moment) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _on_the_wall(moment: datetime, zone: tzinfo) -> datetime:
    """Return what the clock of our zone shows; a time without a zone is ours already."""
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)


def _name_of(event: Event) -> str:
    words = " ".join(str(event.get("SUMMARY", "")).split()).replace("\0", "")
    return words[:LONGEST_NAME] or _("Event without a name")


# --- The outcome ---


def _days(found: _Found) -> Iterator[SpecialDay]:
    for on in sorted(found.closed.keys() | found.open.keys()):
        opened = found.open.get(on, [])
        names = [name for _, name in opened] if opened else found.closed[on]
        name = ", ".join(dict.fromkeys(names))[:LONGEST_NAME]
        yield SpecialDay(on, name, tuple(_joined(opening for opening, _ in opened)))


def _joined(openings: Iterator[Opening]) -> Iterator[Opening]:
    """Join openings of a day that overlap or touch; what is longer than a day is cut."""
    last: Opening | None = None
    for one in sorted(openings):
        if last and one.starts <= last.ends:
            ends = min(max(last.ends, one.ends), last.starts + MINUTES_OF_DAY)
            last = Opening(last.starts, ends)
            continue
        if last:
            yield last
        last = one
    if last:
        yield last


def _in_words(found: _Found) -> Iterator[str]:
    yield from found.left_out[:20]
    if len(found.left_out) > 20:
        yield _("… and %(n)s more.") % {"n": len(found.left_out) - 20}
    if found.past:
        yield ngettext(
            "%(n)s event is past, or later than in two years.",
            "%(n)s events are past, or later than in two years.",
            found.past,
        ) % {"n": found.past}
