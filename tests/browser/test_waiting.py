"""Does somebody with a slow line see that something is on its way, and write to nobody else?"""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from inbox.models import Conversation, Message
from tests.browser.conftest import NO_WORKER, Open
from tests.browser.test_composer import MARIA, here, ready, shop
from tests.browser.test_every_page import check_page
from tests.browser.test_failing import chip, cut
from tests.conftest import House
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
JOSE = "+14155550177"


class Slow:
    """Keeps what a page asks for until it is let go."""

    def __init__(self, page: Page, *parts: str) -> None:
        self._routes: list[Route] = []
        for part in parts:
            page.route(part, lambda route: self._routes.append(route))

    def let_go(self) -> None:
        """Let what was asked for so far go its way."""
        while self._routes:
            self._routes.pop(0).continue_()

    def lose(self) -> None:
        """Cut what was asked for so far off."""
        while self._routes:
            cut(self._routes.pop(0))


@pytest.fixture
def both(shop: House, live: Live) -> House:
    """The house where Jose has written too."""
    live.carrier.ask(
        "POST", "inbound", **{"from": JOSE, "to": shop.sender.address, "body": "Is it ready?"}
    )
    until(lambda: Conversation.objects.count() == 2, within=10, what="it has arrived")
    return shop


def at(address: str) -> str:
    row = Conversation.objects.select_related("inbox").get(thread__address__key=f"sms:{address}")
    return f"/inbox/{row.inbox.slug}/c/{row.public_id}/"


def press_row(page: Page, address: str) -> None:
    page.locator(f'#rows a[href^="{at(address)}"]').click()


@pytest.mark.parametrize("width", [1280, 360])
def test_the_list_says_that_it_is_on_its_way(shop: House, open_as: Open, width: int) -> None:
    look = {"viewport": {"width": width, "height": 800}, **NO_WORKER}
    alice = open_as(shop.alice, "/inbox/support/", **look)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    slow = Slow(alice, "**/inbox/support/?*")
    box = alice.locator("#rows-box")

    chip(alice, "Mine")

    expect(box).to_have_attribute("aria-busy", "true")
    expect(box.locator(".loading")).to_have_text("Loading…")
    expect(alice.locator("#speaker")).to_have_text("Loading…")
    check_page(alice, f"list on its way {width}")
    slow.let_go()
    expect(alice.locator("#empty")).to_contain_text("Nothing assigned to you")
    expect(alice.locator(".loading")).to_have_count(0)
    expect(box).not_to_have_attribute("aria-busy", "true")


def test_what_is_quick_says_nothing(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, "/inbox/support/", **NO_WORKER))
    alice.clock.install()
    alice.clock.pause_at(timezone.now() + timedelta(minutes=1))

    chip(alice, "Mine")
    expect(alice.locator("#empty")).to_contain_text("Nothing assigned to you")
    alice.clock.run_for(5_000)

    expect(alice.locator(".loading")).to_have_count(0)
    expect(alice.locator("#speaker")).not_to_have_text("Loading…")


def test_nobody_writes_to_who_stood_there_before(both: House, open_as: Open) -> None:
    alice = ready(open_as(both.alice, at(MARIA), **NO_WORKER))
    alice.locator("#words").fill("Dear Maria")
    slow = Slow(alice, "**/thread/*", "**/thread/")
    thread = alice.locator("#thread")

    # A notice that was clicked opens the other while the field still has the focus.
    alice.evaluate("url => document.querySelector(`#rows a[href^='${url}']`).click()", at(JOSE))

    expect(alice.locator("#thread-box")).to_have_attribute("inert", "")
    alice.keyboard.type("e c")
    alice.keyboard.press("Enter")
    expect(thread).to_have_attribute("aria-busy", "true")
    expect(thread.locator(".loading-words")).to_be_visible()
    check_page(alice, "thread on its way")
    alice.wait_for_timeout(1_600)
    alice.keyboard.press("c")
    slow.let_go()
    expect(alice.locator("#thread-title")).to_be_focused()
    expect(alice).to_have_url(re.compile(re.escape(at(JOSE))))
    expect(alice.locator("#words")).to_have_value("")
    expect(thread.locator(".loading")).to_have_count(0)

    alice.unroute_all()
    alice.locator("#words").fill("Dear Jose")
    press_row(alice, MARIA)
    expect(alice.locator("#words")).to_have_value("Dear Maria")
    assert not Message.objects.filter(direction="out").exists()
    assert not Conversation.objects.exclude(owner=None).exists()


def test_what_does_not_come_gives_back_the_field(both: House, open_as: Open) -> None:
    alice = ready(open_as(both.alice, at(MARIA), **NO_WORKER))
    alice.locator("#words").fill("Dear Maria")
    slow = Slow(alice, "**/thread/*", "**/thread/")
    alice.evaluate("url => document.querySelector(`#rows a[href^='${url}']`).click()", at(JOSE))
    expect(alice.locator("#thread .loading-words")).to_be_visible()

    slow.lose()

    expect(alice.locator(".toast-error")).to_contain_text("could not be loaded")
    expect(alice.locator("#thread > .loading")).to_have_count(0)
    expect(alice.locator("#words")).to_be_focused()
    expect(alice.locator("#words")).to_have_value("Dear Maria")


def test_panel_and_dialogs_say_that_they_are_on_their_way(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    expect(alice.locator("#panel .card-who")).to_be_visible()
    alice.keyboard.press("i")
    expect(alice.locator("#panel")).to_be_empty()
    slow = Slow(alice, "**/panel/", "**/transfer/", "**/views/")

    alice.locator("#panel-toggle").click()
    panel = alice.locator("#panel")
    expect(panel).to_have_attribute("aria-busy", "true")
    check_page(alice, "panel on its way")
    # Who closes it meanwhile does not want it any more.
    alice.locator("#panel-toggle").click()
    slow.let_go()
    alice.wait_for_timeout(500)
    expect(panel).to_be_empty()

    alice.locator("#thread-title").click()
    alice.keyboard.press("a")
    dialog = alice.get_by_role("dialog", name="Transfer this conversation")
    expect(dialog.locator("[data-part]")).to_have_attribute("aria-busy", "true")
    check_page(alice, "dialog on its way")
    slow.let_go()
    expect(dialog.locator("button").first).to_be_visible()
    expect(dialog.locator(".loading")).to_have_count(0)
    alice.keyboard.press("Escape")

    alice.locator("#filter-button").click()
    views = alice.locator("#saved-views")
    expect(views).to_have_attribute("aria-busy", "true")
    slow.let_go()
    expect(views).not_to_have_attribute("aria-busy", "true")


def test_on_a_phone_the_list_says_that_the_conversation_comes(shop: House, open_as: Open) -> None:
    look = {"viewport": {"width": 360, "height": 800}, **NO_WORKER}
    alice = open_as(shop.alice, "/inbox/support/", **look)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    slow = Slow(alice, "**/thread/*", "**/thread/")

    press_row(alice, MARIA)

    expect(alice.locator("#rows-box .loading-words")).to_be_visible()
    check_page(alice, "conversation comes 360")
    slow.let_go()
    expect(alice.locator("#thread-title")).to_be_visible()
    expect(alice.locator(".loading")).to_have_count(0)
