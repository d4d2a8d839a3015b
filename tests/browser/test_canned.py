"""Is a canned reply found and sent by keyboard alone, and by touch?"""

from typing import Any

import pytest
from playwright.sync_api import expect

from inbox.models import CannedReply, Contact, Message
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, say, shop
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import NOW, House
from tests.live import until

__all__ = ["say", "shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def kept(house: House, shortcut: str, body: str, **fields: Any) -> CannedReply:
    return CannedReply.objects.create(
        account=house.account, shortcut=shortcut, body=body, made_at=NOW, changed_at=NOW, **fields
    )


@pytest.fixture
def stocked(shop: House) -> House:
    """The house with a few canned replies; Maria has a name."""
    Contact.objects.update(name="Maria López")
    kept(shop, "hours", "Hi {{contact.first_name|there}}, we are open from 9 to 5.")
    kept(shop, "house", "We are at 1 High Street.", inbox=shop.inbox)
    kept(shop, "thanks", "Thank you! {{agent.first_name}}", person=shop.alice)
    kept(shop, "bobs", "Nobody else has this", person=shop.bob)
    return shop


def test_a_reply_is_found_put_in_and_sent_by_keyboard_alone(stocked: House, open_as: Open) -> None:
    alice = ready(open_as(stocked.alice, here()))
    alice.keyboard.press("r")
    alice.keyboard.type("/ho")
    options, words = alice.locator("#canned [role=option]"), alice.locator("#words")
    expect(options).to_have_count(2)
    expect(words).to_have_attribute("aria-activedescendant", "canned-0")
    expect(options.first).to_contain_text("Hi Maria, we are open from 9 to 5.")
    expect(options.nth(1)).to_contain_text("This inbox’s")

    alice.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    alice.keyboard.press("ArrowUp")
    expect(options.first).to_have_attribute("aria-selected", "true")
    alice.keyboard.press("Enter")

    expect(words).to_have_value("Hi Maria, we are open from 9 to 5.")
    expect(words).to_be_focused()
    expect(options).to_have_count(0)
    expect(alice.locator("#cost-words")).to_contain_text("1 segment")
    alice.keyboard.type(" /tha")
    expect(options).to_have_count(1)
    alice.keyboard.press("Tab")
    expect(words).to_have_value("Hi Maria, we are open from 9 to 5. Thank you! Alice")
    alice.keyboard.press("Enter")
    expect(alice.locator("li.msg-out:not(.is-pending)")).to_have_count(1)
    used = CannedReply.objects.filter(uses=1)
    until(lambda: used.count() == 2, within=5, what="both are counted")
    assert set(used.values_list("shortcut", flat=True)) == {"hours", "thanks"}


def test_a_note_takes_them_too_and_what_was_taken_out_is_not_counted(
    stocked: House, open_as: Open
) -> None:
    alice = ready(open_as(stocked.alice, here()))
    alice.keyboard.press("n")
    alice.keyboard.type("/house")
    expect(alice.locator("#canned [role=option]")).to_have_count(1)
    alice.keyboard.press("Enter")
    words = alice.locator("#words")
    expect(words).to_have_value("We are at 1 High Street.")

    words.fill("Something else")
    alice.keyboard.press("Enter")

    expect(alice.locator("li.msg-note")).to_contain_text("Something else")
    assert not CannedReply.objects.filter(uses__gt=0).exists()


def test_escape_closes_the_list_and_keeps_what_was_typed(stocked: House, open_as: Open) -> None:
    alice = ready(open_as(stocked.alice, here()))
    words, options = alice.locator("#words"), alice.locator("#canned [role=option]")
    words.press_sequentially("Look /ho")
    expect(options).to_have_count(2)

    alice.keyboard.press("Escape")

    expect(options).to_have_count(0)
    expect(words).to_be_focused()
    expect(words).to_have_value("Look /ho")
    words.fill("")
    words.press_sequentially("and/or 1/2")
    alice.wait_for_timeout(400)
    expect(options).to_have_count(0)


def test_the_button_opens_the_list_and_closes_it_again(stocked: House, open_as: Open) -> None:
    alice = ready(open_as(stocked.alice, here()))
    button, words = alice.locator("#canned-open"), alice.locator("#words")
    options = alice.locator("#canned [role=option]")
    words.fill("Well,")

    button.click()
    expect(options).to_have_count(3)
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    expect(options).to_have_count(0)
    expect(words).to_have_value("Well,")
    button.click()
    options.filter(has_text="/house").click()

    expect(words).to_have_value("Well, We are at 1 High Street.")
    expect(button).to_have_attribute("aria-expanded", "false")
    assert not Message.objects.filter(direction="out").exists()


def test_without_any_the_list_leads_to_where_the_first_is_written(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#canned-open").click()
    option = alice.locator("#canned [role=option]")
    expect(option).to_contain_text("There are no canned replies yet.")

    alice.keyboard.press("Enter")

    expect(alice.get_by_role("heading", level=1)).to_have_text("Canned replies")
    alice.get_by_role("link", name="New canned reply").press("Enter")
    expect(alice.locator("[data-insert]").first).to_be_visible()
    alice.wait_for_load_state()
    alice.get_by_label("Shortcut").fill("hi")
    alice.get_by_label("Text").fill("Hi {{agent.first_name}}")
    expect(alice.locator("#preview")).to_contain_text("Hi Alice")
    alice.get_by_label("Shortcut").press("Enter")
    expect(alice.get_by_role("status").first).to_be_attached()
    expect(alice.locator("main")).to_contain_text("type /hi to use it")
    assert CannedReply.objects.get().person == shop.alice


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_is_accessible(stocked: House, open_as: Open, width: int) -> None:
    kept(stocked, "long", "A very long answer. " * 40)
    size = {"width": width, "height": 800}
    alice = open_as(stocked.alice, here(), viewport=size)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    alice.keyboard.press("r")
    alice.keyboard.type("/")
    expect(alice.locator("#canned [role=option]").first).to_be_visible()

    check_page(alice, "canned")
