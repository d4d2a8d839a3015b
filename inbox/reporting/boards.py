"""Which board hangs on a wall where nobody is logged in, and what does it show?

A screen on a wall has no hands, and a session that never ends would be one that anybody there could
use. So it gets an address of its own: figures of what one person may have at that moment.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.access import Viewer, viewer_of
from accounts.audit import record
from accounts.models import User
from inbox.models import WallLink
from inbox.refusals import MissingInputError, NotAllowedError
from inbox.reporting.asking import Asked, Range
from inbox.reporting.scope import Scope, scope_of

LASTS = timedelta(days=90)
MOST = 20


class BoardEndedError(Exception):
    """An address shows no board, or none any more; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def may_hang(viewer: Viewer, user: User) -> bool:
    """Say whether this person may hang boards: who has the figures of whole inboxes."""
    if viewer.is_support:
        return False
    scope = scope_of(viewer, user, Asked.of({}))
    return scope is not None and scope.may_have_team


def boards_of(viewer: Viewer, user: User, *, now: datetime) -> Sequence[WallLink]:
    """Return the boards that hang now and that this person may take down, the newest first."""
    rows = WallLink.objects.filter(_may_end(viewer, user), ended_at=None, expires_at__gt=now)
    return list(rows.select_related("owner", "inbox"))


def hang_board(*, by: Viewer, user: User, slug: str, now: datetime) -> tuple[WallLink, str]:
    """Make an address that shows a board for ninety days; return it and its secret, told once.

    `slug` names one inbox; blank: all of theirs. Raises NotAllowedError for who has no figures of
    whole inboxes, MissingInputError for one board too many, and Http404 for an inbox not theirs.
    """
    scope = None if by.is_support else scope_of(by, user, Asked.of({"inbox": slug}))
    if scope is None or not scope.may_have_team:
        raise NotAllowedError(_("Supervisors and account admins hang boards."))
    if len(boards_of(by, user, now=now)) >= MOST:
        words = _("There are %(number)s boards already. Take one down first.")
        raise MissingInputError(words % {"number": MOST})
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        row = WallLink.objects.create(
            account_id=scope.account_id,
            owner=user,
            inbox=scope.chosen[0] if slug else None,
            secret_hash=_hash(secret),
            created_at=now,
            expires_at=now + LASTS,
        )
        _note("wall_link_made", row, user, now)
    return row, secret


def take_down(*, by: Viewer, user: User, public_id: str, now: datetime) -> None:
    """End a board at once; one that ended already stays as it is.

    Raises NotAllowedError for who is here for support, Http404 for a board that is not theirs.
    """
    if by.is_support:
        raise NotAllowedError
    with transaction.atomic():
        rows = WallLink.objects.select_for_update(of=("self",))
        row = rows.filter(_may_end(by, user), public_id=public_id).first()
        if row is None:
            raise Http404("No such board.")
        if row.ended_at is None:
            row.ended_at = now
            row.save(update_fields=["ended_at"])
            _note("wall_link_ended", row, user, now)


def shown_at(secret: str, asked: Asked, *, now: datetime) -> tuple[User, Scope]:
    """Return whose figures the board at an address shows, and of what.

    Raises BoardEndedError where there is none, or none any more.
    """
    rows = WallLink.objects.select_related("owner__account", "inbox")
    row = rows.filter(secret_hash=_hash(secret)).first()
    if row is None:
        raise BoardEndedError(_("This address is not whole. Make a new one under Reports."))
    if row.ended_at is not None:
        raise BoardEndedError(_("This board was taken down. Make a new one under Reports."))
    if row.expires_at <= now:
        raise BoardEndedError(_("This board has hung for 90 days. Make a new one under Reports."))
    scope = _scope_of(row, asked, now=now)
    if scope is None:
        words = _("Whoever hung this board may not have these figures any more.")
        raise BoardEndedError(words)
    return row.owner, scope


def _scope_of(row: WallLink, asked: Asked, *, now: datetime) -> Scope | None:
    if not row.owner.is_active or row.owner.account_id != row.account_id:
        return None
    slug = row.inbox.slug if row.inbox else ""
    wanted = Asked.of({"inbox": slug, "target": str(asked.target or "")})
    try:
        scope = scope_of(
            viewer_of(row.owner, now=now), row.owner, replace(wanted, range=Range.TODAY)
        )
    except Http404:
        return None
    return scope if scope is not None and scope.may_have_team else None


def _may_end(viewer: Viewer, user: User) -> Q:
    of_account = Q(account=viewer.account_id or 0)
    return of_account if user.role == User.Role.ACCOUNT_ADMIN else of_account & Q(owner=user)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _note(action: str, row: WallLink, user: User, now: datetime) -> None:
    inbox = row.inbox.slug if row.inbox else ""
    record(
        action=action,
        subject=f"wall_link:{row.pk}",
        now=now,
        actor=user,
        account_id=row.account_id,
        inbox=inbox,
    )
