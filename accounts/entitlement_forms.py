"""What must be true of seats and features before they are given? Forms that ask the stories.

Every refusal is a sentence beside the field it is about.
"""

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.granting import Terms, check_terms
from accounts.models import AccountPackage, FeatureGrant, License, LicensePool, Package
from accounts.refusals import RefusedError
from accounts.seats import check_holders, check_room, check_span, check_years, lock_pool


def add_refusal(form: forms.BaseForm, no: RefusedError) -> None:
    """Show a refusal at the field it names, or above the form."""
    form.add_error(no.field if no.field in form.fields else None, no.reason)


class MomentField(forms.DateTimeField):
    """A day and a time in a time zone, chosen with the browser's own means."""

    def __init__(self, *, zone: str = "UTC", **kwargs: Any) -> None:
        self.zone = ZoneInfo(zone)
        widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        kwargs.setdefault("help_text", _("In the time zone %s.") % zone)
        super().__init__(widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show a moment in the zone."""
        with timezone.override(self.zone):
            return super().prepare_value(value)

    def to_python(self, value: Any) -> datetime | None:
        """Read a moment in the zone; one that a clock skips or has twice is refused."""
        with timezone.override(self.zone):
            return super().to_python(value)


class ReasonForm(forms.Form):
    """Why?"""

    reason = forms.CharField(label=_("Reason"), max_length=200)


class EndForm(ReasonForm):
    """Until when, and why?"""

    ends_at = MomentField(label=_("Ends at"), required=False)
    field_order = ["ends_at", "reason"]


class GrantForm(forms.ModelForm[FeatureGrant]):
    """A feature for an account, for a time, for a reason."""

    class Meta:
        model = FeatureGrant
        fields: ClassVar[list[str]] = [
            "account",
            "feature",
            "package",
            "starts_at",
            "ends_at",
            "reason",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "reason" in self.fields:
            self.fields["reason"].required = True

    def clean(self) -> dict[str, Any] | None:
        """Refuse what overlaps, naming it, and an end before the beginning."""
        cleaned = super().clean()
        self._validate_constraints = False  # The story says it in words.
        if not self.errors:
            try:
                check_terms(self.terms)
            except RefusedError as no:
                add_refusal(self, no)
        return cleaned

    @property
    def terms(self) -> Terms:
        """Return what was filled in."""
        data = self.cleaned_data
        return Terms(
            account=data["account"],
            feature=data["feature"],
            starts_at=data["starts_at"],
            ends_at=data.get("ends_at"),
            reason=data["reason"],
            package=data.get("package"),
        )


class AcceptForm(ReasonForm):
    """On which terms is switched on what an account asked for?"""

    starts_at = MomentField(label=_("Starts at"))
    ends_at = MomentField(label=_("Ends at"), required=False)
    package: ClassVar[Any] = forms.ModelChoiceField(
        Package.objects.all(), label=_("Package"), required=False
    )
    field_order = ["starts_at", "ends_at", "package", "reason"]


class PoolAddForm(forms.ModelForm[LicensePool]):
    """Seats that an account has bought."""

    class Meta:
        model = LicensePool
        fields: ClassVar[list[str]] = ["account", "plan", "seats", "starts_at", "ends_at"]

    def clean(self) -> dict[str, Any] | None:
        """Refuse an end before the beginning."""
        cleaned = super().clean() or {}
        self._validate_constraints = False  # Said here, in words.
        starts_at, ends_at = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _("It must end after it starts."))
        try:
            check_years(starts_at=starts_at, ends_at=ends_at)
        except RefusedError as no:
            add_refusal(self, no)
        return cleaned


class PoolChangeForm(forms.Form):
    """How many seats, from when until when?"""

    seats = forms.IntegerField(label=_("Seats"), min_value=0, max_value=100_000)
    starts_at = MomentField(label=_("Starts at"))
    ends_at = MomentField(label=_("Ends at"), required=False)


class LicenseAddForm(forms.ModelForm[License]):
    """One seat for one person."""

    class Meta:
        model = License
        fields: ClassVar[list[str]] = ["pool", "holder", "starts_at", "ends_at"]

    def clean(self) -> dict[str, Any] | None:
        """Refuse people of another account, a second licence, and more licences than seats."""
        cleaned = super().clean() or {}
        self._validate_constraints = False  # The story says it in words.
        if self.errors:
            return cleaned
        begin, end = cleaned["starts_at"], cleaned.get("ends_at")
        try:
            pool = lock_pool(cleaned["pool"])
            end = end or pool.ends_at
            check_span(pool, begin, end)
            check_holders(pool, [cleaned["holder"]], begin, end)
            check_room(pool, [cleaned["holder"]], begin, end)
        except RefusedError as no:
            add_refusal(self, no)
        return cleaned


class PackageForm(forms.ModelForm[AccountPackage]):
    """A package of the catalogue for an account."""

    class Meta:
        model = AccountPackage
        fields: ClassVar[list[str]] = ["account", "package", "status", "note"]
