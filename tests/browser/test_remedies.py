"""Does a message that fails before somebody's eyes offer what helps, and does that work?"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from inbox.models import Conversation, Message, TeamInbox
from tests.browser.conftest import Open
from tests.browser.test_composer import MARIA, answer, here, ready, shop
from tests.browser.test_consent import _have_templates
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_sender
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def wrote(house: House, live: Live) -> House:
    """The house; Maria wrote on WhatsApp."""
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    live.carrier.know(live.base_url, whatsapp)
    her = {"from": f"whatsapp:{MARIA}", "to": whatsapp.address, "body": "Hello"}
    live.carrier.ask("POST", "inbound", **her)
    until(lambda: Conversation.objects.exists(), within=10, what="it has arrived")
    return house


def failing(page: Page, live: Live, words: str, code: int) -> Locator:
    """Let an answer fail before somebody's eyes, as the carrier says it; return its bubble."""
    live.carrier.fault("reject", times=1, code=code)
    bubble = answer(page, words)
    expect(bubble.locator(".msg-problem")).to_be_visible(timeout=30_000)
    return bubble


@pytest.mark.parametrize("width", WIDTHS)
def test_each_failure_offers_its_own_way_on(
    shop: House, live: Live, open_as: Open, width: int
) -> None:
    TeamInbox.objects.update(may_start_conversations=True)
    look = {"viewport": {"width": width, "height": 800}}
    alice = open_as(shop.alice, here(), **look)
    expect(alice.locator("body[data-ready]")).to_be_attached()

    bubble = failing(alice, live, "Call https://x.example", 30007)
    first = bubble.locator(".msg-problem .button")
    expect(first).to_have_text("Change and send")
    expect(bubble.locator("[data-resend]")).to_have_count(0)
    check_page(alice, f"failed, to be changed {width}")
    first.click()
    expect(alice.locator("#words")).to_have_value("Call https://x.example")
    expect(alice.locator("#words")).to_be_focused()

    bubble = failing(alice, live, "On Whatsapp?", 63003)
    first = bubble.locator(".msg-problem .button")
    expect(first).to_have_text("Another channel")
    expect(first).to_have_attribute("href", re.compile(Conversation.objects.get().public_id))

    bubble = failing(alice, live, "On Monday", 30003)
    first = bubble.locator(".msg-problem .button")
    expect(first).to_have_text("Send again later…")
    expect(bubble.locator("[data-resend]")).to_be_visible()
    first.click()
    dialog = alice.get_by_role("dialog", name="Send it again later")
    check_page(alice, f"sent again later {width}")
    dialog.get_by_role("button", name="Tomorrow").click()
    again = alice.locator("li.msg-out", has=alice.locator(".msg-waits"))
    expect(again).to_contain_text("unless they write first")
    expect(bubble.locator(".msg-resent")).to_be_visible()
    expect(first).to_have_count(0)
    assert Message.objects.filter(resend_of__isnull=False, status="queued").count() == 1


def test_enter_in_the_moment_takes_that_moment(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    bubble = failing(alice, live, "On Monday", 30003)
    bubble.get_by_role("button", name="Send again later").click()
    in_three_weeks = "new Date(Date.now() + 21 * 864e5).toISOString().slice(0, 16)"
    alice.locator("#again-at").fill(str(alice.evaluate(in_three_weeks)))
    alice.locator("#again-at").press("Enter")

    expect(alice.locator("li.msg-out .msg-waits")).to_contain_text("Goes on")
    new = Message.objects.get(resend_of__isnull=False)
    assert new.not_before is not None
    assert (new.not_before - new.created_at).days in {20, 21}


def test_a_carrier_s_riddle_is_sent_again_and_a_number_that_is_none_is_marked(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    bubble = failing(alice, live, "On Monday", 30008)
    bubble.get_by_role("button", name="Send again").click()
    expect(bubble.locator(".msg-resent")).to_be_visible()

    bubble = failing(alice, live, "Or on Tuesday", 30005)
    first = bubble.locator(".msg-problem .button")
    expect(first).to_have_text("Mark as out of reach")
    expect(bubble.locator("[data-resend]")).to_have_count(0)
    first.click()

    expect(alice.locator("#banner")).to_contain_text("Alice marked this number")
    expect(alice.locator("#desk")).to_have_attribute("data-composer", "blocked")


def test_who_opted_out_is_offered_nothing(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))

    bubble = failing(alice, live, "On Monday", 21610)

    expect(bubble.locator(".msg-problem")).to_contain_text("START")
    expect(bubble.locator(".msg-problem").locator("button, a")).to_have_count(0)


def test_after_the_window_the_failed_answer_leads_to_the_templates(
    wrote: House, live: Live, open_as: Open
) -> None:
    sender = Conversation.objects.select_related("thread__sender").get().thread.sender
    _have_templates(sender)
    alice = ready(open_as(wrote.alice, here()))

    bubble = failing(alice, live, "On Monday", 63016)
    first = bubble.locator(".msg-problem .button")
    expect(first).to_have_text("Choose a template")
    expect(bubble.locator("[data-resend]")).to_have_count(0)
    first.click()

    expect(alice.locator("#template-dialog")).to_contain_text("order_update")
