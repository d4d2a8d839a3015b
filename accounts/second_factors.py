"""How are second factors and passkeys named and kept, and who may drop the last one?"""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.secrets import PREFIX, decrypt, encrypt
from accounts.sessions import SECOND_FACTORS, is_second_factor_required

PRODUCT = "Team Inbox"


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors and passkeys. What an app and recovery codes are made from is encrypted."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": gettext_lazy(
            "You cannot deactivate your only second factor: your role or account asks for one. Set "
            "up another first, then remove this one."
        ),
    }

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
        return not is_second_factor_required(user) or others.exclude(pk=authenticator.pk).exists()

    def generate_authenticator_name(self, user: User, type: str) -> str:
        """Propose a name for a new passkey."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return str(_("Passkey %d") % number)
