"""What did an admin write about a rule? Its form, from its document and back into it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.english import noop
from inbox.segments import count
from inbox.views.settings.condition_forms import (
    ConditionForm,
    Error,
    Offered,
    pinned,
    text_of,
    words_in,
)
from inbox.views.settings.people_forms import PeopleField
from routing.documents import MOST_STEPS, PRIORITIES
from routing.facts import Trigger
from routing.reading import Problem
from routing.rules import Target
from routing.sentences import TARGETS, TRIGGERS

MOST_REPLIES = 40
UNITS = {noop("minutes"): 1, noop("hours"): 60, noop("days"): 1440}
_OF_TEAM = (Target.TEAM, Target.RANDOM, Target.ROUND_ROBIN, Target.LEAST_BUSY)
_OF_PEOPLE = (Target.PEOPLE, Target.RANDOM, Target.ROUND_ROBIN, Target.LEAST_BUSY)


@dataclass
class StepRow:
    """One step of a ladder as it is written."""

    who: Target
    people: PeopleField = field(default_factory=PeopleField)
    team: str = ""
    lookup: str = ""
    needs_available: bool = True
    needs_open_hours: bool = False
    is_owner: bool = False
    cap: str = ""
    key: str = ""
    error: str = ""
    has_focus: bool = False
    is_moved: bool = False

    @property
    def label(self) -> str:
        """Return what kind of step it is."""
        return _(TARGETS[self.who])

    @property
    def names_team(self) -> bool:
        """Say whether it may name a team."""
        return self.who in _OF_TEAM

    @property
    def names_people(self) -> bool:
        """Say whether it may name people."""
        return self.who in _OF_PEOPLE

    @property
    def asks_data_action(self) -> bool:
        """Say whether a Data Action is asked."""
        return self.who is Target.DATA_ACTION

    @property
    def asks_crm(self) -> bool:
        """Say whether a CRM is asked."""
        return self.who is Target.CRM_FIELD

    @property
    def may_own(self) -> bool:
        """Say whether it may mean one person alone, who then may own the conversation."""
        return self.who is not Target.TEAM

    def document(self) -> dict[str, Any]:
        """Return it as it stands in a rule."""
        cap = self.cap.strip()
        return {
            "who": self.who.value,
            **({"people": self.people.ids} if self.people.ids else {}),
            **({"team": int(self.team)} if self.team.isdecimal() else {}),
            **({"lookup": self.lookup} if self.lookup else {}),
            **({} if self.needs_available else {"available": False}),
            **({"in_hours": True} if self.needs_open_hours else {}),
            **({"cap": int(cap) if cap.isdecimal() and len(cap) < 9 else cap} if cap else {}),
            **({"owner": True} if self.is_owner else {}),
        }


@dataclass
class ReplyRow:
    """A text in one language as it is written."""

    language: str = ""
    text: str = ""
    key: str = ""
    error: str = ""
    has_focus: bool = False

    @property
    def segments(self) -> int:
        """Return in how many parts it is sent."""
        return count(self.text).segments if self.text else 0

    @property
    def culprits(self) -> str:
        """Return the characters that make it dearer."""
        return " ".join(count(self.text).culprits) if self.text else ""


@dataclass
class RuleForm:
    """A rule as it is written; what is wrong stands where it is wrong and in `errors`."""

    offered: Offered
    conditions: ConditionForm
    id: str = ""
    name: str = ""
    is_on: bool = True
    continues: bool = False
    triggers: frozenset[str] = frozenset(Trigger)
    steps: list[StepRow] = field(default_factory=list)
    tags: str = ""
    priority: str = ""
    replies: list[ReplyRow] = field(default_factory=list)
    bot_name: str = ""
    note: str = ""
    notify: PeopleField = field(default_factory=PeopleField)
    is_closing: bool = False
    snooze: str = ""
    unit: str = "hours"
    escalation: str = ""
    webhook: str = ""
    errors: list[Error] = field(default_factory=list)
    has_focus_on_step: bool = False

    # --- From a document ---

    @classmethod
    def of(cls, rule: Mapping[str, Any], offered: Offered) -> "RuleForm":
        """Show a rule."""
        then: Mapping[str, Any] = rule.get("then", {})
        everybody = offered.everybody
        snooze, unit = _in_units(then.get("snooze_minutes"))
        return cls(
            offered,
            ConditionForm.of(rule.get("if"), offered),
            id=rule.get("id", ""),
            name=rule.get("name", ""),
            is_on=rule.get("on", True),
            continues=rule.get("continue", False),
            triggers=frozenset(rule.get("when", Trigger)),
            steps=[_step_of(step, offered) for step in then.get("to", [])],
            tags=text_of(then.get("tags", [])),
            priority=then.get("priority", ""),
            replies=[ReplyRow(one, text) for one, text in then.get("reply", {}).items()],
            bot_name=then.get("bot_name", ""),
            note=then.get("note", ""),
            notify=PeopleField.of(then.get("notify", []), everybody),
            is_closing=then.get("close", False),
            snooze=snooze,
            unit=unit,
            escalation=then.get("escalation", ""),
            webhook=then.get("webhook", ""),
        ).numbered()

    # --- From a browser ---

    @classmethod
    def posted(cls, data: QueryDict, rule_id: str, offered: Offered) -> "RuleForm":
        """Take what a browser sent."""
        steps = (_step_in(data, f"s{n}", offered) for n in range(MOST_STEPS))
        return cls(
            offered,
            ConditionForm.posted(data, offered),
            id=rule_id,
            name=_line(data, "name"),
            is_on="on" in data,
            continues="continue" in data,
            triggers=frozenset(data.getlist("when")),
            steps=[step for step in steps if step],
            tags=_line(data, "tags"),
            priority=data.get("priority", ""),
            replies=[
                ReplyRow(_line(data, f"r{n}-language"), _lines(data, f"r{n}-text"))
                for n in range(MOST_REPLIES)
                if f"r{n}-text" in data
            ],
            bot_name=_line(data, "bot_name"),
            note=_lines(data, "note"),
            notify=PeopleField.posted(data, "notify", offered.everybody),
            is_closing="close" in data,
            snooze=_line(data, "snooze"),
            unit=data.get("unit", "hours"),
            escalation=data.get("escalation", ""),
            webhook=data.get("webhook", ""),
        ).numbered()

    def do(self, what: str, data: QueryDict) -> bool:
        """Do what a button other than Save says. False for Save, or what is not known."""
        name, _dash, key = what.partition("-")
        deeds: dict[str, Callable[[], bool]] = {
            "step": lambda: self._add_step(data.get("add-who", "")),
            "stepup": lambda: self._move_step(key, -1),
            "stepdown": lambda: self._move_step(key, 1),
            "stepdrop": lambda: self._drop_step(key),
            "reply": self._add_reply,
            "replydrop": lambda: self._drop_reply(key),
            "person": lambda: self._focus_person(key),
        }
        done = deeds[name]() if name in deeds else self.conditions.do(what, data)
        self.numbered()
        return done

    def _add_step(self, who: str) -> bool:
        if who not in list(Target) or len(self.steps) >= MOST_STEPS:
            return False
        step = StepRow(Target(who), has_focus=True)
        step.people.has_focus = step.names_people
        self.steps.append(step)
        return True

    def _move_step(self, key: str, by: int) -> bool:
        place = next((n for n, step in enumerate(self.steps) if step.key == key), -1)
        to = place + by
        if place < 0 or not 0 <= to < len(self.steps):
            return False
        step = self.steps.pop(place)
        step.is_moved = True
        self.steps.insert(to, step)
        return True

    def _drop_step(self, key: str) -> bool:
        before = len(self.steps)
        self.steps = [step for step in self.steps if step.key != key]
        self.has_focus_on_step = True
        return len(self.steps) < before

    def _add_reply(self) -> bool:
        if len(self.replies) >= MOST_REPLIES:
            return False
        self.replies.append(ReplyRow(has_focus=True))
        return True

    def _drop_reply(self, key: str) -> bool:
        before = len(self.replies)
        self.replies = [reply for reply in self.replies if reply.key != key]
        return len(self.replies) < before

    def _focus_person(self, key: str) -> bool:
        for one in self._people():
            one.has_focus = one.key == key
        return any(one.has_focus for one in self._people())

    def _people(self) -> Iterator[PeopleField]:
        yield self.notify
        yield from (step.people for step in self.steps)
        yield from (row.people for row in self.conditions.rows())

    def numbered(self) -> "RuleForm":
        """Give every row the name that its fields begin with."""
        for n, step in enumerate(self.steps):
            step.key = step.people.key = f"s{n}"
        for n, reply in enumerate(self.replies):
            reply.key = f"r{n}"
        self.notify.key = "notify"
        return self

    # --- Into a document ---

    def document(self) -> dict[str, Any]:
        """Return the rule as it is written down, whether or not it can be followed."""
        condition, then = self.conditions.document(), self._then()
        every = self.triggers == frozenset(Trigger)
        return {
            "id": self.id,
            "name": self.name,
            **({} if self.is_on else {"on": False}),
            **({"continue": True} if self.continues else {}),
            **({} if every else {"when": sorted(self.triggers)}),
            **({"if": condition} if condition else {}),
            **({"then": then} if then else {}),
        }

    def _then(self) -> dict[str, Any]:
        self.replies = [one for one in self.replies if one.text or one.language]
        self.numbered()
        found: dict[str, Any] = {
            "to": [step.document() for step in self.steps],
            "tags": words_in(self.tags),
            "priority": self.priority,
            "reply": {one.language: one.text for one in self.replies},
            "bot_name": self.bot_name,
            "note": self.note,
            "notify": self.notify.ids,
            "close": self.is_closing,
            "snooze_minutes": self._minutes(),
            "escalation": self.escalation,
            "webhook": self.webhook,
        }
        return {key: value for key, value in found.items() if value}

    def _minutes(self) -> int | str:
        text = self.snooze
        is_number = text.isascii() and text.isdecimal() and len(text) < 9
        return int(text) * UNITS.get(self.unit, 60) if is_number else text

    # --- What is wrong ---

    def check(self) -> bool:
        """Find what no document would show: words that name nobody, a language twice."""
        for row in self.conditions.rows():
            row.check()
        for step in self.steps:
            step.error = step.error or step.people.error
        languages = [reply.language.casefold() for reply in self.replies]
        for reply, language in zip(self.replies, languages, strict=True):
            if not language:
                reply.error = _("Say in which language this text is.")
            elif languages.count(language) > 1:
                reply.error = _("There are two texts in this language.")
        self.errors += [(where, row.error) for _w, row, where in self._places() if row.error]
        if self.notify.error:
            self.errors.append(("notify-person", self.notify.error))
        return not self.errors

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Say what is wrong with the document at the field that says it."""
        inside = (
            Problem(one.where.removeprefix("rules[0]").removeprefix("."), one.words)
            for one in problems
        )
        self.errors += pinned(inside, self._places(), _field_at)

    def _places(self) -> Iterator[tuple[str, Any, str]]:
        yield from self.conditions.places()
        for n, step in enumerate(self.steps):
            yield f"then.to[{n}]", step, _step_field(step)
        for reply in self.replies:
            name = "text" if reply.language else "language"
            yield f"then.reply.{reply.language}", reply, f"{reply.key}-{name}"


_FIELDS = {
    "name": "name",
    "when": "when-new",
    "if": "match",
    "then": "continue",
    "then.tags": "tags",
    "then.priority": "priority",
    "then.bot_name": "bot_name",
    "then.note": "note",
    "then.notify": "notify-person",
    "then.snooze_minutes": "snooze",
    "then.escalation": "escalation",
    "then.webhook": "webhook",
}


def _field_at(where: str) -> str:
    """Return the field of what stands in no row."""
    known = max((one for one in _FIELDS if where.startswith(one)), key=len, default="name")
    return _FIELDS[known]


def _step_field(step: StepRow) -> str:
    if step.cap and not step.cap.isdecimal():
        return f"{step.key}-cap"
    if step.asks_crm or step.asks_data_action:
        return f"{step.key}-lookup"
    return f"{step.key}-person" if step.names_people else f"{step.key}-up"


def _step_of(step: Mapping[str, Any], offered: Offered) -> StepRow:
    cap, team = step.get("cap"), step.get("team")
    return StepRow(
        Target(step["who"]),
        PeopleField.of(step.get("people", []), offered.everybody),
        team="" if team is None else str(team),
        lookup=step.get("lookup", ""),
        needs_available=step.get("available", True),
        needs_open_hours=step.get("in_hours", False),
        is_owner=step.get("owner", False),
        cap="" if cap is None else str(cap),
    )


def _step_in(data: QueryDict, key: str, offered: Offered) -> StepRow | None:
    who = data.get(f"{key}-who", "")
    if who not in list(Target):
        return None
    return StepRow(
        Target(who),
        PeopleField.posted(data, key, offered.everybody),
        team=data.get(f"{key}-team", ""),
        lookup=_line(data, f"{key}-lookup"),
        needs_available=f"{key}-available" in data,
        needs_open_hours=f"{key}-in_hours" in data,
        is_owner=f"{key}-owner" in data,
        cap=_line(data, f"{key}-cap"),
    )


def _in_units(minutes: int | None) -> tuple[str, str]:
    if not minutes:
        return "", "hours"
    unit = next(name for name in ("days", "hours", "minutes") if minutes % UNITS[name] == 0)
    return str(minutes // UNITS[unit]), unit


def _line(data: QueryDict, name: str) -> str:
    return " ".join(data.get(name, "").split())


def _lines(data: QueryDict, name: str) -> str:
    return data.get(name, "").replace("\r\n", "\n").strip()


def triggers() -> list[tuple[str, str]]:
    """Return what may have happened, in words."""
    said = _("a conversation %s")
    return [(one.value, said % _(words)) for one, words in TRIGGERS.items()]


def targets() -> list[tuple[str, str]]:
    """Return whom a step may mean, in words."""
    return [(one.value, _(words)) for one, words in TARGETS.items()]


def priorities() -> list[tuple[str, str]]:
    """Return the priorities that a rule may set."""
    return [(one, _(one)) for one in PRIORITIES if one]
