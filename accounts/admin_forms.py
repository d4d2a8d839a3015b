"""What must be true of people, seats and features before the admin saves them?

Every refusal is a sentence beside the field it is about.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django import forms
from django.contrib.auth.forms import (
    AdminUserCreationForm,
    SetUnusablePasswordMixin,
    UserChangeForm,
)
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.utils import timezone

from accounts.administrators import is_last_administrator
from accounts.models import (
    Account,
    Membership,
    Team,
    TwilioAccount,
    User,
)
from accounts.places import is_country, is_zone, language_choices, zone_choices

ACCOUNT_ROLES = (User.Role.MEMBER, User.Role.ACCOUNT_ADMIN, User.Role.AUDITOR)
ADMIN_ROLES = (User.Role.PARTNER, User.Role.STAFF)
LAST_ADMIN = "This is the last account admin. Make somebody else an account admin first."


def given(form: forms.ModelForm[Any], name: str) -> Any:
    """Return what the form says of a field, or what the row says where it is not to be edited."""
    if name in form.fields:
        return form.cleaned_data.get(name)
    try:
        return getattr(form.instance, name)
    except ObjectDoesNotExist:
        return None


class AccountForm(forms.ModelForm[Account]):
    """A customer company."""

    class Meta:
        model = Account
        fields: ClassVar[list[str]] = ["partner", "name", "time_zone", "default_country", "locale"]
        labels: ClassVar[dict[str, str]] = {"default_country": "Country", "locale": "Language"}
        help_texts: ClassVar[dict[str, str]] = {
            "time_zone": "Its people and customers read times in it; its hours are kept in it.",
            "default_country": "Two letters, such as US or DE: numbers without a country are its.",
            "deployment": "Whose Twilio its numbers live in.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "time_zone" in self.fields:
            hour = timezone.now().replace(minute=0, second=0, microsecond=0)  # noqa: TID251 - an edge
            self._offer("time_zone", zone_choices(hour))
        if "locale" in self.fields:
            self._offer("locale", language_choices())

    def _offer(self, name: str, choices: Sequence[Any]) -> None:
        """Let one choose, and keep what is set although it is not offered any more."""
        value = self.initial.get(name) or self.fields[name].initial
        known = {key for key, _ in choices} | {
            key for _, group in choices if not isinstance(group, str) for key, _ in group
        }
        kept = [(value, value)] if value and value not in known else []
        self.fields[name].widget = forms.Select(choices=[*kept, *choices])

    def clean_time_zone(self) -> str:
        """Refuse a zone that no clock knows."""
        zone: str = self.cleaned_data["time_zone"]
        if not is_zone(zone):
            raise forms.ValidationError(f"There is no time zone “{zone}”. Try “Europe/Berlin”.")
        return zone

    def clean_default_country(self) -> str:
        """Keep the two letters in capitals, and refuse a country that nobody can call."""
        country: str = self.cleaned_data["default_country"].strip().upper()
        if len(country) != 2 or not country.isalpha():
            raise forms.ValidationError("Two letters, such as US or DE.")
        if not is_country(country):
            raise forms.ValidationError(f"There is no country “{country}”. Try US or DE.")
        return country

    def clean_locale(self) -> str:
        """Refuse a language that the product does not speak."""
        locale: str = self.cleaned_data["locale"]
        if locale not in dict(language_choices()) and locale != self.initial.get("locale"):
            raise forms.ValidationError("The product does not speak this language.")
        return locale


class MembershipForm(forms.ModelForm[Membership]):
    """A person's part in a team."""

    class Meta:
        model = Membership
        fields: ClassVar[list[str]] = ["team", "user", "role"]

    def clean(self) -> dict[str, Any] | None:
        """Refuse people of another account."""
        cleaned = super().clean()
        team, user = given(self, "team"), given(self, "user")
        if team and user and team.account_id != user.account_id:
            self.add_error("user", _elsewhere(user, user.account, "this team", team.account))
        return cleaned


def _elsewhere(who: Model, theirs: Model | None, what: str, ours: Model) -> str:
    return f"{who} belongs to {theirs or 'no account'}, but {what} to {ours}."


# --- People --------------------------------------------------------------------------------------


class PersonRules(forms.ModelForm[User]):
    """What must be true of everybody who logs in."""

    def clean_email(self) -> str:
        """Keep addresses in lower case, each once."""
        email: str = self.cleaned_data["email"].strip().lower()
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("Somebody has this e-mail address already.")
        return email

    def clean(self) -> dict[str, Any] | None:
        """Refuse a role that does not fit the account and partner."""
        cleaned = super().clean()
        role = given(self, "role")
        for name in ("account", "partner"):
            if problem := _misfit(role, name, given(self, name)):
                self.add_error(name if name in self.fields else "role", problem)
        return cleaned


def _misfit(role: str | None, name: str, value: Any) -> str:
    if not role:
        return ""
    label = User.Role(role).label
    needs = (name == "account" and role in ACCOUNT_ROLES) or (
        name == "partner" and role == User.Role.PARTNER
    )
    if needs and not value:
        return f"Choose the {name} that this person works for: the role “{label}” needs one."
    if value and not needs:
        return f"The role “{label}” belongs to no {name}: leave it empty."
    return ""


class UserAddForm(PersonRules, AdminUserCreationForm[User]):
    """A new person, with a password or without."""

    usable_password = SetUnusablePasswordMixin.create_usable_password_field(
        "Without one they choose their own by e-mail: “Forgot your password?” on the log-in page."
    )

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["email", "name", "role", "account", "partner"]
        field_classes: ClassVar[dict[str, Any]] = {}


class UserEditForm(PersonRules, UserChangeForm[User]):
    """A person who is here already. Whether they may log in is changed by a task of its own."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["email", "name", "role", "password"]
        field_classes: ClassVar[dict[str, Any]] = {}

    def clean_role(self) -> str:
        """Keep people of accounts apart from those who open the admin."""
        role: str = self.cleaned_data["role"]
        if (role in ACCOUNT_ROLES) != (self.instance.role in ACCOUNT_ROLES) or (
            role in ADMIN_ROLES and role != self.instance.role
        ):
            raise forms.ValidationError("Make a new user for that: this one keeps their kind.")
        if role != self.instance.role and is_last_administrator(self.instance):
            raise forms.ValidationError(LAST_ADMIN)
        return role


def forget_old_addresses(user: User) -> None:
    """Let nobody log in with an address that this person no longer has."""
    EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).delete()


# --- Secrets -------------------------------------------------------------------------------------

SECRETS = {
    "auth_token": "Auth token",
    "auth_token_next": "Next auth token",
    "api_key_secret": "API key secret",
    "shared_key": "Shared key",
}
OPTIONAL_SECRETS = {name: label for name, label in SECRETS.items() if name != "auth_token"}
KEEPS = "Leave empty to keep what is set."


class SecretField(forms.CharField):
    """A secret that goes in and never comes out: always empty, and empty means no change."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
        super().__init__(required=False, max_length=200, widget=widget, **kwargs)


class TwilioAccountForm(forms.ModelForm[TwilioAccount]):
    """The Twilio account of an account.

    The secrets are fields of the form only and have other names than the columns: neither the form
    nor the page ever reads a stored one.
    """

    new_auth_token = SecretField(label="Set auth token", help_text=KEEPS)
    new_auth_token_next = SecretField(
        label="Set next auth token",
        help_text="While a token is being changed, webhooks signed with either are accepted.",
    )
    new_api_key_secret = SecretField(label="Set API key secret", help_text=KEEPS)
    new_shared_key = SecretField(label="Set shared key", help_text=KEEPS)
    forget = forms.MultipleChoiceField(
        label="Remove",
        required=False,
        choices=list(OPTIONAL_SECRETS.items()),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = TwilioAccount
        fields: ClassVar[list[str]] = ["account", "account_sid", "api_key_sid", "shared_key_sid"]
        labels: ClassVar[dict[str, str]] = {"shared_key_sid": "Shared key SID"}

    # What Twilio has against what was typed, by field; asked before the form is read.
    refused: Mapping[str | None, str] = MappingProxyType({})

    def clean_account_sid(self) -> str:
        """Refuse what is not an account SID."""
        sid: str = self.cleaned_data["account_sid"].strip()
        if not (len(sid) == 34 and sid.startswith("AC")):
            raise forms.ValidationError("An account SID is AC and 32 characters.")
        return sid

    def clean(self) -> dict[str, Any] | None:
        """Refuse an account without a token: it could verify nothing."""
        cleaned = super().clean()
        if self.instance._state.adding and not self.cleaned_data.get("new_auth_token"):
            self.add_error("new_auth_token", "A new Twilio account needs its auth token.")
        for name in self.cleaned_data.get("forget", []):
            if self.cleaned_data.get(f"new_{name}"):
                self.add_error(f"new_{name}", "Either set it or remove it.")
        for field, words in self.refused.items():
            self.add_error(field, words)
        return cleaned

    def save(self, commit: bool = True) -> TwilioAccount:
        """Write only the secrets that were typed in or removed."""
        for name in self.cleaned_data["forget"]:
            setattr(self.instance, name, "")
        for name in SECRETS:
            if secret := self.cleaned_data[f"new_{name}"]:
                setattr(self.instance, name, secret)
        return super().save(commit)


class TeamForm(forms.ModelForm[Team]):
    """A group of people."""

    class Meta:
        model = Team
        fields: ClassVar[list[str]] = ["account", "name"]

    def clean(self) -> dict[str, Any] | None:
        """Refuse a second team of the same name."""
        cleaned = super().clean()
        account, name = given(self, "account"), self.cleaned_data.get("name")
        if account and name:
            same = Team.objects.filter(account=account, name__iexact=name)
            if same.exclude(pk=self.instance.pk).exists():
                self.add_error("name", "This account has a team of that name already.")
        return cleaned
