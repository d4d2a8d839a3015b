"""Who sees facts about consents in the admin? The account's own people, and staff let in."""

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin_scope import LOOK, BigTableAdmin, M, role_in_admin
from accounts.admin_support import support_now
from accounts.models import User


class ConsentFactsAdmin(BigTableAdmin[M]):
    """An admin of facts about consents, for the account and for staff who are in it."""

    partner_may = frozenset()
    admin_may = auditor_may = LOOK

    def may(self, request: HttpRequest, what: str) -> bool:
        """Let staff look while they are in an account for support."""
        return super().may(request, what) and _is_let_in(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Show staff the rows of the account that they are in."""
        rows = super().get_queryset(request)
        if role_in_admin(request) != User.Role.STAFF:
            return rows
        support = support_now(request)
        return rows.filter(account=support.account_id) if support else rows.none()


def _is_let_in(request: HttpRequest) -> bool:
    return role_in_admin(request) != User.Role.STAFF or support_now(request) is not None
