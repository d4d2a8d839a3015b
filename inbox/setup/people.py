"""Who may log in here, and as what?

Whoever loses their log-in gives their conversations back, one by one, through the same story as
everywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import sessions
from accounts.audit import record
from accounts.english import noop
from accounts.licences import end_licenses
from accounts.logins import end_other_sessions
from accounts.models import BrowserSession, License, SupportAccess, User
from accounts.pushes import forget_browsers
from accounts.seats import lock_licenses
from accounts.support import end_support
from inbox.broadcast import publish_ephemeral, user_group
from inbox.conversations import release_all_of

# What licences and conversations of whoever is deactivated, or becomes an auditor, say of it.
REASON, AUDITS = noop("log-in switched off"), noop("became an auditor")
ACCOUNT_ROLES = (User.Role.MEMBER, User.Role.ACCOUNT_ADMIN, User.Role.AUDITOR)


class PeopleError(Exception):
    """Something that cannot be done to this person, in words for who tried."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LastAdminError(PeopleError):
    """The account would be left without anybody who administers it."""

    def __init__(self, user: User) -> None:
        words = _("%s is the last account admin. Make somebody else an account admin first.")
        super().__init__(words % user.name)


def change_role(*, user: User, role: str, by: User, now: datetime) -> int:
    """Give a person another role in their account.

    Who becomes an auditor answers nobody: their licence ends, and what they had goes back to their
    teams. Returns how many conversations that were. Raises LastAdminError, or PeopleError for a
    role that is none of an account, and for one's own: another admin changes that.
    """
    if role not in ACCOUNT_ROLES:
        raise PeopleError(_("There is no such role."))
    if user == by:
        raise PeopleError(_("Another account admin can change your role; you cannot."))
    with _keeping_an_admin(user), transaction.atomic(durable=True):
        # Seats before people, as wherever seats are given.
        lock_licenses(License.objects.filter(holder=user))
        row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        before, row.role = row.role, role
        if before == role:
            return 0
        row.save(update_fields=["role"])
        _note(row, "role_changed", by, now, changes=changed("role", before, role))
        if role == User.Role.AUDITOR:
            held = License.objects.filter(holder=row)
            end_licenses(licenses=held, by=by, reason=AUDITS, now=now)
    publish_ephemeral([user_group(user.pk)], {"type": "access.changed", "data": {}})
    if role != User.Role.AUDITOR:
        return 0
    return release_all_of(user=user, reason=AUDITS, now=now)


def deactivate_person(*, user: User, by: User, now: datetime) -> int:
    """Take somebody's log-in: sessions and sockets end at once, the licence ends, and what they
    had goes back to their teams. Returns how many conversations that were.

    Teams and role stay, for the day they come back. Raises LastAdminError, or PeopleError for
    oneself. Once more does no harm: it ends what a cut-off attempt left.
    """
    if user == by:
        raise PeopleError(_("You cannot deactivate yourself. Another account admin can."))
    with _keeping_an_admin(user), transaction.atomic(durable=True):
        # Seats before people, as wherever seats are given.
        lock_licenses(License.objects.filter(holder=user))
        row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        was_active, row.is_active = row.is_active, False
        row.save(update_fields=["is_active"])
        ended = sessions.end_sessions(BrowserSession.objects.filter(user=row))
        forget_browsers(row)
        licenses = end_licenses(
            licenses=License.objects.filter(holder=row), by=by, reason=REASON, now=now
        )
        if was_active:
            told = changed("is_active", True, False)
            ends = {"sessions_ended": ended, "licenses_ended": len(licenses)}
            _note(row, "deactivated", by, now, changes=told, **ends)
    publish_ephemeral([user_group(user.pk)], {"type": "access.revoked", "data": {}})
    for stay in SupportAccess.objects.open(now).filter(user=user):
        end_support(access=stay, by=by, now=now)
    return release_all_of(user=user, reason=REASON, now=now)


def reactivate_person(*, user: User, by: User, now: datetime) -> None:
    """Let somebody log in again, with the role and teams they had; a licence is given anew."""
    with transaction.atomic(durable=True):
        row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if row.is_active:
            return
        row.is_active = True
        row.save(update_fields=["is_active"])
        _note(row, "reactivated", by, now, changes=changed("is_active", False, True))


def end_all_sessions(*, user: User, by: User, this_key: str | None, now: datetime) -> int:
    """Log a person out everywhere, but for `this_key` if it is oneself; return how many ended."""
    count = end_other_sessions(user=user, by=by, this_key=this_key, now=now)
    # They look again at once and find their session gone.
    publish_ephemeral([user_group(user.pk)], {"type": "access.changed", "data": {}})
    return count


@contextmanager
def _keeping_an_admin(user: User) -> Iterator[None]:
    # The trigger decides: it alone sees what two admins do to each other at one moment.
    try:
        yield
    except IntegrityError as error:
        diag = getattr(error.__cause__, "diag", None)
        if diag and diag.constraint_name == "an_account_keeps_an_admin":
            raise LastAdminError(user) from error
        raise


def changed(field: str, before: str | bool | None, after: str | bool | None) -> dict[str, Any]:
    """Tell one change as the audit log tells many."""
    return {field: {"before": before, "after": after}}


def _note(user: User, action: str, by: User, now: datetime, **data: Any) -> None:
    record(action=action, subject=str(user), actor=by, account_id=user.account_id, now=now, **data)
