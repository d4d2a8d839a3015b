"""An admin writes "premium customers to Anna, then Bo after 5 minutes", and a phone proves it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import Feature, FeatureGrant, User
from inbox.models import Contact, EscalationTimer
from tests.browser.conftest import Open
from tests.conftest import House
from tests.factories import LONG_AGO, make_policy, make_user
from tests.flows.test_routing import _close, row_of
from tests.live import Live
from tests.twilio import text_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HERE = "/settings/inboxes/support/rules/"
MARIA = "+14155550100"


@pytest.fixture
def shop(house: House, client: Client, live: Live) -> House:
    """A house that the carrier knows, where Maria wrote before and is premium since."""
    FeatureGrant.objects.create(
        account=house.account, feature=Feature.CUSTOM_ROUTING, starts_at=LONG_AGO
    )
    live.carrier.know(live.base_url, house.sender)
    _close(house, row_of(text_in(client, house.sender, MARIA)), by=house.sue)
    Contact.objects.update(tags=["premium"])
    house.inbox.reopen_hours = 0
    house.inbox.save()
    return house


def pick(field: Locator, words: str) -> None:
    """Choose the option that begins with these words."""
    field.select_option(field.locator("option", has_text=words).first.get_attribute("value"))


def write_rule(page: Page, anna: User) -> None:
    page.get_by_label("What the rule is called").fill("Premium customers")
    pick(page.get_by_label("Condition to add"), "The customer's tags")
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("The customer's tags: what it is").fill("premium")
    pick(page.get_by_label("Step to add"), "These people")
    page.get_by_role("button", name="Add a step").click()
    page.locator("#s0-person").fill(anna.email)
    page.locator("#s0-person").press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Anna")).to_be_checked()
    page.locator("#escalation").select_option("Then Bo")
    page.get_by_role("button", name="Save in the draft").click()
    page.wait_for_url("**/rules/#rule-*")


def try_it(page: Page) -> None:
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("What the customer writes").fill("Hello")
    page.get_by_text("More about the message and its customer").click()
    page.get_by_label("Their tags, with commas between").fill("premium")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#result")).to_contain_text("Anna")
    expect(page.locator("#result")).to_contain_text("Step 1: Bo is added")


def publish(page: Page) -> None:
    page.goto(HERE)
    page.get_by_role("link", name="Look at them and publish").click()
    page.get_by_label("Why").fill("For our best")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("main")).to_contain_text("Version 1 holds from now on.")


def test_premium_customers_to_anna_then_bo_after_5_minutes(
    shop: House, live: Live, open_as: Open
) -> None:
    ada = make_user(shop.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    anna = make_user(shop.account, "Anna", team=shop.inbox.team)
    bo = make_user(shop.account, "Bo", team=shop.inbox.team)
    make_policy(shop.inbox, {"after": 5, "to": [{"users": [bo.pk]}]}, name="Then Bo")
    shop.inbox.escalation = None
    shop.inbox.save()
    page = open_as(ada, f"{HERE}rule/")

    write_rule(page, anna)
    try_it(page)
    publish(page)

    hers, his = open_as(anna), open_as(bo)
    row: dict[str, Any] = {"has_text": "My parcel is late"}
    live.carrier.ask(
        "POST",
        "inbound",
        **{"from": MARIA, "to": shop.sender.address, "body": "My parcel is late"},
    )
    expect(hers.locator("li.row", **row)).to_be_visible()
    expect(his.locator("li.row", **row)).to_have_count(0)

    # Five minutes pass.
    [timer] = EscalationTimer.objects.filter(step=1)
    assert timer.due_at is not None
    timer.due_at = timer.next_at = timezone.now()
    timer.save()
    expect(his.locator("li.row", **row)).to_be_visible()
    his.locator("li.row", **row).locator("a").click()
    expect(his.locator("li.msg-in", has_text="My parcel is late")).to_be_visible()
    expect(hers.locator("li.row", **row)).to_be_visible()
