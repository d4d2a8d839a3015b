"""Is a rulebook the same after it was written down and read, and is nonsense told by its place?"""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.conditions import FACTS, TESTS, WEEKDAYS, Takes
from routing.documents import PRIORITIES, DocumentError, document_of, read_rulebook
from routing.facts import Trigger
from routing.rules import Actions, Condition, Group, Match, Rule, Rules, Step, Target

PREMIUM: dict[str, Any] = {
    "format": 1,
    "rules": [
        {
            "id": "premium",
            "name": "Premium customers to Anna, then Bo",
            "when": ["new", "reopened"],
            "if": {
                "all": [
                    {"fact": "crm", "name": "hubspot.tier", "test": "equals", "value": "gold"},
                    {
                        "any": [
                            {"fact": "text", "test": "contains_any", "value": ["refund"]},
                            {"fact": "is_open", "test": "is_true", "not": True},
                        ]
                    },
                ]
            },
            "then": {
                "to": [{"who": "people", "people": [11], "owner": True}, {"who": "team"}],
                "tags": ["premium"],
                "priority": "high",
                "reply": {"en": "Anna is on it", "es": "Anna se ocupa"},
                "escalation": "After 5 minutes Bo",
            },
        },
        {"id": "mark", "name": "Mark", "on": False, "continue": True, "then": {"tags": ["x"]}},
    ],
}


def problems(document: object) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        read_rulebook(document)
    return [str(problem) for problem in refused.value.problems]


def rule(**parts: Any) -> dict[str, Any]:
    return {"rules": [{"id": "a", "name": "A", **parts}]}


def test_a_document_is_read() -> None:
    rulebook = read_rulebook(PREMIUM, version=7)

    [premium, mark] = rulebook.rules
    assert rulebook.version == 7
    assert premium.triggers == {Trigger.NEW, Trigger.REOPENED}
    assert premium.lookups() == {"hubspot"}
    assert premium.actions.ladder[0] == Step(Target.PEOPLE, people=(11,), is_owner=True)
    assert [len(premium.condition.parts), len(list(premium.condition.conditions()))] == [2, 3]
    assert rulebook.in_order() == (premium,)
    assert (mark.continues, mark.actions.tags) == (True, ("x",))
    assert document_of(rulebook) == {**PREMIUM, "always_first": []}


@pytest.mark.parametrize(
    ("fact", "test", "typed", "kept"),
    [
        ("number", "starts_with", ["+1 (415) ", "+1415"], ("+1415",)),
        ("number", "is_any", ["0041 79 123 45 67"], ("+41791234567",)),
        ("number", "is_any", ["＋1 415‑555‑0100"], ("+14155550100",)),
        ("number", "starts_with", [" us "], ("us",)),
    ],
)
def test_what_is_compared_in_one_form_is_kept_in_it(
    fact: str, test: str, typed: list[str], kept: tuple[str, ...]
) -> None:
    rules = read_rulebook(rule(**{"if": {"all": [{"fact": fact, "test": test, "value": typed}]}}))

    assert next(rules.rules[0].condition.conditions()).value == kept


CONDITION = {"fact": "text", "test": "contains_any", "value": ["x"]}


MORE = {"fact": "attribute", "name": "orders", "test": "more"}


@pytest.mark.parametrize(
    ("document", "where", "words"),
    [
        (None, "document", "object"),
        ([], "document", "object"),
        ({"format": 2}, "format", "format 1"),
        ({"\ud800": 1}, "document", "“?” is not known"),
        (rule(name="half \ud800"), "rules[0].name", "cannot be stored"),
        (rule(name="nul \0"), "rules[0].name", "cannot be stored"),
        (
            rule(**{"if": {"all": [{**MORE, "value": float("inf")}]}}),
            "rules[0].if.all[0].value",
            "A text",
        ),
        ({"ruels": []}, "document", "“ruels” is not known"),
        ({"rules": {}}, "rules", "list"),
        ({"rules": [{}]}, "rules[0].id", "text is wanted"),
        ({"rules": [{"id": " ", "name": "A"}]}, "rules[0].id", "blank"),
        ({"rules": [{"id": "a", "name": "A" * 121}]}, "rules[0].name", "120 letters"),
        ({"rules": [{"id": "a", "name": "A"}] * 2}, "document", "“a”"),
        (rule(on="yes"), "rules[0].on", "true or false"),
        (rule(when=[]), "rules[0].when", "when"),
        (rule(when=["never"]), "rules[0].when[0]", "new"),
        (rule(**{"if": {}}), "rules[0].if", "all"),
        (rule(**{"if": {"all": [], "any": []}}), "rules[0].if", "all"),
        (rule(**{"if": {"any": []}}), "rules[0].if.any", "at least one"),
        (
            rule(**{"if": {"all": [{"any": [{"all": [CONDITION]}]}]}}),
            "rules[0].if.all[0].any[0]",
            "Groups",
        ),
        (rule(**{"if": {"all": [CONDITION] * 51}}), "rules[0].if.all", "50"),
        (rule(then={"to": [{}]}), "rules[0].then.to[0]", "who"),
        (rule(then={"to": [{"who": "boss"}]}), "rules[0].then.to[0].who", "round_robin"),
        (rule(then={"to": [{"who": "people"}]}), "rules[0].then.to[0].people", "person"),
        (
            rule(then={"to": [{"who": "people", "people": ["a"]}]}),
            "rules[0].then.to[0].people[0]",
            "id of a person",
        ),
        (
            rule(then={"to": [{"who": "random", "people": [1], "team": 2}]}),
            "rules[0].then.to[0]",
            "Either",
        ),
        (rule(then={"to": [{"who": "data_action"}]}), "rules[0].then.to[0].lookup", "Name"),
        (
            rule(then={"to": [{"who": "crm_field", "lookup": "x"}]}),
            "rules[0].then.to[0].lookup",
            "owner_email",
        ),
        (
            rule(then={"to": [{"who": "team", "lookup": "x"}]}),
            "rules[0].then.to[0].lookup",
            "Only",
        ),
        (rule(then={"priority": "highest"}), "rules[0].then.priority", "urgent"),
        (rule(then={"reply": "hello"}), "rules[0].then.reply", "language"),
        (rule(then={"reply": {"en": ""}}), "rules[0].then.reply.en", "blank"),
        (rule(then={"reply": {"": "hello"}}), "rules[0].then.reply", "no language"),
        (rule(then={"snooze_minutes": 0}), "rules[0].then.snooze_minutes", "whole number"),
        (rule(then={"note": "a\0b"}), "rules[0].then.note", "text"),
        (rule(**{"continue": True, "then": {"note": "x"}}), "rules[0].then", "only set tags"),
    ],
)
def test_what_cannot_be_followed_is_told_by_its_place(
    document: object, where: str, words: str
) -> None:
    found = problems(document)
    assert [one for one in found if one.startswith(f"{where}: ") and words in one], found


@pytest.mark.parametrize(
    ("condition", "key", "words"),
    [
        ({"fact": "mood"}, "fact", "language"),
        ({"fact": "text", "test": "has_any"}, "test", "contains_any"),
        ({"fact": "text", "test": "contains_any", "value": []}, "value", "one word"),
        ({"fact": "text", "test": "contains_any", "value": "x"}, "value", "list"),
        ({"fact": "text", "test": "matches", "value": "("}, "value", "RE2"),
        ({"fact": "attribute", "test": "is_present"}, "name", "text is wanted"),
        ({"fact": "crm", "name": "hubspot", "test": "is_present"}, "name", "hubspot.tier"),
        ({"fact": "has_media", "test": "is_true", "value": 1}, "value", "nothing"),
        ({"fact": "weekday", "test": "is_any", "value": ["monday"]}, "value", "mon"),
        ({"fact": "time", "test": "between", "value": ["8:00", "18:00"]}, "value", "22:00"),
        ({"fact": "time", "test": "between", "value": ["08:00", "25:00"]}, "value", "22:00"),
        ({"fact": "time", "test": "between", "value": ["08:00", "08:00"]}, "value", "22:00"),
        ({"fact": "owner", "test": "is_person", "value": []}, "value", "person"),
        ({"fact": "silent_days", "test": "more", "value": True}, "value", "number"),
        ({**CONDITION, "not": 1}, "not", "true or false"),
        ({**CONDITION, "negate": True}, "", "negate"),
    ],
)
def test_a_condition_that_cannot_be_asked_is_told(
    condition: dict[str, Any], key: str, words: str
) -> None:
    where = "rules[0].if.all[0]" + (f".{key}" if key else "")
    found = problems(rule(**{"if": {"all": [condition]}}))
    assert [one for one in found if one.startswith(where) and words in one], found


def test_all_problems_are_told_at_once() -> None:
    assert len(problems({"x": 1, "rules": [{"id": "", "name": 3, "on": 0}]})) == 4


# --- What always holds ---------------------------------------------------------------------------

texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(str.strip)
ids = st.integers(1, 99)
values = {
    Takes.NOTHING: st.none(),
    Takes.WORDS: st.lists(texts, min_size=1, max_size=3).map(tuple),
    Takes.PATTERN: st.sampled_from(["a+", r"\d{4}", "^x|y$"]),
    Takes.TEXT: texts,
    Takes.CHOICES: st.lists(texts, min_size=1, max_size=3).map(tuple),
    Takes.NUMBER: st.integers(-9, 9) | st.just("2024-01-01"),
    Takes.SCALAR: texts
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False),
    Takes.TIMES: st.just(("22:00", "06:00")),
    Takes.PEOPLE: st.lists(ids, min_size=1, max_size=3).map(tuple),
}


@st.composite
def some_condition(draw: st.DrawFn) -> Condition:
    fact = draw(st.sampled_from(sorted(FACTS)))
    test = draw(st.sampled_from(FACTS[fact].tests))
    value = draw(values[TESTS[test].takes])
    if fact == "weekday":
        value = (draw(st.sampled_from(WEEKDAYS)),)
    if fact in ("number", "language"):
        # In the form in which they are kept.
        value = (draw(st.sampled_from(["+1415", "+34600111222", "es", "zh"])),)
    name = "hubspot.tier" if fact == "crm" else "tier" if fact == "attribute" else ""
    return Condition(fact, test, value, name, draw(st.booleans()))


groups = st.builds(
    Group,
    st.sampled_from(Match),
    st.lists(
        some_condition()
        | st.builds(
            Group,
            st.sampled_from(Match),
            st.lists(some_condition(), min_size=1, max_size=2).map(tuple),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
)
steps = st.one_of(
    st.builds(Step, st.just(Target.PEOPLE), people=st.lists(ids, min_size=1).map(tuple)),
    st.builds(
        Step,
        st.sampled_from([Target.TEAM, Target.RANDOM, Target.ROUND_ROBIN, Target.LEAST_BUSY]),
        team=st.none() | ids,
        cap=st.none() | st.integers(0, 9),
        needs_available=st.booleans(),
        needs_open_hours=st.booleans(),
        is_owner=st.booleans(),
    ),
    st.just(Step(Target.CRM_FIELD, lookup="hubspot.owner")),
    st.just(Step(Target.DATA_ACTION, lookup="vip")),
)
actions = st.builds(
    Actions,
    ladder=st.lists(steps, max_size=3).map(tuple),
    tags=st.lists(texts, max_size=2).map(tuple),
    priority=st.sampled_from(PRIORITIES),
    reply=st.dictionaries(st.sampled_from(["en", "es"]), texts),
    note=texts | st.just(""),
    notify=st.lists(ids, max_size=2).map(tuple),
    is_closing=st.booleans(),
    snooze_minutes=st.none() | st.integers(1, 99),
)
rules = st.builds(
    Rule,
    id=st.uuids().map(str),
    name=texts,
    condition=st.just(Group()) | groups,
    actions=actions,
    triggers=st.frozensets(st.sampled_from(Trigger), min_size=1),
    is_on=st.booleans(),
)
rulebooks = st.builds(
    Rules,
    version=st.just(3),
    always_first=st.lists(rules, max_size=2).map(tuple),
    rules=st.lists(rules, max_size=3).map(tuple),
)


@given(rulebooks)
def test_a_rulebook_is_the_same_after_it_was_written_and_read(rulebook: Rules) -> None:
    text = json.dumps(document_of(rulebook), allow_nan=False)
    assert read_rulebook(json.loads(text), version=3) == rulebook


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "rules",
                    "id",
                    "name",
                    "if",
                    "then",
                    "all",
                    "any",
                    "fact",
                    "test",
                    "value",
                    "to",
                    "who",
                    "people",
                    "reply",
                    "when",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_no_document_breaks_the_reader(document: object) -> None:
    with suppress(DocumentError):
        assert read_rulebook(document).version == 0
