"""How does an account bring its own Twilio, and how are its secrets changed?

Twilio is asked before anything is stored, and no transaction is open while it is.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Account, TwilioAccount, User
from accounts.secrets import SecretUnreadableError
from inbox.pausing import resume_accepted
from inbox.setup.refusals import SetUpError
from inbox.setup.twilio import provisioning_for, provisioning_with
from inbox.twilio.errors import TwilioRefusedError

TOKEN = re.compile(r"[0-9a-f]{32}")
SECRETS = ("auth_token", "auth_token_next", "api_key_secret")
TOLD = ("account_sid", "api_key_sid", *SECRETS)


@dataclass(frozen=True, repr=False)
class Credentials:
    """What somebody typed to connect their Twilio; blank is not given. Never shown or logged."""

    account_sid: str
    auth_token: str = ""
    auth_token_next: str = ""
    api_key_sid: str = ""
    api_key_secret: str = ""


def connect_twilio(
    *, account: Account, typed: Credentials, by: User, now: datetime
) -> TwilioAccount:
    """Connect an account with the Twilio account that it brings.

    Raises SetUpError with Twilio's answer in words, or because the SID is in use here already;
    TwilioAwayError when Twilio gives no answer. Nothing is stored then.
    """
    check_typed(typed)
    with transaction.atomic(durable=True):
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if own_connections(account):
            raise SetUpError(_("Your Twilio is connected already. Change its tokens below."))
        row = TwilioAccount(account=account, checked_at=now)
        for field in fields(typed):
            setattr(row, field.name, getattr(typed, field.name))
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise SetUpError(
                _("This Twilio account is in use in another account here. Use another one."),
                field="account_sid",
            ) from error
        _note(row, "twilio_connected", by, now, changes=_changes(None, row))
    return row


def change_secrets(
    *, connection: TwilioAccount, typed: Credentials, by: User, now: datetime
) -> None:
    """Store new tokens or a new key; what is blank stays as it is. Raises as `connect_twilio`."""
    if not _given(typed):
        raise SetUpError(_("Nothing was typed. Fill in what is to change."))
    check_typed(typed)
    with _locked(connection) as row:
        was = audit.snapshot(row, TOLD)
        for name in (*SECRETS, "api_key_sid"):
            if value := getattr(typed, name):
                setattr(row, name, value)
        row.checked_at = now
        row.save()
        resume_accepted(account=row, by=by, now=now)
        _note(row, "twilio_secrets_changed", by, now, changes=_changes(was, row))


def promote_next_token(*, connection: TwilioAccount, by: User, now: datetime) -> None:
    """Finish a rotation: the next token becomes the current one, the old one is forgotten.

    Raises SetUpError while Twilio still signs with the old token: its webhooks would be refused.
    """
    wanted = connection.auth_token_next
    if not wanted:
        raise SetUpError(_("There is no next token. Enter it first."))
    remote = _asked(connection.account_sid, wanted, field="auth_token_next")
    if remote and remote != wanted:
        raise SetUpError(
            _(
                "Twilio still uses the old token. Promote the secondary token in the Twilio "
                "console first; until then both are accepted here."
            )
        )
    with _locked(connection) as row:
        if row.auth_token_next != wanted:
            raise SetUpError(_("Somebody changed the tokens meanwhile. Look at them again."))
        was = audit.snapshot(row, TOLD)
        row.auth_token, row.auth_token_next, row.checked_at = wanted, "", now
        row.save(update_fields=["auth_token", "auth_token_next", "checked_at"])
        resume_accepted(account=row, by=by, now=now)
        _note(row, "token_promoted", by, now, changes=_changes(was, row))


def forget_secret(*, connection: TwilioAccount, name: str, by: User, now: datetime) -> None:
    """Forget the next token or the API key; the auth token itself can only be replaced."""
    groups = {
        "auth_token_next": ("auth_token_next",),
        "api_key": ("api_key_sid", "api_key_secret"),
    }
    if name not in groups:
        raise SetUpError(_("The auth token can be replaced, not removed: it proves who calls us."))
    with _locked(connection) as row:
        was = audit.snapshot(row, TOLD)
        for field in groups[name]:
            setattr(row, field, "")
        row.save(update_fields=list(groups[name]))
        _note(row, "twilio_secret_removed", by, now, changes=_changes(was, row))


def check_connection(*, connection: TwilioAccount) -> None:
    """Ask Twilio whether it accepts what is stored. Raises TwilioRefusedError, TwilioAwayError."""
    provisioning_for(connection).account()


def own_connections(account: Account) -> list[TwilioAccount]:
    """Return the Twilio accounts that an account brought itself, the first one first."""
    return list(TwilioAccount.objects.filter(account=account, is_ours=False).order_by("pk"))


def connections_of(account: Account) -> list[TwilioAccount]:
    """Return every Twilio account that an account's numbers may live in."""
    open_ones = TwilioAccount.objects.filter(account=account)
    return list(open_ones.exclude(status=TwilioAccount.Status.CLOSED).order_by("pk"))


def ending(connection: TwilioAccount, name: str) -> str:
    """Return all that a page may show of a secret: its last four characters, if it is long.

    Nothing of one that no key opens: it can be replaced all the same.
    """
    try:
        secret: str = getattr(connection, name)
    except SecretUnreadableError:
        return ""
    return secret[-4:] if len(secret) >= 16 else ""


def check_typed(typed: Credentials) -> None:
    """Ask Twilio about each credential that was typed, so that each error stands at its field.

    Raises SetUpError and TwilioAwayError.
    """
    for name in SECRETS:
        if re.search(r"[^!-~]", getattr(typed, name)):
            raise SetUpError(
                _("It holds spaces or letters that no secret of Twilio's has. Copy it again."),
                field=name,
            )
    if bool(typed.api_key_sid) != bool(typed.api_key_secret):
        missing = "api_key_secret" if typed.api_key_sid else "api_key_sid"
        raise SetUpError(_("An API key is a SID and a secret: give both."), field=missing)
    if typed.auth_token:
        _refuse_secondary(typed)
    if typed.auth_token_next:
        _asked(typed.account_sid, typed.auth_token_next, field="auth_token_next")
    if typed.api_key_sid:
        key = provisioning_with(
            typed.account_sid,
            "",
            api_key_sid=typed.api_key_sid,
            api_key_secret=typed.api_key_secret,
        )
        try:
            key.check_messages()
        except TwilioRefusedError as error:
            raise SetUpError(
                _("Twilio does not accept this API key for this account.")
                if error.is_about_credentials
                else error.reason,
                field="api_key_secret",
            ) from error


def _refuse_secondary(typed: Credentials) -> None:
    """Take the primary token only: with the secondary one every message would be refused here."""
    current = _asked(typed.account_sid, typed.auth_token, field="auth_token")
    if current and current != typed.auth_token:
        raise SetUpError(
            _(
                "This is the secondary token: Twilio signs its messages with the primary one. "
                "Enter the primary token here, and this one as the next token."
            ),
            field="auth_token",
        )


def _asked(account_sid: str, token: str, *, field: str) -> str:
    """Return the token that Twilio calls the current one, or nothing if it does not say."""
    try:
        remote = provisioning_with(account_sid, token).account()
    except TwilioRefusedError as error:
        raise SetUpError(error.reason, field=field) from error
    if not remote.is_active:
        raise SetUpError(
            _("This Twilio account is %(status)s. Ask Twilio's support to reopen it.")
            % {"status": remote.status},
            field="account_sid",
        )
    # What is no token, such as “[Redacted]”, is not told from one that is another.
    return remote.auth_token if TOKEN.fullmatch(remote.auth_token) else ""


@contextmanager
def _locked(connection: TwilioAccount) -> Iterator[TwilioAccount]:
    with transaction.atomic(durable=True):
        yield TwilioAccount.objects.select_for_update(no_key=True).get(pk=connection.pk)


def _given(typed: Credentials) -> list[str]:
    """Name the secrets that were typed: their values are nobody's business."""
    return [name for name in (*SECRETS, "api_key_sid") if getattr(typed, name)]


def _changes(was: audit.Snapshot | None, row: TwilioAccount) -> dict[str, Any]:
    """Tell what changed; of a secret only that it did."""
    return audit.changes(was, audit.snapshot(row, TOLD))


def _note(row: TwilioAccount, action: str, by: User, now: datetime, **data: Any) -> None:
    audit.record(
        action=action,
        subject=str(row),
        actor=by,
        account_id=row.account_id,
        now=now,
        row=str(row.pk),
        **data,
    )
