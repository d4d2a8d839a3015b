"""Is it an app: does it stand in when the network is away, and keep what somebody chose?"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from inbox.attention import tastes_of
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, shop
from tests.browser.test_every_page import check_page
from tests.conftest import House

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGE = "/profile/notifications/"
# Whether the page is led by the script that stands in.
IS_LED = "() => navigator.serviceWorker.controller !== null"
KEPT = """async () => {
    const found = [];
    for (const name of await caches.keys()) {
        for (const one of await (await caches.open(name)).keys()) {
            found.push(new URL(one.url).pathname);
        }
    }
    return found;
}"""


def test_an_app_that_says_so_when_it_is_offline_and_keeps_nothing_personal(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.wait_for_function(IS_LED)
    told = alice.evaluate("() => document.querySelector('link[rel=manifest]').href")
    assert told.endswith("/manifest.webmanifest")

    alice.context.set_offline(True)
    alice.goto("/inbox/support/?view=mine")

    expect(alice.get_by_role("heading", name="No connection")).to_be_visible()
    again = alice.get_by_role("link", name="Try again")
    expect(again).to_have_count(1)
    assert alice.evaluate("() => getComputedStyle(document.querySelector('.button')).cursor")
    assert alice.url.endswith("/inbox/support/?view=mine")
    kept = alice.evaluate(KEPT)
    assert "/offline/" in kept
    assert all(path == "/offline/" or path.startswith("/static/") for path in kept)
    alice.context.set_offline(False)
    check_page(alice, "offline")

    again.click()

    expect(ready(alice).locator("#list")).to_be_visible()
    assert alice.url.endswith("/inbox/support/?view=mine")


def test_somebody_chooses_what_they_are_told_of_by_keyboard(shop: House, open_as: Open) -> None:
    alice = open_as(shop.alice, PAGE, permissions=["notifications"])
    alice.wait_for_function("() => document.body.dataset.ready === 'true'")
    expect(alice.locator("#push-state")).to_have_text("Push is off in this browser.")

    # Explained first; the browser's own question comes after.
    alice.get_by_role("button", name="Turn on push notifications").press("Enter")
    dialog = alice.get_by_role("dialog", name="Push notifications")
    expect(dialog.get_by_role("button", name="Go on")).to_be_focused()
    check_page(alice, "notifications explained")
    dialog.get_by_role("button", name="Not now").press("Enter")
    alice.set_viewport_size({"width": 360, "height": 2600})
    check_page(alice, "notifications of a colleague")
    expect(dialog).to_be_hidden()

    alice.get_by_role("button", name="Send me a test").press("Enter")
    outcome = alice.locator("#push-outcome")
    expect(outcome).to_contain_text("Desktop: shown.")
    expect(outcome).to_contain_text("Push: not sent, since push is off in this browser.")

    new = alice.get_by_label("New, for anybody")
    expect(new).to_be_checked()
    new.press("Space")
    alice.get_by_label("Quiet from").fill("22:00")
    alice.get_by_role("button", name="Save").press("Enter")
    expect(alice.get_by_text("Quiet hours need a beginning and an end.")).to_be_visible()
    expect(alice.get_by_label("New, for anybody")).not_to_be_checked()
    alice.get_by_label("Quiet until").fill("06:00")
    alice.get_by_role("button", name="Save").press("Enter")

    expect(alice.get_by_text("Saved.")).to_be_visible()
    expect(alice.get_by_label("New, for anybody")).not_to_be_checked()
    expect(alice.get_by_label("Quiet until")).to_have_value("06:00")
    taste: Any = tastes_of([shop.alice.pk])[shop.alice.pk]
    assert str(taste.quiet[0]) == "22:00:00"


def test_who_blocks_notifications_reads_how_to_allow_them(shop: House, open_as: Open) -> None:
    alice = open_as(shop.alice, "/livez")
    alice.add_init_script("Object.defineProperty(Notification, 'permission', {value: 'denied'})")
    alice.goto(PAGE)

    expect(alice.locator("#push-state")).to_have_text("Notifications are blocked in this browser.")
    expect(alice.locator('[data-steps="chromium"]')).to_be_visible()
    expect(alice.get_by_role("button", name="Turn on push notifications")).to_be_hidden()
