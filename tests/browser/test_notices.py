"""Do short notices stay out of the way, and say only what still holds?"""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, shop
from tests.conftest import House

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def overlap(page: Page, one: str, other: str) -> bool:
    first, second = (page.locator(name).first.bounding_box() for name in (one, other))
    assert first is not None
    assert second is not None
    return (
        first["x"] < second["x"] + second["width"]
        and second["x"] < first["x"] + first["width"]
        and first["y"] < second["y"] + second["height"]
        and second["y"] < first["y"] + first["height"]
    )


@pytest.mark.parametrize("width", [1280, 1000, 360])
def test_a_notice_covers_neither_composer_nor_buttons(
    shop: House, open_as: Open, width: int
) -> None:
    alice = open_as(shop.alice, here(), viewport={"width": width, "height": 720})
    expect(alice.locator("#connection")).to_have_attribute("data-state", "live")

    alice.keyboard.press("c")

    expect(alice.locator(".toast")).to_be_visible()
    for part in ("#composer", ".thread-head", "#timeline > .msg"):
        assert not overlap(alice, ".toast", part), part
    box = alice.locator(".toast").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


def test_a_newer_notice_about_a_conversation_replaces_the_older(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.keyboard.press("c")
    expect(alice.locator(".toast")).to_contain_text("yours now")
    expect(alice.locator('#desk [data-story="claim"]')).to_have_count(0)

    alice.locator("#more-button").click()
    alice.get_by_role("button", name="Release to the others").click()

    expect(alice.locator(".toast")).to_contain_text("eleased")
    expect(alice.locator(".toast")).to_have_count(1)
    alice.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(alice.locator(".who-owner")).to_have_text("Alice")
    expect(alice.locator(".toast")).to_have_count(1)
