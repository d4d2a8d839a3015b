"""Which documents are escalation policies, and what is said of those that are not?"""

from datetime import date
from typing import Any

import pytest

from routing.escalation import Ahead, Clock, Do, Policy, Rung, Step, When
from routing.hours import Calendar, Opening, SpecialDay
from routing.policy_documents import (
    PolicyError,
    Problem,
    never_opens,
    problems,
    read_policy,
    write_policy,
)

BO = [{"users": [7]}]


def document(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"format": 1, "steps": list(steps), **more}


def test_what_is_left_out_has_its_usual_value() -> None:
    found = read_policy(document({"after": 5, "to": BO}))

    assert found == Policy((Step(after=5, to=(Rung(users=(7,)),)),))
    assert found.steps[0].do is Do.ADD


def test_a_document_says_everything() -> None:
    given = document(
        {
            "after": 5,
            "clock": "business",
            "when": "unclaimed",
            "do": "move",
            "to": [{"users": [7, 8]}, {"team": 3}],
        },
        {"after": 60, "clock": "calendar", "when": "owner_silent", "do": "release"},
        {"after": 90, "clock": "calendar", "when": "any_unanswered", "do": "notify"},
        {
            "after": 95,
            "clock": "calendar",
            "when": "any_unanswered",
            "do": "priority",
            "priority": "high",
        },
        warn={"percent": 10, "minutes": 2},
    )

    found = read_policy(given)

    assert write_policy(found) == given
    assert found.ahead == Ahead(10, 2)
    assert found.steps[0].to == (Rung(users=(7, 8)), Rung(team=3))
    assert (found.steps[1].when, found.steps[0].clock) == (When.OWNER_SILENT, Clock.BUSINESS)


@pytest.mark.parametrize(
    ("wrong", "step", "words"),
    [
        (None, 0, "an object"),
        ([], 0, "an object"),
        ({"steps": []}, 0, "format"),
        (document() | {"format": 2}, 0, "format"),
        (document() | {"steps": {}}, 0, "list"),
        (document(*[{"after": 1, "to": BO}] * 21), 0, "20"),
        (document(colour="red"), 0, "colour"),
        (document(warn={"percent": 101}), 0, "percent"),
        (document(warn=[]), 0, "percent"),
        (document({"after": 5, "to": BO}, 7), 2, "object"),
        (document({"after": 0, "to": BO}), 1, "1 minute"),
        (document({"after": True, "to": BO}), 1, "1 minute"),
        (document({"after": 1.5, "to": BO}), 1, "1 minute"),
        (document({"after": 43201, "to": BO}), 1, "30 days"),
        (document({"to": BO}), 1, "1 minute"),
        (document({"after": 5, "to": BO, "who": 1}), 1, "who"),
        (document({"after": 5, "to": BO, "clock": "lunar"}), 1, "lunar"),
        (document({"after": 5, "to": BO, "when": ["unclaimed"]}), 1, "unclaimed"),
        (document({"after": 5}), 1, "whom"),
        (document({"after": 5, "do": "move"}), 1, "whom"),
        (document({"after": 5, "do": "notify", "to": BO}), 1, "names people"),
        (document({"after": 5, "do": "remind"}), 1, "automatic replies"),
        (document({"after": 5, "to": "Bo"}), 1, "ladder"),
        (document({"after": 5, "to": ["Bo"]}), 1, "rung"),
        (document({"after": 5, "to": [{"users": []}]}), 1, "rung"),
        (document({"after": 5, "to": [{"users": ["7"]}]}), 1, "rung"),
        (document({"after": 5, "to": [{"users": [7], "team": 3}]}), 1, "rung"),
        (document({"after": 5, "do": "priority"}), 1, "priority"),
        (document({"after": 5, "do": "priority", "priority": "very"}), 1, "one of"),
        (document({"after": 5, "to": BO, "priority": "high"}), 1, "priority"),
        (document({"after": 5, "do": "data_action"}), 1, "Data Action"),
        (document({"after": 5, "do": "data_action", "data_action": 3}), 1, "text"),
    ],
)
def test_what_is_no_policy_is_refused_in_words(wrong: Any, step: int, words: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_policy(wrong)

    assert refused.value.step == step
    assert words in refused.value.reason


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([{"after": 5, "to": BO}, {"after": 9, "to": BO}], {}),
        ([{"after": 5, "to": BO}, {"after": 3, "to": BO}], {2: False}),
        ([{"after": 5, "to": BO}, {"after": 3, "to": BO, "when": "unclaimed"}], {}),
        ([{"after": 5, "do": "release", "when": "unclaimed"}], {1: True}),
        ([{"after": 5, "do": "data_action", "data_action": "ask"}], {}),
        ([{"after": 5, "do": "data_action", "data_action": "other"}], {1: True}),
    ],
)
def test_publishing_asks(steps: list[Any], told: dict[int, bool]) -> None:
    found = problems(read_policy(document(*steps)), Calendar.always(), data_actions={"ask"})

    assert {problem.step: problem.is_error for problem in found} == told


def test_hours_that_never_open_are_told() -> None:
    policy = read_policy(document({"after": 5, "clock": "business", "to": BO}))

    [problem] = problems(policy, Calendar.never())

    assert isinstance(problem, Problem)
    assert problem.is_error
    assert "never open" in problem.words


def test_one_special_day_is_an_opening() -> None:
    day = SpecialDay(on=date(2026, 12, 1), openings=(Opening(0, 60),))

    assert never_opens(Calendar.never())
    assert not never_opens(Calendar("UTC", Calendar.never().week, special_days=(day,)))
