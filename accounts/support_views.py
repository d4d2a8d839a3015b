"""What is noted of every request of somebody who is in an account for support?"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.circumstances import act_on_behalf_of
from accounts.models import SupportAccess, User
from accounts.support import is_from_outside, note_view, open_support_of

# These have doors and logs of their own, and show nothing of an account one is in for support.
ELSEWHERE = ("/admin/", "/accounts/", "/profile/")


class SupportMiddleware:
    """Finds out, for partners and staff only, in whose account they are; writes down each view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Look before any page does. Who is not logged in, or works in an account, costs nothing.

        A page that nobody needs to log in for asks for no session either.
        """
        if _needs_nobody(request, view) or request.path.startswith(ELSEWHERE):
            return
        user = request.user
        if not (isinstance(user, User) and is_from_outside(user)):
            return
        now = timezone.now()
        access = open_support_of(user, now=now)
        if access is not None:
            request.support = access  # type: ignore[attr-defined]
            act_on_behalf_of(request, f"{access.account} (support access {access.pk})")
            note_view(access, method=str(request.method), path=request.path, now=now)


def _needs_nobody(request: HttpRequest, view: Any) -> bool:
    # The API asks for a log-in by itself.
    is_open = not getattr(view, "login_required", True)
    return is_open and not request.path.startswith("/api/")


def support_in(request: HttpRequest) -> SupportAccess | None:
    """Return where the person who asks is for support, or None."""
    access: SupportAccess | None = getattr(request, "support", None)
    return access
