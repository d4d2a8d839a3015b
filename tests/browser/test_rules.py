"""Does an admin build and publish a rule by the keyboard alone, and without a script?"""

from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from inbox.models import TeamInbox
from routing.rulebooks import rules_of
from routing.rules import Condition, Target
from tests.browser.conftest import Open
from tests.browser.test_every_page import check_page
from tests.conftest import House
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HERE = "/settings/inboxes/support/rules/"


@pytest.fixture
def ada(house: House, transactional_db: None) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def go_to(page: Page, label: str) -> None:
    """Press Tab until the control of this name has the focus, as somebody without a mouse does."""
    for _ in range(200):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => { const one = document.activeElement;
            return one.getAttribute("aria-label") || one.labels?.[0]?.innerText.trim() ||
            one.innerText.trim(); }"""
        )
        if name.startswith(label):
            return
    raise AssertionError(f"no way by Tab to {label!r}")


def choose(page: Page, label: str) -> None:
    """Choose an option of the list that has the focus by typing how it begins."""
    page.keyboard.type(label)
    chosen = page.evaluate("document.activeElement.selectedOptions[0].text")
    assert chosen.startswith(label), chosen


@pytest.mark.usefixtures("live")
def test_an_admin_builds_and_publishes_a_rule_by_keyboard_alone(
    house: House, ada: User, open_as: Open
) -> None:
    anna = make_user(house.account, "Anna", team=house.inbox.team)
    bo = make_user(house.account, "Bo", team=house.inbox.team)
    page = open_as(ada, HERE)

    go_to(page, "New rule")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/rule/")
    go_to(page, "What the rule is called")
    page.keyboard.type("Premium customers")
    go_to(page, "Condition to add")
    choose(page, "The customer's tags")
    go_to(page, "Add a condition")
    page.keyboard.press("Enter")
    # The new condition has the focus: what comes next is its value.
    expect(page.locator("#p0-test")).to_be_focused()
    go_to(page, "The customer's tags: what it is")
    page.keyboard.type("premium")
    for who, typed in (("Anna", anna.email), ("Bo", "Bo")):
        go_to(page, "Step to add")
        choose(page, "These people")
        go_to(page, "Add a step")
        page.keyboard.press("Enter")
        number = 0 if who == "Anna" else 1
        expect(page.locator(f"#s{number}-person")).to_have_count(1)
        expect(page.locator(f"#s{number}-person")).to_be_focused()
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("checkbox", name=who)).to_be_checked()
        expect(page.locator(f"#s{number}-person")).to_be_focused()
    go_to(page, "Save in the draft")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/#rule-*")
    expect(page.locator("main")).to_contain_text("give it to Anna, else to Bo")

    go_to(page, "Look at them and publish")
    page.keyboard.press("Enter")
    page.wait_for_url("**/publish/")
    go_to(page, "Why")
    page.keyboard.type("For our best")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/")
    expect(page.locator("main")).to_contain_text("Version 1 holds from now on.")

    rulebook = TeamInbox.objects.get(pk=house.inbox.pk).rulebook
    assert rulebook is not None
    [rule] = rules_of(rulebook).rules
    assert list(rule.condition.conditions()) == [Condition("tag", "has_any", ("premium",))]
    assert [(one.to, one.people) for one in rule.actions.ladder] == [
        (Target.PEOPLE, (anna.pk,)),
        (Target.PEOPLE, (bo.pk,)),
    ]


if os.environ.get("SHOTS"):

    @pytest.mark.usefixtures("live")
    def test_shots(house: House, ada: User, open_as: Open) -> None:
        from tests.inbox.test_pages_rules import fill

        fill(house, ada)
        for scheme in ("light", "dark"):
            for width in (1280, 360):
                look: dict[str, Any] = {
                    "color_scheme": scheme,
                    "viewport": {"width": width, "height": 800},
                }
                for name, path in (
                    ("list", HERE),
                    ("publish", f"{HERE}publish/"),
                    ("rule", f"{HERE}rule/?id=vip"),
                    ("versions", f"{HERE}versions/"),
                    ("version", f"{HERE}versions/1/"),
                    ("document", f"{HERE}document/"),
                    ("delete", f"{HERE}rule/delete/?id=vip"),
                    ("account", "/settings/rules/"),
                ):
                    page = open_as(ada, path, **look)
                    page.screenshot(
                        path=f"/tmp/h/shots/{name}-{scheme}-{width}.png", full_page=True
                    )
                    check_page(page, f"rules {name} {scheme} {width}")
                    page.close()
