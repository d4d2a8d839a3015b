"""Does an open page follow by itself: its numbers, its colleagues, what concerns its reader?"""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, say, shop
from tests.conftest import House
from tests.live import Live

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Instead of the desktop's own: what would be shown, and what is closed again.
DESKTOP = """
    window.notices = [];
    window.Notification = class extends EventTarget {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(title, {body, tag}) {
            super();
            this.facts = {title, body, tag, isOpen: true};
            window.notices.push(this.facts);
        }
        close() { this.facts.isOpen = false; }
    };
    const given = localStorage.getItem("teaminbox.preferences") ?? "{}";
    localStorage.setItem(
        "teaminbox.preferences", JSON.stringify({desktop: "on", ...JSON.parse(given)}));
"""


def chip(page: Page, name: str) -> Any:
    return page.locator(f'[data-count="{name}"]')


def notices(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("() => window.notices")
    return found


def with_desktop(page: Page, path: str) -> Page:
    """Load a page whose desktop notifications we can read."""
    page.add_init_script(DESKTOP)
    page.goto(path)
    return ready(page)


def test_chips_move_without_a_question_while_the_line_is_up(
    shop: House, live: Live, open_as: Open
) -> None:
    pages = {user: open_as(user, here()) for user in (shop.alice, shop.bob, shop.sue)}
    asked: list[str] = []
    for page in pages.values():
        page.on("request", lambda one: asked.append(one.url) if "/counts/" in one.url else None)
        ready(page)
        expect(chip(page, "unassigned")).to_have_text("1")
    alice, bob, sue = pages.values()

    alice.keyboard.press("c")

    for page, mine, unassigned, everything in (
        (alice, "1", "0", "1"),
        (bob, "0", "0", "0"),
        (sue, "0", "0", "1"),
    ):
        expect(chip(page, "mine")).to_have_text(mine)
        expect(chip(page, "unassigned")).to_have_text(unassigned)
        expect(chip(page, "open")).to_have_text(everything)
    live.carrier.ask(
        "POST", "inbound", **{"from": "+14155550111", "to": shop.sender.address, "body": "Me too"}
    )
    for page, everything in ((alice, "2"), (bob, "1"), (sue, "2")):
        expect(chip(page, "unassigned")).to_have_text("1")
        expect(chip(page, "open")).to_have_text(everything)
    alice.wait_for_timeout(3_500)  # as long as the question would have waited
    assert asked == []
    for page in pages.values():
        before = [chip(page, name).inner_text() for name in ("mine", "unassigned", "open")]
        page.goto("/inbox/support/")
        assert [chip(page, name).inner_text() for name in ("mine", "unassigned", "open")] == before


def test_without_a_line_the_page_asks(shop: House, open_as: Open) -> None:
    alice = open_as(shop.alice, here())
    alice.route_web_socket("**/ws/v1/", lambda socket: socket.close(code=1013))
    alice.reload()
    expect(alice.locator("body[data-ready]")).to_be_attached()

    with alice.expect_request(lambda one: "/counts/" in one.url or "/events/" in one.url):
        alice.keyboard.press("c")

    expect(chip(alice, "mine")).to_have_text("1", timeout=25_000)


def test_a_dot_in_the_transfer_dialog_follows_a_colleague(shop: House, open_as: Open) -> None:
    bob = ready(open_as(shop.bob, "/inbox/support/"))
    alice = ready(open_as(shop.alice, here()))
    alice.wait_for_timeout(2_500)
    alice.keyboard.press("a")
    of_bob = alice.locator(f'.agent-dot[data-agent="{shop.bob.pk}"]')
    of_sue = alice.locator(f'.agent-dot[data-agent="{shop.sue.pk}"]')
    expect(of_bob).to_have_attribute("data-state", "online")
    expect(of_bob).to_have_text("Online")
    expect(of_sue).to_have_text("Offline")

    bob.context.close()
    ready(open_as(shop.sue, "/inbox/support/"))

    expect(of_sue).to_have_text("Online")
    expect(of_bob).to_have_text("Offline", timeout=15_000)


def test_a_notice_is_shown_for_what_one_does_not_look_at_and_closed_when_it_is_lost(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = with_desktop(open_as(shop.alice), "/inbox/support/")
    bob = ready(open_as(shop.bob, here()))

    say(live, shop, "Anybody?")
    say(live, shop, "Hello?")
    expect(alice.locator("#rows")).to_contain_text("Hello?")
    alice.wait_for_timeout(1_500)
    shown = notices(alice)
    bob.keyboard.press("c")
    expect(alice.locator("#rows .row")).to_have_count(0)

    assert [one["title"] for one in shown] == ["+1 415-555-0100"]
    assert shown[0]["body"] in {"Anybody?", "Hello?"}
    assert [one["isOpen"] for one in notices(alice)] == [False]


def test_what_somebody_looks_at_in_another_tab_is_not_announced(
    shop: House, live: Live, open_as: Open
) -> None:
    leader = with_desktop(open_as(shop.alice), "/inbox/support/")
    reading = leader.context.new_page()
    with_desktop(reading, here())
    reading.bring_to_front()
    reading.locator("#words").focus()

    say(live, shop, "Are you there?")
    expect(reading.locator("li.msg-in", has_text="Are you there?")).to_be_visible()
    leader.wait_for_timeout(1_500)

    assert notices(leader) == []
    assert notices(reading) == []


def test_names_and_texts_stay_hidden_where_somebody_wants_that(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = open_as(shop.alice)
    alice.evaluate(
        "() => localStorage.setItem('teaminbox.preferences', JSON.stringify({private: 'on'}))"
    )
    with_desktop(alice, "/inbox/support/")

    say(live, shop, "My secret")
    expect(alice.locator("#rows")).to_contain_text("My secret")
    alice.wait_for_timeout(1_500)

    assert [(one["title"], one["body"]) for one in notices(alice)] == [("New message", "")]
