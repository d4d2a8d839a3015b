"""Do examples notice when rules make something else of a message, and say so in words?"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from routing.examples import (
    Example,
    Expected,
    Verdict,
    expected_of,
    read_expected,
    run_examples,
    try_example,
    written,
)
from routing.facts import Directory, Person
from routing.replies import FirstMessageReply, Replies
from routing.rules import Actions, Condition, Group, Rule, Rules, Step, Target
from routing.texts import Text
from routing.trying import Circumstances, Typed, TypedError
from routing.wording import Variant

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SUPPORT, ANNA, BO = 1, 11, 12
PEOPLE = {ANNA: Person(ANNA, "Anna", is_available=False, open_count=7), BO: Person(BO, "Bo")}
PLACE = Circumstances(
    Directory(PEOPLE, SUPPORT, {SUPPORT: (ANNA, BO)}),
    replies=Replies(first_message=FirstMessageReply((Variant(Text.parse("Welcome"), "en"),))),
)
SAYS_REFUND = Group(parts=(Condition("text", "contains_any", ("refund",)),))
TO_ANNA = Actions((Step(Target.PEOPLE, people=(ANNA,)),))
TO_BO = Actions((Step(Target.PEOPLE, people=(BO,)),))
REFUNDS = Rule("a", "Refunds", SAYS_REFUND, TO_ANNA)
RULES = Rules(1, rules=(REFUNDS,))
REFUND = Typed(NOON, "I want a refund")


def verdict(expected: Expected, rules: Rules = RULES, typed: Typed = REFUND) -> Verdict:
    [found] = run_examples(
        [Example(1, "Refund", SUPPORT, typed, expected)], rules, {SUPPORT: PLACE}
    )
    return found


def test_who_is_away_right_now_makes_no_difference() -> None:
    assert verdict(Expected("a", frozenset({ANNA}), "Welcome")).passes


def test_what_was_kept_passes_with_the_same_rules() -> None:
    assert verdict(expected_of(try_example(REFUND, RULES, PLACE))).passes


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Expected(rule="default"), "“Refunds” decides, and “Everything else” should."),
        (Expected(rule="gone"), "“Refunds” decides, and “gone” should."),
        (Expected(who=frozenset({BO})), "It goes to Anna, and should go to Bo."),
        (Expected(who=frozenset()), "It goes to Anna, and should go to the whole team."),
        (Expected(who=frozenset({99})), "It goes to Anna, and should go to somebody who left."),
        (Expected(reply=""), "The answer is “Welcome”, and should be silence."),
        (Expected(reply="Hi"), "The answer is “Welcome”, and should be “Hi”."),
    ],
)
def test_what_differs_is_said_in_words(expected: Expected, words: str) -> None:
    assert verdict(expected).differences == (words,)


def test_everything_that_differs_is_said() -> None:
    other = Rules(2, rules=(replace(REFUNDS, id="b", name="Money", actions=TO_BO),))

    found = verdict(Expected("a", frozenset({ANNA}), "Welcome"), other)

    assert found.differences == (
        "“Money” decides, and “a” should.",
        "It goes to Bo, and should go to Anna.",
    )


def test_silence_says_why() -> None:
    silent = replace(PLACE, replies=Replies())
    example = Example(1, "Refund", SUPPORT, REFUND, Expected(reply="Welcome"))

    [found] = run_examples([example], RULES, {SUPPORT: silent})

    assert found.differences == (
        "The answer is silence (no automatic reply applies), and should be “Welcome”.",
    )


@pytest.mark.parametrize("target", [Target.RANDOM, Target.ROUND_ROBIN, Target.LEAST_BUSY])
@pytest.mark.parametrize("person", [ANNA, BO])
def test_where_one_of_several_is_chosen_any_of_them_is_right(target: Target, person: int) -> None:
    chance = Rules(rules=(replace(REFUNDS, actions=Actions((Step(target),))),))

    assert verdict(Expected(who=frozenset({person})), chance).passes
    assert not verdict(Expected(who=frozenset({person, 99})), chance).passes
    assert not verdict(Expected(who=frozenset({99})), chance).passes


def test_who_the_example_calls_away_does_not_get_it() -> None:
    ladder = (Step(Target.PEOPLE, people=(ANNA,)), Step(Target.PEOPLE, people=(BO,)))
    rules = Rules(rules=(replace(REFUNDS, actions=Actions(ladder)),))

    assert verdict(Expected(who=frozenset({BO})), rules, replace(REFUND, away=(ANNA,))).passes


def test_an_inbox_that_follows_other_rules_by_now_is_told() -> None:
    example = Example(1, "Refund", 99, REFUND, Expected(rule="a"))

    [found] = run_examples([example], RULES, {SUPPORT: PLACE})

    assert found.differences == ("The inbox of this example does not follow these rules.",)


@pytest.mark.parametrize(
    "expected",
    [
        Expected("default", frozenset(), ""),
        Expected("a", frozenset({ANNA, BO}), "Welcome"),
        Expected(reply=""),
        Expected(who=frozenset()),
    ],
)
def test_what_is_written_down_reads_the_same(expected: Expected) -> None:
    assert read_expected(written(expected)) == expected


@pytest.mark.parametrize(
    "document",
    [{}, [], {"rule": 5}, {"who": "everybody"}, {"who": []}, {"who": [0]}, {"reply": "x" * 1601}],
)
def test_what_says_nothing_is_refused(document: Any) -> None:
    with pytest.raises(TypedError):
        read_expected(document)
