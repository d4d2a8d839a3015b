"""Does the open conversation stay what it is, whatever happens around it?"""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from accounts.access import viewer_of
from inbox.conversations import claim_conversation
from inbox.models import Conversation, Message, TeamInbox
from tests.browser.conftest import NO_WORKER, Open
from tests.browser.test_composer import answer, here, ready, say, shop
from tests.browser.test_thread import fill, numbers, scroll, top_of, two_rows
from tests.conftest import House
from tests.doors import sign_in
from tests.live import Live

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
EVENTS = re.compile(r"/events/\?after=")


def reset(page: Page) -> None:
    """Let the page learn that it has missed too much, and wait until it has asked for the rest."""
    page.route(EVENTS, lambda route: route.fulfill(json={"reset": True, "head": 9999}))
    with page.expect_response(re.compile("/thread/")):
        page.evaluate("() => { dispatchEvent(new Event('online')); }")
    page.unroute(EVENTS)


def hold(page: Page, url: re.Pattern[str]) -> list[Route]:
    """Keep the answers to an address back; the test lets them go."""
    held: list[Route] = []
    page.route(url, lambda route: held.append(route))
    return held


def wait_for(page: Page, held: list[Route]) -> None:
    """Wait until something was asked for, and is held."""
    for _ in range(100):
        if held:
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing was asked for")


def caret(page: Page) -> list[int]:
    found: list[int] = page.locator("#words").evaluate(
        "words => [words.selectionStart, words.selectionEnd]"
    )
    return found


# --- A long history ------------------------------------------------------------------------------


def test_many_lines_of_history_fold_and_the_page_goes_on_living(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))

    for _ in range(2):
        alice.locator("#desk").get_by_role("button", name="Claim").click()
        expect(alice.locator('#desk [data-story="claim"]')).to_have_count(0)
        alice.locator("#more-button").click()
        alice.get_by_role("button", name="Release to the others").click()
        expect(alice.locator(".who-owner")).to_have_text("Unassigned")
    fold = alice.get_by_role("button", name=re.compile("earlier events"))
    expect(fold).to_have_count(1)
    expect(answer(alice, "Still here")).to_have_count(1)
    alice.reload()
    ready(alice)

    fold.click()
    expect(fold).to_have_count(0)
    expect(alice.locator("li.act-claimed")).to_have_count(2)
    expect(alice.locator("li.act-claimed").first).to_be_visible()
    say(live, shop, "And you?")
    expect(alice.locator("li.msg-in", has_text="And you?")).to_be_visible()


def test_a_thread_that_cannot_be_shown_does_not_silence_the_page(
    shop: House, live: Live, chromium: Browser
) -> None:
    context = chromium.new_context(base_url=live.base_url)
    session = {"name": "sessionid", "value": sign_in(shop.alice), "url": live.base_url}
    context.add_cookies([session])  # type: ignore[list-item]
    page = context.new_page()
    page.add_init_script(
        """new MutationObserver(() => {
            for (const one of document.querySelectorAll("#timeline > li")) one.dataset.at = "x";
        }).observe(document, {childList: true, subtree: true});"""
    )
    page.goto(here())

    ready(page)
    expect(page.locator(".toast-error")).to_be_visible()
    two_rows(live, shop)
    expect(page.locator("#rows .row")).to_have_count(3)
    context.close()


# --- Too much was missed -------------------------------------------------------------------------


def test_a_reset_takes_neither_focus_nor_words_nor_place(shop: House, open_as: Open) -> None:
    fill(shop, 130)
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    scroll(alice, "500")
    alice.wait_for_timeout(100)
    alice.locator("#words").press_sequentially("we can tomorrow")
    alice.evaluate("() => document.getElementById('words').setSelectionRange(6, 6)")
    seq = numbers(alice)[12]
    before = top_of(alice, seq)
    Message.objects.filter(seq=seq + 1).update(body="corrected meanwhile")

    reset(alice)
    expect(alice.locator("#timeline")).to_contain_text("corrected meanwhile")
    alice.keyboard.type(" exchange it")

    expect(alice.locator("#words")).to_be_focused()
    expect(alice.locator("#words")).to_have_value("we can exchange it tomorrow")
    assert caret(alice) == [18, 18]
    assert abs(top_of(alice, seq) - before) < 2
    expect(alice.locator("#close-menu")).not_to_be_visible()
    assert len(numbers(alice)) == len(set(numbers(alice)))


def test_a_reset_at_the_end_shows_the_end(shop: House, open_as: Open) -> None:
    fill(shop, 60)
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    expect(alice.locator('[data-seq="60"]')).to_be_in_viewport()
    fill_more(60, 300)

    reset(alice)

    expect(alice.locator('[data-seq="300"]')).to_be_in_viewport()
    assert numbers(alice) == list(range(261, 301))
    expect(answer(alice, "I have read it all")).to_have_count(1)
    expect(alice.locator("li.is-pending")).to_have_count(0)


def fill_more(start: int, end: int) -> None:
    """Let more be written while nobody is told."""
    last = Message.objects.get(seq=start)
    for seq in range(start + 1, end + 1):
        last.pk, last.seq, last.body, last.direction = None, seq, f"later {seq}", "in"
        last.public_id, last.client_id = f"later{seq}", f"{seq:032d}"
        last.author, last.status = None, "received"
        last.save(force_insert=True)
    thread = last.thread
    thread.last_seq = thread.last_inbound_seq = end
    thread.save()


def test_who_was_typing_when_the_thread_went_away_gives_no_orders(
    shop: House, open_as: Open
) -> None:
    bob = ready(open_as(shop.bob, here()))
    alice = ready(open_as(shop.alice, here()))
    bob.clock.set_fixed_time(timezone.now())  # however long it takes until he is told
    bob.locator("#words").press_sequentially("we can ")

    alice.keyboard.press("c")
    expect(bob.locator("#handled-title")).to_have_text("Handled by Alice")
    bob.keyboard.type("u/?")

    expect(bob.locator("#handled-title")).to_have_text("Handled by Alice")
    expect(bob.locator("#find")).to_have_value("")
    expect(bob.locator("#keys")).not_to_be_visible()


# --- Two clicks ----------------------------------------------------------------------------------


def test_of_two_quick_clicks_the_later_one_counts(shop: House, live: Live, open_as: Open) -> None:
    two_rows(live, shop)
    alice = ready(open_as(shop.alice, "/inbox/support/", **NO_WORKER))
    expect(alice.locator("#rows .row")).to_have_count(3)
    slow, quick = (alice.locator("#rows .row").nth(place) for place in (2, 0))
    slow_id = slow.get_attribute("data-id")
    name = quick.get_attribute("data-name") or ""
    held = hold(alice, re.compile(f"/c/{slow_id}/thread/"))

    slow.locator("a").click()
    wait_for(alice, held)
    quick.locator("a").click()
    expect(alice.locator("#thread-title")).to_have_text(name)
    alice.locator("#words").fill("For you alone")
    with alice.expect_response(re.compile(f"/c/{slow_id}/thread/")):
        held[0].continue_()
    alice.wait_for_timeout(300)

    expect(alice.locator("#thread-title")).to_have_text(name)
    expect(alice.locator("#words")).to_have_value("For you alone")
    expect(alice.locator("#rows .row.is-open")).to_have_attribute("data-name", name)


def test_going_back_to_the_list_is_not_undone_by_a_late_answer(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, "/inbox/support/", **NO_WORKER))
    alice.locator("#rows .row-link").first.click()
    expect(alice.locator("#thread-title")).to_be_visible()
    alice.go_back()
    expect(alice.locator("#thread-title")).to_have_count(0)
    held = hold(alice, re.compile("/thread/"))

    alice.go_forward()
    wait_for(alice, held)
    alice.go_back()
    with alice.expect_response(re.compile("/thread/")):
        held[0].continue_()
    alice.wait_for_timeout(300)

    expect(alice.locator("#thread-title")).to_have_count(0)


# --- How far a message got -----------------------------------------------------------------------


def test_a_message_that_arrived_after_all_is_no_problem_any_more(
    shop: House, live: Live, open_as: Open
) -> None:
    live.carrier.fault("server_error_after")
    live.carrier.fault("late_callback", seconds=600, times=-1)
    alice = ready(open_as(shop.alice, here()))

    bubble = answer(alice, "Did you get this?")
    expect(bubble.locator(".tick-words")).to_have_text("Not confirmed", timeout=30_000)
    expect(bubble.locator(".msg-problem")).to_be_visible()
    expect(bubble).not_to_contain_text("unknown")
    live.carrier.ask("POST", "clock", advance_seconds=700)

    expect(bubble.locator(".tick-words")).to_have_text("Delivered", timeout=30_000)
    expect(bubble.locator(".msg-problem")).to_have_count(0)


# --- Somebody was faster -------------------------------------------------------------------------


def deaf(page: Page) -> Page:
    """Let this page hear nothing over its socket."""
    page.route_web_socket(re.compile("/ws/"), lambda socket: socket.close())
    page.route(re.compile("/events/"), lambda route: route.fulfill(json={"events": [], "head": 0}))
    page.reload()
    expect(page.locator("body[data-ready]")).to_be_attached()
    return page


def test_who_loses_a_race_unheard_keeps_the_draft_and_is_offered_nothing_vain(
    shop: House, open_as: Open
) -> None:
    bob = deaf(open_as(shop.bob, here(), **NO_WORKER))
    bob.locator("#words").fill("I have this")
    claim(shop)

    bob.locator("#words").press("Enter")
    dialog = bob.get_by_role("dialog", name="Somebody was faster")
    expect(dialog).to_contain_text("Alice has this conversation.")
    expect(dialog.get_by_role("button", name="Add as a note")).not_to_be_visible()
    dialog.get_by_role("button", name="Keep the draft").click()

    expect(bob.locator("#handled-title")).to_have_text("Handled by Alice")
    expect(bob.locator("#kept-words")).to_have_text("I have this")
    expect(bob.locator("#rows .row")).to_have_count(0)
    expect(dialog).not_to_be_visible()


def test_who_may_still_write_a_note_is_offered_it(shop: House, open_as: Open) -> None:
    TeamInbox.objects.update(after_claim=TeamInbox.AfterClaim.READ_ONLY)
    bob = deaf(open_as(shop.sue, here(), **NO_WORKER))
    bob.locator("#words").fill("I would say yes")
    claim(shop)

    bob.locator("#words").press("Enter")
    dialog = bob.get_by_role("dialog", name="Somebody was faster")
    dialog.get_by_role("button", name="Add as a note").click()

    expect(bob.locator("li.msg-note", has_text="I would say yes")).to_be_visible()
    expect(bob.locator("#banner")).to_contain_text("Alice is handling this conversation.")
    expect(bob.locator("#words")).to_have_value("")


def claim(house: House) -> None:
    """Let Alice have it, from elsewhere."""
    now = timezone.now()
    claim_conversation(
        conversation=Conversation.objects.get(),
        by=viewer_of(house.alice, now=now),
        user=house.alice,
        now=now,
    )


# --- The line ------------------------------------------------------------------------------------


def test_a_browser_without_a_network_does_not_say_that_it_is_live(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.context.set_offline(True)
    expect(alice.locator("#connection")).to_have_attribute("data-state", "offline")
    alice.context.set_offline(False)

    expect(alice.locator("#connection")).to_have_attribute("data-state", "live", timeout=40_000)


def test_who_looks_again_asks_what_was_missed_though_the_line_looks_open(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.wait_for_timeout(500)

    with alice.expect_request(EVENTS):
        alice.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")


# --- Paging --------------------------------------------------------------------------------------


def test_reading_downwards_keeps_few_nodes_too(shop: House, open_as: Open) -> None:
    fill(shop, 420)
    first = Message.objects.get(seq=2)
    alice = ready(open_as(shop.alice, f"{here()}?m={first.public_id}"))

    for _ in range(40):
        scroll(alice, "s.scrollHeight")
        alice.wait_for_timeout(120)
        if numbers(alice)[-1] == 420:
            break
    shown = numbers(alice)

    assert shown == list(range(shown[0], 421))
    assert len(shown) <= 300
    scroll(alice, "s.scrollHeight")
    expect(alice.locator('[data-seq="420"]')).to_be_in_viewport()


# --- The header ----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 360])
def test_the_header_has_room_for_name_owner_and_number(
    shop: House, open_as: Open, width: int
) -> None:
    bob = ready(open_as(shop.bob, here()))
    alice = open_as(shop.alice, here(), viewport={"width": width, "height": 800})
    expect(alice.locator("#connection")).to_have_attribute("data-state", "live")
    expect(alice.locator("#viewers")).to_contain_text("Bob is here")
    if width == 1280:
        expect(alice.locator("#panel")).to_contain_text("Reach them")

    for part in ("#thread-title", ".who-owner", ".who-number"):
        place = alice.locator(f"#header {part}, #header{part}")
        expect(place).to_be_visible()
        assert place.evaluate("one => one.scrollWidth <= one.clientWidth + 1"), part
        box = place.bounding_box()
        frame = alice.locator(".who-facts").bounding_box()
        assert box is not None
        assert frame is not None
        assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1, part
    expect(alice.locator(".who-number")).to_contain_text("SMS")
    expect(bob.locator("#composer")).to_be_visible()
