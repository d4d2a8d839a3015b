"""Can people read, settle and see how customers are asked for consent, in every light and width?"""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import FilePayload, Page, expect

from accounts.models import User
from compliance.evidence import OptOutScope
from compliance.models import ConsentEvent
from inbox.models import ConsentQuestion, Conversation, Message, Sender
from inbox.said_elsewhere import note_opt_in
from tests.browser.conftest import Open
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_sender, make_user
from tests.flows.test_double_opt_in import settle_asking
from tests.flows.test_together import MARIA, Stage
from tests.live import Live, until


@pytest.fixture
def stage(house: House, client: Client) -> Stage:
    """Maria wrote four hours ago."""
    return Stage(house, client, timezone.now() - timedelta(hours=4))


PAGE = "/settings/compliance/asking/"


@pytest.mark.parametrize("width", WIDTHS)
def test_how_people_are_asked_is_settled_and_mistakes_stay_on_the_page(
    stage: Stage, open_as: Open, width: int
) -> None:
    ada = make_user(stage.house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(ada, PAGE, **look)

    page.get_by_label("Ask people to confirm an opt-in (double opt-in)").check()
    page.get_by_label("An opt-out counts for").select_option(OptOutScope.EVERY.value)
    page.get_by_label("Ask after an opt-out which programme they keep").check()
    page.get_by_label("Programme 1").fill("Reminders")
    page.get_by_label("The question whether they consent").fill("Do you consent?")
    page.get_by_role("button", name="Save").click()

    expect(page.locator(".error-summary")).to_contain_text("Name two programmes at least")
    expect(page.get_by_label("Programme 1")).to_have_value("Reminders")
    check_page(page, "asking with mistakes")
    page.get_by_label("Programme 2").fill("Offers")
    page.get_by_label("The question whether they consent").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notices")).to_contain_text("It holds from now on")
    check_page(page, "asking settled")


@pytest.mark.parametrize("width", WIDTHS)
def test_agents_see_who_is_asked_to_confirm_and_until_when(
    stage: Stage, open_as: Open, width: int
) -> None:
    house = stage.house
    settle_asking(house.account, house.sue, stage.now, confirms=True)
    look = {"viewport": {"width": width, "height": 800}}
    stage.now += timedelta(hours=3)
    stage.do(note_opt_in, house.alice, way="phone", told="May we text you offers?")

    page = open_as(house.alice, f"/c/{stage.row.public_id}/panel/", **look)
    expect(page.locator("body")).to_contain_text("Asked to confirm, until")
    check_page(page, "asked to confirm")


@pytest.mark.parametrize("width", WIDTHS)
def test_who_opted_out_and_kept_a_programme_gets_notices_of_it_only(
    house: House, live: Live, open_as: Open, width: int
) -> None:
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    look = {"viewport": {"width": width, "height": 800}}
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    live.carrier.know(live.base_url, whatsapp)
    _settle(open_as(ada, PAGE, **look))
    _write(live, whatsapp, "Where is my parcel?")
    _write(live, whatsapp, "STOP")
    asks = Message.objects.filter(purpose="optout_confirmation", status="delivered")
    until(asks.exists, within=20, what="they were asked which programme they keep")
    _write(live, whatsapp, "2")
    kept = ConsentQuestion.objects.filter(outcome="kept")
    until(kept.exists, within=20, what="they kept one")

    row = Conversation.objects.get()
    page = open_as(house.alice, f"/inbox/support/c/{row.public_id}/", **look)
    banner = page.locator("#banner")
    expect(banner).to_have_attribute("data-kind", "kept")
    expect(banner).to_contain_text("They opted out and kept “Deliveries”")
    expect(page.locator("#words")).to_be_enabled()
    check_page(page, "opted out and kept")
    page.locator("#words").fill("Your parcel comes at five.")
    page.locator("#send").click()

    bubble = page.locator("li.msg-out", has_text="Your parcel comes at five.")
    expect(bubble.locator(".tick-words")).to_contain_text("Delivered", timeout=30_000)
    sent = Message.objects.get(body="Your parcel comes at five.")
    assert (sent.purpose, sent.details["programme"]) == ("notification", "deliveries")


def _settle(page: Page) -> None:
    """Let an admin have people asked which programme they keep."""
    page.get_by_label("Ask after an opt-out which programme they keep").check()
    page.get_by_label("Programme 1").fill("Reminders")
    page.get_by_label("Programme 2").fill("Deliveries")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notices")).to_contain_text("It holds from now on")
    page.close()


def _write(live: Live, to: Sender, body: str) -> None:
    """Let Maria write by WhatsApp, and wait until it is taken in."""
    before = Message.objects.filter(direction="in").count()
    live.carrier.ask("POST", "inbound", **{"from": f"whatsapp:{MARIA}"}, to=to.address, body=body)
    arrived = Message.objects.filter(direction="in")
    until(lambda: arrived.count() > before, within=10, what=f"“{body}” has arrived")


@pytest.mark.parametrize("width", WIDTHS)
def test_an_agent_attaches_what_a_customer_signed(stage: Stage, open_as: Open, width: int) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(stage.house.alice, f"/c/{stage.row.public_id}/panel/", **look)
    expect(page.locator("body[data-ready]")).to_be_attached()
    page.locator("summary", has_text="They agreed elsewhere").click()
    form = page.locator("form", has=page.get_by_role("button", name="Note that they agreed"))
    form.get_by_label("How?").select_option("letter")
    form.get_by_label("What were they told?").fill("May we text you offers?")
    form.get_by_label("Link to a proof").fill("https://files.example/4711")
    form.get_by_label("Or the file itself").set_input_files(
        FilePayload(name="signed.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7")
    )
    form.get_by_label("They signed it or wrote it themselves").check()
    check_page(page, "opt-in with proof")
    form.get_by_role("button", name="Note that they agreed").click()

    expect(page.locator("#panel .way-facts", has_text="Opted in")).to_be_visible()
    event = ConsentEvent.objects.get()
    assert (event.source, event.basis, event.quality) == ("paper", "express_written", "first_hand")
    assert (event.file_sha256[:8], event.personal.page_url) == (
        sha256(b"%PDF-1.7").hexdigest()[:8],
        "https://files.example/4711",
    )
