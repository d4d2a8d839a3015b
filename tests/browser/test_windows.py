"""Does an open page say by itself that WhatsApp's window closes, and then that it is closed?"""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from inbox.models import Thread
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready
from tests.browser.test_every_page import WIDTHS, check_page
from tests.browser.test_remedies import wrote
from tests.conftest import House

__all__ = ["wrote"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOUR = timedelta(hours=1)


def wrote_before(age: timedelta) -> None:
    """Let it be so long since she wrote, for the server."""
    at = timezone.now() - age
    Thread.objects.update(last_inbound_at=at, last_words_at=at)


@pytest.mark.parametrize("width", WIDTHS)
def test_banner_countdown_and_templates_come_by_themselves(
    wrote: House, open_as: Open, width: int
) -> None:
    wrote_before(20 * HOUR)
    look = {"viewport": {"width": width, "height": 800}}
    alice = open_as(wrote.alice, "/livez", **look)
    # Hers is two hours late: what counts is how long it is until the window turns.
    alice.clock.install(time=timezone.now() - 2 * HOUR)
    alice.goto(here())
    ready(alice) if width > 1000 else expect(alice.locator("body[data-ready]")).to_be_attached()
    banner = alice.locator("#banner")
    expect(banner).not_to_have_attribute("data-kind", "window")
    alice.locator("#words").fill("Half an answer")

    wrote_before(22.5 * HOUR)
    alice.clock.fast_forward("02:00:02")
    expect(banner).to_have_attribute("data-kind", "window")
    expect(banner).to_contain_text(re.compile(r"in (90|89) min"))
    check_page(alice, f"window closing {width}")
    alice.clock.fast_forward("05:00")
    expect(banner).to_contain_text(re.compile(r"in 8[345] min"))

    wrote_before(24.01 * HOUR)
    alice.clock.fast_forward("01:30:00")
    expect(banner).to_have_attribute("data-kind", "wa_window_closed")
    expect(banner.get_by_role("link", name="Choose a template")).to_be_visible()
    expect(alice.locator("#composer")).to_have_attribute("data-state", "blocked")
    check_page(alice, f"window closed {width}")
    # She writes again: the words that were begun are still there.
    wrote_before(HOUR)
    alice.reload()
    expect(alice.locator("#words")).to_have_value("Half an answer")
