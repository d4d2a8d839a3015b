"""Who must have a second factor and has none yet, and how are their secrets kept?"""

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import logins
from accounts.models import BrowserSession, User
from accounts.secrets import PREFIX, decrypt, encrypt
from accounts.sessions import SECOND_FACTORS, SessionStore

PRODUCT = "Team Inbox"
# In the session of who came in by their company's own sign-in.
BY_COMPANY = "came_by_company_sign_in"


def is_required_of(user: User) -> bool:
    """Say whether this person's role or account asks for a second factor."""
    by_account = bool(user.account and user.account.requires_second_factor)
    return by_account or user.role in settings.SECOND_FACTOR_ROLES


def must_set_one_up(session: SessionStore) -> bool:
    """Say whether nothing may open in this session but the page that sets one up.

    For who came in by their company's sign-in the company has vouched.
    """
    # The data is read first: reading it finds the row.
    by_company = bool(session.get(BY_COMPANY))
    row: BrowserSession | None = session.row
    if row is None or row.user is None or by_company:
        return False
    return is_required_of(row.user) and not _has_one(row)


def _has_one(row: Any) -> bool:
    return bool(getattr(row, "has_second_factor", True))


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors and passkeys. What an app and recovery codes are made from is encrypted."""

    def _get_site_name(self) -> str:
        return PRODUCT

    def encrypt(self, text: str) -> str:
        """Encrypt with the newest key."""
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt. What was kept before secrets were encrypted is plain until it is rotated."""
        is_ours = encrypted_text.startswith(PREFIX)
        return decrypt(encrypted_text) if is_ours else encrypted_text

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Keep the last second factor of people who must have one."""
        user = User.objects.select_related("account").get(pk=authenticator.user_id)
        others = Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS)
        return not is_required_of(user) or others.exclude(pk=authenticator.pk).exists()

    def generate_authenticator_name(self, user: User, type: str) -> str:
        """Propose a name for a new passkey."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return str(_("Passkey %d") % number)

    def send_notification_mail(self, template_prefix: str, user: User, **kwargs: Any) -> None:
        """Tell the person, and the audit log."""
        logins.note_second_factor(user, what=template_prefix, now=timezone.now())
        super().send_notification_mail(template_prefix, user, **kwargs)
