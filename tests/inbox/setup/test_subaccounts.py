"""Does a cloud account get exactly one subaccount, whatever happens while it is opened?"""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account, AuditEntry, TwilioAccount, User
from inbox.models import DriftFinding, Message, Sender
from inbox.sending import owed_messages, send_test
from inbox.setup.refusals import SetUpError
from inbox.setup.subaccounts import (
    LEASE,
    open_subaccount,
    set_subaccount_status,
    subaccount_name,
)
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError
from tests.carrier import Twilio
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.inbox.setup.twilio_world import PLATFORM, PLATFORM_TOKEN, world


@pytest.fixture(autouse=True)
def platform(twilio: Twilio, settings: Any) -> None:
    world(twilio)
    settings.TWILIO_PLATFORM_SID, settings.TWILIO_PLATFORM_TOKEN = PLATFORM, PLATFORM_TOKEN


@pytest.fixture
def account(db: None) -> Account:
    return make_account("Acme")


@pytest.fixture
def admin(account: Account) -> User:
    return make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def opened_at(twilio: Twilio, account: Account) -> list[Any]:
    store = twilio.simulator.parts.store
    name = subaccount_name(account)
    return [one for one in store.accounts.values() if one.friendly_name == name]


def test_it_is_opened_once(account: Account, admin: User, now: datetime, twilio: Twilio) -> None:
    first = open_subaccount(account=account, by=admin, now=now)
    second = open_subaccount(account=account, by=admin, now=now)

    [remote] = opened_at(twilio, account)
    assert first == second
    assert (first.account_sid, first.auth_token) == (remote.sid, remote.auth_token)
    assert first.is_ours
    assert AuditEntry.objects.get().action == "subaccount_opened"


@pytest.mark.parametrize("fault", ["server_error_after", "reset_after"])
def test_a_lost_answer_leads_to_no_second_one(
    account: Account, admin: User, now: datetime, twilio: Twilio, fault: str
) -> None:
    twilio.fault(fault, on="accounts POST")

    with pytest.raises(TwilioAwayError):
        open_subaccount(account=account, by=admin, now=now)
    with pytest.raises(SetUpError, match="being opened right now"):
        open_subaccount(account=account, by=admin, now=now)
    found = open_subaccount(account=account, by=admin, now=now + LEASE)

    [remote] = opened_at(twilio, account)
    assert found.account_sid == remote.sid


def test_a_crash_between_twilios_answer_and_our_row_opens_no_second_one(
    account: Account, admin: User, now: datetime, twilio: Twilio, monkeypatch: Any
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr("inbox.setup.subaccounts._keep", crash)
        with pytest.raises(MemoryError):
            open_subaccount(account=account, by=admin, now=now)

    found = open_subaccount(account=account, by=admin, now=now + LEASE)
    [remote] = opened_at(twilio, account)
    assert found.account_sid == remote.sid


def test_after_a_clear_refusal_one_may_try_at_once(
    account: Account, admin: User, now: datetime, twilio: Twilio
) -> None:
    twilio.fault("reject", on="accounts POST", code=20001)

    with pytest.raises(TwilioRefusedError):
        open_subaccount(account=account, by=admin, now=now)

    assert open_subaccount(account=account, by=admin, now=now).is_ours


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_opens(now: datetime, twilio: Twilio) -> None:
    account = make_account("Acme")
    outcomes: list[object] = []
    start = threading.Barrier(6)

    def attempt() -> None:
        start.wait()
        try:
            outcomes.append(open_subaccount(account=account, by=None, now=now).account_sid)
        except SetUpError as error:
            outcomes.append(error.reason[:10])
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    [remote] = opened_at(twilio, account)
    assert remote.sid in outcomes
    assert set(outcomes) <= {remote.sid, "The Twilio"}
    assert TwilioAccount.objects.count() == 1


def test_who_brings_their_own_twilio_gets_none(admin: User, now: datetime) -> None:
    own = make_account("Globex", deployment="byo_twilio")

    with pytest.raises(SetUpError, match="brings its own Twilio"):
        open_subaccount(account=own, by=admin, now=now)


def test_without_a_platform_account_the_operator_is_named(
    account: Account, admin: User, now: datetime, settings: Any
) -> None:
    settings.TWILIO_PLATFORM_SID = ""

    with pytest.raises(SetUpError, match="operator"):
        open_subaccount(account=account, by=admin, now=now)


def test_it_is_suspended_and_reactivated_with_its_numbers(
    account: Account, admin: User, now: datetime, twilio: Twilio
) -> None:
    row = open_subaccount(account=account, by=admin, now=now)
    sender = make_sender(make_inbox(account), twilio_account=row)

    set_subaccount_status(subaccount=row, status="suspended", by=admin, now=now)
    sender.refresh_from_db()
    assert sender.is_paused
    assert opened_at(twilio, account)[0].status == "suspended"

    row.refresh_from_db()
    set_subaccount_status(subaccount=row, status="active", by=admin, now=now)
    sender.refresh_from_db()
    assert not sender.is_paused
    line = AuditEntry.objects.filter(action="subaccount_status_changed").first()
    assert line is not None
    assert line.data["changes"] == {"status": {"before": "suspended", "after": "active"}}


def test_a_closed_one_is_closed_for_ever_and_a_new_one_can_be_opened(
    account: Account, admin: User, now: datetime, twilio: Twilio
) -> None:
    row = open_subaccount(account=account, by=admin, now=now)
    sender = make_sender(make_inbox(account), twilio_account=row)

    set_subaccount_status(subaccount=row, status="closed", by=admin, now=now)

    row.refresh_from_db()
    assert Sender.objects.get(pk=sender.pk).is_removed
    with pytest.raises(SetUpError, match="for ever"):
        set_subaccount_status(subaccount=row, status="active", by=admin, now=now)
    later = now + timedelta(days=1)
    assert open_subaccount(account=account, by=admin, now=later).pk != row.pk


def test_a_customers_own_twilio_is_not_ours_to_close(
    account: Account, admin: User, now: datetime
) -> None:
    own = TwilioAccount.objects.create(
        account=account, account_sid="AC" + "7" * 32, auth_token="x" * 32
    )

    with pytest.raises(SetUpError, match="own Twilio"):
        set_subaccount_status(subaccount=own, status="closed", by=admin, now=now)


@pytest.mark.parametrize("fault", ["server_error_after", "reset_after", "html_after"])
@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_a_change_whose_answer_was_lost_is_done(
    account: Account, admin: User, now: datetime, twilio: Twilio, fault: str, status: str
) -> None:
    row = open_subaccount(account=account, by=admin, now=now)
    twilio.fault(fault, on="accounts POST")

    set_subaccount_status(subaccount=row, status=status, by=admin, now=now)

    row.refresh_from_db()
    assert row.status == opened_at(twilio, account)[0].status == status


def test_what_was_closed_before_is_closed_here_too(
    account: Account, admin: User, now: datetime, twilio: Twilio
) -> None:
    """As Twilio refuses to close what is closed: nobody is kept from writing it down."""
    row = open_subaccount(account=account, by=admin, now=now)
    opened_at(twilio, account)[0].status = "closed"
    twilio.fault("reject", on="accounts POST", code=20001)

    set_subaccount_status(subaccount=row, status="closed", by=admin, now=now)

    row.refresh_from_db()
    assert row.status == "closed"


@pytest.mark.parametrize("fault", ["server_error", "rate_limit", "reset_before"])
def test_while_twilio_is_away_it_stays_as_it_is(
    account: Account, admin: User, now: datetime, twilio: Twilio, fault: str
) -> None:
    row = open_subaccount(account=account, by=admin, now=now)
    twilio.fault(fault, on="accounts POST")

    with pytest.raises(TwilioAwayError):
        set_subaccount_status(subaccount=row, status="closed", by=admin, now=now)

    row.refresh_from_db()
    assert row.status == opened_at(twilio, account)[0].status == "active"


def test_a_closed_one_leaves_nothing_waiting_and_nothing_to_repair(
    account: Account, admin: User, now: datetime
) -> None:
    row = open_subaccount(account=account, by=admin, now=now)
    inbox = make_inbox(account)
    sender = make_sender(inbox, "+15550107777", twilio_account=row)
    message = send_test(sender=sender, phone="+12025550142", by=admin, now=now)
    set_subaccount_status(subaccount=row, status="suspended", by=admin, now=now)
    about: dict[str, Any] = {"account": account, "twilio_account": row, "found_at": now}
    DriftFinding.objects.create(**about, sender=sender, kind="webhook")
    DriftFinding.objects.create(**about, kind="inactive")
    row.refresh_from_db()

    set_subaccount_status(subaccount=row, status="closed", by=admin, now=now)

    message.refresh_from_db()
    assert (message.status, message.error_code) == ("canceled", "SENDER_REMOVED")
    assert not DriftFinding.objects.filter(resolved_at=None).exists()
    assert AuditEntry.objects.get(action="number_removed").subject == "+15550107777"


def test_what_waited_while_it_was_suspended_has_a_fresh_hour(
    account: Account, admin: User, now: datetime
) -> None:
    row = open_subaccount(account=account, by=admin, now=now)
    sender = make_sender(make_inbox(account), "+15550107777", twilio_account=row)
    message = send_test(sender=sender, phone="+12025550142", by=admin, now=now)
    Message.objects.filter(pk=message.pk).update(trying_since=now - timedelta(hours=2))
    for status in ("suspended", "active"):
        row.refresh_from_db()
        set_subaccount_status(subaccount=row, status=status, by=admin, now=now)

    message.refresh_from_db()
    assert message.trying_since is None
    assert owed_messages(now=now) == [message.pk]
