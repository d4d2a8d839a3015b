"""Does a reader keep their place, in a long thread and in a list that moves?"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from inbox.models import Conversation, Message, ReadCursor
from tests.browser.conftest import Open
from tests.browser.test_composer import here, ready, say, shop
from tests.conftest import House
from tests.inbox.test_bulk import claim
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def fill(house: House, number: int) -> None:
    """Let the thread have many messages, without the carrier's pace."""
    row = Conversation.objects.select_related("thread").get()
    first = Message.objects.get()
    Message.objects.bulk_create(
        Message(
            account=first.account,
            thread=row.thread,
            conversation=row,
            seq=seq,
            direction="in" if seq % 3 else "out",
            author=None if seq % 3 else house.alice,
            author_label="" if seq % 3 else "Alice",
            body=f"line {seq} " + "and some more words " * (seq % 5),
            status="received" if seq % 3 else "delivered",
            created_at=first.created_at,
        )
        for seq in range(2, number + 1)
    )
    row.thread.last_seq = row.thread.last_inbound_seq = number
    row.thread.save()
    ReadCursor.objects.update_or_create(
        user=house.alice, conversation=row, defaults={"seq": number}
    )


def numbers(page: Page) -> list[int]:
    return [
        int(one)
        for one in page.eval_on_selector_all(
            "#timeline > .msg", "items => items.map((one) => one.dataset.seq)"
        )
    ]


def top_of(page: Page, seq: int) -> float:
    box = page.locator(f'#timeline > .msg[data-seq="{seq}"]').bounding_box()
    assert box is not None
    return box["y"]


def scroll(page: Page, where: str) -> None:
    page.evaluate(
        f"() => {{ const s = document.getElementById('scroller'); s.scrollTop = {where}; }}"
    )


def test_a_long_thread_opens_at_its_end_and_older_lines_do_not_move_the_reader(
    shop: House, open_as: Open
) -> None:
    fill(shop, 130)
    alice = ready(open_as(shop.alice, here()))
    expect(alice.locator('[data-seq="130"]')).to_be_in_viewport()
    assert numbers(alice) == list(range(91, 131))

    scroll(alice, "300")
    alice.wait_for_timeout(50)
    before = top_of(alice, 91)
    alice.get_by_role("link", name="Load earlier messages").evaluate("link => link.click()")
    expect(alice.locator('[data-seq="51"]')).to_be_attached()

    assert abs(top_of(alice, 91) - before) < 2
    assert numbers(alice)[0] in {11, 51}


def test_all_of_it_can_be_read_by_scrolling_and_few_nodes_are_kept(
    shop: House, open_as: Open
) -> None:
    fill(shop, 420)
    alice = ready(open_as(shop.alice, here()))

    for _ in range(30):
        scroll(alice, "0")
        alice.wait_for_timeout(120)
        if numbers(alice)[0] == 1:
            break
    shown = numbers(alice)
    assert shown == list(range(1, shown[-1] + 1))
    assert len(shown) <= 300

    alice.get_by_role("button", name="Jump to newest").click()
    expect(alice.locator('[data-seq="420"]')).to_be_in_viewport()
    assert numbers(alice) == list(range(381, 421))


def test_news_below_does_not_pull_a_reader_away(shop: House, live: Live, open_as: Open) -> None:
    fill(shop, 80)
    alice = ready(open_as(shop.alice, here()))
    scroll(alice, "400")
    alice.wait_for_timeout(100)
    seq = numbers(alice)[10]
    before = top_of(alice, seq)

    say(live, shop, "Are you there?")

    expect(alice.get_by_role("button", name="Jump to newest (1)")).to_be_visible()
    assert abs(top_of(alice, seq) - before) < 2
    alice.get_by_role("button", name="Jump to newest (1)").click()
    expect(alice.locator("li.msg-in", has_text="Are you there?")).to_be_in_viewport()
    until(
        lambda: ReadCursor.objects.get(user=shop.alice).seq == 81,
        within=5,
        what="it counts as read",
    )


def test_a_link_to_a_message_shows_it_with_what_stands_around(shop: House, open_as: Open) -> None:
    fill(shop, 200)
    target = Message.objects.get(seq=77)

    alice = ready(open_as(shop.alice, f"{here()}?m={target.public_id}"))

    expect(alice.locator('[data-seq="77"]')).to_be_in_viewport()
    expect(alice.locator(".is-found")).to_have_attribute("data-seq", "77")
    alice.get_by_role("button", name="Jump to newest").click()
    expect(alice.locator('[data-seq="200"]')).to_be_in_viewport()


def test_what_came_since_is_marked_and_days_are_named(shop: House, open_as: Open) -> None:
    fill(shop, 10)
    ReadCursor.objects.update(seq=7)

    alice = ready(open_as(shop.alice, here()))

    expect(alice.locator("#timeline > .new-line")).to_have_count(1)
    assert alice.locator("#timeline > .new-line + .msg").get_attribute("data-seq") == "8"
    expect(alice.locator("#timeline > .day")).to_have_count(1)
    expect(alice.locator("#timeline > .day")).to_have_text("Today")


# --- The list ------------------------------------------------------------------------------------


def two_rows(live: Live, house: House) -> None:
    for number in ("+14155550111", "+14155550112"):
        fields = {"from": number, "to": house.sender.address, "body": f"From {number[-3:]}"}
        live.carrier.ask("POST", "inbound", **fields)


def order(page: Page) -> list[str]:
    return [
        re.sub(r"\s+", " ", one).strip()
        for one in page.locator("#rows .row-preview").all_inner_texts()
    ]


def test_rows_move_up_but_not_under_a_pointer(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, "/inbox/support/"))
    two_rows(live, shop)
    expect(alice.locator("#rows .row")).to_have_count(3)
    say(live, shop, "Me first")
    expect(alice.locator("#rows .row").first).to_contain_text("Me first")

    alice.locator("#rows .row").nth(2).hover()
    text = order(alice)[2]
    live.carrier.ask(
        "POST",
        "inbound",
        **{"from": f"+14155550{text[-3:]}", "to": shop.sender.address, "body": "Now me"},
    )
    bar = alice.get_by_role("button", name="1 new")
    expect(bar).to_be_visible()
    expect(alice.locator("#rows .row").nth(2)).to_contain_text("Now me")
    alice.mouse.move(900, 400)

    expect(bar).not_to_be_visible()
    expect(alice.locator("#rows .row").first).to_contain_text("Now me")


def test_what_is_taken_away_leaves_an_empty_place_for_a_moment(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, "/inbox/support/"))
    expect(bob.locator("#rows .row")).to_have_count(1)

    alice.keyboard.press("c")

    expect(bob.locator(".row-gone")).to_have_text("No longer shared with you")
    expect(bob.locator("#rows")).not_to_contain_text("Hello")
    expect(bob.locator("#rows > li")).to_have_count(0, timeout=6000)
    expect(bob.locator("#empty")).to_be_visible()
    expect(bob.locator("#speaker")).to_contain_text("no longer shared", timeout=20_000)
    alice.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(bob.locator("#rows .row")).to_have_count(1)


def test_numbers_beside_the_views_follow(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    expect(alice.locator('[data-count="unassigned"]')).to_have_text("1")

    alice.keyboard.press("c")

    expect(alice.locator('[data-count="mine"]')).to_have_text("1", timeout=8000)
    expect(alice.locator('[data-count="unassigned"]')).to_have_text("0")


def test_unread_shows_in_title_and_row_and_ends_with_reading(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, "/inbox/support/"))
    expect(alice).to_have_title(re.compile(r"^\(1\) Support"))
    say(live, shop, "Second")
    row = alice.locator("#rows .row").first
    expect(row).to_have_attribute("data-unread", "2")

    row.locator("a").click()

    expect(row).not_to_have_attribute("data-unread", re.compile("."))
    expect(alice).to_have_title(re.compile(r"^\+1"))


def test_the_title_counts_what_is_mine_and_unread_wherever_the_list_is(
    shop: House, live: Live, open_as: Open
) -> None:
    row = Conversation.objects.get()
    claim(row.public_id, shop.alice)
    alice = ready(open_as(shop.alice, "/inbox/support/?view=closed"))
    expect(alice.locator("#rows .row")).to_have_count(0)
    expect(alice).to_have_title(re.compile(r"^\(1\) Support"))

    with alice.context.expect_page():
        alice.evaluate(f"open('/c/{row.public_id}/', '_blank')")

    expect(alice).not_to_have_title(re.compile(r"^\("))
    say(live, shop, "And another thing")
    expect(alice).to_have_title(re.compile(r"^\(1\) Support"))


def test_how_long_the_longest_waits_stands_beside_their_view(
    shop: House, live: Live, open_as: Open
) -> None:
    since = timezone.now() - timedelta(hours=3, minutes=20)
    Conversation.objects.update(waiting_since=since)
    alice = ready(open_as(shop.alice, here()))
    oldest = alice.locator("#chips [data-oldest]")
    expect(oldest).to_have_text("3 h")

    Conversation.objects.update(waiting_since=None)
    alice.keyboard.press("c")

    expect(oldest).to_be_hidden(timeout=8000)


def test_colleagues_see_who_is_here_and_who_writes(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    bob = ready(open_as(shop.bob, here()))
    expect(alice.locator("#viewers")).to_contain_text("Bob is here")

    bob.locator("#words").press_sequentially("I th")

    expect(alice.locator("#typists")).to_have_text("Bob is replying…")
    expect(alice.locator("#viewers [data-state=typing]")).to_contain_text("Bob")
    for mine in ("#typists", "#viewers [data-state=typing]", ".row-viewers.is-typing"):
        expect(bob.locator(mine).and_(bob.locator(":visible"))).to_have_count(0)
    bob.goto("/profile/")
    expect(alice.locator("#viewers")).not_to_be_visible()


def test_back_and_forward_walk_through_conversations(
    shop: House, live: Live, open_as: Open
) -> None:
    two_rows(live, shop)
    alice = ready(open_as(shop.alice, "/inbox/support/"))
    expect(alice.locator("#rows .row")).to_have_count(3)
    titles: list[Any] = []
    for place in (0, 1):
        alice.locator("#rows .row-link").nth(place).click()
        expect(alice.locator("#rows .row").nth(place)).to_have_class(re.compile("is-open"))
        titles.append(alice.locator("#thread-title").inner_text())

    alice.go_back()
    expect(alice.locator("#thread-title")).to_have_text(titles[0])
    alice.go_back()
    expect(alice.locator("#thread-title")).to_have_count(0)
    alice.go_forward()
    expect(alice.locator("#thread-title")).to_have_text(titles[0])


def test_on_a_phone_there_is_one_pane_and_a_way_back(shop: House, open_as: Open) -> None:
    alice = open_as(shop.alice, "/inbox/support/", viewport={"width": 360, "height": 700})
    ready(alice)

    alice.locator("#rows .row-link").first.click()
    expect(alice.locator("#composer")).to_be_visible()
    expect(alice.locator("#list")).not_to_be_visible()
    alice.locator("#panel-toggle").click()
    expect(alice.locator("#panel")).to_be_visible()
    expect(alice.locator("#composer")).not_to_be_visible()
    alice.go_back()
    expect(alice.locator("#composer")).to_be_visible()
    alice.get_by_role("link", name="Back to the list").click()
    expect(alice.locator("#list")).to_be_visible()


def test_search_narrows_the_list_and_clearing_it_leads_back(
    shop: House, live: Live, open_as: Open
) -> None:
    two_rows(live, shop)
    alice = ready(open_as(shop.alice, "/inbox/support/?view=unassigned"))
    expect(alice.locator("#rows .row")).to_have_count(3)

    alice.keyboard.press("/")
    alice.keyboard.type("From 111")
    expect(alice.locator("#rows .row")).to_have_count(1)
    expect(alice).to_have_url(re.compile("q=From"))
    expect(alice.locator("#find")).to_be_focused()
    alice.locator("#find").fill("nobody said this")
    expect(alice.get_by_text("Nothing found")).to_be_visible()
    alice.locator("#find").fill("")

    expect(alice.locator("#rows .row")).to_have_count(3)
    expect(alice.locator("#find")).to_have_count(1)
    expect(alice.locator('.chip[aria-current="true"]')).to_contain_text("Unassigned")


def test_close_and_next_goes_on_and_can_be_undone(shop: House, live: Live, open_as: Open) -> None:
    two_rows(live, shop)
    alice = ready(open_as(shop.alice, "/inbox/support/"))
    expect(alice.locator("#rows .row")).to_have_count(3)
    alice.keyboard.press("j")
    alice.keyboard.press("Enter")
    expect(alice.locator("#composer")).to_be_visible()
    first = alice.locator("#thread-title").inner_text()

    alice.keyboard.press("Shift+E")
    alice.get_by_role("button", name="Close anyway").click()

    expect(alice.locator("#thread-title")).not_to_have_text(first)
    expect(alice.locator("#thread-title")).to_be_focused()
    assert Conversation.objects.filter(status="closed").count() == 1
    alice.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(alice.locator("#thread-title")).to_have_text(first)
    expect(alice.locator(".who-state")).to_have_text("Open")


def test_transfer_by_keyboard_asks_about_somebody_away(shop: House, open_as: Open) -> None:
    shop.bob.availability = "away"
    shop.bob.save()
    alice = ready(open_as(shop.alice, here()))

    alice.keyboard.press("a")
    dialog = alice.get_by_role("dialog", name="Transfer this conversation")
    dialog.get_by_role("radio", name="Bob").check()
    dialog.get_by_role("button", name="Transfer").click()
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Transfer").click()

    expect(alice.locator("#handled-title")).to_have_text("Handled by Bob")
    assert Conversation.objects.get().owner == shop.bob


def test_who_gets_it_back_while_looking_sees_it_again(shop: House, open_as: Open) -> None:
    bob = ready(open_as(shop.bob, here()))
    alice = ready(open_as(shop.alice, here()))
    bob.locator("#words").fill("half a sentence")
    alice.keyboard.press("c")
    expect(bob.locator("#handled-title")).to_have_text("Handled by Alice")

    alice.locator("#toasts").get_by_role("button", name="Undo").click()

    expect(bob.locator("#words")).to_have_value("half a sentence")


def test_escape_closes_a_menu_and_not_the_conversation(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.keyboard.press("z")
    expect(alice.locator("#snooze-menu")).to_be_visible()
    alice.keyboard.press("Escape")

    expect(alice.locator("#snooze-menu")).not_to_be_visible()
    expect(alice.locator("#composer")).to_be_visible()
    alice.keyboard.press("?")
    expect(alice.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    alice.get_by_label("Single-key shortcuts").uncheck()
    alice.keyboard.press("Escape")
    alice.keyboard.press("z")
    expect(alice.locator("#snooze-menu")).not_to_be_visible()
