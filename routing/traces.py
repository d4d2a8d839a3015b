"""How is a decision kept? What was known, asked and decided as JSON, so that it can be run again.

What was known is kept so far as it mattered: the people who were looked at, the days around. What
the customer wrote stays in its message and is given back when the facts are read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from routing.deciding import Asked, Plan
from routing.facts import Answer, Customer, Directory, Facts, Person, Text, Trigger, Value
from routing.hours import Calendar, Day, Opening, SpecialDay
from routing.rules import Condition
from routing.targets import Candidate

Json = dict[str, Any]
_DAY = timedelta(days=1)


# --- What was known ---


def facts_json(facts: Facts, *, at: datetime) -> Json:
    """Write facts down, without what the customer wrote. `at` is the moment of the decision."""
    customer = asdict(facts.customer) | {
        "tags": sorted(facts.customer.tags),
        "attributes": _values_json(facts.customer.attributes),
        "last_wrote_at": _iso(facts.customer.last_wrote_at),
    }
    return {
        "seed": facts.seed,
        "trigger": facts.trigger.value,
        "language": facts.text.language,
        "confidence": facts.text.confidence,
        "media": list(facts.text.media_kinds),
        "customer": customer,
        "channel": facts.channel,
        "sender": facts.sender,
        "calendar": _calendar_json(facts.calendar, at),
        "tags": sorted(facts.conversation_tags),
        "priority": facts.priority,
        "answers": {
            name: {"fields": _values_json(answer.fields), "failure": answer.failure}
            for name, answer in facts.answers.items()
        },
    }


def read_facts(kept: Json, *, body: str) -> Facts:
    """Return facts as they were, with what the customer wrote."""
    customer = kept["customer"]
    last = customer["last_wrote_at"]
    return Facts(
        seed=kept["seed"],
        trigger=Trigger(kept["trigger"]),
        text=Text(body, kept["language"], kept["confidence"], tuple(kept["media"])),
        customer=Customer(
            **customer
            | {
                "tags": frozenset(customer["tags"]),
                "attributes": _values(customer["attributes"]),
                "last_wrote_at": datetime.fromisoformat(last) if last else None,
            }
        ),
        channel=kept["channel"],
        sender=kept["sender"],
        calendar=_calendar(kept["calendar"]),
        conversation_tags=frozenset(kept["tags"]),
        priority=kept["priority"],
        answers={
            name: Answer(_values(answer["fields"]), answer["failure"])
            for name, answer in kept["answers"].items()
        },
    )


def directory_json(directory: Directory, plan: Plan) -> Json:
    """Write down the people whom a decision looked at, as they were, and whose turn it was."""
    seen = {one.person for asked in plan.trace for one in asked.candidates}
    people = {str(pk): asdict(directory.people[pk]) for pk in sorted(seen & {*directory.people})}
    members = {
        str(team): [person for person in ids if person in seen]
        for team, ids in directory.members.items()
    }
    turns = dict(directory.turns)
    return {"people": people, "team": directory.team, "members": members, "turns": turns}


def read_directory(kept: Json) -> Directory:
    """Return the people as they were."""
    return Directory(
        people={int(pk): Person(**facts) for pk, facts in kept["people"].items()},
        team=kept["team"],
        members={int(team): tuple(ids) for team, ids in kept["members"].items()},
        turns=kept["turns"],
    )


# --- What was decided ---


def plan_json(plan: Plan) -> Json:
    """Write a plan down, without its trace: equal plans are written the same."""
    bare = asdict(replace(plan, trace=(), needs=frozenset()))
    for name in ("trace", "needs", "version"):
        del bare[name]
    for name in ("tags", "notes", "notify", "webhooks"):
        bare[name] = list(bare[name])
    bare["assignment"]["people"] = list(bare["assignment"]["people"])
    bare["reply"] = dict(plan.reply)
    bare["attributes"] = {
        name: list(one) if isinstance(one, tuple) else one for name, one in plan.attributes.items()
    }
    return bare


def rules_json(trace: Iterable[Asked]) -> list[Json]:
    """Write down what became of each rule, with every condition and every person looked at."""
    return [
        {
            "rule": asked.rule,
            "name": asked.name,
            "outcome": asked.outcome,
            "tested": [
                {
                    **_condition_json(judged.condition),
                    "actual": judged.actual,
                    "holds": judged.holds,
                }
                for judged in asked.tested
            ],
            "candidates": [_candidate_json(one) for one in asked.candidates],
            "error": asked.error,
        }
        for asked in trace
    ]


def broken_rules(trace: Iterable[Asked]) -> list[str]:
    """Return the ids of rules that could not be asked."""
    return [asked.rule for asked in trace if asked.outcome == "broken"]


def marking_rules(plan: Plan) -> list[str]:
    """Return the ids of rules that matched, marked, and let the next be asked."""
    matched = [asked.rule for asked in plan.trace if asked.outcome == "matched"]
    return [rule for rule in matched if rule != plan.rule]


def _condition_json(condition: Condition) -> Json:
    value = condition.value
    return {
        "fact": condition.fact,
        "test": condition.test,
        "name": condition.name,
        "value": list(value) if isinstance(value, tuple) else value,
        "negated": condition.is_negated,
    }


def _candidate_json(one: Candidate) -> Json:
    return {"step": one.step, "person": one.person, "name": one.name, "skipped": one.skipped}


# --- Values ---


def _values_json(values: Mapping[str, Value]) -> Json:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def _values(kept: Json) -> dict[str, Value]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _calendar_json(calendar: Calendar, at: datetime) -> Json:
    """Write down the usual week, and what is unusual of the day of `at` and of those around it."""
    today = at.astimezone(ZoneInfo(calendar.zone)).date()
    around = (calendar.day(today + number * _DAY) for number in (-1, 0, 1))
    return {
        "zone": calendar.zone,
        "week": [_openings_json(openings) for openings in calendar.week],
        "special": [_day_json(day) for day in around if day != _usual(calendar, day.on)],
    }


def _usual(calendar: Calendar, on: date) -> Day:
    return Day(on, calendar.week[on.weekday()])


def _day_json(day: Day) -> Json:
    name, openings = ", ".join(day.names), _openings_json(day.openings)
    return {"on": day.on.isoformat(), "name": name, "openings": openings}


def _openings_json(openings: Iterable[Opening]) -> list[list[int]]:
    return [[one.starts, one.ends] for one in openings]


def _openings(kept: list[list[int]]) -> tuple[Opening, ...]:
    return tuple(Opening(starts, ends) for starts, ends in kept)


def _calendar(kept: Json) -> Calendar:
    return Calendar(
        kept["zone"],
        tuple(_openings(openings) for openings in kept["week"]),
        special_days=tuple(
            SpecialDay(date.fromisoformat(day["on"]), day["name"], _openings(day["openings"]))
            for day in kept["special"]
        ),
    )
