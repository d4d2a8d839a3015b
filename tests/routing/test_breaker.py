"""When is a broken machine left alone, and when is it tried again?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.breaker import Circuit, ask, note


def told(*events: tuple[float, str]) -> list[bool]:
    """Return what `?` was answered among failures `-` and successes `+` at these seconds."""
    circuit, answers = Circuit(), []
    for at, event in events:
        if event == "?":
            may, circuit = ask(circuit, at=at)
            answers.append(may)
        else:
            circuit = note(circuit, is_good=event == "+", at=at)
    return answers


FIVE = [(float(at), "-") for at in range(5)]  # it opens at second 4


@pytest.mark.parametrize(
    ("events", "answers"),
    [
        ([(0, "?")], [True]),
        ([*FIVE[:4], (4, "?")], [True]),
        ([*FIVE, (4, "?"), (63.9, "?")], [False, False]),
        # Successes in between do not undo failures; failures of a minute ago do not count.
        ([*FIVE[:4], (4, "+"), (5, "-"), (5, "?")], [False]),
        ([(0, "-"), (57, "-"), (58, "-"), (59, "-"), (60, "-"), (60, "?")], [True]),
        ([(0.1, "-"), (57, "-"), (58, "-"), (59, "-"), (60, "-"), (60, "?")], [False]),
        # One trial, and the others wait for what comes of it.
        ([*FIVE, (64, "?"), (64, "?"), (65, "?")], [True, False, False]),
        ([*FIVE, (64, "?"), (65, "+"), (65, "?"), (65, "?")], [True, True, True]),
        ([*FIVE, (64, "?"), (65, "-"), (65, "?"), (124.9, "?"), (125, "?")],
         [True, False, False, True]),
        # It starts anew after it closed.
        ([*FIVE, (64, "?"), (65, "+"), *[(66, "-")] * 4, (67, "?"), (67, "-"), (67, "?")],
         [True, True, False]),
        # The end of a trial that nobody told.
        ([*FIVE, (64, "?"), (73.9, "?"), (74, "?")], [True, False, True]),
        # Answers to what was asked before it opened.
        ([*FIVE, (5, "+"), (6, "-"), (63.9, "?"), (64, "?")], [False, True]),
    ],
)  # fmt: skip
def test_a_circuit(events: list[tuple[float, str]], answers: list[bool]) -> None:
    assert told(*events) == answers


@given(st.lists(st.tuples(st.floats(0, 300), st.sampled_from("?+-"))))
def test_whatever_happened_it_is_asked_again_some_time(events: list[tuple[float, str]]) -> None:
    assert told(*sorted(events), (400, "?"))[-1]
