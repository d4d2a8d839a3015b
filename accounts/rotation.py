"""How do all stored secrets move to the newest key while the service runs?

Each value is replaced only if it is still the one that was read, so that nobody's newer secret is
overwritten. What was moved is recognised by its key: an interrupted rotation goes on where it was.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import OperationalError
from django.db.models import JSONField, Model, TextField, Value
from django.db.models.functions import Cast

from accounts.secrets import (
    PREFIX,
    EncryptedTextField,
    SecretUnreadableError,
    encrypt,
    is_current,
    renew,
)

BATCH = 200
# A value that somebody changes again and again meanwhile is read again this often.
TRIES = 5


@dataclass(frozen=True)
class Place:
    """One secret: which column of which row. Its value is no part of its name."""

    model: str
    pk: Any
    column: str

    def __str__(self) -> str:
        return f"{self.model} {self.pk}, {self.column}"


class UnreadableSecretsError(Exception):
    """No configured key opens some of the stored secrets: nothing was changed."""

    def __init__(self, places: list[Place]) -> None:
        super().__init__(f"{len(places)} stored secrets cannot be read.")
        self.places = places

    @property
    def reason(self) -> str:
        """Name them."""
        return "\n".join(
            [
                f"No key of SECRET_FIELD_KEYS opens {len(self.places)} stored secrets:",
                *(f"  {place}" for place in self.places),
                "Nothing was changed. Add the key that wrote them, or set these secrets anew.",
            ]
        )


@dataclass
class Report:
    """What a rotation found and did."""

    moved: dict[str, int] = field(default_factory=dict)
    current: dict[str, int] = field(default_factory=dict)
    busy: list[Place] = field(default_factory=list)

    @property
    def total_moved(self) -> int:
        """Return how many secrets moved, or would move."""
        return sum(self.moved.values())


class Column(Protocol):
    """A column that holds secrets."""

    name: str

    def rows(self, after: Any) -> list[tuple[Any, Any]]:
        """Return the next rows as (key, what is stored), in the order of their keys."""

    def fetch(self, pk: Any) -> Any:
        """Return what is stored in one row now, or None if there is nothing."""

    def replace(self, pk: Any, old: Any, new: Any) -> bool:
        """Write if the old value still stands; say whether it did."""

    def place(self, pk: Any) -> Place:
        """Name one secret."""

    def is_current(self, stored: Any) -> bool:
        """Say whether the newest key alone opens it."""

    def renew(self, stored: Any) -> Any:
        """Return it encrypted with the newest key. Raises SecretUnreadableError."""


class _Texts:
    """An encrypted column."""

    def __init__(self, model: type[Model], column: str) -> None:
        self._model, self._column = model, column
        self.name = f"{model._meta.label}.{column}"

    def _raw(self) -> Any:
        # Cast to a plain text, so that the value comes as it is stored.
        rows = self._model._base_manager.annotate(stored=Cast(self._column, TextField()))
        return rows.exclude(stored="").exclude(stored=None)

    def rows(self, after: Any) -> list[tuple[Any, str]]:
        rows = self._raw().order_by("pk")
        if after is not None:
            rows = rows.filter(pk__gt=after)
        return list(rows.values_list("pk", "stored")[:BATCH])

    def fetch(self, pk: Any) -> str | None:
        found: str | None = self._raw().filter(pk=pk).values_list("stored", flat=True).first()
        return found

    def replace(self, pk: Any, old: str, new: str) -> bool:
        same = self._raw().filter(pk=pk, stored=old)
        return bool(same.update(**{self._column: Value(new, output_field=TextField())}))

    def place(self, pk: Any) -> Place:
        return Place(self._model._meta.label, pk, self._column)

    def is_current(self, stored: str) -> bool:
        return is_current(stored)

    def renew(self, stored: str) -> str:
        return renew(stored)


class _SecondFactors:
    """The secrets inside the JSON of allauth's authenticators."""

    name = "mfa.Authenticator.data"
    SECRET_KEYS = ("secret", "seed", "migrated_codes")

    def rows(self, after: Any) -> list[tuple[Any, Any]]:
        rows = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk")
        if after is not None:
            rows = rows.filter(pk__gt=after)
        return list(rows.values_list("pk", "data")[:BATCH])

    def fetch(self, pk: Any) -> Any:
        return Authenticator.objects.filter(pk=pk).values_list("data", flat=True).first()

    def replace(self, pk: Any, old: Any, new: Any) -> bool:
        same = Authenticator.objects.filter(pk=pk, data=Value(old, output_field=JSONField()))
        return bool(same.update(data=new))

    def place(self, pk: Any) -> Place:
        return Place("mfa.Authenticator", pk, "data")

    def is_current(self, stored: Any) -> bool:
        texts = [text for name in self.SECRET_KEYS for text in _texts(stored.get(name))]
        return all(text.startswith(PREFIX) and is_current(text) for text in texts)

    def renew(self, stored: Any) -> Any:
        renewed = {
            name: _each(stored[name], _renew_or_encrypt)
            for name in self.SECRET_KEYS
            if name in stored
        }
        return {**stored, **renewed}


def rotate_secrets(*, dry_run: bool = False) -> Report:
    """Encrypt every stored secret with the newest key.

    Reads all of them first: raises UnreadableSecretsError, and changes nothing, if a key is
    missing. A row that somebody holds locked is left for the next time and named in the report.
    """
    columns = secret_columns()
    if unreadable := list(_unreadable(columns)):
        raise UnreadableSecretsError(unreadable)
    report = Report()
    for column in columns:
        for pk, stored in _every_row(column):
            _rotate(column, pk, stored, report, dry_run=dry_run)
    return report


def secret_columns() -> list[Column]:
    """List every column that holds secrets, of every model there is."""
    texts: list[Column] = [
        _Texts(model, column.name)
        for model in apps.get_models()
        for column in model._meta.local_concrete_fields
        if isinstance(column, EncryptedTextField)
    ]
    return [*texts, _SecondFactors()]


def _unreadable(columns: list[Column]) -> Iterator[Place]:
    for column in columns:
        for pk, stored in _every_row(column):
            try:
                column.renew(stored)
            except SecretUnreadableError:
                yield column.place(pk)


def _every_row(column: Column) -> Iterator[tuple[Any, Any]]:
    after = None
    while batch := column.rows(after):
        yield from batch
        after = batch[-1][0]


def _rotate(column: Column, pk: Any, stored: Any, report: Report, *, dry_run: bool) -> None:
    tally = report.current
    for _ in range(TRIES):
        if not stored or column.is_current(stored):
            break
        if dry_run or _replaced(column, pk, stored):
            tally = report.moved
            break
        # Somebody changed it, or holds it, since we read it.
        stored = column.fetch(pk)
    else:
        report.busy.append(column.place(pk))
        return
    tally[column.name] = tally.get(column.name, 0) + 1


def _replaced(column: Column, pk: Any, stored: Any) -> bool:
    try:
        return column.replace(pk, stored, column.renew(stored))
    except OperationalError:
        return False  # the row is locked for longer than we may wait


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_each(one, change) for one in value]
    return change(value) if isinstance(value, str) and value else value


def _renew_or_encrypt(text: str) -> str:
    return renew(text) if text.startswith(PREFIX) else encrypt(text)
