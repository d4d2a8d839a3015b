"""Can an admin try rules in a browser, with the keyboard and without scripts, and see why?"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import Membership, User
from inbox.models import Message, TeamInbox
from inbox.reply_settings import greeting
from routing.models import RuleExample
from routing.rulebooks import save_draft
from tests.browser.conftest import Open
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import LONG_AGO, make_policy, make_rules, make_user
from tests.live import Live
from tests.twilio import text_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BASE = "/settings/inboxes/support/rules/"


def _rules(house: House, getting: User) -> list[dict[str, Any]]:
    """Return rules with a bit of everything; refunds go to the one who is `getting` them."""
    vip = {"all": [{"fact": "tag", "test": "has_any", "value": ["vip"]}]}
    refund = {
        "any": [
            {"fact": "text", "test": "contains_any", "value": ["refund", "money back"]},
            {"all": [{"fact": "has_media", "test": "is_true"}]},
        ]
    }
    ladder = [
        {"who": "people", "people": [house.bob.pk]},
        {"who": "people", "people": [getting.pk]},
    ]
    reply = {"en": "Hi {{contact.first_name|there}}, we look into it.", "es": "¡Hola! Ya vamos."}
    return [
        {"id": "vip", "name": "Premium customers", "if": vip, "then": {"priority": "high"}},
        {
            "id": "refunds",
            "name": "Refunds",
            "if": refund,
            "then": {"to": ladder, "tags": ["money"], "reply": reply},
        },
        {"id": "off", "name": "Old campaign", "on": False, "then": {"tags": ["old"]}},
    ]


@pytest.fixture
def ada(house: House, client: Client, live: Live) -> User:
    """Ada, who supervises the inbox she administers; rules hold, and other rules are drafted."""
    supervises: dict[str, Any] = {"team": house.inbox.team, "role": Membership.Role.SUPERVISOR}
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, **supervises)
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    make_policy(house.inbox, {"after": 5, "to": [{"users": [house.sue.pk]}]})
    house.inbox.replies = greeting("Welcome to Acme")
    house.inbox.save()
    make_rules(house.inbox, *_rules(house, house.alice))
    for number, body in enumerate(("I want a refund", "Hello", "My money back, please!")):
        text_in(client, house.sender, f"+1415555020{number}", body)
    book = TeamInbox.objects.get(pk=house.inbox.pk).rulebook
    assert book is not None
    document = {"format": 1, "rules": _rules(house, house.sue)}
    save_draft(rulebook=book, document=document, seen=book.draft_version, by=ada, now=LONG_AGO)
    return ada


def _look(width: int) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 800}}


def _type_and_try(page: Page) -> None:
    """Type a message and try it, with the keyboard alone."""
    page.get_by_label("What the customer writes").focus()
    page.keyboard.type("I want a refund")
    page.get_by_label("When").first.fill("2026-11-24T10:00")
    page.get_by_label("When").first.press("Enter")
    expect(page.get_by_role("heading", name="What would become of it")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_message_is_typed_tried_and_kept(
    house: House, ada: User, open_as: Open, width: int
) -> None:
    page = open_as(ada, f"{BASE}try/", **_look(width))
    check_page(page, "try the rules")

    _type_and_try(page)

    result = page.locator("#result")
    expect(result).to_be_focused()
    expect(result).to_contain_text("Sue")
    expect(result).to_contain_text("Bob is away")
    expect(result).to_contain_text("Hi there, we look into it.")
    expect(result).to_contain_text("Step 1: Sue is added")
    expect(page.get_by_label("What the customer writes")).to_have_value("I want a refund")
    check_page(page, "rules tried")
    assert not Message.objects.filter(body__contains="we look into it").exclude(
        conversation__isnull=False
    )

    page.get_by_role("button", name="Keep as an example").click()
    expect(page.locator(".error-summary")).to_contain_text("Name of the example")
    check_page(page, "example without a name")
    page.get_by_label("Name of the example").fill("A plain refund")
    page.get_by_role("button", name="Keep as an example").click()
    expect(page.locator(".notices")).to_contain_text("“A plain refund” is kept")
    expect(page.locator("main")).to_contain_text("It is so.")
    check_page(page, "examples")
    assert RuleExample.objects.get().name == "A plain refund"


@pytest.mark.parametrize("width", WIDTHS)
def test_messages_that_came_are_tried_and_replayed(
    house: House, ada: User, open_as: Open, width: int
) -> None:
    page = open_as(ada, f"{BASE}try/", **_look(width))

    page.get_by_label("Message", exact=True).select_option(index=0)
    page.get_by_role("button", name="Try this message").click()
    expect(page.locator("#result")).to_contain_text("As everything was known when it came")
    check_page(page, "past message tried")

    page.get_by_role("link", name="Messages that came").click()
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#result")).to_contain_text("2 of 3 would go elsewhere, 0 to nobody")
    check_page(page, "replay")


@pytest.mark.parametrize("width", WIDTHS)
def test_an_agent_asks_why_it_is_here(house: House, ada: User, open_as: Open, width: int) -> None:
    row = Message.objects.get(body="I want a refund").conversation
    assert row is not None
    look = _look(width)

    page = open_as(house.alice, f"/c/{row.public_id}/panel/", **look)
    page.get_by_role("link", name="Why is this here?").click()
    dialog = page.get_by_role("dialog", name="Why is this here?")
    expect(dialog).to_contain_text("“Refunds” gave it to Alice.")
    expect(dialog.get_by_role("heading", name="Why is this here?")).to_be_focused()
    check_page(page, "why in a dialog")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page = open_as(house.alice, f"/c/{row.public_id}/why/", **look)
    expect(page.locator("main")).to_contain_text("Bob is away")
    check_page(page, "why")


def test_it_works_without_any_script(house: House, ada: User, open_as: Open) -> None:
    page = open_as(ada, f"{BASE}try/", java_script_enabled=False)
    page.get_by_label("What the customer writes").fill("I want a refund")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#result")).to_contain_text("Sue")
    row = Message.objects.get(body="I want a refund").conversation
    assert row is not None
    page = open_as(house.alice, f"/c/{row.public_id}/panel/", java_script_enabled=False)
    page.get_by_role("link", name="Why is this here?").click()
    expect(page.locator("main")).to_contain_text("“Refunds” gave it to Alice.")
