"""Who is a compliance officer: may sign that a rule is looser for an account than its pack says?

Of the platform's own staff (behaviour 10) those who were appointed by name: the platform answers to
the carriers for what its accounts send, and an account cannot let itself off a rule. Being staff
is not enough, however much else one may do.
"""

from datetime import datetime

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.models import User
from accounts.refusals import RefusedError

PERMISSION = "sign_looser_rules"


def is_compliance_officer(user: User) -> bool:
    """Say whether this person was appointed, and still is of the staff. One query."""
    is_of_staff = user.is_active and user.is_staff and user.role == User.Role.STAFF
    # `has_perm` says yes to every superuser, which all staff are.
    given = Q(user=user) | Q(group__user=user)
    return is_of_staff and _permissions().filter(given).exists()


def appoint(user: User, *, is_officer: bool, now: datetime) -> None:
    """Make somebody a compliance officer, or end that. Raises RefusedError."""
    if is_officer and not (user.is_active and user.is_staff and user.role == User.Role.STAFF):
        raise RefusedError("Only active platform staff can be compliance officers.")
    with transaction.atomic(durable=True):
        permission = _permissions().get()
        had = user.user_permissions.filter(pk=permission.pk).exists()
        if had == is_officer:
            return
        (user.user_permissions.add if is_officer else user.user_permissions.remove)(permission)
        audit.record(
            action=f"compliance_officer_{'appointed' if is_officer else 'ended'}",
            subject=str(user),
            now=now,
            nobody="command",
            row=str(user.pk),
        )


def _permissions() -> "QuerySet[Permission]":
    return Permission.objects.filter(
        codename=PERMISSION,
        content_type__app_label="compliance",
        content_type__model="ruleoverride",
    )
