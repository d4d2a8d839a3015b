"""What do the pages of consents ask: whose, from when, as of which instant, and why?"""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from inbox.setup.persons import LONGEST_TYPED

LONGEST_REASON = 300


def _reason() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Why"),
        max_length=LONGEST_REASON,
        help_text=gettext_lazy("It is written in the audit log, and in what you take away."),
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Say why: the audit log keeps it.")},
    )


class WhoForm(forms.Form):
    """Whose consents somebody looks for."""

    address = forms.CharField(
        label=gettext_lazy("Phone number, WhatsApp user id, or handle"),
        max_length=LONGEST_TYPED,
        help_text=gettext_lazy("In any form: +1 415 555 0100, (415) 555-0100, whatsapp:+1…"),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Write whose.")},
    )


class WhyForm(forms.Form):
    """Why somebody takes something away."""

    reason = _reason()


class PeriodForm(forms.Form):
    """From which day to which, both included, in the account's time zone; and why."""

    since = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("Until"), widget=forms.DateInput(attrs={"type": "date"})
    )
    reason = _reason()

    def __init__(self, data: Any, account: Account, now: datetime) -> None:
        super().__init__(data, auto_id="period_%s")
        self._zone = ZoneInfo(account.time_zone)
        self._today = now.astimezone(self._zone).date()

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins, or has not begun."""
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("It must not be before the first day."))
        elif since and since > self._today:
            self.add_error("since", _("It has not begun yet."))
        return cleaned

    def bounds(self) -> tuple[datetime, datetime]:
        """Return the first instant, and the one after the last."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        after = min(until, self._today) + timedelta(days=1)
        return datetime.combine(since, time(), self._zone), datetime.combine(
            after, time(), self._zone
        )


class AsOfForm(forms.Form):
    """At which instant somebody wants to know where a person stood."""

    at = forms.DateTimeField(
        label=gettext_lazy("As of"),
        required=False,
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
        ),
        error_messages={"invalid": gettext_lazy("Write a date and a time.")},
    )

    def __init__(self, data: QueryDict, account: Account, now: datetime) -> None:
        super().__init__(data)
        self._now, self._zone = now, ZoneInfo(account.time_zone)
        self.fields["at"].help_text = _("In the time of %(zone)s") % {"zone": account.time_zone}

    def full_clean(self) -> None:
        """Read it in the account's time zone; a time that is there twice or not at all is wrong."""
        with timezone.override(self._zone):
            super().full_clean()

    def clean_at(self) -> datetime | None:
        """Refuse what is still to come."""
        at: datetime | None = self.cleaned_data.get("at")
        if at and at > self._now:
            raise forms.ValidationError(_("It lies in the future."))
        return at

    @property
    def moment(self) -> datetime:
        """Return the instant that was asked for; now, if none was."""
        return (self.is_valid() and self.cleaned_data.get("at")) or self._now
