"""Does somebody who looks elsewhere notice: by the title, the icon, a sound, a notice, a push?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from inbox.models import Attention, Conversation
from tests.browser.conftest import NO_WORKER, Open
from tests.browser.test_composer import MARIA, here, ready, shop
from tests.conftest import House
from tests.factories import make_user
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
INBOX = "/inbox/support/"
OTHERS = ("+14155550171", "+14155550172", "+14155550173")
# What a page asks its browser for, noted beside it.
NOTED = """
    window.badges = [];
    window.notes = 0;
    const remember = (number) => { badges.push(number); return Promise.resolve(); };
    Navigator.prototype.setAppBadge = remember;
    Navigator.prototype.clearAppBadge = () => remember(0);
    const make = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () {
      window.notes += 1;
      return make.call(this);
    };
"""
# What a phone does: only the script of a page may show notices.
NO_CONSTRUCTOR = """
    window.Notification = new Proxy(Notification, {
      construct() { throw new TypeError("Illegal constructor."); },
    });
"""
DESKTOP = """
    localStorage.setItem("teaminbox.preferences", JSON.stringify({desktop: "on", private: "%s"}));
"""
SHOWN = """async () => {
    const worker = await navigator.serviceWorker.getRegistration("/");
    const found = (await worker?.getNotifications()) ?? [];
    return found.map(({title, body, tag}) => [title, body, tag]);
}"""


def begin(page: Page, *scripts: str, path: str = INBOX) -> Page:
    """Open a page of the inbox whose browser was prepared."""
    for script in scripts:
        page.context.add_init_script(script)
    page.goto(path)
    return ready(page)


def hear(live: Live, house: House, number: str, body: str = "Hello?") -> None:
    fields = {"from": number, "to": house.sender.address, "body": body}
    live.carrier.ask("POST", "inbound", **fields)


def wants_sound(user: User, **fields: Any) -> None:
    assert user.account is not None
    Attention.objects.create(account=user.account, user=user, has_sound=True, **fields)


def hold_time(page: Page) -> None:
    """Let time pass only when it is told to: how quick this machine is does not count."""
    page.clock.pause_at(timezone.now() + timedelta(seconds=3))


def notes(page: Page) -> int:
    return int(page.evaluate("window.notes"))


def shown(page: Page) -> list[list[str]]:
    found: list[list[str]] = page.evaluate(SHOWN)
    return found


def wait_for(page: Page, is_so: Any, what: str) -> None:
    until(is_so, within=40, what=what, pause=lambda seconds: page.wait_for_timeout(seconds * 1000))


# --- Title, icon, badge ---------------------------------------------------------------------------


def test_title_icon_and_badge_count_what_is_unread(shop: House, live: Live, open_as: Open) -> None:
    alice = begin(open_as(shop.alice, "/livez"), NOTED)
    assert alice.title().startswith("(1) ")
    assert alice.evaluate("badges.at(-1)") == 1
    icon = alice.locator("#favicon")
    dot = icon.get_attribute("data-dot")
    assert icon.get_attribute("href") == dot

    hear(live, shop, OTHERS[0])
    wait_for(alice, lambda: alice.evaluate("badges.at(-1)") == 2, "the badge counts")
    assert alice.title().startswith("(2) ")

    for left, number in ((1, MARIA), (0, OTHERS[0])):
        row = Conversation.objects.get(thread__address__key=f"sms:{number}")
        alice.locator(f"#c-{row.public_id} .row-link").click()
        expect(alice.locator("#thread-title")).to_be_focused()
        wait_for(alice, lambda left=left: alice.evaluate("badges.at(-1)") == left, "one was read")
    assert icon.get_attribute("href") == icon.get_attribute("data-plain")
    assert not alice.title().startswith("(")


# --- Sound ----------------------------------------------------------------------------------------


def test_many_at_once_sound_once(shop: House, live: Live, open_as: Open) -> None:
    wants_sound(shop.alice)
    page = open_as(shop.alice, "/livez")
    page.clock.install()
    alice = begin(page, NOTED)
    alice.keyboard.press("Escape")
    hold_time(alice)

    for number in OTHERS:
        hear(live, shop, number)
    wait_for(alice, lambda: alice.evaluate("badges.at(-1)") == 4, "all are there")
    alice.wait_for_timeout(1_500)  # the notices come a moment later
    alice.clock.run_for(1_000)

    assert notes(alice) == 2
    alice.clock.run_for(120_000)
    assert notes(alice) == 2


def test_nothing_sounds_before_anybody_touched_the_page(
    shop: House, live: Live, open_as: Open
) -> None:
    wants_sound(shop.alice)
    alice = begin(open_as(shop.alice, "/livez"), NOTED)

    hear(live, shop, OTHERS[0])
    wait_for(alice, lambda: alice.evaluate("badges.at(-1)") == 2, "it is there")
    alice.wait_for_timeout(1_500)

    assert notes(alice) == 0


def test_of_two_tabs_the_one_somebody_worked_in_last_plays(
    shop: House, live: Live, open_as: Open
) -> None:
    wants_sound(shop.alice)
    # Restored, and never touched: it leads, and may not play.
    first = begin(open_as(shop.alice, "/livez"), NOTED)
    second = first.context.new_page()
    second.goto(INBOX)
    ready(second).keyboard.press("Escape")

    hear(live, shop, OTHERS[0])
    wait_for(second, lambda: notes(second) == 2, "the second plays")
    first.wait_for_timeout(500)
    assert notes(first) == 0

    first.keyboard.press("Escape")
    second.wait_for_timeout(3_100)  # what comes within three seconds is silent
    hear(live, shop, OTHERS[1])
    wait_for(first, lambda: notes(first) == 2, "the first plays")
    second.wait_for_timeout(500)
    assert notes(second) == 2

    # Who leads goes: the other does it again once it is touched.
    first.close()
    second.keyboard.press("Escape")
    hear(live, shop, OTHERS[2])
    wait_for(second, lambda: notes(second) == 4, "the second plays again")


@pytest.mark.parametrize("end", ["read", "read elsewhere", "claimed by another"])
def test_it_sounds_again_until_it_is_read(shop: House, live: Live, open_as: Open, end: str) -> None:
    wants_sound(shop.alice, repeats_sound=True)
    page = open_as(shop.alice, "/livez")
    page.clock.install()
    alice = begin(page, NOTED)
    alice.keyboard.press("Escape")
    hold_time(alice)
    hear(live, shop, OTHERS[0])
    wait_for(alice, lambda: alice.evaluate("badges.at(-1)") == 2, "it is there")
    alice.wait_for_timeout(1_500)
    alice.clock.run_for(1_000)
    assert notes(alice) == 2

    alice.clock.run_for(30_000)
    assert notes(alice) == 4
    alice.clock.run_for(30_000)
    assert notes(alice) == 6

    row = Conversation.objects.get(thread__address__key=f"sms:{OTHERS[0]}")
    place = f"/inbox/support/c/{row.public_id}/"
    if end == "read":
        alice.locator(f"#c-{row.public_id} .row-link").click()
        expect(alice.locator("#thread-title")).to_be_visible()
        alice.clock.run_for(1_000)
    elif end == "read elsewhere":
        ready(open_as(shop.alice, place))
    else:
        ready(open_as(shop.bob, place)).keyboard.press("c")
    wait_for(alice, lambda: alice.evaluate("badges.at(-1)") == 1, "it is over")
    alice.clock.run_for(90_000)
    assert notes(alice) == 6


# --- Notices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_private", [True, False])
def test_a_notice_comes_where_only_the_script_may_show_one_and_goes_when_it_is_read(
    shop: House, live: Live, open_as: Open, is_private: bool
) -> None:
    page = open_as(shop.alice, "/livez", permissions=["notifications"])
    taste = DESKTOP % ("on" if is_private else "off")
    alice = begin(page, NO_CONSTRUCTOR, taste)
    wait_for(alice, lambda: alice.evaluate("navigator.serviceWorker.controller !== null"), "led")

    hear(live, shop, OTHERS[0], "My card is 4111")
    wait_for(alice, lambda: len(shown(alice)) == 1, "it is shown")
    row = Conversation.objects.get(thread__address__key=f"sms:{OTHERS[0]}")
    [(title, body, tag)] = shown(alice)
    assert tag == f"c-{row.public_id}"
    assert (title, body) == (
        ("New message", "") if is_private else ("+1 415-555-0171", "My card is 4111")
    )

    alice.locator(f"#c-{row.public_id} .row-link").click()
    wait_for(alice, lambda: shown(alice) == [], "it is gone")


@pytest.mark.parametrize("is_phone", [True, False])
def test_without_the_script_the_page_shows_it_or_nothing_breaks(
    shop: House, live: Live, open_as: Open, is_phone: bool
) -> None:
    noted = """
        window.made = [];
        window.Notification = class extends Notification {
          constructor(title, options) { super(title, options); made.push(title); }
        };
    """
    page = open_as(shop.alice, "/livez", permissions=["notifications"], **NO_WORKER)
    alice = begin(page, NOTED, NO_CONSTRUCTOR if is_phone else noted, DESKTOP % "on")

    hear(live, shop, OTHERS[0])
    wait_for(alice, lambda: alice.evaluate("badges.at(-1)") == 2, "it is there")
    if is_phone:
        alice.wait_for_timeout(1_500)
    else:
        wait_for(alice, lambda: alice.evaluate("made") == ["New message"], "it is shown")
    # Uncaught errors fail the test by themselves.


# --- Push -----------------------------------------------------------------------------------------


class Pusher:
    """Delivers to the script of a page what a push service would."""

    def __init__(self, page: Page, origin: str) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self._origin = origin
        self._registrations: list[str] = []
        self._cdp.on("ServiceWorker.workerRegistrationUpdated", self._updated)
        self._cdp.send("ServiceWorker.enable")
        wait_for(page, lambda: self._registrations, "the script is registered")

    def _updated(self, said: dict[str, Any]) -> None:
        found = [one for one in said["registrations"] if not one["isDeleted"]]
        self._registrations += [one["registrationId"] for one in found]

    def deliver(self, **content: str) -> None:
        self._cdp.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": self._origin,
                "registrationId": self._registrations[-1],
                "data": json.dumps(content),
            },
        )


@pytest.fixture
def pushed(shop: House, live: Live, open_as: Open) -> tuple[Page, Pusher]:
    page = open_as(shop.alice, "/livez", permissions=["notifications"])
    alice = begin(page)
    wait_for(alice, lambda: alice.evaluate("navigator.serviceWorker.controller !== null"), "led")
    return alice, Pusher(alice, live.base_url)


def test_a_push_shows_what_it_says_and_takes_it_back(
    pushed: tuple[Page, Pusher], shop: House
) -> None:
    alice, pusher = pushed
    tag = here().split("/")[-2]
    notice = {"type": "notice", "title": "New message", "body": "", "tag": tag, "url": here()}

    pusher.deliver(**notice)
    wait_for(alice, lambda: shown(alice) == [["New message", "", tag]], "it is shown")
    # A second one of the same conversation takes its place.
    pusher.deliver(**notice)
    alice.wait_for_timeout(500)
    assert len(shown(alice)) == 1

    pusher.deliver(type="left", tag=tag)
    wait_for(alice, lambda: shown(alice) == [], "it is taken back")


def test_a_push_leaves_alone_what_a_page_told_a_moment_ago(
    pushed: tuple[Page, Pusher], shop: House
) -> None:
    alice, pusher = pushed
    tag = here().split("/")[-2]
    alice.evaluate(
        """async (tag) => {
            const worker = await navigator.serviceWorker.getRegistration("/");
            await worker.showNotification("Maria", { body: "Hello", tag });
        }""",
        tag,
    )

    pusher.deliver(type="notice", title="New message", body="", tag=tag, url=here())

    alice.wait_for_timeout(1_000)
    assert shown(alice) == [["Maria", "Hello", tag]]


def test_a_click_on_a_push_opens_the_conversation(pushed: tuple[Page, Pusher], shop: House) -> None:
    alice, _pusher = pushed
    # No click on a notice can be made from here: what the script then tells the page can.
    [worker] = alice.context.service_workers

    worker.evaluate(
        """async (url) => {
            const [page] = await clients.matchAll({ type: "window" });
            page.postMessage({ type: "open", url });
        }""",
        here(),
    )

    expect(alice.locator("#thread-title")).to_be_focused()
    assert alice.url.endswith(here())


# --- Being here -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("/settings/", "/reports/", "/search/", "/contacts/", "/saved/", "/profile/"),
        *("/profile/notifications/", "/inbox/support/"),
    ],
)
def test_typing_anywhere_keeps_somebody_logged_in(shop: House, open_as: Open, path: str) -> None:
    ada = make_user(shop.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    page = open_as(ada if path == "/settings/" else shop.sue, "/livez")
    page.clock.install()
    page.goto(path)
    page.clock.run_for(61_000)

    with page.expect_response("**/profile/awake/") as said:
        page.keyboard.press("Shift")
    assert said.value.status == 204
