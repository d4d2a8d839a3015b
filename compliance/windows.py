"""On which minutes of a week may an offer reach somebody, where they are?

The grammar of a window: `mon-fri=08:00-20:00;sat=09:00-13:00;sun=none;hol=none`. Every day of the
week is named once, `hol` stands for public holidays, and without it they are days like others. A
day may have several spans (`08:00-12:00,14:00-18:00`); an end is exclusive and may be `24:00`.
`any` is every minute.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from accounts.english import noop

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "hol"
MINUTES_OF_DAY = 24 * 60
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


class WindowError(Exception):
    """A window cannot be understood; `reason` says where and why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Span:
    """Minutes of a day, counted by the clock on the wall; `ends` is not part of it."""

    starts: int
    ends: int


@dataclass(frozen=True)
class Window:
    """The spans of each weekday, Monday first, and of holidays; None where they do not matter."""

    week: tuple[tuple[Span, ...], ...]
    holiday: tuple[Span, ...] | None = None

    def spans(self, weekday: int, *, is_holiday: bool) -> tuple[Span, ...]:
        """Return the spans of a day."""
        if is_holiday and self.holiday is not None:
            return self.holiday
        return self.week[weekday]


ANY = Window(week=((Span(0, MINUTES_OF_DAY),),) * len(DAYS))


def read_window(text: str) -> Window:
    """Read a window. Raises WindowError."""
    if text.strip() == "any":
        return ANY
    found: dict[str, tuple[Span, ...]] = {}
    for part in text.split(";"):
        names, _, spans = part.strip().partition("=")
        for day in _days(names.strip()):
            if day in found:
                raise WindowError(noop("“%(day)s” is named twice.") % {"day": day})
            found[day] = _spans(spans.strip())
    if missing := [day for day in DAYS if day not in found]:
        raise WindowError(noop("Nothing is said of %(missing)s.") % {"missing": ", ".join(missing)})
    return Window(tuple(found[day] for day in DAYS), found.get(HOLIDAY))


def _days(names: str) -> Iterator[str]:
    first, _, last = names.partition("-")
    if names == HOLIDAY:
        yield HOLIDAY
        return
    if first not in DAYS or (last or first) not in DAYS or names.endswith("-"):
        raise WindowError(
            noop("“%(names)s” is no day: write mon-fri, sat or hol, with = behind it.")
            % {"names": names}
        )
    at, end = DAYS.index(first), DAYS.index(last or first)
    # A week may be cut anywhere: sun-thu.
    for step in range((end - at) % len(DAYS) + 1):
        yield DAYS[(at + step) % len(DAYS)]


def _spans(text: str) -> tuple[Span, ...]:
    if text == "none":
        return ()
    spans = tuple(_span(one.strip()) for one in text.split(","))
    if any(after.starts < before.ends for before, after in zip(spans, spans[1:], strict=False)):
        raise WindowError(noop("“%(text)s” does not go from morning to evening.") % {"text": text})
    return spans


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise WindowError(
            noop("“%(text)s” is no span of time: write 08:00-20:00, or none.") % {"text": text}
        )
    hour, minute, end_hour, end_minute = found.groups()
    starts = int(hour) * 60 + int(minute)
    ends = int(end_hour) * 60 + int(end_minute) if end_hour else MINUTES_OF_DAY
    if ends <= starts:
        raise WindowError(noop("“%(text)s” ends before it starts.") % {"text": text})
    return Span(starts, ends)


def write_window(window: Window) -> str:
    """Write a window so that `read_window` reads the same: days alike stand together."""
    if window == ANY:
        return "any"
    parts, at = [], 0
    while at < len(DAYS):
        end = at
        while end + 1 < len(DAYS) and window.week[end + 1] == window.week[at]:
            end += 1
        names = DAYS[at] if end == at else f"{DAYS[at]}-{DAYS[end]}"
        parts.append(f"{names}={_written(window.week[at])}")
        at = end + 1
    if window.holiday is not None:
        parts.append(f"{HOLIDAY}={_written(window.holiday)}")
    return ";".join(parts)


def _written(spans: tuple[Span, ...]) -> str:
    return ",".join(f"{clock(one.starts)}-{clock(one.ends)}" for one in spans) or "none"


def clock(minute: int) -> str:
    """Write a minute of a day as the clock on the wall shows it; the last is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"
