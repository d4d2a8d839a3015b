"""Does an account bring its Twilio only as Twilio itself accepts it, with nothing saved half?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import Account, AuditEntry, TwilioAccount, User
from inbox.models import DriftFinding, Sender
from inbox.sending import deliver, send_test
from inbox.setup.connections import (
    Credentials,
    change_secrets,
    connect_twilio,
    ending,
    forget_secret,
    promote_next_token,
)
from inbox.setup.drift import look_at
from inbox.setup.pointing import point_here
from inbox.setup.preflight import preflight
from inbox.setup.refusals import SetUpError
from inbox.twilio.errors import TwilioAwayError
from tests.carrier import Twilio
from tests.factories import make_account, make_sender, make_user
from tests.inbox.setup.twilio_world import (
    KEY,
    KEY_SECRET,
    NEXT,
    NUMBER,
    OTHER,
    SID,
    TOKEN,
    Shop,
    world,
)

RIGHT = Credentials(account_sid=SID, auth_token=TOKEN)


@pytest.fixture
def account(db: None, twilio: Twilio) -> Account:
    world(twilio, next_auth_token=NEXT)
    return make_account("Acme", deployment="byo_twilio")


@pytest.fixture
def admin(account: Account) -> User:
    return make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


def said(caught: Any) -> tuple[str, str]:
    return caught.value.field, caught.value.reason


def test_an_account_connects_with_everything(account: Account, admin: User, now: datetime) -> None:
    typed = replace(RIGHT, auth_token_next=NEXT, api_key_sid=KEY, api_key_secret=KEY_SECRET)

    row = connect_twilio(account=account, typed=typed, by=admin, now=now)

    row.refresh_from_db()
    assert (row.account_sid, row.auth_token, row.auth_token_next) == (SID, TOKEN, NEXT)
    assert (row.api_key_sid, row.api_key_secret, row.is_ours) == (KEY, KEY_SECRET, False)
    line = AuditEntry.objects.get(action="twilio_connected")
    assert line.actor == admin
    assert TOKEN not in str(line.data)
    assert KEY_SECRET not in str(line.data)


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"auth_token": "0" * 32}, "auth_token", "Twilio does not accept this SID together"),
        ({"account_sid": "AC" + "9" * 32}, "auth_token", "Twilio does not accept this SID"),
        ({"auth_token_next": "0" * 32}, "auth_token_next", "does not accept this SID together"),
        ({"api_key_sid": KEY}, "api_key_secret", "give both"),
        ({"api_key_secret": KEY_SECRET}, "api_key_sid", "give both"),
        ({"api_key_sid": KEY, "api_key_secret": "no"}, "api_key_secret", "this API key"),
    ],
)
def test_what_twilio_refuses_is_said_at_its_field_and_nothing_is_saved(
    account: Account, admin: User, now: datetime, wrong: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(SetUpError) as caught:
        connect_twilio(account=account, typed=replace(RIGHT, **wrong), by=admin, now=now)

    assert said(caught)[0] == field
    assert words in said(caught)[1]
    assert not TwilioAccount.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_suspended_account_is_refused(
    account: Account, admin: User, now: datetime, twilio: Twilio
) -> None:
    world(twilio, status="suspended")

    with pytest.raises(SetUpError, match="suspended"):
        connect_twilio(account=account, typed=RIGHT, by=admin, now=now)

    assert not TwilioAccount.objects.exists()


@pytest.mark.parametrize("fault", ["server_error", "reset_before", "rate_limit"])
def test_when_twilio_is_away_nothing_is_saved(
    account: Account, admin: User, now: datetime, twilio: Twilio, fault: str
) -> None:
    twilio.fault(fault, on="accounts GET")

    with pytest.raises(TwilioAwayError):
        connect_twilio(account=account, typed=RIGHT, by=admin, now=now)

    assert not TwilioAccount.objects.exists()


def test_a_sid_of_another_account_is_refused_without_naming_it(
    account: Account, admin: User, now: datetime
) -> None:
    connect_twilio(account=account, typed=RIGHT, by=admin, now=now)
    other = make_account("Umbrella", deployment="byo_twilio")
    otto = make_user(other, "Otto", works_as=User.Role.ACCOUNT_ADMIN)

    with pytest.raises(SetUpError) as caught:
        connect_twilio(account=other, typed=RIGHT, by=otto, now=now)

    assert said(caught)[0] == "account_sid"
    assert "in use in another account" in said(caught)[1]
    assert "Acme" not in said(caught)[1]
    assert TwilioAccount.objects.get().account == account


def test_who_does_not_know_the_token_is_not_told_that_a_sid_is_in_use(
    account: Account, admin: User, now: datetime
) -> None:
    connect_twilio(account=account, typed=RIGHT, by=admin, now=now)
    other = make_account("Umbrella", deployment="byo_twilio")
    guess = replace(RIGHT, auth_token="0" * 32)

    with pytest.raises(SetUpError, match="does not accept this SID"):
        connect_twilio(account=other, typed=guess, by=admin, now=now)


def test_a_second_connection_is_refused(account: Account, admin: User, now: datetime) -> None:
    connect_twilio(account=account, typed=RIGHT, by=admin, now=now)

    with pytest.raises(SetUpError, match="connected already"):
        connect_twilio(account=account, typed=RIGHT, by=admin, now=now)


# --- Changing secrets ----------------------------------------------------------------------------


def test_a_token_is_rotated_in_three_steps(shop: Shop, now: datetime) -> None:
    world(shop.twilio, next_auth_token=NEXT)
    given: Any = {"connection": shop.connection, "by": shop.admin, "now": now}

    change_secrets(**given, typed=Credentials(SID, auth_token_next=NEXT))
    shop.connection.refresh_from_db()
    assert (shop.connection.auth_token, shop.connection.auth_token_next) == (TOKEN, NEXT)

    with pytest.raises(SetUpError, match="Twilio still uses the old token"):
        promote_next_token(**given)
    shop.twilio.tell("rotate", account_sid=SID)
    promote_next_token(**given)

    shop.connection.refresh_from_db()
    assert (shop.connection.auth_token, shop.connection.auth_token_next) == (NEXT, "")
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions == {"twilio_secrets_changed", "token_promoted"}


def test_what_is_not_typed_stays(shop: Shop, now: datetime) -> None:
    typed = Credentials(SID, api_key_sid=KEY, api_key_secret=KEY_SECRET)

    change_secrets(connection=shop.connection, typed=typed, by=shop.admin, now=now)

    shop.connection.refresh_from_db()
    assert shop.connection.auth_token == TOKEN
    assert shop.connection.api_key_secret == KEY_SECRET


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (Credentials(SID, auth_token="0" * 32), "does not accept this SID"),
        (Credentials(SID), "Nothing was typed"),
    ],
)
def test_a_change_that_is_none_leaves_everything(
    shop: Shop, now: datetime, typed: Credentials, words: str
) -> None:
    with pytest.raises(SetUpError, match=words):
        change_secrets(connection=shop.connection, typed=typed, by=shop.admin, now=now)

    shop.connection.refresh_from_db()
    assert shop.connection.auth_token == TOKEN


def test_a_key_is_forgotten_and_the_token_cannot_be(shop: Shop, now: datetime) -> None:
    TwilioAccount.objects.update(api_key_sid=KEY, api_key_secret=KEY_SECRET)
    given: Any = {"connection": shop.connection, "by": shop.admin, "now": now}

    forget_secret(**given, name="api_key")
    with pytest.raises(SetUpError, match="replaced, not removed"):
        forget_secret(**given, name="auth_token")

    row = TwilioAccount.objects.get()
    assert (row.api_key_sid, row.api_key_secret, row.auth_token) == ("", "", TOKEN)


def test_without_a_next_token_there_is_nothing_to_promote(shop: Shop, now: datetime) -> None:
    with pytest.raises(SetUpError, match="There is no next token"):
        promote_next_token(connection=shop.connection, by=shop.admin, now=now)


def test_a_page_may_show_the_end_of_a_long_secret_only() -> None:
    row = TwilioAccount(auth_token="0123456789abcdef", auth_token_next="short")

    assert ending(row, "auth_token") == "cdef"
    assert ending(row, "auth_token_next") == ""


@pytest.mark.parametrize("field", ["auth_token", "auth_token_next", "api_key_secret"])
@pytest.mark.parametrize(
    "wrong", ["🔑" * 8, "токен" * 6, "1" * 16 + " " + "1" * 15, "a\u200bb" * 9]
)
def test_a_secret_of_strange_letters_is_said_at_its_field(
    account: Account, admin: User, now: datetime, field: str, wrong: str
) -> None:
    typed = replace(RIGHT, api_key_sid=KEY, api_key_secret=KEY_SECRET)

    with pytest.raises(SetUpError) as caught:
        connect_twilio(account=account, typed=replace(typed, **{field: wrong}), by=admin, now=now)

    assert said(caught)[0] == field
    assert "Copy it again" in said(caught)[1]
    assert wrong not in said(caught)[1]


def test_the_secondary_token_is_not_taken_for_the_current_one(shop: Shop, now: datetime) -> None:
    """Twilio lets it in, but signs with the primary one: every webhook would be refused."""
    world(shop.twilio, next_auth_token=NEXT)
    typed = Credentials(SID, auth_token=NEXT)

    with pytest.raises(SetUpError) as caught:
        change_secrets(connection=shop.connection, typed=typed, by=shop.admin, now=now)

    assert said(caught)[0] == "auth_token"
    assert "This is the secondary token" in said(caught)[1]
    shop.connection.refresh_from_db()
    assert shop.connection.auth_token == TOKEN


def test_a_token_that_twilio_does_not_tell_is_taken_as_it_was_typed(
    account: Account, admin: User, now: datetime, twilio: Twilio
) -> None:
    world(twilio, next_auth_token=NEXT)
    twilio.simulator.parts.store.accounts[SID].auth_token = "[Redacted]"
    typed = Credentials(SID, auth_token=NEXT)

    row = connect_twilio(account=account, typed=typed, by=admin, now=now)

    assert row.auth_token == NEXT


# --- While tokens are rotated --------------------------------------------------------------------


@pytest.fixture
def rotating(shop: Shop, now: datetime) -> Sender:
    """A number whose next token is here, and current at Twilio already."""
    world(shop.twilio, next_auth_token=NEXT)
    sender = make_sender(shop.inbox, NUMBER, twilio_account=shop.connection)
    point_here(sender=sender, by=shop.admin, now=now)
    typed = Credentials(SID, auth_token_next=NEXT)
    change_secrets(connection=shop.connection, typed=typed, by=shop.admin, now=now)
    shop.twilio.tell("rotate", account_sid=SID)
    shop.connection.refresh_from_db()
    return Sender.objects.get(pk=sender.pk)


def test_messages_go_out_before_the_new_token_is_promoted_here(
    shop: Shop, rotating: Sender, now: datetime
) -> None:
    message = send_test(sender=rotating, phone="+12025550142", by=shop.admin, now=now)

    deliver(message.pk, now=now)

    message.refresh_from_db()
    assert message.status == "sent"
    assert len(shop.twilio.requests_to_send()) == 1
    assert not Sender.objects.get().is_paused


def test_nobody_is_alarmed_before_the_new_token_is_promoted_here(
    shop: Shop, rotating: Sender, now: datetime
) -> None:
    assert look_at(shop.connection, now=now)

    assert not DriftFinding.objects.exists()
    found = preflight(team=shop.inbox.team, now=now).checks
    assert {one.key for one in found if one.state == "bad"} == {"agent"}, "but for the licences"


def test_what_stopped_for_the_old_token_goes_on_with_the_new_one(shop: Shop, now: datetime) -> None:
    sender = make_sender(shop.inbox, NUMBER, twilio_account=shop.connection)
    other = make_sender(
        shop.inbox,
        OTHER,
        twilio_account=shop.connection,
        is_paused=True,
        paused_reason="An admin stopped it.",
    )
    shop.twilio.tell("config", accounts=[{"account_sid": SID, "auth_token": NEXT}])
    message = send_test(sender=sender, phone="+12025550142", by=shop.admin, now=now)
    deliver(message.pk, now=now)
    assert Sender.objects.get(pk=sender.pk).is_paused

    typed = Credentials(SID, auth_token=NEXT)
    change_secrets(connection=shop.connection, typed=typed, by=shop.admin, now=now)

    assert not Sender.objects.get(pk=sender.pk).is_paused
    assert Sender.objects.get(pk=other.pk).is_paused, "it stopped for another reason"
    assert AuditEntry.objects.get(action="sender_resumed").subject == NUMBER
    deliver(message.pk, now=now + timedelta(minutes=1))
    message.refresh_from_db()
    assert message.status == "sent"
