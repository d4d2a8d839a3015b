"""Does a reaction show at its message, on pages that are open and for who comes later?"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_every_page import check_page, stage
from tests.doors import all_at_once, signed
from tests.flows.test_together import MARIA, Stage
from tests.live import Live
from tests.twilio import inbound_form

__all__ = ["stage"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
ANSWER = "Shall I put it aside?"


@pytest.mark.parametrize("width", [1280, 360])
def test_it_comes_changes_and_goes_without_a_word(
    stage: Stage, live: Live, open_as: Open, width: int
) -> None:
    house, row = stage.house, stage.row

    def says(words: str) -> None:
        form = inbound_form(house.sender, MARIA, words)
        [answer] = all_at_once([signed(live, house.sender, form)])
        assert answer.status == 200

    look = {"viewport": {"width": width, "height": 800}}
    here = f"/inbox/support/c/{row.public_id}/"
    alice, sue = open_as(house.alice, here, **look), open_as(house.sue, "/inbox/support/", **look)
    for page in (alice, sue):
        expect(page.locator("body[data-ready]")).to_be_attached()
    bubbles = alice.locator("#timeline > .msg")
    number = bubbles.count()
    reacted = bubbles.filter(has_text=ANSWER).locator(".msg-reacted")
    in_list = sue.locator(f"#c-{row.public_id}")
    expect(in_list).to_contain_text(ANSWER)
    unread = in_list.get_attribute("data-unread")

    says(f"Loved “{ANSWER}”")
    expect(reacted).to_contain_text("❤️")
    expect(reacted).to_have_attribute("title", re.compile("reacted with ❤️, .*[0-9]"))
    expect(reacted.locator(".visually-hidden")).to_have_text(re.compile("reacted with ❤️, "))
    check_page(alice, f"reacted {width}")
    says(f"Reacted 🎉 to “{ANSWER}”")
    expect(reacted).to_contain_text("🎉")
    expect(reacted).not_to_contain_text("❤️")

    later = open_as(house.alice, here, **look)
    expect(later.locator("body[data-ready]")).to_be_attached()
    expect(later.locator(".msg-reacted")).to_have_attribute("title", re.compile("reacted with 🎉"))
    expect(later.locator("#timeline > .msg")).to_have_count(number)

    says(f"Removed 🎉 from “{ANSWER}”")
    for page in (alice, later):
        expect(page.locator(".msg-reacted")).to_have_count(0)
    expect(bubbles).to_have_count(number)
    expect(in_list).to_contain_text(ANSWER)
    assert in_list.get_attribute("data-unread") == unread
    says("Yes please")
    expect(bubbles).to_have_count(number + 1)
    expect(in_list).to_contain_text("Yes please")
