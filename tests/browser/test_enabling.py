"""From a partner's click to a customer's message and back: does every door open and close?"""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account, FeatureGrant, LicensePool, Partner, Team, User
from inbox.models import Conversation, Sender
from tests.browser.conftest import Open
from tests.factories import LONG_AGO, make_twilio_account, make_user
from tests.live import Live, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SID, TOKEN = "AC" + "a" * 32, "1" * 32
NUMBER, PHONE = "+14155550188", "+12025550142"
WITHIN_MS = 9_000  # the watch over sockets looks every five seconds


def test_an_account_is_enabled_worked_in_and_a_licence_taken_away(
    live: Live, open_as: Open
) -> None:
    partner = Partner.objects.create(name="Northwind")
    account = Account.objects.create(partner=partner, name="Fresh")
    LicensePool.objects.create(account=account, seats=2, starts_at=LONG_AGO)
    make_twilio_account(account, SID, auth_token=TOKEN)
    team = Team.objects.create(account=account, name="Sales")
    pat = User.objects.create_user(
        "pat@example.com", name="Pat", role="partner", partner=partner, is_staff=True
    )
    ada = make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)
    sam = make_user(account, "Sam", team=team, is_licensed=False)
    live.carrier.ask(
        "POST",
        "config",
        accounts=[{"account_sid": SID, "auth_token": TOKEN}],
        senders=[{"account_sid": SID, "address": NUMBER, "webhook_url": "https://old.example/sms"}],
    )

    agent = open_as(sam)
    expect(agent.locator("h1")).to_have_text("Team Inbox is not switched on")
    _enable(open_as(pat, "/admin/accounts/featuregrant/add/"))
    _turn_on(open_as(ada, f"/settings/teams/{team.pk}/turn-on/?check=1"))
    agent.reload()
    expect(agent.locator("h1")).to_have_text("You need a Pro-CX licence")
    admin = open_as(ada, "/settings/licences/")
    _assign(admin)
    agent.goto("/inbox/sales/")
    expect(agent.locator("#connection")).to_contain_text("Live")

    _text(live, "Is it still there?")
    expect(agent.locator("#rows")).to_contain_text("Is it still there?")
    agent.locator("#rows a").first.click()
    expect(agent.locator("#timeline")).to_contain_text("Is it still there?")
    agent.locator("#desk").get_by_role("button", name="Claim").click()
    until(lambda: Conversation.objects.filter(owner=sam).exists(), within=5, what="Sam has it")

    _take_away(admin)

    expect(agent.locator("h1")).to_have_text("You need a Pro-CX licence", timeout=WITHIN_MS)
    expect(agent.locator("body")).not_to_contain_text("Is it still there?")
    conversation = Conversation.objects.get()
    assert (conversation.owner, conversation.last_owner) == (None, sam)
    assert conversation.waiting_since is not None
    assert FeatureGrant.objects.get().granted_by == pat
    assert Sender.objects.get().inbox.team == team


def _enable(page: Page) -> None:
    page.locator(".field-account .select2-selection").click()
    page.locator(".select2-search__field").fill("Fre")
    page.get_by_role("option", name="Fresh").click()
    page.locator("#id_feature").select_option("team_inbox")
    page.locator("#id_reason").fill("They signed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def _turn_on(page: Page) -> None:
    page.get_by_label(NUMBER).check()
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator(".notices")).to_contain_text("Sales is on.")


def _assign(page: Page) -> None:
    page.get_by_label("Sam").check()
    page.get_by_role("button", name="Give them seats").click()
    expect(page.locator(".notices")).to_be_visible()


def _take_away(page: Page) -> None:
    page.get_by_role("link", name="Take Sam’s seat away").click()
    expect(page.locator(".preview")).to_contain_text("Sam")
    page.get_by_label("Why?").fill("They moved on")
    page.get_by_role("button", name="Take the seat away").click()
    expect(page.locator(".notices")).to_be_visible()


def _text(live: Live, body: str) -> None:
    live.carrier.ask("POST", "inbound", **{"from": PHONE, "to": NUMBER, "body": body})
