"""Is a number that reaches nobody marked beside the thread, and what the panel fetches renewed?"""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, say, shop
from tests.conftest import House
from tests.live import Live

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_number_is_marked_beside_the_thread_and_their_message_takes_it_back(
    shop: House, live: Live, open_as: Open
) -> None:
    size = {"width": 1280, "height": 1400}
    alice, bob = (ready(open_as(who, here(), viewport=size)) for who in (shop.alice, shop.bob))
    panel = alice.locator("#panel")

    panel.get_by_text("Mark as out of reach").click()
    panel.get_by_label("Why", exact=True).first.fill("Belongs to somebody else")
    panel.get_by_role("button", name="Mark it").click()

    for page in (alice, bob):
        expect(page.locator("#banner")).to_contain_text("Alice marked this number")
        expect(page.locator("#timeline")).to_contain_text("Alice marked this number")
        expect(page.locator("#desk")).to_have_attribute("data-composer", "blocked")
    expect(panel.get_by_role("button", name="It works again")).to_be_visible()

    say(live, shop, "I am back")

    expect(alice.locator("#timeline")).to_contain_text("within reach again")
    expect(alice.locator("#desk")).to_have_attribute("data-composer", "open")
    expect(panel.get_by_role("button", name="It works again")).to_have_count(0)


def test_notes_are_written_in_the_panel_and_watchers_asked_from_the_menu(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here(), viewport={"width": 1280, "height": 1400}))
    panel = alice.locator("#panel")

    expect(panel.get_by_text("Nothing waits here.")).to_be_visible()
    panel.get_by_text("Write a note about them").click()
    panel.get_by_label("Notes about them").fill("Likes tea")
    panel.get_by_role("button", name="Save the notes").click()
    expect(panel.locator(".card-notes")).to_have_text("Likes tea")

    alice.get_by_role("button", name="More", exact=True).click()
    alice.get_by_role("link", name="Add a watcher").click()
    alice.get_by_label("Who should watch?").select_option(label="Bob")
    alice.get_by_role("button", name="Add as a watcher").click()
    expect(alice.locator("#timeline")).to_contain_text("Alice added Bob as a watcher")
