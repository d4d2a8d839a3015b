"""What did the gate decide, and why? For the account's admins and auditors."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.administrators import consent_reader
from compliance.reasons import MEANINGS
from inbox.explaining.decisions import Sought, decisions_page
from inbox.views.settings.journal import DaysFilter, page_context


class DecisionFilter(DaysFilter):
    """What somebody looks for among decisions."""

    field_order = ("answer", "code", "message")

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

    def sought(self) -> Sought:
        """Return what was asked for; of what makes no sense nothing is found."""
        if not self.is_valid():
            return Sought(message="-")
        said = self.cleaned_data
        return Sought(said["answer"], said["code"], said["message"], self.begins, self.ends)


@require_GET
def decisions(request: HttpRequest) -> HttpResponse:
    """Show what the gate decided, the newest first, a page at a time."""
    who = consent_reader(request)
    form = DecisionFilter(request.GET, who.account)
    page = decisions_page(who.account.pk, form.sought(), after=request.GET.get("after", ""))
    context = {"who": who, **page_context(request, form, page, here="decisions")}
    status = 200 if form.is_valid() else 422
    return render(request, "settings/decisions.html", context, status=status)
