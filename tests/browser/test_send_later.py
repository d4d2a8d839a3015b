"""Can an agent send later, and take back what was just sent, with the keyboard alone?"""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from inbox.models import Conversation, Message
from tests.browser.conftest import Open
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.live import Live, until

MARIA = "+14155550177"


@pytest.fixture
def wrote(house: House, live: Live) -> Conversation:
    """Maria has written."""
    live.carrier.know(live.base_url, house.sender)
    fields = {"from": MARIA, "to": house.sender.address, "body": "When are you open?"}
    live.carrier.ask("POST", "inbound", **fields)
    until(lambda: Conversation.objects.exists(), within=10, what="it has arrived")
    return Conversation.objects.get()


def composing(open_as: Open, house: House, row: Conversation, **look: Any) -> Page:
    page = open_as(house.alice, f"/inbox/support/c/{row.public_id}/", **look)
    expect(page.locator("body[data-ready]")).to_be_attached()
    return page


@pytest.mark.parametrize("width", WIDTHS)
def test_a_message_is_put_off_until_tomorrow_and_stopped(
    house: House, wrote: Conversation, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    page = composing(open_as, house, wrote, **look)
    page.locator("#words").fill("At nine.")
    page.get_by_role("button", name="More ways to send").press("Enter")
    page.get_by_role("button", name="Send later").press("Enter")
    expect(page.locator("#later-menu")).to_be_visible()
    check_page(page, "send later")
    # From nine in the evening on, three hours from now are tomorrow as well.
    page.locator("#later-menu button[value=tomorrow]").press("Enter")

    bubble = page.locator("li.msg-out", has_text="At nine.")
    expect(bubble.locator(".msg-waits")).to_contain_text("unless they write first")
    expect(page.locator("#words")).to_have_value("")
    check_page(page, "sent later")
    bubble.get_by_role("button", name="Do not send").press("Enter")

    expect(bubble).to_contain_text("Stopped by Alice.")
    expect(bubble.get_by_role("button", name="Do not send")).to_have_count(0)
    assert Message.objects.get(direction="out").status == "canceled"


def test_a_day_and_a_time_are_taken_by_enter_and_nothing_goes_at_once(
    house: House, wrote: Conversation, open_as: Open
) -> None:
    page = composing(open_as, house, wrote)
    page.locator("#words").fill("In the new year.")
    page.get_by_role("button", name="More ways to send").click()
    page.get_by_role("button", name="Send later").click()
    year = page.evaluate("new Date().getFullYear()")
    # Three weeks from now, by the clock of the browser: after thirty days without a word from
    # Maria it would no longer be an answer.
    page.evaluate(
        "document.getElementById('send-at').value ="
        " new Date(Date.now() + 21 * 864e5).toISOString().slice(0, 16)"
    )
    page.locator("#send-at").press("Enter")

    expect(page.locator("li.msg-out .msg-waits")).to_contain_text("Goes on")
    message = Message.objects.get(direction="out")
    assert (message.status, message.error_code) == ("queued", "SCHEDULED")
    assert message.not_before is not None
    assert message.not_before.year in (year, year + 1)


def test_what_was_just_sent_is_taken_back_into_the_field(
    house: House, wrote: Conversation, open_as: Open
) -> None:
    page = composing(open_as, house, wrote)
    page.evaluate("""localStorage.setItem("teaminbox.preferences", '{"undo":"on"}')""")
    page.locator("#words").fill("Oops, wrong person")
    page.locator("#words").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("It goes in 5 seconds.")
    page.locator("#toasts").get_by_role("button", name="Undo").press("Enter")

    expect(page.locator("#words")).to_have_value("Oops, wrong person")
    expect(page.locator("li.msg-out")).to_contain_text("Stopped by Alice.")
    assert Message.objects.get(direction="out").status == "canceled"


def test_what_is_not_taken_back_goes(house: House, wrote: Conversation, open_as: Open) -> None:
    page = composing(open_as, house, wrote)
    page.evaluate("""localStorage.setItem("teaminbox.preferences", '{"undo":"on"}')""")
    page.locator("#words").fill("From nine to five.")
    page.locator("#words").press("Enter")

    bubble = page.locator("li.msg-out", has_text="From nine to five.")
    expect(bubble.locator(".tick-words")).to_contain_text("Delivered", timeout=30_000)
