"""Does an agent get from one channel of a customer to the other, with the keyboard alone?"""

import re
from functools import partial

import pytest
from playwright.sync_api import expect

from inbox.models import Conversation
from tests.browser.conftest import Open
from tests.browser.test_composer import MARIA, ready
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_sender
from tests.live import Live, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECOND = "+15550100004"


@pytest.fixture
def shop(house: House, live: Live) -> House:
    """Maria has written to two of our numbers."""
    second = make_sender(house.inbox, SECOND, twilio_account=house.sender.twilio_account)
    for number, sender in enumerate((house.sender, second), start=1):
        live.carrier.know(live.base_url, sender)
        fields = {"from": MARIA, "to": sender.address, "body": f"Hello, number {number}"}
        live.carrier.ask("POST", "inbound", **fields)
        heard = partial(_there_are, number)
        until(heard, within=10, what="it is there")
    return house


def _there_are(number: int) -> bool:
    return Conversation.objects.count() == number


def address_of(number: str) -> str:
    row = Conversation.objects.select_related("inbox").get(thread__sender__address=number)
    return f"/inbox/{row.inbox.slug}/c/{row.public_id}/"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_menu_leads_to_the_other_number_without_loading_the_page(
    shop: House, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    alice = open_as(shop.alice, address_of(shop.sender.address), **look)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    alice.evaluate("window.stays = true")
    button = alice.get_by_role("button", name="channels of this customer")

    button.click()
    menu = alice.locator("#channel-menu")
    expect(menu.get_by_role("link")).to_have_count(2)
    expect(menu.locator('[aria-current="true"]')).to_contain_text("You are here")
    check_page(alice, "channels")
    alice.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    alice.keyboard.press("Enter")
    expect(menu.get_by_role("link")).to_have_count(2)
    alice.keyboard.press("Tab")
    alice.keyboard.press("Tab")
    expect(menu.get_by_role("link").nth(1)).to_be_focused()
    alice.keyboard.press("Enter")

    expect(alice.locator("#timeline")).to_contain_text("Hello, number 2")
    expect(alice).to_have_url(re.compile(re.escape(address_of(SECOND))))
    expect(alice.locator("#thread-title")).to_be_focused()
    assert alice.evaluate("window.stays")


def test_what_a_colleague_took_meanwhile_is_not_there(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, address_of(shop.sender.address)))
    button = alice.get_by_role("button", name="channels of this customer")
    button.click()
    expect(alice.locator("#channel-menu").get_by_role("link")).to_have_count(2)
    alice.keyboard.press("Escape")

    bob = ready(open_as(shop.bob, address_of(SECOND)))
    bob.get_by_role("button", name="Claim").first.click()
    expect(bob.locator(".who-owner")).to_contain_text("Bob")

    button.click()
    expect(alice.locator("#channel-menu")).to_contain_text("By no other channel that you can see.")
    expect(alice.locator("#channel-menu").get_by_role("link")).to_have_count(1)
