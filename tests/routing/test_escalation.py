"""When does each step of a policy act, and what do people's acts do to it?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing import escalation
from routing.escalation import (
    LAST,
    Ahead,
    Clock,
    Do,
    Ended,
    Helpers,
    Policy,
    Rung,
    Step,
    Timers,
    Waiting,
    When,
    helpers_of,
    schedule,
)
from routing.hours import Calendar, Opening

NINE_TO_FIVE = (Opening(9 * 60, 17 * 60),)
WORK = Calendar("Europe/Berlin", (*[NINE_TO_FIVE] * 5, (), ()))
ALWAYS, NEVER = Calendar.always(), Calendar.never()
# A Friday, 16:30 in Berlin.
T = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
BO = (Rung(users=(2,)),)

UNCLAIMED = Step(after=5, when=When.UNCLAIMED, to=BO)
SILENT = Step(after=10, when=When.OWNER_SILENT, to=BO)
ANY = Step(after=20, to=BO)
POLICY = Policy((UNCLAIMED, SILENT, ANY))


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def due(timers: Timers) -> dict[int, float | None]:
    """Return when each open timer of the policy is due, in minutes from `T`."""
    return {
        timer.number: (timer.due_at - T) / minutes(1) if timer.due_at else None
        for timer in timers
        if timer.is_open and timer.number != LAST
    }


def ended_by(timers: Timers) -> dict[int, Ended]:
    return {timer.number: timer.ended_by for timer in timers if timer.ended_by}


def one(timers: Timers, number: int) -> Any:
    return next(timer for timer in timers if timer.number == number)


def test_steps_of_another_state_of_things_rest() -> None:
    free = schedule(POLICY, Waiting(T), ALWAYS)
    owned = schedule(POLICY, Waiting(T, owned_since=T - minutes(30)), ALWAYS)
    claimed_late = schedule(POLICY, Waiting(T, owned_since=T + minutes(3)), ALWAYS)

    assert due(free) == {1: 5, 2: None, 3: 20}
    assert due(owned) == {1: None, 2: 10, 3: 20}
    assert due(claimed_late) == {1: None, 2: 13, 3: 20}


@pytest.mark.parametrize(
    ("step", "at"),
    [
        (Step(after=29, clock=Clock.BUSINESS, to=BO), datetime(2026, 11, 20, 15, 59, tzinfo=UTC)),
        (Step(after=31, clock=Clock.BUSINESS, to=BO), datetime(2026, 11, 23, 8, 1, tzinfo=UTC)),
        (Step(after=31, to=BO), datetime(2026, 11, 20, 16, 1, tzinfo=UTC)),
    ],
)
def test_a_business_step_waits_over_the_weekend(step: Step, at: datetime) -> None:
    assert one(schedule(Policy((step,)), Waiting(T), WORK), 1).due_at == at


@pytest.mark.parametrize(
    ("calendar", "at"),
    [
        # Half an hour on Friday, then two days of eight hours, then seven and a half.
        (WORK, datetime(2026, 11, 25, 15, 30, tzinfo=UTC)),
        (ALWAYS, T + timedelta(hours=24)),
        (NEVER, T + timedelta(hours=24)),
    ],
)
def test_the_last_step_is_always_there(calendar: Calendar, at: datetime) -> None:
    [last] = schedule(Policy(), Waiting(T), calendar)

    assert (last.number, last.due_at, last.step.do) == (LAST, at, Do.NOTIFY)


@pytest.mark.parametrize(
    ("after", "ahead", "warning"),
    [
        (4, Ahead(), 1),
        (60, Ahead(), 5),
        (60, Ahead(50, 60), 30),
        (60, Ahead(0, 5), None),
        (60, Ahead(25, 0), None),
    ],
)
def test_a_warning_comes_a_quarter_before_or_five_minutes(
    after: int, ahead: Ahead, warning: float | None
) -> None:
    timer = one(schedule(Policy((Step(after=after, to=BO),), ahead), Waiting(T), ALWAYS), 1)

    found = timer.warn_at and (timer.due_at - timer.warn_at) / minutes(1)
    assert found == warning
    assert timer.next_at == (timer.warn_at or timer.due_at)


def test_a_business_warning_comes_in_business_hours() -> None:
    step = Step(after=33, clock=Clock.BUSINESS, to=BO)

    timer = one(schedule(Policy((step,)), Waiting(T), WORK), 1)

    assert timer.due_at == datetime(2026, 11, 23, 8, 3, tzinfo=UTC)
    assert timer.warn_at == datetime(2026, 11, 20, 15, 58, tzinfo=UTC)


# --- Acts ---


def test_a_claim_ends_what_waits_for_one_and_begins_what_watches_the_owner() -> None:
    owned = Waiting(T, owned_since=T + minutes(4))

    timers = escalation.claimed(
        schedule(POLICY, Waiting(T), ALWAYS), owned, ALWAYS, at=T + minutes(4)
    )

    assert due(timers) == {2: 14, 3: 20}
    assert ended_by(timers) == {1: Ended.CLAIMED}


def test_a_release_starts_over_at_step_one() -> None:
    timers = schedule(POLICY, Waiting(T), ALWAYS)
    timers = escalation.fired(timers, 1, at=T + minutes(5))
    timers = escalation.claimed(timers, Waiting(T, T + minutes(6)), ALWAYS, at=T + minutes(6))

    timers = escalation.restarted(timers, Waiting(T), ALWAYS, at=T + minutes(30))

    assert due(timers) == {1: 35, 2: None, 3: 50}
    assert ended_by(timers) == {}
    assert one(timers, LAST).due_at == T + timedelta(hours=24)


def test_a_transfer_starts_over_for_the_new_owner() -> None:
    timers = schedule(POLICY, Waiting(T), ALWAYS)

    timers = escalation.restarted(
        timers, Waiting(T, owned_since=T + minutes(8)), ALWAYS, at=T + minutes(8)
    )

    assert due(timers) == {2: 18, 3: 28}
    assert ended_by(timers) == {1: Ended.CLAIMED}


def test_a_step_that_gives_it_back_does_not_start_the_ladder_over() -> None:
    timers = schedule(POLICY, Waiting(T, owned_since=T), ALWAYS)
    timers = escalation.fired(timers, 2, at=T + minutes(10))

    timers = escalation.unowned(timers, Waiting(T), ALWAYS, at=T + minutes(10))

    assert due(timers) == {1: 15, 3: 20}
    assert one(timers, 2).fired_at == T + minutes(10)


@pytest.mark.parametrize("why", [Ended.ANSWERED, Ended.CLOSED, Ended.OPTED_OUT])
def test_an_end_ends_all_and_its_undoing_brings_back_exactly_these(why: Ended) -> None:
    before = escalation.claimed(
        schedule(POLICY, Waiting(T), ALWAYS), Waiting(T, T + minutes(1)), ALWAYS, at=T + minutes(1)
    )

    over = escalation.ended(before, why, at=T + minutes(2))

    assert not any(timer.is_open or timer.next_at for timer in over)
    assert escalation.restored(over, why) == before


def test_after_an_answer_no_release_brings_anything_back() -> None:
    over = escalation.ended(schedule(POLICY, Waiting(T), ALWAYS), Ended.ANSWERED, at=T + minutes(2))

    assert escalation.restarted(over, Waiting(T), ALWAYS, at=T + minutes(3)) == over


def test_who_opts_in_again_waits_anew() -> None:
    over = escalation.ended(
        schedule(POLICY, Waiting(T), ALWAYS), Ended.OPTED_OUT, at=T + minutes(2)
    )

    back = escalation.renewed(over, Ended.OPTED_OUT, Waiting(T), ALWAYS, at=T + minutes(100))

    assert due(back) == {1: 105, 2: None, 3: 120}


def test_a_snooze_keeps_what_is_left_of_each_clock() -> None:
    business = Step(after=40, clock=Clock.BUSINESS, to=BO)
    timers = schedule(Policy((ANY, business)), Waiting(T), WORK)

    asleep = escalation.suspended(timers, WORK, at=T + minutes(15))
    awake = escalation.resumed(asleep, Waiting(T), WORK, at=T + timedelta(days=3))

    assert not any(timer.next_at for timer in asleep)
    assert one(asleep, 1).remaining == minutes(5)
    # A quarter of an hour of forty minutes had passed.
    assert one(asleep, 2).remaining == minutes(25)
    monday = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    assert [one(awake, n).due_at for n in (1, 2)] == [monday + minutes(5), monday + minutes(25)]


def test_a_second_snooze_keeps_what_the_first_left() -> None:
    timers = schedule(Policy((ANY,)), Waiting(T), ALWAYS)
    for pause in (4, 104, 204):
        timers = escalation.suspended(timers, ALWAYS, at=T + minutes(pause))
        timers = escalation.resumed(timers, Waiting(T), ALWAYS, at=T + minutes(pause + 96))

    assert one(timers, 1).due_at == T + minutes(300 + 20 - 4 - 4 - 4)


def test_hours_that_change_move_what_runs_and_nothing_else() -> None:
    steps = (Step(after=40, clock=Clock.BUSINESS, to=BO), ANY)
    timers = schedule(Policy(steps), Waiting(T), WORK)
    longer = replace(WORK, week=(*[(Opening(9 * 60, 20 * 60),)] * 5, (), ()))

    moved = escalation.recomputed(timers, Waiting(T), longer)
    shut = escalation.recomputed(timers, Waiting(T), NEVER)

    assert due(moved) == {1: 40, 2: 20}
    assert due(shut) == {1: None, 2: 20}
    assert escalation.recomputed(shut, Waiting(T), WORK) == timers


def test_a_step_knows_neither_zero_nor_less() -> None:
    with pytest.raises(ValueError, match="a minute or more"):
        Step(after=0)


# --- Whom ---


@pytest.mark.parametrize(
    ("able", "found"),
    [
        ({2, 3, 4}, Helpers(Rung(users=(2, 3)), (2, 3))),
        ({3, 4}, Helpers(Rung(users=(2, 3)), (3,))),
        ({4, 5}, Helpers(Rung(team=9), (4,), (Rung(users=(2, 3)),))),
        ({5}, Helpers(Rung(users=(5,)), (5,), (Rung(users=(2, 3)), Rung(team=9)))),
        (set(), None),
    ],
)
def test_a_ladder_moves_on_until_somebody_is_able(able: set[int], found: Helpers | None) -> None:
    step = Step(after=1, to=(Rung(users=(2, 3)), Rung(team=9), Rung(users=(5,))))

    assert helpers_of(step, members={9: (4,)}, able=able) == found
