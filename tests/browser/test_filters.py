"""Can somebody narrow, sort and keep a list by keyboard, and does it stay true while it lives?"""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from inbox.models import Conversation, SavedView, TeamInbox
from tests.browser.conftest import Open
from tests.browser.keyboard import go_to
from tests.browser.test_bulk import INBOX, claim, six_rows
from tests.browser.test_composer import ready, say, shop
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_filter_is_set_kept_named_and_found_again_by_keyboard(
    shop: House, live: Live, open_as: Open
) -> None:
    six_rows(live, shop)
    tagged = Conversation.objects.order_by("pk").first()
    assert tagged is not None
    Conversation.objects.filter(pk=tagged.pk).update(tags=["vip"])
    sue = ready(open_as(shop.sue, INBOX))
    expect(sue.locator("#rows .row")).to_have_count(6)

    sue.keyboard.press("f")
    expect(sue.get_by_role("dialog", name="Filter and sort")).to_be_visible()
    go_to(sue, "Tag")
    sue.keyboard.type("vip")
    sue.keyboard.press("Enter")

    expect(sue.locator("#rows .row")).to_have_count(1)
    expect(sue).to_have_url(re.compile("tag=vip"))
    expect(sue.locator("#filter-number")).to_have_text("1")
    go_to(sue, "Save what the list shows as")
    sue.keyboard.type("Very important")
    go_to(sue, "Share with everybody")
    sue.keyboard.press("Space")
    go_to(sue, "Save the view")
    sue.keyboard.press("Enter")
    expect(sue.locator("#saved-views a", has_text="Very important")).to_be_visible()
    assert SavedView.objects.get().query == "view=open&tag=vip"
    sue.keyboard.press("Escape")

    # It stays while she looks at another part, and Bob finds it under its name.
    sue.locator('#chips [data-view="unassigned"]').click()
    expect(sue).to_have_url(re.compile("view=unassigned.*tag=vip"))
    expect(sue.locator("#rows .row")).to_have_count(1)
    bob = ready(open_as(shop.bob, INBOX))
    bob.keyboard.press("f")
    go_to(bob, "Very important")
    bob.keyboard.press("Enter")
    expect(bob.locator("#rows .row")).to_have_count(1)
    expect(bob.locator("#filter-tag")).to_have_value("vip")
    go_to(bob, "Clear the filters")
    bob.keyboard.press("Enter")
    expect(bob.locator("#rows .row")).to_have_count(6)
    expect(bob).not_to_have_url(re.compile("tag="))


def test_who_waits_longest_stands_first_and_new_rows_join_at_the_end(
    shop: House, live: Live, open_as: Open
) -> None:
    six_rows(live, shop)
    alice = ready(open_as(shop.alice, f"{INBOX}?sort=waiting"))
    expect(alice.locator("#rows .row")).to_have_count(6)
    ids = list(
        Conversation.objects.order_by("waiting_since", "pk").values_list("public_id", flat=True)
    )
    shown = "all => all.map((one) => one.dataset.id)"
    assert alice.locator("#rows .row").evaluate_all(shown) == ids

    # Who waits already does not wait anew: their row stays where it is.
    say(live, shop, "Are you there?")

    expect(alice.locator("#rows .row-preview", has_text="Are you there?")).to_be_visible()
    assert alice.locator("#rows .row").evaluate_all(shown) == ids
    fields = {"from": "+14155550299", "to": shop.sender.address, "body": "I am new"}
    live.carrier.ask("POST", "inbound", **fields)
    expect(alice.locator("#rows .row")).to_have_count(7)
    expect(alice.locator("#rows .row").last).to_contain_text("I am new")


def test_a_narrow_list_asks_again_when_something_new_may_fit(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, f"{INBOX}?channel=sms&unread=1"))
    expect(alice.locator("#rows .row")).to_have_count(1)

    fields = {"from": "+14155550299", "to": shop.sender.address, "body": "I am new"}
    live.carrier.ask("POST", "inbound", **fields)

    expect(alice.locator("#rows .row")).to_have_count(2)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_filters_look_and_read_well(shop: House, open_as: Open, width: int) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    sue = open_as(shop.sue, f"{INBOX}?tag=vip&sort=oldest", **look)
    expect(sue.locator("body[data-ready]")).to_be_attached()
    check_page(sue, "filtered")

    sue.locator("#filter-button").click()

    expect(sue.locator("#saved-name")).to_be_visible()
    check_page(sue, "filters")


def test_a_priority_is_chosen_in_the_conversation_and_everybody_s_row_says_so(
    shop: House, live: Live, open_as: Open
) -> None:
    six_rows(live, shop)
    row = Conversation.objects.order_by("pk").first()
    assert row is not None
    bob = ready(open_as(shop.bob, INBOX))
    alice = ready(open_as(shop.alice, f"{INBOX}c/{row.public_id}/"))

    alice.get_by_role("button", name="More", exact=True).click()
    urgent = alice.get_by_role("button", name="Urgent")
    expect(urgent).to_have_attribute("aria-pressed", "false")
    urgent.click()

    # The menu closes, and says it when it is opened again.
    chosen = alice.locator('#more-menu [name="priority"][aria-pressed="true"]')
    expect(chosen).to_have_text("Urgent")
    flag = bob.locator(f"#c-{row.public_id} .tag-priority-urgent")
    expect(flag).to_contain_text("Priority: Urgent")


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_full_of_marks_look_and_read_well(
    shop: House, live: Live, open_as: Open, width: int
) -> None:
    six_rows(live, shop)
    first, second, third, *_others = Conversation.objects.order_by("-pk")
    now = timezone.now()
    marked = Conversation.objects.all()
    marked.filter(pk=first.pk).update(
        priority="urgent",
        due_at=now + timedelta(minutes=12),
        waiting_since=now - timedelta(hours=2),
        tags=["refund", "vip", "third"],
    )
    marked.filter(pk=second.pk).update(
        priority="high", due_at=now - timedelta(minutes=1), is_opted_out=True, preview_channel="mms"
    )
    TeamInbox.objects.update(after_claim="read_only")
    claim(shop, shop.bob, third.public_id)
    look = {"viewport": {"width": width, "height": 800}}
    alice = ready(open_as(shop.alice, INBOX, **look))

    row = alice.locator(f"#c-{first.public_id}")
    expect(row.locator(".tag-due")).to_have_text("due in 12 min")
    expect(row.locator(".tag-waiting")).to_be_visible()
    expect(alice.locator(f"#c-{second.public_id} .tag-due")).to_have_text("overdue")
    expect(alice.locator(f"#c-{second.public_id}")).to_contain_text("Opted out")
    expect(alice.locator(f"#c-{third.public_id} .row-read-only")).to_be_visible()
    check_page(alice, "marks")

    alice.goto(f"{alice.url}?sort=due")
    expect(alice.locator("#rows .row")).to_have_count(2)
    assert alice.locator("#rows .row").first.get_attribute("data-id") == second.public_id


def in_order(page: Page) -> list[str]:
    return page.locator("#rows .row").evaluate_all("all => all.map((one) => one.dataset.id)")


def test_a_live_row_takes_its_place_by_priority_and_by_beginning(
    shop: House, live: Live, open_as: Open
) -> None:
    six_rows(live, shop)
    rows = list(Conversation.objects.order_by("-last_activity_at", "-pk"))
    ids = [row.public_id for row in rows]
    Conversation.objects.filter(pk=rows[3].pk).update(priority="urgent")
    Conversation.objects.filter(pk=rows[0].pk).update(priority="low")
    urgent_first = [ids[3], *ids[1:3], *ids[4:], ids[0]]
    alice = ready(open_as(shop.alice, f"{INBOX}?sort=priority"))
    created = ready(open_as(shop.bob, f"{INBOX}?sort=created"))
    begun = [row.public_id for row in Conversation.objects.order_by("-opened_at", "-pk")]
    expect(alice.locator("#rows .row")).to_have_count(6)
    assert in_order(alice) == urgent_first
    assert in_order(created) == begun

    # Somebody says how urgent one is: it goes above those that are less so, below those more so.
    sue = ready(open_as(shop.sue, f"{INBOX}c/{ids[5]}/"))
    sue.get_by_role("button", name="More", exact=True).click()
    sue.get_by_role("button", name="High").click()
    place = [ids[3], ids[5], ids[1], ids[2], ids[4], ids[0]]
    until(lambda: in_order(alice) == place, within=10, what="it stands among the urgent")

    # The customer of the last one writes: last it stays, but for who looks at the newest first.
    customer = rows[0].thread.customer_address
    live.carrier.ask(
        "POST", "inbound", **{"from": customer, "to": shop.sender.address, "body": "And?"}
    )
    expect(alice.locator(f"#c-{ids[0]} .row-preview")).to_contain_text("And?")
    expect(created.locator(f"#c-{ids[0]} .row-preview")).to_contain_text("And?")
    assert in_order(alice) == place
    assert in_order(created) == begun

    # It is not low any more: it wrote last, so it stands first among the others.
    sue.goto(f"{INBOX}c/{ids[0]}/")
    ready(sue).get_by_role("button", name="More", exact=True).click()
    sue.get_by_role("button", name="Normal").click()
    place = [ids[3], ids[5], ids[0], ids[1], ids[2], ids[4]]
    until(lambda: in_order(alice) == place, within=10, what="it stands first of the others")
