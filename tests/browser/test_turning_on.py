"""Can an admin turn an inbox on and send a test by keyboard alone, while Twilio is really asked?"""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from inbox.models import Conversation, Message, Sender, TeamInbox
from inbox.status_urls import webhook_url
from tests.browser.conftest import Open
from tests.browser.keyboard import follow, go_to, press
from tests.factories import make_account, make_user
from tests.live import Live, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SID, TOKEN = "AC" + "a" * 32, "1" * 32
NUMBER, PHONE = "+14155550188", "+12025550142"
OLD = "https://old.example/sms"
THREE_MINUTES = timedelta(minutes=3)


def test_from_nothing_to_a_test_message_by_keyboard_alone(live: Live, open_as: Open) -> None:
    account = make_account("Fresh", deployment="byo_twilio")
    team = Team.objects.create(account=account, name="Sales")
    sam = make_user(account, "Sam", team=team)
    ada = make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)
    live.carrier.ask(
        "POST",
        "config",
        accounts=[{"account_sid": SID, "auth_token": TOKEN}],
        senders=[{"account_sid": SID, "address": NUMBER, "webhook_url": OLD}],
        settings={"sent_delay": 0.05, "delivered_delay": 0.1},
    )
    page = open_as(ada, "/")
    began = time.monotonic()

    expect(page.locator("h1")).to_have_text("Account")
    _connect(page)
    press(page, "Account")
    press(page, "Turn on Sales")
    expect(page.locator("#checks-live")).to_contain_text("Twilio accepts our credentials")
    go_to(page, NUMBER)
    page.keyboard.press("Space")
    go_to(page, "Automatic first reply")
    page.keyboard.press("ArrowDown")
    go_to(page, "Text of the first reply")
    page.keyboard.type("Hi! Somebody answers you soon.")
    press(page, "Turn on")
    expect(page.locator(".notices")).to_contain_text("Sales is on.")
    expect(page.locator("#checks-live")).to_contain_text("Everything is ready.")
    go_to(page, "Your phone")
    page.keyboard.type(PHONE)
    follow(page)
    expect(page.locator("#test")).to_contain_text("It arrived.")

    assert time.monotonic() - began < THREE_MINUTES.total_seconds()
    inbox, sender = TeamInbox.objects.get(team=team), Sender.objects.get()
    assert (inbox.replies["first_message"]["when"], inbox.is_on) == ("ever", True)
    assert Message.objects.get().status == "delivered"
    _answer(live, open_as, sam, sender)


def _connect(page: Page) -> None:
    """Type a wrong token first, as people do."""
    press(page, "Connection")
    go_to(page, "Account SID")
    page.keyboard.type(SID)
    go_to(page, "Auth token")
    page.keyboard.type("0" * 32)
    follow(page)
    expect(page.get_by_role("alert")).to_contain_text("Twilio does not accept this SID")
    expect(page.get_by_role("alert")).to_be_focused()
    go_to(page, "Auth token")
    go_to(page, "Auth token")
    page.keyboard.type(TOKEN)
    follow(page)
    expect(page.locator(".notices")).to_contain_text("Your Twilio is connected.")


def _answer(live: Live, open_as: Open, sam: User, sender: Sender) -> None:
    """The admin answers from their phone, and Sam sees it."""
    live.carrier.ask("POST", "inbound", **{"from": PHONE, "to": NUMBER, "body": "It works!"})
    until(lambda: Conversation.objects.exists(), within=10, what="the answer came in")
    page = open_as(sam, "/inbox/sales/")

    expect(page.locator("#list")).to_contain_text("It works!")
    assert webhook_url(sender).startswith("http")
    assert sender.created_at <= timezone.now()
