"""Can a colleague be mentioned in a note by keyboard alone, and do they hear of it?"""

import pytest
from playwright.sync_api import expect

from inbox.models import Conversation, Message, Participant
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, say, shop
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_user
from tests.live import until

__all__ = ["say", "shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_colleague_is_mentioned_by_keyboard_alone(shop: House, open_as: Open) -> None:
    make_user(shop.account, "Bobby Marsh", team=shop.inbox.team)
    bob = ready(open_as(shop.bob, f"/inbox/{shop.inbox.slug}/?view=unassigned"))
    alice = ready(open_as(shop.alice, here()))
    alice.keyboard.press("c")
    expect(alice.locator('#desk[data-can~="release"]')).to_be_attached()
    alice.keyboard.press("n")
    alice.keyboard.type("What now, @bo")

    options = alice.locator("#offered [role=option]")
    expect(options).to_have_count(2)
    expect(options.first).to_contain_text("Cannot see it yet: will watch")
    alice.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    alice.keyboard.press("ArrowUp")
    alice.keyboard.press("Enter")
    expect(alice.locator("#words")).to_have_value("What now, @Bob ")
    expect(alice.locator("#offered [role=option]")).to_have_count(0)
    alice.keyboard.press("Enter")

    expect(alice.locator("li.msg-note")).to_contain_text("What now, @Bob")
    until(lambda: Participant.objects.filter(user=shop.bob).exists(), within=5, what="he watches")
    expect(bob.locator('[data-count="mentions"]')).to_have_text("1")
    bob.locator('#chips [data-view="mentions"]').press("Enter")
    expect(bob.locator("#rows .row")).to_have_count(1)
    assert Message.objects.filter(kind="note").count() == 1


def test_escape_closes_the_list_and_keeps_the_note(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.keyboard.press("n")
    alice.keyboard.type("@bo")
    expect(alice.locator("#offered [role=option]")).to_have_count(1)

    alice.keyboard.press("Escape")

    expect(alice.locator("#offered [role=option]")).to_have_count(0)
    expect(alice.locator("#words")).to_be_focused()
    expect(alice.locator("#words")).to_have_value("@bo")


def test_a_reply_mentions_nobody(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#words").press_sequentially("@bo")
    alice.wait_for_timeout(400)

    expect(alice.locator("#offered [role=option]")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_of_names_is_accessible(shop: House, open_as: Open, width: int) -> None:
    size = {"width": width, "height": 800}
    alice = open_as(shop.alice, here(), viewport=size)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    alice.keyboard.press("n")
    alice.keyboard.type("Ask @")
    expect(alice.locator("#offered [role=option]").first).to_be_visible()

    check_page(alice, "mentions")

    assert Conversation.objects.count() == 1
