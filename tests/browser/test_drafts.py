"""Do words that were typed and not sent stand wherever their writer logs in?"""

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import APIResponse, Page, Route, expect

from accounts.access import viewer_of
from accounts.models import License
from inbox.conversations import claim_conversation
from inbox.models import Conversation, Draft, Message
from tests.browser.conftest import NO_WORKER, Open
from tests.browser.test_composer import OFFLINE, here, ready, say, shop
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.doors import sign_in
from tests.live import Live, until

__all__ = ["say", "shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

KNOWS_ITS_SAVE = """() => Object.entries(localStorage).some(
    ([name, text]) => name.startsWith("teaminbox.saved.") && JSON.parse(text).revision === 1)"""


def stands(words: str, mode: str = "reply") -> None:
    """Wait until the server has these words."""
    rows = Draft.objects.filter(mode=mode, body=words)
    until(rows.exists, within=12, what=f"the server has “{words}”")


def look_again(page: Page) -> None:
    """Let a page notice that somebody looks at it again."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def log_in(page: Page, house: House, live: Live) -> None:
    """Let Alice log in again in a browser that is open."""
    page.context.add_cookies(
        [{"name": "sessionid", "value": sign_in(house.alice), "url": live.base_url}]
    )


def test_words_typed_here_stand_in_another_browser_until_they_are_sent(
    shop: House, open_as: Open
) -> None:
    first = ready(open_as(shop.alice, here()))
    first.locator("#words").press_sequentially("Dear Maria")
    stands("Dear Maria")

    second = ready(open_as(shop.alice, here()))
    expect(second.locator("#words")).to_have_value("Dear Maria")
    expect(second.locator(".row-draft")).to_have_count(1)
    bob = ready(open_as(shop.bob, here()))
    expect(bob.locator("#words")).to_have_value("")
    expect(bob.locator(".row-draft")).to_have_count(0)
    second.locator("#words").fill("Dear Maria, it is ready")
    stands("Dear Maria, it is ready")
    look_again(first)
    expect(first.locator("#words")).to_have_value("Dear Maria, it is ready")
    expect(first.locator("#other-draft")).to_be_hidden()
    second.locator("#words").press("Enter")

    expect(second.locator("li.msg-out:not(.is-pending)")).to_have_count(1)
    until(lambda: not Draft.objects.with_words().exists(), within=5, what="the draft is gone")
    look_again(first)
    expect(first.locator("#words")).to_have_value("")
    expect(first.locator(".row-draft")).to_have_count(0)
    first.reload()
    expect(ready(first).locator("#words")).to_have_value("")
    assert Message.objects.filter(direction="out").count() == 1


def test_who_logs_out_and_in_on_a_computer_that_forgot_finds_the_words(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#words").press_sequentially("Dear Maria")
    alice.locator("#words").press("Escape")
    alice.keyboard.press("n")
    alice.locator("#words").press_sequentially("ask Bob first")
    stands("Dear Maria")
    stands("ask Bob first", "note")

    alice.evaluate("localStorage.clear()")
    alice.context.clear_cookies()
    alice.goto("/accounts/login/")
    assert "teaminbox.draft" not in alice.evaluate("Object.keys(localStorage).join()")
    log_in(alice, shop, live)
    alice.goto(here())
    ready(alice)

    expect(alice.locator("#words")).to_have_value("Dear Maria")
    alice.locator("#words").press("Escape")
    alice.keyboard.press("n")
    expect(alice.locator("#words")).to_have_value("ask Bob first")


def test_who_leaves_at_once_loses_nothing(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#words").fill("Dear Maria")

    alice.goto("/profile/")

    stands("Dear Maria")


def test_typing_goes_on_while_the_server_is_away_and_is_saved_later(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    alice.route("**/draft/", lambda route: route.abort(OFFLINE))
    alice.locator("#words").fill("Dear")
    alice.wait_for_timeout(6_000)
    assert not Draft.objects.exists()

    alice.locator("#words").press_sequentially(" Maria")
    alice.unroute("**/draft/")

    until(
        Draft.objects.filter(body="Dear Maria").exists,
        within=25,
        what="it was tried again",
        pause=lambda seconds: alice.wait_for_timeout(seconds * 1000),
    )


def test_words_of_an_ended_session_are_sent_after_the_next_log_in(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#words").fill("Dear Maria")
    # Not before: once the page has said that the session ended, nobody types under its dialog.
    alice.context.clear_cookies()
    alice.wait_for_timeout(6_000)
    assert not Draft.objects.exists()

    log_in(alice, shop, live)
    alice.goto(f"/inbox/{shop.inbox.slug}/")
    ready(alice)

    stands("Dear Maria")


def test_a_late_answer_from_before_the_words_takes_none_of_them(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    late: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if route.request.method == "GET" and not late:
            # The server says what it has now, which is nothing; that arrives later.
            late.append((route, route.fetch()))
        else:
            route.continue_()

    alice.route("**/draft/", hold)
    look_again(alice)
    until(
        lambda: bool(late),
        within=10,
        what="it was asked",
        pause=lambda seconds: alice.wait_for_timeout(seconds * 1000),
    )
    alice.locator("#words").fill("Dear Maria")
    alice.locator("#find").focus()
    until(
        lambda: alice.evaluate(KNOWS_ITS_SAVE),
        within=10,
        what="the page knows that it is saved",
        pause=lambda seconds: alice.wait_for_timeout(seconds * 1000),
    )
    [(route, answer)] = late
    with alice.expect_response(lambda one: one.request.method == "GET" and "/draft/" in one.url):
        route.fulfill(response=answer)
    alice.wait_for_timeout(1_000)

    expect(alice.locator("#words")).to_have_value("Dear Maria")
    assert Draft.objects.get().body == "Dear Maria"


def written_on_both(shop: House, open_as: Open, **look: Any) -> Page:
    """Let Alice write on two devices that do not know of each other; return the later one."""
    first = open_as(shop.alice, here(), **look, **NO_WORKER)
    expect(first.locator("body[data-ready]")).to_be_attached()
    first.route("**/draft/", lambda route: route.abort(OFFLINE))
    second = ready(open_as(shop.alice, here()))
    second.locator("#words").press_sequentially("From the phone")
    stands("From the phone")
    first.locator("#words").press_sequentially("From the laptop")
    first.unroute("**/draft/")
    first.locator("#words").blur()
    expect(first.locator("#other-draft")).to_be_visible(timeout=25_000)
    return first


def test_of_two_drafts_none_is_lost(shop: House, open_as: Open) -> None:
    alice = written_on_both(shop, open_as)
    field, other = alice.locator("#words"), alice.locator("#other-draft")
    expect(field).to_have_value("From the laptop")
    stands("From the laptop")

    other.get_by_role("button", name="Show it").press("Enter")
    expect(field).to_have_value("From the phone")
    expect(field).to_be_focused()
    stands("From the phone")
    other.get_by_role("button", name="Show it").press("Enter")
    expect(field).to_have_value("From the laptop")
    alice.reload()
    ready(alice)
    expect(other).to_be_visible()
    other.get_by_role("button", name="Discard it").press("Enter")

    expect(other).to_be_hidden()
    expect(field).to_have_value("From the laptop")
    alice.reload()
    expect(ready(alice).locator("#other-draft")).to_be_hidden()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_offer_of_the_other_draft_is_accessible(shop: House, open_as: Open, width: int) -> None:
    size = {"width": width, "height": 800}
    alice = written_on_both(shop, open_as, viewport=size)

    check_page(alice, "other draft")


def claim(house: House) -> None:
    """Let Alice have it, from elsewhere."""
    now = timezone.now()
    claim_conversation(
        conversation=Conversation.objects.get(),
        by=viewer_of(house.alice, now=now),
        user=house.alice,
        now=now,
    )


def test_who_lost_the_conversation_finds_their_words_in_any_browser(
    shop: House, open_as: Open
) -> None:
    bob = ready(open_as(shop.bob, here()))
    bob.locator("#words").press_sequentially("I can do that")
    stands("I can do that")
    path = here()
    claim(shop)

    elsewhere = open_as(shop.bob, path)

    expect(elsewhere.locator("#handled-title")).to_have_text("Handled by Alice")
    expect(elsewhere.locator("#kept-words")).to_have_text("I can do that")
    elsewhere.get_by_role("button", name="Discard it").click()
    expect(elsewhere.locator("#kept-draft")).to_be_hidden()
    until(lambda: not Draft.objects.with_words().exists(), within=5, what="it is thrown away")


@pytest.mark.parametrize("width", WIDTHS)
def test_who_lost_the_licence_finds_their_words(shop: House, open_as: Open, width: int) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#words").press_sequentially("Dear Maria")
    stands("Dear Maria")
    License.objects.filter(holder=shop.alice).delete()
    size = {"width": width, "height": 800}

    elsewhere = open_as(shop.alice, here(), viewport=size)

    title = elsewhere.get_by_role("heading", level=1)
    expect(title).to_have_text(re.compile("You need a Pro-CX licence"))
    expect(elsewhere.locator("#kept-words")).to_have_text("Dear Maria")
    check_page(elsewhere, "draft without a licence")
