"""How does one get into the admin? Through the same log-in as everywhere, and by one's role."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.admin_scope import role_in_admin


def require_our_login(site: AdminSite) -> None:
    """Close the admin's own log-in and password pages: one door, with one set of rate limits.

    Who comes in follows from a person's role, and so does what they find: `admin_scope`.
    """
    our_login = secure_admin_login(site.login)

    def login(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # allauth knows the platform's staff only; whoever has business here goes in.
        if _has_business_here(request):
            return HttpResponseRedirect(reverse(f"{site.name}:index"))
        answer: HttpResponse = our_login(request, *args, **kwargs)
        return answer

    def password_change(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_change_password"))

    site.login = login  # type: ignore[method-assign]
    site.password_change = password_change  # type: ignore[method-assign, assignment]
    site.has_permission = _has_business_here  # type: ignore[method-assign]


def _has_business_here(request: HttpRequest) -> bool:
    return role_in_admin(request) is not None
