"""A morning at the help desk: two agents, a supervisor, and two customers with phones."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.models import User
from tests.browser.conftest import Open, watch
from tests.conftest import House
from tests.factories import make_sender
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def desk(house: House, live: Live) -> House:
    """The house on SMS and WhatsApp, known to the carrier."""
    whatsapp = make_sender(
        house.inbox, "whatsapp:+15550100003", twilio_account=house.sender.twilio_account
    )
    live.carrier.know(live.base_url, house.sender, whatsapp)
    return house


@pytest.fixture
def phones(chromium: Browser, live: Live) -> Iterator[Page]:
    """Two phones side by side, as customers hold them."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    problems: list[str] = []
    watch(page, problems)
    page.goto(f"{live.carrier.url}/simulator/")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    yield page
    context.close()
    assert problems == []


def phone(phones: Page, number: int) -> Locator:
    return phones.get_by_role("region", name=f"Phone {number}")


def write(phones: Page, number: int, words: str) -> None:
    box = phone(phones, number).get_by_label("Text", exact=True)
    box.fill(words)
    box.press("Enter")
    expect(phone(phones, number).get_by_text(words)).to_be_visible()


def arrive(open_as: Open, user: User) -> Page:
    page = open_as(user, "/inbox/support/")
    expect(page.locator("body[data-ready]")).to_be_attached()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def row(page: Page, words: str) -> Locator:
    return page.locator("#rows li.row", has_text=words)


def open_by_keys(page: Page, words: str) -> None:
    """Walk up and down the list to a conversation, and open it."""
    expect(row(page, words)).to_be_visible()
    for key in "kkkjjj":
        page.keyboard.press(key)
        if words in page.evaluate("document.activeElement.closest('.row')?.textContent ?? ''"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#timeline li.msg-in", has_text=words)).to_be_visible()


def answer_by_keys(page: Page, words: str) -> None:
    page.keyboard.press("r")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    sent = page.locator("li.msg-out", has_text=words)
    expect(sent.locator(".tick-words")).to_have_text(re.compile("Delivered|Read"))
    # Out of the box, so that single keys are commands again.
    page.keyboard.press("Escape")


def test_a_morning_at_the_help_desk(desk: House, live: Live, phones: Page, open_as: Open) -> None:
    alice, bob, sue = (arrive(open_as, user) for user in (desk.alice, desk.bob, desk.sue))

    # Both customers write; all three see it.
    write(phones, 1, "Is my order on its way?")
    write(phones, 2, "Are you open on Sunday?")
    for page in (alice, bob, sue):
        expect(row(page, "Is my order")).to_be_visible()
        expect(row(page, "Are you open")).to_be_visible()

    # Alice takes the first and answers, by keyboard alone; Bob loses sight of it, Sue does not.
    open_by_keys(alice, "Is my order")
    alice.keyboard.press("c")
    expect(alice.locator("#header")).to_contain_text("Alice")
    expect(row(bob, "Is my order")).to_have_count(0)
    answer_by_keys(alice, "It left this morning.")
    expect(phone(phones, 1).get_by_text("It left this morning.")).to_be_visible()
    expect(row(sue, "It left this morning")).to_contain_text("Alice")

    # Bob takes the second and gives it to Alice with a note: hers to see, not his.
    open_by_keys(bob, "Are you open")
    bob.keyboard.press("c")
    expect(bob.locator("#header")).to_contain_text("Bob")
    expect(row(alice, "Are you open")).to_have_count(0)
    bob.keyboard.press("a")
    dialog = bob.locator("#transfer-dialog")
    dialog.get_by_role("radio", name=re.compile("Alice")).check()
    dialog.locator("[name=note]").fill("She knows the hours of December")
    dialog.get_by_role("button", name="Transfer").click()
    expect(row(bob, "Are you open")).to_have_count(0)
    expect(row(alice, "Are you open")).to_be_visible()
    open_by_keys(alice, "Are you open")
    expect(alice.locator("#handover")).to_contain_text("She knows the hours of December")
    answer_by_keys(alice, "Yes, from ten to four.")
    expect(phone(phones, 2).get_by_text("Yes, from ten to four.")).to_be_visible()

    # Sue takes the first over, and says why; Alice reads on and may not answer.
    row(sue, "It left this morning").locator("a").click()
    sue.locator("#banner").get_by_role("button", name="Take over").click()
    sue.locator("#take-over-menu [name=reason]").fill("Alice has a call")
    sue.locator("#take-over-menu").get_by_role("button", name="Take over").click()
    expect(sue.locator("#header")).to_contain_text("Sue")
    write(phones, 1, "Wonderful, thank you!")
    expect(sue.locator("#timeline li.msg-in", has_text="Wonderful")).to_be_visible()
    open_by_keys(alice, "Wonderful")
    expect(alice.locator("#composer")).to_have_attribute("data-state", "readonly")

    # Sue closes it, takes that back, and closes it again; the customer's next words open it anew.
    answer = sue.locator("#words")
    answer.fill("You are welcome.")
    answer.press("Control+Shift+Enter")
    closed = sue.locator("#toasts > *", has_text="Closed for everybody.")
    expect(closed).to_be_visible()
    expect(row(sue, "You are welcome")).to_have_count(0, timeout=10_000)
    closed.get_by_role("button", name="Undo").click()
    expect(row(sue, "You are welcome")).to_be_visible()
    sue.locator("#close-button").click()
    sue.locator("#close-menu").get_by_role("button", name="Close", exact=True).click()
    expect(row(sue, "You are welcome")).to_have_count(0, timeout=10_000)
    write(phones, 1, "One more thing: can I change the colour?")
    expect(row(sue, "change the colour")).to_be_visible()

    # And who has had enough says so once.
    phone(phones, 1).get_by_role("button", name="STOP").click()
    expect(sue.locator("body")).to_contain_text("START")
    expect(sue.locator("#words")).not_to_be_visible()
