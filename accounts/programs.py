"""Which programs may ask the API for an account? Keys are made, shown once, used and revoked.

A key is `tik_`, twelve letters by which it is found, `_` and a secret of 32 random bytes. Of the
secret only the SHA-256 is kept: it is too long to be guessed, so nothing slower is needed.
"""

import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.circumstances import network_of
from accounts.models import Account, ApiKey, User
from accounts.models.programs import LONGEST_NAME
from accounts.refusals import RefusedError

MOST_KEYS = 50
LONGEST_DAYS = 366
SECRET_BYTES = 32
# Whoever used a key a moment ago need not be written down again.
NOTED_EVERY = timedelta(minutes=1)
_FORM = re.compile(r"tik_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class ProgramError(RefusedError):
    """A key that cannot be made or used, in words."""


@dataclass(frozen=True)
class NewKey:
    """A key that was just made, and what to show once."""

    row: ApiKey
    secret: str


# --- Making and revoking ---


@transaction.atomic(durable=True)
def make_key(
    *, account: Account, name: str, may_change: bool, days: int, by: User, now: datetime
) -> NewKey:
    """Make a key that lasts so many days; its secret is in the answer and nowhere else.

    Raises ProgramError for a name that is blank or taken, a time that is too long, too many keys,
    and for whoever is no admin of the account: a key stays when a stay for support is over.
    """
    if by.role != User.Role.ACCOUNT_ADMIN or by.account_id != account.pk:
        raise ProgramError(_("Only the account's own admins make keys."))
    if not 1 <= days <= LONGEST_DAYS:
        raise ProgramError(_("A key lasts from a day to a year."), field="days")
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    name = _free_name(account, name)
    prefix = "".join(secrets.choice(_LETTERS) for _letter in range(12))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = ApiKey.objects.create(
        account=account,
        program=_program(name),
        name=name,
        prefix=prefix,
        secret_hash=_hash(secret),
        may_change=may_change,
        made_by=by,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    rights = "reads and changes" if may_change else "only reads"
    _note(row, "api_key_made", by, now, rights=rights, until=row.expires_at.isoformat())
    return NewKey(row, f"tik_{prefix}_{secret}")


@transaction.atomic(durable=True)
def revoke_key(*, key: ApiKey, by: User, now: datetime) -> ApiKey:
    """Let a key open nothing from now on; one that is revoked stays as it is."""
    row = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by = now, by
        row.save(update_fields=["revoked_at", "revoked_by"])
        _note(row, "api_key_revoked", by, now)
    return row


def _free_name(account: Account, name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        words = _("Give the key a name of up to %(most)s characters: which program has it?")
        raise ProgramError(words % {"most": LONGEST_NAME}, field="name")
    keys = ApiKey.objects.filter(account=account, revoked_at=None)
    if keys.filter(name__iexact=name).exists():
        raise ProgramError(_("There is a key of this name already."), field="name")
    if keys.count() >= MOST_KEYS:
        words = _("There are %(most)s keys: revoke one that is no longer needed.")
        raise ProgramError(words % {"most": MOST_KEYS})
    return name


def _program(name: str) -> User:
    program = User(
        email=f"{uuid.uuid4().hex}@programs.invalid",
        name=_("Program “%s”") % name,
        role=User.Role.PROGRAM,
        is_active=False,
    )
    program.set_unusable_password()
    program.save()
    return program


def _note(row: ApiKey, action: str, by: User, now: datetime, **data: Any) -> None:
    record(
        action=action,
        subject=row.name,
        actor=by,
        account_id=row.account_id,
        now=now,
        row=str(row.pk),
        key=row.prefix,
        **data,
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


# --- Using ---


def key_of(shown: str, *, now: datetime) -> ApiKey:
    """Return the key that a program shows. Raises ProgramError in words if it opens nothing."""
    form = _FORM.fullmatch(shown)
    row = form and _rows().filter(prefix=form[1]).first()
    if not form or not row or not hmac.compare_digest(row.secret_hash, _hash(form[2])):
        raise ProgramError(_("Nobody knows this key."))
    if row.revoked_at is not None:
        raise ProgramError(_("This key was revoked."))
    if not row.works_at(now):
        raise ProgramError(_("This key has run out. Make another one in the settings."))
    return row


def _rows() -> "QuerySet[ApiKey]":
    return ApiKey.objects.select_related("program", "account")


def note_use(key: ApiKey, request: HttpRequest, *, now: datetime) -> None:
    """Write down when and from which network a key was used last, once a minute at most."""
    is_old = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
    ApiKey.objects.filter(is_old, pk=key.pk).update(
        last_used_at=now, last_network=network_of(request)
    )


def act_as(request: HttpRequest, key: ApiKey) -> None:
    """Let a request be one of a program."""
    setattr(request, _KEY, key)


def key_in(request: HttpRequest) -> ApiKey | None:
    """Return the key that this request showed, or None."""
    key: ApiKey | None = getattr(request, _KEY, None)
    return key


_KEY = "api_key"
