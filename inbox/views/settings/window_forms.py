"""How does an admin write the hours of a week in which messages may go? Day by day, as for
business hours; what is kept is the window of `compliance.windows`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from compliance.windows import ANY, MINUTES_OF_DAY, Span, Window, WindowError, read_window
from compliance.windows import write_window as written
from inbox.views.settings.hours_forms import WeekForm
from routing.hours import Opening, Week

ANY_HOUR, THESE_HOURS = "any", "week"
_WEEKDAYS = range(5)
_USUAL: Week = tuple((Opening(9 * 60, 18 * 60),) if n in _WEEKDAYS else () for n in range(7))


@dataclass
class WindowEditor:
    """The hours of one field. `is_any`: at every hour, whatever the week says."""

    name: str
    label: str
    help: str
    week: WeekForm
    is_any: bool = False

    @classmethod
    def of(cls, field: Any, text: str) -> "WindowEditor":
        """Show a window that is kept; of what cannot be read, the usual hours."""
        try:
            window = read_window(text)
        except WindowError:
            window = ANY
        week = _USUAL if window == ANY else _week_of(window)
        return cls(field.name, field.label, field.help_text, WeekForm.of(week), window == ANY)

    @classmethod
    def posted(cls, field: Any, data: Mapping[str, str]) -> "WindowEditor":
        """Take what a browser sent for one field."""
        own = _own(field.name, data)
        week = WeekForm.posted(own)
        return cls(field.name, field.label, field.help_text, week, own.get("mode") == ANY_HOUR)

    def do(self, what: str) -> bool:
        """Do what a button of this week says; False for one of another."""
        name, _dash, deed = what.partition("-")
        if name != self.name or not self.week.do(deed):
            return False
        self.is_any = False
        return True

    def text(self) -> str | None:
        """Return the window in the form it is kept in; None if a line says what is wrong."""
        if self.is_any:
            return written(ANY)
        week = self.week.week()
        return None if week is None else written(_window_of(week))

    def errors(self) -> list[tuple[str, str]]:
        """Return what is wrong: where, and in words."""
        found = [] if self.is_any else self.week.errors()
        return [(f"{self.name}-{where}", f"{self.label}: {words}") for where, words in found]


def is_posted(name: str, data: Mapping[str, str]) -> bool:
    """Say whether a browser sent a week for this field, and not a text."""
    return f"{name}-mode" in data


def with_windows(data: QueryDict, editors: Mapping[str, WindowEditor]) -> QueryDict:
    """Return what was sent with the weeks as texts, as forms read them."""
    told = data.copy()
    for name, editor in editors.items():
        # What is wrong is told at its line: for the form the field is in order.
        told[name] = editor.text() or written(ANY)
    return told


def _own(name: str, data: Mapping[str, str]) -> dict[str, str]:
    start = f"{name}-"
    return {key.removeprefix(start): data[key] for key in data if key.startswith(start)}


def _week_of(window: Window) -> Week:
    return tuple(tuple(Opening(one.starts, one.ends) for one in spans) for spans in window.week)


def _window_of(week: Week) -> Window:
    """Return a week as a window: what goes on after midnight belongs to the next day there."""
    spans: list[list[Span]] = [[] for _day in week]
    for day, starts, ends in _pieces(week):
        spans[day].append(Span(starts, ends))
    return Window(tuple(tuple(_joined(sorted(one, key=_start))) for one in spans))


def _pieces(week: Week) -> Iterator[tuple[int, int, int]]:
    for day, openings in enumerate(week):
        for one in openings:
            yield day, one.starts, min(one.ends, MINUTES_OF_DAY)
            if one.ends > MINUTES_OF_DAY:
                yield (day + 1) % len(week), 0, one.ends - MINUTES_OF_DAY


def _joined(spans: list[Span]) -> Iterator[Span]:
    """Join spans that touch."""
    held: Span | None = None
    for span in spans:
        if held and span.starts <= held.ends:
            held = Span(held.starts, max(held.ends, span.ends))
            continue
        if held:
            yield held
        held = span
    if held:
        yield held


def _start(span: Span) -> int:
    return span.starts


def said_of(editors: Mapping[str, WindowEditor]) -> list[tuple[str, str]]:
    """Return what is wrong in all weeks together."""
    return [problem for editor in editors.values() for problem in editor.errors()]


def choices() -> list[tuple[str, str]]:
    """Return how hours may be meant."""
    return [(ANY_HOUR, _("At every hour")), (THESE_HOURS, _("Only in these hours:"))]
