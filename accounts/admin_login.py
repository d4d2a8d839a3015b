"""How does one get into the admin? Through the same log-in as everywhere."""

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite


def require_our_login(site: AdminSite) -> None:
    """Close the admin's own log-in page: one door, with one set of rate limits."""
    site.login = secure_admin_login(site.login)  # type: ignore[method-assign]
