"""What did an admin write about a CRM? Rows that buttons add and remove, and words for mistakes.

A secret goes in and never comes out: what was typed of one is not shown again, not even to who
typed it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils.translation import gettext as _

from accounts.numbers import number_in
from routing.crm import MOST_HEADERS
from routing.crm_fields import MOST_FIELDS, Field, FieldKind
from routing.lookups import MOST_SECRETS, Wanted
from routing.models import CrmConnector, CrmTable

Kind = CrmConnector.Kind
# Connectors that we wrote know their one secret by this name.
TOKEN = "token"  # noqa: S105
FIELD_KINDS = (
    (FieldKind.TEXT, _("Text")),
    (FieldKind.NUMBER, _("Number")),
    (FieldKind.YES_NO, _("Yes or no")),
    (FieldKind.LIST, _("List")),
    (FieldKind.DATE, _("Date")),
)
_MOST = {"header": MOST_HEADERS, "secret": MOST_SECRETS, "field": MOST_FIELDS}


class Row(Protocol):
    """A line of a list that a form shows."""

    has_focus: bool


@dataclass
class Header:
    """A header: its name, and a value in which `{{secret.name}}` may stand."""

    name: str = ""
    value: str = ""
    has_focus: bool = False


@dataclass
class Secret:
    """A secret by its name; `value` is what is to be put in its place, blank for no change."""

    name: str = ""
    is_set: bool = False
    value: str = field(default="", repr=False)
    has_focus: bool = False

    @property
    def was_typed(self) -> bool:
        """Say whether something was typed that is not shown again."""
        return bool(self.value)


@dataclass
class Fact:
    """A fact that is wanted of an answer, and where it is."""

    name: str = ""
    path: str = ""
    kind: str = FieldKind.TEXT
    has_focus: bool = False


@dataclass
class ConnectorForm:
    """A connector as written. `known` names the secrets that are set."""

    kind: str
    name: str = ""
    url: str = ""
    method: str = "GET"
    body: str = ""
    table: str = ""
    cache_minutes: str = "10"
    is_on: bool = True
    headers: list[Header] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    known: frozenset[str] = frozenset()
    errors: list[tuple[str, str]] = field(default_factory=list)

    # --- Where it comes from ---

    @classmethod
    def new(cls, kind: str, table: CrmTable | None = None) -> "ConnectorForm":
        """Begin a new one; of a table with all its columns."""
        form = cls(kind, facts=[Fact()])
        if kind in (Kind.HUBSPOT, Kind.SALESFORCE):
            form.secrets = [Secret(TOKEN)]
        if table:
            form.table = str(table.pk)
            form.facts = [Fact(fact_name(one), one) for one in table.columns]
        return form

    @classmethod
    def of(cls, row: CrmConnector) -> "ConnectorForm":
        """Show one as it is kept."""
        known = frozenset(row.secret_values())
        names = sorted(known) if row.kind == Kind.JSON else [TOKEN]
        return cls(
            row.kind,
            name=row.name,
            url=row.url,
            method=row.method,
            body="" if row.body is None else json.dumps(row.body, indent=2, ensure_ascii=False),
            table=str(row.table_id or ""),
            cache_minutes=str(row.cache_minutes),
            is_on=row.is_on,
            headers=[Header(name, value) for name, value in row.headers.items()],
            secrets=[Secret(name, name in known) for name in names],
            facts=[
                Fact(one.get("name", ""), one.get("path", ""), one.get("kind", FieldKind.TEXT))
                for one in row.fields
            ],
            known=known,
        )

    @classmethod
    def posted(cls, data: Mapping[str, str], kind: str, known: frozenset[str]) -> "ConnectorForm":
        """Take what a browser sent."""
        return cls(
            kind,
            name=data.get("name", ""),
            url=data.get("url", "").strip(),
            method=data.get("method", "GET"),
            body=data.get("body", ""),
            table=data.get("table", ""),
            cache_minutes=data.get("cache_minutes", "10").strip(),
            is_on=bool(data.get("is_on")),
            headers=[
                Header(data.get(f"header-{n}-name", "").strip(), data.get(f"header-{n}-value", ""))
                for n in _numbers(data, "header")
            ],
            secrets=[_secret(data, n, known) for n in _numbers(data, "secret")],
            facts=[
                Fact(
                    data.get(f"field-{n}-name", "").strip(),
                    data.get(f"field-{n}-path", "").strip(),
                    data.get(f"field-{n}-kind", ""),
                )
                for n in _numbers(data, "field")
            ],
            known=known,
        )

    # --- Rows ---

    def do(self, what: str) -> bool:
        """Do what a button other than Save says: add-header, remove-field-2. False if unknown."""
        verb, _dash, rest = what.partition("-")
        name, _dash, number = rest.partition("-")
        rows: dict[str, tuple[list[Any], type[Any]]] = {
            "header": (self.headers, Header),
            "secret": (self.secrets, Secret),
            "field": (self.facts, Fact),
        }
        if name not in rows:
            return False
        lines, make = rows[name]
        if verb == "add" and len(lines) < _MOST[name]:
            lines.append(make(has_focus=True))
        elif verb == "remove" and (n := number_in(number)) is not None and n < len(lines):
            del lines[n]
            if lines:
                lines[min(n, len(lines) - 1)].has_focus = True
        return True

    @property
    def may_have_more_headers(self) -> bool:
        """Say whether there is room for another header."""
        return len(self.headers) < MOST_HEADERS

    @property
    def may_have_more_secrets(self) -> bool:
        """Say whether there is room for another secret."""
        return len(self.secrets) < MOST_SECRETS

    @property
    def may_have_more_facts(self) -> bool:
        """Say whether there is room for another fact."""
        return len(self.facts) < MOST_FIELDS

    # --- What is meant ---

    def wanted(self, tables: Sequence[CrmTable]) -> Wanted | None:
        """Return the connector that is meant; None where something can be read in no way."""
        body = self._body()
        minutes = number_in(self.cache_minutes)
        if minutes is None or minutes > 100_000:
            self.refuse("cache_minutes", _("Write a number of minutes, such as 10."))
        facts = [self._fact(one, n) for n, one in enumerate(self.facts) if one.name or one.path]
        if self.errors:
            return None
        is_json = self.kind == Kind.JSON
        return Wanted(
            name=self.name,
            kind=self.kind,
            fields=tuple(facts),
            url=""
            if self.kind == Kind.TABLE
            else self.url.rstrip("/ ")
            if not is_json
            else self.url,
            method=self.method if is_json else CrmConnector.Method.GET,
            headers={one.name: one.value for one in self.headers if one.name or one.value}
            if is_json
            else {},
            body=body if is_json else None,
            table=next((one for one in tables if str(one.pk) == self.table), None)
            if self.kind == Kind.TABLE
            else None,
            cache_minutes=minutes or 0,
            is_on=self.is_on,
            new_secrets=self._new_secrets(),
        )

    def refuse(self, place: str, words: str) -> None:
        """Say what is wrong, and at which field."""
        self.errors.append((f"id_{place}" if place else "", words))

    def _body(self) -> Any:
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            self.refuse("body", _("The body must be JSON."))
            return None

    def _fact(self, one: Fact, number: int) -> Field:
        try:
            return Field(one.name, one.path, FieldKind(one.kind))
        except ValueError:
            self.refuse(f"field-{number}-kind", _("Choose what kind of fact it is."))
            return Field(one.name, one.path)

    def _new_secrets(self) -> dict[str, str]:
        given = {one.name: one.value for one in self.secrets if one.name and one.value}
        kept = {one.name for one in self.secrets}
        return {**dict.fromkeys(self.known - kept, ""), **given}


def fact_name(column: str) -> str:
    """Make the name of a fact of that of a column."""
    plain = "".join(one if one.isascii() and one.isalnum() else "_" for one in column.lower())
    plain = plain.strip("_")
    return (plain if plain[:1].isalpha() else f"f_{plain}")[:40]


def _numbers(data: Mapping[str, str], name: str) -> list[int]:
    return [n for n in range(_MOST[name]) if f"{name}-{n}-name" in data]


def _secret(data: Mapping[str, str], n: int, known: frozenset[str]) -> Secret:
    name = data.get(f"secret-{n}-name", "").strip()
    return Secret(name, name in known, data.get(f"secret-{n}-value", "").strip())
