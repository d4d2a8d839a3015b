"""What becomes of a wait's timers when another policy takes the place of the one it began with?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from routing import escalation
from routing.escalation import (
    LAST,
    Ahead,
    Clock,
    Do,
    Ended,
    Policy,
    Rung,
    Step,
    Timers,
    Waiting,
    When,
    schedule,
)
from routing.hours import Calendar, Opening
from routing.replacing import replaced

NINE_TO_FIVE = (Opening(9 * 60, 17 * 60),)
WORK = Calendar("Europe/Berlin", (*[NINE_TO_FIVE] * 5, (), ()))
ALWAYS = Calendar.always()
# A Friday, 10:30 in Berlin.
T = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
WAITING = Waiting(T)
ADD = Step(after=5, to=(Rung(users=(2,)),))
TELL = Step(after=20, do=Do.NOTIFY)
LATER = Step(after=30, do=Do.PRIORITY, priority="high")
POLICY = Policy((ADD, TELL))


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def due(timers: Timers) -> dict[int, float | None]:
    """Return when each open timer of the policy is due, in minutes from `T`."""
    return {
        timer.number: (timer.due_at - T) / minutes(1) if timer.due_at else None
        for timer in timers
        if timer.is_open and timer.number != LAST
    }


def after(policy: Policy, timers: Timers, waiting: Waiting = WAITING) -> Timers:
    return replaced(timers, policy, waiting, ALWAYS)


STEPS = st.builds(
    Step,
    after=st.integers(1, 60),
    clock=st.sampled_from(Clock),
    when=st.sampled_from(When),
    do=st.sampled_from((Do.ADD, Do.NOTIFY)),
    to=st.sampled_from(((Rung(users=(2,)),), (Rung(users=(3,)),))),
)
POLICIES = st.builds(
    Policy,
    st.lists(STEPS, max_size=5).map(tuple),
    st.sampled_from((Ahead(), Ahead(minutes=0), Ahead(50, 20))),
)


@st.composite
def waits(draw: st.DrawFn) -> tuple[Policy, Waiting, Timers]:
    """Draw a policy, and the timers of a wait with it to which something happened."""
    policy = draw(POLICIES)
    owned = draw(st.sampled_from((None, T + minutes(3))))
    waiting = Waiting(T, owned)
    timers = schedule(policy, Waiting(T), WORK)
    if owned:
        timers = escalation.claimed(timers, waiting, WORK, at=owned)
    for number in draw(st.sets(st.integers(1, 5))):
        timers = escalation.fired(timers, number, at=T + minutes(4))
    if draw(st.booleans()):
        timers = escalation.suspended(timers, WORK, at=T + minutes(6))
        if draw(st.booleans()):
            timers = escalation.resumed(timers, waiting, WORK, at=T + minutes(90))
    elif draw(st.booleans()):
        timers = escalation.restarted(timers, waiting, WORK, at=T + minutes(7))
    return policy, waiting, timers


@given(waits())
def test_the_same_policy_changes_nothing(given: tuple[Policy, Waiting, Timers]) -> None:
    policy, waiting, timers = given
    assert replaced(timers, policy, waiting, WORK) == timers


@given(waits(), POLICIES)
def test_what_acted_does_not_act_again_and_twice_is_as_once(
    given: tuple[Policy, Waiting, Timers], policy: Policy
) -> None:
    _, waiting, timers = given
    found = replaced(timers, policy, waiting, WORK)

    assert [timer.number for timer in found] == [number for number, _ in policy.numbered()]
    assert found[-1] == timers[-1]
    assert replaced(found, policy, waiting, WORK) == found
    for act in {(step.do, step.to) for step in policy.steps}:
        fired, asked, acted = (
            sum((one.step.do, one.step.to) == act and is_one for one, is_one in pairs)
            for pairs in (
                [(one, one.fired_at is not None) for one in timers[:-1]],
                [(one, True) for one in found[:-1]],
                [(one, one.fired_at is not None) for one in found[:-1]],
            )
        )
        assert acted == min(fired, asked)


def test_of_steps_that_do_the_same_as_many_have_acted_as_did() -> None:
    again = replace(ADD, after=20)
    timers = escalation.fired(schedule(Policy((ADD, ADD, again)), WAITING, ALWAYS), 2, at=T)

    for steps in ((ADD,), (again,), (ADD, again), (again, ADD)):
        found = after(Policy(steps), timers)
        acted = [one.step for one in found if one.fired_at]
        assert acted == [ADD if ADD in steps else again]


def test_a_step_that_acted_is_known_by_what_it_does_wherever_it_stands() -> None:
    timers = escalation.fired(schedule(POLICY, WAITING, ALWAYS), 1, at=T + minutes(5))

    found = after(Policy((TELL, replace(ADD, after=8), LATER)), timers)

    assert due(found) == {1: 20, 3: 30}
    assert found[1].fired_at == T + minutes(5)


def test_a_new_step_counts_from_when_the_wait_began() -> None:
    found = after(Policy((LATER, TELL)), schedule(POLICY, WAITING, ALWAYS))
    assert due(found) == {1: 30, 2: 20}


def test_a_new_step_counts_from_where_the_ladder_started_over() -> None:
    waiting = Waiting(T, T + minutes(60))
    old = schedule(POLICY, WAITING, ALWAYS)
    timers = escalation.restarted(old, waiting, ALWAYS, at=T + minutes(60))

    assert due(after(Policy((LATER,)), timers, waiting)) == {1: 90}


def test_what_lay_in_a_snooze_does_not_count_for_a_new_step() -> None:
    timers = escalation.suspended(schedule(POLICY, WAITING, ALWAYS), ALWAYS, at=T + minutes(2))
    asleep = after(Policy((LATER,)), timers)
    assert asleep[0].remaining == minutes(28)

    timers = escalation.resumed(timers, WAITING, ALWAYS, at=T + minutes(100))
    assert due(after(Policy((LATER,)), timers)) == {1: 128}


def test_a_new_step_that_watches_the_owner_counts_from_the_claim() -> None:
    waiting = Waiting(T, T + minutes(10))
    timers = escalation.claimed(
        schedule(POLICY, WAITING, ALWAYS), waiting, ALWAYS, at=T + minutes(10)
    )
    silent = replace(LATER, when=When.OWNER_SILENT)

    assert due(after(Policy((silent,)), timers, waiting)) == {1: 40}


def test_who_opted_out_is_not_helped_by_a_new_policy() -> None:
    timers = escalation.ended(schedule(POLICY, WAITING, ALWAYS), Ended.OPTED_OUT, at=T + minutes(1))
    found = after(Policy((LATER,)), timers)

    assert due(found) == {}
    assert found[0].ended_by is Ended.OPTED_OUT


def test_the_last_step_cannot_be_taken_away() -> None:
    found = after(Policy(), schedule(POLICY, WAITING, ALWAYS))
    assert [timer.number for timer in found] == [LAST]


def test_a_warning_comes_as_the_new_policy_says() -> None:
    found = after(Policy((TELL,), Ahead(50, 10)), schedule(POLICY, WAITING, ALWAYS))
    assert found[0].warn_at == T + minutes(10)
