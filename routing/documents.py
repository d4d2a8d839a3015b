"""How is a rulebook written down? One JSON document, read strictly and told what is wrong with it.

The editor keeps it, versions hold it, admins export and import it. Reading collects every problem,
each with its place, so that a document written by hand can be put right in one go.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from accounts.english import noop
from routing.conditions import FACTS, TESTS, WEEKDAYS, Takes
from routing.facts import Trigger
from routing.patterns import PatternError, compiled
from routing.places import plain_number
from routing.reading import DocumentError as DocumentError
from routing.reading import Place, is_language
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
LONGEST_SNOOZE_MINUTES = 60 * 24 * 366
PRIORITIES = ("", "low", "normal", "high", "urgent")


def read_rulebook(document: object, *, version: int = 0) -> Rules:
    """Read the rules of an inbox from its document. Raises DocumentError."""
    place = Place("", document, [])
    place.refuse_unknown("format", "always_first", "rules")
    if place.get("format", FORMAT) != FORMAT:
        place.at("format").refuse(noop("This is format %(format)s.") % {"format": FORMAT})
    first = tuple(_rule(one) for one in place.items("always_first", MOST_RULES))
    rules = tuple(_rule(one) for one in place.items("rules", MOST_RULES))
    ids = [rule.id for rule in (*first, *rules)]
    for twice in sorted({one for one in ids if ids.count(one) > 1}):
        place.refuse(noop("Two rules have the id “%(twice)s”.") % {"twice": twice})
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


def _rule(place: Place) -> Rule:
    place.refuse_unknown("id", "name", "on", "continue", "when", "if", "then")
    rule = Rule(
        id=place.text("id", most=64, is_needed=True),
        name=place.text("name", most=120, is_needed=True),
        condition=condition_of(place),
        actions=_actions(place.at("then")) if place.has("then") else Actions(),
        triggers=_triggers(place),
        is_on=place.flag("on", default=True),
        continues=place.flag("continue", default=False),
    )
    if rule.continues and rule.actions != _marks(rule.actions):
        place.at("then").refuse(
            noop("A rule that goes on to the next may only set tags and a priority.")
        )
    return rule


def _marks(actions: Actions) -> Actions:
    return Actions(tags=actions.tags, priority=actions.priority)


def _triggers(place: Place) -> frozenset[Trigger]:
    if not place.has("when"):
        return frozenset(Trigger)
    found = set()
    for one in place.items("when", len(Trigger)):
        try:
            found.add(Trigger(one.as_text()))
        except ValueError:
            one.refuse(noop("One of %(trigger)s is wanted here.") % {"trigger": ", ".join(Trigger)})
    if not found:
        place.at("when").refuse(noop("Say when this rule is asked."))
    return frozenset(found)


def condition_of(place: Place) -> Group:
    """Read what stands at "if"; without it, what holds always. Problems are left in the place."""
    if not place.has("if"):
        return Group()
    group = _group(place.at("if"), depth=1)
    if sum(1 for _ in group.conditions()) > MOST_CONDITIONS:
        place.at("if").refuse(
            noop("At most %(most_conditions)s conditions may stand in a rule.")
            % {"most_conditions": MOST_CONDITIONS}
        )
    return group


def _group(place: Place, *, depth: int) -> Group:
    place.refuse_unknown("all", "any")
    keys = [key for key in ("all", "any") if place.has(key)]
    if len(keys) != 1:
        place.refuse(noop("Either “all” or “any” is wanted here."))
        return Group()
    [key] = keys
    parts = [_part(one, depth=depth) for one in place.items(key, MOST_CONDITIONS)]
    if not parts:
        place.at(key).refuse(
            noop("Write at least one condition, or leave “if” out: it holds always.")
        )
    return Group(Match(key), tuple(part for part in parts if part is not None))


def _part(place: Place, *, depth: int) -> Condition | Group | None:
    if not (place.has("all") or place.has("any")):
        return _condition(place)
    if depth > 1:
        place.refuse(noop("Groups inside groups of groups are not followed."))
        return None
    return _group(place, depth=depth + 1)


def _condition(place: Place) -> Condition | None:
    place.refuse_unknown("fact", "name", "test", "value", "not")
    fact = FACTS.get(str(place.at("fact").value))
    if fact is None:
        place.at("fact").refuse(
            noop("One of %(facts)s is wanted here.") % {"facts": ", ".join(FACTS)}
        )
        return None
    test = str(place.at("test").value)
    if test not in fact.tests:
        place.at("test").refuse(
            noop("One of %(tests)s is wanted here.") % {"tests": ", ".join(fact.tests)}
        )
        return None
    name = place.text("name", most=120, is_needed=fact.is_named)
    if place.at("fact").value == "crm" and name.partition(".")[2] == "":
        place.at("name").refuse(noop("Write the look-up and its field: hubspot.tier."))
    return _the_one(
        str(place.at("fact").value),
        test,
        _VALUES[TESTS[test].takes](place, str(place.at("fact").value)),
        name,
        place.flag("not", default=False),
    )


@lru_cache(maxsize=8192, typed=True)
def _the_one(fact: str, test: str, value: Given, name: str, is_negated: bool) -> Condition:
    """Return the one condition of its kind: what several rules ask is then checked once."""
    return Condition(fact, test, value, name, is_negated)


# --- Values of conditions ------------------------------------------------------------------------


def _nothing(place: Place, _: str) -> Given:
    if place.at("value").value is not None:
        place.at("value").refuse(noop("This test compares with nothing."))
    return None


# However it is written, it is compared in one form.
_PLAIN: Mapping[str, Callable[[str], str]] = {"number": plain_number}


def _words(place: Place, fact: str) -> Given:
    found = place.texts("value")
    if not found:
        place.at("value").refuse(noop("Write at least one word."))
    plain = _PLAIN.get(fact)
    return tuple(dict.fromkeys(map(plain, found))) if plain else found


def _choices(place: Place, fact: str) -> Given:
    found = _words(place, fact)
    assert isinstance(found, tuple)
    wrong = sorted(set(map(str, found)) - set(WEEKDAYS)) if fact == "weekday" else []
    if wrong:
        place.at("value").refuse(
            noop("Days are written %(weekdays)s, not %(wrong)s.")
            % {"weekdays": ", ".join(WEEKDAYS), "wrong": wrong[0]}
        )
    return found


def _pattern(place: Place, _: str) -> Given:
    pattern = place.text("value", is_needed=True)
    try:
        compiled(pattern or ".")
    except PatternError as error:
        place.at("value").refuse(str(error))
    return pattern


def _text(place: Place, _: str) -> Given:
    return place.text("value", is_needed=True)


def _scalar(place: Place, fact: str) -> Given:
    value = place.at("value").value
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _text(place, fact)


def _number(place: Place, fact: str) -> Given:
    """Read a number, or a date as ISO 8601 writes it."""
    value = place.at("value").value
    if isinstance(value, bool):
        place.at("value").refuse(noop("A number or a date is wanted here."))
        return 0
    return _scalar(place, fact)


def _times(place: Place, _: str) -> Given:
    found = place.texts("value")
    if len(found) != 2 or not all(map(is_time, found)) or found[0] == found[1]:
        place.at("value").refuse(noop("Two times are wanted here, such as 22:00 and 06:00."))
    return found


def is_time(text: str) -> bool:
    """Say whether this is a time of the day as documents write it: 09:00, up to 24:00."""
    hours, _, minutes = text.partition(":")
    is_written_so = len(text) == 5 and (hours + minutes).isascii() and (hours + minutes).isdecimal()
    return is_written_so and int(hours) <= 24 and int(minutes) < 60 and text <= "24:00"


def _people(place: Place, _: str) -> Given:
    found = place.people("value")
    if not found:
        place.at("value").refuse(noop("Choose at least one person."))
    return found


_VALUES: Mapping[Takes, Callable[[Place, str], Given]] = {
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


def _actions(place: Place) -> Actions:
    place.refuse_unknown(*_ACTIONS)
    priority = place.text("priority", most=20)
    if priority not in PRIORITIES:
        place.at("priority").refuse(
            noop("One of %(priorities)s is wanted here.")
            % {"priorities": ", ".join(PRIORITIES[1:])}
        )
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


def _reply(place: Place) -> dict[str, str]:
    reply = place.at("reply")
    if reply.value is None:
        return {}
    if not isinstance(reply.value, Mapping):
        reply.refuse(noop('Texts by language are wanted here, such as {"en": "…"}.'))
        return {}
    texts = {}
    for language in map(str, reply.value):
        if is_language(language):
            texts[language] = reply.text(language, is_needed=True)
        else:
            reply.refuse(
                noop("“%(language)s” is no language: texts are named en, es, pt-BR.")
                % {"language": language[:20]}
            )
    return texts


_STEP = ("who", "people", "team", "lookup", "available", "in_hours", "cap", "owner")
_ASKING = (Target.DATA_ACTION, Target.CRM_FIELD)


def _step(place: Place) -> Step:
    place.refuse_unknown(*_STEP)
    if not place.has("who"):
        place.refuse(noop("Say who: “who” is missing."))
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


def _check_step(place: Place, step: Step) -> None:
    if step.to is Target.PEOPLE and not step.people:
        place.at("people").refuse(noop("Choose at least one person."))
    if step.people and step.team is not None:
        place.refuse(noop("Either people or a team may stand in a step."))
    if step.to in _ASKING and not step.lookup:
        place.at("lookup").refuse(noop("Name the look-up that says who."))
    if step.to is Target.CRM_FIELD and not step.lookup.partition(".")[2]:
        place.at("lookup").refuse(noop("Write the look-up and its field: hubspot.owner_email."))
    if step.lookup and step.to not in _ASKING:
        place.at("lookup").refuse(noop("Only a step that asks a look-up names one."))


# --- Writing -------------------------------------------------------------------------------------


def _written_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        **({} if rule.is_on else {"on": False}),
        **({"continue": True} if rule.continues else {}),
        **({} if rule.triggers == frozenset(Trigger) else {"when": sorted(rule.triggers)}),
        **({"if": written_group(rule.condition)} if rule.condition.parts else {}),
        **({"then": then} if (then := _written_actions(rule.actions)) else {}),
    }


def written_group(group: Group) -> dict[str, Any]:
    """Write down what stands at "if"."""
    written = [
        _written_condition(part) if isinstance(part, Condition) else written_group(part)
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
