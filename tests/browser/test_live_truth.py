"""Does a page that lived through it all show what a page loaded now shows?"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from inbox.cards import seen_mark
from inbox.catchup import LIMIT
from inbox.events import head_of
from inbox.models import Contact, Conversation, Message
from inbox.models.ids import client_id
from tests.browser.conftest import NO_WORKER, Open
from tests.browser.shown import LIST, THREAD, Wire, Witness, asked_of
from tests.browser.test_composer import here, ready, say, shop
from tests.browser.test_moving_rows import three_rows
from tests.conftest import House
from tests.doors import Browser
from tests.live import Live, until

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
ALL = "/inbox/support/"
CONFIRMED_MS = 21_000  # a page asks what it passed by after twenty seconds at most


def behind_a_wire(page: Page, path: str) -> Wire:
    """Load a page whose socket we hold in our hands."""
    wire = Wire(page)
    page.goto(path)
    ready(page)
    return wire


class Day:
    """What people and the customer do in one conversation, each over HTTP."""

    def __init__(self, house: House, live: Live, row: Conversation) -> None:
        self.house, self.live, self.row = house, live, row
        self._people = {
            user.pk: Browser(live, user) for user in (house.alice, house.bob, house.sue)
        }

    def act(self, name: str, *, by: Any = None, **data: Any) -> dict[str, Any]:
        """Press a button; return what it answered."""
        answer = self._people[(by or self.house.alice).pk].act(name, self.row, **data)
        assert answer.status_code in {200, 201}, (name, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json() if "json" in answer.headers["Content-Type"] else {}
        return found

    def write(self, body: str, kind: str = "reply", **more: Any) -> None:
        """Answer, or write a note; a reply has reached the customer when this returns."""
        self.act("messages", kind=kind, body=body, client_id=client_id(), **more)
        if kind == "reply":
            arrived = Message.objects.filter(body=body, status="delivered")
            until(arrived.exists, within=20, what=f"{body!r} is delivered")

    def hear(self, body: str) -> None:
        """Let the customer write."""
        say(self.live, self.house, body)
        until(Message.objects.filter(body=body).exists, within=10, what=f"{body!r} arrived")

    @property
    def seen(self) -> str:
        """Return which state of the card somebody saw."""
        return seen_mark(Contact.objects.get(pk=self.row.contact_id))

    def post(self, path: str, *, by: Any = None, **data: Any) -> None:
        """Send a form to an address."""
        answer = self._people[(by or self.house.alice).pk].post(path, **data)
        assert answer.status_code in {200, 201}, (path, answer.status_code, answer.text)

    def undo(self, done: dict[str, Any]) -> None:
        """Take back what somebody just did."""
        self.post(done["undo"])


def test_whatever_happens_the_page_shows_what_a_fresh_one_shows(
    shop: House, live: Live, open_as: Open
) -> None:
    """Zulip's idea: the state before and the events make the state after.

    Sue, who sees everything, has the conversation open; Bob loses and regains it in his list.
    """
    day, path = Day(shop, live, Conversation.objects.get()), here()
    sue, bob = ready(open_as(shop.sue, path)), ready(open_as(shop.bob, ALL))
    three_rows(live, shop, bob)
    witnesses = Witness(sue, path, *LIST, *THREAD), Witness(bob, ALL, *LIST)
    contact = f"/contacts/{day.row.contact.public_id}"
    done: dict[str, Any] = {}
    stories: list[tuple[str, Callable[[], Any]]] = [
        ("a tag", lambda: day.act("conversation_tags", add="vip")),
        ("a priority", lambda: day.act("priority", priority="urgent")),
        ("a note", lambda: day.write("She is in a hurry", kind="note")),
        ("a claim", lambda: day.act("claim")),
        ("a reply", lambda: day.write("It is on its way")),
        ("an answer", lambda: day.hear("Thanks! When?")),
        ("a promise", lambda: day.act("promise", preset="tomorrow", note="The day")),
        ("a promise kept", lambda: day.act("end_promise", end="kept")),
        ("a snooze", lambda: day.act("snooze", preset="tomorrow", last_seen_seq=99)),
        ("a wake", lambda: day.act("wake")),
        ("a release", lambda: day.act("release")),
        ("a transfer", lambda: done.update(day.act("transfer", to=f"user:{shop.bob.pk}"))),
        ("its undo", lambda: day.undo(done)),
        ("a name", lambda: day.post(f"{contact}/name/", name="Maria Rossi", seen=day.seen)),
        ("a close", lambda: day.act("close", last_seen_seq=99, waiting_ok=1)),
        ("a reopening", lambda: day.act("reopen")),
        ("a take-over", lambda: day.act("take_over", by=shop.sue, reason="Alice is ill")),
        ("a removal", lambda: day.post(_removal(), by=shop.sue, reason="A card number")),
        ("a block", lambda: day.post(f"{contact}/block/", reason="Rude", by=shop.sue)),
        ("an unblock", lambda: day.post(f"{contact}/unblock/", by=shop.sue)),
        ("a stop", lambda: day.hear("STOP")),
        ("a start", lambda: day.hear("START")),
    ]

    for name, story in stories:
        story()
        for witness in witnesses:
            witness.check(name)


def _removal() -> str:
    message = Message.objects.get(body="Thanks! When?")
    return f"/messages/{message.public_id}/remove/"


def test_lost_words_are_found_by_their_tick_and_those_of_others_cost_nothing(
    shop: House, live: Live, open_as: Open
) -> None:
    alice, bob = open_as(shop.alice, ALL, **NO_WORKER), open_as(shop.bob, ALL, **NO_WORKER)
    for page in (alice, bob):
        page.clock.install()
    wire = behind_a_wire(alice, here())
    bob.goto(ALL)
    ready(bob)
    Day(shop, live, Conversation.objects.get()).act("claim")
    expect(bob.locator("#rows .row")).to_have_count(0)
    expect(alice.locator(".who-owner")).to_have_text("Alice")
    bob.wait_for_timeout(1_500)  # what the claim itself made them ask for
    asked_by_alice, asked_by_bob = asked_of(alice), asked_of(bob)

    wire.lose("word 2")
    for number in range(1, 5):
        say(live, shop, f"word {number}")
    words = alice.locator("li.msg-in .msg-words")
    expect(words).to_have_text(["Hello", "word 1", "word 3", "word 4"])
    alice.wait_for_timeout(1_000)
    events = [url for url in asked_by_alice if "/events/" in url]

    assert len(wire.lost) == 1
    assert events == []
    assert asked_by_bob == []
    for page in (alice, bob):
        page.clock.fast_forward(CONFIRMED_MS)
    expect(words).to_have_text(["Hello", "word 1", "word 2", "word 3", "word 4"])
    until(lambda: asked_by_bob, within=5, what="Bob asked", pause=_pausing(bob))
    events = [url for url in asked_by_alice if "/events/" in url]
    assert ["confirm=1" in url for url in events] == [True, False]
    assert ["confirm=1" in url for url in asked_by_bob] == [True], "one for all of them"


def _pausing(page: Page) -> Callable[[float], None]:
    return lambda seconds: page.wait_for_timeout(seconds * 1000)


def test_who_missed_more_than_can_be_told_begins_anew_with_everything_right(
    shop: House, live: Live, open_as: Open
) -> None:
    first = here()
    alice = open_as(shop.alice, ALL, **NO_WORKER)
    wire = behind_a_wire(alice, first)
    three_rows(live, shop, alice)
    row = Conversation.objects.get(public_id=first.split("/")[-2])
    day, others = Day(shop, live, row), Conversation.objects.exclude(pk=row.pk)
    alice.locator("#words").fill("half a sentence")
    start = head_of(shop.inbox.pk)

    wire.cut()
    alice.context.set_offline(True)
    for number in range(LIMIT // 2 + 1):
        day.act("priority", priority="low" if number % 2 else "urgent")
    day.hear("Is anybody there?")
    Day(shop, live, others.latest("pk")).act("claim", by=shop.bob)
    missed = head_of(shop.inbox.pk) - start
    wire.mend()
    with alice.expect_response(re.compile(r"/events/\?after=")) as told:
        alice.context.set_offline(False)

    assert missed > LIMIT
    assert told.value.json()["reset"] is True
    expect(alice.locator("#timeline")).to_contain_text("Is anybody there?")
    expect(alice.locator("#rows .row")).to_have_count(2)
    expect(alice.locator("#words")).to_have_value("half a sentence")
    Witness(alice, first, *LIST, *THREAD).check("a reset")
    ready(alice)
    day.hear("Good that you are back")
    expect(alice.locator("#timeline")).to_contain_text("Good that you are back")


def test_who_walks_the_list_by_keyboard_is_not_pushed_off_their_row(
    shop: House, live: Live, open_as: Open
) -> None:
    alice = ready(open_as(shop.alice, ALL))
    three_rows(live, shop, alice)
    rows = alice.locator("#rows > .row")
    for _ in range(3):
        alice.keyboard.press("j")
    mine = rows.nth(2)
    link, hers = mine.locator(".row-link"), mine.get_attribute("data-id")
    expect(link).to_be_focused()
    day = Day(shop, live, Conversation.objects.get(public_id=hers))

    day.act("messages", kind="reply", by=shop.bob, body="I ask", client_id=client_id())
    day.act("priority", by=shop.bob, priority="urgent")
    expect(mine).to_contain_text("I ask")
    expect(mine.locator(".tag-priority-urgent")).to_be_visible()
    expect(link).to_be_focused()
    expect(mine).to_have_attribute("data-id", hers or "")

    alice.get_by_role("button", name="1 new").press("Enter")
    expect(rows.first).to_have_attribute("data-id", hers or "")
    expect(rows.first.locator(".row-link")).to_be_focused()
    day.act("claim", by=shop.bob)
    expect(alice.locator(f"#rows .row[data-id='{hers}']")).to_have_count(0)
    expect(alice.locator("#rows .row-link:focus")).to_have_count(1)
