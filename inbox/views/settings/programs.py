"""Which programs may use the API for this account? Keys are made, shown once, and revoked."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator
from accounts.models import ApiKey
from accounts.models.programs import LONGEST_NAME
from accounts.programs import NewKey, ProgramError, make_key, revoke_key

SHOWN = 100
DAYS = {
    30: gettext_lazy("30 days"),
    90: gettext_lazy("90 days"),
    365: gettext_lazy("a year"),
}


class KeyForm(forms.Form):
    """Which program gets a key, what it may, and for how long."""

    name = forms.CharField(
        label=gettext_lazy("Which program has it"),
        help_text=gettext_lazy("The audit log names it so: “Deployment”, “CRM sync”."),
        max_length=LONGEST_NAME,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Say which program will have it.")},
    )
    may_change = forms.BooleanField(
        label=gettext_lazy("It may change settings; without this it only reads"), required=False
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("It lasts"), choices=list(DAYS.items()), coerce=int, initial=90
    )


@never_cache
@require_http_methods(["GET", "POST"])
def programs(request: HttpRequest) -> HttpResponse:
    """List the keys of the account; make one and show its secret this once."""
    who = administrator(request)
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = make_key(account=who.account, by=who.user, now=who.now, **form.cleaned_data)
        except ProgramError as refused:
            form.add_error(refused.field or None, refused.reason)
        else:
            return _page(request, who, KeyForm(), made)
    return _page(request, who, form, status=422 if form.errors else 200)


def _page(
    request: HttpRequest,
    who: Administrator,
    form: KeyForm,
    made: NewKey | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    rows = ApiKey.objects.filter(account=who.account).select_related("made_by", "revoked_by")
    working = list(rows.filter(revoked_at=None).order_by("name"))
    revoked = list(rows.filter(revoked_at__isnull=False).order_by("-revoked_at")[:SHOWN])
    context = {
        "who": who,
        "here": "programs",
        "form": form,
        "made": made,
        "keys": [(row, row.works_at(who.now)) for row in working],
        "revoked": revoked,
    }
    return render(request, "settings/programs.html", context, status=status)


@require_http_methods(["GET", "POST"])
def program_revoke(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Say what stops, then let a key open nothing any more."""
    who = administrator(request)
    row = ApiKey.objects.filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such key.")
    if request.method == "POST":
        revoke_key(key=row, by=who.user, now=who.now)
        messages.success(request, _("The key of “%(name)s” is revoked.") % {"name": row.name})
        return HttpResponseRedirect(reverse("settings_programs"))
    context = {
        "who": who,
        "here": "programs",
        "question": _("Revoke the key of “%s”?") % row.name,
        "sentences": [
            _("From now on the program is refused. What it has set stays as it is."),
            _("This cannot be undone: it would need another key."),
        ],
        "button": _("Revoke"),
        "back": reverse("settings_programs"),
    }
    return render(request, "settings/confirm.html", context)
