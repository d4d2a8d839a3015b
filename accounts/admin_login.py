"""How does one get into the admin? Through the same log-in as everywhere, and by one's role."""

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest

from accounts.admin_scope import role_in_admin


def require_our_login(site: AdminSite) -> None:
    """Close the admin's own log-in page: one door, with one set of rate limits.

    Who comes in follows from a person's role, and so does what they find: `admin_scope`.
    """
    site.login = secure_admin_login(site.login)  # type: ignore[method-assign]
    site.has_permission = _has_business_here  # type: ignore[method-assign]


def _has_business_here(request: HttpRequest) -> bool:
    return role_in_admin(request) is not None
