"""What does the virtual run of a policy show?"""

from datetime import UTC, datetime, timedelta

import pytest

from routing.escalation import LAST, Clock, Do, Policy, Rung, Step, Waiting, When
from routing.hours import Calendar, Opening
from routing.rehearsal import Act, Event, What, run

T = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ALWAYS = Calendar.always()
BO = (Rung(users=(2,)),)


def after(minutes: float) -> datetime:
    return T + timedelta(minutes=minutes)


def told(policy: Policy, *events: tuple[float, Act], hours: float = 2) -> list[tuple[object, ...]]:
    """Return minute, what and number of everything but what begins; the last step left out."""
    happened = [Event(after(minute), act) for minute, act in events]
    moments = run(policy, Waiting(T), ALWAYS, happened, T + timedelta(hours=hours))
    return [
        ((moment.at - T) / timedelta(minutes=1), moment.what, moment.number)
        for moment in moments
        if moment.number != LAST and moment.what is not What.SET
    ]


ADD = Policy((Step(after=4, when=When.UNCLAIMED, to=BO), Step(after=20, to=BO)))


def test_an_unanswered_customer_is_helped_step_by_step() -> None:
    assert told(ADD) == [
        (3, What.WARNED, 1),
        (4, What.FIRED, 1),
        (15, What.WARNED, 2),
        (20, What.FIRED, 2),
    ]


def test_an_answer_at_the_very_moment_comes_first() -> None:
    assert told(ADD, (4, Act.REPLY)) == [
        (3, What.WARNED, 1),
        (4, What.ENDED, 1),
        (4, What.ENDED, 2),
    ]


def test_the_next_question_begins_anew() -> None:
    found = told(ADD, (1, Act.REPLY), (60, Act.CUSTOMER_WRITES), hours=1.1)

    assert found[2:] == [(63, What.WARNED, 1), (64, What.FIRED, 1)]


def test_a_step_that_moves_does_not_come_again() -> None:
    ladder = Policy(
        (
            Step(after=4, when=When.OWNER_SILENT, do=Do.MOVE, to=BO),
            Step(after=8, when=When.OWNER_SILENT, do=Do.RELEASE),
        )
    )

    found = told(ladder, (1, Act.CLAIM), hours=24)

    # The owner that step 1 chose has all of step 2's time.
    fired = [(at, number) for at, what, number in found if what is What.FIRED]
    assert fired == [(5, 1), (13, 2)]


@pytest.mark.parametrize(
    "first",
    [
        Step(after=5, do=Do.MOVE, to=(Rung(team=3),)),
        Step(after=5, do=Do.MOVE, to=(Rung(users=(2, 4)),)),
        Step(after=5, do=Do.RELEASE),
    ],
)
def test_what_nobody_owned_before_and_after_goes_on_as_it_was(first: Step) -> None:
    ladder = Policy((first, Step(after=12, when=When.UNCLAIMED, to=BO)))

    fired = [(at, number) for at, what, number in told(ladder) if what is What.FIRED]

    assert fired == [(5, 1), (12, 2)]


def test_a_snooze_stops_the_clock_and_the_customers_words_let_it_go_on() -> None:
    found = told(ADD, (2, Act.SNOOZE), (42, Act.CUSTOMER_WRITES), hours=0.75)

    assert found == [
        (2, What.SUSPENDED, 1),
        (2, What.SUSPENDED, 2),
        (42, What.RESUMED, 1),
        (42, What.RESUMED, 2),
        (43, What.WARNED, 1),
        (44, What.FIRED, 1),
    ]


def test_a_claim_while_snoozed_waits_for_the_end_of_the_snooze() -> None:
    policy = Policy((Step(after=4, when=When.OWNER_SILENT, to=BO),))

    found = told(policy, (1, Act.SNOOZE), (10, Act.CLAIM), (50, Act.WAKE))

    assert found[-2:] == [(53, What.WARNED, 1), (54, What.FIRED, 1)]


def test_a_release_shows_the_ladder_starting_over() -> None:
    found = told(ADD, (5, Act.CLAIM), (10, Act.RELEASE), hours=0.3)

    assert (14, What.FIRED, 1) in found


def test_the_last_step_is_shown_too() -> None:
    [*_, last] = run(Policy(), Waiting(T), ALWAYS, [], T + timedelta(days=2))

    assert (last.at, last.what, last.number) == (T + timedelta(hours=24), What.FIRED, LAST)


def test_what_never_comes_does_not_stop_a_run() -> None:
    policy = Policy((Step(after=4, clock=Clock.BUSINESS, to=BO),))

    moments = run(policy, Waiting(T), Calendar.never(), [], T + timedelta(days=2))

    assert {moment.number for moment in moments} == {LAST}


def test_business_steps_of_a_run_wait_for_the_morning() -> None:
    nine = (Opening(9 * 60, 17 * 60),)
    calendar = Calendar("UTC", (nine,) * 7)
    policy = Policy((Step(after=150, clock=Clock.BUSINESS, to=BO),))

    moments = run(policy, Waiting(T), calendar, [], T + timedelta(days=1))

    [fired] = [moment for moment in moments if moment.what is What.FIRED]
    assert fired.at == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
