"""Does the list stay under the reader's pointer and keep the reader's marks?"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NO_WORKER, Open
from tests.browser.test_composer import answer, here, ready, say, shop
from tests.browser.test_thread import two_rows
from tests.conftest import House
from tests.live import Live

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def box_of(place: Locator) -> tuple[float, float]:
    """Return where something begins and how high it is."""
    box = place.bounding_box()
    assert box is not None
    return box["y"], box["height"]


def three_rows(live: Live, house: House, page: Page) -> None:
    two_rows(live, house)
    expect(page.locator("#rows .row")).to_have_count(3)


def test_the_bar_with_news_moves_no_row(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, "/inbox/support/"))
    three_rows(live, shop, alice)
    row = alice.locator("#rows .row").nth(1)
    row.hover()
    before = box_of(row)

    say(live, shop, "I am new")

    bar = alice.get_by_role("button", name="1 new")
    expect(bar).to_be_visible()
    assert box_of(row) == before
    assert bar.locator("use").evaluate("use => use.getBoundingClientRect().height") > 5


def test_the_place_of_a_row_that_left_is_as_high_as_the_row(
    shop: House, live: Live, open_as: Open
) -> None:
    bob = ready(open_as(shop.bob, "/inbox/support/"))
    three_rows(live, shop, bob)
    alice = ready(open_as(shop.alice, here_first(bob)))
    row, below = bob.locator("#rows > li").nth(0), bob.locator("#rows > li").nth(1)
    before = (box_of(row), box_of(below))

    alice.keyboard.press("c")

    expect(bob.locator(".row-gone")).to_be_visible()
    assert (box_of(row), box_of(below)) == before


def here_first(page: Page) -> str:
    return page.locator("#rows .row-link").first.get_attribute("href") or ""


def test_all_rows_are_equally_high(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    three_rows(live, shop, alice)
    alice.keyboard.press("c")
    expect(alice.locator(".tag-owner")).to_have_count(1)
    alice.locator("#words").fill("a draft")
    expect(alice.locator(".row-draft")).to_have_count(1)

    heights = {box_of(one)[1] for one in alice.locator("#rows .row").all()}

    assert len(heights) == 1, heights


def test_the_open_row_stays_marked_in_another_view(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    three_rows(live, shop, alice)

    alice.locator('#chips [data-view="unassigned"]').click()
    expect(alice).to_have_url(re.compile("view=unassigned"))
    alice.wait_for_timeout(300)

    expect(alice.locator("#rows .row.is-open")).to_have_count(1)
    expect(alice.locator('#rows [aria-current="page"]')).to_have_count(1)
    alice.locator("#words").press("Escape")
    alice.keyboard.press("g")
    alice.keyboard.press("a")
    expect(alice).not_to_have_url(re.compile("view="))
    alice.wait_for_timeout(300)
    expect(alice.locator("#rows .row.is-open")).to_have_count(1)


def test_my_own_words_are_mine_in_the_list_and_not_those_of_who_is_called_as_i_am(
    shop: House, open_as: Open
) -> None:
    shop.bob.name = shop.alice.name
    shop.bob.save()
    alice, bob = ready(open_as(shop.alice, here())), ready(open_as(shop.bob, "/inbox/support/"))

    answer(alice, "On my way")

    expect(alice.locator("#rows .row-preview")).to_have_text(re.compile(r"You:\s+On my way"))
    expect(bob.locator("#rows .row-preview")).to_have_text(re.compile(r"Alice:\s+On my way"))
    alice.reload()
    ready(alice)
    expect(alice.locator("#rows .row-preview")).to_have_text(re.compile(r"You:\s+On my way"))


def test_a_reset_keeps_place_and_focus_in_the_list(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, "/inbox/support/", **NO_WORKER))
    three_rows(live, shop, alice)
    alice.keyboard.press("j")
    alice.keyboard.press("j")
    name = alice.evaluate("() => document.activeElement.closest('.row').dataset.name")

    alice.route(
        re.compile(r"/events/\?after="),
        lambda route: route.fulfill(json={"reset": True, "head": 9999}),
    )
    with alice.expect_response(re.compile(r"/inbox/support/\?")):
        alice.evaluate("() => { dispatchEvent(new Event('online')); }")
    alice.wait_for_timeout(300)

    now = alice.evaluate("() => document.activeElement.closest('.row')?.dataset.name")
    assert now == name
