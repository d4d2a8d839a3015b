"""Do timers keep their promises in any calendar, whatever people do?"""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
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
    Timer,
    Waiting,
    When,
)
from routing.hours import Calendar
from routing.policy_documents import problems, read_policy, write_policy
from routing.rehearsal import Act, Event, What, run
from tests.routing.test_hours_property import openings, scenes

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MINUTE = timedelta(minutes=1)
TO = (Rung(users=(1,)), Rung(team=2))


@st.composite
def steps(draw: st.DrawFn) -> Step:
    do = draw(st.sampled_from([Do.ADD, Do.MOVE, Do.RELEASE, Do.NOTIFY, Do.PRIORITY]))
    return Step(
        after=draw(st.integers(1, 3000)),
        clock=draw(st.sampled_from(Clock)),
        when=draw(st.sampled_from(When)),
        do=do,
        to=TO if do in (Do.ADD, Do.MOVE) else (),
        priority="high" if do is Do.PRIORITY else "",
    )


policies = st.builds(
    Policy,
    st.lists(steps(), max_size=5).map(tuple),
    st.builds(Ahead, st.integers(0, 100), st.integers(0, 60)),
)
# With nights, special days and clocks that jump; some never open.
worlds = scenes() | scenes().map(lambda scene: (Calendar.never(scene[0].zone), scene[1]))
acts = st.lists(
    st.tuples(st.integers(0, 6000), st.sampled_from(Act)).map(
        lambda pair: (pair[0] * MINUTE, pair[1])
    ),
    max_size=8,
)


def _counted(timer: Timer, calendar: Calendar) -> timedelta:
    """Return how much of its own clock passes from a timer's anchor to its end."""
    assert timer.due_at is not None
    if timer.step.clock is Clock.CALENDAR:
        return timer.due_at - timer.anchor
    return calendar.open_time_between(timer.anchor, timer.due_at)


@SLOW
@given(policies, worlds, st.none() | st.integers(-600, 600))
def test_a_timer_runs_exactly_its_time_of_its_clock(
    policy: Policy, world: tuple[Calendar, datetime], owned: int | None
) -> None:
    calendar, since = world
    waiting = Waiting(since, None if owned is None else since + owned * MINUTE)

    timers = escalation.schedule(policy, waiting, calendar)

    assert [timer.number for timer in timers] == [*range(1, len(policy.steps) + 1), LAST]
    for timer in timers:
        if not waiting.suits(timer.step):
            assert timer.due_at is None
        elif timer.due_at is None:
            assert timer.number != LAST
            assert calendar.add_open_time(timer.anchor, timer.length) is None
        elif timer.number != LAST or calendar.add_open_time(timer.anchor, timer.length):
            assert _counted(timer, calendar) == timer.step.length
            assert timer.due_at.tzinfo is UTC
        if timer.due_at and timer.warn_at:
            assert timer.anchor <= timer.warn_at <= timer.due_at


@SLOW
@given(policies, worlds, st.integers(0, 5000), st.integers(0, 5000))
def test_a_snooze_loses_and_gives_no_time(
    policy: Policy, world: tuple[Calendar, datetime], asleep: int, awake: int
) -> None:
    calendar, since = world
    waiting = Waiting(since)
    before = escalation.schedule(policy, waiting, calendar)
    at, then = since + asleep * MINUTE, since + (asleep + awake) * MINUTE

    after = escalation.resumed(
        escalation.suspended(before, calendar, at=at), waiting, calendar, at=then
    )

    for was, now in zip(before, after, strict=True):
        if was.due_at is None:
            assert now == was
        elif now.due_at and was.due_at > at and was.number != LAST:
            left = (
                now.due_at - then
                if was.step.clock is Clock.CALENDAR
                else (calendar.open_time_between(then, now.due_at))
            )
            gone = (
                at - since
                if was.step.clock is Clock.CALENDAR
                else (calendar.open_time_between(since, at))
            )
            assert left + gone == was.step.length
    assert not any(timer.remaining for timer in after)


@SLOW
@given(policies, worlds, acts)
def test_a_run_ends_and_each_arming_fires_once(
    policy: Policy, world: tuple[Calendar, datetime], played: list[tuple[timedelta, Act]]
) -> None:
    calendar, since = world
    events = [Event(since + after, act) for after, act in played]
    until = since + timedelta(days=6)

    moments = run(policy, Waiting(since), calendar, events, until)

    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    assert all(since <= moment.at <= until for moment in moments)
    for number in [*range(1, len(policy.steps) + 1), LAST]:
        armed = 0
        for moment in (moment for moment in moments if moment.number == number):
            if moment.what in (What.SET, What.RESUMED):
                armed = 1
            elif moment.what is What.FIRED:
                assert armed == 1
                armed = 0
            elif moment.what in (What.ENDED, What.SUSPENDED):
                armed = 0
    assert moments == run(policy, Waiting(since), calendar, events, until)


@SLOW
@given(policies, worlds, acts, st.integers(0, 3000))
def test_nothing_fires_after_an_answer(
    policy: Policy, world: tuple[Calendar, datetime], played: list[tuple[timedelta, Act]], n: int
) -> None:
    calendar, since = world
    answer = since + n * MINUTE
    quiet = [
        Event(since + after, act)
        for after, act in played
        if act is not Act.CUSTOMER_WRITES and act is not Act.OPT_OUT
    ]

    moments = run(
        policy,
        Waiting(since),
        calendar,
        [*quiet, Event(answer, Act.REPLY)],
        since + timedelta(days=6),
    )

    assert not any(moment.what is What.FIRED and moment.at >= answer for moment in moments)
    ends = {moment.why for moment in moments if moment.what is What.ENDED}
    assert ends <= {Ended.ANSWERED.value, Ended.CLOSED.value, Ended.CLAIMED.value}


@SLOW
@given(policies, worlds, st.integers(1, 2000))
def test_a_second_message_changes_nothing(
    policy: Policy, world: tuple[Calendar, datetime], n: int
) -> None:
    calendar, since = world
    until = since + timedelta(days=5)
    again = [Event(since + n * MINUTE, Act.CUSTOMER_WRITES)]

    assert run(policy, Waiting(since), calendar, again, until) == run(
        policy, Waiting(since), calendar, [], until
    )


@SLOW
@given(policies, worlds, st.lists(openings(), min_size=7, max_size=7))
def test_new_hours_give_what_they_would_have_given_from_the_start(
    policy: Policy, world: tuple[Calendar, datetime], week: list[tuple[object, ...]]
) -> None:
    calendar, since = world
    changed = Calendar(calendar.zone, tuple(week))  # type: ignore[arg-type]
    waiting = Waiting(since)

    moved = escalation.recomputed(escalation.schedule(policy, waiting, calendar), waiting, changed)

    assert moved == escalation.schedule(policy, waiting, changed)


@given(policies)
def test_a_document_gives_back_its_policy(policy: Policy) -> None:
    assert read_policy(write_policy(policy)) == policy


@given(policies, st.sampled_from(["UTC", "Europe/Berlin"]))
def test_publishing_tells_of_every_step_that_never_comes(policy: Policy, zone: str) -> None:
    never = {
        number for number, step in enumerate(policy.steps, start=1) if step.clock is Clock.BUSINESS
    }

    told = problems(policy, Calendar.never(zone))

    assert {problem.step for problem in told if "never" in problem.words} == never
