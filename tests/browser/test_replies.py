"""Can an admin write replies with the keyboard, see them as they type, and without any script?"""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from inbox.models import TeamInbox
from tests.browser.conftest import Open
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_hours, make_user
from tests.records import REPLIES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LIST = "/settings/inboxes/support/replies/"


@pytest.fixture
def ada(house: House) -> User:
    hours = make_hours(house.account)
    TeamInbox.objects.filter(pk=house.inbox.pk).update(replies=REPLIES, hours=hours)
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_of_replies_is_accessible(ada: User, open_as: Open, width: int) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(ada, LIST, **look)
    pages = ("", "after-hours/", "first-message/", "still-waiting/", "keyword-1/", "keyword-new/")
    for path in (*pages, "keyword-1/delete/"):
        page.goto(LIST + path)
        check_page(page, f"replies {path.strip('/') or 'list'}".replace("/", " "))
    page.goto(f"{LIST}after-hours/")
    page.get_by_label("Text", exact=True).first.fill("Reply STOP, {{contact.nam|}}")
    # What is previewed comes in above the button, which moves: a click waits for it.
    expect(page.locator("#preview")).to_contain_text("Reply STOP,")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator(".notice-error")).to_be_focused()
    check_page(page, "replies with a mistake")
    page.get_by_label("Text", exact=True).first.fill("Reply CANCEL to change it")
    expect(page.locator("#preview")).to_contain_text("Reply CANCEL to change it")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator(".notice-warning[role=alert]")).to_be_focused()
    check_page(page, "replies with a warning")


def test_a_text_is_shown_as_it_is_typed_and_variables_are_put_in(ada: User, open_as: Open) -> None:
    page = open_as(ada, f"{LIST}first-message/")
    text = page.get_by_label("Text", exact=True)

    text.fill("Hello ")
    text.press("End")
    page.get_by_role("button", name="Insert contact.first_name").press("Enter")
    expect(text).to_be_focused()
    page.keyboard.type("! 🙂")

    expect(text).to_have_value("Hello {{contact.first_name|there}}! 🙂")
    expect(page.locator(".reply-bubble")).to_have_text("Hello Maria! 🙂")
    expect(page.locator("#preview")).to_contain_text("1 segment · UCS-2")
    page.get_by_label("A customer").select_option("unknown")
    expect(page.locator(".reply-bubble")).to_have_text("Hello there! 🙂")
    page.get_by_role("button", name="Add a text").press("Enter")
    expect(page.get_by_label("Text", exact=True).nth(1)).to_be_focused()
    expect(page.get_by_label("Text", exact=True).first).to_have_value(
        "Hello {{contact.first_name|there}}! 🙂"
    )
    page.keyboard.type("Hallo")
    page.get_by_label("Language").nth(1).select_option("de")
    page.get_by_role("button", name="Save").last.press("Enter")
    expect(page.locator(".notices")).to_contain_text("“First message” is saved.")


def test_conditions_are_added_by_keyboard_and_nothing_typed_is_lost(
    ada: User, open_as: Open
) -> None:
    page = open_as(ada, f"{LIST}keyword-2/")
    page.get_by_label("Text", exact=True).fill("Behind the house")
    page.get_by_label("Condition to add", exact=True).select_option("weekday")
    page.get_by_role("button", name="Add a condition").press("Enter")

    expect(page.get_by_label("The day", exact=True)).to_be_focused()
    page.get_by_label("Saturday").press("Space")
    expect(page.get_by_label("Text", exact=True)).to_have_value("Behind the house")
    page.get_by_role("button", name="Insert bot.name").press("Enter")
    expect(page.get_by_label("Text", exact=True)).to_have_value("Behind the house{{bot.name}}")
    expect(page.locator(".reply-bubble")).to_contain_text("Behind the house")
    page.get_by_role("button", name="Add a group").press("Enter")
    page.get_by_label("Condition to add to the group").select_option("country")
    page.get_by_role("button", name="Add to the group").press("Enter")
    expect(page.get_by_label("The country", exact=True)).to_be_focused()
    check_page(page, "replies keyword conditions")
    page.get_by_role("button", name="Save").last.press("Enter")
    expect(page.locator(".notice-error")).to_contain_text("Write at least one")
    page.get_by_label("The country: what it is compared with").fill("CA")
    page.get_by_role("button", name="Save").last.press("Enter")

    expect(page.locator(".keyword-list")).to_contain_text("if the day is one of Saturday and")
    reply = TeamInbox.objects.get(slug="support").replies["keyword"][1]
    country = {"fact": "country", "test": "is_any", "value": ["CA"]}
    weekday = {"fact": "weekday", "test": "is_any", "value": ["sat"]}
    assert reply["if"] == {"all": [weekday, {"any": [country]}]}


def test_it_works_without_any_script(ada: User, open_as: Open) -> None:
    page = open_as(ada, f"{LIST}keyword-1/", java_script_enabled=False)

    expect(page.get_by_role("button", name="Insert")).to_have_count(0)
    page.get_by_role("button", name="Remove text 2").click()
    page.get_by_label("Text", exact=True).fill("New prices")
    page.get_by_role("button", name="Show again").click()
    expect(page.locator(".reply-bubble")).to_have_text("New prices")
    page.get_by_role("button", name="Save").last.click()

    expect(page.locator(".notices")).to_contain_text("“Prices” is saved.")
    reply = TeamInbox.objects.get(slug="support").replies["keyword"][0]
    assert reply["variants"] == [{"text": "New prices"}]
    page.get_by_role("button", name="Later Prices").click()
    expect(page.locator(".keyword-list h3").first).to_have_text("Parking")
