"""After an opt-out: one text that may ask which programme they keep, and what an answer does."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from compliance.comparing import differences
from compliance.gate import Purpose, Reason
from compliance.models import Consent, ConsentEvent, GateDecision
from compliance.programmes import programmes_from
from compliance.verifying import verify_account
from inbox.models import ConsentQuestion, ConversationEvent, Message, Sender
from inbox.receiving import process_next
from inbox.sending import Wanted, deliver, verdict_on
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_sender
from tests.flows.test_double_opt_in import at_once, settle_asking
from tests.flows.test_together import MARIA, Stage
from tests.twilio import inbound_form, post_signed, text_in

NAMED = programmes_from([("", "Appointment reminders"), ("", "Deliveries"), ("", "News")])
Login = Callable[[User], Client]


class Asked(Stage):
    """Maria writes by WhatsApp, where we confirm STOP ourselves."""

    def __init__(self, house: House, client: Client, now: datetime) -> None:
        self.whatsapp = make_sender(
            house.inbox, "whatsapp:+15550100003", twilio_account=house.sender.twilio_account
        )
        super().__init__(house, client, now)

    def hear(self, body: str) -> None:
        """Let Maria write, a minute later."""
        self.now += timedelta(minutes=1)
        with time_machine.travel(self.now, tick=False):
            message = text_in(self.client, self.whatsapp, f"whatsapp:{MARIA}", body)
        self.message = message
        if message.conversation_id:
            self.pk = message.conversation_id

    def leaves(self) -> list[str]:
        """Let everything queued leave; return what left."""
        queued = Message.objects.filter(status="queued").order_by("pk")
        for message in queued:
            deliver(message.pk, now=self.now)
        sent = Message.objects.filter(pk__in=[one.pk for one in queued], status="queued")
        assert not sent.exists()
        return [one.body for one in queued]

    def settle(self, is_on: bool = True, named: object = NAMED) -> None:
        """Let the account ask, or not."""
        settle_asking(
            self.house.account, self.house.sue, self.now, clarifies=is_on, programmes=named
        )

    def may_get(self, programme: str) -> Reason:
        """Return what the gate says of a notification of a programme."""
        wanted = Wanted(Purpose.NOTIFICATION, None, self.now, programme=programme)
        return verdict_on(self.row.thread, wanted, now=self.now).reason

    def whole(self) -> None:
        """See that the ledger holds and replaying it gives what stands."""
        assert list(differences(self.house.account.pk)) == []
        assert verify_account(self.house.account.pk).broken is None


@pytest.fixture
def asked(house: House, client: Client, now: datetime, twilio: Twilio) -> Asked:
    stage = Asked(house, client, now)
    twilio.knows(house.sender, stage.whatsapp)
    stage.settle()
    return stage


def sent_after() -> list[tuple[str, str]]:
    """Return everything that was written to her since, with its purpose."""
    rows = Message.objects.filter(direction="out").order_by("pk")
    return list(rows.values_list("purpose", "body"))


def test_the_clarifying_text_is_the_confirmation_and_names_the_programmes(asked: Asked) -> None:
    asked.hear("STOP")

    ((purpose, body),) = sent_after()
    assert purpose == "optout_confirmation"
    assert body.startswith("Acme: You are unsubscribed and will get no more messages.")
    assert "1 Appointment reminders, 2 Deliveries, 3 News" in body
    question = ConsentQuestion.objects.get()
    assert question.event == ConsentEvent.objects.get(kind="opt_out").seq
    assert [one["name"] for one in question.choices] == [one.name for one in NAMED]


@pytest.mark.parametrize("named", [NAMED, NAMED[:1]], ids=["switched off", "one programme"])
def test_else_it_is_the_plain_confirmation(asked: Asked, named: object) -> None:
    asked.settle(is_on=False, named=named)

    asked.hear("STOP")

    ((purpose, body),) = sent_after()
    assert (purpose, "Deliveries" in body) == ("optout_confirmation", False)
    assert not ConsentQuestion.objects.exists()


@pytest.mark.parametrize("words", ["2", " #2 ", "2.", "Deliveries", "deliveries!", "DELIVERIES 🙏"])
def test_an_answer_keeps_that_one_only(asked: Asked, words: str) -> None:
    asked.hear("STOP")
    asked.leaves()

    asked.hear(words)

    states = dict(Consent.objects.filter(family="whatsapp").values_list("programme", "state"))
    assert states == {"*": "opted_out", "deliveries": "conversational"}
    kept = ConsentEvent.objects.get(kind="opt_in")
    question = ConsentQuestion.objects.get()
    assert (kept.programme, kept.personal.said, kept.source) == (
        "deliveries",
        words,
        "inbound_keyword",
    )
    assert kept.personal.wording_text == question.message.body
    assert (question.outcome, question.answer) == ("kept", kept.seq)
    assert asked.may_get("deliveries") is Reason.OK
    assert asked.may_get("news") is Reason.OPTED_OUT
    assert asked.may_get("*") is Reason.OPTED_OUT
    assert len(sent_after()) == 1, "it is the only text after the opt-out"
    line = ConversationEvent.objects.filter(verb="consent").order_by("pk").last()
    assert line is not None
    assert line.data["name"] == "Deliveries"
    asked.whole()


@pytest.mark.parametrize("words", ["4", "1 or 2", "12", "all", "keep them", "?", "who is this", ""])
def test_anything_else_changes_nothing_and_silence_stops_all(asked: Asked, words: str) -> None:
    asked.hear("STOP")
    asked.leaves()

    asked.hear(words)

    assert not ConsentEvent.objects.filter(kind="opt_in").exists()
    assert {row.state for row in Consent.objects.filter(family="whatsapp")} == {"opted_out"}
    assert len(sent_after()) == 1


def test_an_answer_counts_once(asked: Asked) -> None:
    asked.hear("STOP")
    asked.leaves()
    asked.hear("2")

    asked.hear("3")

    assert [one.programme for one in ConsentEvent.objects.filter(kind="opt_in")] == ["deliveries"]


def test_after_72_hours_a_number_is_only_a_number(asked: Asked) -> None:
    asked.hear("STOP")
    asked.leaves()
    asked.now += timedelta(hours=72)

    asked.hear("2")

    assert not ConsentEvent.objects.filter(kind="opt_in").exists()


def test_a_number_before_the_text_left_is_no_answer_to_it(asked: Asked) -> None:
    asked.hear("STOP")

    asked.hear("2")

    assert not ConsentEvent.objects.filter(kind="opt_in").exists()


def test_a_number_that_answers_a_person_is_no_answer_to_the_text(asked: Asked) -> None:
    asked.hear("STOP")
    asked.leaves()
    asked.hear("How many did you say I get?")
    asked.reply(asked.house.alice, "How many do you want?")
    asked.leaves()

    asked.hear("2")

    assert not ConsentEvent.objects.filter(kind="opt_in").exists()


def test_a_later_stop_ends_what_was_kept_and_start_brings_all_back(asked: Asked) -> None:
    asked.hear("STOP")
    asked.leaves()
    asked.hear("2")

    asked.hear("STOP")

    assert asked.may_get("deliveries") is Reason.OPTED_OUT
    assert len(sent_after()) == 1
    asked.hear("START")
    assert asked.may_get("deliveries") is Reason.OK
    assert asked.may_get("news") is Reason.OK
    asked.whole()


def test_what_the_text_named_counts_though_programmes_change(asked: Asked) -> None:
    asked.hear("STOP")
    asked.leaves()
    asked.settle(named=programmes_from([("", "Other"), ("", "Things")]))

    asked.hear("3")

    assert ConsentEvent.objects.get(kind="opt_in").programme == "news"


def test_too_late_it_is_not_sent_and_nothing_is_asked(asked: Asked) -> None:
    asked.hear("STOP")
    asked.now += timedelta(minutes=6)
    asked.leaves()

    asked.hear("2")

    message = Message.objects.get(purpose="optout_confirmation")
    assert (message.status, message.error_code) == ("blocked", "CONFIRMATION_LATE")
    assert not ConsentEvent.objects.filter(kind="opt_in").exists()


def test_many_answers_at_once_keep_one(
    transactional_db: None, house: House, client: Client, now: datetime, twilio: Twilio
) -> None:
    asked = Asked(house, client, now)
    twilio.knows(house.sender, asked.whatsapp)
    asked.settle()
    asked.hear("STOP")
    asked.leaves()
    later = asked.now + timedelta(minutes=1)
    forms = [_form(asked.whatsapp, words) for words in ("1", "2", "3", "2", "1", "News")]

    with time_machine.travel(later, tick=False):
        at_once(lambda: post_signed(Client(), *forms.pop()), 6)
        at_once(lambda: _drain(later + timedelta(seconds=10)), 3)

    assert ConsentEvent.objects.filter(kind="opt_in").count() == 1
    assert ConsentQuestion.objects.get().outcome == "kept"
    assert len(sent_after()) == 1
    asked.whole()


def _form(sender: Sender, words: str) -> tuple[str, dict[str, str], str]:
    form = inbound_form(sender, f"whatsapp:{MARIA}", words)
    return f"/hooks/twilio/{sender.path_token}", form, sender.twilio_account.auth_token


def _drain(now: datetime) -> None:
    while process_next(now=now):
        pass


def test_an_agent_sees_what_was_kept_and_sends_a_notice_of_it(asked: Asked, login: Login) -> None:
    asked.hear("STOP")
    asked.leaves()
    asked.hear("2")
    asked.now += timedelta(minutes=1)
    alice, row = login(asked.house.alice), asked.row
    url = reverse("messages", kwargs={"cid": row.public_id})

    with time_machine.travel(asked.now, tick=False):
        desk = alice.get(reverse("desk", kwargs={"cid": row.public_id})).content.decode()
        page = alice.get(reverse("conversation", args=["support", row.public_id])).content.decode()
        form = {"body": "Your parcel comes at five.", "purpose": "notification:deliveries"}
        sent = alice.post(url, form, headers={"Accept": "application/json"})
        other = alice.post(
            url, {**form, "purpose": "notification:news"}, headers={"Accept": "application/json"}
        )
        wrong = [
            alice.post(url, {**form, "purpose": one}, headers={"Accept": "application/json"})
            for one in ("notification:nothing", "reply:deliveries", "notification:")
        ]

    assert "They opted out and kept “Deliveries”" in desk
    assert 'data-purpose="notification:deliveries"' in desk
    assert "Send as a notice of “Deliveries”" in page
    assert sent.status_code == 201, sent.content
    message = Message.objects.get(body="Your parcel comes at five.")
    assert (message.purpose, message.details["programme"]) == ("notification", "deliveries")
    assert deliver(message.pk, now=asked.now) is not None
    kept = GateDecision.objects.filter(message_ref=message.public_id, stage="sent").get()
    assert kept.inputs["programme"] == "deliveries"
    assert (other.status_code, other.json()["code"]) == (422, "opted_out")
    assert {one.status_code for one in wrong} <= {400, 422}
