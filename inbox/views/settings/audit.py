"""Who did what in the account, when, and what was it before?"""

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts.administrators import audit_reader
from accounts.audit import record_export
from accounts.audit_log import HEADER, Wanted, actions_of, log_page, table_rows
from accounts.exports import csv_response
from accounts.models import Account


class AuditFilter(forms.Form):
    """What somebody looks for in the log."""

    who = forms.CharField(label=gettext_lazy("Who"), required=False, max_length=120)
    action = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    subject = forms.CharField(label=gettext_lazy("Subject"), required=False, max_length=200)
    since = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, data: Any, account: Account) -> None:
        super().__init__(data)
        self._zone = ZoneInfo(account.time_zone)
        choices = [("", _("Everything")), *actions_of(account.pk)]
        action = self.fields["action"]
        assert isinstance(action, forms.ChoiceField)
        action.choices = choices

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("It must not be before the first day."))
        return cleaned

    def wanted(self) -> Wanted:
        """Return what was asked for; the days are those of the account's time zone."""
        cleaned = self.cleaned_data if self.is_valid() else {}
        since, until = cleaned.get("since"), cleaned.get("until")
        return Wanted(
            who=cleaned.get("who", ""),
            action=cleaned.get("action", ""),
            subject=cleaned.get("subject", ""),
            since=self._midnight(since) if since else None,
            until=self._midnight(until + timedelta(days=1)) if until else None,
        )

    def _midnight(self, day: Any) -> datetime:
        return datetime.combine(day, time(), self._zone)


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Show the log, the newest first, a page at a time."""
    who, rows = audit_reader(request)
    form = AuditFilter(request.GET, who.account)
    is_right = form.is_valid()
    page = log_page(rows if is_right else rows.none(), form.wanted(), after=_text(request, "after"))
    asked = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    context = {
        "who": who,
        "here": "audit",
        "form": form,
        "page": page,
        "asked": asked,
        "next": urlencode({**asked, "after": page.next_after}) if page.next_after else "",
        "is_first": not request.GET.get("after"),
    }
    return render(request, "settings/audit.html", context, status=200 if is_right else 422)


@require_POST
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """Send the log as CSV, as far as it was asked for, and write down that it was taken."""
    who, rows = audit_reader(request)
    form = AuditFilter(request.POST, who.account)
    if not form.is_valid():
        return HttpResponse(_("Nothing was exported: the filter is not right."), status=422)
    wanted = form.wanted()
    record_export(
        what="audit_log",
        by=who.user,
        now=who.now,
        account_id=who.account.pk,
        **wanted.as_text(),
    )
    return csv_response(f"audit-{who.now:%Y-%m-%d}", HEADER, table_rows(rows, wanted))


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "")
