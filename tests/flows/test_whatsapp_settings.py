"""Does an admin see how WhatsApp stands: senders and why not, templates as WhatsApp judged them?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from accounts.models import AuditEntry, FeatureGrant, TwilioAccount, User
from compliance.gate import SendBlockedError
from inbox.models import (
    Conversation,
    InboxEvent,
    Message,
    Sender,
    WhatsAppState,
    WhatsAppSync,
    WhatsAppTemplate,
)
from inbox.reply_settings import greeting
from inbox.sending.replying import send_reply
from inbox.setup.whatsapp_sync import DUE_AFTER, sync_next_due, sync_whatsapp
from inbox.twilio.errors import TwilioAwayError
from tests.admin_world import browser_of, make_staff
from tests.carrier import Twilio
from tests.conftest import House
from tests.factories import LONG_AGO, make_account, make_sender, make_twilio_account, make_user
from tests.twilio import text_in

PAGE, SYNC = "/settings/whatsapp/", "/settings/whatsapp/sync/"
Login = Callable[[User], Client]


@pytest.fixture
def sender(house: House, twilio: Twilio) -> Sender:
    """A WhatsApp sender of the house, which Twilio knows."""
    row = make_sender(
        house.inbox, "whatsapp:+15550100002", twilio_account=house.sender.twilio_account
    )
    twilio.knows(house.sender, row)
    return row


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    return login(make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN))


def judge(twilio: Twilio, sender: Sender, name: str = "order_update", **fields: Any) -> None:
    sid = sender.twilio_account.account_sid
    twilio.tell("templates", account_sid=sid, name=name, **fields)


def sync(sender: Sender, now: datetime) -> dict[str, Any]:
    return sync_whatsapp(twilio_account=sender.twilio_account, now=now)


def shown(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_button_asks_and_the_page_shows_what_whatsapp_decided(
    sender: Sender, twilio: Twilio, ada: Client
) -> None:
    judge(twilio, sender, "refund", category="UTILITY", body="Refunded {{1}}.", status="paused")

    answer = ada.post(SYNC, follow=True).content.decode()
    page = shown(ada)

    assert "Twilio was asked: 9 changes." in answer
    assert "+15550100002" in page
    assert "Online" in page
    assert "Quality: High" in page
    for words in ("Approved", "Being reviewed", "Rejected", "Paused by WhatsApp", "INVALID_FORMAT"):
        assert words in page
    assert "Hello {{1}}, your order {{2}} has left" in page
    template = WhatsAppTemplate.objects.get(name="order_update")
    assert template.is_usable
    assert (template.category, template.variables["1"]) == ("utility", "Maria")
    line = AuditEntry.objects.get(action="whatsapp_synced")
    assert line.data["changes"]["refund (en)"] == {"before": None, "after": "paused"}


def test_every_page_of_twilios_list_is_read(sender: Sender, twilio: Twilio, now: datetime) -> None:
    for n in range(130):
        judge(twilio, sender, f"bulk_{n:03}")

    sync(sender, now)

    assert WhatsAppTemplate.objects.filter(name__startswith="bulk_").count() == 130


def test_asking_twice_changes_nothing(sender: Sender, now: datetime) -> None:
    sync(sender, now)
    before = set(WhatsAppTemplate.objects.values_list("pk", "content_sid"))

    assert sync(sender, now + timedelta(hours=1)) == {}
    assert set(WhatsAppTemplate.objects.values_list("pk", "content_sid")) == before
    assert AuditEntry.objects.filter(action="whatsapp_synced").count() == 1


def test_a_template_that_vanishes_is_kept_and_comes_back(
    sender: Sender, twilio: Twilio, ada: Client, now: datetime
) -> None:
    sync(sender, now)
    judge(twilio, sender, deleted=True)

    changed = sync(sender, now + timedelta(hours=1))

    gone = WhatsAppTemplate.objects.get(name="order_update")
    assert changed == {"order_update (en)": {"before": "approved", "after": "gone"}}
    assert gone.gone_at == now + timedelta(hours=1)
    assert not gone.is_usable
    assert "order_update" not in shown(ada)
    assert "order_update" in shown(ada, f"{PAGE}?state=gone")
    judge(twilio, sender, status="approved")
    sync(sender, now + timedelta(hours=2))
    gone.refresh_from_db()
    assert gone.gone_at is None


def test_the_partner_hears_of_an_approval_taken_back(
    sender: Sender, twilio: Twilio, now: datetime
) -> None:
    sync(sender, now)
    judge(twilio, sender, status="disabled", rejection_reason="Too many reports")
    twilio.tell("senders", address=sender.address, status="OFFLINE", offline_message="Not verified")

    for hours in (1, 2):
        sync(sender, now + timedelta(hours=hours))

    alarms = AuditEntry.objects.filter(is_alarm=True)
    assert {line.action for line in alarms} == {
        "whatsapp_template_lost",
        "whatsapp_sender_offline",
    }
    assert alarms.count() == 2, "once each"
    assert "Too many reports" in str([line.data for line in alarms])


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"status": "PENDING_VERIFICATION"}, "WhatsApp has not finished setting it up"),
        ({"status": "OFFLINE", "offline_message": "Name refused"}, "Name refused"),
        ({"quality_rating": "LOW"}, "Customers block or report its messages"),
        ({"status": "ONLINE:UPDATING"}, "Online"),
    ],
)
def test_a_sender_says_why_it_cannot_be_used(
    sender: Sender, twilio: Twilio, ada: Client, state: dict[str, str], words: str, now: datetime
) -> None:
    twilio.tell("senders", address=sender.address, **state)
    sync(sender, now)

    assert words in shown(ada)


def test_what_is_ours_alone_or_twilios_alone_is_named(
    house: House, sender: Sender, twilio: Twilio, ada: Client, now: datetime
) -> None:
    account = sender.twilio_account
    twilio.tell(
        "config",
        senders=[
            {
                "account_sid": account.account_sid,
                "address": "whatsapp:+15550100777",
                "channel": "whatsapp",
            }
        ],
    )
    make_sender(house.inbox, "whatsapp:+15550100888", twilio_account=account, is_paused=True)
    sync(sender, now)

    page = shown(ada)

    assert "No inbox has it: messages to it do not arrive here." in page
    assert "Twilio does not list it as a WhatsApp sender of this account." in page
    assert "Sending is paused." in page


# --- Something is wrong --------------------------------------------------------------------------


def test_wrong_credentials_are_told_and_nothing_is_changed(
    sender: Sender, twilio: Twilio, ada: Client, now: datetime
) -> None:
    sync(sender, now)
    TwilioAccount.objects.update(auth_token="0" * 32)

    page = " ".join(ada.post(SYNC, follow=True).content.decode().split())

    assert "does not accept this SID together with this token" in page
    assert WhatsAppTemplate.objects.filter(gone_at=None).count() == 7
    assert "0000000000" not in page


def test_while_tokens_are_rotated_the_next_one_counts_already(
    sender: Sender, twilio: Twilio, now: datetime
) -> None:
    account = sender.twilio_account
    account.auth_token_next = "2" * 32
    account.save()
    known = {"account_sid": account.account_sid, "auth_token": account.auth_token_next}
    twilio.tell("config", accounts=[known])

    assert sync(sender, now)
    assert WhatsAppSync.objects.get().problem == ""


@pytest.mark.parametrize("kind", ["server_error", "rate_limit", "reset_before"])
def test_half_an_answer_changes_nothing(
    sender: Sender, twilio: Twilio, ada: Client, kind: str, now: datetime
) -> None:
    sync(sender, now)
    judge(twilio, sender, deleted=True)
    twilio.fault(kind, on="senders GET", times=-1)

    with pytest.raises(TwilioAwayError):
        sync(sender, now + timedelta(hours=1))

    assert not WhatsAppTemplate.objects.exclude(gone_at=None).exists()
    assert "Twilio" in WhatsAppSync.objects.get().problem
    assert WhatsAppSync.objects.get().problem in shown(ada)
    state = WhatsAppSync.objects.get()
    assert (state.answered_at, state.asked_at) == (now, now + timedelta(hours=1))


def test_an_older_answer_does_not_overwrite_a_newer_one(
    sender: Sender, twilio: Twilio, now: datetime
) -> None:
    sync(sender, now + timedelta(minutes=5))
    judge(twilio, sender, status="paused")

    assert sync(sender, now) == {}
    assert WhatsAppTemplate.objects.get(name="order_update").status == "approved"


def test_two_accounts_never_meet(
    sender: Sender, twilio: Twilio, login: Login, now: datetime
) -> None:
    sync(sender, now)
    elsewhere = make_account("Umbrella")
    otto = login(make_user(elsewhere, "Otto", works_as=User.Role.ACCOUNT_ADMIN))
    own = WhatsAppTemplate.objects.order_by("pk")[0]

    assert "order_update" not in shown(otto)
    assert "order_update" not in shown(otto, f"{PAGE}?after={own.pk}")
    otto.post(SYNC)
    assert not WhatsAppSync.objects.exclude(twilio_account=sender.twilio_account).exists()


def test_without_a_twilio_account_there_is_nothing_to_ask(db: None, login: Login) -> None:
    account = make_account("Empty")
    page = shown(login(make_user(account, "Eve", works_as=User.Role.ACCOUNT_ADMIN)))

    assert "There is no WhatsApp sender." in page
    assert "Ask Twilio now" not in page


# --- The grant -----------------------------------------------------------------------------------


def test_without_the_grant_the_page_explains_and_nobody_is_asked(
    house: House, sender: Sender, ada: Client, now: datetime
) -> None:
    FeatureGrant.objects.filter(feature="whatsapp").update(ends_at=now)

    page = shown(ada)
    ada.post(SYNC)

    assert "WhatsApp is not switched on for this account." in page
    assert "Your partner switches it on." in page
    assert "Ask Twilio now" not in page
    assert not WhatsAppSync.objects.exists()
    assert not sync_next_due(now=now)


def test_when_the_grant_ended_senders_stay_nothing_is_sent_and_messages_are_stored(
    house: House, sender: Sender, twilio: Twilio, now: datetime
) -> None:
    customer = "whatsapp:+14155550177"
    house.inbox.replies = greeting("Welcome")
    house.inbox.save()
    FeatureGrant.objects.filter(feature="whatsapp").update(ends_at=LONG_AGO + timedelta(days=1))

    text_in(Client(), sender, customer, "Are you there?")
    text_in(Client(), sender, customer, "STOP")

    assert Sender.objects.filter(pk=sender.pk).exists()
    assert Message.objects.filter(direction="in").count() == 2
    # The law's own confirmation goes out, and nothing else.
    out = Message.objects.filter(direction="out")
    assert set(out.values_list("purpose", flat=True)) == {"optout_confirmation"}
    arrived = InboxEvent.objects.filter(type="message.created", data__direction="in")
    assert arrived.exists()
    assert not any(event.data.get("notify") for event in arrived), "nobody is alerted"
    to_do = browser_of(make_staff()).get("/admin/").content.decode()
    assert "WhatsApp is off for Acme, but customers wrote there and wait: 1." in to_do
    conversation = Conversation.objects.get(thread__sender=sender)
    with pytest.raises(SendBlockedError, match="FEATURE_OFF"):
        send_reply(
            conversation=conversation,
            by=house.viewer(house.alice),
            user=house.alice,
            body="Hi",
            client_id="a" * 16,
            now=now,
        )


# --- By itself -----------------------------------------------------------------------------------


def test_the_clock_asks_about_each_account_once_an_hour(
    sender: Sender, twilio: Twilio, now: datetime
) -> None:
    assert sync_next_due(now=now)
    assert not sync_next_due(now=now + timedelta(minutes=59))
    assert sync_next_due(now=now + DUE_AFTER)
    assert WhatsAppSync.objects.get().answered_at == now + DUE_AFTER


def test_one_account_that_fails_does_not_keep_others_waiting(
    sender: Sender, twilio: Twilio, now: datetime
) -> None:
    make_twilio_account(make_account("Wrong"), "AC" + "f" * 32)

    while sync_next_due(now=now):
        pass

    assert {(row.problem == "", row.answered_at) for row in WhatsAppSync.objects.all()} == {
        (True, now),
        (False, None),
    }


@pytest.mark.django_db(transaction=True)
def test_two_clocks_ask_about_different_accounts(twilio: Twilio, now: datetime) -> None:
    account = make_account("Acme")
    for n in range(6):
        twilio_account = make_twilio_account(account)
        twilio.tell(
            "config",
            accounts=[
                {
                    "account_sid": twilio_account.account_sid,
                    "auth_token": twilio_account.auth_token,
                }
            ],
        )
        assert n < 6
    done: list[int] = []

    def clock() -> None:
        while sync_next_due(now=now):
            done.append(1)
        connections.close_all()

    clocks = [threading.Thread(target=clock) for _ in range(3)]
    for one in clocks:
        one.start()
    for one in clocks:
        one.join()

    assert len(done) == 6
    assert WhatsAppState.objects.count() == 0
    assert WhatsAppTemplate.objects.count() == 6 * 7


# --- Many ----------------------------------------------------------------------------------------


def test_ten_thousand_templates_cost_as_much_as_ten(
    house: House, ada: Client, now: datetime, django_assert_max_num_queries: Any
) -> None:
    twilio_account = house.sender.twilio_account
    WhatsAppTemplate.objects.bulk_create(
        WhatsAppTemplate(
            account=house.account,
            twilio_account=twilio_account,
            content_sid=f"HX{n:032x}",
            name=f"template_{n // 3:05}",
            language=("en", "es", "de")[n % 3],
            status="approved",
            provider_status="approved",
            synced_at=now,
        )
        for n in range(10_000)
    )
    WhatsAppState.objects.bulk_create(
        WhatsAppState(
            account=house.account,
            twilio_account=twilio_account,
            address=f"whatsapp:+1555{n:07}",
            provider_sid=f"XE{n:032x}",
            status="online",
            provider_status="ONLINE",
            synced_at=now,
        )
        for n in range(50)
    )

    with django_assert_max_num_queries(14):
        first = ada.get(PAGE)

    seen: list[int] = []
    after: Any = ""
    for _ in range(3):
        page = ada.get(f"{PAGE}?state=approved&after={after}").context["templates"]
        seen += [row.pk for row in page.rows]
        after = page.next_after
    in_order = WhatsAppTemplate.objects.order_by("name", "language", "content_sid")
    assert seen == list(in_order.values_list("pk", flat=True)[:150])
    assert first.context["templates"].next_after is not None
    assert ada.get(f"{PAGE}?after=nonsense&state=nonsense").status_code == 200
