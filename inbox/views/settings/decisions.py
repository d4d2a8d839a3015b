"""What did the gate decide, and why? For the account's admins and auditors."""

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.administrators import consent_reader
from accounts.models import Account
from compliance.reasons import MEANINGS
from inbox.explaining.decisions import Sought, decisions_page


class DecisionFilter(forms.Form):
    """What somebody looks for among decisions."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Answer"),
        required=False,
        choices=[
            ("", gettext_lazy("Every answer")),
            ("allow", gettext_lazy("Allowed")),
            ("defer", gettext_lazy("Put off")),
            ("ask", gettext_lazy("Its author was asked")),
            ("block", gettext_lazy("Refused")),
        ],
    )
    code = forms.ChoiceField(
        label=gettext_lazy("Rule"),
        required=False,
        choices=[("", gettext_lazy("Every rule")), *((str(one), str(one)) for one in MEANINGS)],
    )
    message = forms.CharField(label=gettext_lazy("Message"), required=False, max_length=32)
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

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("It must not be before the first day."))
        return cleaned

    def sought(self, account: Account) -> Sought:
        """Return what was asked for; the days are those of the account's time zone."""
        said = self.cleaned_data
        zone = ZoneInfo(account.time_zone)

        def midnight(day: Any, days: int = 0) -> datetime | None:
            return datetime.combine(day + timedelta(days=days), time(), zone) if day else None

        return Sought(
            answer=said["answer"],
            code=said["code"],
            message=said["message"],
            since=midnight(said["since"]),
            until=midnight(said["until"], 1),
        )


@require_GET
def decisions(request: HttpRequest) -> HttpResponse:
    """Show what the gate decided, the newest first, a page at a time."""
    who = consent_reader(request)
    form = DecisionFilter(request.GET)
    is_right = form.is_valid()
    sought = form.sought(who.account) if is_right else Sought(message="-")
    after = request.GET.get("after", "")
    page = decisions_page(who.account.pk, sought, after=after)
    asked = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    context = {
        "who": who,
        "here": "decisions",
        "form": form,
        "page": page,
        "asked": asked,
        "next": urlencode({**asked, "after": page.next_after}) if page.next_after else "",
        "is_first": not after,
    }
    return render(request, "settings/decisions.html", context, status=200 if is_right else 422)
