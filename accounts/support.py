"""Who from outside is in which account for support, and how does one get in and out?

A partner, for accounts of theirs, or a member of the platform's staff. They see what behaviour 10
lists and change settings; they never answer a customer. Everything they look at is written down.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Account, SupportAccess, User
from accounts.models.support import LONGEST


class SupportRefusedError(Exception):
    """Somebody may not go into an account for support now; `reason` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def looks_after(user: User, account: Account) -> bool:
    """Say whether this person's work is to look after the account from outside."""
    if not (user.is_active and user.is_staff):
        return False
    is_theirs = user.partner_id is not None and user.partner_id == account.partner_id
    return user.role == User.Role.STAFF or (user.role == User.Role.PARTNER and is_theirs)


def is_from_outside(user: User) -> bool:
    """Say whether this is somebody who could be in an account for support: asks no query."""
    return user.is_staff and user.role in {User.Role.PARTNER, User.Role.STAFF}


def open_support_of(user: User, *, now: datetime) -> SupportAccess | None:
    """Return where this person is for support now, or None. One query, and none for agents."""
    if not is_from_outside(user):
        return None
    mine = SupportAccess.objects.open(now).filter(user=user).select_related("account", "user")
    found = mine.first()
    return found if found and looks_after(found.user, found.account) else None


def supporters_in(account_id: int, *, now: datetime) -> list[SupportAccess]:
    """Return who is in an account for support now, for its banner."""
    here = SupportAccess.objects.open(now).filter(account=account_id)
    return list(here.select_related("user", "account"))


def banner_for(user: User, mine: SupportAccess | None, account_id: int, *, now: datetime) -> Any:
    """Return what the banner of an account says to this person. One query."""
    return {
        "mine": mine,
        "others": [] if mine else supporters_in(account_id, now=now),
        "may_end": user.role == User.Role.ACCOUNT_ADMIN,
    }


def ask_for_support(
    *, account: Account, user: User, reason: str, ends_at: datetime, now: datetime
) -> SupportAccess:
    """Let somebody into an account until a moment, with a reason that the account reads.

    Raises SupportRefusedError: not theirs to look after, no reason, an end that is past or more
    than eight hours away, or they are in an account already.
    """
    reason = reason.strip()
    if not looks_after(user, account):
        raise SupportRefusedError(_("This account is not yours to look after."))
    if not reason:
        raise SupportRefusedError(_("Write why: the account reads it."))
    if not now < ends_at <= now + LONGEST:
        raise SupportRefusedError(_("It must end within the next eight hours."))
    try:
        with transaction.atomic(durable=True):
            _close_what_ran_out(user, now)
            access = SupportAccess.objects.create(
                account=account, user=user, reason=reason[:200], starts_at=now, ends_at=ends_at
            )
            _note(access, "support_started", by=user, now=now)
    except IntegrityError as error:
        raise SupportRefusedError(
            _("You are in an account for support already. Leave it first.")
        ) from error
    return access


def end_support(*, access: SupportAccess, by: User, now: datetime) -> bool:
    """End a stay at once; say whether it was still open. Their sockets close within seconds."""
    with transaction.atomic(durable=True):
        still_open = SupportAccess.objects.filter(pk=access.pk, ended_at=None)
        if not still_open.update(ended_at=now, ended_by=by):
            return False
        _note(access, "support_ended", by=by, now=now)
    return True


def note_view(access: SupportAccess, *, method: str, path: str, now: datetime) -> None:
    """Write down that somebody looked at a page. The address only: a query may hold anything."""
    record(
        action="support_viewed",
        subject=f"{method} {path}",
        now=now,
        actor=access.user,
        account_id=access.account_id,
        support=access.pk,
    )


def _close_what_ran_out(user: User, now: datetime) -> None:
    for old in SupportAccess.objects.filter(user=user, ended_at=None, ends_at__lte=now):
        SupportAccess.objects.filter(pk=old.pk, ended_at=None).update(ended_at=old.ends_at)


def _note(access: SupportAccess, action: str, *, by: User, now: datetime) -> None:
    record(
        action=action,
        subject=str(access.user),
        now=now,
        actor=by,
        account_id=access.account_id,
        support=access.pk,
        reason=access.reason,
        until=access.ends_at.isoformat(),
    )
