"""Do the small things read and look as they should?"""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from inbox.models import Contact, TeamInbox
from tests.browser.conftest import Open
from tests.browser.test_composer import MARIA, here, ready, say, shop
from tests.conftest import House
from tests.factories import make_inbox
from tests.live import Live

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
LATE = datetime(2026, 3, 3, 23, 49)


def test_a_snooze_says_when_it_ends_though_the_day_ends_before(shop: House, open_as: Open) -> None:
    alice = open_as(shop.alice, "/livez")
    alice.clock.set_fixed_time(LATE)
    alice.goto(here())
    expect(alice.locator("#composer")).to_be_visible()

    alice.keyboard.press("z")

    menu = alice.locator("#snooze-menu")
    expect(menu.locator("[data-hours-ahead]")).to_have_text(re.compile("tomorrow, 2:49"))
    expect(menu).not_to_contain_text("Later today")


def test_nine_in_the_morning_is_that_of_the_inbox(shop: House, open_as: Open) -> None:
    TeamInbox.objects.filter(pk=shop.inbox.pk).update(time_zone="America/New_York")
    alice = open_as(shop.alice, "/livez", timezone_id="Europe/Vienna")
    alice.clock.set_fixed_time(LATE.replace(tzinfo=UTC))
    alice.goto(here())
    expect(alice.locator("#composer")).to_be_visible()

    alice.keyboard.press("z")

    morning = alice.locator("#snooze-menu [data-morning]")
    expect(morning.first).to_have_text(re.compile("Wed.* 9:00.* in New York, Wed.* 3:00.* for you"))
    expect(morning.last).to_have_text(re.compile("Mon.* 9:00.* in New York, Mon.* 2:00.* for you"))


def test_teams_that_begin_alike_can_be_told_apart(shop: House, open_as: Open) -> None:
    make_inbox(shop.account, "Sales").team.memberships.create(user=shop.alice)

    alice = ready(open_as(shop.alice, here()))

    expect(alice.locator(".rail-inbox [aria-hidden]")).to_have_text(["Sa", "Su"])


def test_consent_given_again_is_good_news(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    say(live, shop, "STOP")
    lines = alice.locator("li.act-consent")
    expect(lines).to_have_count(1)
    say(live, shop, "START")
    expect(lines).to_have_count(2)

    bad, good = (
        one.evaluate("one => getComputedStyle(one).color") for one in (lines.first, lines.last)
    )

    assert bad != good
    owner = alice.locator(".state-open").evaluate("one => getComputedStyle(one).color")
    assert good == owner


def test_the_transfer_dialog_ends_with_both_buttons_side_by_side(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.keyboard.press("a")
    dialog = alice.get_by_role("dialog", name="Transfer this conversation")

    tops = [
        dialog.get_by_role("button", name=name, exact=True).evaluate(
            "one => one.getBoundingClientRect().top"
        )
        for name in ("Cancel", "Transfer")
    ]
    dialog.get_by_role("button", name="Cancel").click()

    assert tops[0] == tops[1]
    expect(dialog).not_to_be_visible()


def test_what_was_kept_is_copied_or_discarded_in_one_row(shop: House, open_as: Open) -> None:
    bob = ready(open_as(shop.bob, here()))
    alice = ready(open_as(shop.alice, here()))
    bob.locator("#words").fill("half a sentence")
    alice.keyboard.press("c")
    expect(bob.locator("#kept-words")).to_have_text("half a sentence")

    tops = [
        bob.locator(name).evaluate("one => one.getBoundingClientRect().top")
        for name in ("#kept-copy", "#kept-discard")
    ]

    assert tops[0] == tops[1]


def test_a_very_long_name_is_shortened_where_it_stands_in_the_way(
    shop: House, open_as: Open
) -> None:
    Contact.objects.update(name="Dr. Maximiliane " + "von und zu Hohenstein " * 4)
    alice = ready(open_as(shop.alice, here()))

    assert len(alice.locator("#words").get_attribute("placeholder") or "") < 60
    header = alice.locator(".thread-head").bounding_box()
    assert header is not None
    assert header["height"] < 80


def test_a_voice_message_has_a_player_that_can_be_used(
    shop: House, live: Live, open_as: Open
) -> None:
    fields = {"from": MARIA, "to": shop.sender.address, "media": [{"sample": "audio"}]}
    live.carrier.ask("POST", "inbound", **fields)

    alice = ready(open_as(shop.alice, here()))

    player = alice.locator("audio.sound")
    expect(player).to_be_visible(timeout=15_000)
    box = player.bounding_box()
    assert box is not None
    assert box["width"] > 200
