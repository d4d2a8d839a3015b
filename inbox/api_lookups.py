"""How do programs set who outside may be asked: Data Actions, CRM connectors, tables kept here?

Secrets go in and never come out; a Data Action's own is in the one answer that makes it.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import Administrator, administrator
from inbox import api_shapes as shapes
from inbox.api_answers import asked_of, private, told
from inbox.api_shapes import answers
from inbox.setup.lookups import Definition, refuse_if_used, remove_lookup
from inbox.views.settings.lookups import definition_of
from routing.crm_fields import Field, fields_from
from routing.crm_tables import Sheet, TableFileError, read_table
from routing.lookups import (
    DefinitionError,
    Wanted,
    add_connector,
    add_data_action,
    add_table,
    begin_new_secret,
    change_connector,
    change_data_action,
    delete_table,
    end_old_secret,
    replace_table,
)
from routing.models import CrmConnector, CrmTable, DataAction

MOST_TABLE = 5 * 1024 * 1024


class WritingDataAction(serializers.Serializer[Any]):
    """Where a customer's own code is. Its secret is made here and cannot be chosen."""

    name = serializers.CharField(max_length=40)
    url = serializers.CharField(max_length=2000)
    on = serializers.BooleanField(default=True)
    version = serializers.IntegerField(min_value=0, default=0)


class ChangingSecret(serializers.Serializer[Any]):
    """Let a new secret sign beside the old one, or end the old one."""

    do = serializers.ChoiceField(["begin", "end"])
    version = serializers.IntegerField(min_value=1)


class WritingConnector(serializers.Serializer[Any]):
    """A CRM and the facts that are wanted of it. `secrets` replaces those that it names."""

    name = serializers.CharField(max_length=40)
    kind = serializers.ChoiceField(CrmConnector.Kind.choices)
    fields_wanted = serializers.JSONField()
    url = serializers.CharField(max_length=2000, default="", allow_blank=True)
    method = serializers.ChoiceField(CrmConnector.Method.choices, default="GET")
    headers = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    body = serializers.JSONField(default=None)
    table = serializers.CharField(max_length=40, default="", allow_blank=True)
    cache_minutes = serializers.IntegerField(min_value=0, max_value=24 * 60, default=10)
    secrets = serializers.DictField(
        child=serializers.CharField(allow_blank=True), default=dict, write_only=True
    )
    on = serializers.BooleanField(default=True)
    version = serializers.IntegerField(min_value=0, default=0)


class WritingTable(serializers.Serializer[Any]):
    """The rows of a table as CSV text, as the file on the page; they replace all that is there."""

    name = serializers.CharField(max_length=40, default="", allow_blank=True)
    csv = serializers.CharField(max_length=MOST_TABLE, trim_whitespace=False)
    version = serializers.DateTimeField(required=False)


# --- Data Actions ---------------------------------------------------------------------------------


@answers(shapes.DataActions, asks=WritingDataAction, posts=shapes.DataActionShape, made=True)
@api_view(["GET", "POST"])
@told
def data_actions(request: Request) -> Response:
    """List the account's Data Actions, or make one: the answer has its secret, this once."""
    who = administrator(request._request)
    if request.method == "GET":
        rows = DataAction.objects.filter(account=who.account)
        return private({"data_actions": [_action(row) for row in rows]})
    asked = asked_of(WritingDataAction, request)
    row, secret = add_data_action(
        account=who.account, name=asked["name"], url=asked["url"], by=who.user, now=who.now
    )
    return private({**_action(row), "secret": secret}, status=201)


@answers(shapes.DataActionShape, asks=WritingDataAction, puts=shapes.DataActionShape, deletes=True)
@api_view(["GET", "PUT", "DELETE"])
@told
def data_action(request: Request, pk: int) -> Response:
    """Read, change or delete a Data Action."""
    who = administrator(request._request)
    row = definition_of(who, "data-actions", pk)
    assert isinstance(row, DataAction)
    if request.method == "DELETE":
        remove_lookup(row=row, by=who.user, now=who.now)
        return private(None, status=204)
    if request.method == "PUT":
        asked = asked_of(WritingDataAction, request)
        _refuse_other_name(row, asked["name"])
        row = change_data_action(
            action=row,
            name=asked["name"],
            url=asked["url"],
            is_on=asked["on"],
            version=asked["version"],
            by=who.user,
            now=who.now,
        )
    return private(_action(row))


@answers(asks=ChangingSecret, posts=shapes.DataActionShape)
@api_view(["POST"])
@told
def data_action_secret(request: Request, pk: int) -> Response:
    """Begin a new secret, which is in the answer this once; or end the old one."""
    who = administrator(request._request)
    row = definition_of(who, "data-actions", pk)
    assert isinstance(row, DataAction)
    asked = asked_of(ChangingSecret, request)
    deed: dict[str, Any] = {"version": asked["version"], "by": who.user, "now": who.now}
    if asked["do"] == "end":
        return private(_action(end_old_secret(action=row, **deed)))
    row, secret = begin_new_secret(action=row, **deed)
    return private({**_action(row), "secret": secret})


def _action(row: DataAction) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "url": row.url,
        "on": row.is_on,
        "has_new_secret": bool(row.secret_next),
        "version": row.version,
    }


# --- CRM connectors -------------------------------------------------------------------------------


@answers(shapes.Connectors, asks=WritingConnector, posts=shapes.ConnectorShape, made=True)
@api_view(["GET", "POST"])
@told
def connectors(request: Request) -> Response:
    """List the account's CRM connectors, or make one."""
    who = administrator(request._request)
    if request.method == "GET":
        rows = CrmConnector.objects.filter(account=who.account).select_related("table")
        return private({"connectors": [_connector(row) for row in rows]})
    wanted = _wanted(who, asked_of(WritingConnector, request))
    row = add_connector(account=who.account, wanted=wanted, by=who.user, now=who.now)
    return private(_connector(row), status=201)


@answers(shapes.ConnectorShape, asks=WritingConnector, puts=shapes.ConnectorShape, deletes=True)
@api_view(["GET", "PUT", "DELETE"])
@told
def connector(request: Request, pk: int) -> Response:
    """Read, change or delete a CRM connector."""
    who = administrator(request._request)
    row = definition_of(who, "connectors", pk)
    assert isinstance(row, CrmConnector)
    if request.method == "DELETE":
        remove_lookup(row=row, by=who.user, now=who.now)
        return private(None, status=204)
    if request.method == "PUT":
        asked = asked_of(WritingConnector, request)
        _refuse_other_name(row, asked["name"])
        wanted = _wanted(who, asked)
        deed: dict[str, Any] = {"version": asked["version"], "by": who.user, "now": who.now}
        row = change_connector(connector=row, wanted=wanted, **deed)
    return private(_connector(row))


def _connector(row: CrmConnector) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "kind": row.kind,
        "fields_wanted": row.fields,
        "url": row.url,
        "method": row.method,
        "headers": row.headers,
        "body": row.body,
        "table": row.table.name if row.table else "",
        "cache_minutes": row.cache_minutes,
        "secrets_set": sorted(row.secret_values()),
        "on": row.is_on,
        "version": row.version,
    }


def _wanted(who: Administrator, asked: Mapping[str, Any]) -> Wanted:
    return Wanted(
        name=asked["name"],
        kind=asked["kind"],
        fields=_fields(asked["fields_wanted"]),
        url=asked["url"],
        method=asked["method"],
        headers=asked["headers"],
        body=asked["body"],
        table=_table_named(who, asked["table"]),
        cache_minutes=asked["cache_minutes"],
        is_on=asked["on"],
        new_secrets=asked["secrets"],
    )


def _fields(stored: object) -> tuple[Field, ...]:
    try:
        return fields_from(stored)
    except ValueError as error:
        raise DefinitionError(_("Facts are a list of names, paths and kinds."), "fields") from error


def _table_named(who: Administrator, name: str) -> CrmTable | None:
    if not name:
        return None
    table = CrmTable.objects.filter(account=who.account, name__iexact=name).first()
    if table is None:
        raise DefinitionError(_("There is no table of this name."), "table")
    return table


def _refuse_other_name(row: Definition, name: str) -> None:
    if " ".join(name.split()).casefold() != row.name.casefold():
        refuse_if_used(row, _("%(name)s cannot be called otherwise: %(users)s."))


# --- Tables kept here -----------------------------------------------------------------------------


@answers(shapes.Tables, asks=WritingTable, posts=shapes.TableShape, made=True)
@api_view(["GET", "POST"])
@told
def tables(request: Request) -> Response:
    """List the account's tables, or make one from CSV text."""
    who = administrator(request._request)
    if request.method == "GET":
        rows = CrmTable.objects.filter(account=who.account)
        return private({"tables": [_table(row) for row in rows]})
    asked = asked_of(WritingTable, request)
    sheet = _sheet(who, asked["csv"])
    deed: dict[str, Any] = {"by": who.user, "now": who.now}
    made = add_table(account=who.account, name=asked["name"], sheet=sheet, **deed)
    return private({**_table(made), **_left_out(sheet)}, status=201)


@answers(shapes.TableShape, asks=WritingTable, puts=shapes.TableShape, deletes=True)
@api_view(["GET", "PUT", "DELETE"])
@told
def table(request: Request, pk: int) -> Response:
    """Read what a table is, replace its rows, or delete it."""
    who = administrator(request._request)
    row = CrmTable.objects.select_related("account").filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such table.")
    if request.method == "DELETE":
        delete_table(table=row, by=who.user, now=who.now)
        return private(None, status=204)
    if request.method == "GET":
        return private(_table(row))
    asked = asked_of(WritingTable, request)
    sheet = _sheet(who, asked["csv"])
    seen: datetime = asked.get("version", row.changed_at)
    row = replace_table(table=row, sheet=sheet, seen=seen, by=who.user, now=who.now)
    return private({**_table(row), **_left_out(sheet)})


def _sheet(who: Administrator, csv: str) -> Sheet:
    try:
        return read_table(csv.encode(), country=who.account.default_country)
    except TableFileError as error:
        raise DefinitionError(error.reason, "csv") from error


def _table(row: CrmTable) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "columns": row.columns,
        "rows": row.rows.count(),
        "version": row.changed_at.isoformat(),
    }


def _left_out(sheet: Sheet) -> dict[str, Any]:
    return {
        "left_out": [asdict(one) for one in sheet.errors],
        "left_out_more": sheet.more_errors,
    }
