"""What did an admin write about business hours? Read generously, refused in words at the place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.business_hours import overlap_of, weekday_name
from routing.calendar_files import LARGEST_FILE
from routing.hours import MINUTES_OF_DAY, Opening, Week

MOST_A_DAY = 12
LONGEST_SPAN = 366
# What is more than this the server refuses before it comes here.
LONGEST_PASTE = 900_000
_CLOCK = re.compile(r"^(\d{1,2})(?:[:.h]?([0-5]\d))?\s*(a\.?m\.?|p\.?m\.?|h)?$", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:–|—|-|\bto\b)\s*")


def parse_clock(text: str) -> int | None:
    """Return the minute of the day that somebody wrote (9, 9:30, 0930, 5 pm, 24:00), or None."""
    found = _CLOCK.match(text.strip())
    if not found:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    half = (found[3] or "").lower()[:1]
    if half in ("a", "p"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    whole = hour * 60 + minute
    return whole if whole <= MINUTES_OF_DAY else None


def opening_of(starts: int, ends: int, *, is_next_day: bool) -> Opening:
    """Return hours from one time to another. Raises ValidationError with the code `next_day` where
    they would only make sense if they ended on the next day.
    """
    if ends == 0 and not is_next_day:
        ends = MINUTES_OF_DAY
    if is_next_day:
        ends += MINUTES_OF_DAY
    if starts >= MINUTES_OF_DAY:
        raise ValidationError(_("Hours start before 24:00; 0:00 is the start of the next day."))
    if ends <= starts:
        raise ValidationError(
            _("This ends before it starts. Does it end on the next day?"), "next_day"
        )
    if ends > starts + MINUTES_OF_DAY:
        raise ValidationError(
            _("This is longer than 24 hours. Does it end on the same day?"), "next_day"
        )
    return Opening(starts, ends)


# --- The week ---


@dataclass
class Line:
    """From one time to another on a day of the week, as written."""

    starts: str = ""
    ends: str = ""
    is_next_day: bool = False
    offers_next_day: bool = False
    error: str = ""
    has_focus: bool = False
    opening: Opening | None = None

    @property
    def is_blank(self) -> bool:
        """Say whether nothing was written."""
        return not (self.starts or self.ends)

    def read(self) -> None:
        """Find out which hours are meant, or what is wrong."""
        starts, ends = parse_clock(self.starts), parse_clock(self.ends)
        if starts is None or ends is None:
            self.error = (
                _("Write both times, or remove the line.")
                if not (self.starts and self.ends)
                else _("Write times like 9:00 or 17:30.")
            )
            return
        try:
            self.opening = opening_of(starts, ends, is_next_day=self.is_next_day)
        except ValidationError as error:
            self.error = str(error.message)
            self.offers_next_day = self.offers_next_day or error.code == "next_day"


@dataclass
class WeekDay:
    """The lines of one day of the week."""

    number: int
    lines: list[Line] = field(default_factory=list)
    has_focus: bool = False

    @property
    def name(self) -> str:
        """Return the day's name."""
        return weekday_name(self.number)

    @property
    def may_have_more(self) -> bool:
        """Say whether there is room for another line."""
        return len(self.lines) < MOST_A_DAY


class WeekForm:
    """A week as written: seven days of lines, each checked where it stands."""

    def __init__(self, days: list[WeekDay]) -> None:
        self.days = days

    @classmethod
    def of(cls, week: Week) -> "WeekForm":
        """Show the hours of a week."""
        return cls(
            [WeekDay(n, [_line_of(one) for one in openings]) for n, openings in enumerate(week)]
        )

    @classmethod
    def posted(cls, data: Mapping[str, str]) -> "WeekForm":
        """Take what a browser sent."""
        return cls([WeekDay(n, _lines_in(data, n)) for n in range(7)])

    def do(self, what: str) -> bool:
        """Do what a button other than Save says: add-0, remove-0-1, above-1. False if unknown."""
        name, *numbers = what.split("-")
        if not numbers or not all(n.isdecimal() and int(n) < 100 for n in numbers):
            return False
        day, line = int(numbers[0]), int(numbers[-1])
        if day > 6:
            return False
        if name == "add" and self.days[day].may_have_more:
            self.days[day].lines.append(Line(has_focus=True))
        elif name == "remove" and len(numbers) == 2 and line < len(self.days[day].lines):
            del self.days[day].lines[line]
            self.days[day].has_focus = True
        elif name == "above" and day:
            above = self.days[day - 1].lines
            self.days[day].lines = [Line(one.starts, one.ends, one.is_next_day) for one in above]
            self.days[day].has_focus = True
        else:
            return False
        return True

    def week(self) -> Week | None:
        """Return the week that is meant; None if something is wrong, which the lines then say."""
        for day in self.days:
            day.lines = [line for line in day.lines if not line.is_blank]
            for line in day.lines:
                line.read()
        if not self.errors():
            self._find_overlaps()
        if self.errors():
            return None
        return tuple(
            tuple(sorted(line.opening for line in day.lines if line.opening)) for day in self.days
        )

    def errors(self) -> list[tuple[str, str]]:
        """Return what is wrong: where, and in words."""
        return [
            (f"d{day.number}-{n}-from", f"{day.name}: {line.error}")
            for day in self.days
            for n, line in enumerate(day.lines)
            if line.error
        ]

    def _find_overlaps(self) -> None:
        """Mark the later one of hours that overlap, also over midnight and from Sunday on."""
        placed = self._placed()
        if not placed:
            return
        first = placed[0]
        again = (first[0] + 7 * MINUTES_OF_DAY, first[1] + 7 * MINUTES_OF_DAY, *first[2:])
        for one, other in zip(placed, [*placed[1:], again], strict=True):
            if other[0] < one[1] and not other[3].error:
                other[3].error = _("This overlaps with %(day)s, %(hours)s.") % {
                    "day": one[2].name,
                    "hours": one[3].opening,
                }

    def _placed(self) -> list[tuple[int, int, WeekDay, Line]]:
        found = [
            (
                day.number * MINUTES_OF_DAY + line.opening.starts,
                day.number * MINUTES_OF_DAY + line.opening.ends,
                day,
                line,
            )
            for day in self.days
            for line in day.lines
            if line.opening
        ]
        return sorted(found, key=lambda one: one[:2])


def _line_of(opening: Opening) -> Line:
    is_next_day = opening.ends > MINUTES_OF_DAY
    return Line(
        _for_input(opening.starts),
        _for_input(opening.ends),
        is_next_day,
        offers_next_day=is_next_day,
    )


def _for_input(minute: int) -> str:
    """Return a minute as the browser's field for times wants it: midnight is 00:00."""
    minute %= MINUTES_OF_DAY
    return f"{minute // 60:02}:{minute % 60:02}"


def _lines_in(data: Mapping[str, str], day: int) -> list[Line]:
    found = []
    for n in range(MOST_A_DAY):
        starts, ends = data.get(f"d{day}-{n}-from"), data.get(f"d{day}-{n}-to")
        if starts is not None or ends is not None:
            is_next_day = f"d{day}-{n}-next" in data
            found.append(
                Line(
                    (starts or "").strip()[:20], (ends or "").strip()[:20], is_next_day, is_next_day
                )
            )
    return found


# --- Names, exceptions, files ---


class NameForm(forms.Form):
    """What the hours are called, and where their clock hangs."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    zone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64)


class SpecialDayForm(forms.Form):
    """A date, or several in a row, on which it is closed or on which other hours hold."""

    first = forms.DateField(
        label=gettext_lazy("Date"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        label=gettext_lazy("Until (if it is several days)"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Such as Christmas party"),
    )
    open = forms.CharField(
        label=gettext_lazy("Open"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Such as 9:00-12:00, 13:00-15:30. Empty: closed all day."),
    )
    next_day = forms.BooleanField(label=gettext_lazy("It ends on the next day"), required=False)
    replace = forms.BooleanField(label=gettext_lazy("Replace it"), required=False)

    def __init__(
        self, *args: object, today: date, taken: Mapping[date, str], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.today, self.taken = today, taken
        self.offers = {
            "next_day": "next_day" in self.data,
            "replace": "replace" in self.data,
        }

    def clean_first(self) -> date:
        """Refuse what is over."""
        first: date = self.cleaned_data["first"]
        if first < self.today:
            raise ValidationError(_("This day is past."))
        if first > self.today + timedelta(days=5 * 366):
            raise ValidationError(_("This is more than five years from now. Is the year right?"))
        return first

    def clean_name(self) -> str:
        """Put a name on one line."""
        return " ".join(self.cleaned_data["name"].split())

    def clean(self) -> dict[str, object] | None:
        """Check the dates against each other, the hours, and what is there already."""
        first = self.cleaned_data.get("first")
        last = self.cleaned_data.get("last") or first
        if first and last:
            self._check_span(first, last)
        self.cleaned_data["openings"] = self._openings()
        return self.cleaned_data

    def days(self) -> list[date]:
        """Return the dates that are meant."""
        first: date = self.cleaned_data["first"]
        last: date = self.cleaned_data["last"] or first
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def _check_span(self, first: date, last: date) -> None:
        if last < first:
            self.add_error("last", _("This is before the first day."))
            return
        if (last - first).days >= LONGEST_SPAN:
            self.add_error("last", _("This is longer than a year."))
            return
        known = [on for on in self.taken if first <= on <= last]
        if known and not self.cleaned_data.get("replace"):
            self.offers["replace"] = True
            self.add_error(
                "first",
                _("%(date)s is in the list already: %(what)s.")
                % {"date": min(known), "what": self.taken[min(known)]},
            )

    def _openings(self) -> tuple[Opening, ...]:
        text = self.cleaned_data.get("open", "").strip()
        try:
            found = [self._opening(part) for part in re.split(r"[,;]", text) if part.strip()]
        except ValidationError as error:
            self.offers["next_day"] = self.offers["next_day"] or error.code == "next_day"
            self.add_error("open", error.message)
            return ()
        if clash := overlap_of(found):
            self.add_error("open", _("%(one)s and %(other)s overlap.") % clash)
        return tuple(sorted(found))

    def _opening(self, part: str) -> Opening:
        ends = [parse_clock(one) for one in _BETWEEN.split(part.strip(), maxsplit=1)]
        if len(ends) != 2 or ends[0] is None or ends[1] is None:
            words = _("“%(part)s” is not from one time to another, such as 9:00-12:00.")
            raise ValidationError(words % {"part": part.strip()[:40]})
        is_late = self.cleaned_data.get("next_day", False) and ends[1] <= ends[0]
        return opening_of(ends[0], ends[1], is_next_day=bool(is_late))


class FileForm(forms.Form):
    """A calendar file: uploaded, or pasted as text."""

    file = forms.FileField(label=gettext_lazy("File"), required=False)
    text = forms.CharField(
        label=gettext_lazy("Or paste what it contains"),
        max_length=LONGEST_PASTE,
        required=False,
        strip=False,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false"}),
    )

    def content(self) -> bytes:
        """Return the file, no more of it than one byte too many."""
        if upload := self.cleaned_data.get("file"):
            return bytes(upload.read(LARGEST_FILE + 1))
        return str(self.cleaned_data["text"]).encode()

    def clean(self) -> dict[str, object] | None:
        """Ask for one of the two."""
        if not self.errors and not (self.cleaned_data.get("file") or self.cleaned_data.get("text")):
            self.add_error("file", _("Choose a file, or paste what it contains."))
        return self.cleaned_data
