"""Does a person who is erased vanish from the screens on which they are open at that moment?"""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from inbox.forgetting.erasing import ask_erasure
from inbox.models import Contact, Conversation, Erasure
from inbox.setup.persons import person_of
from tests.browser.conftest import Open
from tests.browser.test_every_page import check_page
from tests.conftest import House
from tests.factories import make_user
from tests.live import Live, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MARIA = "+14155550177"
TRACES = ("415-555-0177", "4155550177", "Zanzibar", "zanzibar")


@pytest.fixture
def maria(house: House, live: Live) -> Contact:
    """Maria has written twice, and is known by name."""
    live.carrier.know(live.base_url, house.sender)
    for words in ("My cat is called zanzibar-one", "and zanzibar-two"):
        fields = {"from": MARIA, "to": house.sender.address, "body": words}
        live.carrier.ask("POST", "inbound", **fields)
    until(lambda: Conversation.objects.exists(), within=10, what="it has arrived")
    contact = Contact.objects.get()
    Contact.objects.update(name="Maria Zanzibar", notes="Likes zanzibar-tea", tags=["zanzibar"])
    return contact


def test_who_has_an_erased_person_open_sees_nothing_of_them_any_more(
    house: House, maria: Contact, open_as: Open
) -> None:
    row = Conversation.objects.get()
    here = f"/inbox/support/c/{row.public_id}/"
    alice = open_as(house.alice, here)
    sue = open_as(house.sue, here, viewport={"width": 360, "height": 800})
    for page in (alice, sue):
        expect(page.locator("body[data-ready]")).to_be_attached()
        expect(page.locator("body")).to_contain_text("zanzibar-two")
    alice.locator("#words").fill("I am glad.")
    alice.locator("#send").click()
    expect(sue.locator("body")).to_contain_text("I am glad.")

    erase(maria)

    for page in (alice, sue):
        expect(page.locator("body")).to_contain_text("Erased person")
        expect(page.locator("li.msg-out")).not_to_contain_text("I am glad.")
        left = stale(page)
        assert left == [], left
        settled(page)
        check_page(page, "erased person open")


def settled(page: Page) -> None:
    """Wait until nothing fades or moves any more: what is half there has no contrast."""
    expect(page.locator(".is-leaving")).to_have_count(0)
    page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")


def erase(maria: Contact) -> None:
    """Let the workers erase her, and wait until they have."""
    ada = make_user(maria.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    person = person_of(maria.account, maria.public_id)
    assert person is not None
    ask_erasure(person=person, reason="By letter", by=ada, now=timezone.now())
    forgotten = Erasure.objects.exclude(forgotten_at=None)
    until(forgotten.exists, within=40, what="she is forgotten here")


def stale(page: Page) -> list[str]:
    """Return what of her still stands in the page, seen or not, after a moment to draw it anew."""
    left = [one for one in TRACES if one in page.content()]
    for _again in range(50):
        if not left:
            return []
        page.wait_for_timeout(200)
        left = [one for one in TRACES if one in page.content()]
    html = page.content()
    return [html[max(0, html.index(one) - 120) : html.index(one) + 60] for one in left]
