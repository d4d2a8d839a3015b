"""The main job, as two agents and a customer live it."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from inbox.models import Conversation, Message
from tests.browser.conftest import Open
from tests.conftest import House
from tests.live import Live, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MARIA = "+14155550100"
PHOTO = Path(__file__).parents[2] / "inbox/twilio/simulator/samples/photo.jpg"


@pytest.fixture
def shop(house: House, live: Live) -> House:
    """The house, known to the carrier."""
    live.carrier.know(live.base_url, house.sender)
    return house


def _text(live: Live, shop: House, body: str, **fields: Any) -> None:
    live.carrier.ask(
        "POST", "inbound", **{"from": MARIA, "to": shop.sender.address, "body": body, **fields}
    )


def _row(page: Page, words: str) -> Any:
    return page.locator("li.row", has_text=words)


def _open_conversation(page: Page, words: str) -> None:
    _row(page, words).locator("a").click()
    expect(page.locator("#composer")).to_be_visible()


def _answer(page: Page, words: str) -> Any:
    page.locator("#words").fill(words)
    page.keyboard.press("Enter")
    return page.locator("li.msg-out", has_text=words)


def _on_phone(live: Live, shop: House) -> list[dict[str, Any]]:
    sender = shop.sender.address.replace("+", "%2B")
    customer = MARIA.replace("+", "%2B")
    found = live.carrier.ask("GET", f"messages?customer={customer}&sender={sender}")
    messages: list[dict[str, Any]] = found["messages"]
    return messages


def test_a_text_arrives_is_claimed_and_answered(shop: House, live: Live, open_as: Open) -> None:
    alice, bob = open_as(shop.alice), open_as(shop.bob)
    expect(alice.get_by_text("Live", exact=True)).to_be_visible()
    expect(bob.get_by_text("Live", exact=True)).to_be_visible()

    _text(live, shop, "Is my parcel on its way?")

    expect(_row(alice, "Is my parcel")).to_be_visible()
    expect(_row(bob, "Is my parcel")).to_be_visible()
    _open_conversation(bob, "Is my parcel")
    bob.locator("#words").fill("I will look it up for")
    _open_conversation(alice, "Is my parcel")
    alice.get_by_role("button", name="Claim").click()

    expect(alice.locator("#header")).to_contain_text("Alice")
    expect(_row(bob, "Is my parcel")).to_have_count(0)
    expect(bob.locator("main")).to_contain_text("Alice")
    expect(bob.locator("main")).not_to_contain_text("Is my parcel")
    expect(bob.locator("body")).not_to_contain_text("415-555-0100")
    expect(bob.locator("body")).to_contain_text("I will look it up for")
    bob.goto("/inbox/support/?view=open")
    expect(bob.locator("li.row")).to_have_count(0)
    bob.goto("/inbox/support/?q=parcel")
    expect(bob.locator("li.row")).to_have_count(0)

    sent = _answer(alice, "It will arrive tomorrow.")

    expect(sent).to_have_count(1)
    expect(sent.locator(".tick-words")).to_have_text(re.compile("Delivered"))
    until(
        lambda: any(one["body"] == "It will arrive tomorrow." for one in _on_phone(live, shop)),
        within=10,
        what="the answer is on the phone",
    )
    assert Message.objects.get(body="It will arrive tomorrow.").status == "delivered"


def test_photos_go_both_ways(shop: House, live: Live, open_as: Open) -> None:
    alice = open_as(shop.alice)
    data = base64.b64encode(PHOTO.read_bytes()).decode()

    _text(live, shop, "Look at this", media=[{"content_type": "image/jpeg", "data_base64": data}])

    _open_conversation(alice, "Look at this")
    picture = alice.locator("li.msg-in img")
    expect(picture).to_be_visible()
    until(
        lambda: picture.evaluate("image => image.naturalWidth") > 0, within=10, what="it is drawn"
    )
    picture.click()
    large = alice.locator("#gallery img")
    until(lambda: large.evaluate("image => image.naturalWidth") > 640, within=10, what="it is seen")
    alice.keyboard.press("Escape")
    alice.locator("#file-input").set_input_files(str(PHOTO))
    expect(alice.locator("#files li")).to_have_count(1)
    expect(alice.locator("#files progress")).to_have_count(0)
    sent = _answer(alice, "Like this one?")
    expect(sent.locator("img")).to_be_visible()
    until(
        lambda: any(one["media"] for one in _on_phone(live, shop) if "Like this" in one["body"]),
        within=10,
        what="the photo is on the phone",
    )


def test_stop_locks_the_composer_and_start_opens_it(shop: House, live: Live, open_as: Open) -> None:
    alice = open_as(shop.alice)
    _text(live, shop, "Hello there")
    _open_conversation(alice, "Hello there")

    _text(live, shop, "STOP")

    expect(alice.locator("body")).to_contain_text("START")
    expect(alice.locator("#words")).not_to_be_visible()
    before = len(live.carrier.ledger())
    refused = alice.evaluate(
        """async () => {
            const form = new FormData(document.querySelector("#composer"));
            form.set("body", "sneaky"); form.set("kind", "reply");
            form.set("client_id", "f".repeat(32));
            const answer = await fetch(document.querySelector("#composer").action,
                {method: "POST", body: form, headers: {Accept: "application/json"}});
            return answer.status;
        }"""
    )
    assert refused == 422
    assert len(live.carrier.ledger()) == before

    _text(live, shop, "START")

    expect(alice.locator("#words")).to_be_visible()
    expect(_answer(alice, "Welcome back").locator(".tick-words")).to_have_text(
        re.compile("Delivered")
    )


def test_a_cut_socket_is_caught_up_in_order_and_once(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = open_as(shop.alice)
    _text(live, shop, "before the cut")
    _open_conversation(alice, "before the cut")
    expect(alice.get_by_text("Live", exact=True)).to_be_visible()

    alice.context.set_offline(True)
    for number in range(30):
        _text(live, shop, f"during the cut {number:02d}")
    alice.context.set_offline(False)

    expect(alice.locator("li.msg-in", has_text="during the cut 29")).to_be_visible(timeout=40_000)
    heard = [
        words for words in alice.locator("li.msg-in .msg-words").all_inner_texts() if "cut" in words
    ]
    assert heard == ["before the cut", *(f"during the cut {n:02d}" for n in range(30))]


def test_it_works_slower_with_the_socket_blocked(shop: House, live: Live, open_as: Open) -> None:
    alice = open_as(shop.alice, "/livez")
    alice.route_web_socket(re.compile("/ws/"), lambda socket: socket.close())
    alice.goto("/")

    _text(live, shop, "Can you hear me?")

    expect(_row(alice, "Can you hear me?")).to_be_visible(timeout=45_000)
    _open_conversation(alice, "Can you hear me?")
    expect(_answer(alice, "Yes, loud and clear")).to_be_visible()
    until(
        lambda: Message.objects.filter(body="Yes, loud and clear", status="delivered").exists(),
        within=15,
        what="it was sent",
    )


def test_the_loser_of_a_race_keeps_the_draft_and_learns_who_won(
    shop: House, live: Live, open_as: Open
) -> None:
    _text(live, shop, "Who takes me?")
    alice, bob = open_as(shop.alice), open_as(shop.bob)
    _open_conversation(alice, "Who takes me?")
    _open_conversation(bob, "Who takes me?")
    bob.locator("#words").fill("Me, I think")

    alice.get_by_role("button", name="Claim").click()
    expect(alice.locator("#header")).to_contain_text("Alice")

    expect(bob.locator("main")).to_contain_text("Alice")
    expect(bob.locator("body")).to_contain_text("Me, I think")
    assert Conversation.objects.get().owner == shop.alice


def test_the_keyboard_alone_is_enough(shop: House, live: Live, open_as: Open) -> None:
    _text(live, shop, "Hands off the mouse")
    alice = open_as(shop.alice)
    expect(_row(alice, "Hands off")).to_be_visible()

    alice.keyboard.press("j")
    alice.keyboard.press("Enter")
    expect(alice.locator("#composer")).to_be_visible()
    alice.keyboard.press("c")
    expect(alice.locator("#header")).to_contain_text("Alice")
    alice.keyboard.press("r")
    alice.keyboard.type("Typed without a mouse")
    alice.keyboard.press("Enter")

    expect(alice.locator("li.msg-out", has_text="Typed without")).to_be_visible()
