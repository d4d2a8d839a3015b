"""Does an agent see what a customer may have asked, decide it, and learn why a message waits?"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from compliance.models import CompliancePolicy, Consent
from inbox.models import Contact, Conversation, Message, Sender, Thread, WhatsAppTemplate
from inbox.twilio.simulator.content import TEMPLATES
from tests.browser.conftest import Open
from tests.browser.test_composer import MARIA, answer, here, ready, say
from tests.browser.test_every_page import WIDTHS, check_page
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.factories import make_sender
from tests.live import Live, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DOUBT = "ya basta con los mensajes"
OFFER = "Acme: 20% off all week. Reply STOP to opt out."


@pytest.fixture
def shop(house: House, live: Live) -> House:
    """The house, known to the carrier; Maria has written to it."""
    live.carrier.know(live.base_url, house.sender)
    say(live, house, "¿Está listo mi pedido?")
    until(lambda: Conversation.objects.exists(), within=10, what="it has arrived")
    return house


def _states() -> list[Any]:
    return list(Consent.objects.values_list("state", flat=True))


def test_a_doubt_in_spanish_is_shown_at_once_and_decided_by_a_person(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))

    say(live, shop, DOUBT)
    banner = alice.locator("#banner")
    expect(banner).to_contain_text("may be a request to stop", timeout=15_000)
    stop = banner.get_by_role("button", name="They want to stop")
    stop.focus()
    alice.keyboard.press("Enter")

    expect(banner).to_contain_text("They opted out", timeout=15_000)
    expect(alice.locator("#composer-off")).to_be_visible()
    until(lambda: _states() == ["opted_out"], within=10, what="they are opted out")
    # Within five minutes: the one confirmation that is allowed goes out, in our name.
    expect(alice.locator("li.msg-auto", has_text="Acme: ")).to_have_count(1)


def test_a_doubt_is_no_request_for_a_reason(shop: House, live: Live, open_as: Open) -> None:
    say(live, shop, DOUBT)
    until(lambda: _states() == ["held"], within=10, what="it is held")
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#banner").get_by_role("button", name="They do not").click()
    alice.get_by_label("Why? This is kept as evidence.").fill("She means the other shop")
    alice.keyboard.press("Enter")

    expect(alice.locator("#banner")).not_to_contain_text("request to stop", timeout=15_000)
    until(lambda: _states() == ["conversational"], within=10, what="the hold is lifted")


def test_who_answers_meanwhile_is_asked_why(shop: House, live: Live, open_as: Open) -> None:
    say(live, shop, DOUBT)
    until(lambda: _states() == ["held"], within=10, what="it is held")
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#words").fill("Do you mean us?")
    alice.locator("#words").press("Enter")
    dialog = alice.locator("#ask-go-on")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Do you mean us?")
    dialog.get_by_label("Why? Your name").fill("She asked me to ask")
    dialog.get_by_role("button", name="Send it").click()

    bubble = alice.locator("li.msg-out", has_text="Do you mean us?")
    expect(bubble.locator(".tick-words")).to_contain_text("Delivered", timeout=30_000)
    sent = Message.objects.get(direction="out")
    assert sent.details["went_on"]["reason"] == "She asked me to ask"


def test_who_does_not_go_on_keeps_their_words(shop: House, live: Live, open_as: Open) -> None:
    say(live, shop, DOUBT)
    until(lambda: _states() == ["held"], within=10, what="it is held")
    alice = ready(open_as(shop.alice, here()))

    answer(alice, "Do you mean us?")
    alice.locator("#ask-go-on").get_by_role("button", name="Do not send").click()

    expect(alice.locator("#words")).to_have_value("Do you mean us?")
    assert not Message.objects.filter(direction="out").exists()


def test_an_offer_at_half_past_nine_in_the_evening_says_when_it_will_go(
    shop: House, live: Live, open_as: Open
) -> None:
    tell(shop.account, proof(), at=datetime.now(UTC))
    Contact.objects.update(attributes={"time_zone": _where_it_is_nine_in_the_evening()})
    alice = ready(open_as(shop.alice, here()))

    _send_as(alice, OFFER, "Send as an offer")

    bubble = alice.locator("li.msg-out", has_text="20% off")
    expect(bubble.locator(".msg-waits")).to_contain_text("Will go at", timeout=15_000)
    expect(bubble.locator(".msg-waits")).to_contain_text(re.compile(r"It is 2[12]:"))
    bubble.hover()
    bubble.get_by_role("link", name="Why sent?").click()
    expect(alice.get_by_role("heading", name="Why was this sent?")).to_be_visible()
    expect(alice.locator("main")).to_contain_text("QUIET_HOURS")
    expect(alice.locator("main")).to_contain_text("not legal advice")
    assert Message.objects.get(direction="out").status == "queued"


@pytest.fixture
def evening(shop: House) -> House:
    """It is past nine in the evening where Maria is; later answers go there from eight on."""
    Contact.objects.update(attributes={"time_zone": _where_it_is_nine_in_the_evening()})
    CompliancePolicy.objects.create(
        account=shop.account,
        reply_free_hours=0,
        reply_window="mon-sun=08:00-20:00",
        changed_by=shop.sue,
        changed_at=datetime.now(UTC),
    )
    return shop


@pytest.mark.parametrize("width", WIDTHS)
def test_who_is_asked_because_of_the_hour_lets_it_go_at_eight_there(
    evening: House, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    alice = open_as(evening.alice, here(), **look)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    expect(alice.locator("#banner")).to_contain_text(re.compile(r"08:00 there.*send from \S"))
    check_page(alice, "outside of the hours")

    answer(alice, "It is ready.")
    dialog = alice.locator("#ask-go-on")
    expect(dialog).to_be_visible()
    check_page(alice, "asked because of the hour")
    expect(dialog.get_by_role("button", name="Do not send")).to_be_focused()
    alice.keyboard.press("Tab")
    later = dialog.get_by_role("button", name=re.compile(r"Schedule for .*\d"))
    expect(later).to_be_focused()
    alice.keyboard.press("Enter")

    expect(alice.locator("li.msg-out .msg-waits")).to_contain_text("unless they write first")
    expect(alice.locator("li.msg-out")).to_have_count(1)
    expect(alice.locator("#words")).to_have_value("")
    expect(alice.locator("#words")).to_be_focused()
    message = Message.objects.get(direction="out")
    assert (message.body, message.status, message.error_code) == (
        *("It is ready.", "queued"),
        "SCHEDULED",
    )
    assert message.not_before is not None
    zone = ZoneInfo(Contact.objects.get().attributes["time_zone"])
    there = message.not_before.astimezone(zone)
    assert (there.hour, there.minute) == (8, 0)


def test_the_banner_sends_what_is_written_at_that_moment(evening: House, open_as: Open) -> None:
    alice = ready(open_as(evening.alice, here()))
    then = alice.locator("#banner").get_by_role("button", name="Send then")

    then.press("Enter")
    expect(alice.locator("#words")).to_be_focused()
    expect(alice.locator("#speaker")).to_have_text("Write your message first.")
    alice.locator("#words").fill("It is ready.")
    then.press("Enter")

    expect(alice.locator("li.msg-out .msg-waits")).to_contain_text("unless they write first")
    expect(alice.locator("#words")).to_have_value("")
    assert Message.objects.get(direction="out").error_code == "SCHEDULED"


def test_enter_in_the_reason_sends_it_all_the_same(evening: House, open_as: Open) -> None:
    alice = ready(open_as(evening.alice, here()))

    answer(alice, "It is ready.")
    reason = alice.get_by_label("Why? Your name")
    reason.fill("She waits at the door")
    reason.press("Enter")

    bubble = alice.locator("li.msg-out", has_text="It is ready.")
    expect(bubble.locator(".tick-words")).to_contain_text("Delivered", timeout=30_000)
    sent = Message.objects.get(direction="out")
    assert sent.details["went_on"]["reason"] == "She waits at the door"


def _send_as(page: Page, words: str, how: str) -> None:
    page.locator("#words").fill(words)
    page.get_by_role("button", name="More ways to send").click()
    page.get_by_role("button", name=how).click()


def _where_it_is_nine_in_the_evening() -> str:
    """Return a zone in which it is between nine and ten in the evening now."""
    ahead = (21 - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def test_an_offer_without_consent_is_refused_in_words(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))

    _send_as(alice, OFFER, "Send as an offer")

    bubble = alice.locator("li.msg-out", has_text="20% off")
    expect(bubble).to_contain_text("offers need express consent in writing", timeout=15_000)
    assert not Message.objects.filter(direction="out").exists()
    assert MARIA not in bubble.inner_text()


def test_after_whatsapp_s_24_hours_a_template_is_chosen_filled_in_and_sent(
    house: House, live: Live, open_as: Open
) -> None:
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    live.carrier.know(live.base_url, whatsapp)
    her = {"from": f"whatsapp:{MARIA}", "to": whatsapp.address, "body": "Hello"}
    live.carrier.ask("POST", "inbound", **her)
    until(lambda: Conversation.objects.exists(), within=10, what="it has arrived")
    yesterday = datetime.now(UTC) - timedelta(hours=25)
    Thread.objects.update(last_inbound_at=yesterday, last_words_at=yesterday)
    _have_templates(whatsapp)
    alice = ready(open_as(house.alice, here()))

    alice.locator("#banner").get_by_role("link", name="Choose a template").click()
    dialog = alice.locator("#template-dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_text("order_update").click()
    form = dialog.locator("form", has_text="your order")
    for name, value in (("1", "Maria"), ("2", "A-7"), ("3", "today")):
        form.locator(f"input[name=value_{name}]").fill(value)
    form.get_by_role("button", name="Send this template").click()

    bubble = alice.locator("li.msg-out", has_text="your order A-7 has left our warehouse")
    expect(bubble.locator(".tick-words")).to_contain_text("Delivered", timeout=30_000)
    expect(dialog).to_be_hidden()


def _have_templates(sender: Sender) -> None:
    for one in TEMPLATES:
        # A worker beside us may have asked for them first.
        WhatsAppTemplate.objects.update_or_create(
            twilio_account=sender.twilio_account,
            content_sid=one.sid_for(sender.twilio_account.account_sid),
            defaults={
                "account": sender.account,
                "name": one.name,
                "language": one.language,
                "category": one.category,
                "body": one.body,
                "variables": dict(one.variables),
                "status": one.status,
                "provider_status": one.status,
                "synced_at": datetime.now(UTC),
            },
        )
