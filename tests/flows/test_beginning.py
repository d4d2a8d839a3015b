"""May an agent begin a conversation: where, with whom, and what becomes of it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import License, Membership, User
from compliance.addresses import parse_address
from compliance.gate import SendBlockedError
from compliance.models import GateDecision
from inbox.access import HandledByOtherError
from inbox.beginning import address_for, begin_conversation, choices_for
from inbox.cards import Editor, block_contact
from inbox.closing import close_conversation
from inbox.conversations import claim_conversation
from inbox.labels import activity_words
from inbox.models import Contact, Conversation, ConversationEvent, Sender, TeamInbox
from inbox.refusals import MissingInputError, NotAllowedError
from tests.conftest import House
from tests.factories import make_sender
from tests.flows.test_together import MARIA, Stage, stage
from tests.twilio import text_in

__all__ = ["stage"]

STRANGER = "+14155550999"
Login = Callable[[User], Client]


@pytest.fixture(autouse=True)
def allowed(house: House) -> None:
    house.inbox.may_start_conversations = True
    house.inbox.save()


@pytest.fixture
def closed(stage: Stage) -> Stage:
    """Maria wrote, was answered, and the conversation is closed for so long that it is over."""
    stage.do(claim_conversation, stage.house.alice)
    stage.reply(stage.house.alice)
    stage.do(close_conversation, stage.house.alice, last_seen_seq=99)
    stage.now += timedelta(hours=100)
    return stage


def begin(stage: Stage, user: User, phone: str = MARIA, sender: Sender | None = None) -> Any:
    sender = Sender.objects.select_related("inbox__account").get(
        pk=(sender or stage.house.sender).pk
    )
    viewer = stage.viewer(user)
    address = address_for(viewer, sender, number=phone)
    return begin_conversation(sender=sender, address=address, by=viewer, user=user, now=stage.now)


# --- What becomes of it ---------------------------------------------------------------------------


def test_who_begins_has_it_and_writes_in_it(closed: Stage) -> None:
    before = closed.row

    row = begin(closed, closed.house.bob)

    assert (row.owner, row.previous_id, row.status) == (closed.house.bob, before.pk, "open")
    assert row.waiting_since is None
    told = ConversationEvent.objects.filter(conversation=row).order_by("pk")
    assert [activity_words(one) for one in told] == [
        "Bob began this conversation",
        "Bob claimed this conversation",
    ]
    closed.pk = row.pk
    assert not closed.sees(closed.house.alice)
    assert closed.sees(closed.house.sue)
    sent = closed.reply(closed.house.bob, "Your parcel is here.")
    assert sent.conversation_id == row.pk


def test_their_answer_comes_into_it(closed: Stage, client: Client) -> None:
    row = begin(closed, closed.house.bob)

    closed.hear("Thanks!")

    assert closed.pk == row.pk
    assert closed.row.owner == closed.house.bob
    assert closed.row.waiting_since is not None


def test_beginning_twice_is_beginning_once(closed: Stage) -> None:
    first = begin(closed, closed.house.bob)
    again = begin(closed, closed.house.bob)

    assert first.pk == again.pk
    assert Conversation.objects.count() == 2


def test_where_nobody_claims_the_team_has_it(closed: Stage) -> None:
    TeamInbox.objects.update(claim_rule=TeamInbox.ClaimRule.COLLABORATIVE)

    row = begin(closed, closed.house.bob)

    assert (row.owner, row.is_team_wide) == (None, True)


def test_what_was_closed_a_moment_ago_goes_on(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)
    stage.do(
        close_conversation,
        stage.house.alice,
        last_seen_seq=99,
        waiting_ok=True,
        reason="Called her",
    )

    row = begin(stage, stage.house.bob)

    assert (row.pk, row.owner, row.reopen_count) == (stage.pk, stage.house.bob, 1)


def test_an_open_conversation_is_gone_on_with(stage: Stage) -> None:
    assert begin(stage, stage.house.bob).pk == stage.pk
    assert stage.row.owner is None


def test_of_a_colleagues_conversation_only_who_has_it_is_told(stage: Stage) -> None:
    stage.do(claim_conversation, stage.house.alice)

    with pytest.raises(HandledByOtherError) as handled:
        begin(stage, stage.house.bob)
    assert handled.value.owner == "Alice"


def test_by_another_channel_it_is_the_same_person(closed: Stage, house: House) -> None:
    whatsapp = make_sender(house.inbox, address="whatsapp:+15550100009")
    text_in(closed.client, whatsapp, f"whatsapp:{MARIA}", "And here")
    contact = Contact.objects.get()

    viewer = closed.viewer(house.bob)
    [choice] = choices_for(viewer, house.inbox, contact=contact).found

    assert {(way.family, way.sender.pk) for way in choice.ways} == {
        ("sms", house.sender.pk),
        ("whatsapp", whatsapp.pk),
    }


# --- Who may, and with whom -----------------------------------------------------------------------


def test_only_where_the_inbox_allows_it(closed: Stage) -> None:
    TeamInbox.objects.update(may_start_conversations=False)

    with pytest.raises(NotAllowedError, match="An admin can allow it"):
        begin(closed, closed.house.bob)


def test_only_who_works_in_the_team(closed: Stage, charlie: User) -> None:
    with pytest.raises(NotAllowedError):
        begin(closed, charlie)
    Membership.objects.filter(user=closed.house.bob).update(role=Membership.Role.OBSERVER)
    with pytest.raises(NotAllowedError):
        begin(closed, closed.house.bob)
    License.objects.filter(holder=closed.house.alice).update(ends_at=closed.now)
    with pytest.raises(NotAllowedError):
        begin(closed, closed.house.alice)


def test_with_whom_no_consent_is_on_record_nothing_begins(closed: Stage) -> None:
    contacts = Contact.objects.count()

    with pytest.raises(SendBlockedError) as refused:
        begin(closed, closed.house.bob, STRANGER)

    assert refused.value.verdict.reason == "NO_CONSENT"
    assert (Contact.objects.count(), Conversation.objects.count()) == (contacts, 1)
    assert GateDecision.objects.filter(code="NO_CONSENT", author=closed.house.bob).exists()


def test_who_opted_out_and_who_is_blocked_is_left_alone(closed: Stage) -> None:
    closed.hear("STOP")
    closed.now += timedelta(days=2)
    with pytest.raises(SendBlockedError) as refused:
        begin(closed, closed.house.bob)
    assert refused.value.verdict.reason in {"OPTED_OUT", "PROVIDER_BLOCKED"}

    closed.hear("START")
    editor = Editor(closed.viewer(closed.house.sue), closed.house.sue, closed.now)
    block_contact(Contact.objects.get(), "Abuse", editor)
    with pytest.raises(SendBlockedError):
        begin(closed, closed.house.bob)


@pytest.mark.parametrize("number", ["", "hello", "12", "+1", "+15550100001", "+999999999999999"])
def test_what_is_no_number_is_said(closed: Stage, number: str) -> None:
    with pytest.raises(MissingInputError):
        begin(closed, closed.house.bob, number)


def test_a_number_is_read_as_its_country_writes_it(stage: Stage) -> None:
    viewer = stage.viewer(stage.house.bob)

    found = address_for(viewer, stage.house.sender, number="(415) 555-0100")

    assert found == parse_address(MARIA)


def test_contacts_of_others_are_offered_to_nobody(stage: Stage, house: House) -> None:
    stage.do(claim_conversation, house.alice)
    Contact.objects.update(name="Maria Lopez")

    assert not choices_for(stage.viewer(house.bob), house.inbox, words="Lopez").found
    [found] = choices_for(stage.viewer(house.alice), house.inbox, words="Lopez").found
    assert found.name == "Maria Lopez"
    # A number is what was typed, and tells nothing of whose it is.
    [typed] = choices_for(stage.viewer(house.bob), house.inbox, words=MARIA).found
    assert (typed.contact, typed.number) == (None, MARIA)
    address = found.address
    assert address
    with pytest.raises(MissingInputError):
        address_for(stage.viewer(house.bob), house.sender, address_id=address.pk)


# --- The pages ------------------------------------------------------------------------------------


def test_the_page_leads_into_the_conversation(closed: Stage, login: Login) -> None:
    page = reverse("begin", kwargs={"slug": "support"})
    browser = login(closed.house.bob)
    contact = Contact.objects.get()
    shown = browser.get(page, {"contact": contact.public_id})
    assert "SMS from" in " ".join(shown.text.split())

    sender = closed.house.sender.pk
    answer = browser.post(page, {"sender": sender, "number": MARIA}, follow=True)

    row = Conversation.objects.latest("pk")
    assert row.owner == closed.house.bob
    assert answer.redirect_chain == [(f"/inbox/support/c/{row.public_id}/", 302)]


def test_the_page_says_why_not(closed: Stage, login: Login) -> None:
    page = reverse("begin", kwargs={"slug": "support"})
    browser = login(closed.house.bob)
    for given, words in (
        ({"sender": closed.house.sender.pk, "number": STRANGER}, "no record that they agreed"),
        ({"sender": closed.house.sender.pk, "number": "4711"}, "with its country"),
        ({"sender": "0", "number": MARIA}, "one of the numbers"),
        ({"sender": "99999999999999999999", "number": MARIA}, "one of the numbers"),
    ):
        assert words in browser.post(page, given, follow=True).text
    assert Conversation.objects.count() == 1
    TeamInbox.objects.update(may_start_conversations=False)
    assert "An admin can allow it" in browser.get(page).text


def test_numbers_stay_hidden_where_they_are(closed: Stage, login: Login) -> None:
    closed.house.account.masks_numbers = True
    closed.house.account.save()

    page = login(closed.house.bob).get(
        reverse("begin", kwargs={"slug": "support"}), {"contact": Contact.objects.get().public_id}
    )

    assert MARIA not in page.text
    assert "555-0100" not in page.text
