"""Which code of their own does an account ask, and how does it know that we ask?

A secret is shown once, on the page that answers the button which made it, and on no other.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator
from inbox.setup.lookups import refuse_if_used
from inbox.views.settings.answers import posted_number
from inbox.views.settings.lookups import base, definition_of, url_of
from routing.crm import LONGEST_URL
from routing.lookup_models import LONGEST_NAME
from routing.lookups import (
    DefinitionChangedError,
    DefinitionError,
    add_data_action,
    begin_new_secret,
    change_data_action,
    end_old_secret,
)
from routing.models import DataAction


class DataActionForm(forms.Form):
    """What it is called and where it is."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Rules and the developers of your code know it by this."),
        max_length=LONGEST_NAME,
        error_messages={"required": gettext_lazy("Give it a name.")},
    )
    url = forms.CharField(
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("Begins with https://. We send a POST there."),
        max_length=LONGEST_URL,
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Write the address of your code.")},
    )


@never_cache
@require_http_methods(["GET", "POST"])
def data_action_new(request: HttpRequest) -> HttpResponse:
    """Make a Data Action; show its secret this once."""
    who = administrator(request)
    form = DataActionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given: dict[str, Any] = {**form.cleaned_data, "by": who.user, "now": who.now}
        try:
            row, secret = add_data_action(account=who.account, **given)
        except DefinitionError as refused:
            form.add_error(refused.field or None, refused.reason)
        else:
            return _show_secret(request, who, row, secret)
    return render(request, "settings/data_action.html", {**base(who), "form": form})


@never_cache
@require_http_methods(["GET", "POST"])
def data_action(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Show a Data Action with how it is; change it or its secret."""
    who = administrator(request)
    row = definition_of(who, "data-actions", pk)
    assert isinstance(row, DataAction)
    if request.method == "GET":
        return _page(request, who, row)
    deed = {"begin": _begin, "end": _end}.get(request.POST.get("do", ""), _save)
    return deed(request, who, row)


def _save(request: HttpRequest, who: Administrator, row: DataAction) -> HttpResponse:
    form = DataActionForm(request.POST)
    if not form.is_valid():
        return _page(request, who, row, form=form)
    name, url = form.cleaned_data["name"], form.cleaned_data["url"]
    try:
        if " ".join(name.split()).casefold() != row.name.casefold():
            refuse_if_used(row, _("%(name)s cannot be called otherwise: %(users)s."))
        change_data_action(
            action=row, name=name, url=url, is_on=row.is_on, **_deed(request, who, row)
        )
    except DefinitionChangedError as changed:
        return _changed(request, who, row, changed, form)
    except DefinitionError as refused:
        form.add_error(refused.field or None, refused.reason)
        return _page(request, who, row, form=form)
    messages.success(request, _("It is saved."))
    return HttpResponseRedirect(url_of(row))


def _begin(request: HttpRequest, who: Administrator, row: DataAction) -> HttpResponse:
    try:
        row, secret = begin_new_secret(action=row, **_deed(request, who, row))
    except DefinitionError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(url_of(row))
    return _show_secret(request, who, row, secret)


def _end(request: HttpRequest, who: Administrator, row: DataAction) -> HttpResponse:
    try:
        end_old_secret(action=row, **_deed(request, who, row))
    except DefinitionError as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, _("Only the new secret signs now."))
    return HttpResponseRedirect(url_of(row))


def _deed(request: HttpRequest, who: Administrator, row: DataAction) -> dict[str, Any]:
    version = posted_number(request, "version")
    seen = row.version if version is None else version
    return {"version": seen, "by": who.user, "now": who.now}


def _show_secret(
    request: HttpRequest, who: Administrator, row: DataAction, secret: str
) -> HttpResponse:
    return _page(request, who, row, secret=secret)


def _changed(
    request: HttpRequest,
    who: Administrator,
    row: DataAction,
    changed: DefinitionChangedError,
    form: DataActionForm,
) -> HttpResponse:
    """Show what was typed, over what somebody else has saved meanwhile."""
    fresh = DataAction.objects.get(pk=row.pk)
    form.add_error(None, changed.reason)
    now = [(_("Name"), fresh.name), (_("Address"), fresh.url)]
    return _page(request, who, fresh, form=form, differences=now)


def _page(request: HttpRequest, who: Administrator, row: DataAction, **shown: Any) -> HttpResponse:
    form = shown.pop("form", None) or DataActionForm(initial={"name": row.name, "url": row.url})
    context = {**base(who), "row": row, "form": form, **shown}
    return render(request, "settings/data_action.html", context)
