"""Who may open an account by themselves? Nobody: people are invited. Who logged in, who tried?"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.audit import record
from accounts.models import User


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Close public sign-up, and write down every log-in."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: users are invited by their account's admin."""
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        """Log somebody in, all factors given, and write it down."""
        super().login(request, user)
        record(
            action="logged_in",
            subject=str(user),
            now=timezone.now(),
            actor=user,
            account_id=user.account_id,
        )

    def logout(self, request: HttpRequest) -> None:
        """Log somebody out, and write it down while it is known who."""
        if isinstance(user := request.user, User):
            record(
                action="logged_out",
                subject=str(user),
                now=timezone.now(),
                actor=user,
                account_id=user.account_id,
            )
        super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write down that somebody tried.

        What was typed as an address is kept only where it is one of ours: people type their
        passwords there. Tries with the same unknown address can still be told to be the same.
        """
        super().authentication_failed(request, **credentials)
        email = str(credentials.get("email", "")).strip().lower()
        user = User.objects.filter(email__iexact=email).first() if email else None
        unknown = salted_hmac("accounts.adapter", email).hexdigest()[:8]
        record(
            action="log_in_failed",
            subject=str(user) if user else f"unknown address {unknown}",
            now=timezone.now(),
            account_id=user.account_id if user else None,
            nobody="not logged in",
            user=user.pk if user else None,
        )
