"""Who administers which account now? The door to the settings pages."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.models import Account, AuditEntry, SupportAccess, User
from accounts.programs import key_in
from accounts.support_views import support_in


@dataclass(frozen=True)
class Administrator:
    """A person, or a program, at work on the settings of one account, at one moment.

    `support` is set for who is in the account for support: a partner or a member of staff.
    """

    user: User
    account: Account
    now: datetime
    support: SupportAccess | None = None

    @property
    def may_change(self) -> bool:
        """Say whether settings are theirs to change: auditors only read."""
        return self.user.role != User.Role.AUDITOR


def administrator(request: HttpRequest) -> Administrator:
    """Return who administers which account. For anybody else there are no settings: Http404."""
    user = request.user
    assert isinstance(user, User)  # LoginRequiredMiddleware lets nobody else in.
    if key := key_in(request):
        return Administrator(key.program, key.account, timezone.now())
    if user.role == User.Role.ACCOUNT_ADMIN and user.is_active and user.account is not None:
        return Administrator(user, user.account, timezone.now())
    if support := support_in(request):
        return Administrator(user, support.account, timezone.now(), support)
    raise Http404("No such page.")


def reader(request: HttpRequest) -> Administrator:
    """Return who may read settings that auditors read too. For anybody else Http404.

    `may_change` says whether they may do more than read.
    """
    user = request.user
    if (
        isinstance(user, User)
        and user.role == User.Role.AUDITOR
        and user.is_active
        and user.account is not None
    ):
        return Administrator(user, user.account, timezone.now())
    return administrator(request)


def audit_reader(request: HttpRequest) -> tuple[Administrator, "QuerySet[AuditEntry]"]:
    """Return who reads the audit log of which account, and which of its lines they may see.

    The account's admins and auditors see all of it. For anybody else there is none: Http404.
    """
    who = reader(request)
    rows = AuditEntry.objects.filter(account=who.account)
    is_partner = who.user.role == User.Role.PARTNER
    return who, rows.filter(actor=who.user) if is_partner else rows


def consent_reader(request: HttpRequest) -> Administrator:
    """Return who reads the consents of which account, and takes proof of them away.

    The account's admins and auditors do, and staff who are in it for support; a partner sees
    counts only, in support too (behaviour 10). For anybody else there is nothing: Http404.
    """
    try:
        who = reader(request)
        if who.user.role == User.Role.PARTNER:
            raise Http404("No such page.")
    except Http404:
        _note_attempt(request)
        raise
    return who


def _note_attempt(request: HttpRequest) -> None:
    """Write down that somebody of an account wanted its consents, who may not have them."""
    user = request.user
    if isinstance(user, User) and user.account_id is not None:
        record(
            action="consent_refused",
            subject=request.path[:120],
            actor=user,
            account_id=user.account_id,
            now=timezone.now(),
        )


def own_administrator(request: HttpRequest) -> Administrator:
    """Return the account's own admin; who is in it for support is none: Http404."""
    who = administrator(request)
    if who.support or who.user.role != User.Role.ACCOUNT_ADMIN:
        raise Http404("No such page.")
    return who


def administrators_of(account_id: int | None, *, most: int = 3) -> "QuerySet[User]":
    """Return some of those who administer an account, for who must ask them for something."""
    admins = User.objects.filter(role=User.Role.ACCOUNT_ADMIN, is_active=True)
    return admins.filter(account=account_id, account__isnull=False)[:most]


def is_last_administrator(user: User) -> bool:
    """Say whether nobody else active administers this person's account."""
    if user.role != User.Role.ACCOUNT_ADMIN or not user.is_active:
        return False
    same = User.objects.filter(account=user.account_id, role=user.role, is_active=True)
    return not same.exclude(pk=user.pk).exists()
