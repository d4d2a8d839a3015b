"""Does a reaction stand at the message that it is about, and disturb nobody?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.models import User
from inbox.catchup import catch_up
from inbox.closing import close_conversation
from inbox.conversations import claim_conversation, mark_read
from inbox.forgetting.batches import empty_messages
from inbox.forgetting.removing import remove_message
from inbox.labels import Reaction, reaction_to
from inbox.lists import Asked, inbox_page
from inbox.models import Conversation, InboxEvent, Message
from inbox.models.message import Forgotten
from inbox.searching.finding import Kind, find
from inbox.searching.parsing import parse
from inbox.threads import ThreadPage, thread_page, timeline
from inbox.transcript import pieces_of
from tests.admin_world import browser_of
from tests.conftest import House
from tests.factories import make_sender
from tests.flows.test_together import MARIA, Stage
from tests.inbox.test_protocol import SCHEMA, Ear, Heard, ear, published
from tests.twilio import new_sid, text_in

__all__ = ["Ear", "ear", "published"]
HER = f"whatsapp:{MARIA}"
ANSWER = "Your parcel leaves today"
MINUTE = timedelta(minutes=1)


class Phone(Stage):
    """Maria writes and reacts, by SMS or on WhatsApp."""

    sent: Message

    def says(self, body: str, **fields: str) -> Message:
        """Let Maria write, a minute later than before."""
        self.now += MINUTE
        sender = self.house.sender
        customer = HER if sender.is_whatsapp else MARIA
        with time_machine.travel(self.now, tick=False):
            return text_in(self.client, sender, customer, body, **fields)

    def hear(self, body: str) -> None:
        self.message = self.says(body)
        self.pk = self.message.conversation_id or self.pk

    def answer(self, body: str = ANSWER) -> Message:
        """Let Alice answer, and Maria's phone get it."""
        self.now += MINUTE
        message = self.reply(self.house.alice, body)
        rows = Message.objects.filter(pk=message.pk)
        rows.update(provider_sid=new_sid(), status="delivered")
        return Message.objects.get(pk=message.pk)

    def reacts(self, emoji: str, to: Message | None = None) -> Message:
        """Let Maria react as her phone does; a blank emoji takes it back."""
        if self.house.sender.is_whatsapp:
            sid = (to or self.sent).provider_sid or ""
            facts = {"MessageType": "reaction", "OriginalRepliedMessageSid": sid}
            return self.says(emoji, **facts)
        said = {"👍": "Liked", "❤️": "Loved", "": "Removed a heart from"}
        words = said.get(emoji, f"Reacted {emoji} to")
        return self.says(f"{words} “{(to or self.sent).body}”")

    def shown(self, message: Message | None = None) -> Reaction | None:
        """Return what stands at a message."""
        return reaction_to(Message.objects.get(pk=(message or self.sent).pk))

    def page(self, user: User, found: str = "") -> ThreadPage:
        """Return the thread as somebody sees it."""
        viewer = self.viewer(user)
        return thread_page(viewer, user, self.row, now=self.now, found=found)

    def unread(self, user: User) -> int:
        """Return the number that stands at the row in somebody's list."""
        page = inbox_page(self.viewer(user), "support", Asked(now=self.now))
        return next(card.unread for card in page.rows if card.row.public_id == self.row.public_id)


def at_rest(row: Conversation) -> dict[str, Any]:
    """Return of a conversation what a reaction does not touch."""
    fields = (
        *("status", "waiting_since", "wait_generation", "owner_id", "version", "reopen_count"),
        *("preview", "preview_kind", "last_activity_at", "last_inbound_seq", "last_inbound_at"),
    )
    return {name: getattr(row, name) for name in fields}


@pytest.fixture(params=["sms", "whatsapp"])
def phone(request: pytest.FixtureRequest, house: House, client: Client, now: datetime) -> Phone:
    """Maria asked, and Alice, who has the conversation, answered."""
    if request.param == "whatsapp":
        house.sender = make_sender(house.inbox, "whatsapp:+15550100003")
    phone = Phone(house, client, now)
    phone.do(claim_conversation, house.alice)
    phone.sent = phone.answer()
    return phone


@pytest.fixture
def sms(house: House, client: Client, now: datetime) -> Phone:
    phone = Phone(house, client, now)
    phone.do(claim_conversation, house.alice)
    phone.sent = phone.answer()
    return phone


def test_it_stands_at_the_message_and_changes_nothing_else(phone: Phone) -> None:
    house, before = phone.house, at_rest(phone.row)
    mark_read(conversation=phone.row, by=phone.viewer(house.alice), seq=phone.sent.seq)

    reaction = phone.reacts("👍")

    assert phone.shown() == Reaction("👍", phone.now)
    assert (reaction.kind, reaction.reply_to, reaction.conversation_id) == (
        *("reaction", phone.sent),
        phone.row.pk,
    )
    assert at_rest(phone.row) == before
    assert (phone.unread(house.alice), phone.unread(house.sue)) == (0, 1)
    created, updated = InboxEvent.objects.order_by("-seq")[:2][::-1]
    assert (created.type, created.data["attached_to"], created.data["notify"]) == (
        *("message.created", phone.sent.public_id),
        False,
    )
    assert (updated.type, updated.data["id"]) == ("message.updated", phone.sent.public_id)


def test_a_newer_one_takes_the_place_of_the_older_and_is_taken_back(phone: Phone) -> None:
    phone.reacts("👍")
    phone.reacts("❤️")
    assert phone.shown() == Reaction("❤️", phone.now)

    phone.reacts("")

    assert phone.shown() is None
    assert phone.unread(phone.house.sue) == 1
    assert Message.objects.filter(kind="reaction").count() == 3, "what came is kept"
    phone.reacts("🎉")
    assert phone.shown() == Reaction("🎉", phone.now)


def test_one_that_comes_late_replaces_no_newer_one(phone: Phone) -> None:
    phone.reacts("❤️")
    phone.now -= 10 * MINUTE
    events = InboxEvent.objects.filter(type="message.updated").count()

    phone.reacts("👍")

    shown = phone.shown()
    assert shown is not None
    assert shown.emoji == "❤️"
    assert InboxEvent.objects.filter(type="message.updated").count() == events


@pytest.mark.parametrize(
    "words", ["Removed a like from", "Removed 👍 from", "Removed a 👍 reaction from"]
)
def test_phones_write_that_they_take_it_back(sms: Phone, words: str) -> None:
    sms.reacts("👍")

    sms.says(f"{words} “{ANSWER}”")

    assert sms.shown() is None


@pytest.mark.parametrize(
    "words", ["Removed it from “Your parcel leaves today”", "Removed a heart from “Another text”"]
)
def test_what_only_looks_like_it_is_a_message(sms: Phone, words: str) -> None:
    sms.reacts("👍")

    message = sms.says(words)

    assert message.kind == "text"
    assert sms.row.preview == words
    assert sms.row.waiting_since is not None
    assert sms.shown() is not None


def test_one_to_a_message_that_is_not_known_is_a_bubble_of_its_own(
    house: House, phone: Phone
) -> None:
    if not house.sender.is_whatsapp:
        message = phone.says("Loved “What nobody wrote”")
        assert message.kind == "text"
        return
    message = phone.says("❤️", MessageType="reaction", OriginalRepliedMessageSid=f"SM{9:032x}")

    assert (message.kind, message.is_attached) == ("reaction", False)
    items = phone.page(house.alice).timeline.items
    assert items[-1].message == message
    assert phone.row.preview == "❤️"


def test_a_note_is_nothing_that_a_customer_reacts_to(sms: Phone) -> None:
    Message.objects.filter(pk=sms.sent.pk).update(kind="note")

    assert sms.reacts("👍").kind == "text"
    assert sms.shown() is None


def test_a_closed_conversation_stays_closed_and_as_it_was(phone: Phone) -> None:
    phone.do(
        *(close_conversation, phone.house.alice),
        last_seen_seq=phone.row.thread.last_inbound_seq,
        waiting_ok=True,
    )
    before = at_rest(phone.row)

    phone.reacts("👍")

    assert phone.shown() is not None
    assert at_rest(phone.row) == before
    assert Conversation.objects.count() == 1


def test_it_stands_in_the_conversation_of_its_message_when_a_later_one_is_open(
    phone: Phone,
) -> None:
    phone.do(
        *(close_conversation, phone.house.alice),
        last_seen_seq=phone.row.thread.last_inbound_seq,
        waiting_ok=True,
    )
    first = phone.row
    phone.now += timedelta(days=30)
    phone.hear("Something else")
    assert phone.row != first
    before = at_rest(phone.row)

    reaction = phone.reacts("👍")

    assert reaction.conversation == first
    assert at_rest(phone.row) == before
    if phone.house.sender.is_whatsapp:
        assert phone.row.thread.last_inbound_at == phone.now
        assert phone.row.window_warns_at == phone.now + timedelta(hours=22)


def test_who_has_not_seen_it_may_close_and_answer(phone: Phone) -> None:
    seen = phone.row.thread.last_inbound_seq
    phone.reacts("👍")

    phone.answer("And the next one tomorrow")
    phone.do(close_conversation, phone.house.alice, last_seen_seq=seen, waiting_ok=True)

    assert phone.row.is_closed


def test_the_thread_has_it_at_its_message_and_misses_nothing(phone: Phone) -> None:
    house = phone.house
    reaction = phone.reacts("👍")
    later = phone.says("Thank you")
    viewer = phone.viewer(house.alice)

    page = phone.page(house.alice)
    seqs = [item.message.seq for item in page.timeline.items if item.message]
    assert reaction.seq not in seqs
    assert seqs[-2:] == [phone.sent.seq, later.seq]
    after = timeline(viewer, phone.row, after=phone.sent.seq)
    assert [item.message for item in after.items if item.message] == [later]
    assert not after.has_later
    before = timeline(viewer, phone.row, before=later.seq)
    assert before.last_seq == phone.sent.seq
    html = browser_of(house.alice).get(f"/inbox/support/c/{phone.row.public_id}/").content.decode()
    assert "The customer reacted with 👍" in html
    assert html.count("The customer reacted with") == 1


def test_it_is_found_and_leads_to_its_message(phone: Phone) -> None:
    house = phone.house
    reaction = phone.reacts("👍")

    assert phone.page(house.alice, reaction.public_id).found == phone.sent.public_id
    if not house.sender.is_whatsapp:
        found = find(phone.viewer(house.alice), parse("Liked"), now=phone.now)
        hits = next(group.hits for group in found.groups if group.kind == Kind.MESSAGES)
        assert len(hits) == 1


def test_it_stands_in_what_is_written_out(phone: Phone) -> None:
    reaction = phone.reacts("👍")
    viewer = phone.viewer(phone.house.alice)

    lines = [item.message for piece in pieces_of(viewer, phone.row, notes=True) for item in piece]

    assert reaction in lines


def test_new_begins_after_it_where_nothing_else_was_written(phone: Phone) -> None:
    Message.objects.filter(direction="in").update(details={"attached": True}, kind="reaction")
    phone.reacts("👍")

    assert phone.page(phone.house.sue).new_after == 0
    assert phone.unread(phone.house.sue) == 0


def test_who_catches_up_gets_the_message_anew_and_no_bubble_for_it(phone: Phone) -> None:
    house = phone.house
    head = InboxEvent.objects.latest("seq").seq
    reaction = phone.reacts("👍")

    missed = catch_up(
        *(phone.viewer(house.alice), house.inbox), after=head, open_id=phone.row.public_id
    )

    by_id = {one["data"]["id"]: one["frag"] for one in missed.events}
    assert "bubble" not in by_id[reaction.public_id]
    assert "The customer reacted with 👍" in by_id[phone.sent.public_id]["bubble"]


def test_it_goes_with_the_message(phone: Phone) -> None:
    house = phone.house
    reaction = phone.reacts("👍")
    sue = phone.viewer(house.sue)

    remove_message(message=phone.sent, by=sue, user=house.sue, reason="Card", now=phone.now)

    sent = Message.objects.get(pk=phone.sent.pk)
    assert (sent.details, reaction_to(sent)) == ({}, None)
    reaction.refresh_from_db()
    assert reaction.body == ("👍" if house.sender.is_whatsapp else "")
    items = phone.page(house.alice).timeline.items
    assert reaction not in [item.message for item in items]
    late = phone.reacts("❤️", to=phone.sent)
    assert not late.is_attached
    assert phone.shown() is None


def test_a_reaction_that_is_removed_leaves_its_message(phone: Phone) -> None:
    house = phone.house
    reaction = phone.reacts("👍")
    sue = phone.viewer(house.sue)

    remove_message(message=reaction, by=sue, user=house.sue, reason="Rude", now=phone.now)

    assert phone.shown() is None
    assert Message.objects.get(pk=phone.sent.pk).body == ANSWER
    told = InboxEvent.objects.filter(type="message.updated").latest("seq")
    assert told.data["id"] == phone.sent.public_id
    removed = InboxEvent.objects.get(type="message.removed")
    assert removed.data["attached_to"] == phone.sent.public_id
    items = phone.page(house.alice).timeline.items
    assert reaction not in [item.message for item in items]


def test_time_takes_it_too_and_a_photo_is_not_said_to_have_had_words(phone: Phone) -> None:
    Message.objects.filter(pk=phone.sent.pk).update(details={"found_late": True})
    reaction = phone.reacts("👍")
    Message.objects.filter(pk=phone.sent.pk).update(body="")

    both = [phone.sent.pk, reaction.pk]
    empty_messages(both, why=Forgotten.RETENTION, now=phone.now)

    phone.sent.refresh_from_db()
    reaction.refresh_from_db()
    assert phone.sent.details == {"found_late": True}
    assert (phone.sent.forgotten_at, phone.sent.forgotten_for) == (phone.now, "")
    assert (reaction.body, reaction.details) == ("", {"attached": True})
    assert reaction.forgotten_for == "retention"


def test_others_are_told_nothing_of_it(phone: Phone, charlie: User) -> None:
    phone.reacts("👍")

    for user in (phone.house.bob, charlie):
        answer = browser_of(user).get(f"/c/{phone.row.public_id}/thread/")
        assert "👍" not in answer.content.decode()


def test_open_pages_hear_of_it_as_the_protocol_promises(phone: Phone, published: Any) -> None:
    heard: Heard = published(lambda: phone.reacts("👍"))

    frames = {frame["type"]: frame for _, frame in heard if "type" in frame}
    assert set(frames) == {"message.created", "message.updated"}
    assert "bubble" not in frames["message.created"]["frag"]
    assert "The customer reacted with 👍" in frames["message.updated"]["frag"]["bubble"]
    validator = Draft202012Validator(SCHEMA)
    for frame in frames.values():
        assert not list(validator.iter_errors(frame)), frame
