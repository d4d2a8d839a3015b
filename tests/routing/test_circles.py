"""Does an escalation that brings nobody new, or goes round in a circle, get noticed?"""

import pytest

from routing.circles import circles
from routing.escalation import Do, Policy, Rung, Step
from routing.facts import Directory
from routing.rules import Step as First
from routing.rules import Target

ANNA, BO, CLEO = 11, 12, 13
SUPPORT, SALES = 1, 2
DIRECTORY = Directory(team=SUPPORT, members={SUPPORT: (ANNA, BO), SALES: (CLEO,)})
TO_ANNA, TO_BO, TO_SALES = Rung((ANNA,)), Rung((BO,)), Rung(team=SALES)


def add(*rungs: Rung) -> Step:
    return Step(5, to=rungs)


def move(*rungs: Rung) -> Step:
    return Step(5, do=Do.MOVE, to=rungs)


@pytest.mark.parametrize(
    ("first", "steps", "found"),
    [
        (First(Target.PEOPLE, (ANNA,)), (add(TO_BO), add(TO_SALES)), []),
        (First(Target.PEOPLE, (ANNA,)), (add(TO_ANNA),), [(1, False)]),
        (First(Target.TEAM), (add(TO_BO),), [(1, False)]),
        (First(Target.PEOPLE, (ANNA,)), (move(TO_BO), move(TO_ANNA)), [(2, True)]),
        (First(Target.TEAM), (move(TO_SALES), move(TO_BO)), [(2, True)]),
        (First(Target.PEOPLE, (ANNA,)), (move(TO_BO), move(TO_BO)), [(2, False)]),
        (First(Target.PEOPLE, (ANNA,)), (add(TO_BO), add(TO_BO)), [(2, False)]),
        # Who it was is found out later: nobody can say.
        (First(Target.LAST_OWNER), (add(TO_ANNA),), []),
        (First(Target.RANDOM, (ANNA, BO)), (add(TO_BO),), []),
        # The first rung that names anybody counts.
        (First(Target.PEOPLE, (ANNA,)), (add(Rung(team=9), TO_ANNA),), [(1, False)]),
        (
            First(Target.PEOPLE, (ANNA,)),
            (Step(5, do=Do.NOTIFY), Step(5, do=Do.PRIORITY, priority="high")),
            [],
        ),
    ],
)
def test_who_is_brought_again_is_found(
    first: First, steps: tuple[Step, ...], found: list[tuple[int, bool]]
) -> None:
    assert list(circles(first, Policy(steps), DIRECTORY)) == found
