"""What did an admin write about when a rule holds? Rows made from the tables of facts and tests.

A new fact appears here by itself. What is written is checked by `routing.documents`, so that a
form, an upload and the API are refused in the same words.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from compliance.models import ConsentState
from inbox.models import Conversation, Sender, TeamInbox
from inbox.views.settings.hours_forms import parse_clock
from inbox.views.settings.people_forms import Everybody, PeopleField
from routing.conditions import FACTS, TESTS, Fact, Takes
from routing.documents import MOST_CONDITIONS
from routing.facts import Person
from routing.reading import Problem
from routing.sentences import DAYS, words_of_test

Choices = tuple[tuple[str, str], ...]
# The id of a field and what is wrong with it, in words.
Error = tuple[str, str]
NOT = "not:"


@dataclass(frozen=True)
class Offered:
    """What can be chosen: everybody, and for some facts the values that make sense."""

    everybody: Everybody = field(default_factory=Everybody)
    values: Mapping[str, Choices] = field(default_factory=dict)


def offered_in(account_id: int, inbox: TeamInbox | None, people: Mapping[int, Person]) -> Offered:
    """Return what conditions of an inbox can name; of all its account's inboxes without one."""
    senders = Sender.objects.in_use().filter(account=account_id)
    if inbox:
        senders = senders.filter(inbox=inbox)
    values: dict[str, Choices] = {
        "weekday": tuple((day, _(name)) for day, name in DAYS.items()),
        "channel": (("sms", "SMS"), ("mms", "MMS"), ("whatsapp", "WhatsApp")),
        "sender": tuple((one, one) for one in senders.values_list("address", flat=True)),
        "consent": tuple((value, str(label)) for value, label in ConsentState.choices),
        "priority": tuple((value, str(label)) for value, label in Conversation.Priority.choices),
        "media": (
            ("image", _("Picture")),
            ("audio", _("Audio")),
            ("video", _("Video")),
            ("pdf", _("PDF")),
            ("vcard", _("Contact card")),
        ),
    }
    return Offered(Everybody(people), values)


def facts() -> Choices:
    """Return every fact that a condition may ask for, by its label."""
    return tuple((key, _label(fact)) for key, fact in FACTS.items())


def _label(fact: Fact) -> str:
    return f"{_(fact.label)} …" if fact.is_named else _(fact.label)


@dataclass
class Row:
    """One condition as it is written."""

    fact: str
    test: str = ""
    name: str = ""
    text: str = ""
    chosen: tuple[str, ...] = ()
    starts: str = ""
    ends: str = ""
    people: PeopleField = field(default_factory=PeopleField)
    offered: Choices = ()
    key: str = ""
    error: str = ""
    has_focus: bool = False

    @property
    def label(self) -> str:
        """Return how the fact is called."""
        return _(FACTS[self.fact].label)

    @property
    def is_named(self) -> bool:
        """Say whether it must be said which attribute or field is meant."""
        return FACTS[self.fact].is_named

    @property
    def tests(self) -> Choices:
        """Return every test of the fact and its opposite."""
        return tuple(
            (
                f"{NOT}{test}" if is_negated else test,
                words_of_test(self.fact, test, is_negated=is_negated),
            )
            for test in FACTS[self.fact].tests
            for is_negated in (False, True)
        )

    @property
    def widget(self) -> str:
        """Return with what a value is entered: none, people, times, choices or text."""
        takes = {TESTS[test].takes for test in FACTS[self.fact].tests}
        if Takes.PEOPLE in takes:
            return "people"
        if Takes.TIMES in takes:
            return "times"
        if takes == {Takes.NOTHING}:
            return "none"
        return "choices" if self.offered and Takes.CHOICES in takes else "text"

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """Return what can be ticked; also what was chosen and is offered no more."""
        known = {value for value, _label in self.offered}
        others = tuple((value, value) for value in self.chosen if value not in known)
        return [(one, label, one in self.chosen) for one, label in (*self.offered, *others)]

    @property
    def help(self) -> str:
        """Say how a value is written."""
        takes = {TESTS[test].takes for test in FACTS[self.fact].tests}
        if Takes.WORDS in takes:
            return _("Several with commas between them. Case and accents make no difference.")
        return _("Several with commas between them.") if Takes.CHOICES in takes else ""

    @property
    def rows(self) -> int:
        """Return how many lines the text takes."""
        return min(8, 1 + len(self.text) // 70)

    def document(self) -> dict[str, Any]:
        """Return it as it stands in a rule."""
        is_negated = self.test.startswith(NOT)
        test = self.test.removeprefix(NOT)
        value = self._value(TESTS[test].takes) if test in TESTS else None
        return {
            "fact": self.fact,
            **({"name": self.name} if self.is_named else {}),
            "test": test,
            **({} if value is None else {"value": value}),
            **({"not": True} if is_negated else {}),
        }

    def _value(self, takes: Takes) -> Any:
        if takes is Takes.NOTHING:
            return None
        if takes is Takes.PEOPLE:
            return self.people.ids
        if takes is Takes.TIMES:
            return [_time(self.starts), _time(self.ends)]
        if self.widget == "choices":
            return list(self.chosen)
        if takes in (Takes.WORDS, Takes.CHOICES):
            return words_in(self.text)
        if takes in (Takes.SCALAR, Takes.NUMBER):
            return scalar_in(self.text)
        return self.text

    def check(self) -> None:
        """Find what the document takes and what would surely never hold."""
        test = TESTS.get(self.test.removeprefix(NOT))
        if test and test.takes is Takes.NUMBER and not _is_number_or_date(self.text):
            self.error = _("Write a number, or a date such as 2026-12-24.")
        self.error = self.error or self.people.error


@dataclass
class GroupRow:
    """Conditions that stand together inside a rule's own."""

    match: str = "all"
    rows: list[Row] = field(default_factory=list)
    key: str = ""
    error: str = ""
    has_focus: bool = False


@dataclass
class ConditionForm:
    """All conditions of a rule as they are written."""

    offered: Offered
    match: str = "all"
    parts: list[Row | GroupRow] = field(default_factory=list)
    error: str = ""

    @classmethod
    def of(cls, group: Mapping[str, Any] | None, offered: Offered) -> "ConditionForm":
        """Show the conditions of a rule's document."""
        form = cls(offered)
        form.match, parts = _opened(group)
        for part in parts:
            if "fact" in part:
                form.parts.append(form.row_of(part))
            else:
                match, inner = _opened(part)
                form.parts.append(GroupRow(match, [form.row_of(one) for one in inner]))
        return form.numbered()

    @classmethod
    def posted(cls, data: QueryDict, offered: Offered) -> "ConditionForm":
        """Take what a browser sent."""
        form = cls(offered, match=_match(data.get("match")))
        for n in range(MOST_CONDITIONS):
            if f"p{n}-match" in data:
                rows = (form.row_in(data, f"p{n}_{m}") for m in range(MOST_CONDITIONS))
                found = [row for row in rows if row]
                form.parts.append(GroupRow(_match(data.get(f"p{n}-match")), found))
            elif row := form.row_in(data, f"p{n}"):
                form.parts.append(row)
        return form.numbered()

    def row_of(self, part: Mapping[str, Any]) -> Row:
        """Show one condition of a document."""
        row = self._blank(part["fact"])
        value, test = part.get("value"), part["test"]
        row.test = f"{NOT}{test}" if part.get("not") else test
        row.name = part.get("name", "")
        takes = TESTS[test].takes
        if takes is Takes.PEOPLE:
            row.people = PeopleField.of(value or [], self.offered.everybody)
        elif takes is Takes.TIMES:
            row.starts, row.ends = value or ("", "")
            row.ends = "00:00" if row.ends == "24:00" else row.ends
        elif isinstance(value, list):
            row.chosen, row.text = tuple(map(str, value)), text_of(value)
        elif value is not None:
            row.text = str(value).lower() if isinstance(value, bool) else str(value)
        return row

    def row_in(self, data: QueryDict, key: str) -> Row | None:
        """Take one condition that a browser sent, or None if there is none."""
        fact = data.get(f"{key}-fact", "")
        if fact not in FACTS:
            return None
        row = self._blank(fact)
        row.test = data.get(f"{key}-test", "")
        row.name = data.get(f"{key}-name", "").strip()
        row.text = data.get(f"{key}-value", "").replace("\r\n", "\n").strip()
        row.chosen = tuple(data.getlist(f"{key}-choice"))
        row.starts, row.ends = data.get(f"{key}-from", ""), data.get(f"{key}-to", "")
        row.people = PeopleField.posted(data, key, self.offered.everybody)
        return row

    def do(self, what: str, data: QueryDict) -> bool:
        """Do what a button of the conditions says. False for any other button."""
        name, _dash, key = what.partition("-")
        deeds: dict[str, Callable[[], bool]] = {
            "add": lambda: self.add(data.get(f"add-fact-{key}", "-"), key),
            "group": lambda: self.add(""),
            "drop": lambda: self.drop(key),
            "person": lambda: self._focus_person(key),
        }
        return name in deeds and deeds[name]()

    def _focus_person(self, key: str) -> bool:
        found = [row.people for row in self.rows() if row.key == key]
        for one in found:
            one.has_focus = True
        return bool(found)

    def add(self, fact: str, group: str = "") -> bool:
        """Add a condition, or (without a fact) a group of conditions."""
        row = self._blank(fact) if fact in FACTS else None
        target = next((one for one in self.parts if one.key == group), None) if group else self
        if isinstance(target, GroupRow) and row:
            row.has_focus = True
            target.rows.append(row)
        elif target is self and (row or not fact):
            part = row or GroupRow(match="any")
            part.has_focus = True
            self.parts.append(part)
        else:
            return False
        self.numbered()
        return True

    def drop(self, key: str) -> bool:
        """Take away a condition or a group. False if there is none of that key."""
        before = sum(1 for _row in self.rows()), len(self.parts)
        self.parts = [part for part in self.parts if part.key != key]
        for group in self.groups():
            group.rows = [row for row in group.rows if row.key != key]
        self.numbered()
        return (sum(1 for _row in self.rows()), len(self.parts)) != before

    def groups(self) -> Iterator[GroupRow]:
        """Walk through the inner groups."""
        return (part for part in self.parts if isinstance(part, GroupRow))

    def rows(self) -> Iterator[Row]:
        """Walk through every condition."""
        for part in self.parts:
            yield from part.rows if isinstance(part, GroupRow) else (part,)

    @property
    def has_room(self) -> bool:
        """Say whether another condition may be added."""
        return sum(1 for _row in self.rows()) < MOST_CONDITIONS

    def document(self) -> dict[str, Any] | None:
        """Return it as it stands in a rule; None where nothing is asked. Empty groups are none."""
        self.parts = [part for part in self.parts if isinstance(part, Row) or part.rows]
        self.numbered()
        parts: list[Any] = [
            part.document()
            if isinstance(part, Row)
            else {part.match: [row.document() for row in part.rows]}
            for part in self.parts
        ]
        return {self.match: parts} if parts else None

    def places(self) -> Iterator[tuple[str, Row | GroupRow, str]]:
        """Return where each part stands in a rule, the part, and the field to go to."""
        for n, part in enumerate(self.parts):
            where = f"if.{self.match}[{n}]"
            if isinstance(part, Row):
                yield where, part, field_of(part)
                continue
            yield where, part, f"{part.key}-match"
            for m, row in enumerate(part.rows):
                yield f"{where}.{part.match}[{m}]", row, field_of(row)

    def numbered(self) -> "ConditionForm":
        """Give every part the name that its fields begin with."""
        for n, part in enumerate(self.parts):
            part.key = f"p{n}"
            for m, row in enumerate(part.rows if isinstance(part, GroupRow) else ()):
                row.key = f"p{n}_{m}"
        for row in self.rows():
            row.people.key = row.key
        return self

    def _blank(self, fact: str) -> Row:
        [first, *_others] = FACTS[fact].tests
        return Row(fact, first, offered=self.offered.values.get(fact, ()))


def pinned(
    problems: Iterable[Problem],
    places: Iterable[tuple[str, Any, str]],
    otherwise: Callable[[str], str],
) -> list[Error]:
    """Say what is wrong with a document at the row that says it; return the fields to go to.

    `otherwise` names the field of a place that is in no row.
    """
    # What stands deeper comes first.
    deepest = sorted(places, key=lambda place: -len(place[0]))
    errors = []
    for problem in problems:
        where = problem.where
        known = ((row, name) for place, row, name in deepest if where.startswith(place))
        row, name = next(known, (None, ""))
        if row is not None:
            row.error = row.error or problem.words
        errors.append((name or otherwise(where), problem.words))
    return errors


def field_of(row: Row) -> str:
    """Return the id of the field where a condition is put right."""
    if row.is_named and not row.name:
        return f"{row.key}-name"
    ends = {"text": "value", "times": "from", "people": "person"}
    return f"{row.key}-{ends.get(row.widget, 'test')}"


def _opened(group: Mapping[str, Any] | None) -> tuple[str, list[Any]]:
    return next(iter(group.items())) if group else ("all", [])


def _match(given: str | None) -> str:
    return "any" if given == "any" else "all"


# --- Values as they are typed --------------------------------------------------------------------


def words_in(text: str) -> list[str]:
    """Return the words of a list with commas; one with a comma in it stands in quotes."""
    rows = csv.reader(text.splitlines(), skipinitialspace=True)
    found = (word.strip() for row in rows for word in row)
    return list(dict.fromkeys(word for word in found if word))


def text_of(words: Iterable[object]) -> str:
    """Write words as a list that reads back the same."""
    return ", ".join(_quoted(str(word)) for word in words)


def _quoted(word: str) -> str:
    needs = "," in word or '"' in word or "\n" in word or word != word.strip()
    return '"' + word.replace('"', '""') + '"' if needs else word


def scalar_in(text: str) -> str | int | float | bool:
    """Return a number or true and false where that is what was typed, else the text."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text:
            return number
    return text


def _is_number_or_date(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        try:
            datetime.fromisoformat(text)
        except ValueError:
            return False
    return True


def _time(text: str) -> str:
    minute = parse_clock(text)
    return f"{minute // 60:02}:{minute % 60:02}" if minute is not None else text
