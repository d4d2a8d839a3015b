"""What does somebody see and hear when something does not arrive, load or go out?"""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NO_WORKER, Open
from tests.browser.test_composer import OFFLINE, answer, here, ready, shop
from tests.conftest import House
from tests.live import Live

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def cut(route: Route) -> None:
    route.abort(OFFLINE)


def chip(page: Page, name: str) -> None:
    page.locator("#chips").get_by_role("link", name=name).click()


def test_what_cannot_be_loaded_says_so_and_is_tried_again(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    expect(alice.locator("#panel .card-who")).to_be_visible()
    alice.keyboard.press("i")
    alice.locator("#words").fill("half a sentence")
    for parts in ("**/inbox/support/?*", "**/panel/", "**/views/", "**/transfer/"):
        alice.route(parts, cut)

    chip(alice, "Mine")
    failed = alice.locator("#list-failed")
    expect(failed).to_contain_text("The list could not be loaded")
    expect(alice.locator("#rows .row")).to_have_count(1)
    expect(alice.locator("#chips [aria-current]")).to_have_text("All open 1")
    alice.locator("#panel-toggle").click()
    beside = alice.locator("#panel")
    expect(beside).to_contain_text("could not be loaded")
    alice.locator("#filter-button").click()
    expect(alice.locator("#saved-views")).to_contain_text("could not be loaded")
    alice.keyboard.press("Escape")
    alice.locator("#list").focus()
    alice.keyboard.press("a")
    said = alice.locator(".toast-error")
    expect(said).to_contain_text("could not be loaded")

    alice.unroute_all()
    said.get_by_role("button", name="Try again").click()
    expect(alice.get_by_role("dialog", name="Transfer this conversation")).to_be_visible()
    alice.keyboard.press("Escape")
    beside.get_by_role("button", name="Try again").click()
    expect(beside.locator(".card-who")).to_be_visible()
    failed.get_by_role("button", name="Try again").click()
    expect(alice.locator("#empty")).to_contain_text("Nothing assigned to you")
    expect(failed).to_be_empty()
    expect(alice.locator("#words")).to_have_value("half a sentence")


@pytest.mark.parametrize("how", ["list", "panel"])
def test_an_ended_session_never_puts_the_log_in_page_into_a_part(
    shop: House, open_as: Open, how: str
) -> None:
    alice = ready(open_as(shop.alice, here()))
    expect(alice.locator("#panel .card-who")).to_be_visible()
    alice.keyboard.press("i")
    alice.locator("#words").fill("half a sentence")
    alice.context.clear_cookies()

    if how == "list":
        chip(alice, "Mine")
    else:
        alice.locator("#panel-toggle").click()

    dialog = alice.get_by_role("dialog", name="Please log in again")
    expect(dialog).to_be_visible()
    expect(alice.locator("input[type=password]")).to_have_count(0)
    expect(alice.locator("#rows .row")).to_have_count(1)
    kept = "Object.values(localStorage).some((one) => one.includes('half a sentence'))"
    assert alice.evaluate(kept)
    dialog.get_by_role("button").click()
    expect(alice.locator("input[type=password]")).to_be_visible()
    assert "next=%2Finbox%2Fsupport%2Fc%2F" in alice.url


def test_ones_own_message_that_did_not_arrive_is_told_at_once(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, here()))
    live.carrier.fault("reject", times=1, code=30003)

    answer(alice, "Hello?")

    alarm = alice.get_by_role("alert").and_(alice.locator("#alarm"))
    expect(alarm).to_contain_text("did not arrive", timeout=30_000)
    expect(bob.locator("li.msg-out .msg-problem")).to_be_visible(timeout=30_000)
    expect(bob.locator("#alarm")).to_be_empty()
