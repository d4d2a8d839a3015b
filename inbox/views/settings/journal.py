"""What do pages share that list what happened: by which days, and a page of it at a time?"""

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account


def _day(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, required=False, widget=widget)


class DaysFilter(forms.Form):
    """From which day until which, both included, as the account's clock has them."""

    since = _day(gettext_lazy("From"))
    until = _day(gettext_lazy("Until"))

    def __init__(self, data: Any, account: Account) -> None:
        super().__init__(data)
        self._zone = ZoneInfo(account.time_zone)

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("It must not be before the first day."))
        return cleaned

    @property
    def begins(self) -> datetime | None:
        """Return the first instant that is meant, if one is."""
        return self._midnight("since")

    @property
    def ends(self) -> datetime | None:
        """Return the first instant that is not meant any more, if there is one."""
        return self._midnight("until", days=1)

    def _midnight(self, name: str, *, days: int = 0) -> datetime | None:
        day = self.cleaned_data.get(name) if self.is_valid() else None
        return datetime.combine(day + timedelta(days=days), time(), self._zone) if day else None


def page_context(request: HttpRequest, form: forms.Form, page: Any, *, here: str) -> dict[str, Any]:
    """Return what the page shows of a filter and of where it stands; `page` has `next_after`."""
    asked = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    return {
        "here": here,
        "form": form,
        "page": page,
        "asked": asked,
        "first": urlencode(asked),
        "next": urlencode({**asked, "after": page.next_after}) if page.next_after else "",
        "is_first": not request.GET.get("after"),
    }
