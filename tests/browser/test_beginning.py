"""Can an agent begin a conversation, with the keyboard alone, and does the customer read it?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from inbox.models import Conversation, TeamInbox
from tests.browser.conftest import Open
from tests.browser.keyboard import press
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.live import Live, until

MARIA = "+14155550177"


@pytest.fixture
def closed(house: House, live: Live) -> Conversation:
    """Maria wrote some days ago; that conversation is over."""
    TeamInbox.objects.update(may_start_conversations=True)
    live.carrier.know(live.base_url, house.sender)
    fields = {"from": MARIA, "to": house.sender.address, "body": "When do you open?"}
    live.carrier.ask("POST", "inbound", **fields)
    until(lambda: Conversation.objects.exists(), within=10, what="it has arrived")
    before = timezone.now() - timedelta(days=5)
    Conversation.objects.update(status="closed", closed_at=before, waiting_since=None)
    return Conversation.objects.get()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_conversation_is_begun_and_read(
    house: House, live: Live, closed: Conversation, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(house.alice, "/inbox/support/", **look)
    expect(page.locator("body[data-ready]")).to_be_attached()

    press(page, "New conversation")
    page.keyboard.type("(415) 555-0177")
    page.keyboard.press("Enter")
    expect(page.locator(".begin-choice")).to_have_count(1)
    check_page(page, "whom to write to")
    page.locator(".begin-choice button").first.press("Enter")

    expect(page.locator("body[data-ready]")).to_be_attached()
    expect(page.locator("#timeline")).to_contain_text("Alice began this conversation")
    page.locator("#words").fill("Good morning from Acme: we open at nine now.")
    page.keyboard.press("Enter")
    until(
        lambda: any("at nine now" in one.body for one in live.carrier.ledger()),
        within=15,
        what="Maria reads it",
    )
    begun = Conversation.objects.latest("pk")
    assert (begun.owner, begun.previous) == (house.alice, closed)


def test_with_a_stranger_nothing_begins_and_the_page_says_why(
    house: House, closed: Conversation, open_as: Open
) -> None:
    page = open_as(house.alice, "/inbox/support/new/?q=4155550999")

    page.locator(".begin-choice button").first.press("Enter")

    expect(page.locator("main")).to_contain_text("no record that they agreed")
    assert Conversation.objects.count() == 1
