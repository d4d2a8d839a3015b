"""Who is asked to join an account, and how do they come in?

A row promises a mail; a worker makes the token, keeps its hash and sends the link. So nobody but
the reader of the mail ever has a link, and sending again kills the old one.
"""

import hashlib
import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parseaddr
from enum import StrEnum
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.audit import record
from accounts.languages import language_of
from accounts.licences import assign_licenses
from accounts.models import (
    Account,
    Invitation,
    InvitationTeam,
    LicensePool,
    Membership,
    Team,
    User,
    in_force,
)
from accounts.refusals import RefusedError
from inbox.nudges import nudge_on_commit
from inbox.setup.people import ACCOUNT_ROLES

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100
MOST_ATTEMPTS = 10
FIRST_REST = timedelta(minutes=2)
MOST_LETTERS = 120
# What stands between addresses that are pasted together.
_BETWEEN = re.compile(r"[,;\n\r]+|(?<=>)\s+")


class InvitationError(RefusedError):
    """An invitation that cannot be made, sent or accepted, in words; `code` says why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Outcome(StrEnum):
    """What became of one address that was typed in."""

    INVITED = "invited"
    RENEWED = "renewed"
    IS_HERE = "is_here"
    IS_DEACTIVATED = "is_deactivated"
    NOT_AN_ADDRESS = "not_an_address"
    TWICE = "twice"


@dataclass(frozen=True)
class Asked:
    """What everybody who is invited together gets. `teams` is the role by team."""

    role: str = User.Role.MEMBER
    teams: Mapping[Team, str] = field(default_factory=dict)
    wants_license: bool = False


@dataclass(frozen=True)
class Result:
    """What became of one address, for the page that shows them all."""

    address: str
    outcome: Outcome


def invite(*, account: Account, lines: str, asked: Asked, by: User, now: datetime) -> list[Result]:
    """Invite everybody whose address stands in a text: `ann@acme.com` or `Ann <ann@acme.com>`.

    Says for each what became of it. An address that has a log-in in another account is invited
    like any other: who invites learns nothing about other accounts. Raises InvitationError for
    nothing to invite, too many at once, a role that is none, or a team of somebody else.
    """
    _check(account, asked)
    parts = [part.strip() for part in _BETWEEN.split(lines) if part.strip()]
    if not parts:
        raise InvitationError("nobody", _("Write at least one e-mail address."))
    if len(parts) > MOST_AT_ONCE:
        raise InvitationError("too_many", _("At most %d addresses at once.") % MOST_AT_ONCE)
    results: list[Result] = []
    seen: set[str] = set()
    for part in parts:
        name, email = read_address(part)
        if not email:
            results.append(Result(part, Outcome.NOT_AN_ADDRESS))
        elif email in seen:
            results.append(Result(email, Outcome.TWICE))
        else:
            outcome = _invite_one(account, name, email, asked, by, now=now)
            results.append(Result(email, outcome))
        seen.add(email)
    return results


def read_address(text: str) -> tuple[str, str]:
    """Read `Ann Lee <ann@acme.com>`; the address is blank if there is none. In lower case."""
    name, email = parseaddr(text) if "<" in text else ("", text)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        return "", ""
    if len(email) > 254:
        return "", ""
    return " ".join(name.split())[:MOST_LETTERS], email


def _check(account: Account, asked: Asked) -> None:
    if asked.role not in ACCOUNT_ROLES:
        raise InvitationError("role", _("There is no such role."))
    for team, role in asked.teams.items():
        if team.account_id != account.pk or role not in Membership.Role.values:
            raise InvitationError("team", _("Choose teams of your account."))


def _invite_one(
    account: Account, name: str, email: str, asked: Asked, by: User, *, now: datetime
) -> Outcome:
    with transaction.atomic():
        found = _locked_row(account, email)
        # Only now: they may have accepted while we waited for the row.
        here = User.objects.filter(account=account, email=email).first()
        if here:
            return Outcome.IS_HERE if here.is_active else Outcome.IS_DEACTIVATED
        is_new = found is None
        invitation = found or Invitation(account=account, email=email)
        invitation.name = name or invitation.name
        invitation.role, invitation.wants_license = asked.role, asked.wants_license
        invitation.invited_by, invitation.invited_at = by, now
        _owe_mail(invitation, now=now)
        invitation.save()
        invitation.teams.all().delete()
        InvitationTeam.objects.bulk_create(
            InvitationTeam(invitation=invitation, team=team, role=role)
            for team, role in asked.teams.items()
        )
        _note(
            invitation,
            "invited" if is_new else "invited_again",
            by,
            now,
            role=asked.role,
            teams=[team.name for team in asked.teams],
        )
    return Outcome.INVITED if is_new else Outcome.RENEWED


def _locked_row(account: Account, email: str) -> Invitation | None:
    """Return the open invitation of this address, locked, if there is one.

    Two admins who ask the same person at once: the second waits, finds the row of the first, and
    renews it. One that is just being accepted is waited for, and is open no more.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    return _open().select_for_update().filter(account=account, email=email).first()


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def _owe_mail(invitation: Invitation, *, now: datetime) -> None:
    # Without a hash no link opens it: the old one is dead from here on.
    invitation.token_hash = ""
    invitation.expires_at = now + timedelta(days=settings.INVITATION_DAYS)
    invitation.send_after, invitation.attempts, invitation.sent_at = now, 0, None
    nudge_on_commit("send_invitations")


def send_again(*, invitation: Invitation, by: User, now: datetime) -> None:
    """Owe the mail once more, with a new link and new days. Raises InvitationError if closed."""
    with transaction.atomic():
        row = _locked(invitation)
        _owe_mail(row, now=now)
        row.save()
        _note(row, "invited_again", by, now, role=row.role)


def revoke(*, invitation: Invitation, by: User, now: datetime) -> None:
    """Take an invitation back: its link is dead. Raises InvitationError if closed already."""
    with transaction.atomic():
        row = _locked(invitation)
        row.revoked_at, row.send_after, row.token_hash = now, None, ""
        row.save()
        _note(row, "invitation_revoked", by, now)


def _locked(invitation: Invitation) -> Invitation:
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if not row.is_open:
        raise InvitationError("closed", _("This invitation is closed already."))
    return row


# --- The mail ------------------------------------------------------------------------------------


def send_owed(*, now: datetime) -> int:
    """Send every mail that is owed; return how many left. May run in several workers at once."""
    owed = Invitation.objects.filter(send_after__lte=now).order_by("send_after", "pk")
    return sum(_send(pk, now=now) for pk in owed.values_list("pk", flat=True)[:200])


def _send(pk: int, *, now: datetime) -> bool:
    """Claim one row with a token of our own, send, and settle it if it is still ours.

    A worker that dies in between leaves a mail whose link the next attempt replaces.
    """
    token = secrets.token_urlsafe(32)
    claimed = Invitation.objects.filter(pk=pk, send_after__lte=now).update(
        token_hash=hash_of(token),
        attempts=F("attempts") + 1,
        send_after=now + FIRST_REST,
    )
    if not claimed:
        return False
    mine = Invitation.objects.select_related("account", "invited_by").filter(
        pk=pk, token_hash=hash_of(token)
    )
    row = mine.first()
    if row is None:
        return False
    try:
        _mail(row, token)
    except (SMTPException, OSError) as error:
        logger.warning("invitation %s not sent: %s", pk, type(error).__name__)
        rest = FIRST_REST * 2 ** min(row.attempts, 6)
        again = now + rest if row.attempts < MOST_ATTEMPTS else None
        mine.update(send_after=again)
        return False
    return bool(mine.update(send_after=None, sent_at=now))


def _mail(invitation: Invitation, token: str) -> None:
    facts = {
        "account": invitation.account.name,
        "by": inviter_of(invitation),
        "url": settings.PUBLIC_BASE_URL + reverse("join", kwargs={"token": token}),
        "days": settings.INVITATION_DAYS,
    }
    # Who is invited chose no language yet: that of whom they will work with.
    with override(language_of(invitation.invited_by)):
        subject = render_to_string("mail/invitation_subject.txt", facts)
        body = render_to_string("mail/invitation.txt", facts)
    sender = settings.DEFAULT_FROM_EMAIL
    send_mail(" ".join(subject.split()), body, sender, [invitation.email])


def inviter_of(invitation: Invitation) -> str:
    """Name who invites; their account where nobody is known."""
    return invitation.invited_by.name if invitation.invited_by else invitation.account.name


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


# --- Coming in -----------------------------------------------------------------------------------


def invitation_with(token: str, *, now: datetime) -> Invitation:
    """Find the invitation that a link opens. Raises InvitationError that says why it does not."""
    row = (
        Invitation.objects.select_related("account", "invited_by")
        .filter(token_hash=hash_of(token))
        .first()
    )
    return _usable(row, now=now)


def _usable(row: Invitation | None, *, now: datetime) -> Invitation:
    if row is None:
        raise InvitationError("unknown", _("This link opens nothing."))
    if row.accepted_at:
        raise InvitationError("used", _("This invitation was used already."))
    if row.revoked_at:
        raise InvitationError("unknown", _("This link opens nothing."))
    if row.expires_at <= now:
        raise InvitationError("expired", _("This invitation has expired."))
    if row.account.status != Account.Status.ACTIVE:
        raise InvitationError("suspended", _("This account is suspended."))
    if User.objects.filter(email=row.email).exists():
        raise InvitationError("has_login", _("There is a log-in with this address already."))
    return row


def accept(*, token: str, name: str, password: str | None, now: datetime) -> User:
    """Make the person who was invited, with their role, teams and, while a seat is free, a licence.

    Without a password they come in by their company's sign-in. Raises InvitationError if the link
    opens nothing (any more), ValidationError for a name or password that will not do.
    """
    name = " ".join(name.split())
    if not name or len(name) > MOST_LETTERS:
        words = _("Write your name, with at most %d letters.") % MOST_LETTERS
        raise ValidationError({"name": words})
    try:
        with transaction.atomic(durable=True):
            found = Invitation.objects.select_for_update(of=("self",)).select_related("account")
            row = _usable(found.filter(token_hash=hash_of(token)).first(), now=now)
            user = _person(row, name, password)
            _seat(row, user, now=now)
            row.accepted_at, row.accepted_by = now, user
            row.save(update_fields=["accepted_at", "accepted_by"])
            record(
                action="invitation_accepted",
                subject=row.email,
                actor=user,
                account_id=row.account_id,
                now=now,
                role=row.role,
            )
    except IntegrityError as error:
        # Somebody made a log-in with this address at the same moment.
        raise InvitationError("has_login", _("There is a log-in with this address.")) from error
    return user


def _person(invitation: Invitation, name: str, password: str | None) -> User:
    user = User(email=invitation.email, name=name, role=invitation.role, account=invitation.account)
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise ValidationError({"password": error.messages}) from error
    user.set_password(password)
    user.save(force_insert=True)
    return user


def _seat(invitation: Invitation, user: User, *, now: datetime) -> None:
    Membership.objects.bulk_create(
        Membership(team=part.team, user=user, role=part.role)
        for part in invitation.teams.select_related("team")
    )
    if invitation.wants_license:
        _license_if_free(user, by=invitation.invited_by or user, now=now)


def _license_if_free(user: User, *, by: User, now: datetime) -> None:
    pools = LicensePool.objects.filter(in_force(now), account=user.account_id)
    for pool in pools.order_by("pk"):
        # Without a free seat they come all the same, and see whom to ask.
        with suppress(RefusedError):
            assign_licenses(pool=pool, holders=[user], by=by, now=now)
            return


def teams_in_words(invitation: Invitation) -> Iterable[str]:
    """Name the teams that somebody will be in."""
    return [part.team.name for part in invitation.teams.select_related("team")]


def _note(invitation: Invitation, action: str, by: User, now: datetime, **data: Any) -> None:
    record(
        action=action,
        subject=invitation.email,
        actor=by,
        account_id=invitation.account_id,
        now=now,
        **data,
    )
