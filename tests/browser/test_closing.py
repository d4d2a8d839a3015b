"""Is a conversation closed where it may be, and does nothing of it stay where it may not be?"""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.access import viewer_of
from inbox.closing import close_conversation
from inbox.models import Conversation, Message, TeamInbox
from inbox.models.ids import client_id
from tests.browser.conftest import Open
from tests.browser.test_composer import MARIA, here, ready, say, shop
from tests.browser.test_every_page import WIDTHS, check_page
from tests.browser.test_story import PHOTO
from tests.conftest import House
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def told_much(house: House, number: int) -> None:
    """Let us have written many times since the customer's only words."""
    row = Conversation.objects.select_related("thread").get()
    first = Message.objects.get()
    Message.objects.bulk_create(
        Message(
            account=first.account,
            thread=row.thread,
            conversation=row,
            seq=seq,
            direction="out",
            author=house.alice,
            author_label="Alice",
            body=f"notice {seq}",
            status="delivered",
            created_at=first.created_at,
        )
        for seq in range(2, number + 2)
    )
    row.thread.last_seq = number + 1
    row.thread.save()
    Conversation.objects.update(waiting_since=None)


def close_it(page: Page) -> None:
    page.keyboard.press("e")
    page.locator("#close-menu").get_by_role("button", name="Close", exact=True).click()


def is_closed() -> bool:
    return Conversation.objects.get().is_closed


POST = """async ([path, data]) => {
  const { value } = document.querySelector('[name="csrfmiddlewaretoken"]');
  const headers = { "X-CSRFToken": value, Accept: "application/json" };
  const body = new URLSearchParams(data);
  return (await fetch(path, { method: "POST", headers, body })).status;
}"""


def post(page: Page, act: str, **data: str) -> None:
    """Do something with the conversation from a colleague's page, by no button of it."""
    path = f"/c/{Conversation.objects.get().public_id}/{act}/"
    assert page.evaluate(POST, [path, data]) in (200, 201)


# --- What has been seen --------------------------------------------------------------------------


def test_who_wrote_nothing_new_is_closed_though_their_words_stand_far_above(
    shop: House, open_as: Open
) -> None:
    told_much(shop, 45)
    alice = ready(open_as(shop.alice, here()))
    expect(alice.locator("#timeline > .msg-out").last).to_be_visible()
    assert alice.locator("#timeline > .msg-in").count() == 0

    close_it(alice)

    until(is_closed, within=10, what="it is closed")


def test_what_is_sent_and_closed_is_closed_though_their_words_stand_far_above(
    shop: House, open_as: Open
) -> None:
    told_much(shop, 45)
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#words").fill("That was all")
    alice.locator("#words").press("Control+Shift+Enter")

    until(is_closed, within=10, what="it is closed")


def test_what_they_wrote_below_what_is_shown_is_not_closed_away(shop: House, open_as: Open) -> None:
    told_much(shop, 90)
    Message.objects.filter(seq=85).update(direction="in", author=None, status="received")
    row = Conversation.objects.select_related("thread").get()
    row.thread.last_inbound_seq = 85
    row.thread.save()
    old = Message.objects.get(seq=10)
    alice = ready(open_as(shop.alice, f"{here()}?m={old.public_id}"))
    expect(alice.locator(".msg.is-found")).to_be_visible()
    assert alice.locator('.msg[data-seq="85"]').count() == 0

    close_it(alice)

    expect(alice.locator("#toasts")).to_contain_text("The customer wrote again")
    expect(alice.locator('.msg[data-seq="85"]')).to_be_visible()
    assert not is_closed()
    close_it(alice)
    until(is_closed, within=10, what="it is closed")


def test_only_what_this_conversation_brought_is_new(shop: House, live: Live, open_as: Open) -> None:
    TeamInbox.objects.update(reopen_hours=0)
    now = timezone.now()
    row, viewer = Conversation.objects.get(), viewer_of(shop.bob, now=now)
    close_conversation(
        conversation=row, by=viewer, user=shop.bob, last_seen_seq=9, waiting_ok=True, now=now
    )
    say(live, shop, "Another matter")
    until(lambda: Conversation.objects.count() == 2, within=10, what="it has begun")
    later = Conversation.objects.latest("pk")

    alice = ready(open_as(shop.alice, f"/inbox/support/c/{later.public_id}/"))

    expect(alice.locator("#timeline > .new-line")).to_have_count(1)
    expect(alice.locator("#timeline > .new-line + .msg")).to_contain_text("Another matter")


# --- Taken while open ----------------------------------------------------------------------------


def test_a_photo_that_is_shown_large_goes_with_its_conversation(
    shop: House, live: Live, open_as: Open
) -> None:
    data = base64.b64encode(PHOTO.read_bytes()).decode()
    media = [{"content_type": "image/jpeg", "data_base64": data}]
    to = shop.sender.address
    live.carrier.ask("POST", "inbound", **{"from": MARIA, "to": to, "body": "Look", "media": media})
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, here()))
    bob.locator("#timeline [data-photo]").click()
    gallery = bob.locator("#gallery")
    expect(gallery.locator("img")).to_have_attribute("src", re.compile("."))

    post(alice, "claim")

    expect(bob.locator("#handled-title")).to_have_text("Handled by Alice")
    expect(gallery).to_be_hidden()
    expect(bob.locator("#handled-title")).to_be_focused()
    assert gallery.locator("img").get_attribute("src") is None
    assert gallery.locator("a[href]").count() == 0


@pytest.mark.parametrize(
    ("dialog", "opener"), [("why-dialog", "Why is this here?"), ("transfer-dialog", "Transfer")]
)
def test_what_a_dialog_said_of_it_goes_too(
    shop: House, open_as: Open, dialog: str, opener: str
) -> None:
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, here()))
    if dialog == "transfer-dialog":
        bob.keyboard.press("a")
    else:
        bob.locator("#panel").get_by_role("link", name=opener).click()
    part = bob.locator(f"#{dialog} [data-part]")
    expect(part).not_to_be_empty()

    post(alice, "claim")

    expect(bob.locator("#handled-title")).to_be_focused()
    expect(bob.locator("dialog[open]")).to_have_count(0)
    expect(part).to_be_empty()


def test_the_newer_words_that_a_question_showed_go_too(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, here()))
    bob.locator("#words").fill("Yes")
    # As if their words had come while this was written.
    bob.evaluate("document.querySelectorAll('.msg').forEach((one) => (one.dataset.seq = 0))")
    bob.locator("#words").press("Enter")
    question = bob.get_by_role("dialog", name="Something new was written")
    expect(question).to_be_visible()

    post(alice, "claim")

    expect(bob.locator("#handled-title")).to_be_focused()
    expect(bob.locator("dialog[open]")).to_have_count(0)
    expect(bob.locator("#ask-stale [data-fill]")).to_be_empty()
    expect(bob.locator("#kept-words")).to_have_text("Yes")


# --- A reason is asked for -----------------------------------------------------------------------


@pytest.fixture
def strict(shop: House) -> House:
    """An inbox that asks why a conversation is closed."""
    TeamInbox.objects.update(is_close_reason_required=True)
    return shop


def test_send_and_close_asks_for_the_reason_that_the_inbox_wants(
    strict: House, open_as: Open
) -> None:
    alice = ready(open_as(strict.alice, here()))

    alice.locator("#words").fill("Done")
    alice.locator("#words").press("Control+Shift+Enter")
    question = alice.get_by_role("dialog", name="Why is it closed?")
    expect(question.get_by_label("Reason")).to_be_focused()
    alice.keyboard.type("Parcel found")
    alice.keyboard.press("Enter")

    until(is_closed, within=10, what="it is closed")
    assert Conversation.objects.get().close_reason == "Parcel found"


def test_who_gives_no_reason_leaves_it_open(strict: House, open_as: Open) -> None:
    Conversation.objects.update(waiting_since=None)
    alice = ready(open_as(strict.alice, here()))

    alice.keyboard.press("Shift+E")
    question = alice.get_by_role("dialog", name="Why is it closed?")
    question.get_by_role("button", name="Keep it open").click()

    expect(question).to_be_hidden()
    assert not is_closed()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_question_for_a_reason_looks_and_reads_well(
    strict: House, open_as: Open, width: int
) -> None:
    Conversation.objects.update(waiting_since=None)
    alice = open_as(strict.alice, here(), viewport={"width": width, "height": 800})
    expect(alice.locator("body[data-ready]")).to_be_attached()
    expect(alice.locator("#composer")).to_be_visible()

    alice.keyboard.press("Shift+E")

    expect(alice.get_by_role("dialog", name="Why is it closed?")).to_be_visible()
    check_page(alice, f"reason {width}")


# --- Lists ---------------------------------------------------------------------------------------


def test_a_row_that_a_filter_found_leaves_when_it_fits_no_more(shop: House, open_as: Open) -> None:
    Conversation.objects.update(tags=["vip"])
    alice = ready(open_as(shop.alice, "/inbox/support/?tag=VIP"))
    expect(alice.locator("#rows .row")).to_have_count(1)

    bob = ready(open_as(shop.bob, here()))
    post(bob, "tags", remove="vip")

    expect(alice.locator("#rows .row")).to_have_count(0)


def test_mentions_come_when_the_list_is_let_go_and_leave_with_a_close(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    post(alice, "claim")
    bob = ready(open_as(shop.bob, "/inbox/support/?view=mentions"))
    bob.locator("#list").hover()
    post(alice, "messages", kind="note", body="@Bob look", client_id=client_id())
    expect(bob.locator('[data-count="mentions"]')).to_have_text("1")
    expect(bob.locator("#rows .row")).to_have_count(0)

    bob.locator("#thread").hover()
    expect(bob.locator("#rows .row")).to_have_count(1)
    post(alice, "close", last_seen_seq="9", waiting_ok="1")

    expect(bob.locator("#rows .row")).to_have_count(0)


# --- Who only reads ------------------------------------------------------------------------------


def test_who_only_reads_is_offered_nothing_that_would_be_refused(
    shop: House, open_as: Open
) -> None:
    TeamInbox.objects.update(after_claim=TeamInbox.AfterClaim.READ_ONLY)
    post(ready(open_as(shop.alice, here())), "claim")
    first, later = Message.objects.get(), timezone.now() + timedelta(hours=2)
    told: dict[str, Any] = {
        "account": first.account,
        "thread": first.thread,
        "conversation": first.conversation,
    }
    ours: dict[str, Any] = {
        "direction": "out",
        "author": shop.alice,
        "author_label": "Alice",
        **told,
    }
    at: dict[str, Any] = {"created_at": first.created_at, "not_before": later}
    Message.objects.create(
        seq=2, body="Later", status="queued", error_words="It waits.", **ours, **at
    )
    Message.objects.create(
        seq=3,
        body="Lost",
        status="failed",
        error_code="30003",
        error_words="Off",
        **ours,
        **at,
    )
    first.thread.last_seq = 3
    first.thread.save()
    alice, bob = (ready(open_as(one, here())) for one in (shop.alice, shop.bob))

    for words in ("Do not send", "Send again"):
        expect(
            alice.locator("#timeline").get_by_role("button", name=words, exact=True)
        ).to_be_visible()
        expect(
            bob.locator("#timeline").get_by_role("button", name=words, exact=True)
        ).to_have_count(0)
    expect(bob.locator("#timeline [data-dead]:visible")).to_have_count(0)
    bob.locator("#more-button").click()
    expect(bob.get_by_role("button", name="Mark as unread")).to_be_visible()
    expect(bob.get_by_role("button", name="Report spam")).to_have_count(0)
