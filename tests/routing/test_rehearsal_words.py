"""Is a run on the virtual clock told so that an admin understands what would happen?"""

from datetime import UTC, datetime, timedelta

import pytest

from routing.escalation import Ahead, Clock, Do, Policy, Rung, Step, Waiting, When
from routing.hours import Calendar
from routing.policy_words import Names
from routing.rehearsal import Act, Event, run
from routing.rehearsal_words import told

NO_WARNING = Ahead(0, 0)
NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
ADD = Step(5, to=(Rung(users=(2,)),))
WATCH = Step(10, when=When.OWNER_SILENT, do=Do.RELEASE)


def lines(*steps: Step, acts: dict[int, Act] | None = None, ahead: Ahead = NO_WARNING) -> list[str]:
    """Return each moment as `minute: sentence; sentence`."""
    plan = Policy(steps, ahead)
    events = [Event(NOON + timedelta(minutes=n), act) for n, act in (acts or {}).items()]
    moments = run(plan, Waiting(NOON), Calendar.always(), events, NOON + timedelta(days=3))
    found = told(
        plan,
        NOON,
        events,
        moments,
        names=Names({2: "Bo"}),
        clock=lambda at: f"{at:%H:%M}",
    )
    return [f"{int(one.after.total_seconds() // 60)}: {'; '.join(one.sentences)}" for one in found]


def test_nobody_does_anything() -> None:
    assert lines(ADD, WATCH) == [
        "0: The customer writes, and waits; Step 1 is due at 12:05; The last step is due at 12:00; "
        "Step 2 begins when somebody has it",
        "5: Step 1: Bo is added",
        "1440: The last step: The supervisors are told",
    ]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Act.REPLY, "Somebody answers; Step 1 does not come: somebody has answered"),
        (Act.CLOSE, "Somebody closes it; Step 1 does not come: it is closed"),
        (Act.OPT_OUT, "The customer opts out; Step 1 does not come: the customer has opted out"),
        (Act.SNOOZE, "Somebody snoozes it; Step 1 rests and keeps what is left of its time"),
        (Act.CUSTOMER_WRITES, "The customer writes again"),
    ],
)
def test_what_people_do_stands_before_what_comes_of_it(act: Act, words: str) -> None:
    assert lines(ADD, acts={2: act})[1].startswith(f"2: {words}")


def test_an_act_at_the_moment_of_a_step_comes_first() -> None:
    found = lines(ADD, acts={5: Act.REPLY})

    assert found[1].startswith("5: Somebody answers; Step 1 does not come")


def test_a_claim_lets_the_owners_step_begin_and_waking_goes_on() -> None:
    found = lines(ADD, WATCH, acts={2: Act.CLAIM, 3: Act.SNOOZE, 60: Act.WAKE})

    assert found[1] == "2: Somebody claims it; Step 2 is due at 12:12"
    assert found[3].startswith("60: The snooze ends; Step 1 goes on and is due at 13:02")
    assert "62: Step 1: Bo is added" in found
    assert any(line.startswith("69: Step 2: It goes back to the team") for line in found)


def test_a_warning_is_told() -> None:
    found = lines(ADD, ahead=Ahead(40, 5))

    assert found[1] == "3: Step 1 is near: those who have it are warned"


def test_a_step_whose_hours_never_open_never_comes() -> None:
    step = Step(5, Clock.BUSINESS, do=Do.NOTIFY)
    plan = Policy((step,), Ahead(0, 0))
    calendar = Calendar.never()
    moments = run(plan, Waiting(NOON), calendar, [], NOON + timedelta(days=3))

    [first, *_rest] = told(plan, NOON, [], moments, names=Names(), clock=str)

    assert "Step 1 never comes: these hours do not open" in first.sentences
