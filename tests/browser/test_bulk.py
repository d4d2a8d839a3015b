"""Can two agents clear a list by keyboard alone, and see what was not done, and why?"""

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from accounts.access import viewer_of
from accounts.models import User
from inbox.conversations import claim_conversation
from inbox.models import Conversation
from tests.browser.conftest import NO_WORKER, Open
from tests.browser.keyboard import go_to
from tests.browser.test_composer import ready, say, shop
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
INBOX = "/inbox/support/"


def six_rows(live: Live, house: House) -> None:
    """Let five more customers write."""
    for number in range(5):
        fields = {"from": f"+1415555020{number}", "to": house.sender.address, "body": "Hello"}
        live.carrier.ask("POST", "inbound", **fields)
    until(lambda: Conversation.objects.count() == 6, within=10, what="they have arrived")


def claim(house: House, user: User, public_id: str) -> None:
    now = timezone.now()
    row = Conversation.objects.get(public_id=public_id)
    claim_conversation(conversation=row, by=viewer_of(user, now=now), user=user, now=now)


def bar(page: Page) -> Any:
    return page.get_by_role("toolbar", name="Chosen conversations")


def focused_id(page: Page) -> str:
    found = page.evaluate("() => document.activeElement.closest('.row')?.dataset.id ?? ''")
    return str(found)


def test_two_agents_by_keyboard_select_close_hear_why_not_and_undo(
    shop: House, live: Live, open_as: Open
) -> None:
    six_rows(live, shop)
    alice, bob = ready(open_as(shop.alice, INBOX, **NO_WORKER)), ready(open_as(shop.bob, INBOX))
    expect(alice.locator("#rows .row")).to_have_count(6)
    places = alice.locator("#rows > li").evaluate_all("all => all.map((one) => one.offsetTop)")

    alice.keyboard.press("j")
    chosen = [focused_id(alice)]
    alice.keyboard.press("x")
    for _ in range(5):
        alice.keyboard.press("j")
        chosen.append(focused_id(alice))
    alice.keyboard.press("Shift+X")

    expect(bar(alice)).to_contain_text("6 selected")
    expect(alice.locator("#speaker")).to_have_text("6 selected")
    assert places == alice.locator("#rows > li").evaluate_all(
        "all => all.map((one) => one.offsetTop)"
    )

    # Bob takes the first: it leaves Alice's list, and what she has selected.
    bob.keyboard.press("j")
    assert focused_id(bob) == chosen[0]
    bob.keyboard.press("o")
    expect(bob.locator("#thread-title")).to_be_visible()
    bob.keyboard.press("c")
    expect(bar(alice)).to_contain_text("5 selected")

    # Another is taken in the very moment in which she closes them.
    taken: list[str] = []

    def faster(route: Route) -> None:
        if not taken:
            wish: Any = route.request.post_data_json
            taken.append(wish["items"][1]["id"])
            claim(shop, shop.bob, taken[0])
        route.continue_()

    alice.route(re.compile(r"/bulk/$"), faster)
    alice.keyboard.press("e")
    dialog = alice.get_by_role("dialog", name="Close for everybody")
    expect(dialog).to_contain_text("5 selected")
    go_to(alice, "Also close where the customer still waits (5)")
    alice.keyboard.press("Space")
    alice.keyboard.press("Enter")

    toast = alice.locator(".toast", has_text="4 closed, 1 not: Bob has this conversation.")
    expect(toast).to_be_visible()
    expect(bar(alice)).to_be_hidden()
    assert Conversation.objects.filter(status="closed").count() == 4
    go_to(alice, "Show which")
    alice.keyboard.press("Enter")
    result = alice.get_by_role("dialog", name="4 closed, 1 not")
    expect(result.get_by_role("listitem")).to_have_count(1)
    expect(result.get_by_role("link")).to_have_attribute("href", re.compile(f"/c/{taken[0]}/"))
    check_page(alice, "what was refused of many")

    go_to(alice, "Undo what was done")
    alice.keyboard.press("Enter")

    expect(alice.locator(".toast", has_text="4 taken back")).to_be_visible()
    assert not Conversation.objects.filter(status="closed").exists()
    expect(alice.locator("#rows .row:not(.is-leaving)")).to_have_count(4)


def test_who_writes_while_the_question_is_open_is_not_closed(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, INBOX))
    alice.get_by_role("button", name="Select", exact=True).click()
    bar(alice).get_by_role("button", name="Select all shown").click()
    bar(alice).get_by_role("button", name="Close", exact=True).click()
    dialog = alice.get_by_role("dialog", name="Close for everybody")
    expect(dialog).to_be_visible()
    say(live, shop, "Wait!")
    expect(alice.locator("#rows .row-preview")).to_contain_text("Wait!")

    dialog.get_by_label(re.compile("Also close where the customer still waits")).check()
    dialog.get_by_role("button", name="Close", exact=True).click()

    expect(alice.locator(".toast", has_text="The customer wrote again.")).to_be_visible()
    assert Conversation.objects.get().status == "open"


def test_rows_stay_and_a_selection_lasts_while_customers_write(
    shop: House, live: Live, open_as: Open
) -> None:
    six_rows(live, shop)
    alice = ready(open_as(shop.alice, INBOX))
    expect(alice.locator("#rows .row")).to_have_count(6)
    last = alice.locator("#rows .row").last
    last.hover()
    last.locator(".row-check").check()
    alice.locator("#thread").hover()
    name = last.get_attribute("data-id")
    box = last.bounding_box()

    say(live, shop, "Me again")

    expect(alice.locator("#rows .row-preview", has_text="Me again")).to_be_visible()
    alice.wait_for_timeout(300)
    here = alice.locator(f"#c-{name}")
    assert here.bounding_box() == box
    expect(here.locator(".row-check")).to_be_checked()
    expect(bar(alice)).to_contain_text("1 selected")
    alice.keyboard.press("Escape")
    expect(bar(alice)).to_be_hidden()
    expect(alice.locator(".row-check:checked")).to_have_count(0)


def test_shift_and_a_click_choose_all_between(shop: House, live: Live, open_as: Open) -> None:
    six_rows(live, shop)
    alice = ready(open_as(shop.alice, INBOX))
    rows = alice.locator("#rows .row")
    expect(rows).to_have_count(6)

    rows.nth(1).locator(".row-check").click()
    rows.nth(4).locator(".row-check").click(modifiers=["Shift"])
    expect(bar(alice)).to_contain_text("4 selected")
    rows.nth(5).locator(".row-link").click(modifiers=["Shift"])
    expect(bar(alice)).to_contain_text("5 selected")
    rows.nth(5).locator(".row-check").click()
    expect(bar(alice)).to_contain_text("4 selected")
    bar(alice).get_by_role("button", name="Select all shown").click()
    expect(bar(alice)).to_contain_text("6 selected")


def test_without_a_line_nothing_is_let_go_and_a_repeat_does_it_once(
    shop: House, live: Live, open_as: Open
) -> None:
    six_rows(live, shop)
    alice = ready(open_as(shop.alice, INBOX, **NO_WORKER))
    alice.get_by_role("button", name="Select", exact=True).click()
    bar(alice).get_by_role("button", name="Select all shown").click()
    cut = [True]

    def lose_the_answer(route: Route) -> None:
        if cut.pop() if cut else False:
            route.fetch()
            route.abort("internetdisconnected")
        else:
            route.continue_()

    alice.route(re.compile(r"/bulk/$"), lose_the_answer)
    bar(alice).get_by_role("button", name="Mark as read").click()

    toast = alice.locator(".toast", has_text="trying again does nothing twice")
    expect(toast).to_be_visible()
    expect(bar(alice)).to_contain_text("6 selected")
    toast.get_by_role("button", name="Try again").click()
    expect(alice.locator(".toast", has_text="6 marked read")).to_be_visible()
    expect(alice.locator("#rows .row[data-unread]")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bar_and_its_questions_look_and_read_well(
    shop: House, live: Live, open_as: Open, width: int
) -> None:
    six_rows(live, shop)
    look = {"viewport": {"width": width, "height": 800}}
    alice = open_as(shop.alice, INBOX, **look)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    alice.locator("#rows .row").nth(1).locator(".row-check").check(force=True)
    bar(alice).get_by_role("button", name="Select all shown").click()
    check_page(alice, "bulk")

    for name, title in (
        ("Close", "Close for everybody"),
        ("Snooze", "Snooze"),
        ("Tags", "Tags"),
        ("Transfer", "Transfer these conversations"),
    ):
        bar(alice).get_by_role("button", name=name, exact=True).click()
        expect(alice.get_by_role("dialog", name=title)).to_be_visible()
        check_page(alice, f"bulk {name.lower()}")
        alice.keyboard.press("Escape")


def test_tags_go_on_and_off_many_by_keyboard(shop: House, live: Live, open_as: Open) -> None:
    six_rows(live, shop)
    alice = ready(open_as(shop.alice, INBOX))
    for key in ("j", "x", "j", "x", "t"):
        alice.keyboard.press(key)
    expect(alice.get_by_role("dialog", name="Tags")).to_be_visible()
    alice.keyboard.type("refund")
    go_to(alice, "Add it")
    alice.keyboard.press("Enter")

    expect(alice.locator("#rows .tag-label", has_text="refund")).to_have_count(2)
    toast = alice.locator(".toast", has_text="2 tagged")
    go_to(alice, "Undo")
    alice.keyboard.press("Enter")
    expect(toast).to_have_count(0)
    expect(alice.locator("#rows .tag-label")).to_have_count(0)


def test_closed_ones_are_opened_again_by_keyboard_and_every_view_has_its_keys(
    shop: House, live: Live, open_as: Open
) -> None:
    six_rows(live, shop)
    Conversation.objects.update(
        status="closed", closed_at=timezone.now(), waiting_since=None, was_team_wide_at_close=True
    )
    alice = ready(open_as(shop.alice, INBOX, **NO_WORKER))
    for key, view in (("s", "snoozed"), ("n", "mentions"), ("c", "closed")):
        alice.keyboard.press("g")
        alice.keyboard.press(key)
        chip = alice.locator(f'#chips [data-view="{view}"]')
        expect(chip).to_have_attribute("aria-current", "true")
        expect(chip).to_have_attribute("aria-keyshortcuts", f"g {key}")
    expect(alice.locator("#rows .row")).to_have_count(6)

    again = bar(alice).get_by_role("button", name="Reopen")
    expect(again).to_be_hidden()
    alice.keyboard.press("j")
    alice.keyboard.press("x")
    alice.keyboard.press("j")
    alice.keyboard.press("x")
    expect(again).to_be_visible()
    again.press("Enter")

    expect(alice.locator(".toast", has_text="2 open again")).to_be_visible()
    expect(alice.locator("#rows .row:not(.is-leaving)")).to_have_count(4)
    assert Conversation.objects.filter(status="open", owner=shop.alice).count() == 2
    alice.keyboard.press("Shift+Z")
    expect(alice.locator(".toast", has_text="2 taken back")).to_be_visible()
    assert Conversation.objects.filter(status="closed").count() == 6


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bar_of_closed_ones_looks_and_reads_well(
    shop: House, live: Live, open_as: Open, width: int
) -> None:
    six_rows(live, shop)
    Conversation.objects.update(
        status="closed", closed_at=timezone.now(), waiting_since=None, was_team_wide_at_close=True
    )
    look = {"viewport": {"width": width, "height": 800}}
    alice = open_as(shop.alice, f"{INBOX}?view=closed", **look)
    expect(alice.locator("body[data-ready]")).to_be_attached()

    alice.locator("#rows .row").nth(1).locator(".row-check").check(force=True)

    expect(bar(alice).get_by_role("button", name="Reopen")).to_be_visible()
    check_page(alice, f"bulk closed {width}")
