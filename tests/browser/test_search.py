"""Can somebody search with the keyboard alone, and get to what was said?"""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from inbox.models import Message
from tests.browser.conftest import Open
from tests.browser.keyboard import follow, go_to
from tests.browser.test_composer import ready, shop
from tests.conftest import House
from tests.live import Live
from tests.twilio import text_in

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_search_by_keyboard_alone_leads_to_the_message(
    shop: House, live: Live, open_as: Open, client: object
) -> None:
    text_in(client, shop.sender, "+14155550191", "My <b>blue parcel</b> is lost")  # type: ignore[arg-type]
    message = Message.objects.get(body__contains="blue parcel")
    alice = ready(open_as(shop.alice, "/inbox/support/"))

    alice.keyboard.press("Control+k")
    alice.keyboard.type("search every")
    follow(alice)
    expect(alice.locator("#search-line")).to_be_focused()
    expect(alice.locator("body[data-ready]")).to_have_count(1)
    alice.keyboard.type("p")
    expect(alice.get_by_text("Type at least two letters")).to_be_visible()
    alice.keyboard.type("arcel status:open")
    expect(alice.locator("mark")).to_have_text("parcel")
    expect(alice.locator(".hit")).to_have_count(1)
    expect(alice.locator(".hit-text b")).to_have_count(0)
    expect(alice).to_have_url(re.compile("q=parcel"))

    go_to(alice, "status:open")
    alice.keyboard.press("Enter")
    expect(alice.locator(".search-chip")).to_have_count(0)
    expect(alice.locator("#search-line")).to_have_value("parcel")
    expect(alice.locator("#search-line")).to_be_focused()
    expect(alice.locator(".hit")).to_have_count(1)
    alice.keyboard.press("ArrowDown")
    expect(alice.locator(".hit")).to_be_focused()
    follow(alice)

    expect(alice).to_have_url(re.compile(rf"\?m={message.public_id}"))
    expect(alice.locator(f'[data-id="{message.public_id}"]')).to_be_in_viewport()


def test_a_search_that_does_not_get_through_can_be_tried_again(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = open_as(shop.alice, "/search/")
    expect(alice.locator("body[data-ready]")).to_have_count(1)
    alice.evaluate(
        "() => { window.kept = fetch; window.fetch = () => Promise.reject(new TypeError()); }"
    )
    alice.locator("#search-line").fill("zebra")
    expect(alice.get_by_text("The search did not get through")).to_be_visible()

    alice.evaluate("() => { window.fetch = window.kept; }")
    alice.get_by_role("button", name="Try again").click()

    expect(alice.locator("#found").get_by_text("Nothing found")).to_be_visible()
    expect(alice.locator("#search-failed")).to_be_hidden()


def test_what_another_claims_goes_from_results_and_pages_without_a_reload(
    shop: House, live: Live, open_as: Open, client: object
) -> None:
    text_in(client, shop.sender, "+14155550191", "The blue parcel is lost")  # type: ignore[arg-type]
    text_in(client, shop.sender, "+14155550192", "A green parcel")  # type: ignore[arg-type]
    row = Message.objects.get(body__contains="blue parcel").conversation
    assert row is not None
    bob = open_as(shop.bob, "/search/?q=parcel")
    alone = open_as(shop.bob, "/search/?q=blue+parcel")
    contact = open_as(shop.bob, f"/contacts/{row.contact.public_id}/")
    why = open_as(shop.bob, reverse("why", kwargs={"cid": row.public_id}))
    expect(bob.locator(".hit")).to_have_count(2)
    expect(contact.locator("#talks-list [data-seen]")).to_have_count(1)
    bob.evaluate("() => { window.isStillHere = true; }")
    alone.evaluate("() => { window.isStillHere = true; }")
    bob.locator(".hit", has_text="green").focus()
    alice = ready(open_as(shop.alice, reverse("conversation_link", kwargs={"cid": row.public_id})))

    alice.keyboard.press("c")

    expect(bob.locator(".hit")).to_have_count(1)
    expect(bob.locator("#found")).not_to_contain_text("blue parcel")
    expect(bob.locator(".hit")).to_be_focused()
    expect(bob.locator("#search-status")).to_contain_text("no longer shared with you")
    expect(alone.locator("#found").get_by_text("Nothing found")).to_be_visible()
    assert bob.evaluate("() => window.isStillHere")
    assert alone.evaluate("() => window.isStillHere")
    expect(contact.get_by_text("blue parcel")).to_have_count(0)
    expect(why.locator("#handled-title")).to_have_text("Handled by Alice")


def test_what_went_while_the_line_was_down_goes_when_somebody_looks_again(
    shop: House, live: Live, open_as: Open, client: object
) -> None:
    text_in(client, shop.sender, "+14155550191", "The blue parcel is lost")  # type: ignore[arg-type]
    row = Message.objects.get(body__contains="blue parcel").conversation
    assert row is not None
    bob = open_as(shop.bob, "/search/?q=parcel")
    expect(bob.locator(".hit")).to_have_count(1)
    bob.route_web_socket("**/ws/v1/", lambda socket: socket.close())
    bob.reload()
    expect(bob.locator(".hit")).to_have_count(1)
    alice = ready(open_as(shop.alice, reverse("conversation_link", kwargs={"cid": row.public_id})))
    alice.keyboard.press("c")
    expect(alice.locator(".who-owner")).to_have_text("Alice")

    bob.evaluate("() => window.dispatchEvent(new Event('focus'))")

    expect(bob.locator(".hit")).to_have_count(0)
    expect(bob.locator("#found").get_by_text("Nothing found")).to_be_visible()


def test_the_slash_of_any_keyboard_leads_to_the_box_unless_single_keys_are_off(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = open_as(shop.alice, "/search/?q=parcel&show=messages")
    expect(alice.locator("body[data-ready]")).to_have_count(1)
    press = """() => document.body.dispatchEvent(new KeyboardEvent("keydown", {
        bubbles: true, cancelable: true, key: "/", code: "Digit7", shiftKey: true}))"""
    alice.evaluate("() => localStorage.setItem('teaminbox.preferences', '{\"keys\": \"off\"}')")
    alice.evaluate(press)
    expect(alice.locator("#search-line")).not_to_be_focused()

    alice.evaluate("() => localStorage.removeItem('teaminbox.preferences')")
    alice.evaluate(press)

    expect(alice.locator("#search-line")).to_be_focused()
