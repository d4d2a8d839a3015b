"""Does a word an agent has written ever get lost, doubled, or sent by mistake?"""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from inbox.models import Attachment, Contact, Conversation, Message, SegmentPrice
from tests.browser.conftest import NO_WORKER, Open
from tests.browser.test_every_page import WIDTHS, check_page
from tests.conftest import House
from tests.factories import make_inbox
from tests.live import Live, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MARIA = "+14155550100"
OFFLINE = "internetdisconnected"


@pytest.fixture
def shop(house: House, live: Live) -> House:
    """The house, known to the carrier; Maria has written."""
    live.carrier.know(live.base_url, house.sender)
    say(live, house, "Hello")
    until(lambda: Conversation.objects.exists(), within=10, what="it has arrived")
    return house


def say(live: Live, house: House, body: str) -> None:
    fields = {"from": MARIA, "to": house.sender.address, "body": body}
    live.carrier.ask("POST", "inbound", **fields)


def here() -> str:
    row = Conversation.objects.select_related("inbox").get()
    return f"/inbox/{row.inbox.slug}/c/{row.public_id}/"


def ready(page: Page) -> Page:
    expect(page.locator("body[data-ready]")).to_be_attached()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def answer(page: Page, words: str) -> Any:
    page.locator("#words").fill(words)
    page.locator("#words").press("Enter")
    return page.locator("li.msg-out", has_text=words)


def test_drafts_outlive_a_reload_and_each_mode_has_its_own(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#words").fill("Dear Maria")
    alice.keyboard.press("Escape")
    alice.keyboard.press("n")
    alice.locator("#words").fill("ask Bob first")
    alice.wait_for_timeout(700)
    alice.reload()
    ready(alice)

    expect(alice.locator("#words")).to_have_value("Dear Maria")
    expect(alice.locator(".row-draft")).to_have_count(1)
    alice.locator("#words").press("Escape")
    alice.keyboard.press("n")
    expect(alice.locator("#words")).to_have_value("ask Bob first")
    expect(alice.locator("#send")).to_contain_text("Add note")
    assert not Message.objects.filter(direction="out").exists()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_message_is_asked_to_say_who_writes(
    shop: House, open_as: Open, width: int
) -> None:
    look = {"viewport": {"width": width, "height": 800}}
    alice = open_as(shop.alice, here(), **look)
    expect(alice.locator("body[data-ready]")).to_be_attached()
    hint = alice.locator("#say-who")
    expect(hint).to_be_hidden()

    alice.locator("#words").fill("It is ready.")
    expect(hint).to_contain_text("say that you are Acme")
    check_page(alice, "say who writes")
    hint.get_by_role("button", name="Say it").click()

    expect(alice.locator("#words")).to_have_value("Acme: It is ready.")
    expect(hint).to_be_hidden()
    alice.locator("#send").click()
    expect(alice.locator("li.msg-out:not(.is-pending)")).to_have_count(1)
    alice.locator("#words").fill("Come when you like.")
    expect(hint).to_be_hidden()


def test_shift_enter_makes_a_line_and_enter_sends_once(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#words").press_sequentially("one")
    alice.keyboard.press("Shift+Enter")
    alice.keyboard.type("two")
    alice.keyboard.press("Enter")
    alice.keyboard.press("Enter")

    expect(alice.locator("li.msg-out:not(.is-pending)")).to_have_count(1)
    expect(alice.locator("#words")).to_have_value("")
    assert [one.body for one in Message.objects.filter(direction="out")] == ["one\ntwo"]


def test_without_a_line_the_message_waits_and_goes_out_by_itself(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.context.set_offline(True)
    bubble = answer(alice, "From the tunnel")
    expect(bubble).to_contain_text("Not sent")
    expect(bubble.get_by_role("button", name="Try again")).to_be_visible()
    assert not Message.objects.filter(body="From the tunnel").exists()
    alice.context.set_offline(False)

    expect(bubble).not_to_contain_text("Not sent", timeout=40_000)
    expect(bubble).to_have_count(1)
    until(
        lambda: Message.objects.filter(body="From the tunnel").count() == 1,
        within=10,
        what="it was taken",
    )


def test_a_message_that_was_not_confirmed_is_still_there_after_a_reload(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    alice.route("**/messages/", lambda route: route.abort(OFFLINE))

    expect(answer(alice, "Half way")).to_contain_text("Not sent")
    alice.unroute("**/messages/")
    alice.reload()
    ready(alice)
    bubble = alice.locator("li.msg-out", has_text="Half way")

    # It is fresh, so it goes out by itself.
    expect(bubble.locator(".tick-words")).to_have_text(re.compile("Delivered"), timeout=30_000)
    expect(bubble).to_have_count(1)
    assert Message.objects.filter(body="Half way").count() == 1


def test_an_answer_lost_on_its_way_back_makes_no_second_message(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))

    def swallow(route: Any) -> None:
        route.fetch()
        route.abort(OFFLINE)

    alice.route("**/messages/", swallow, times=1)
    bubble = answer(alice, "Did it arrive?")
    expect(bubble).to_have_count(1)

    expect(bubble.locator(".tick-words")).to_have_text(re.compile("Delivered"), timeout=30_000)
    expect(bubble).to_have_count(1)
    assert Message.objects.filter(body="Did it arrive?").count() == 1


def test_words_that_cross_with_new_ones_are_held(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    # Her eyes are slower than the line: what she answers was written before she saw the second.
    alice.evaluate(
        """() => { const post = FormData.prototype.append;
            FormData.prototype.append = function (name, value) {
                const isFirst = name === "last_seen_message" && !window.wasAsked;
                if (isFirst) window.wasAsked = true;
                post.call(this, name, isFirst ? 1 : value); }; }"""
    )
    say(live, shop, "Wait, something else!")
    expect(alice.locator("li.msg-in")).to_have_count(2)

    answer(alice, "Fine, see you")
    dialog = alice.get_by_role("dialog", name="Something new was written")
    expect(dialog).to_contain_text("Wait, something else!")
    expect(alice.locator("#words")).to_have_value("Fine, see you")
    assert not Message.objects.filter(direction="out").exists()
    # What comes while the dialog is open is not answered unseen either.
    say(live, shop, "And cancel my order!")
    expect(alice.locator("#timeline li.msg-in")).to_have_count(3)
    dialog.get_by_role("button", name="Send anyway").click()
    expect(dialog).to_contain_text("And cancel my order!")
    expect(dialog).not_to_contain_text("Wait, something else!")
    assert not Message.objects.filter(direction="out").exists()
    dialog.get_by_role("button", name="Send anyway").click()

    expect(alice.locator("li.msg-out", has_text="Fine, see you")).to_have_count(1)
    expect(alice.locator("#words")).to_have_value("")
    until(
        lambda: Message.objects.filter(body="Fine, see you").count() == 1,
        within=10,
        what="it was sent",
    )
    expect(alice.locator("li.is-pending")).to_have_count(0)


def test_what_failed_is_not_sent_again_over_unseen_words(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    expect(answer(alice, "On Monday")).to_contain_text("Delivered", timeout=30_000)
    Message.objects.filter(direction="out").update(status="failed", error_code="30008")
    alice.reload()
    ready(alice)
    alice.evaluate(
        """() => { const post = FormData.prototype.append;
            FormData.prototype.append = function (name, value) {
                const isFirst = name === "last_seen_message" && !window.wasAsked;
                if (isFirst) window.wasAsked = true;
                post.call(this, name, isFirst ? 2 : value); }; }"""
    )
    say(live, shop, "Not on Monday!")
    expect(alice.locator("li.msg-in")).to_have_count(2)

    alice.get_by_role("button", name="Send again").click()
    dialog = alice.get_by_role("dialog", name="Something new was written")
    expect(dialog).to_contain_text("Not on Monday!")
    expect(dialog.get_by_role("button", name="Edit my answer")).to_be_hidden()
    dialog.get_by_role("button", name="Do not send").click()
    assert Message.objects.filter(direction="out").count() == 1
    alice.get_by_role("button", name="Send again").click()

    expect(alice.locator("li.msg-out")).to_have_count(2)


def test_a_message_that_comes_while_the_close_menu_is_open_keeps_it_open(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))
    answer(alice, "Here you are")
    expect(alice.locator("li.msg-out:not(.is-pending)")).to_have_count(1)
    alice.locator("#close-button").click()
    expect(alice.locator("#close-menu")).to_be_visible()
    say(live, shop, "One more thing")
    expect(alice.locator("li.msg-in")).to_have_count(2)

    alice.locator("#close-menu button").first.click()

    expect(alice.locator(".toast", has_text="The customer wrote again")).to_be_visible()
    assert Conversation.objects.get().status == "open"


def test_the_loser_of_a_race_gets_the_words_back(shop: House, open_as: Open) -> None:
    bob = ready(open_as(shop.bob, here()))
    alice = ready(open_as(shop.alice, here()))
    # Bob's page does not hear of the claim before he sends.
    bob.locator("#words").fill("I have this")
    Conversation.objects.update(owner=shop.alice, owned_since="2026-01-01T00:00Z", version=9)
    Conversation.objects.update(is_team_wide=False)
    alice.close()

    bob.locator("#words").press("Enter")

    dialog = bob.get_by_role("dialog", name="Somebody was faster")
    expect(dialog).to_contain_text("Alice has this conversation.")
    expect(dialog).to_contain_text("I have this")
    dialog.get_by_role("button", name="Keep the draft").click()
    expect(bob.locator("#handled-title")).to_have_text("Handled by Alice")
    expect(bob.locator("#kept-words")).to_have_text("I have this")
    assert not Message.objects.filter(direction="out").exists()


def test_a_refused_message_says_why_and_can_be_edited(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    alice.route("**/thread/", lambda route: route.abort(OFFLINE))

    alice.route(
        "**/messages/",
        lambda route: route.fulfill(
            status=422, json={"code": "quiet_hours", "detail": "It is night there."}
        ),
    )
    bubble = answer(alice, "Good night")
    expect(bubble).to_contain_text("It is night there.")
    expect(alice.locator("#alarm")).to_contain_text("It is night there.")
    bubble.get_by_role("button", name="Edit").click()

    expect(alice.locator("#words")).to_have_value("Good night")
    expect(alice.locator("li.msg-out")).to_have_count(0)


def test_the_price_of_odd_characters_is_shown_and_can_be_avoided(
    shop: House, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#words").fill("x" * 100 + " – it’s")
    expect(alice.locator("#cost-words")).to_contain_text("2 segments · UCS-2")
    expect(alice.locator("#cost-words")).to_contain_text(
        "2 special characters (– ’) make this 2 segments"
    )
    alice.get_by_role("button", name="Replace").click()
    expect(alice.locator("#words")).to_have_value("x" * 100 + " - it's")
    expect(alice.locator("#cost-words")).to_contain_text("107/160 · 1 segment · GSM-7")

    alice.locator("#words").fill("x" * 100 + " ж")
    expect(alice.locator("#cost-words")).to_contain_text("1 special character (ж) makes")
    expect(alice.get_by_role("button", name="Replace")).to_be_hidden()

    alice.locator("#words").fill("x" * 1601)
    expect(alice.locator("#cost")).to_contain_text("shorten it")
    expect(alice.locator("#send")).to_be_disabled()


def test_files_are_checked_before_they_go_up(shop: House, open_as: Open, tmp_path: Path) -> None:
    alice = ready(open_as(shop.alice, here()))
    page = tmp_path / "page.html"
    page.write_text("<script>1</script>")
    large = tmp_path / "large.png"
    large.write_bytes(b"x" * (6 * 1024 * 1024))

    alice.locator("#file-input").set_input_files([str(page), str(large)])

    expect(alice.locator("#files li")).to_have_count(2)
    expect(alice.locator("#files li.is-wrong")).to_have_count(2)
    expect(alice.locator("#files")).to_contain_text("5 MB at most")
    alice.get_by_role("button", name="Remove page.html").click()
    expect(alice.locator("#files li")).to_have_count(1)
    assert not Attachment.objects.exists()


def test_a_photo_can_be_pasted(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(40, 30);
            canvas.getContext("2d").fillRect(0, 0, 40, 30);
            const data = new DataTransfer();
            const picture = await canvas.convertToBlob();
            data.items.add(new File([picture], "shot.png", {type: "image/png"}));
            const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true});
            document.getElementById("words").dispatchEvent(event);
        }"""
    )

    expect(alice.locator("#files li", has_text="shot.png")).to_be_visible()
    expect(alice.locator("#cost")).to_contain_text("MMS")
    until(lambda: Attachment.objects.filter(name="shot.png").exists(), within=10, what="uploaded")


def test_send_and_close_does_both(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#words").fill("Done, bye")
    alice.get_by_role("button", name="More ways to send").click()
    alice.get_by_role("button", name="Send and close").click()

    expect(alice.locator(".who-state")).to_have_text("Closed")
    expect(alice.locator("li.msg-out", has_text="Done, bye")).to_have_count(1)
    assert Conversation.objects.get().status == "closed"

    # What closes, and that alone, is gone from the menu of a conversation that is closed.
    alice.get_by_role("button", name="More ways to send").click()
    menu = alice.locator("#send-menu")
    for name in ("Send later", "Send as a notice", "Send as an offer", "link to opt out"):
        expect(menu.get_by_role("button", name=name)).to_be_visible()
    for name in ("Send and close", "Send and snooze"):
        expect(menu.get_by_role("button", name=name)).to_have_count(0)


def test_send_and_snooze_by_the_keyboard_alone(shop: House, live: Live, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#words").fill("I shall ask them")
    alice.get_by_role("button", name="More ways to send").press("Enter")
    alice.get_by_role("button", name="Send and snooze").press("Enter")
    alice.locator("#send-snooze-menu").get_by_role("button", name="Until they reply").press("Enter")

    expect(alice.locator(".who-state")).to_contain_text("Snoozed")
    expect(alice.locator("li.msg-out", has_text="I shall ask them")).to_have_count(1)
    say(live, shop, "Any news?")
    expect(alice.locator(".who-state")).to_have_text("Open")


def crossing(alice: Page, shop: House, live: Live, words: str) -> Route:
    """Let an answer hang on the line while Maria writes; return it, to be let go."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    alice.route("**/messages/", hold, times=1)
    answer(alice, words)
    until(
        lambda: bool(held),
        within=10,
        what="it is on its way",
        pause=lambda seconds: alice.wait_for_timeout(seconds * 1000),
    )
    say(live, shop, "Wait, something else!")
    expect(alice.locator("#timeline li.msg-in")).to_have_count(2)
    return held[0]


def send_all_the_same(alice: Page) -> None:
    dialog = alice.get_by_role("dialog", name="Something new was written")
    dialog.get_by_role("button", name="Send anyway").click()
    expect(dialog).to_be_hidden()


def test_who_sends_all_the_same_keeps_what_they_have_begun_since(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    route = crossing(alice, shop, live, "See you at nine.")

    alice.locator("#words").fill("Bring the\nred shoes")
    route.continue_()
    expect(alice.locator("#words")).to_have_value("See you at nine.\nBring the\nred shoes")
    send_all_the_same(alice)

    expect(alice.locator("#words")).to_have_value("Bring the\nred shoes")
    expect(alice.locator("li.msg-out", has_text="See you at nine.")).to_have_count(1)
    until(
        lambda: Message.objects.filter(body="See you at nine.").count() == 1,
        within=10,
        what="it was sent",
    )
    alice.reload()
    expect(ready(alice).locator("#words")).to_have_value("Bring the\nred shoes")


def test_who_sends_all_the_same_keeps_the_note_they_write_meanwhile(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, here(), **NO_WORKER))
    route = crossing(alice, shop, live, "See you at nine.")

    alice.locator("#words").press("Escape")
    alice.keyboard.press("n")
    alice.locator("#words").fill("Ask Bob about her shoes")
    route.continue_()
    send_all_the_same(alice)

    expect(alice.locator("#words")).to_have_value("Ask Bob about her shoes")
    expect(alice.locator("li.msg-out", has_text="See you at nine.")).to_have_count(1)
    alice.locator("#words").press("Escape")
    alice.keyboard.press("r")
    expect(alice.locator("#words")).to_have_value("")


def test_a_year_that_no_calendar_has_is_refused_in_words(shop: House, open_as: Open) -> None:
    alice = ready(open_as(shop.alice, here()))
    alice.locator("#words").fill("Later then")
    alice.locator("#send-at").evaluate("(field) => { field.value = '20260-01-01T09:00'; }")
    alice.locator("#composer").evaluate(
        "(form) => form.requestSubmit(form.querySelector('[name=later][value=at]'))"
    )

    bubble = alice.locator("li.msg-out", has_text="Later then")
    expect(bubble).to_contain_text("Choose a day and a time.")


def test_a_name_is_put_in_as_it_reads_and_a_photo_with_what_it_shows(
    shop: House, open_as: Open
) -> None:
    Contact.objects.update(name="Maria Silva")
    SegmentPrice.objects.create(account=shop.account, price="0.0079", currency="USD")
    alice = ready(open_as(shop.alice, here()))

    alice.locator("#words").press_sequentially("Dear {{first")
    expect(alice.get_by_role("option").first).to_contain_text("Maria")
    alice.locator("#words").press("Enter")
    expect(alice.locator("#words")).to_have_value("Dear Maria")
    expect(alice.locator("#cost")).to_contain_text("about 0.0079 USD")

    alice.get_by_role("button", name="Names and facts").click()
    expect(alice.get_by_role("option", name="inbox.name")).to_be_visible()
    alice.locator("#words").press("Escape")
    expect(alice.locator("#words")).to_have_value("Dear Maria")

    photo = Path(__file__).parents[2] / "inbox/twilio/simulator/samples/photo.jpg"
    alice.locator("#file-input").set_input_files(str(photo))
    alice.get_by_role("textbox", name="What is to be seen in photo.jpg?").fill("The blue shoe")
    alice.get_by_role("button", name="Send", exact=True).click()
    expect(alice.get_by_role("img", name="The blue shoe")).to_be_visible()
    alice.get_by_role("link", name="The blue shoe").click()
    expect(alice.locator("#gallery img")).to_have_attribute("alt", "The blue shoe")


def test_another_inbox_s_news_are_marked_in_the_rail(
    shop: House, live: Live, open_as: Open
) -> None:
    billing = make_inbox(shop.account, "Billing")
    billing.team.memberships.create(user=shop.alice)
    alice = ready(open_as(shop.alice, "/inbox/billing/"))
    expect(alice.locator("#rows .row")).to_have_count(0)

    say(live, shop, "Over here")

    expect(alice.get_by_role("link", name="Support: new messages")).to_be_visible()
    expect(alice.locator("#rows .row")).to_have_count(0)
