"""Does an admin give a program its key, and bring a whole inbox in, with the keyboard alone?"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import urllib3
from playwright.sync_api import expect

from accounts.models import User
from routing.models import Rulebook
from tests.browser.conftest import Open
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_user
from tests.inbox.test_one_document import whole
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_key_is_made_shown_once_and_opens_the_api(
    house: House, ada: User, live: Live, open_as: Open, width: int
) -> None:
    look: dict[str, Any] = {"viewport": {"width": width, "height": 800}}
    page = open_as(ada, "/settings/api-keys/", **look)

    page.get_by_role("button", name="Make the key").press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    check_page(page, "key without a name")
    page.get_by_label("Which program has it").fill("Deployment")
    page.get_by_label("It may change settings").press("Space")
    page.get_by_label("Which program has it").press("Enter")
    expect(page.locator(".secret-once")).to_be_focused()
    secret = page.get_by_label("Key", exact=True).input_value()
    check_page(page, "key shown once")
    page.goto(page.url)
    assert secret not in page.content()

    answer = urllib3.request(
        "GET",
        f"{live.base_url}/api/v1/inboxes/{house.inbox.public_id}/document/",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert answer.status == 200
    assert answer.json()["document"]["inbox"] == house.inbox.name
    page.reload()
    expect(page.locator("main")).to_contain_text(re.compile("last used"))
    page.get_by_role("link", name="Revoke Deployment").press("Enter")
    page.get_by_role("button", name="Revoke").press("Enter")
    expect(page.locator(".notices")).to_contain_text("is revoked")
    check_page(page, "revoked key")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_document_is_checked_then_taken_in(
    house: House, ada: User, live: Live, open_as: Open, width: int
) -> None:
    look: dict[str, Any] = {"viewport": {"width": width, "height": 800}}
    page = open_as(ada, "/settings/inboxes/support/document/", **look)
    box = page.get_by_label("Or paste what it contains")

    box.fill(json.dumps({"hours": {"name": "X", "time_zone": "Mars"}}))
    page.get_by_role("button", name="Check it").press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    check_page(page, "document refused")
    assert "Mars" in page.get_by_label("Or paste what it contains").input_value()
    document = whole(house)
    document["rules"]["rules"][0]["then"]["to"][0]["people"] = [house.alice.email]
    page.get_by_label("Or paste what it contains").fill(json.dumps(document, indent=2))
    page.get_by_role("button", name="Check it").press("Enter")
    expect(page.get_by_role("heading", name="This would change")).to_be_visible()
    check_page(page, "document checked")
    page.get_by_role("button", name="Take it in").press("Enter")
    expect(page.locator(".notices")).to_contain_text("The document is taken in.")
    assert Rulebook.objects.get(account=house.account).draft["rules"][0]["id"] == "vip"
