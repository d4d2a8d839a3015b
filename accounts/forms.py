"""What may a person change about themselves?"""

import struct
from typing import Any, ClassVar

from allauth.account.forms import UserTokenForm
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import logins
from accounts.models import User


class ProfileForm(forms.ModelForm[User]):
    """How the product looks and speaks to me, and whether I am here."""

    language = forms.ChoiceField(
        label=_("Language"),
        choices=[("", _("As my browser asks")), *settings.LANGUAGES],
        required=False,
    )

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name", "language", "theme", "speaks", "availability"]
        labels: ClassVar[dict[str, Any]] = {
            "name": _("Name"),
            "theme": _("Theme"),
            "speaks": _("Read out by a screen reader"),
            "availability": _("Availability"),
        }
        help_texts: ClassVar[dict[str, Any]] = {"speaks": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["speaks"].required = False

    def clean_speaks(self) -> str:
        """Leave it as it is where it was not asked for."""
        return self.cleaned_data["speaks"] or self.instance.speaks


class ThemeForm(forms.ModelForm[User]):
    """Light, dark, or as the system says."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["theme"]


class AvailabilityForm(forms.ModelForm[User]):
    """Whether new conversations may come to me."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["availability"]


class LinkOfActivePerson(UserTokenForm):  # type: ignore[misc]
    """The link of a mail that lets one choose a new password."""

    def _get_user(self, uidb36: Any) -> User | None:
        # Who was deactivated meanwhile chooses no password for the day they come back.
        user: User | None = super()._get_user(uidb36)
        return user if user and user.is_active else None


class OnceOnly:
    """A code of an app is good for one use, for as long as a clock that is slow may show it."""

    def clean_code(self) -> str:
        """Refuse a code that was used; allauth forgets one too early where clocks may differ."""
        code: str = super().clean_code()  # type: ignore[misc]
        by: Authenticator = self.authenticator  # type: ignore[attr-defined]
        lasts = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        if by.type == Authenticator.Type.TOTP and not cache.add(_used(by, code), "y", lasts):
            raise get_adapter().validation_error("incorrect_code")
        return code


def _used(by: Authenticator, code: str) -> str:
    digits = "".join(filter(str.isdigit, code))
    return f"allauth.mfa.used:{by.user_id}:{digits}"


class ConfirmForm(OnceOnly, ReauthenticateForm):  # type: ignore[misc]
    """The code by which somebody confirms that it is still them."""


class CodeForm(OnceOnly, AuthenticateForm):  # type: ignore[misc]
    """The code that comes after a password."""

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        # Whoever gets here knows the password.
        super()._emit_authentication_failed(authenticator)
        now = timezone.now()  # noqa: TID251 - an edge
        logins.note_failure(self.user.email, now=now, step="second factor")


class AnyAnswer:
    """What a browser says of a passkey may be anything; what cannot be read is not right."""

    def full_clean(self) -> None:
        """Check it. allauth and what it asks stumble over what is no answer at all."""
        try:
            super().full_clean()  # type: ignore[misc]
        except _ODD:
            refusal = get_adapter().validation_error("incorrect_code")
            # What cannot be read is not sent back either.
            self.data = QueryDict()
            self.cleaned_data: dict[str, Any] = {}
            self.add_error("credential", refusal)  # type: ignore[attr-defined]


_ODD = (LookupError, TypeError, ValueError, AttributeError, RecursionError, struct.error)


class LogInByPasskey(AnyAnswer, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey that logs in alone."""


class PasskeyAfterPassword(AnyAnswer, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey that comes after a password."""


class ConfirmByPasskey(AnyAnswer, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey by which somebody confirms that it is still them."""


class AddPasskey(AnyAnswer, AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey."""
