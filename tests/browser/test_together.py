"""Do the ways of working together work by keyboard: taking back, promising, finding a place?"""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from inbox.models import Conversation, ConversationEvent, Message
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, say, shop
from tests.browser.test_thread import fill
from tests.conftest import House
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def commanded(page: Page, words: str) -> None:
    """Choose a command by its name."""
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    expect(page.locator("#palette-list [aria-selected=true]")).to_contain_text(words)
    page.keyboard.press("Enter")


def test_what_was_done_is_taken_back_by_keyboard_after_the_toast_is_gone(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.keyboard.press("c")
    expect(alice.locator(".who-owner")).to_have_text("Alice")
    line = alice.locator(".act-claimed")
    expect(line.get_by_role("button", name="Undo")).to_be_visible()
    alice.locator(".toast").get_by_role("button", name="Dismiss").click()
    alice.keyboard.press("Shift+Z")
    expect(alice.locator(".who-owner")).to_have_text("Unassigned")
    expect(line.get_by_role("button", name="Undo")).to_have_count(0)

    alice.keyboard.press("a")
    dialog = alice.get_by_role("dialog", name="Transfer this conversation")
    dialog.get_by_role("radio", name="Bob").check()
    dialog.get_by_role("button", name="Transfer").click()
    expect(alice.locator("#handled-title")).to_have_text("Handled by Bob")
    alice.goto(alice.url.split("/c/")[0] + "/")
    ready(alice)
    commanded(alice, "Undo: Bob has this conversation now.")

    expect(alice.locator("#thread-title")).to_be_visible()
    expect(alice.locator(".who-owner")).to_have_text("Unassigned")
    assert Conversation.objects.get().owner is None


def test_who_is_given_a_conversation_reads_its_card_and_puts_it_away(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, "/inbox/support/"))
    alice.keyboard.press("p")
    alice.keyboard.type("The price of the blue one")
    alice.get_by_role("button", name="In 3 hours").click()
    expect(alice.locator("#promise")).to_contain_text("The price of the blue one")
    expect(bob.locator("#rows [data-promise]")).to_be_visible()

    alice.keyboard.press("a")
    dialog = alice.get_by_role("dialog", name="Transfer this conversation")
    dialog.get_by_role("radio", name="Bob").check()
    dialog.get_by_label("Note").fill("She is in a hurry")
    dialog.get_by_role("button", name="Transfer").click()
    bob.keyboard.press("j")
    bob.keyboard.press("Enter")

    card = bob.locator("#handover")
    for words in ("She is in a hurry", "Hello", "The price of the blue one", "Waiting since"):
        expect(card).to_contain_text(words)
    card.get_by_role("button", name="Put this card away").press("Enter")
    expect(card).to_be_hidden()

    bob.keyboard.press("e")
    bob.get_by_role("button", name="Close", exact=True).last.click()
    bob.get_by_role("button", name="I kept it: close").click()
    until(lambda: Conversation.objects.get().is_closed, within=10, what="it is closed")
    assert ConversationEvent.objects.filter(verb="promised").latest("pk").data["did"] == "kept"


def test_a_day_and_a_quoted_message_are_found_in_a_long_thread(
    shop: House, live: Live, open_as: Open
) -> None:
    fill(shop, 200)
    old = Message.objects.get(seq=1)
    Message.objects.filter(seq__lte=20).update(created_at=old.created_at - timedelta(days=40))
    Message.objects.filter(seq=200).update(reply_to=Message.objects.get(seq=5))
    alice = ready(open_as(shop.alice, here()))
    expect(alice.locator('.msg[data-seq="200"]')).to_be_visible()

    quote = alice.locator('.msg[data-seq="200"] button.msg-quote')
    expect(quote).to_contain_text("line 5")
    quote.press("Enter")
    expect(alice.locator('.msg[data-seq="5"].is-found')).to_be_focused()
    alice.get_by_role("button", name="Jump to newest").click()
    expect(alice.locator('.msg[data-seq="200"]')).to_be_in_viewport()

    alice.locator("#scroller").focus()
    alice.keyboard.press("d")
    day = (old.created_at - timedelta(days=3)).date().isoformat()
    alice.locator("#jump-day").fill(day)
    alice.keyboard.press("Enter")
    expect(alice.locator('.msg[data-seq="21"].is-found')).to_be_focused()


def test_recent_searches_are_ones_own_and_can_be_forgotten(
    shop: House, live: Live, open_as: Open
) -> None:
    say(live, shop, "Where is the parcel?")
    alice = open_as(shop.alice, "/search/")
    expect(alice.locator("body[data-ready]")).to_be_attached()
    expect(alice.get_by_role("navigation", name="Team Inbox")).to_be_visible()
    line = alice.locator("#search-line")
    line.fill("parcel")
    line.press("Enter")
    expect(alice.locator("body[data-ready]")).to_be_attached()
    line.fill("")

    again = alice.locator("#recent").get_by_role("button", name="parcel", exact=True)
    again.press("Enter")
    expect(line).to_have_value("parcel")
    line.fill("")
    alice.get_by_role("button", name="Forget “parcel”").press("Enter")
    expect(alice.locator("#recent")).to_be_hidden()
    expect(line).to_be_focused()


def test_rows_show_who_is_in_a_conversation_and_who_writes(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, "/inbox/support/"))
    people = bob.locator("#rows .row .row-viewers")

    expect(people).to_have_text(re.compile("Alice is here"))
    alice.locator("#words").press_sequentially("Hi")
    expect(people).to_have_text(re.compile("Alice is writing"))
    bob.locator("#chips").get_by_role("link", name="Unassigned").click()
    expect(people).to_have_text(re.compile("Alice is"))
    expect(alice.locator("#rows .row-viewers")).to_have_count(0)
    alice.goto("/profile/")

    expect(people).to_have_count(0)


def test_a_conversation_is_muted_and_unmuted_by_a_key(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    mark = alice.locator("#desk").get_by_text("Muted for you")
    expect(mark).to_have_count(0)

    alice.keyboard.press("m")
    expect(mark).to_have_count(1)
    alice.keyboard.press("m")

    expect(mark).to_have_count(0)
