"""Can everything that is possible be found by its name, with the keyboard alone?"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from inbox.models import Conversation
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, shop
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_inbox, make_user

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def ask(page: Page, words: str = "") -> Locator:
    """Open the palette with the keyboard, type, and return what it offers."""
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-line")).to_be_focused()
    page.keyboard.type(words)
    return page.locator("#palette-list [role=option]")


def test_a_conversation_is_claimed_by_name_and_the_focus_stays(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#words").focus()

    options = ask(alice, "clm")
    expect(options.first).to_have_text(re.compile("^Claim"))
    expect(options.first.locator("kbd")).to_have_text("c")
    expect(alice.locator("#palette-line")).to_have_attribute("aria-activedescendant", "palette-0")
    alice.keyboard.press("Enter")

    expect(alice.locator(".who-owner")).to_have_text("Alice")
    expect(alice.locator("#palette")).to_be_hidden()
    expect(alice.locator("#words")).to_be_focused()
    assert Conversation.objects.get().owner == shop.alice
    expect(alice.locator('#desk [data-story="claim"]')).to_have_count(0)
    ask(alice, "claim")
    expect(alice.locator("#palette-list").get_by_text("Claim", exact=True)).to_have_count(0)
    alice.keyboard.press("Escape")
    expect(alice.locator("#words")).to_be_focused()


def test_it_offers_what_the_screen_does(shop: House, open_as: Open) -> None:
    make_inbox(shop.account, "Sales").team.memberships.create(user=shop.alice)
    alice = ready(open_as(shop.alice, here()))

    listed = ask(alice).locator("span:first-child").all_inner_texts()
    names = set(listed)

    assert listed.index("Claim") < listed.index("Search everything")  # the conversation first
    assert names >= {
        "Claim",
        "Close",
        "Snooze",
        "Transfer",
        "Reply",
        "Note",
        "Mark as unread",
        "Contact",
        "Unassigned",
        "Next conversation",
        "Sales",
        "Colours: Dark",
        "Profile and security",
    }
    assert not names & {"Release to the others", "Support", "Settings", "Colours: System"}
    alice.keyboard.type("zzzz")
    expect(alice.locator("#palette-list [role=option]")).to_have_count(1)
    alice.keyboard.press("Enter")
    expect(alice).to_have_url(re.compile(r"/search/\?q=zzzz"))


def test_what_was_taken_meanwhile_is_not_done(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, here()))
    expect(ask(alice, "claim").first).to_have_text(re.compile("^Claim"))

    bob.keyboard.press("c")
    expect(alice.locator('#desk [data-story="claim"]')).to_have_count(0)
    alice.keyboard.press("Enter")

    expect(alice.get_by_text("This is no longer possible.")).to_be_visible()
    alice.keyboard.press("Escape")
    expect(alice.locator("#palette")).to_be_hidden()


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_accessible(shop: House, open_as: Open, width: int) -> None:
    size = {"width": width, "height": 800}
    alice = open_as(shop.alice, here(), viewport=size)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    expect(ask(alice).first).to_be_visible()

    check_page(alice, "palette")


def test_pages_of_settings_and_the_profile_are_reached_by_name(shop: House, open_as: Open) -> None:
    ada = open_as(make_user(shop.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN), "/settings/")
    ask(ada, "business h")
    with ada.expect_navigation():
        ada.keyboard.press("Enter")
    expect(ada).to_have_url(re.compile("/settings/hours/"))
    ask(ada, "profile")
    with ada.expect_navigation():
        ada.keyboard.press("Enter")
    ask(ada, "change my")
    with ada.expect_navigation():
        ada.keyboard.press("Enter")
    expect(ada).to_have_url(re.compile("password"))
