"""Can a policy be written by keyboard alone, and are its pages and the calendar accessible?"""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import License, Membership, User
from inbox.models import TeamInbox
from inbox.models.ids import client_id
from routing.models import EscalationPolicy
from tests.browser.conftest import Open
from tests.browser.keyboard import press
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.doors import Browser
from tests.factories import make_hours, make_inbox, make_policy, make_user
from tests.live import Live
from tests.twilio import text_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def ada(house: House, live: Live) -> User:
    """Ada administers an account with two inboxes, one of them with a gap in a week from now."""
    account = house.account
    for name in ("Cleo", "Dan", "Edda"):
        make_user(account, name, team=house.inbox.team)
    hours = make_hours(account, "Office, Berlin", zone="Europe/Berlin", country="DE")
    TeamInbox.objects.update(hours=hours, time_zone="Europe/Berlin", supervisors_may_set_up=True)
    sales = make_inbox(account, "Sales", hours=hours, time_zone="Europe/Berlin")
    sam = make_user(account, "Sam", team=sales.team)
    noon = datetime.now(UTC).replace(hour=12, minute=30, second=0, microsecond=0)
    days_to_thursday = timedelta(days=10 - noon.weekday())
    License.objects.filter(holder=sam).update(ends_at=noon + days_to_thursday)
    return make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def policy(house: House, ada: User) -> EscalationPolicy:
    nora = make_user(house.account, "Nora", is_licensed=False)
    return make_policy(
        house.inbox,
        {"after": 5, "to": [{"users": [house.bob.pk, nora.pk]}, {"users": [nora.pk]}]},
        {"after": 30, "clock": "business", "do": "move", "to": [{"team": house.inbox.pk}]},
        {"after": 20, "clock": "business", "when": "owner_silent", "do": "release"},
        {"after": 90, "do": "priority", "priority": "urgent"},
        name="Nobody waits",
        warn={"percent": 25, "minutes": 5},
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_are_accessible(
    house: House,
    ada: User,
    policy: EscalationPolicy,
    client: Client,
    open_as: Open,
    width: int,
) -> None:
    text_in(client, house.sender, "+14155550100")
    document = policy.document
    document["steps"][0]["after"] = 7
    EscalationPolicy.objects.filter(pk=policy.pk).update(document=document)
    next_week = datetime.now(UTC).date() + timedelta(days=7)
    pages = {
        "escalation": "/settings/escalation/",
        "escalation policy": f"/settings/escalation/{policy.pk}/",
        "escalation recompute": f"/settings/escalation/{policy.pk}/recompute/",
        "escalation delete": f"/settings/escalation/{policy.pk}/delete/",
        "escalation of an inbox": "/settings/inboxes/support/escalation/",
        "coverage": f"/settings/coverage/?week={next_week}",
        "coverage of an inbox": "/settings/coverage/support/",
        "coverage with a gap": f"/settings/coverage/sales/?week={next_week}",
        "coverage without hours": "/settings/coverage/support/?week=2026-10-25",
        "availability plan": f"/settings/people/{house.bob.pk}/",
    }
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(ada, "/settings/", **look)

    for name, path in pages.items():
        page.goto(path)
        check_page(page, name)
        page.screenshot(path=f".pages/whole-{name.replace(' ', '-')}-{width}.png", full_page=True)


def test_a_policy_is_written_tried_and_saved_without_a_mouse_or_scripts(
    house: House, ada: User, open_as: Open
) -> None:
    policy = make_policy(house.inbox, name="Fresh")
    page = open_as(ada, f"/settings/escalation/{policy.pk}/", java_script_enabled=False)

    press(page, "Add a step")
    expect(page.get_by_label("Minutes", exact=True)).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("10")
    page.get_by_label("Person or team for step 1").focus()
    page.keyboard.type("Bob")
    press(page, "Name them in step 1")
    expect(page.get_by_label("Person or team for step 1")).to_be_focused()
    page.keyboard.type("Team Sales")
    press(page, "Or else this one, step 1")
    press(page, "Add a step")
    page.get_by_label("What it does").last.select_option("tell the supervisors")
    press(page, "Up step 2")
    expect(page.get_by_role("button", name="Down step 1")).to_be_focused()
    press(page, "Let somebody do something")
    expect(page.get_by_label("Minutes after the customer wrote")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")

    run = page.locator(".policy-run")
    expect(run).to_contain_text("Step 1: The supervisors are told")
    expect(run).to_contain_text("Step 2 does not come: somebody has answered")
    assert EscalationPolicy.objects.get(pk=policy.pk).version == 1
    press(page, "Save the policy")
    expect(page.locator(".notices")).to_contain_text("The policy is saved.")
    first, second = EscalationPolicy.objects.get(pk=policy.pk).policy().steps
    assert (first.do.value, second.after) == ("notify", 10)
    assert [rung.team or rung.users for rung in second.to] == [
        (house.bob.pk,),
        TeamInbox.objects.get(name="Sales").pk,
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_policy_with_mistakes_is_accessible_too(
    house: House, ada: User, policy: EscalationPolicy, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(ada, f"/settings/escalation/{policy.pk}/", **look)

    page.get_by_label("Person or team for step 2").fill("Zebra")
    page.get_by_label("Minutes", exact=True).first.fill("never")
    page.get_by_role("button", name="Save the policy").click()
    expect(page.locator(".hours-problems")).to_be_focused()
    page.get_by_role("link", name="Step 1: A step comes after").click()
    expect(page.get_by_label("Minutes", exact=True).first).to_be_focused()
    check_page(page, "escalation policy with mistakes")
    EscalationPolicy.objects.update(version=7, changed_at=timezone.now())
    page.get_by_label("Minutes", exact=True).first.fill("8")
    page.get_by_label("Person or team for step 2").fill("")
    page.get_by_role("button", name="Save the policy").click()
    expect(page.locator(".hours-problems")).to_contain_text("Not saved")
    check_page(page, "escalation policy changed meanwhile")


def test_a_week_with_a_gap_every_day_is_seen_as_a_whole_at_1280(
    ada: User, house: House, open_as: Open
) -> None:
    TeamInbox.objects.filter(pk=house.inbox.pk).update(
        hours=None, time_zone="America/Argentina/Buenos_Aires"
    )
    Membership.objects.filter(team=house.inbox.team).delete()

    page = open_as(ada, "/settings/coverage/", viewport={"width": 1280, "height": 800})

    page.screenshot(path=".pages/coverage-of-gaps.png", full_page=True)
    box = page.get_by_role("region", name="Inboxes by day")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    zone = page.get_by_text("America/Argentina/Buenos_Aires", exact=True)
    lines = "one => new Set([...one.getClientRects()].map(line => line.top)).size"
    assert zone.evaluate(f"one => {{ one.style.display = 'inline'; return ({lines})(one) }}") <= 3


def test_the_calendar_is_read_with_the_keyboard(ada: User, house: House, open_as: Open) -> None:
    page = open_as(ada, "/settings/coverage/support/")
    table = page.get_by_role("table", name="Who could receive a message in each hour of this week")

    expect(table.get_by_role("rowheader")).to_have_count(24)
    expect(table.get_by_role("columnheader")).to_have_count(8)
    summary = table.locator("summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(table.locator("details[open]").first).to_contain_text("Edda")
    page.get_by_role("link", name="Week after").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/coverage/support/?week=*")
    expect(page.get_by_role("link", name="This week")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_conversation_says_what_comes_next_until_somebody_answers(
    house: House,
    policy: EscalationPolicy,
    client: Client,
    live: Live,
    open_as: Open,
    width: int,
) -> None:
    row = text_in(client, house.sender, "+14155550100").conversation
    assert row is not None
    look = {"viewport": {"width": width, "height": 800}}

    page = open_as(house.alice, f"/inbox/support/c/{row.public_id}/", **look)

    line = page.locator("#next-step")
    expect(line).to_contain_text(re.compile(r"are added at \d+:\d\d.*, unless somebody answers"))
    check_page(page, "next step")
    composer = page.locator("#composer").bounding_box()
    assert composer is not None
    assert composer["y"] + composer["height"] <= 800
    answer = Browser(live, house.bob).write(row, "We are on it", client_id=client_id())
    assert answer.ok, answer.text
    expect(page.locator("#timeline")).to_contain_text("We are on it")
    expect(line).to_be_hidden()
