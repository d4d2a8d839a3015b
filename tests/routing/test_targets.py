"""Does a ladder find the right person, fairly, and say why not the others?"""

from collections import Counter
from dataclasses import replace

import pytest

from routing.facts import Answer, Customer, Directory, Facts, Person
from routing.rules import Step, Target
from routing.targets import Assignment, Candidate, Ladder, Turn

SUPPORT, SALES = 1, 2
ANNA, BO, CLEO, DAN = 11, 12, 13, 14
PEOPLE = {
    ANNA: Person(ANNA, "Anna", "anna@acme.example", open_count=4),
    BO: Person(BO, "Bo", "bo@acme.example", open_count=2),
    CLEO: Person(CLEO, "Cleo", "cleo@acme.example", open_count=2, cap=2),
    DAN: Person(DAN, "Dan", "dan@acme.example"),
}
DIRECTORY = Directory(PEOPLE, SUPPORT, {SUPPORT: (ANNA, BO, CLEO), SALES: (DAN,)})
SOMEBODY = Facts(seed="m1", customer=Customer(owner=BO, last_owner=DAN))


def ladder(
    *steps: Step, facts: Facts = SOMEBODY, directory: Directory = DIRECTORY, is_open: bool = True
) -> Ladder:
    return Ladder("r1", steps, facts, directory, is_open)


def found(*steps: Step, **of: object) -> Assignment | None:
    return ladder(*steps, **of).descend([])  # type: ignore[arg-type]


def who(*steps: Step, **of: object) -> tuple[int, ...] | None:
    assignment = found(*steps, **of)
    return assignment.people if assignment else None


def with_person(person: int, **changes: object) -> Directory:
    people = {**PEOPLE, person: replace(PEOPLE[person], **changes)}  # type: ignore[arg-type]
    return replace(DIRECTORY, people=people)


@pytest.mark.parametrize(
    ("step", "people"),
    [
        (Step(Target.PEOPLE, people=(DAN, ANNA)), (DAN, ANNA)),
        (Step(Target.PEOPLE, people=(CLEO, ANNA)), (ANNA,)),
        (Step(Target.TEAM, team=SALES), (DAN,)),
        (Step(Target.LEAST_BUSY, people=(ANNA, BO)), (BO,)),
        (Step(Target.LEAST_BUSY, people=(ANNA, CLEO)), (ANNA,)),
        (Step(Target.CONTACT_OWNER), (BO,)),
        (Step(Target.LAST_OWNER), (DAN,)),
        (Step(Target.ROUND_ROBIN), (ANNA,)),
        (Step(Target.PEOPLE, people=(99,)), None),
        (Step(Target.TEAM, team=99), None),
        (Step(Target.PEOPLE, people=(ANNA,), cap=4), None),
        (Step(Target.PEOPLE, people=(CLEO,), cap=9), (CLEO,)),
    ],
)
def test_whom_a_step_means(step: Step, people: tuple[int, ...] | None) -> None:
    assert who(step) == people


def test_the_inboxes_own_team_is_the_whole_team() -> None:
    assert found(Step(Target.TEAM)) == Assignment(is_team_wide=True)
    assert found(Step(Target.TEAM, team=SUPPORT)) == Assignment(is_team_wide=True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"is_active": False}, "deactivated"),
        ({"is_licensed": False}, "without a licence"),
        ({"is_available": False}, "away"),
        ({"cap": 3}, "has 4 of 3"),
    ],
)
def test_who_may_not_or_cannot_is_skipped_with_the_reason(
    changes: dict[str, object], why: str
) -> None:
    seen: list[Candidate] = []
    steps = (Step(Target.PEOPLE, people=(ANNA,)), Step(Target.PEOPLE, people=(BO,)))

    assignment = ladder(*steps, directory=with_person(ANNA, **changes)).descend(seen)

    assert assignment == Assignment((BO,), step=1)
    assert seen == [Candidate(0, ANNA, "Anna", why), Candidate(1, BO, "Bo")]


def test_a_step_may_take_somebody_who_is_away() -> None:
    away = with_person(ANNA, is_available=False)
    assert who(Step(Target.PEOPLE, people=(ANNA,), needs_available=False), directory=away) == (
        ANNA,
    )


def test_a_step_may_ask_for_business_hours() -> None:
    step = Step(Target.PEOPLE, people=(ANNA,), needs_open_hours=True)
    assert who(step) == (ANNA,)
    assert who(step, is_open=False) is None


def test_only_one_person_can_become_the_owner() -> None:
    one = found(Step(Target.PEOPLE, people=(ANNA,), is_owner=True))
    two = found(Step(Target.PEOPLE, people=(ANNA, BO), is_owner=True))
    assert one is not None
    assert one.is_owner
    assert two is not None
    assert not two.is_owner


@pytest.mark.parametrize(
    ("step", "fields", "people"),
    [
        (Step(Target.DATA_ACTION, lookup="vip"), {"users": ("BO@acme.example", "14")}, (BO, DAN)),
        (Step(Target.DATA_ACTION, lookup="vip"), {"teams": ("2",)}, (DAN,)),
        (Step(Target.DATA_ACTION, lookup="vip"), {"users": ("who@else.example", "99")}, None),
        (Step(Target.DATA_ACTION, lookup="vip"), {}, None),
        (Step(Target.CRM_FIELD, lookup="vip.rep"), {"rep": "dan@acme.example"}, (DAN,)),
        (Step(Target.CRM_FIELD, lookup="vip.rep"), {"rep": 11}, (ANNA,)),
        (Step(Target.CRM_FIELD, lookup="vip.rep"), {"rep": None}, None),
        (Step(Target.CRM_FIELD, lookup="vip.rep"), {"rep": ""}, None),
    ],
)
def test_whom_a_look_up_names(
    step: Step, fields: dict[str, object], people: tuple[int, ...] | None
) -> None:
    facts = replace(SOMEBODY, answers={"vip": Answer(fields)})  # type: ignore[arg-type]
    assert ladder(step).needs() == {"vip"}
    assert ladder(step, facts=facts).needs() == set()
    assert who(step, facts=facts) == people


def test_a_data_action_may_give_it_to_one_person_as_the_owner() -> None:
    answer = Answer({"users": ("11",), "claim": True})
    assignment = found(
        Step(Target.DATA_ACTION, lookup="vip"), facts=replace(SOMEBODY, answers={"vip": answer})
    )
    assert assignment is not None
    assert assignment.is_owner


def test_round_robin_goes_round_past_those_who_cannot() -> None:
    directory, turns = with_person(BO, is_available=False), []
    for _ in range(5):
        assignment = found(Step(Target.ROUND_ROBIN, people=(ANNA, BO, DAN)), directory=directory)
        assert assignment is not None
        assert assignment.turn == Turn("r1:0", assignment.people[0])
        turns.append(assignment.people[0])
        directory = replace(directory, turns={"r1:0": assignment.people[0]})
    assert turns == [ANNA, DAN, ANNA, DAN, ANNA]


def test_round_robin_begins_anew_when_the_last_is_gone() -> None:
    directory = replace(DIRECTORY, turns={"r1:0": 99})
    assert who(Step(Target.ROUND_ROBIN, people=(BO, DAN)), directory=directory) == (BO,)


def test_each_inbox_has_turns_of_its_own_team() -> None:
    """Two inboxes follow the same rules, and messages come to them by turns."""
    turns: dict[str, int] = {}
    counts: Counter[int] = Counter()
    for number in range(12):
        own = replace(DIRECTORY, team=(SUPPORT, SALES)[number % 2], turns=turns)
        assignment = found(Step(Target.ROUND_ROBIN), directory=own)
        assert assignment is not None
        assert assignment.turn is not None
        turns = {**turns, assignment.turn.key: assignment.turn.person}
        counts.update(assignment.people)
    assert counts == {ANNA: 3, BO: 3, DAN: 6}


def chi_squared(counts: Counter[int], people: int) -> float:
    expected = counts.total() / people
    return sum((counts[one] - expected) ** 2 / expected for one in counts)


@pytest.mark.parametrize("target", [Target.RANDOM, Target.LEAST_BUSY])
def test_chance_is_fair_and_the_same_in_every_replay(target: Target) -> None:
    equals = (BO, DAN, 21, 22, 23)
    people = {one: Person(one, str(one)) for one in equals}
    directory = Directory(people, SUPPORT, {SUPPORT: equals})
    counts: Counter[int] = Counter()
    for number in range(10_000):
        facts = Facts(seed=f"019ab{number:05d}")
        [chosen] = who(Step(target), facts=facts, directory=directory) or ()
        assert who(Step(target), facts=facts, directory=directory) == (chosen,)
        counts[chosen] += 1

    # 99.9 % of fair draws among five lie below; the seeds are fixed, so this never flickers.
    assert set(counts) == set(equals)
    assert chi_squared(counts, 5) < 18.47


def test_turns_are_fair() -> None:
    directory, counts = DIRECTORY, Counter[int]()
    for number in range(10_000):
        facts = Facts(seed=str(number))
        [chosen] = (
            who(Step(Target.ROUND_ROBIN, people=(ANNA, BO, DAN)), facts=facts, directory=directory)
            or ()
        )
        directory = replace(directory, turns={"r1:0": chosen})
        counts[chosen] += 1
    assert max(counts.values()) - min(counts.values()) <= 1
