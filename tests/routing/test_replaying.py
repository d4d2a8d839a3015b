"""Does a replay count what would go elsewhere, and nothing else?"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.facts import Answer, Directory, Facts, Person, Text
from routing.replaying import Kind, Past, replay
from routing.rules import Actions, Condition, Group, Rule, Rules, Step, Target

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SUPPORT, ANNA, BO, AWAY = 1, 11, 12, 13
DIRECTORY = Directory(
    {
        ANNA: Person(ANNA, "Anna"),
        BO: Person(BO, "Bo"),
        AWAY: Person(AWAY, "Cleo", is_available=False),
    },
    SUPPORT,
    {SUPPORT: (ANNA, BO, AWAY)},
)


def says(word: str) -> Group:
    return Group(parts=(Condition("text", "contains_any", (word,)),))


def to(*people: int, **more: Any) -> Actions:
    return Actions((Step(Target.PEOPLE, people=people),), **more)


def pasts(*texts: str) -> list[Past]:
    return [
        Past(n, Facts(f"m{n}", text=Text(text)), DIRECTORY, NOON) for n, text in enumerate(texts)
    ]


MESSAGES = pasts("a refund", "hello", "a refund, please", "bye")
REFUNDS = Rule("a", "Refunds", says("refund"), to(ANNA))
BEFORE = Rules(1, rules=(REFUNDS,))


def after(*rules: Rule) -> Rules:
    return Rules(2, rules=rules)


def kinds(rules: Rules, messages: list[Past] = MESSAGES) -> dict[int, Kind]:
    return {one.id: one.kind for one in replay(messages, BEFORE, rules).changes}


def test_the_same_rules_change_nothing() -> None:
    tally = replay(MESSAGES, BEFORE, BEFORE)

    assert (tally.total, tally.changes) == (4, [])
    assert tally.decided_after == {"a": 2, "default": 2}


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (replace(REFUNDS, actions=to(BO)), Kind.ELSEWHERE),
        (replace(REFUNDS, actions=to(ANNA, BO)), Kind.ELSEWHERE),
        (
            replace(REFUNDS, actions=Actions((Step(Target.PEOPLE, (ANNA,), is_owner=True),))),
            Kind.ELSEWHERE,
        ),
        (replace(REFUNDS, actions=to(AWAY)), Kind.NOBODY),
        (replace(REFUNDS, actions=to(ANNA, tags=("money",))), Kind.OTHERWISE),
        (replace(REFUNDS, actions=to(ANNA, reply={"en": "Soon"})), Kind.OTHERWISE),
        (replace(REFUNDS, actions=to(ANNA, escalation="fast")), Kind.OTHERWISE),
    ],
)
def test_what_differs_is_told_by_its_kind(rule: Rule, kind: Kind) -> None:
    assert kinds(after(rule)) == {0: kind, 2: kind}


def test_another_rule_that_does_the_same_is_no_difference() -> None:
    assert kinds(after(replace(REFUNDS, id="b", name="Money"))) == {}


def test_it_says_how_often_each_rule_decides() -> None:
    tally = replay(MESSAGES, BEFORE, after(REFUNDS, Rule("z", "All", actions=to(BO))))

    assert tally.decided_before == {"a": 2, "default": 2}
    assert tally.decided_after == {"a": 2, "z": 2}
    assert tally.count(Kind.ELSEWHERE) == 2


def test_a_look_up_that_nobody_asked_then_is_counted() -> None:
    gold = Rule("g", "Gold", Group(parts=(Condition("crm", "equals", "gold", "hubspot.tier"),)))
    asked = [
        replace(one, facts=replace(one.facts, answers={"hubspot": Answer({"tier": "gold"})}))
        for one in MESSAGES[:1]
    ]

    assert replay([*asked, *MESSAGES[1:]], BEFORE, after(gold, REFUNDS)).unasked == 3


@given(st.lists(st.sampled_from(("refund", "hello", "x")), max_size=9), st.integers(0, 99))
def test_chance_falls_as_it_fell(texts: list[str], seed: int) -> None:
    lucky = Rules(rules=(Rule("a", "Any", actions=Actions((Step(Target.RANDOM),))),))
    messages = [
        replace(one, facts=replace(one.facts, seed=f"{seed}:{one.id}")) for one in pasts(*texts)
    ]

    assert replay(messages, lucky, lucky).changes == []
