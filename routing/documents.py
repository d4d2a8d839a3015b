"""How is a rulebook written down? One JSON document, read strictly and told what is wrong with it.

The editor keeps it, versions hold it, admins export and import it. Reading collects every problem,
each with its place, so that a document written by hand can be put right in one go.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from routing.conditions import FACTS, TESTS, WEEKDAYS, Takes
from routing.facts import Trigger
from routing.patterns import PatternError, compiled
from routing.rules import (
    Actions,
    Condition,
    Given,
    Group,
    Match,
    Rule,
    Rules,
    Step,
    Target,
)

FORMAT = 1
MOST_RULES = 500
MOST_CONDITIONS = 50
MOST_STEPS = 20
MOST_CHOICES = 500
MOST_LETTERS = 2_000
LONGEST_SNOOZE_MINUTES = 60 * 24 * 366
PRIORITIES = ("", "low", "normal", "high", "urgent")

Kind = TypeVar("Kind", bound=Enum)


@dataclass(frozen=True)
class Problem:
    """What is wrong in a document, and where: `rules[2].if.all[0].value`."""

    where: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"


class DocumentError(ValueError):
    """A document that cannot be followed; `problems` says why, each with its place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


def read_rulebook(document: object, *, version: int = 0) -> Rules:
    """Read the rules of an inbox from its document. Raises DocumentError."""
    place = _Place("", document, [])
    place.refuse_unknown("format", "always_first", "rules")
    if place.get("format", FORMAT) != FORMAT:
        place.at("format").refuse(f"This is format {FORMAT}.")
    first = tuple(_rule(one) for one in place.items("always_first", MOST_RULES))
    rules = tuple(_rule(one) for one in place.items("rules", MOST_RULES))
    ids = [rule.id for rule in (*first, *rules)]
    for twice in sorted({one for one in ids if ids.count(one) > 1}):
        place.refuse(f"Two rules have the id “{twice}”.")
    if place.problems:
        raise DocumentError(place.problems)
    return Rules(version, first, rules)


def document_of(rulebook: Rules) -> dict[str, Any]:
    """Write a rulebook down; reading it again gives the same rulebook."""
    return {
        "format": FORMAT,
        "always_first": [_written_rule(rule) for rule in rulebook.always_first],
        "rules": [_written_rule(rule) for rule in rulebook.rules],
    }


# --- Reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """One value of a document and where it stands; problems of all places are gathered."""

    where: str
    value: object
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, words: str) -> None:
        self.problems.append(Problem(self.where or "document", words))

    def at(self, key: str | int) -> "_Place":
        inner = self._inner(key)
        dot = f"[{key}]" if isinstance(key, int) else f"{'.' if self.where else ''}{key}"
        return _Place(f"{self.where}{dot}", inner, self.problems)

    def _inner(self, key: str | int) -> object:
        if isinstance(self.value, Mapping) and isinstance(key, str):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int):
            return self.value[key]
        return None

    def has(self, key: str) -> bool:
        return isinstance(self.value, Mapping) and key in self.value

    def get(self, key: str, default: object) -> object:
        return self.at(key).value if self.has(key) else default

    def refuse_unknown(self, *known: str) -> None:
        if not isinstance(self.value, Mapping):
            self.refuse("An object is wanted here.")
            return
        for key in self.value:
            if key not in known:
                self.refuse(f"“{str(key)[:40]}” is not known here. Known: {', '.join(known)}.")

    def items(self, key: str, most: int) -> "list[_Place]":
        place = self.at(key)
        if place.value is None:
            return []
        if not isinstance(place.value, list):
            place.refuse("A list is wanted here.")
            return []
        if len(place.value) > most:
            place.refuse(f"At most {most} may stand here.")
        return [place.at(number) for number in range(min(len(place.value), most))]

    def text(self, key: str, *, most: int = MOST_LETTERS, is_needed: bool = False) -> str:
        place = self.at(key)
        if place.value is None and not is_needed:
            return ""
        return place.as_text(most=most, is_needed=is_needed)

    def as_text(self, *, most: int = MOST_LETTERS, is_needed: bool = False) -> str:
        if not isinstance(self.value, str) or "\0" in self.value:
            self.refuse("A text is wanted here.")
        elif len(self.value) > most:
            self.refuse(f"At most {most} letters may stand here.")
        elif is_needed and not self.value.strip():
            self.refuse("This must not be blank.")
        else:
            return self.value
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(one.as_text(is_needed=True) for one in self.items(key, MOST_CHOICES))

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.get(key, default)
        if isinstance(value, bool):
            return value
        self.at(key).refuse("true or false is wanted here.")
        return default

    def whole(self, key: str, *, least: int, most: int) -> int | None:
        place = self.at(key)
        if place.value is None:
            return None
        value = place.value
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        place.refuse(f"A whole number from {least} to {most} is wanted here.")
        return None

    def people(self, key: str) -> tuple[int, ...]:
        found = []
        for one in self.items(key, MOST_CHOICES):
            if isinstance(one.value, int) and not isinstance(one.value, bool) and one.value > 0:
                found.append(one.value)
            else:
                one.refuse("The id of a person is wanted here.")
        return tuple(found)

    def kind(self, key: str, kinds: type[Kind], default: Kind) -> Kind:
        value = self.get(key, default.value)
        for kind in kinds:
            if kind.value == value:
                return kind
        names = ", ".join(str(kind.value) for kind in kinds)
        self.at(key).refuse(f"One of {names} is wanted here.")
        return default


def _rule(place: _Place) -> Rule:
    place.refuse_unknown("id", "name", "on", "continue", "when", "if", "then")
    rule = Rule(
        id=place.text("id", most=64, is_needed=True),
        name=place.text("name", most=120, is_needed=True),
        condition=_condition_of(place),
        actions=_actions(place.at("then")) if place.has("then") else Actions(),
        triggers=_triggers(place),
        is_on=place.flag("on", default=True),
        continues=place.flag("continue", default=False),
    )
    if rule.continues and rule.actions != _marks(rule.actions):
        place.at("then").refuse("A rule that goes on to the next may only set tags and a priority.")
    return rule


def _marks(actions: Actions) -> Actions:
    return Actions(tags=actions.tags, priority=actions.priority)


def _triggers(place: _Place) -> frozenset[Trigger]:
    if not place.has("when"):
        return frozenset(Trigger)
    found = set()
    for one in place.items("when", len(Trigger)):
        try:
            found.add(Trigger(one.as_text()))
        except ValueError:
            one.refuse(f"One of {', '.join(Trigger)} is wanted here.")
    if not found:
        place.at("when").refuse("Say when this rule is asked.")
    return frozenset(found)


def _condition_of(place: _Place) -> Group:
    if not place.has("if"):
        return Group()
    group = _group(place.at("if"), depth=1)
    if sum(1 for _ in group.conditions()) > MOST_CONDITIONS:
        place.at("if").refuse(f"At most {MOST_CONDITIONS} conditions may stand in a rule.")
    return group


def _group(place: _Place, *, depth: int) -> Group:
    place.refuse_unknown("all", "any")
    keys = [key for key in ("all", "any") if place.has(key)]
    if len(keys) != 1:
        place.refuse("Either “all” or “any” is wanted here.")
        return Group()
    [key] = keys
    parts = [_part(one, depth=depth) for one in place.items(key, MOST_CONDITIONS)]
    if not parts:
        place.at(key).refuse("Write at least one condition, or leave “if” out: it holds always.")
    return Group(Match(key), tuple(part for part in parts if part is not None))


def _part(place: _Place, *, depth: int) -> Condition | Group | None:
    if not (place.has("all") or place.has("any")):
        return _condition(place)
    if depth > 1:
        place.refuse("Groups inside groups of groups are not followed.")
        return None
    return _group(place, depth=depth + 1)


def _condition(place: _Place) -> Condition | None:
    place.refuse_unknown("fact", "name", "test", "value", "not")
    fact = FACTS.get(str(place.at("fact").value))
    if fact is None:
        place.at("fact").refuse(f"One of {', '.join(FACTS)} is wanted here.")
        return None
    test = str(place.at("test").value)
    if test not in fact.tests:
        place.at("test").refuse(f"One of {', '.join(fact.tests)} is wanted here.")
        return None
    name = place.text("name", most=120, is_needed=fact.is_named)
    if place.at("fact").value == "crm" and name.partition(".")[2] == "":
        place.at("name").refuse("Write the look-up and its field: hubspot.tier.")
    return Condition(
        fact=str(place.at("fact").value),
        test=test,
        value=_VALUES[TESTS[test].takes](place, str(place.at("fact").value)),
        name=name,
        is_negated=place.flag("not", default=False),
    )


# --- Values of conditions ------------------------------------------------------------------------


def _nothing(place: _Place, _: str) -> Given:
    if place.at("value").value is not None:
        place.at("value").refuse("This test compares with nothing.")
    return None


def _words(place: _Place, _: str) -> Given:
    found = place.texts("value")
    if not found:
        place.at("value").refuse("Write at least one word.")
    return found


def _choices(place: _Place, fact: str) -> Given:
    found = _words(place, fact)
    assert isinstance(found, tuple)
    wrong = sorted(set(map(str, found)) - set(WEEKDAYS)) if fact == "weekday" else []
    if wrong:
        place.at("value").refuse(f"Days are written {', '.join(WEEKDAYS)}, not {wrong[0]}.")
    return found


def _pattern(place: _Place, _: str) -> Given:
    pattern = place.text("value", is_needed=True)
    try:
        compiled(pattern or ".")
    except PatternError as error:
        place.at("value").refuse(str(error))
    return pattern


def _text(place: _Place, _: str) -> Given:
    return place.text("value", is_needed=True)


def _scalar(place: _Place, fact: str) -> Given:
    value = place.at("value").value
    if isinstance(value, bool | int | float) and value == value:
        return value
    return _text(place, fact)


def _number(place: _Place, fact: str) -> Given:
    """Read a number, or a date as ISO 8601 writes it."""
    value = place.at("value").value
    if isinstance(value, bool):
        place.at("value").refuse("A number or a date is wanted here.")
        return 0
    return _scalar(place, fact)


def _times(place: _Place, _: str) -> Given:
    found = place.texts("value")
    if len(found) != 2 or not all(map(_is_time, found)) or found[0] == found[1]:
        place.at("value").refuse("Two times are wanted here, such as 22:00 and 06:00.")
    return found


def _is_time(text: str) -> bool:
    hours, _, minutes = text.partition(":")
    is_written_so = len(text) == 5 and (hours + minutes).isascii() and (hours + minutes).isdecimal()
    return is_written_so and int(hours) <= 24 and int(minutes) < 60 and text <= "24:00"


def _people(place: _Place, _: str) -> Given:
    found = place.people("value")
    if not found:
        place.at("value").refuse("Choose at least one person.")
    return found


_VALUES: Mapping[Takes, Callable[[_Place, str], Given]] = {
    Takes.NOTHING: _nothing,
    Takes.WORDS: _words,
    Takes.PATTERN: _pattern,
    Takes.TEXT: _text,
    Takes.CHOICES: _choices,
    Takes.NUMBER: _number,
    Takes.SCALAR: _scalar,
    Takes.TIMES: _times,
    Takes.PEOPLE: _people,
}


# --- Actions -------------------------------------------------------------------------------------


_ACTIONS = (
    *("to", "tags", "priority", "reply", "bot_name", "note", "notify", "close"),
    *("snooze_minutes", "escalation", "webhook"),
)


def _actions(place: _Place) -> Actions:
    place.refuse_unknown(*_ACTIONS)
    priority = place.text("priority", most=20)
    if priority not in PRIORITIES:
        place.at("priority").refuse(f"One of {', '.join(PRIORITIES[1:])} is wanted here.")
    return Actions(
        ladder=tuple(_step(one) for one in place.items("to", MOST_STEPS)),
        tags=place.texts("tags"),
        priority=priority,
        reply=_reply(place),
        bot_name=place.text("bot_name", most=60),
        note=place.text("note"),
        notify=place.people("notify"),
        is_closing=place.flag("close", default=False),
        snooze_minutes=place.whole("snooze_minutes", least=1, most=LONGEST_SNOOZE_MINUTES),
        escalation=place.text("escalation", most=120),
        webhook=place.text("webhook", most=120),
    )


def _reply(place: _Place) -> dict[str, str]:
    reply = place.at("reply")
    if reply.value is None:
        return {}
    if not isinstance(reply.value, Mapping):
        reply.refuse('Texts by language are wanted here, such as {"en": "…"}.')
        return {}
    return {
        str(language)[:20]: reply.text(language, is_needed=True)
        for language in reply.value
        if isinstance(language, str)
    }


_STEP = ("who", "people", "team", "lookup", "available", "in_hours", "cap", "owner")
_ASKING = (Target.DATA_ACTION, Target.CRM_FIELD)


def _step(place: _Place) -> Step:
    place.refuse_unknown(*_STEP)
    if not place.has("who"):
        place.refuse("Say who: “who” is missing.")
    step = Step(
        to=place.kind("who", Target, Target.TEAM),
        people=place.people("people"),
        team=place.whole("team", least=1, most=2**63 - 1),
        lookup=place.text("lookup", most=120),
        needs_available=place.flag("available", default=True),
        needs_open_hours=place.flag("in_hours", default=False),
        cap=place.whole("cap", least=0, most=10_000),
        is_owner=place.flag("owner", default=False),
    )
    _check_step(place, step)
    return step


def _check_step(place: _Place, step: Step) -> None:
    if step.to is Target.PEOPLE and not step.people:
        place.at("people").refuse("Choose at least one person.")
    if step.people and step.team is not None:
        place.refuse("Either people or a team may stand in a step.")
    if step.to in _ASKING and not step.lookup:
        place.at("lookup").refuse("Name the look-up that says who.")
    if step.to is Target.CRM_FIELD and not step.lookup.partition(".")[2]:
        place.at("lookup").refuse("Write the look-up and its field: hubspot.owner_email.")
    if step.lookup and step.to not in _ASKING:
        place.at("lookup").refuse("Only a step that asks a look-up names one.")


# --- Writing -------------------------------------------------------------------------------------


def _written_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        **({} if rule.is_on else {"on": False}),
        **({"continue": True} if rule.continues else {}),
        **({} if rule.triggers == frozenset(Trigger) else {"when": sorted(rule.triggers)}),
        **({"if": _written_group(rule.condition)} if rule.condition.parts else {}),
        **({"then": then} if (then := _written_actions(rule.actions)) else {}),
    }


def _written_group(group: Group) -> dict[str, Any]:
    written = [
        _written_condition(part) if isinstance(part, Condition) else _written_group(part)
        for part in group.parts
    ]
    return {group.match.value: written}


def _written_condition(condition: Condition) -> dict[str, Any]:
    value = condition.value
    return {
        "fact": condition.fact,
        **({"name": condition.name} if condition.name else {}),
        "test": condition.test,
        **({} if value is None else {"value": list(value) if isinstance(value, tuple) else value}),
        **({"not": True} if condition.is_negated else {}),
    }


def _written_actions(actions: Actions) -> dict[str, Any]:
    written: dict[str, Any] = {
        "to": [_written_step(step) for step in actions.ladder],
        "tags": list(actions.tags),
        "priority": actions.priority,
        "reply": dict(actions.reply),
        "bot_name": actions.bot_name,
        "note": actions.note,
        "notify": list(actions.notify),
        "close": actions.is_closing,
        "snooze_minutes": actions.snooze_minutes,
        "escalation": actions.escalation,
        "webhook": actions.webhook,
    }
    return {key: value for key, value in written.items() if value}


def _written_step(step: Step) -> dict[str, Any]:
    return {
        "who": step.to.value,
        **({"people": list(step.people)} if step.people else {}),
        **({} if step.team is None else {"team": step.team}),
        **({"lookup": step.lookup} if step.lookup else {}),
        **({} if step.needs_available else {"available": False}),
        **({"in_hours": True} if step.needs_open_hours else {}),
        **({} if step.cap is None else {"cap": step.cap}),
        **({"owner": True} if step.is_owner else {}),
    }
