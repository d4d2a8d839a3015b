"""Does a message that somebody removes vanish from the screens on which it stands?"""

import pytest
from playwright.sync_api import expect

from inbox.models import Message
from tests.browser.conftest import NO_WORKER, Open
from tests.browser.test_every_page import check_page, stage
from tests.browser.test_waiting import Slow
from tests.flows.test_together import Stage

__all__ = ["stage"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
TYPED = "My card is 4111 1111 1111 1111"


@pytest.fixture
def typed(stage: Stage) -> Message:
    """The customer typed a card number, and Alice answered that very message."""
    stage.hear(TYPED)
    message = stage.message
    answer = stage.reply(stage.house.alice, "Please never send that here")
    Message.objects.filter(pk=answer.pk).update(status="delivered", reply_to=message)
    return message


def test_what_one_removes_the_other_sees_go(stage: Stage, typed: Message, open_as: Open) -> None:
    house = stage.house
    here = f"/inbox/support/c/{stage.row.public_id}/"
    alice, sue = open_as(house.alice, here), open_as(house.sue, here)
    for page in (alice, sue):
        expect(page.locator("body[data-ready]")).to_be_attached()
        expect(page.locator(".msg-quote-words", has_text="4111")).to_be_visible()
    mine = f'#timeline [data-id="{typed.public_id}"]'
    # Who only works here is not offered it.
    expect(alice.locator(f"{mine} .msg-remove")).to_be_hidden()

    sue.locator(f"{mine} .msg-remove").focus()
    sue.keyboard.press("Enter")
    dialog = sue.locator("#remove-dialog")
    expect(dialog).to_contain_text("This cannot be undone.")
    expect(dialog).to_contain_text("What is on the customer's phone is not recalled.")
    expect(dialog.get_by_label("Why?")).to_be_focused()
    dialog.get_by_label("Why?").fill("Card 4111-1111-1111-1111")
    sue.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Do not repeat here what is to go")
    dialog.get_by_label("Why?").fill("A card number")
    dialog.get_by_role("button", name="Remove for good").click()

    for page in (alice, sue):
        expect(page.locator(mine)).to_contain_text("Removed by a colleague")
        expect(page.locator(".msg-quote-gone")).to_have_text("Message no longer here")
        expect(page.locator("#timeline")).to_contain_text("Sue removed the content of a message")
        expect(page.locator("body")).not_to_contain_text("4111")
    expect(dialog).to_be_hidden()
    expect(sue.locator(mine)).to_be_focused()
    expect(sue.locator(f"{mine} .msg-remove")).to_have_count(0)


def test_who_was_away_and_who_looks_at_the_list_lose_it_too(
    stage: Stage, typed: Message, open_as: Open
) -> None:
    house = stage.house
    Message.objects.filter(thread=typed.thread, seq__gt=typed.seq).update(author=None)
    row = stage.row
    row.preview = TYPED
    row.save(update_fields=["preview"])
    here = f"/inbox/support/c/{row.public_id}/"
    alice, bob = open_as(house.alice, here), open_as(house.bob, "/inbox/support/")
    for page in (alice, bob):
        expect(page.locator("body[data-ready]")).to_be_attached()
        expect(page.locator(f"#c-{row.public_id}")).to_contain_text("4111")
    alice.context.set_offline(True)

    sue = open_as(house.sue, f"/messages/{typed.public_id}/remove/")
    sue.get_by_label("Why?").fill("A card number")
    sue.get_by_role("button", name="Remove for good").click()
    expect(sue.locator("#timeline")).to_contain_text("Removed by a colleague")

    expect(bob.locator(f"#c-{row.public_id}")).to_contain_text("Message removed")
    expect(alice.locator("#timeline")).to_contain_text("4111")
    alice.context.set_offline(False)
    expect(alice.locator("#timeline")).to_contain_text("Removed by a colleague", timeout=30_000)
    expect(alice.locator("body")).not_to_contain_text("4111")


def test_on_a_slow_line_the_cursor_still_stands_in_the_reason(
    stage: Stage, typed: Message, open_as: Open
) -> None:
    sue = open_as(stage.house.sue, f"/inbox/support/c/{stage.row.public_id}/", **NO_WORKER)
    expect(sue.locator("body[data-ready]")).to_be_attached()
    slow = Slow(sue, "**/remove/")

    sue.locator(f'#timeline [data-id="{typed.public_id}"] .msg-remove').focus()
    sue.keyboard.press("Enter")
    dialog = sue.locator("#remove-dialog")
    expect(dialog.locator(".loading")).to_be_visible()
    slow.let_go()

    expect(dialog.get_by_label("Why?")).to_be_focused()


@pytest.mark.parametrize("width", [1280, 360])
def test_the_dialog_and_what_is_left_are_accessible(
    stage: Stage, typed: Message, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    page = open_as(stage.house.sue, f"/inbox/support/c/{stage.row.public_id}/", **look)
    expect(page.locator("body[data-ready]")).to_be_attached()
    mine = page.locator(f'#timeline [data-id="{typed.public_id}"]')

    mine.locator(".msg-remove").focus()
    check_page(page, f"remove offered {width}")
    page.keyboard.press("Enter")
    dialog = page.locator("#remove-dialog")
    expect(dialog.get_by_label("Why?")).to_be_focused()
    check_page(page, f"dialog of removing {width}")
    dialog.get_by_label("Why?").fill("A card number")
    dialog.get_by_role("button", name="Remove for good").click()
    expect(mine).to_contain_text("Removed by a colleague")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Dismiss").click()
    page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    check_page(page, f"removed {width}")
