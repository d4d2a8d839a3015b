"""What do the clocks of service levels show?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.hours import Calendar, Opening
from routing.sla import Clocks, Happening, Sort, Span, clocks_of, elapsed
from tests.routing.test_hours_property import scenes

T = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
HOURS = Calendar("UTC", ((Opening(9 * 60, 17 * 60),),) * 7)
MINUTE = timedelta(minutes=1)
C, P, A = Sort.CUSTOMER, Sort.PERSON, Sort.AUTOMATIC
Z, W, X, R = Sort.SNOOZED, Sort.WOKEN, Sort.CLOSED, Sort.REOPENED


def clocks(*told: tuple[int, Sort], now: int = 10_000) -> Clocks:
    happenings = [Happening(T + minute * MINUTE, sort) for minute, sort in told]
    return clocks_of(happenings, HOURS, now=T + now * MINUTE)


def span(wall: int, business: int | None = None, *, is_over: bool = True) -> Span:
    return Span(wall * MINUTE, (wall if business is None else business) * MINUTE, is_over)


@pytest.mark.parametrize(
    ("told", "first", "following"),
    [
        ([], None, []),
        ([(0, C), (5, P)], span(5), []),
        ([(0, C), (1, A), (5, P)], span(5), []),
        ([(0, C), (3, C), (5, P)], span(5), []),
        ([(0, C), (5, P), (6, P), (10, C), (12, C), (17, P)], span(5), [span(7)]),
        ([(0, P), (3, C), (5, P)], None, [span(2)]),
        ([(0, C), (10, Z), (20, W), (25, P)], span(15), []),
        ([(0, C), (10, Z), (20, C), (25, P)], span(15), []),
        ([(0, C), (10, X)], span(10), []),
        # An hour before closing time; answered in the morning.
        ([(0, C), (17 * 60 + 30, P)], span(17 * 60 + 30, 90), []),
    ],
)
def test_responses(told: list[tuple[int, Sort]], first: Span | None, following: list[Span]) -> None:
    found = clocks(*told)

    assert found.first_response == first
    assert list(found.next_responses) == following


def test_a_clock_that_runs_says_so() -> None:
    found = clocks((0, C), now=30)

    assert found.first_response == found.resolution == span(30, is_over=False)


@pytest.mark.parametrize(
    ("told", "resolution"),
    [
        ([(0, C), (5, P), (30, X)], span(30)),
        ([(0, C), (5, P), (30, X), (40, R), (40, C), (50, X)], span(40)),
        ([(0, C), (5, P), (10, Z), (20, W), (30, X)], span(20)),
        ([(0, P), (30, X)], span(30)),
    ],
)
def test_resolution(told: list[tuple[int, Sort]], resolution: Span) -> None:
    assert clocks(*told).resolution == resolution


def test_two_moments_are_compared_in_both_times() -> None:
    assert elapsed(T, T + timedelta(days=1), HOURS) == span(24 * 60, 8 * 60)


@settings(max_examples=60, deadline=None)
@given(
    scenes(),
    st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(Sort)), max_size=12),
    st.integers(0, 5000),
)
def test_no_clock_shows_more_than_there_was(
    scene: tuple[Calendar, datetime], told: list[tuple[int, Sort]], n: int
) -> None:
    calendar, since = scene
    happenings = [Happening(since + minute * MINUTE, sort) for minute, sort in told]

    found = clocks_of(happenings, calendar, now=since + n * MINUTE)

    spans = [*found.next_responses, *filter(None, [found.first_response, found.resolution])]
    for one in spans:
        assert timedelta() <= one.business <= one.calendar <= n * MINUTE
    waits = sum((one.calendar for one in spans if one is not found.resolution), timedelta())
    assert waits <= n * MINUTE
