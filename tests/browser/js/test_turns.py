"""Is the desk fetched anew when time makes it another, also after a sleep, and not in a loop?"""

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser
HOUR = 3600
# The server's clock, in microseconds; the browser's shows something else.
NOW = 1_760_000_000_000_000
START = "2026-03-03T10:00:00Z"


@pytest.fixture
def turns(modules: Page) -> Page:
    """A desk whose window warns in two hours and closes in four; time goes when it is told to."""
    modules.clock.install(time=START)
    modules.goto(modules.url)
    modules.clock.pause_at("2026-03-03T11:00:00Z")
    modules.evaluate(
        """async () => {
            const {Turns} = await import("/inbox/turns.js");
            window.asked = 0;
            window.turns = new Turns(() => { window.asked += 1; });
        }"""
    )
    read(modules, warns=2 * HOUR, closes=4 * HOUR)
    return modules


def read(page: Page, **moments: float) -> None:
    """Let a desk be drawn with these moments, in seconds from now."""
    of_window = {
        f"window{name.capitalize()}": str(NOW + int(at * 1e6)) for name, at in moments.items()
    }
    dataset: dict[str, Any] = {"now": str(NOW), **of_window}
    page.evaluate("(dataset) => window.turns.read({ dataset })", dataset)


def asked(page: Page) -> int:
    return int(page.evaluate("window.asked"))


def test_it_is_fetched_at_each_moment_and_once(turns: Page) -> None:
    turns.clock.run_for(2 * HOUR * 1000)
    assert asked(turns) == 0
    turns.clock.run_for(2_000)
    assert asked(turns) == 1

    read(turns, warns=-2, closes=2 * HOUR)
    turns.clock.run_for((2 * HOUR - 2) * 1000)
    assert asked(turns) == 1
    turns.clock.run_for(5_000)
    assert asked(turns) == 2
    read(turns, warns=-2 * HOUR, closes=-2)
    turns.clock.run_for(4 * HOUR * 1000)
    assert asked(turns) == 2


def test_who_wakes_from_a_sleep_sees_it_at_once(turns: Page) -> None:
    turns.clock.set_system_time("2026-03-03T14:00:00Z")
    assert asked(turns) == 0

    turns.evaluate("dispatchEvent(new Event('focus'))")

    assert asked(turns) == 1


def test_who_looks_again_before_asks_nothing(turns: Page) -> None:
    turns.evaluate("dispatchEvent(new Event('focus'))")

    assert asked(turns) == 0


def test_what_does_not_come_is_asked_for_again_now_and_then(turns: Page) -> None:
    turns.clock.run_for(2 * HOUR * 1000 + 95_000)

    assert asked(turns) == 4


def test_without_a_window_or_a_thread_nothing_is_asked(turns: Page) -> None:
    turns.evaluate("window.turns.read({ dataset: {} })")
    turns.clock.run_for(5 * HOUR * 1000)
    assert asked(turns) == 0

    read(turns, closes=HOUR)
    turns.evaluate("window.turns.stop()")
    turns.clock.run_for(5 * HOUR * 1000)
    assert asked(turns) == 0
