"""Does who is in an account for support see it, show nothing of themselves, and go at once?"""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from accounts.support import ask_for_support
from inbox.models import ReadCursor
from tests.browser.conftest import Open
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_user
from tests.live import Live
from tests.twilio import text_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WITHIN_MS = 9_000  # the watch over sockets looks every five seconds


@pytest.fixture
def pat(house: House) -> User:
    return User.objects.create(
        email="pat@example.com",
        name="Pat Partner",
        role="partner",
        partner=house.account.partner,
        is_staff=True,
    )


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)


def enter(house: House, user: User) -> None:
    now = timezone.now()
    ask_for_support(
        account=house.account,
        user=user,
        reason="Ticket 77: their hours look wrong",
        ends_at=now + timedelta(hours=1),
        now=now,
    )


def test_support_reads_unseen_and_is_out_within_seconds(
    live: Live, house: House, client: Client, open_as: Open, pat: User, ada: User
) -> None:
    message = text_in(client, house.sender, "+14155550101", "Is the blue one there?")
    assert message.conversation is not None
    here = f"/inbox/support/c/{message.conversation.public_id}/"
    enter(house, pat)

    support = open_as(pat, here)
    agent = open_as(house.alice, here)
    expect(support.locator("#timeline")).to_contain_text("Is the blue one there?")
    expect(support.locator(".support-banner")).to_contain_text("You are in Acme for support")
    expect(support.locator("#composer")).to_have_count(0)
    expect(agent.locator(".support-banner")).to_contain_text("Pat Partner")
    expect(agent.locator(".support-banner")).to_contain_text("Ticket 77")
    agent.wait_for_timeout(3_000)  # whoever is there would be shown by now
    expect(agent.locator("#viewers")).not_to_contain_text("Pat")
    assert not ReadCursor.objects.filter(user=pat).exists()

    admin = open_as(ada, "/settings/support/")
    admin.get_by_role("button", name="End Pat Partner’s access").click()
    expect(admin.locator("body")).to_contain_text("Pat Partner is out.")

    support.wait_for_url("**/admin/", timeout=WITHIN_MS)
    expect(support.locator("body")).not_to_contain_text("Is the blue one there?")


def test_pages_that_are_open_already_tell_who_came_and_who_left(
    live: Live, house: House, open_as: Open, pat: User, ada: User
) -> None:
    agent = open_as(house.alice, "/inbox/support/")
    admin = open_as(ada, "/settings/")
    for page in (agent, admin):
        expect(page.locator("#support")).to_be_empty()

    enter(house, pat)

    for page in (agent, admin):
        banner = page.locator(".support-banner")
        expect(banner).to_contain_text("Ticket 77", timeout=WITHIN_MS)
    support = open_as(pat, "/settings/features/")
    expect(support.locator(".support-banner")).to_contain_text("You are in Acme")
    admin.get_by_role("button", name="End it now").click()
    expect(admin.locator("body")).to_contain_text("Pat Partner is out.")

    support.wait_for_url("**/admin/", timeout=WITHIN_MS)
    expect(agent.locator("#support")).to_be_empty(timeout=WITHIN_MS)


@pytest.mark.parametrize("width", WIDTHS)
def test_its_pages_are_accessible(
    live: Live,
    house: House,
    client: Client,
    open_as: Open,
    pat: User,
    ada: User,
    width: int,
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    message = text_in(client, house.sender, "+14155550101", "Is the blue one there?")
    assert message.conversation is not None
    here = f"/inbox/support/c/{message.conversation.public_id}/"
    enter(house, pat)

    for name, user, path in (
        ("support reads", pat, here),
        ("support list", pat, "/inbox/support/"),
        ("support in settings", pat, "/settings/"),
        ("supported agent", house.alice, here),
        ("support of an account", ada, "/settings/support/"),
    ):
        page = open_as(user, path, **look)
        check_page(page, name)
        page.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_fleet_and_a_transcript_are_accessible(
    live: Live, house: House, client: Client, open_as: Open, pat: User, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    message = text_in(client, house.sender, "+14155550101", "Is the blue one there?")
    audrey = make_user(house.account, "Audrey", works_as=User.Role.AUDITOR, is_licensed=False)
    pk = message.conversation_id

    for name, user, path in (
        ("admin of a partner", pat, "/admin/"),
        ("fleet", pat, "/admin/fleet/"),
        ("admin of an auditor", audrey, "/admin/"),
        ("transcript", audrey, f"/admin/inbox/conversation/{pk}/transcript/"),
    ):
        page = open_as(user, path, **look)
        check_page(page, name)
        page.close()
