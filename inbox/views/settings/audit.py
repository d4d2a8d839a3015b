"""Who did what in the account, when, and what was it before?"""

from typing import Any

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
from inbox.views.settings.journal import DaysFilter, page_context


class AuditFilter(DaysFilter):
    """What somebody looks for in the log."""

    field_order = ("who", "action", "subject")
    who = forms.CharField(label=gettext_lazy("Who"), required=False, max_length=120)
    action = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    subject = forms.CharField(label=gettext_lazy("Subject"), required=False, max_length=200)

    def __init__(self, data: Any, account: Account) -> None:
        super().__init__(data, account)
        choices = [("", _("Everything")), *actions_of(account.pk)]
        action = self.fields["action"]
        assert isinstance(action, forms.ChoiceField)
        action.choices = choices

    def wanted(self) -> Wanted:
        """Return what was asked for; the days are those of the account's time zone."""
        cleaned = self.cleaned_data if self.is_valid() else {}
        return Wanted(
            who=cleaned.get("who", ""),
            action=cleaned.get("action", ""),
            subject=cleaned.get("subject", ""),
            since=self.begins,
            until=self.ends,
        )


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Show the log, the newest first, a page at a time."""
    who, rows = audit_reader(request)
    form = AuditFilter(request.GET, who.account)
    is_right = form.is_valid()
    page = log_page(rows if is_right else rows.none(), form.wanted(), after=_text(request, "after"))
    context = {"who": who, **page_context(request, form, page, here="audit")}
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
