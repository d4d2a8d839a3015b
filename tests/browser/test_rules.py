"""Does an admin build and publish a rule by the keyboard alone, and without a script?"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from inbox.models import TeamInbox
from routing.models import Rulebook
from routing.rulebooks import rules_of
from routing.rules import Condition, Target
from tests.browser.conftest import Open
from tests.browser.keyboard import go_to
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_user
from tests.inbox.test_pages_rules import fill

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HERE = "/settings/inboxes/support/rules/"


@pytest.fixture
def ada(house: House, transactional_db: None) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


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


@pytest.mark.usefixtures("live")
def test_a_rule_that_moves_keeps_the_focus_and_the_page_stays(
    house: House, ada: User, open_as: Open
) -> None:
    fill(house, ada)
    page = open_as(ada, HERE)
    page.evaluate("window.isSamePage = true")
    up = page.get_by_role("button", name="Move Rest up")

    for place in (2, 1):
        up.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Position of Rest")).to_have_value(str(place))
        expect(up).to_be_focused()
    page.get_by_label("Position of Rest").fill("3")
    page.get_by_role("button", name="Move Rest to this position").click()
    expect(page.locator(".rule h3 a").nth(2)).to_have_text("Rest")

    assert page.evaluate("window.isSamePage")
    assert [rule["id"] for rule in Rulebook.objects.get().draft["rules"]] == ["mark", "vip", "rest"]


@pytest.mark.usefixtures("live")
def test_leaving_a_rule_that_is_not_saved_asks(house: House, ada: User, open_as: Open) -> None:
    asked: list[str] = []
    page = open_as(ada, f"{HERE}rule/")
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    page.on("dialog", lambda dialog: dialog.accept())

    page.get_by_label("What the rule is called").fill("Half a rule")
    page.get_by_role("button", name="Add a text").click()
    expect(page.get_by_label("Language, such as")).to_be_focused()
    expect(page.get_by_label("What the rule is called")).to_have_value("Half a rule")
    page.get_by_label("Text", exact=True).fill("x" * 161)
    expect(page.get_by_text("Segments that the text is sent as: 2.")).to_be_visible()
    page.get_by_role("link", name="All rules").click()
    page.wait_for_url(f"**{HERE}")

    assert asked == ["beforeunload"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.usefixtures("live")
def test_rules_with_mistakes_are_accessible_too(
    house: House, ada: User, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(ada, f"{HERE}rule/", **look)

    page.get_by_role("button", name="Add a condition").click()
    expect(page.locator("#p0-test")).to_be_focused()
    page.get_by_label("Step to add").select_option(label="One of them in turn")
    page.get_by_role("button", name="Add a step").click()
    page.get_by_label("Add a person", exact=True).fill("Nobody")
    page.get_by_role("button", name="Save in the draft").last.click()
    expect(page.locator(".notice-error")).to_be_focused()
    page.get_by_role("link", name="Nobody in this account").click()
    expect(page.get_by_label("Add a person", exact=True)).to_be_focused()
    check_page(page, "a rule with mistakes")
    page.goto(f"{HERE}document/")
    page.get_by_label("Or paste what it contains").fill('{"rules": [{"id": "a"}, 7]}')
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_text("rules[0].name")).to_be_visible()
    check_page(page, "a document with mistakes")


@pytest.mark.usefixtures("live")
def test_rules_are_written_without_a_script(house: House, ada: User, open_as: Open) -> None:
    page = open_as(ada, f"{HERE}rule/", java_script_enabled=False)

    page.get_by_label("What the rule is called").fill("Refunds")
    page.get_by_label("Condition to add").select_option(label="The text")
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("The text: what it is compared with").fill("refund")
    page.get_by_label("Tags").fill("refund")
    page.get_by_role("button", name="Save in the draft").last.click()

    expect(page.locator("main")).to_contain_text(
        "if the text contains any of “refund”, then tag it “refund”."
    )
