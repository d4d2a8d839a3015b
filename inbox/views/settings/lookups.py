"""Who outside is asked about customers? The list: customers' own code, CRMs, tables kept here."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import feature_is_on
from accounts.administrators import Administrator, administrator
from accounts.models import Feature
from inbox.setup.lookups import lookup_page, remove_lookup, said, users_of_lookups
from inbox.views.settings.answers import posted_number
from routing.lookups import DefinitionError, switch_definition
from routing.models import CrmConnector, DataAction

Definition = DataAction | CrmConnector


@require_GET
def lookups(request: HttpRequest) -> HttpResponse:
    """Show everything that may be asked, how it is, and who asks it."""
    who = administrator(request)
    context = {**base(who), "page": lookup_page(who.account, now=who.now)}
    return render(request, "settings/lookups.html", context)


@require_POST
def lookup_switch(request: HttpRequest, *, what: str, pk: int) -> HttpResponse:
    """Switch a look-up on or off."""
    who = administrator(request)
    row = definition_of(who, what, pk)
    is_on = request.POST.get("on") == "1"
    version = posted_number(request, "version")
    deed: dict[str, Any] = {"is_on": is_on, "by": who.user, "now": who.now}
    try:
        switch_definition(row=row, version=row.version if version is None else version, **deed)
    except DefinitionError as refused:
        messages.error(request, refused.reason)
    else:
        words = _("%(name)s is on.") if is_on else _("%(name)s is off: rules go on without it.")
        messages.success(request, words % {"name": row.name})
    return HttpResponseRedirect(reverse("settings_lookups"))


@require_http_methods(["GET", "POST"])
def lookup_delete(request: HttpRequest, *, what: str, pk: int) -> HttpResponse:
    """Say what is lost, then delete a look-up that nothing names."""
    who = administrator(request)
    row = definition_of(who, what, pk)
    if request.method == "GET":
        return render(request, "settings/confirm.html", _before_deleting(who, row))
    try:
        remove_lookup(row=row, by=who.user, now=who.now)
    except DefinitionError as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, _("%(name)s is deleted.") % {"name": row.name})
    return HttpResponseRedirect(reverse("settings_lookups"))


def _before_deleting(who: Administrator, row: Definition) -> dict[str, Any]:
    users = users_of_lookups(who.account).get(row.name.casefold())
    sentences = (
        [_("It cannot be deleted yet: %(users)s.") % {"users": said(users)}]
        if users
        else [_("Nothing that holds names it: no rule, no escalation policy and no text.")]
    )
    if isinstance(row, DataAction):
        sentences.append(_("Its secret is lost: a new Data Action will sign with another one."))
    else:
        sentences.append(_("What it said of customers leaves their cards; its secrets are lost."))
    return {
        **base(who),
        "question": _("Delete %(name)s?") % {"name": row.name},
        "sentences": sentences,
        "button": _("Delete"),
        "back": reverse("settings_lookups"),
    }


# --- What the pages of look-ups share ---


def base(who: Administrator) -> dict[str, Any]:
    """Return what every page of look-ups shows."""
    is_on = feature_is_on(who.account.pk, Feature.CUSTOM_ROUTING, now=who.now)
    return {"who": who, "here": "lookups", "is_routing_on": is_on}


def definition_of(who: Administrator, what: str, pk: int) -> Definition:
    """Return a look-up of the account, or raise Http404."""
    finders: dict[str, Callable[[], Definition | None]] = {
        "data-actions": lambda: DataAction.objects.filter(account=who.account, pk=pk).first(),
        "connectors": lambda: (
            CrmConnector.objects.select_related("table").filter(account=who.account, pk=pk).first()
        ),
    }
    row = finders.get(what, lambda: None)()
    if row is None:
        raise Http404("No such look-up.")
    row.account = who.account
    return row


def url_of(row: Definition) -> str:
    """Return the page on which a look-up is set."""
    name = "settings_data_action" if isinstance(row, DataAction) else "settings_connector"
    return reverse(name, kwargs={"pk": row.pk})
