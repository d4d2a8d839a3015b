"""Is every page accessible, quiet in the console, and no wider than a phone?"""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import License, Team, User
from inbox.models import Conversation, DriftFinding, Message
from tests.browser.conftest import Open
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_together import Stage
from tests.live import Live
from tests.records import fill_records
from tests.twilio import text_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 360)]
SHOTS = Path(__file__).parents[2] / ".pages"


@pytest.fixture
def stage(house: House, client: Client, now: datetime, live: Live) -> Stage:
    """A conversation with a bit of everything in it."""
    stage = Stage(house, client, now)
    stage.hear("Do you have the blue one?\n<b>asap</b> https://example.com/blue")
    failed = stage.reply(house.alice, "We do!")
    Message.objects.filter(pk=failed.pk).update(
        status="failed", error_code="30003", error_words="The phone is off or out of reach."
    )
    unknown = stage.reply(house.alice, "Shall I put it aside?")
    Message.objects.filter(pk=unknown.pk).update(status="unknown", error_code="unknown")
    text_in(client, house.sender, "+14155550101", "مرحبا، أريد حجز موعد")
    live.carrier.know(live.base_url, house.sender)
    sid = house.sender.twilio_account.account_sid
    live.carrier.ask(
        "POST",
        "config",
        senders=[
            {"account_sid": sid, "address": "+14155550188"},
            {"account_sid": sid, "address": "+18885550189", "capabilities": ["voice"]},
        ],
        services=[{"account_sid": sid, "sid": "MG" + "c" * 32, "friendly_name": "Campaigns"}],
    )
    make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    Team.objects.create(account=house.account, name="Sales")
    finding = {"account": house.account, "twilio_account": house.sender.twilio_account}
    DriftFinding.objects.create(
        **finding,
        sender=house.sender,
        kind="webhook",
        found="https://old.example/sms",
        found_at=now,
    )
    return stage


def _paths(stage: Stage) -> dict[str, tuple[User | None, str]]:
    house = stage.house
    here = f"/inbox/support/c/{stage.row.public_id}/"
    admin = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    fill_records(house, admin, now=stage.now)
    return {
        "log-in": (None, "/accounts/login/"),
        "forgotten password": (None, "/accounts/password/reset/"),
        "list": (house.alice, "/inbox/support/"),
        "empty view": (house.alice, "/inbox/support/?view=mine"),
        "nothing found": (house.alice, "/inbox/support/?q=zebra"),
        "conversation": (house.alice, here),
        "conversation of a supervisor": (house.sue, here),
        "transfer": (house.alice, f"/c/{stage.row.public_id}/transfer/"),
        "profile": (house.alice, "/profile/"),
        "not there": (house.alice, "/c/nothing/"),
        "second factors": (house.alice, "/accounts/2fa/"),
        "change password": (house.alice, "/accounts/password/change/"),
        "whatsapp": (admin, "/settings/whatsapp/"),
        "audit log": (admin, "/settings/audit/"),
        "log out": (house.alice, "/accounts/logout/"),
        **_settings_paths(stage),
    }


def _settings_paths(stage: Stage) -> dict[str, tuple[User | None, str]]:
    ada = User.objects.get(name="Ada")
    inbox, sender = "/settings/inboxes/support/", stage.house.sender.pk
    sales = Team.objects.get(name="Sales").pk
    return {
        "settings": (ada, "/settings/"),
        "connection": (ada, "/settings/connection/?look=1"),
        "turn on": (ada, f"/settings/teams/{sales}/turn-on/?check=1"),
        "turned on": (ada, f"/settings/teams/{stage.house.inbox.pk}/turn-on/?check=1"),
        "inbox settings": (ada, inbox),
        "numbers": (ada, f"{inbox}numbers/?choose=1"),
        "buy a number": (ada, f"{inbox}numbers/buy/"),
        "remove a number": (ada, f"{inbox}numbers/{sender}/remove/"),
        "turn off": (ada, f"{inbox}turn-off/"),
    }


PAGES = [
    "log-in",
    "forgotten password",
    "list",
    "empty view",
    "nothing found",
    "conversation",
    "conversation of a supervisor",
    "transfer",
    "profile",
    "not there",
    "second factors",
    "change password",
    "whatsapp",
    "audit log",
    "log out",
    "settings",
    "connection",
    "turn on",
    "turned on",
    "inbox settings",
    "numbers",
    "buy a number",
    "remove a number",
    "turn off",
]


def check_page(page: Page, name: str) -> None:
    """Ask axe, and whether anything sticks out to the side."""
    page.wait_for_load_state("load")
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    wrong = [
        (one["id"], [node["html"][:160] for node in one["nodes"]][:3])
        for one in found.response["violations"]
    ]
    too_wide = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name.replace(' ', '-')}.png")
    assert not wrong, f"{name}: {wrong}"
    assert not too_wide, f"{name} scrolls sideways"


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_is_accessible(stage: Stage, open_as: Open, scheme: Any, width: int) -> None:
    pages = _paths(stage)
    assert list(pages) == PAGES

    for name, (user, path) in pages.items():
        page = open_as(user, path, color_scheme=scheme, viewport={"width": width, "height": 800})
        check_page(page, f"{name} {scheme} {width}")
        page.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_states_nobody_likes_are_accessible_too(
    stage: Stage, client: Client, open_as: Open, scheme: Any, width: int
) -> None:
    house = stage.house
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)
    here = f"/inbox/support/c/{stage.row.public_id}/"
    stage.hear("STOP")

    page = open_as(house.alice, here, **look)
    expect(page.locator("body")).to_contain_text("START")
    check_page(page, f"opted out {scheme} {width}")
    Conversation.objects.filter(pk=stage.pk).update(
        is_team_wide=False, owner=house.alice, owned_since=stage.now
    )
    page = open_as(house.bob, here, **look)
    expect(page.locator("body")).to_contain_text("Alice")
    check_page(page, f"handled by other {scheme} {width}")
    page = open_as(nora, "/", **look)
    check_page(page, f"no licence {scheme} {width}")
    License.objects.filter(holder=house.bob).delete()


def test_the_admin_is_quiet_under_the_strict_policy(
    house: House, live: Live, open_as: Open
) -> None:
    root = User.objects.create_superuser("root@example.com", "x", name="Root")

    for path in (
        "/admin/",
        "/admin/inbox/sender/",
        f"/admin/inbox/sender/{house.sender.pk}/change/",
    ):
        page = open_as(root, path)
        expect(page.locator("body")).to_contain_text("Team Inbox")
