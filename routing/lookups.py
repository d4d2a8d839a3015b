"""How is it set who outside may be asked? Each change is checked, noted, and loses nobody's own.

Secrets go in and never come out again: a Data Action's is shown once, when it is made.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.db import models, transaction
from django.utils.translation import gettext as _

from accounts.audit import Snapshot, changes, record, snapshot
from accounts.models import Account, User
from routing import crm
from routing.crm_fields import Field, fields_problems
from routing.crm_tables import Sheet
from routing.lookup_models import LONGEST_NAME, MOST_MINUTES
from routing.models import CrmConnector, CrmRow, CrmTable, DataAction

MOST_DEFINITIONS = 50
MOST_SECRETS = 10
LONGEST_SECRET = 4000
SECRET_BYTES = 32
# What is not set by a person.
_UNTOLD = {
    *("id", "account", "version", "created_at", "changed_at"),
    *("answered_at", "failed_at", "failure", "failures"),
}
Row = TypeVar("Row", DataAction, CrmConnector)
Kinds = (DataAction, CrmConnector)


class DefinitionError(Exception):
    """Something about a definition is wrong. `reason` is fit for a person, `field` says where."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


class DefinitionChangedError(DefinitionError):
    """Somebody else changed it meanwhile."""

    def __init__(self) -> None:
        super().__init__(_("Somebody else changed this meanwhile. Look again, then save."))


# --- Data Actions ---


@transaction.atomic(durable=True)
def add_data_action(
    *, account: Account, name: str, url: str, by: User, now: datetime
) -> tuple[DataAction, str]:
    """Add a Data Action; return it and its secret, which is not shown again.

    Raises DefinitionError.
    """
    _hold(account)
    check_url(url)
    name, secret = _checked_name(name, account), new_secret()
    row = DataAction.objects.create(
        account=account, name=name, url=url, secret=secret, created_at=now, changed_at=now
    )
    _note(row, "data_action_added", None, by=by, now=now)
    return row, secret


@transaction.atomic(durable=True)
def change_data_action(
    *, action: DataAction, name: str, url: str, is_on: bool, version: int, by: User, now: datetime
) -> DataAction:
    """Change a Data Action as it was in `version`. Raises DefinitionError."""
    check_url(url)

    def change(row: DataAction) -> None:
        row.name, row.url, row.is_on = _checked_name(name, row.account, row), url, is_on

    return _change(action, change, "data_action_changed", version=version, by=by, now=now)


@transaction.atomic(durable=True)
def begin_new_secret(
    *, action: DataAction, version: int, by: User, now: datetime
) -> tuple[DataAction, str]:
    """Let a new secret sign beside the old one; return it, which is not shown again.

    One that was begun before and never ended is replaced. Raises DefinitionError.
    """
    secret = new_secret()

    def change(row: DataAction) -> None:
        row.secret_next = secret

    row = _change(action, change, "data_action_secret_begun", version=version, by=by, now=now)
    return row, secret


@transaction.atomic(durable=True)
def end_old_secret(*, action: DataAction, version: int, by: User, now: datetime) -> DataAction:
    """Let only the new secret sign from now on. Raises DefinitionError if there is no new one."""

    def change(row: DataAction) -> None:
        if not row.secret_next:
            raise DefinitionError(_("There is no new secret; make one first."))
        row.secret, row.secret_next = row.secret_next, ""

    return _change(action, change, "data_action_secret_ended", version=version, by=by, now=now)


def new_secret() -> str:
    """Make a secret in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


# --- CRM connectors ---


@dataclass(frozen=True)
class Wanted:
    """What a connector is to be.

    `new_secrets` replaces those that it names, a blank one removes; with another host in the
    address all others are forgotten.
    """

    name: str
    kind: str
    fields: tuple[Field, ...]
    url: str = ""
    method: str = CrmConnector.Method.GET
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    table: CrmTable | None = None
    cache_minutes: int = 10
    is_on: bool = True
    new_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@transaction.atomic(durable=True)
def add_connector(*, account: Account, wanted: Wanted, by: User, now: datetime) -> CrmConnector:
    """Add a CRM connector. Raises DefinitionError."""
    _hold(account)
    row = CrmConnector(account=account, created_at=now, changed_at=now)
    _set(row, wanted)
    row.save()
    _note(row, "crm_connector_added", None, by=by, now=now)
    return row


@transaction.atomic(durable=True)
def change_connector(
    *, connector: CrmConnector, wanted: Wanted, version: int, by: User, now: datetime
) -> CrmConnector:
    """Change a CRM connector as it was in `version`. Raises DefinitionError."""
    return _change(
        connector,
        lambda row: _set(row, wanted),
        "crm_connector_changed",
        version=version,
        by=by,
        now=now,
    )


def _set(row: CrmConnector, wanted: Wanted) -> None:
    # Nobody learns a secret by having it sent to a host of their own.
    is_same_host = urlsplit(row.url).netloc == urlsplit(wanted.url).netloc
    known = row.secret_values() if is_same_host else {}
    held = {name: text for name, text in {**known, **wanted.new_secrets}.items() if text}
    row.secrets = json.dumps(held) if held else ""
    row.name = _checked_name(wanted.name, row.account, row)
    row.kind, row.url, row.method = wanted.kind, wanted.url, wanted.method
    row.headers, row.body, row.table = dict(wanted.headers), wanted.body, wanted.table
    row.fields = [asdict(one) for one in wanted.fields]
    row.cache_minutes, row.is_on = wanted.cache_minutes, wanted.is_on
    _check(row, wanted, held)


def _check(row: CrmConnector, wanted: Wanted, held: Mapping[str, str]) -> None:
    if row.kind not in CrmConnector.Kind.values:
        raise DefinitionError(_("Choose what kind of CRM it is."), "kind")
    if not 0 <= row.cache_minutes <= MOST_MINUTES:
        raise DefinitionError(_("An answer can be used again for up to a day."), "cache_minutes")
    if len(held) > MOST_SECRETS or any(len(text) > LONGEST_SECRET for text in held.values()):
        raise DefinitionError(_("There are too many secrets, or one is too long."), "secrets")
    if row.kind == CrmConnector.Kind.TABLE:
        _check_table(row, wanted)
    elif row.table:
        raise DefinitionError(_("Only a table kept here has a table."), "table")
    else:
        for problem in crm.problems(row.definition(), held):
            raise DefinitionError(problem, "definition")


def _check_table(row: CrmConnector, wanted: Wanted) -> None:
    table = row.table
    if table is None or table.account_id != row.account_id:
        raise DefinitionError(_("Choose one of your tables."), "table")
    for one in wanted.fields:
        if one.path not in table.columns:
            words = _("The table has no column “%(name)s”.") % {"name": one.path[:40]}
            raise DefinitionError(words, "fields")
    plain = [Field(one.name, "column", one.kind) for one in wanted.fields]
    for problem in fields_problems(plain):
        raise DefinitionError(problem, "fields")


@transaction.atomic(durable=True)
def switch_definition(
    *, row: DataAction | CrmConnector, is_on: bool, version: int, by: User, now: datetime
) -> None:
    """Switch a Data Action or a connector on or off. Raises DefinitionError."""

    def change(found: DataAction | CrmConnector) -> None:
        found.is_on = is_on

    action = f"{_kind_of(row)}_{'switched_on' if is_on else 'switched_off'}"
    if isinstance(row, DataAction):
        _change(row, change, action, version=version, by=by, now=now)
    else:
        _change(row, change, action, version=version, by=by, now=now)


@transaction.atomic(durable=True)
def delete_definition(*, row: DataAction | CrmConnector, by: User, now: datetime) -> None:
    """Delete a Data Action or a connector; rules that ask it go on without an answer."""
    before, pk, account = snapshot(row, _told(row)), row.pk, row.account
    row.delete()
    record(
        action=f"{_kind_of(row)}_deleted",
        subject=row.name,
        actor=by,
        account_id=account.pk,
        now=now,
        definition=pk,
        changes=changes(before, None),
    )


# --- Tables kept here ---


@transaction.atomic(durable=True)
def add_table(*, account: Account, name: str, sheet: Sheet, by: User, now: datetime) -> CrmTable:
    """Keep the rows of a file under a new name. Raises DefinitionError."""
    _hold(account)
    tables = CrmTable.objects.filter(account=account)
    if tables.filter(name__iexact=plain_name(name)).exists():
        raise DefinitionError(_("There is a table of this name already."), "name")
    if tables.count() >= MOST_DEFINITIONS:
        raise DefinitionError(_("There are too many tables; delete some first."), "name")
    return _import(account, name, sheet, by=by, now=now)


@transaction.atomic(durable=True)
def replace_table(
    *, table: CrmTable, sheet: Sheet, seen: datetime, by: User, now: datetime
) -> CrmTable:
    """Keep the rows of a file in place of all that a table holds.

    `seen` is when it had last changed as far as one knew. Raises DefinitionChangedError if it has
    changed since, DefinitionError if it is gone or the file has no usable row.
    """
    _hold(table.account)
    row = CrmTable.objects.filter(pk=table.pk).first()
    if row is None:
        raise DefinitionError(_("Somebody deleted this meanwhile."))
    if row.changed_at != seen:
        raise DefinitionChangedError
    return _import(table.account, row.name, sheet, by=by, now=now)


@transaction.atomic(durable=True)
def delete_table(*, table: CrmTable, by: User, now: datetime) -> None:
    """Delete a table with its rows. Raises DefinitionError while a look-up uses it."""
    _hold(table.account)
    if names := list(table.connectors.values_list("name", flat=True)):
        words = _("This table is used by %(names)s: delete these look-ups first.")
        raise DefinitionError(words % {"names": ", ".join(names)})
    number, pk = table.rows.count(), table.pk
    table.delete()
    record(
        action="crm_table_deleted",
        subject=table.name,
        actor=by,
        account_id=table.account_id,
        now=now,
        definition=pk,
        changes={"rows": {"before": number, "after": None}},
    )


@transaction.atomic(durable=True)
def import_table(*, account: Account, name: str, sheet: Sheet, by: User, now: datetime) -> CrmTable:
    """Keep the rows of a file under a name, in place of all that were there under it.

    Raises DefinitionError if the file has no usable row: a wrong file empties no table.
    """
    _hold(account)
    return _import(account, name, sheet, by=by, now=now)


def _import(account: Account, name: str, sheet: Sheet, *, by: User, now: datetime) -> CrmTable:
    name = plain_name(name)
    if not sheet.rows:
        raise DefinitionError(_("No row of this file can be used; nothing was changed."), "file")
    table = CrmTable.objects.filter(account=account, name__iexact=name).first()
    before = table.rows.count() if table else 0
    if table is None:
        table = CrmTable(account=account, name=name, created_at=now)
    table.columns, table.changed_at = list(sheet.columns), now
    table.save()
    table.rows.all().delete()
    CrmRow.objects.bulk_create(
        (
            CrmRow(account=account, table=table, key=key, values=dict(values))
            for key, values in sheet.rows.items()
        ),
        batch_size=2000,
    )
    record(
        action="crm_table_imported",
        subject=name,
        actor=by,
        account_id=account.pk,
        now=now,
        changes={"rows": {"before": before, "after": len(sheet.rows)}},
        left_out=len(sheet.errors) + sheet.more_errors,
    )
    return table


def row_of(connector: CrmConnector, number: str) -> Mapping[str, str] | None:
    """Return what a connector's table says of a number (E.164), by column; None if nothing."""
    found: Mapping[str, str] | None = (
        CrmRow.objects.filter(table=connector.table_id, key=number)
        .values_list("values", flat=True)
        .first()
    )
    return found


# --- How a change is made ---


def _change(
    given: Row,
    change: Callable[[Row], None],
    action: str,
    *,
    version: int,
    by: User,
    now: datetime,
) -> Row:
    _hold(given.account)
    model = type(given)
    row = model.objects.select_for_update(of=("self",)).filter(pk=given.pk).first()
    if row is None:
        raise DefinitionError(_("Somebody deleted this meanwhile."))
    if row.version != version:
        raise DefinitionChangedError
    before = snapshot(row, _told(row))
    change(row)
    row.version, row.changed_at = row.version + 1, now
    row.forget_failures()
    row.save()
    _note(row, action, before, by=by, now=now)
    return row


def _note(
    row: DataAction | CrmConnector,
    action: str,
    before: Snapshot | None,
    *,
    by: User,
    now: datetime,
) -> None:
    record(
        action=action,
        subject=row.name,
        actor=by,
        account_id=row.account_id,
        now=now,
        definition=row.pk,
        version=row.version,
        changes=changes(before, snapshot(row, _told(row))),
    )


def _kind_of(row: models.Model) -> str:
    return row._meta.verbose_name_raw.lower().replace(" ", "_")


def _told(row: models.Model) -> list[str]:
    return [one.name for one in row._meta.concrete_fields if one.name not in _UNTOLD]


def _hold(account: Account) -> None:
    """Let one change of an account's definitions follow the other: names are compared."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _checked_name(name: str, account: Account, but: DataAction | CrmConnector | None = None) -> str:
    """Return a name that no other definition of the account has: rules know them by it."""
    name = plain_name(name)
    total = 0
    for kind in Kinds:
        others = kind._default_manager.filter(account=account)
        if but is not None and but.pk and isinstance(but, kind):
            others = others.exclude(pk=but.pk)
        total += others.count()
        if others.filter(name__iexact=name).exists():
            raise DefinitionError(_("There is a look-up of this name already."), "name")
    if total >= MOST_DEFINITIONS:
        raise DefinitionError(_("There are too many look-ups; delete some first."), "name")
    return name


def plain_name(name: str) -> str:
    """Return a name without needless blanks. Raises DefinitionError unless it is fit to be one."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or "." in name or not name.isprintable():
        words = _("Give it a name of up to %(most)s characters without dots.")
        raise DefinitionError(words % {"most": LONGEST_NAME}, "name")
    return name


def check_url(url: str) -> None:
    """Refuse what is no fixed address of somebody's own code. Raises DefinitionError."""
    plain = crm.Connector(url, (Field("any", "any"),))
    for problem in crm.problems(plain):
        raise DefinitionError(problem, "url")
    if "{{" in url:
        raise DefinitionError(_("The address is always the same: write it without {{ }}."), "url")
