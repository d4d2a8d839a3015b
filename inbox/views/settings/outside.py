"""What is Twilio told of consents, where does its side differ, and whose numbers changed owner?

Account admins switch it, auditors read. Product behaviour, not legal advice.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, consent_reader
from compliance.models import ReassignmentPolicy
from inbox.setup.outside_consents import (
    change_reassignment,
    compare_soon,
    outside_page,
    reassignment_of,
    switch_sharing,
)


class OwnerForm(forms.Form):
    """Whether, when and how often owners of numbers are asked about."""

    is_on = forms.BooleanField(
        label=gettext_lazy("Ask whether numbers changed owner"),
        help_text=gettext_lazy(
            "Twilio Lookup, for American numbers; Twilio charges for each. An answer never blocks "
            "replies to people who write."
        ),
        required=False,
    )
    older_than_days = forms.IntegerField(
        label=gettext_lazy("Days after the last proof of contact"),
        help_text=gettext_lazy("Whoever wrote or consented since is not asked about. 1 to 3650."),
        min_value=1,
        max_value=3650,
    )
    again_days = forms.IntegerField(
        label=gettext_lazy("Days until a number is asked about again"),
        help_text=gettext_lazy("1 to 365."),
        min_value=1,
        max_value=365,
    )
    most_a_day = forms.IntegerField(
        label=gettext_lazy("Most look-ups a day"),
        help_text=gettext_lazy("1 to 100,000. What is left over follows the next day."),
        min_value=1,
        max_value=100_000,
    )


@never_cache
@require_http_methods(["GET", "POST"])
def outside(request: HttpRequest) -> HttpResponse:
    """Show what is told and asked outside; switch it."""
    who = consent_reader(request)
    if request.method == "GET":
        return _page(request, who, None)
    if not who.may_change:
        raise Http404("Not yours to change.")
    deed = request.POST.get("do", "")
    mine: dict[str, Any] = {"account": who.account, "by": who.user, "now": who.now}
    if deed == "share":
        is_on = request.POST.get("on") == "1"
        switch_sharing(is_on=is_on, **mine)
        words = _("Twilio is told from now on.") if is_on else _("Twilio is told nothing any more.")
    elif deed == "compare":
        compare_soon(**mine)
        words = _("It is compared in a minute.")
    elif deed == "owners":
        form = OwnerForm(request.POST)
        if not form.is_valid():
            return _page(request, who, form)
        change_reassignment(values=form.cleaned_data, **mine)
        words = _("Saved.")
    else:
        return _page(request, who, None)
    messages.success(request, words)
    return HttpResponseRedirect(reverse("settings_outside"))


def _page(request: HttpRequest, who: Administrator, form: OwnerForm | None) -> HttpResponse:
    policy = reassignment_of(who.account)
    initial = {name: getattr(policy, name) for name in OwnerForm.base_fields}
    context = {
        "who": who,
        "here": "consent",
        "may_change": who.may_change,
        "page": outside_page(who.account),
        "form": form or OwnerForm(initial=initial),
        "facts": [(_label(name), _shown(initial[name])) for name in initial],
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "settings/outside.html", context, status=status)


def _label(name: str) -> str:
    field = ReassignmentPolicy._meta.get_field(name)
    return str(getattr(field, "verbose_name", name))


def _shown(value: Any) -> str:
    return (_("yes") if value else _("no")) if isinstance(value, bool) else str(value)
