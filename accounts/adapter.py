"""Who may open an account by themselves? Nobody: people are invited."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Close public sign-up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: users are invited by their account's admin."""
        return False
