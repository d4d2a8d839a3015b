"""Which CRMs does an account ask about its customers, and for which facts?"""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.administrators import Administrator, administrator
from accounts.numbers import number_in
from inbox.setup.lookups import refuse_if_used
from inbox.views.settings.answers import posted_number
from inbox.views.settings.connector_forms import FIELD_KINDS, ConnectorForm, Kind
from inbox.views.settings.lookups import base, definition_of, url_of
from routing.crm import VARIABLES
from routing.lookups import (
    DefinitionChangedError,
    DefinitionError,
    Wanted,
    add_connector,
    change_connector,
)
from routing.models import CrmConnector, CrmTable

# Where on the page the field is that a story names.
_PLACES = {"definition": "", "fields": "field-0-name", "secrets": "secret-0-value"}


@require_http_methods(["GET", "POST"])
def connector_new(request: HttpRequest, *, kind: str) -> HttpResponse:
    """Make a connector of a kind."""
    who = administrator(request)
    if kind not in Kind.values:
        raise Http404("No such kind.")
    tables = _tables(who)
    if request.method == "GET":
        chosen = number_in(request.GET.get("table", ""))
        table = next((one for one in tables if one.pk == chosen), None)
        return _page(request, who, ConnectorForm.new(kind, table), tables)
    form = ConnectorForm.posted(request.POST, kind, frozenset())
    if form.do(request.POST.get("do", "")) or not (wanted := form.wanted(tables)):
        return _page(request, who, form, tables)
    try:
        row = add_connector(account=who.account, wanted=wanted, by=who.user, now=who.now)
    except DefinitionError as refused:
        _refuse(form, refused)
        return _page(request, who, form, tables)
    messages.success(request, _("%(name)s is there. Try it.") % {"name": row.name})
    return HttpResponseRedirect(url_of(row))


@require_http_methods(["GET", "POST"])
def connector(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Show a connector with how it is; change it."""
    who = administrator(request)
    row = definition_of(who, "connectors", pk)
    assert isinstance(row, CrmConnector)
    tables = _tables(who)
    if request.method == "GET":
        return _page(request, who, ConnectorForm.of(row), tables, row)
    form = ConnectorForm.posted(request.POST, row.kind, frozenset(row.secret_values()))
    version = posted_number(request, "version")
    version = row.version if version is None else version
    if form.do(request.POST.get("do", "")) or not (wanted := form.wanted(tables)):
        return _page(request, who, form, tables, row, version=version)
    return _save(request, who, row, form, wanted, version)


def _save(
    request: HttpRequest,
    who: Administrator,
    row: CrmConnector,
    form: ConnectorForm,
    wanted: Wanted,
    version: int,
) -> HttpResponse:
    shown: dict[str, Any] = {"version": version}
    try:
        if " ".join(wanted.name.split()).casefold() != row.name.casefold():
            refuse_if_used(row, _("%(name)s cannot be called otherwise: %(users)s."))
        change_connector(connector=row, wanted=wanted, version=version, by=who.user, now=who.now)
    except DefinitionChangedError as changed:
        row = CrmConnector.objects.select_related("table").get(pk=row.pk)
        form.refuse("", changed.reason)
        shown = {"version": row.version, "differences": _differences(form, row)}
    except DefinitionError as refused:
        _refuse(form, refused)
    if not form.errors:
        messages.success(request, _("It is saved."))
        return HttpResponseRedirect(url_of(row))
    return _page(request, who, form, _tables(who), row, **shown)


def _refuse(form: ConnectorForm, refused: DefinitionError) -> None:
    form.refuse(_PLACES.get(refused.field, refused.field), refused.reason)


def _differences(form: ConnectorForm, row: CrmConnector) -> list[tuple[str, str]]:
    """Say what is kept now where it is not what was typed; of secrets only their names."""
    typed, kept = _told(form), _told(ConnectorForm.of(row))
    return [(label, words) for label, words in kept.items() if typed[label] != words]


def _told(form: ConnectorForm) -> dict[str, str]:
    return {
        _("Name"): form.name,
        _("Address"): form.url,
        _("Method"): form.method,
        _("Body"): form.body,
        _("Minutes"): form.cache_minutes,
        _("Headers"): "; ".join(f"{one.name}: {one.value}" for one in form.headers),
        _("Facts"): "; ".join(f"{one.name} = {one.path} ({one.kind})" for one in form.facts),
        _("Secrets"): ", ".join(sorted(one.name for one in form.secrets)),
    }


def _tables(who: Administrator) -> Sequence[CrmTable]:
    return list(CrmTable.objects.filter(account=who.account))


def _page(
    request: HttpRequest,
    who: Administrator,
    form: ConnectorForm,
    tables: Sequence[CrmTable],
    row: CrmConnector | None = None,
    **shown: Any,
) -> HttpResponse:
    context = {
        **base(who),
        "form": form,
        "row": row,
        "kind_words": Kind(form.kind).label,
        "tables": tables,
        "field_kinds": FIELD_KINDS,
        "variables": sorted(VARIABLES),
        "version": row.version if row else None,
        **shown,
    }
    return render(request, "settings/connector.html", context)
