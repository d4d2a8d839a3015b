"""Who from outside looked at an account's rows in the admin, and who took them away as a file?

Partners and platform staff see many accounts at once: each account reads in its own audit log that
so many of its rows were looked at. What they say is not written down, nor what somebody searched.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record, record_export, record_for_each
from accounts.models import User
from accounts.support import is_from_outside

VIEWED, LISTED = "viewed_in_admin", "listed_in_admin"
# What of an address says nothing about which rows are asked for.
_NO_FILTERS = {"q", "o", "p", "all", "e", "term", "app_label", "model_name", "field_name", "ids"}


def note_row(request: HttpRequest, name: str, account_id: int | None, page: str = "") -> None:
    """Write down that somebody from outside looked at one row of an account."""
    user = _outsider(request)
    if user is not None and account_id is not None:
        more: dict[str, Any] = {"page": page} if page else {}
        record(
            action=VIEWED,
            subject=name,
            now=timezone.now(),  # noqa: TID251 - the admin is an edge
            actor=user,
            account_id=account_id,
            **more,
        )


def note_rows(request: HttpRequest, name: str, account_ids: Iterable[int | None]) -> None:
    """Write down that somebody from outside saw rows of these accounts, each as often as it has."""
    user = _outsider(request)
    if user is not None:
        record_for_each(
            action=LISTED,
            subject=name,
            now=timezone.now(),  # noqa: TID251 - the admin is an edge
            actor=user,
            rows=_counted(account_ids),
            **_asked(request),
        )


def note_export(request: HttpRequest, what: str, account_ids: Iterable[int | None]) -> None:
    """Write down that somebody takes rows out of the house.

    Of rows of several accounts each account reads; a file that is empty leaves a line too.
    """
    user, now = request.user, timezone.now()  # noqa: TID251 - the admin is an edge
    assert isinstance(user, User)
    asked = _asked(request)
    if _outsider(request) and (rows := _counted(account_ids)):
        name = what.replace("_", " ")
        record_for_each(
            action=f"{what}_exported", subject=name, now=now, actor=user, rows=rows, **asked
        )
    else:
        filters = {**asked.get("filters", {}), "searched": asked.get("searched")}
        record_export(what=what, by=user, now=now, account_id=user.account_id, **filters)


def _outsider(request: HttpRequest) -> User | None:
    user = request.user
    return user if isinstance(user, User) and is_from_outside(user) else None


def _counted(account_ids: Iterable[int | None]) -> Counter[int]:
    return Counter(pk for pk in account_ids if pk is not None)


def _asked(request: HttpRequest) -> dict[str, Any]:
    filters = {
        name[:80]: value[:80]
        for name, value in request.GET.items()
        if value and name not in _NO_FILTERS
    }
    is_searched = request.GET.get("q") or request.GET.get("term")
    asked: dict[str, Any] = {"filters": filters} if filters else {}
    return {**asked, "searched": True} if is_searched else asked
