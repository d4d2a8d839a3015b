"""Can a look-up be made, tried and seen in a browser, with the keyboard alone?"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from inbox.models import Contact, Conversation
from routing.models import CrmConnector, CrmTable
from tests.browser.conftest import Open
from tests.browser.keyboard import follow, go_to
from tests.browser.test_composer import here, ready, shop
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_user
from tests.records import TABLE, fill_lookups

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def test_a_table_look_up_is_made_by_keyboard(
    shop: House, ada: User, open_as: Open, tmp_path: Path
) -> None:
    file = tmp_path / "vips.csv"
    file.write_text(TABLE)
    page = open_as(ada, "/settings/look-ups/")

    go_to(page, "Add a table")
    follow(page)
    go_to(page, "Name")
    page.keyboard.type("VIPs")
    # Which file is chosen in a window of the browser's own.
    page.get_by_label("File (.csv)").set_input_files(file)
    go_to(page, "Look into it")
    follow(page)
    preview = page.get_by_role("status").filter(has_text="What this file holds")
    expect(preview).to_be_focused()
    expect(preview).to_contain_text("2 rows can be used.")
    expect(preview).to_contain_text("Line 4:")
    go_to(page, "Save this table")
    follow(page)
    expect(page.get_by_role("heading", name="VIPs")).to_be_visible()

    go_to(page, "Make a look-up of it")
    follow(page)
    go_to(page, "Name")
    page.keyboard.type("VIP")
    go_to(page, "Add a fact")
    follow(page)
    expect(page.locator("#id_field-2-name")).to_be_focused()
    go_to(page, "Remove fact 3")
    follow(page)
    expect(page.locator("#id_field-1-name")).to_be_focused()
    go_to(page, "Make it")
    follow(page)
    expect(page.locator(".notices")).to_contain_text("VIP is there. Try it.")

    go_to(page, "Try it")
    follow(page)
    go_to(page, "Customer's number")
    page.keyboard.type("+1 415 555 0100")
    follow(page)
    came = page.get_by_role("status").filter(has_text="What came")
    expect(came).to_be_focused()
    expect(came).to_contain_text("gold")
    expect(came).to_contain_text("Wien")
    row = CrmConnector.objects.get()
    assert (row.kind, [one["path"] for one in row.fields]) == ("table", ["tier", "city"])


def test_tags_and_attributes_are_written_by_keyboard_and_seen_by_others(
    shop: House, open_as: Open
) -> None:
    alice, bob = ready(open_as(shop.alice, here())), ready(open_as(shop.bob, here()))
    panel = alice.locator("#panel")
    tag = panel.locator("#tag-new")

    expect(tag).to_be_visible()
    alice.keyboard.press("t")
    expect(tag).to_be_focused()
    alice.keyboard.type("order")
    alice.keyboard.press("Enter")
    expect(panel.locator(".mark > [dir]")).to_have_text(["order"])
    expect(tag).to_be_focused()
    expect(bob.locator("#header .tag-label")).to_have_text(["order"])
    expect(bob.locator(".row .tag-label")).to_have_text(["order"])
    expect(bob.locator("#timeline")).to_contain_text("Alice added the tag “order”")

    bob.locator("#panel #contact-tag-new").fill("half a wo")
    panel.get_by_text("Add an attribute").focus()
    alice.keyboard.press("Enter")
    alice.get_by_label("What it is called").fill("seats")
    alice.get_by_label("Kind").select_option("number")
    alice.get_by_label("Value").fill("many")
    alice.keyboard.press("Enter")
    expect(alice.locator("#toasts")).to_contain_text("This is no number")
    expect(alice.get_by_label("Value")).to_have_value("many")
    alice.get_by_label("Value").fill("12")
    alice.keyboard.press("Enter")
    expect(panel.locator(".known dd")).to_contain_text("12")
    expect(panel.get_by_text("Add an attribute")).to_be_focused()
    expect(bob.locator("#panel .known dd")).to_contain_text("12")
    # Under nobody's hands.
    expect(bob.locator("#panel #contact-tag-new")).to_have_value("half a wo")

    panel.get_by_role("button", name="Remove the tag order").focus()
    alice.keyboard.press("Enter")
    expect(panel.locator(".mark")).to_have_count(0)
    expect(bob.locator("#header .tag-label")).to_have_count(0)
    assert Contact.objects.get(conversations__isnull=False).attributes == {"seats": 12}


@pytest.mark.parametrize("width", WIDTHS)
def test_what_look_ups_say_is_accessible_too(
    shop: House, ada: User, open_as: Open, tmp_path: Path, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 900}}
    pages = fill_lookups(shop, now=timezone.now())
    page = open_as(ada, pages["replace a table"], **look)

    file = tmp_path / "vips.csv"
    file.write_text(TABLE.replace("tier", "level"))
    page.get_by_label("File (.csv)").set_input_files(file)
    page.get_by_role("button", name="Look into it").click()
    expect(page.get_by_role("status").filter(has_text="What this file holds")).to_be_focused()
    check_page(page, "preview of a table")
    page.goto(pages["try a look-up"])
    page.get_by_label("Customer's number").fill("+14155550100")
    page.get_by_role("button", name="Ask now").click()
    check_page(page, "tried look-up")
    page.goto(pages["try a data action"])
    page.get_by_label("Customer's number").fill("+14155550100")
    page.get_by_role("button", name="Ask now").click()
    expect(page.get_by_role("heading", name="No answer")).to_be_visible()
    check_page(page, "tried data action")
    page.goto(pages["look-up"])
    page.get_by_role("button", name="Add a header").click()
    page.get_by_label("Minutes").or_(page.locator("#id_cache_minutes")).first.fill("soon")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator(".error-summary")).to_be_focused()
    check_page(page, "look-up with a mistake")
    page.goto(pages["data action"])
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.get_by_role("textbox", name="Secret")).to_be_visible()
    check_page(page, "new secret")
    agent = open_as(shop.alice, here() if width > 1000 else _panel(), **look)
    expect(agent.locator("#panel .known").first).to_be_visible()
    check_page(agent, "panel with tags")
    assert CrmTable.objects.get().columns == ["tier", "city"]


def _panel() -> str:
    return f"/c/{Conversation.objects.get().public_id}/panel/"
