"""What did an admin write about a reply? Read generously, refused in words at the place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.numbers import number_in
from inbox.forms import plain_lines
from inbox.setup.reply_words import AnyReply
from inbox.views.settings.condition_forms import ConditionForm, Error, Offered, Row, pinned
from inbox.views.settings.hours_forms import parse_clock
from routing.documents import condition_of, written_group
from routing.escalation import Clock
from routing.hours import MINUTES_OF_DAY, Opening
from routing.reading import Place, is_language
from routing.replies import (
    AfterHoursReply,
    FirstMessageReply,
    FirstWhen,
    KeywordReply,
    StillWaitingReply,
)
from routing.reply_documents import (
    LONGEST_NAME,
    LONGEST_PHRASE,
    LONGEST_SILENCE_HOURS,
    LONGEST_SOURCE,
    LONGEST_WAIT_MINUTES,
    MOST_PHRASES,
)
from routing.rules import Group
from routing.texts import Text, Variable, problems
from routing.wording import Variant

KEYWORD, AFTER_HOURS = "keyword", "after_hours"
FIRST_MESSAGE, STILL_WAITING = "first_message", "still_waiting"
MOST_LINES = 30
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


@dataclass
class Line:
    """One wording, as written. `name` is what its fields are called."""

    name: str
    text: str = ""
    language: str = ""
    starts: str = ""
    ends: str = ""
    places: str = ""
    has_focus: bool = False
    errors: list[Error] = field(default_factory=list)
    variant: Variant | None = None

    @classmethod
    def of(cls, name: str, variant: Variant) -> "Line":
        """Show a wording."""
        hours = variant.hours
        return cls(
            name,
            variant.text.source,
            variant.language,
            _for_input(hours.starts) if hours else "",
            _for_input(hours.ends) if hours else "",
            ", ".join(sorted(variant.places)),
        )

    @classmethod
    def posted(cls, name: str, data: Mapping[str, str]) -> "Line":
        """Take what a browser sent."""
        return cls(
            name,
            plain_lines(data.get(f"{name}-text", ""))[:LONGEST_SOURCE],
            data.get(f"{name}-language", "").strip()[:20],
            data.get(f"{name}-from", "").strip()[:20],
            data.get(f"{name}-until", "").strip()[:20],
            data.get(f"{name}-places", "").strip()[:2000],
        )

    @property
    def is_for_some(self) -> bool:
        """Say whether it is for some hours or places only."""
        return bool(self.starts or self.ends or self.places)

    @property
    def text_errors(self) -> list[str]:
        """Return what is wrong with the text."""
        return self._at("text")

    @property
    def hours_errors(self) -> list[str]:
        """Return what is wrong with the hours."""
        return self._at("from")

    @property
    def places_errors(self) -> list[str]:
        """Return what is wrong with the places."""
        return self._at("places")

    def _at(self, key: str) -> list[str]:
        return [words for where, words in self.errors if where == f"id_{self.name}-{key}"]

    def _refuse(self, key: str, words: str) -> None:
        self.errors.append((f"id_{self.name}-{key}", words))

    def read(self, known: Mapping[str, Variable]) -> None:
        """Find out what is meant, or what is wrong."""
        self.errors = []
        text = Text.parse(self.text)
        for problem in problems(text, known):
            self._refuse("text", problem.words)
        if self.language and not is_language(self.language):
            self._refuse("language", _("Choose a language of the list."))
        hours, places = self._hours(), self._places()
        if not self.errors:
            self.variant = Variant(text, self.language, hours, places)

    def _hours(self) -> Opening | None:
        if not (self.starts or self.ends):
            return None
        starts, ends = parse_clock(self.starts), parse_clock(self.ends)
        if starts is None or ends is None or starts in (ends, MINUTES_OF_DAY):
            self._refuse("from", _("Write both times, such as 22:00 and 6:00, or neither."))
            return None
        return Opening(starts, ends if ends > starts else ends + MINUTES_OF_DAY)

    def _places(self) -> frozenset[str]:
        found = frozenset(filter(None, re.split(r"[\s,;]+", self.places.upper())))
        wrong = sorted(place for place in found if not _PLACE.fullmatch(place))
        if wrong:
            words = _("“%(place)s” is no place: write CA for Canada, CA-QC for Quebec alone.")
            self._refuse("places", words % {"place": wrong[0][:40]})
        return found


@dataclass
class ReplyForm:
    """One reply, as written. `holidays` are the wordings for holidays, where there may be some."""

    kind: str
    is_on: bool = True
    name: str = ""
    phrases: str = ""
    conditions: ConditionForm = field(default_factory=lambda: ConditionForm(Offered()))
    when: str = FirstWhen.PER_CONVERSATION
    silence: str = "24"
    after: str = "15"
    clock: str = Clock.CALENDAR
    lines: list[Line] = field(default_factory=list)
    holidays: list[Line] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)

    # --- Showing ---

    @classmethod
    def of(cls, kind: str, reply: AnyReply | None, offered: Offered) -> "ReplyForm":
        """Show a reply, or an empty form for one that is not there yet."""
        form = cls(kind, conditions=ConditionForm(offered))
        if reply is None:
            form.lines.append(Line("text0"))
            return form
        form.is_on = reply.is_on
        form.lines = _lines("text", reply.variants) or [Line("text0")]
        if isinstance(reply, KeywordReply):
            form.name, form.phrases = reply.name, "\n".join(reply.phrases)
            if reply.condition:
                form.conditions = ConditionForm.of(written_group(reply.condition), offered)
        elif isinstance(reply, AfterHoursReply):
            form.holidays = _lines("holiday", reply.holiday_variants)
        elif isinstance(reply, FirstMessageReply):
            form.when = reply.when
            form.silence = str(reply.silence // timedelta(hours=1))
        else:
            form.after, form.clock = str(reply.after), reply.clock
        return form

    @classmethod
    def posted(cls, kind: str, data: QueryDict, offered: Offered) -> "ReplyForm":
        """Take what a browser sent."""
        return cls(
            kind,
            is_on="is_on" in data,
            name=" ".join(data.get("name", "").split())[:200],
            phrases=plain_lines(data.get("phrases", ""))[:20_000],
            conditions=ConditionForm.posted(data, offered),
            when=data.get("when", FirstWhen.PER_CONVERSATION)[:20],
            silence=data.get("silence", "24").strip()[:10],
            after=data.get("after", "15").strip()[:10],
            clock=data.get("clock", Clock.CALENDAR)[:20],
            lines=_posted_lines("text", data),
            holidays=_posted_lines("holiday", data),
        )

    # --- Other buttons than Save ---

    def do(self, what: str, data: QueryDict) -> bool:
        """Do what a button other than Save says: add-text, remove-holiday-2. False if unknown."""
        deed, _dash, rest = what.partition("-")
        group, _dash, number = rest.partition("-")
        lines = {"text": self.lines, "holiday": self.holidays}.get(group)
        if lines is None:
            return self.conditions.do(what, data)
        if deed == "add" and not number and len(lines) < MOST_LINES:
            lines.append(Line(f"{group}{len(lines)}", has_focus=True))
        elif deed == "remove" and number.isdecimal() and int(number[:4]) < len(lines):
            del lines[int(number[:4])]
            _renumber(group, lines)
        else:
            return False
        return True

    # --- Reading ---

    def reply(self, known: Mapping[str, Variable]) -> AnyReply | None:
        """Return the reply that is meant; None if something is wrong, which `errors` then say."""
        self.errors = []
        # An empty field for another text is no text.
        self.lines = [one for one in self.lines if one.text or one.is_for_some] or [Line("text0")]
        self.holidays = [one for one in self.holidays if one.text or one.is_for_some]
        _renumber("text", self.lines)
        _renumber("holiday", self.holidays)
        is_empty = not (self.holidays or self.lines[0].text or self.lines[0].is_for_some)
        for line in [] if is_empty and not self.is_on else self._needed():
            line.read(known)
            self.errors += line.errors
        read = self._read()
        return None if self.errors else read

    def _needed(self) -> list[Line]:
        """Return what must be a text; words for holidays alone are enough."""
        first = self.lines[0]
        is_spared = self.holidays and not (first.text or first.is_for_some)
        return [*([] if is_spared else self.lines), *self.holidays]

    def _read(self) -> AnyReply:
        texts = tuple(one.variant for one in self.lines if one.variant)
        if self.kind == KEYWORD:
            return self._keyword(texts)
        if self.kind == AFTER_HOURS:
            holidays = tuple(one.variant for one in self.holidays if one.variant)
            return AfterHoursReply(texts, holidays, self.is_on)
        if self.kind == FIRST_MESSAGE:
            hours = self._number("silence", self.silence, LONGEST_SILENCE_HOURS)
            return FirstMessageReply(texts, self._when(), timedelta(hours=hours), self.is_on)
        after = self._number("after", self.after, LONGEST_WAIT_MINUTES)
        clock = Clock(self.clock) if self.clock in set(Clock) else Clock.CALENDAR
        return StillWaitingReply(texts, after, clock, self.is_on)

    def _when(self) -> FirstWhen:
        return FirstWhen(self.when) if self.when in set(FirstWhen) else FirstWhen.PER_CONVERSATION

    def _number(self, name: str, typed: str, most: int) -> int:
        number = number_in(typed)
        if number is not None and 1 <= number <= most:
            return number
        words = _("Write a whole number from 1 to %(most)d.")
        self.errors.append((f"id_{name}", words % {"most": most}))
        return 1

    def _keyword(self, texts: tuple[Variant, ...]) -> KeywordReply:
        phrases = tuple(dict.fromkeys(filter(None, map(str.strip, self.phrases.split("\n")))))
        if not self.name or len(self.name) > LONGEST_NAME:
            words = _("Give it a name of up to %(most)d letters.")
            self.errors.append(("id_name", words % {"most": LONGEST_NAME}))
        if len(phrases) > MOST_PHRASES or any(len(one) > LONGEST_PHRASE for one in phrases):
            words = _("At most %(most)d lines of %(letters)d letters fit here.")
            values = {"most": MOST_PHRASES, "letters": LONGEST_PHRASE}
            self.errors.append(("id_phrases", words % values))
        is_asked = bool(phrases or self.conditions.document())
        if not is_asked:
            self.errors.append(("id_phrases", _("Say which words it answers.")))
        return KeywordReply(self.name, texts, phrases, self._condition(), self.is_on)

    def _condition(self) -> Group | None:
        written = self.conditions.document()
        if not written:
            return None
        for _where, row, name in self.conditions.places():
            if isinstance(row, Row):
                row.check()
            if row.error:
                self.errors.append((name, row.error))
        place = Place("", {"if": written})
        condition = condition_of(place)
        self.errors += pinned(place.problems, self.conditions.places(), lambda _where: "match")
        return condition

    @property
    def name_errors(self) -> list[str]:
        """Return what is wrong with the name."""
        return self._at("name")

    @property
    def phrases_errors(self) -> list[str]:
        """Return what is wrong with the words that are answered."""
        return self._at("phrases")

    @property
    def number_errors(self) -> list[str]:
        """Return what is wrong with the hours of silence, or the minutes of waiting."""
        return [*self._at("silence"), *self._at("after")]

    def _at(self, name: str) -> list[str]:
        return [words for where, words in self.errors if where == f"id_{name}"]

    @property
    def every_line(self) -> list[Line]:
        """Return all wordings, those for holidays last."""
        return [*self.lines, *self.holidays]

    @property
    def may_have_more(self) -> bool:
        """Say whether there is room for another text."""
        return len(self.lines) < MOST_LINES and len(self.holidays) < MOST_LINES


def _lines(group: str, variants: Sequence[Variant]) -> list[Line]:
    return [Line.of(f"{group}{place}", one) for place, one in enumerate(variants)]


def _posted_lines(group: str, data: Mapping[str, str]) -> list[Line]:
    names = [f"{group}{n}" for n in range(MOST_LINES) if f"{group}{n}-text" in data]
    lines = [Line.posted(name, data) for name in names]
    _renumber(group, lines)
    return lines


def _renumber(group: str, lines: Sequence[Line]) -> None:
    for place, line in enumerate(lines):
        line.name = f"{group}{place}"


def _for_input(minute: int) -> str:
    """Return a minute as the browser's field for times wants it: midnight is 00:00."""
    minute %= MINUTES_OF_DAY
    return f"{minute // 60:02}:{minute % 60:02}"
