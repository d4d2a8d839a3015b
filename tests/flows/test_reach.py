"""Can somebody say that a number reaches nobody any more, and does everything hold to it?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from compliance.gate import Purpose, Reason, SendBlockedError
from compliance.models import Consent, ConsentEvent
from inbox.cards import Editor
from inbox.desk import Composer, desk_of
from inbox.marking import Writer
from inbox.merging import merge_contacts, undo_merge
from inbox.models import Contact, ContactAddress, ConversationEvent, Message
from inbox.reach import is_back, mark_out_of_reach, mark_within_reach
from inbox.refusals import MissingInputError, NotAllowedError
from inbox.sending import Later, Wanted, deliver, verdict_on
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_together import Stage
from tests.twilio import text_in

Login = Callable[[User], Client]
HOUR = timedelta(hours=1)
WORDS = "Alice marked this number as out of reach on "


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    twilio.knows(house.sender)
    return Stage(house, client, now)


def writer(stage: Stage, user: User | None = None) -> Writer:
    user = user or stage.house.alice
    return Writer(stage.row, stage.viewer(user), user, stage.now)


def here(stage: Stage) -> ContactAddress:
    return stage.row.thread.address


def mark(stage: Stage, why: str = "Belongs to somebody else") -> ContactAddress:
    return mark_out_of_reach(writer(stage), here(stage).pk, why)


def lines(stage: Stage) -> list[tuple[str, Any]]:
    told = ConversationEvent.objects.filter(conversation=stage.pk, verb="reach").order_by("pk")
    return [(one.data["did"], one.data.get("reason")) for one in told]


def test_nothing_goes_to_a_number_that_reaches_nobody(stage: Stage, twilio: Twilio) -> None:
    mark(stage)

    said = {
        purpose: verdict_on(
            stage.row.thread,
            Wanted(purpose, stage.house.alice, stage.now, "Acme: hello"),
            now=stage.now,
        )
        for purpose in Purpose
    }
    desk = desk_of(stage.viewer(stage.house.alice), stage.house.alice, stage.row, now=stage.now)

    assert {one.reason for one in said.values()} == {Reason.OUT_OF_REACH}
    assert said[Purpose.REPLY].words.startswith(WORDS)
    assert desk.composer is Composer.BLOCKED
    assert desk.banner
    assert desk.banner.words.startswith(WORDS)
    with pytest.raises(SendBlockedError, match="OUT_OF_REACH"):
        stage.reply(stage.house.alice)
    assert lines(stage) == [("lost", "Belongs to somebody else")]


def test_what_waits_then_is_stopped_when_it_would_go(stage: Stage, twilio: Twilio) -> None:
    queued = stage.reply(stage.house.alice)
    planned = stage.reply(stage.house.alice, "See you at ten.", later=Later(stage.now + HOUR))

    mark(stage)
    deliver(queued.pk, now=stage.now)
    deliver(planned.pk, now=stage.now + HOUR)

    for message in Message.objects.filter(pk__in=[queued.pk, planned.pk]):
        assert (message.status, message.error_code) == ("blocked", "OUT_OF_REACH")
        assert message.error_words.startswith(WORDS)
    assert twilio.requests_to_send() == []


def test_it_is_marked_once_and_taken_back_once(stage: Stage) -> None:
    mark(stage)
    stage.now += HOUR
    again = mark(stage, "Something else")
    assert (again.out_of_reach_why, again.out_of_reach_by) == (
        "Belongs to somebody else",
        stage.house.alice,
    )

    for _time in range(2):
        mark_within_reach(writer(stage, stage.house.bob), here(stage).pk)

    assert here(stage).out_of_reach_at is None
    assert here(stage).out_of_reach_why == ""
    assert lines(stage) == [("lost", "Belongs to somebody else"), ("found", None)]
    assert stage.reply(stage.house.alice).status == "queued"


def test_their_message_takes_the_mark_back_and_consent_stays(stage: Stage) -> None:
    consents, events = list(Consent.objects.values()), ConsentEvent.objects.count()
    mark(stage)
    assert list(Consent.objects.values()) == consents
    assert ConsentEvent.objects.count() == events
    stage.now += HOUR

    stage.hear("I am back")

    assert here(stage).out_of_reach_at is None
    assert lines(stage)[1:] == [("wrote", None)]
    assert stage.reply(stage.house.alice).status == "queued"


def test_what_they_wrote_before_the_mark_does_not_take_it_back(stage: Stage) -> None:
    marked_at = stage.now + HOUR
    stage.now = marked_at
    mark(stage)
    stage.now = marked_at - timedelta(minutes=30)

    stage.hear("Sent while you were on the phone")

    assert here(stage).out_of_reach_at == marked_at


def test_a_message_costs_no_more_because_numbers_can_be_marked(
    stage: Stage, django_assert_num_queries: Callable[..., CaptureQueriesContext]
) -> None:
    thread = stage.row.thread

    with django_assert_num_queries(0):
        assert not is_back(thread, wrote_at=stage.now)


def test_who_may_not_answer_marks_nothing(stage: Stage) -> None:
    reader = make_user(stage.house.account, "Olga", team=stage.house.inbox.team, role="observer")

    with pytest.raises(NotAllowedError):
        mark_out_of_reach(writer(stage, reader), here(stage).pk, "Cut off")
    with pytest.raises(MissingInputError, match="why"):
        mark_out_of_reach(writer(stage), here(stage).pk, " \0 ")
    with pytest.raises(MissingInputError, match="of this contact"):
        mark_out_of_reach(writer(stage), here(stage).pk + 1000, "Cut off")

    assert here(stage).out_of_reach_at is None


def test_another_number_of_theirs_is_marked_where_they_are_talked_to(stage: Stage) -> None:
    other = _other_number(stage, stage.row.contact)

    mark_out_of_reach(writer(stage), other.pk, "Cut off")

    assert lines(stage) == [("lost_other", "Cut off")]
    assert stage.reply(stage.house.alice).status == "queued"


def _other_number(stage: Stage, contact: Contact) -> ContactAddress:
    return ContactAddress.objects.create(
        account=stage.house.account,
        contact=contact,
        key="sms:+14155550177",
        family="sms",
        raw="+14155550177",
        phone="+14155550177",
    )


def test_a_merge_keeps_the_mark_at_its_number_and_so_does_undoing_it(stage: Stage) -> None:
    heard = text_in(stage.client, stage.house.sender, "+14155550177", "It is me, at work")
    assert heard.conversation
    other = heard.conversation.contact
    second = other.addresses.get()
    mark(stage)
    mark_out_of_reach(replace(writer(stage), conversation=heard.conversation), second.pk, "Cut off")
    editor = Editor(stage.viewer(stage.house.alice), stage.house.alice, stage.now)

    log = merge_contacts(stage.row.contact, other, editor)
    assert set(ContactAddress.objects.values_list("contact", "out_of_reach_why")) == {
        (stage.row.contact.pk, "Belongs to somebody else"),
        (stage.row.contact.pk, "Cut off"),
    }
    undo_merge(log, editor)

    second.refresh_from_db()
    assert (second.contact, second.out_of_reach_why) == (other, "Cut off")


def test_a_failed_message_offers_it_where_the_number_is_to_blame(
    stage: Stage, login: Login
) -> None:
    message = stage.reply(stage.house.alice)
    words = "This number does not exist any more. Check it with the customer."
    rows = Message.objects.filter(pk=message.pk)
    rows.update(status="failed", error_code="30007", error_words="The carrier filtered it.")
    page, alice = f"/c/{stage.row.public_id}/thread/", login(stage.house.alice)
    assert "Mark as out of reach" not in alice.get(page).content.decode()
    rows.update(error_code="30005", error_words=words)
    assert "Mark as out of reach" in alice.get(page).content.decode()

    answer = alice.post(f"/messages/{message.public_id}/reach/", HTTP_ACCEPT="application/json")

    assert answer.status_code == 200
    assert here(stage).out_of_reach_why == words


def test_panel_and_card_show_it_and_take_it_back(stage: Stage, login: Login) -> None:
    alice, row = login(stage.house.alice), stage.row
    pages = (f"/c/{row.public_id}/panel/", f"/contacts/{row.contact.public_id}/")
    form = {"address": str(here(stage).pk), "next": pages[1]}

    answer = alice.post(f"/c/{row.public_id}/reach/", {**form, "out": "1", "why": "Cut <off>"})
    assert answer["Location"] == pages[1]
    for page in pages:
        html = alice.get(page).content.decode()
        assert "Out of reach" in html
        assert "Cut &lt;off&gt;" in html
        assert "It works again" in html
    alice.post(f"/c/{row.public_id}/reach/", form)

    assert here(stage).out_of_reach_at is None
    assert "It works again" not in alice.get(pages[0]).content.decode()
