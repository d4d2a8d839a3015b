"""Is STOP honoured before anything else may speak?"""

from datetime import datetime

import pytest
from django.test import Client

from accounts.access import viewer_of
from compliance.gate import Purpose, Reason, SendBlockedError
from compliance.models import Consent, ConsentEvent, ProviderBlock
from inbox.carrier import ErrorKind, Rejected
from inbox.models import Contact, Conversation, Message, Sender, TeamInbox
from inbox.models.ids import client_id
from inbox.reply_settings import greeting
from inbox.sending import Wanted, compose_verdict, send_reply, settle, verdict_on
from tests.conftest import House
from tests.factories import make_sender
from tests.twilio import text_in

MARIA = "+14155550100"


def _reply(house: House, conversation: Conversation, now: datetime, body: str = "Hi") -> Message:
    return send_reply(
        conversation=conversation,
        by=viewer_of(house.alice, now=now),
        user=house.alice,
        body=body,
        client_id=client_id(),
        now=now,
    )


def _conversation(message: Message) -> Conversation:
    assert message.conversation is not None
    return Conversation.objects.select_related(
        "inbox", "thread__sender", "thread__contact", "thread__address", "contact"
    ).get(pk=message.conversation.pk)


def test_stop_cancels_what_has_not_left_and_blocks_what_would(
    house: House, client: Client, now: datetime
) -> None:
    conversation = _conversation(text_in(client, house.sender, MARIA, "Where is it?"))
    waiting = _reply(house, conversation, now)

    text_in(client, house.sender, MARIA, "STOP")

    waiting.refresh_from_db()
    assert waiting.status == Message.Status.CANCELED
    assert Consent.objects.get().state == "opted_out"
    with pytest.raises(SendBlockedError) as blocked:
        _reply(house, conversation, now)
    assert "START" in blocked.value.reason
    verdict = compose_verdict(conversation=_conversation(waiting), user=house.alice, now=now)
    assert not verdict.is_allowed


def test_start_opens_the_way_again(house: House, client: Client, now: datetime) -> None:
    conversation = _conversation(text_in(client, house.sender, MARIA, "Hello"))
    text_in(client, house.sender, MARIA, "STOP")

    text_in(client, house.sender, MARIA, "start")

    assert _reply(house, conversation, now).status == Message.Status.QUEUED
    assert not ProviderBlock.objects.filter(cleared_at=None).exists()


def test_an_ordinary_message_never_lifts_an_opt_out(
    house: House, client: Client, now: datetime
) -> None:
    conversation = _conversation(text_in(client, house.sender, MARIA, "Hello"))
    text_in(client, house.sender, MARIA, "STOP")

    text_in(client, house.sender, MARIA, "is it ready?")

    with pytest.raises(SendBlockedError):
        _reply(house, conversation, now)


def test_an_opt_out_counts_for_every_number_of_the_account(
    house: House, client: Client, now: datetime
) -> None:
    other = make_sender(house.inbox, "+15550100002", twilio_account=house.sender.twilio_account)
    conversation = _conversation(text_in(client, other, MARIA, "Hello other"))

    text_in(client, house.sender, MARIA, "UNSUBSCRIBE")

    with pytest.raises(SendBlockedError):
        _reply(house, conversation, now)


def test_an_opt_out_on_sms_leaves_whatsapp_alone(
    house: House, client: Client, now: datetime
) -> None:
    whatsapp = make_sender(
        house.inbox, "whatsapp:+15550100003", twilio_account=house.sender.twilio_account
    )
    text_in(client, house.sender, MARIA, "STOP")
    message = text_in(client, whatsapp, f"whatsapp:{MARIA}", "Hello on WhatsApp")

    reply = _reply(house, _conversation(message), message.created_at)

    assert reply.status == Message.Status.QUEUED


@pytest.mark.parametrize("word", ["STOP", "stop", " Stop ", "QUIT", "REVOKE", "OPTOUT", "CANCEL"])
def test_the_carrier_answers_its_own_words_and_we_stay_silent(
    house: House, client: Client, word: str
) -> None:
    text_in(client, house.sender, MARIA, word)

    assert Consent.objects.get().state == "opted_out"
    assert not Message.objects.filter(direction="out").exists()


def test_a_word_the_carrier_does_not_match_gets_one_confirmation_from_us(
    house: House, client: Client
) -> None:
    text_in(client, house.sender, MARIA, "Hello")

    for words in ("ＳＴＯＰ", "opt out", "Stop!", "STOP ALL"):
        text_in(client, house.sender, MARIA, words)

    sent = Message.objects.filter(direction="out")
    assert [message.purpose for message in sent] == ["optout_confirmation"]
    assert ConsentEvent.objects.filter(kind="opt_out").count() == 4
    assert not ProviderBlock.objects.exists()


def test_on_whatsapp_the_app_confirms_both_ways(house: House, client: Client) -> None:
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    text_in(client, whatsapp, f"whatsapp:{MARIA}", "Hello")

    text_in(client, whatsapp, f"whatsapp:{MARIA}", "stop")
    text_in(client, whatsapp, f"whatsapp:{MARIA}", "START")

    purposes = Message.objects.filter(direction="out").values_list("purpose", flat=True)
    assert list(purposes.order_by("seq")) == ["optout_confirmation", "optin_confirmation"]


def test_optouttype_means_twilio_answered_and_is_remembered_on_the_sender(
    house: House, client: Client
) -> None:
    text_in(client, house.sender, MARIA, "baja", OptOutType="STOP")

    assert Consent.objects.get().state == "opted_out"
    assert Sender.objects.get(pk=house.sender.pk).keyword_handler == "twilio_advanced"
    assert not Message.objects.filter(direction="out").exists()


def test_stop_as_the_first_message_ever_makes_no_conversation_and_no_greeting(
    house: House, client: Client
) -> None:
    TeamInbox.objects.update(replies=greeting("Welcome!"))

    text_in(client, house.sender, MARIA, "STOP")

    assert not Conversation.objects.exists()
    assert not Message.objects.filter(direction="out").exists()
    assert Consent.objects.get().state == "opted_out"


def test_a_keyword_does_not_reopen_a_closed_conversation(
    house: House, client: Client, now: datetime
) -> None:
    message = text_in(client, house.sender, MARIA, "Hello")
    Conversation.objects.update(status="closed", closed_at=now, waiting_since=None)

    text_in(client, house.sender, MARIA, "HELP")

    conversation = Conversation.objects.get()
    assert conversation.pk == message.conversation_id
    assert conversation.status == "closed"


def test_yes_answers_a_question_and_lifts_nothing(
    house: House, client: Client, now: datetime
) -> None:
    conversation = _conversation(text_in(client, house.sender, MARIA, "Hello"))
    _reply(house, conversation, now, "Shall we send it today?")

    text_in(client, house.sender, MARIA, "Yes")

    assert not ConsentEvent.objects.exists()
    assert Conversation.objects.get().waiting_since is not None


def test_the_same_stop_twice_is_one_event(house: House, client: Client) -> None:
    sid = "SM" + "9" * 32
    for _ in range(3):
        text_in(client, house.sender, MARIA, "STOP", MessageSid=sid)

    assert ConsentEvent.objects.count() == 1


def test_21610_is_adopted_as_an_opt_out_even_if_we_never_saw_stop(
    house: House, client: Client, now: datetime
) -> None:
    conversation = _conversation(text_in(client, house.sender, MARIA, "Hello"))
    first = _reply(house, conversation, now)
    second = _reply(house, conversation, now, "And one more")
    Message.objects.filter(pk=first.pk).update(status="sending")

    settle(first.pk, Rejected(ErrorKind.CONSENT, "21610", "They texted STOP."), now=now)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("failed", "canceled")
    assert Consent.objects.get().state == "opted_out"
    assert ConsentEvent.objects.get().kind == "carrier_block"


def test_stop_under_a_user_id_binds_the_phone_number_of_the_same_person(
    house: House, client: Client
) -> None:
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    text_in(client, whatsapp, "whatsapp:+6581234567", "Hi", ExternalUserId="whatsapp:SG.4711abc")
    text_in(client, whatsapp, "whatsapp:SG.4711abc", "STOP")

    message = text_in(client, whatsapp, "whatsapp:+6581234567", "Is it ready?")

    by_itself = Wanted(Purpose.AUTO_REPLY, None, message.created_at)
    verdict = verdict_on(message.thread, by_itself, now=message.created_at)
    assert verdict.reason is Reason.OPTED_OUT
    assert len({m.thread_id for m in Message.objects.filter(direction="in")}) == 1


def test_two_names_that_turn_out_to_be_one_person_share_an_opt_out(
    house: House, client: Client
) -> None:
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    text_in(client, whatsapp, "whatsapp:SG.4711abc", "Hi")
    text_in(client, whatsapp, "whatsapp:SG.4711abc", "STOP")
    text_in(client, whatsapp, "whatsapp:+6581234567", "Hello")

    message = text_in(
        client, whatsapp, "whatsapp:+6581234567", "Me", ExternalUserId="whatsapp:SG.4711abc"
    )

    with pytest.raises(SendBlockedError):
        _reply(house, _conversation(message), message.created_at)
    assert len({m.thread.contact_id for m in Message.objects.filter(direction="in")}) == 1


def test_who_was_blocked_under_one_name_stays_blocked_under_both(
    house: House, client: Client
) -> None:
    whatsapp = make_sender(house.inbox, "whatsapp:+15550100003")
    first = text_in(client, whatsapp, "whatsapp:SG.4711abc", "Hi").thread.contact
    Contact.objects.filter(pk=first.pk).update(
        is_blocked=True, name="Mei", language="zh", owner=house.alice, notes="Likes tea"
    )
    text_in(client, whatsapp, "whatsapp:+6581234567", "Hello")

    message = text_in(
        client, whatsapp, "whatsapp:+6581234567", "Me", ExternalUserId="whatsapp:SG.4711abc"
    )

    contact = message.thread.contact
    assert contact.pk != first.pk
    assert (contact.is_blocked, contact.name, contact.language) == (True, "Mei", "zh")
    assert (contact.owner, contact.notes) == (house.alice, "Likes tea")
    assert _conversation(message).is_hidden


def test_rcs_and_sms_of_one_number_share_an_opt_out(house: House, client: Client) -> None:
    rcs = make_sender(house.inbox, "rcs:acme_agent", twilio_account=house.sender.twilio_account)
    message = text_in(client, rcs, f"rcs:{MARIA}", "Hello on RCS")

    text_in(client, house.sender, MARIA, "STOP")

    with pytest.raises(SendBlockedError):
        _reply(house, _conversation(message), message.created_at)


def test_on_a_toll_free_number_yes_lifts_nothing(house: House, client: Client) -> None:
    tollfree = make_sender(house.inbox, "+18885550131")
    text_in(client, tollfree, MARIA, "STOP")

    text_in(client, tollfree, MARIA, "YES")

    assert Consent.objects.get().state == "opted_out"
