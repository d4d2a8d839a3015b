"""Are steps of a policy told in words that a person understands?"""

import pytest

from routing.escalation import LAST, Ahead, Clock, Do, Policy, Rung, Step, When
from routing.policy_words import (
    Names,
    coming_words,
    described,
    length_words,
    listed,
    number_words,
    people_in,
    step_words,
    unless_words,
    warning_words,
)

NAMES = Names({1: "Ann", 2: "Bo", 3: "Cy"}, {9: "Sales"})
BO, ANN_AND_BO, SALES = Rung(users=(2,)), Rung(users=(1, 2)), Rung(team=9)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(5, to=(BO,)), "After 5 minutes, if nobody has answered: add Bo"),
        (
            Step(1, when=When.UNCLAIMED, to=(ANN_AND_BO, SALES)),
            "After 1 minute, if nobody has claimed it: add Ann and Bo, or else Sales",
        ),
        (
            Step(120, Clock.BUSINESS, When.OWNER_SILENT, Do.MOVE, to=(SALES,)),
            "After 2 hours of business hours, if its owner has not answered: give it to Sales",
        ),
        (Step(60, do=Do.RELEASE), "After 1 hour, if nobody has answered: give it back to the team"),
        (Step(2880, do=Do.NOTIFY), "After 2 days, if nobody has answered: tell the supervisors"),
        (
            Step(90, do=Do.PRIORITY, priority="high"),
            "After 90 minutes, if nobody has answered: set the priority to high",
        ),
        (
            Step(5, do=Do.DATA_ACTION, data_action="On call"),
            "After 5 minutes, if nobody has answered: call the Data Action On call",
        ),
        (
            Step(5, to=(Rung(users=(7,)), Rung(team=7))),
            "After 5 minutes, if nobody has answered: "
            "add somebody who is gone, or else a team that is gone",
        ),
    ],
)
def test_a_step_is_one_sentence(step: Step, words: str) -> None:
    assert step_words(step, NAMES) == words


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(5, to=(BO,)), "Bo is added"),
        (Step(5, to=(ANN_AND_BO,)), "Ann and Bo are added"),
        (Step(5, to=(BO, SALES)), "Bo, or else Sales, is added"),
        (Step(5, do=Do.MOVE, to=(SALES,)), "Sales gets it"),
        (Step(5, do=Do.MOVE, to=(ANN_AND_BO,)), "Ann and Bo get it"),
        (Step(5, do=Do.RELEASE), "It goes back to the team"),
        (Step(5, do=Do.NOTIFY), "The supervisors are told"),
        (Step(5, do=Do.PRIORITY, priority="urgent"), "Its priority becomes urgent"),
        (Step(5, do=Do.DATA_ACTION, data_action="X"), "The Data Action X is called"),
    ],
)
def test_what_comes_is_told_as_it_will_be(step: Step, words: str) -> None:
    assert coming_words(step, NAMES) == words


def test_small_words() -> None:
    assert listed(["Ann"]) == "Ann"
    assert listed(["Ann", "Bo", "Cy"]) == "Ann, Bo and Cy"
    assert length_words(1440, Clock.BUSINESS) == "24 hours of business hours"
    assert (number_words(3), number_words(LAST)) == ("step 3", "the last step")
    assert unless_words(When.UNCLAIMED) == "unless somebody claims it or answers"
    assert unless_words(When.OWNER_SILENT) == "unless somebody answers"
    assert warning_words(Ahead(0, 5)) == "Nobody is warned before a step"
    assert warning_words(Ahead(20, 3)) == (
        "Warned 20 % of a step's time before it, at most 3 minutes"
    )


def test_a_policy_is_described_step_by_step() -> None:
    policy = Policy((Step(5, to=(BO,)), Step(9, do=Do.NOTIFY)))

    assert list(described("VIP", policy, NAMES)) == ["name", "warning", "step 1", "step 2"]
    assert people_in([policy, Policy((Step(5, to=(ANN_AND_BO, SALES)),))]) == {1, 2}
