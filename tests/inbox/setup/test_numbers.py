"""Which numbers can an inbox have, what is said when it cannot, and what when one goes?"""

import threading
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import AuditEntry, TwilioAccount
from compliance.gate import Reason
from inbox.models import Conversation, Message, Receipt, Sender
from inbox.sending import compose_verdict, send_reply
from inbox.setup.numbers import (
    attach_number,
    buy_number,
    move_number,
    normal_address,
    remove_number,
    search_numbers,
    unused_numbers,
)
from inbox.setup.refusals import SetUpError
from inbox.setup.twilio import provisioning_for
from inbox.status_urls import webhook_url
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import make_account, make_inbox, make_sender, make_twilio_account, make_user
from tests.inbox.setup.twilio_world import (
    CODE,
    FREE,
    NUMBER,
    OLD,
    OTHER,
    POOLED,
    SERVICE,
    VOICE,
    Shop,
)
from tests.twilio import inbound_form, post_signed, status_in, text_in


def asking(shop: Shop) -> Any:
    return provisioning_for(shop.connection)


def attach(shop: Shop, address: str, now: datetime, **more: Any) -> Sender:
    given: dict[str, Any] = {"inbox": shop.inbox, "connection": shop.connection, **more}
    return attach_number(address=address, by=shop.admin, now=now, **given)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("+1 (415) 555-0100", NUMBER),
        ("415-555-0100", NUMBER),
        ("0044 7700 900123", "+447700900123"),
        ("+44 7700 900123", "+447700900123"),
        ("\u202a+1\u00a0415\u00a0555\u00a00100\u202c", NUMBER),
        ("+١٤١٥٥٥٥٠١٠٠", NUMBER),
        (" 384387 ", "384387"),
        (SERVICE, SERVICE),
        (f" {SERVICE[:10]} {SERVICE[10:]} ", SERVICE),
    ],
)
def test_a_number_is_understood_as_people_write_it(typed: str, address: str) -> None:
    assert normal_address(typed, country="US") == address


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("ACME", "A name cannot receive"),
        ("Acme 24", "A name cannot receive"),
        ("12", "not a phone number"),
        ("", "not a phone number"),
        ("+999", "not a phone number"),
        ("٣", "not a phone number"),
        ("📞", "not a phone number"),
        ("+1 415 555 0100 ext. 5", "not a phone number"),
        ("1" * 64, "not a phone number"),
        (f"whatsapp:{NUMBER}", "Your partner adds WhatsApp senders"),
        ("MG12", "is MG and 32 characters"),
        ("PN" + "a" * 32, "not the SID of a Messaging Service"),
        ("AC" + "a" * 32, "not the SID of a Messaging Service"),
    ],
)
def test_what_is_no_number_is_said_in_words(typed: str, words: str) -> None:
    with pytest.raises(SetUpError) as caught:
        normal_address(typed, country="US")

    assert words in caught.value.reason
    assert caught.value.field == "address"


@pytest.mark.parametrize(
    ("address", "kind", "handler"),
    [
        (NUMBER, "number", "twilio_default"),
        (FREE, "number", "carrier_tollfree"),
        (CODE, "short_code", "twilio_default"),
        (SERVICE, "service", "twilio_default"),
    ],
)
def test_a_number_is_attached_with_what_it_can_do(
    shop: Shop, now: datetime, address: str, kind: str, handler: str
) -> None:
    sender = attach(shop, address, now)
    again = attach(shop, address, now)

    assert sender == again
    assert (sender.kind, sender.keyword_handler, sender.inbox) == (kind, handler, shop.inbox)
    assert "sms" in sender.capabilities
    assert sender.provider_sid[:2] in ("PN", "SC", "MG")
    assert AuditEntry.objects.get().action == "number_attached"


@pytest.mark.parametrize(
    ("address", "words"),
    [("+14155550999", "is not in this Twilio account"), (VOICE, "can call but not text")],
)
def test_a_number_that_cannot_serve_is_refused(
    shop: Shop, now: datetime, address: str, words: str
) -> None:
    with pytest.raises(SetUpError, match=words):
        attach(shop, address, now)

    assert not Sender.objects.exists()


def test_a_number_of_another_account_is_refused_without_naming_it(
    shop: Shop, now: datetime
) -> None:
    umbrella = make_account("Umbrella")
    make_sender(
        make_inbox(umbrella, "Secret"), NUMBER, twilio_account=make_twilio_account(umbrella)
    )

    with pytest.raises(SetUpError) as caught:
        attach(shop, NUMBER, now)

    assert "is in use already" in caught.value.reason
    assert "Umbrella" not in caught.value.reason
    assert "Secret" not in caught.value.reason
    assert not Sender.objects.filter(account=shop.account).exists()


def test_a_number_of_another_inbox_of_ours_is_to_be_moved(shop: Shop, now: datetime) -> None:
    attach(shop, NUMBER, now)
    sales = make_inbox(shop.account, "Sales")

    with pytest.raises(SetUpError, match="belongs to Support. Move it from there"):
        attach(shop, NUMBER, now, inbox=sales)


def test_a_foreign_connection_is_refused(shop: Shop, now: datetime) -> None:
    theirs = make_twilio_account(make_account("Umbrella"))

    with pytest.raises(SetUpError, match="of your own"):
        attach(shop, NUMBER, now, connection=theirs)


@pytest.mark.parametrize("fault", ["server_error", "reset_before"])
def test_nothing_is_written_while_twilio_is_away(shop: Shop, now: datetime, fault: str) -> None:
    shop.twilio.fault(fault, on="numbers GET")

    with pytest.raises(TwilioAwayError):
        attach(shop, NUMBER, now)

    assert not Sender.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_accounts_that_take_a_number_at_once_one_gets_it(
    twilio: Twilio, now: datetime
) -> None:
    shop = Shop(twilio)
    umbrella = make_account("Umbrella", deployment="byo_twilio")
    otto = make_user(umbrella, "Otto")
    sid, token = "AC" + "b" * 32, "b" * 32
    theirs = make_twilio_account(umbrella, sid, auth_token=token)
    inbox = make_inbox(umbrella, "Help")
    twilio.tell("config", accounts=[{"account_sid": sid, "auth_token": token}])
    parts = twilio.simulator.parts
    start, outcomes = threading.Barrier(2), []

    def attempt(where: Any, held: TwilioAccount, who: Any) -> None:
        start.wait()
        try:
            attach_number(inbox=where, connection=held, address=NUMBER, by=who, now=now)
            outcomes.append("got it")
        except SetUpError as error:
            outcomes.append(error.reason)
        finally:
            connection.close()

    # Both accounts hold it at Twilio: it was handed over a moment ago.
    parts.store.senders["second"] = type(parts.store.senders[NUMBER])("PN" + "9" * 32, sid, NUMBER)
    threads = [
        threading.Thread(target=attempt, args=args)
        for args in ((shop.inbox, shop.connection, shop.admin), (inbox, theirs, otto))
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(outcomes)[1] == "got it"
    assert "in use already" in sorted(outcomes)[0]
    assert Sender.objects.filter(address=NUMBER).count() == 1


def _at_once(act: Any) -> list[object]:
    """Do the same four times at the same moment, as after clicks; return what came of each."""
    start, outcomes = threading.Barrier(4), []

    def click() -> None:
        start.wait()
        try:
            outcomes.append(act().pk)
        except (SetUpError, TwilioRefusedError) as error:
            outcomes.append(error.reason)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_clicks_at_once_attach_a_number_once(twilio: Twilio, now: datetime) -> None:
    shop = Shop(twilio)

    outcomes = _at_once(lambda: attach(shop, NUMBER, now))

    assert outcomes == [Sender.objects.get().pk] * 4


@pytest.mark.django_db(transaction=True)
def test_clicks_at_once_buy_a_number_once(twilio: Twilio, now: datetime) -> None:
    shop = Shop(twilio)
    [offer, *_] = search_numbers(asking=asking(shop), country="US", kind="local")
    given: Any = {"inbox": shop.inbox, "connection": shop.connection, "by": shop.admin, "now": now}

    outcomes = _at_once(lambda: buy_number(**given, address=offer.address))

    assert outcomes == [Sender.objects.get().pk] * 4
    assert AuditEntry.objects.filter(action="number_bought").count() == 1


def test_a_click_after_the_number_was_bought_buys_nothing(shop: Shop, now: datetime) -> None:
    [offer, *_] = search_numbers(asking=asking(shop), country="US", kind="local")
    given: Any = {"inbox": shop.inbox, "connection": shop.connection, "by": shop.admin, "now": now}
    bought = buy_number(**given, address=offer.address)

    assert buy_number(**given, address=offer.address) == bought

    assert AuditEntry.objects.filter(action="number_bought").count() == 1


def test_unused_numbers_are_offered(shop: Shop, now: datetime) -> None:
    attach(shop, NUMBER, now)

    found = {one.address: one.can_text for one in unused_numbers([shop.connection])}

    assert NUMBER not in found
    assert found[OTHER]
    assert found[VOICE] is False
    assert found[SERVICE]


def test_what_is_offered_says_where_its_messages_go_now(shop: Shop, now: datetime) -> None:
    shop.at_twilio(OTHER).application_sid = "AP" + "e" * 32
    shop.at_twilio(FREE).webhook_url = webhook_url(Sender(path_token="of-a-number-that-went"))

    found = {one.address: one.goes_to for one in unused_numbers([shop.connection])}

    assert found[NUMBER] == OLD
    assert found[OTHER] == "AP" + "e" * 32
    assert found[POOLED] == "Campaigns"
    assert found[SERVICE] == "https://pool.example/"
    assert found[FREE] == ""


# --- Buying --------------------------------------------------------------------------------------


def test_a_number_is_searched_and_bought(shop: Shop, now: datetime) -> None:
    ask: Any = {"asking": asking(shop), "country": "US", "kind": "local"}
    offers = search_numbers(**ask, area_code="512")

    sender = buy_number(
        inbox=shop.inbox,
        connection=shop.connection,
        address=offers[0].address,
        by=shop.admin,
        now=now,
    )

    assert sender.address.startswith("+1512555")
    assert shop.at_twilio(sender.address).account_sid == shop.connection.account_sid
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions == {"number_attached", "number_bought"}


@pytest.mark.parametrize("fault", ["server_error_after", "reset_after"])
def test_a_purchase_whose_answer_was_lost_is_found(shop: Shop, now: datetime, fault: str) -> None:
    shop.twilio.fault(fault, on="numbers POST")

    sender = buy_number(
        inbox=shop.inbox, connection=shop.connection, address="+15125550123", by=shop.admin, now=now
    )

    assert sender.provider_sid == shop.at_twilio("+15125550123").sid


@pytest.mark.parametrize(
    ("address", "error"), [("+15005550000", TwilioRefusedError), ("nonsense", SetUpError)]
)
def test_a_number_that_cannot_be_bought_says_why(
    shop: Shop, now: datetime, address: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        buy_number(
            inbox=shop.inbox, connection=shop.connection, address=address, by=shop.admin, now=now
        )

    assert not Sender.objects.exists()


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"country": "usa"}, "country"),
        ({"kind": "satellite"}, "kind"),
        ({"area_code": "5"}, "area_code"),
        ({"contains": "!"}, "contains"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(
    shop: Shop, question: dict[str, str], field: str
) -> None:
    with pytest.raises(SetUpError) as caught:
        search_numbers(asking=asking(shop), **{"country": "US", "kind": "local", **question})

    assert caught.value.field == field


# --- Moving and removing -------------------------------------------------------------------------


def test_a_number_moves_within_the_account_only(shop: Shop, now: datetime) -> None:
    sender = attach(shop, NUMBER, now)
    sales = make_inbox(shop.account, "Sales")
    theirs = make_inbox(make_account("Umbrella"), "Sales")

    move_number(sender=sender, to=sales, by=shop.admin, now=now)
    with pytest.raises(SetUpError, match="of your account"):
        move_number(sender=sender, to=theirs, by=shop.admin, now=now)

    sender.refresh_from_db()
    assert sender.inbox == sales
    line = AuditEntry.objects.get(action="number_moved")
    assert line.data["changes"]["inbox"]["before"].startswith("Support")
    assert line.data["changes"]["inbox"]["after"].startswith("Sales")


@pytest.fixture
def spoken(house: House, client: Client) -> Conversation:
    message = text_in(client, house.sender, body="Hello?")
    assert message.conversation
    return message.conversation


def answer(house: House, conversation: Conversation, now: datetime) -> Message:
    return send_reply(
        conversation=conversation,
        by=house.viewer(house.alice),
        user=house.alice,
        body="Hi",
        client_id="answer-1",
        now=now,
    )


def test_what_waits_at_a_removed_number_is_cancelled(
    house: House, spoken: Conversation, now: datetime
) -> None:
    message = answer(house, spoken, now)

    cancelled = remove_number(sender=house.sender, by=house.alice, now=now)

    message.refresh_from_db()
    spoken.refresh_from_db()
    assert cancelled == 1
    assert (message.status, message.error_code) == ("canceled", "SENDER_REMOVED")
    assert spoken.has_failed_message
    house.sender.refresh_from_db()
    assert house.sender.is_removed
    assert AuditEntry.objects.get(action="number_removed").data["cancelled"] == 1


def test_nobody_can_answer_from_a_removed_number(
    house: House, spoken: Conversation, now: datetime
) -> None:
    remove_number(sender=house.sender, by=house.alice, now=now)
    conversation = Conversation.objects.select_related("thread__sender").get()

    verdict = compose_verdict(conversation=conversation, user=house.alice, now=now)

    assert verdict.reason is Reason.SENDER_REMOVED


def test_what_left_before_still_hears_what_became_of_it(
    house: House, spoken: Conversation, client: Client, now: datetime
) -> None:
    message = answer(house, spoken, now)
    Message.objects.filter(pk=message.pk).update(status="unknown")
    remove_number(sender=house.sender, by=house.alice, now=now)

    assert status_in(client, message, "delivered").status_code == 204

    message.refresh_from_db()
    assert message.status == "delivered"


def test_a_message_to_a_removed_number_is_kept_in_quarantine(
    house: House, client: Client, now: datetime
) -> None:
    remove_number(sender=house.sender, by=house.alice, now=now)
    form = inbound_form(house.sender, "+14155550177", "Anybody?")
    url = f"/hooks/twilio/{house.sender.path_token}"

    reply = post_signed(client, url, form, house.sender.twilio_account.auth_token)

    assert reply.status_code == 200
    assert Receipt.objects.get().state == "quarantined"
    assert not Message.objects.exists()


def test_a_removed_number_can_be_attached_again_with_its_threads(shop: Shop, now: datetime) -> None:
    sender = attach(shop, NUMBER, now)
    remove_number(sender=sender, by=shop.admin, now=now)
    sales = make_inbox(shop.account, "Sales")

    again = attach(shop, NUMBER, now, inbox=sales)

    assert again.pk == sender.pk
    assert (again.inbox, again.is_removed) == (sales, False)


def test_a_removed_number_may_be_used_by_another_account(shop: Shop, now: datetime) -> None:
    sender = attach(shop, NUMBER, now)
    remove_number(sender=sender, by=shop.admin, now=now)
    umbrella = make_account("Umbrella")

    theirs = make_sender(make_inbox(umbrella), NUMBER, twilio_account=make_twilio_account(umbrella))

    assert theirs.address == sender.address


def test_removing_twice_is_said(shop: Shop, now: datetime) -> None:
    sender = attach(shop, NUMBER, now)
    remove_number(sender=sender, by=shop.admin, now=now)

    with pytest.raises(SetUpError, match="removed meanwhile"):
        remove_number(sender=sender, by=shop.admin, now=now)


def test_a_pooled_number_is_attached_as_any_other(shop: Shop, now: datetime) -> None:
    assert attach(shop, POOLED, now).kind == "number"
