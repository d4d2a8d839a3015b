"""Can people read, settle and see how customers are asked for consent, in every light and width?"""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from compliance.evidence import OptOutScope
from inbox.said_elsewhere import note_opt_in
from tests.browser.conftest import Open
from tests.browser.test_every_page import LOOKS, check_page
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_double_opt_in import settle_asking
from tests.flows.test_together import Stage


@pytest.fixture
def stage(house: House, client: Client) -> Stage:
    """Maria wrote four hours ago."""
    return Stage(house, client, timezone.now() - timedelta(hours=4))


PAGE = "/settings/compliance/asking/"


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_how_people_are_asked_is_settled_and_mistakes_stay_on_the_page(
    stage: Stage, open_as: Open, scheme: Any, width: int
) -> None:
    ada = make_user(stage.house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    page = open_as(ada, PAGE, **look)

    page.get_by_label("Ask people to confirm an opt-in (double opt-in)").check()
    page.get_by_label("An opt-out counts for").select_option(OptOutScope.EVERY.value)
    page.get_by_label("Ask after an opt-out which programme they keep").check()
    page.get_by_label("Programme 1").fill("Reminders")
    page.get_by_label("The question whether they consent").fill("Do you consent?")
    page.get_by_role("button", name="Save").click()

    expect(page.locator(".error-summary")).to_contain_text("Name two programmes at least")
    expect(page.get_by_label("Programme 1")).to_have_value("Reminders")
    check_page(page, f"asking with mistakes {scheme} {width}")
    page.get_by_label("Programme 2").fill("Offers")
    page.get_by_label("The question whether they consent").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notices")).to_contain_text("It holds from now on")
    check_page(page, f"asking settled {scheme} {width}")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_agents_see_who_is_asked_to_confirm_and_until_when(
    stage: Stage, open_as: Open, scheme: Any, width: int
) -> None:
    house = stage.house
    settle_asking(house.account, house.sue, stage.now, confirms=True)
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    stage.now += timedelta(hours=3)
    stage.do(note_opt_in, house.alice, way="phone", told="May we text you offers?")

    page = open_as(house.alice, f"/c/{stage.row.public_id}/panel/", **look)
    expect(page.locator("body")).to_contain_text("Asked to confirm, until")
    check_page(page, f"asked to confirm {scheme} {width}")
