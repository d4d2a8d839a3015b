"""Is everything told that somebody else did to a rulebook, and nothing that they did not?"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from routing.differences import Difference, Kind, difference
from routing.rules import Actions, Rule, Rules

A, B, C, D = (Rule(one, one.upper()) for one in "abcd")


def told(before: list[Rule], after: list[Rule]) -> tuple[Difference, ...]:
    return difference(Rules(rules=tuple(before)), Rules(rules=tuple(after)))


def test_nothing_happened() -> None:
    assert told([A, B], [A, B]) == ()
    assert told([], []) == ()


def test_a_rule_came_and_one_went() -> None:
    assert told([A, B], [C, A]) == (
        Difference(Kind.ADDED, "c", "C"),
        Difference(Kind.REMOVED, "b", "B"),
    )


def test_what_of_a_rule_changed_is_named() -> None:
    other = replace(B, name="Better", actions=Actions(tags=("x",)), is_on=False)
    assert told([A, B], [A, other]) == (
        Difference(Kind.CHANGED, "b", "Better", ("name", "actions", "is_on")),
    )


def test_as_few_rules_as_possible_are_called_moved() -> None:
    assert told([A, B, C, D], [D, A, B, C]) == (Difference(Kind.MOVED, "d", "D"),)
    assert told([A, B, C, D], [B, C, D, A]) == (Difference(Kind.MOVED, "a", "A"),)
    assert [one.kind for one in told([A, B], [B, C, A])].count(Kind.MOVED) == 1


orders = st.lists(st.sampled_from("abcdef"), unique=True).map(
    lambda ids: [Rule(one, one.upper()) for one in ids]
)


@given(orders, orders)
def test_who_undoes_what_is_told_is_back(before: list[Rule], after: list[Rule]) -> None:
    found = told(before, after)
    added = {one.rule for one in found if one.kind is Kind.ADDED}
    removed = {one.rule for one in found if one.kind is Kind.REMOVED}
    moved = {one.rule for one in found if one.kind is Kind.MOVED}
    old, new = [rule.id for rule in before], [rule.id for rule in after]

    assert added == set(new) - set(old)
    assert removed == set(old) - set(new)
    steady = [one for one in old if one in new and one not in moved]
    assert steady == [one for one in new if one in old and one not in moved]
