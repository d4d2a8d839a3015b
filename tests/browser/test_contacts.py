"""Can an agent look after a contact by keyboard alone: find, write, block, merge and part?"""

import pytest
from django.test import Client
from playwright.sync_api import expect

from inbox.models import Contact, MergeLog
from tests.browser.conftest import Open
from tests.browser.keyboard import go_to, press
from tests.browser.test_composer import shop
from tests.conftest import House
from tests.twilio import text_in

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_contact_is_found_written_on_merged_and_blocked_by_keyboard(
    shop: House, open_as: Open, client: Client
) -> None:
    maria = Contact.objects.get()
    other = text_in(client, shop.sender, "+12125550177", "It is me").conversation
    assert other
    Contact.objects.filter(pk=other.contact_id).update(name="M. Diaz", notes="Likes coffee")
    page = open_as(shop.sue, f"/contacts/{maria.public_id}/")

    go_to(page, "Name")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("Maria López")
    press(page, "Save")
    expect(page.get_by_role("heading", level=1)).to_have_text("Maria López")
    expect(page.get_by_text("The contact is saved.")).to_be_visible()

    press(page, "Merge with another contact")
    go_to(page, "Names, numbers")
    page.keyboard.type("Diaz")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    press(page, "MD")
    expect(page.get_by_text("Consent stays as it is for each number")).to_be_visible()
    press(page, "Merge")
    expect(page.locator("#contact-notes")).to_have_value("Likes coffee")
    press(page, "Undo the merge")
    expect(page.get_by_text("The merge is undone.")).to_be_visible()
    expect(page.locator("#contact-notes")).to_have_value("")

    go_to(page, "Block this contact")
    page.keyboard.press("Enter")
    go_to(page, "Why")
    page.keyboard.type("Threats")
    press(page, "Block")
    expect(page.get_by_text("Blocked. What they write is kept")).to_be_visible()
    press(page, "Unblock")
    expect(page.get_by_text("No longer blocked.")).to_be_visible()
    assert MergeLog.objects.get().left == []
