"""How is what is asked and written all day put into SQL only once?

The ORM writes the SQL of a query anew each time, which takes several times as long as asking it. A
`Prepared` query is written in the ORM like any other, compiled when it is first asked, and from
then on only given new values. Its text never changes, so PostgreSQL keeps its plan as well.
`write_fields` and `insert_row` do the same for a row's own columns.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    DateTimeField,
    Expression,
    F,
    Field,
    ForeignKey,
    Func,
    GenericIPAddressField,
    IntegerField,
    JSONField,
    Model,
    PositiveIntegerField,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.lookups import IsNull
from django.db.models.query import FlatValuesListIterable, ValuesListIterable
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError
from psycopg import RawCursor
from psycopg.pq import Format
from psycopg.sql import Literal

Row = TypeVar("Row")
AnyField: TypeAlias = "Field[Any, Any]"


class Given(Expression):
    """A value that comes when the query is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Any:
        """Stand in the SQL as a parameter, and among the parameters as ourselves."""
        return "%s", (self,)


class OneOf(Func):
    """The condition that a key is one of these numbers: `key__in`, whose numbers may come later."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("

    def __init__(self, key: str, numbers: "Iterable[int] | Given") -> None:
        if not isinstance(numbers, Given):
            of_numbers = ArrayField(BigIntegerField())
            numbers = Value(sorted(numbers), output_field=of_numbers)  # type: ignore[assignment]
        super().__init__(F(key), numbers, output_field=BooleanField())


def is_any(rows: "QuerySet[Any, Any]") -> IsNull:
    """The condition that there is such a row, looked up for the outer row at hand.

    For EXISTS, PostgreSQL may read all the rows of everybody before the first outer row, since it
    does not know that only a few outer rows are wanted.
    """
    return IsNull(Subquery(rows.order_by().values("pk")[:1]), False)


class _Ready(NamedTuple, Generic[Row]):
    """A query that has been put into SQL. `make` turns what comes into rows where that is all."""

    queryset: "QuerySet[Any, Row]"
    compiler: SQLCompiler
    sql: str
    names: Sequence[str]
    form: Format
    make: Callable[[list[Any]], list[Row]] | None


# Django reads these from text; the rest comes in binary form, which psycopg reads faster.
_AS_TEXT = (JSONField, GenericIPAddressField)
_AS_THEY_COME: Mapping[type, Callable[[list[Any]], list[Any]]] = {
    ValuesListIterable: lambda rows: rows,
    FlatValuesListIterable: lambda rows: [value for (value,) in rows],
}


class Prepared(Generic[Row]):
    """A query over model instances or values, given as a function of what is to be filled in.

    The function gets a `Given` for each value: it may stand where a value may stand in `filter`,
    not in slices, lists or conditions of Python.
    """

    def __init__(self, ask: Callable[..., "QuerySet[Any, Row]"]) -> None:
        self._ask = ask
        self._ready: _Ready[Row] | None = None

    def all(self, **values: object) -> list[Row]:
        """Ask, and return every row."""
        queryset, compiler, sql, names, form, make = self._ready or self._prepare(values)
        connection = connections[DEFAULT_DB_ALIAS]
        if queryset.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("A query that locks needs a transaction.")
        rows = _fetch(connection, sql, [values[name] for name in names], form)
        if make:
            return make(rows)
        bound = copy.copy(compiler)
        vars(bound).update(connection=connection, execute_sql=lambda *_, **__: [rows])
        asked = queryset.all()
        vars(asked.query)["get_compiler"] = lambda *_, **__: bound
        return list(asked)

    def first(self, **values: object) -> Row | None:
        """Ask, and return the first row; the query itself must see to it that few come."""
        return next(iter(self.all(**values)), None)

    def _prepare(self, values: dict[str, object]) -> "_Ready[Row]":
        queryset = self._ask(**{name: Given(name) for name in values})
        compiler = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
        sql, places = compiler.as_sql()
        converters = compiler.get_converters([column[0] for column in compiler.select])
        vars(compiler)["get_converters"] = lambda expressions: converters
        sql, names = _numbered(sql, places)
        make = None if converters else _AS_THEY_COME.get(queryset._iterable_class)
        columns = [expression.output_field for expression, *_ in compiler.select]
        form = Format.TEXT if any(isinstance(c, _AS_TEXT) for c in columns) else Format.BINARY
        self._ready = _Ready(queryset, compiler, sql, names, form, make)
        return self._ready


def write_fields(row: Model, *names: str) -> None:
    """Write these fields of a row that exists, or all: `save(update_fields=…)` for hot stories.

    Raises LookupError if the row is gone.
    """
    sql, fields = _update_of(type(row), names)
    connection = connections[DEFAULT_DB_ALIAS]
    values = [_value_of(row, field, connection) for field in fields]
    if not _fetch(connection, sql, [*values, row.pk]):
        raise LookupError(f"{type(row).__name__} {row.pk} is gone.")


def insert_row(row: Model) -> None:
    """Insert a new row with a number of the database's choice: `save(force_insert=True)`."""
    sql, fields = _insert_of(type(row))
    connection = connections[DEFAULT_DB_ALIAS]
    values = [_value_of(row, field, connection) for field in fields]
    [[row.pk]] = _fetch(connection, sql, values)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


# What goes to the database as it is: most of all, and then nobody need be asked how.
_PLAIN = frozenset(
    {
        *((kind, int) for kind in (IntegerField, BigIntegerField, PositiveIntegerField)),
        *((CharField, str), (TextField, str), (BooleanField, bool), (DateTimeField, datetime)),
        (ForeignKey, int),
    }
)


def _value_of(row: Model, field: AnyField, connection: Any) -> object:
    value = getattr(row, field.attname)
    if value is None or (type(field), type(value)) in _PLAIN:
        return value
    return field.get_db_prep_save(value, connection=connection)


@lru_cache(maxsize=256)
def _update_of(model: type[Model], names: tuple[str, ...]) -> tuple[str, Sequence[AnyField]]:
    fields = [field for field in _own_fields(model) if not names or field.name in names]
    assert len(fields) == len(names) or not names, f"{model.__name__} has not all of {names}"
    sets = ", ".join(f'"{field.column}" = ${n}' for n, field in enumerate(fields, start=1))
    table, key = model._meta.db_table, model._meta.pk.column
    where = f'"{key}" = ${len(fields) + 1}'
    sql = f'UPDATE "{table}" SET {sets} WHERE {where} RETURNING "{key}"'  # noqa: S608
    return sql, fields


@lru_cache(maxsize=256)
def _insert_of(model: type[Model]) -> tuple[str, Sequence[AnyField]]:
    fields = _own_fields(model)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(f"${n}" for n, _ in enumerate(fields, start=1))
    table, key = model._meta.db_table, model._meta.pk.column
    sql = f'INSERT INTO "{table}" ({columns}) VALUES ({places}) RETURNING "{key}"'  # noqa: S608
    return sql, fields


def _own_fields(model: type[Model]) -> list[AnyField]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def fetch(sql: str, values: list[object]) -> list[tuple[Any, ...]]:
    """Ask a statement that stays the same, whose places are `$1`, `$2`…: it is planned once."""
    return _fetch(connections[DEFAULT_DB_ALIAS], sql, values)


def _fetch(
    connection: Any, sql: str, values: list[object], form: Format = Format.TEXT
) -> list[tuple[Any, ...]]:
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    raw = connection.connection
    raw.prepare_threshold = 0  # of no effect on Django's own cursors, which never prepare
    with connection.wrap_database_errors:
        numbered = RawCursor(raw)
        numbered.format = form
        cursor = connection._prepare_cursor(numbered)
    with cursor:
        cursor.execute(sql, values)
        if connection.queries_logged:
            # psycopg does not tell the text of a kept query; whoever counts queries wants to know.
            connection.queries_log[-1]["sql"] = sql
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _numbered(sql: str, places: Sequence[Any]) -> tuple[str, list[str]]:
    """Number the places of what is given, and return the names in the order of their numbers.

    What never changes is written into the text: a kept plan can use a partial index only then.
    """
    names = list(dict.fromkeys(place.name for place in places if isinstance(place, Given)))
    first, *rest = (text.replace("%%", "%") for text in sql.split("%s"))
    filled = (
        f"${names.index(place.name) + 1}"
        if isinstance(place, Given)
        else Literal(place).as_string()
        for place in places
    )
    return first + "".join(place + text for place, text in zip(filled, rest, strict=True)), names
