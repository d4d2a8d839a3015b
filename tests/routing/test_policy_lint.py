"""What is said of a policy where it is used, before it is saved?"""

import pytest

from routing.escalation import Clock, Do, Policy, Rung, Step, When
from routing.hours import Calendar
from routing.policy_documents import Problem
from routing.policy_lint import Surroundings, Use, lint_policy, moves_of
from routing.policy_words import Names

ALWAYS, NEVER = Calendar.always(), Calendar.never()
SUPPORT, SALES, BILLING = 7, 8, 9
NAMES = Names({1: "Ann", 2: "Bo"}, {SUPPORT: "Support", SALES: "Sales", BILLING: "Billing"})
MEMBERS = {SUPPORT: frozenset({1}), SALES: frozenset({2}), BILLING: frozenset[int]()}


def around(*uses: Use, able: set[int] | None = None, **more: object) -> Surroundings:
    return Surroundings(
        names=NAMES,
        able=frozenset({1, 2} if able is None else able),
        members=MEMBERS,
        uses=uses or (Use(SUPPORT, "Support", ALWAYS),),
        **more,  # type: ignore[arg-type]
    )


def move(team: int, after: int = 5) -> Step:
    return Step(after, do=Do.MOVE, to=(Rung(team=team),))


@pytest.mark.parametrize(
    ("step", "problems"),
    [
        (Step(5, to=(Rung(users=(1,)),)), []),
        (
            Step(5, to=(Rung(users=(66,)),)),
            [(True, "It names somebody who does not belong to this account.")],
        ),
        (
            Step(5, to=(Rung(team=66),)),
            [(True, "It names somebody who does not belong to this account.")],
        ),
        (
            Step(5, to=(Rung(team=BILLING), Rung(users=(1,)))),
            [(False, "Nobody of Billing is active and has a licence.")],
        ),
        (
            Step(5, do=Do.DATA_ACTION, data_action="Gone"),
            [(True, "There is no Data Action Gone.")],
        ),
        (
            Step(5, do=Do.RELEASE, when=When.UNCLAIMED),
            [(True, "What nobody has claimed cannot be released.")],
        ),
    ],
)
def test_a_step(step: Step, problems: list[tuple[bool, str]]) -> None:
    found = lint_policy(Policy((step,)), around())

    told = [(one.is_error, one.words) for one in found if "supervisors are told" not in one.words]
    assert told == problems
    assert all(one.step == 1 for one in found)


def test_telling_supervisors_where_there_are_none_is_told_for_each_such_inbox() -> None:
    policy = Policy((Step(5, do=Do.PRIORITY, priority="high"), Step(9, do=Do.NOTIFY)))
    uses = (Use(SUPPORT, "Support", ALWAYS), Use(SALES, "Sales", ALWAYS, has_supervisor=False))

    words = "Sales has no supervisor who is active and has a licence: nobody is told."
    assert lint_policy(policy, around(*uses)) == (Problem(2, words, is_error=False),)


def test_a_data_action_that_is_off_is_told() -> None:
    policy = Policy((Step(5, do=Do.DATA_ACTION, data_action="Who helps"),))
    names = frozenset({"Who helps"})

    words = "The Data Action Who helps is off: the supervisors are told instead."
    assert lint_policy(policy, around(data_actions=names)) == ()
    assert lint_policy(policy, around(data_actions=names, off=names)) == (
        Problem(1, words, is_error=False),
    )


def test_a_ladder_on_which_nobody_can_help_is_told_as_a_whole() -> None:
    policy = Policy((Step(5, to=(Rung(users=(1,)), Rung(users=(1, 2)))),))

    words = [one.words for one in lint_policy(policy, around(able=set()))]

    assert words == [
        "Ann is not active or has no licence.",
        "Nobody of Ann and Bo is active and has a licence.",
        "Nobody whom it names can help: the supervisors are told instead.",
    ]


def test_what_depends_on_hours_names_its_inbox_where_others_are_well() -> None:
    policy = Policy((Step(5, Clock.BUSINESS, do=Do.NOTIFY),))
    well, ill = Use(SUPPORT, "Support", ALWAYS), Use(SALES, "Sales", NEVER)

    assert lint_policy(policy, around(well)) == ()
    [one] = lint_policy(policy, around(well, ill))
    assert one.words.startswith("In Sales: It waits for business hours")
    [alone] = lint_policy(policy, around(ill))
    assert alone.words.startswith("It waits for business hours")


def test_circles_are_told_however_long() -> None:
    moves = {SALES: frozenset({BILLING}), BILLING: frozenset({SUPPORT})}

    found = lint_policy(Policy((move(SALES),)), around(moves=moves))
    [circle] = [one for one in found if "circle" in one.words]

    assert circle == Problem(
        1, "It goes in a circle: Support → Sales → Billing → Support.", is_error=False
    )


def test_what_goes_on_or_stays_is_no_circle() -> None:
    moves = {SALES: frozenset({BILLING}), BILLING: frozenset({SALES})}
    policy = Policy((move(SALES), move(SUPPORT, 9)))

    assert not [one for one in lint_policy(policy, around(moves=moves)) if "circle" in one.words]
    assert moves_of(policy) == {SALES, SUPPORT}


def test_problems_come_in_the_order_of_the_steps() -> None:
    bad = Step(5, to=(Rung(users=(66,)),))
    policy = Policy((bad, Step(5, Clock.BUSINESS, do=Do.NOTIFY), bad))

    found = lint_policy(policy, around(Use(SUPPORT, "Support", NEVER)))

    assert [one.step for one in found] == sorted(one.step for one in found)
