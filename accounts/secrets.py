"""How are secrets kept: encrypted at rest, readable only by code that needs them?"""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query_utils import DeferredAttribute

PREFIX = "fernet:"


class SecretUnreadableError(Exception):
    """A stored secret cannot be decrypted with any configured key."""

    reason = "A stored secret cannot be read. Is SECRET_FIELD_KEYS missing its old key?"

    def __str__(self) -> str:
        return self.reason


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """Return the cipher of this installation: the first key encrypts, all keys decrypt."""
    return _cipher(tuple(settings.SECRET_FIELD_KEYS))


def encrypt(plain: str) -> str:
    """Encrypt a secret with the newest key; an empty secret stays empty."""
    return PREFIX + cipher().encrypt(plain.encode()).decode() if plain else ""


def renew(stored: str) -> str:
    """Encrypt anew, with the newest key, what `encrypt` made.

    Raises SecretUnreadableError if no key fits.
    """
    if not stored:
        return ""
    try:
        return PREFIX + cipher().rotate(stored.removeprefix(PREFIX).encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadableError from error


def is_current(stored: str) -> bool:
    """Say whether the newest key alone opens this; an empty secret needs no key."""
    newest = Fernet(settings.SECRET_FIELD_KEYS[0])
    try:
        newest.decrypt(stored.removeprefix(PREFIX).encode())
    except InvalidToken:
        return not stored
    return True


def decrypt(stored: str) -> str:
    """Decrypt what `encrypt` made. Raises SecretUnreadableError if no key fits."""
    if not stored:
        return ""
    try:
        return cipher().decrypt(stored.removeprefix(PREFIX).encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadableError from error


class Sealed:
    """A secret as the database keeps it: read with its row, opened only by who uses it.

    Whoever shows, logs or dumps it shows nothing.
    """

    __slots__ = ("_stored",)

    def __init__(self, stored: str) -> None:
        self._stored = stored

    def open(self) -> str:
        """Return the secret. Raises SecretUnreadableError if no key fits."""
        return decrypt(self._stored)

    def renewed(self) -> str:
        """Return what to write to the database: encrypted with the newest key where one fits."""
        try:
            return renew(self._stored)
        except SecretUnreadableError:
            return self._stored

    def __repr__(self) -> str:
        return "[secret]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and self._stored == other._stored

    def __hash__(self) -> int:
        return hash(self._stored)


class _SecretAttribute(DeferredAttribute):
    """Opens what a row keeps sealed at the moment that somebody asks for it."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        """Return the secret. Raises SecretUnreadableError if no key fits."""
        if instance is None:
            return self
        name = self.field.attname
        if name in instance.__dict__:
            value = instance.__dict__[name]
        else:
            value = super().__get__(instance, cls)
        return value.open() if isinstance(value, Sealed) else value

    def __set__(self, instance: Any, value: Any) -> None:
        """Keep what is given: plain from our code, sealed from the database."""
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text column whose value is encrypted in the database and plain in Python.

    It cannot be filtered on: two encryptions of one secret differ. No form shows it by itself, and
    a dump of the rows (`dumpdata`) holds it encrypted. It is decrypted when the attribute is asked
    for and not before: a value that no key opens costs only who needs it.
    """

    descriptor_class = _SecretAttribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "editable": False})

    def deconstruct(self) -> Any:
        """Leave out what is always so."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way into the database."""
        if isinstance(value, Sealed):
            return value.renewed()
        prepared = super().get_prep_value(value)
        return encrypt(prepared) if isinstance(prepared, str) else prepared

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> "Sealed | str | None":
        """Seal on the way out of the database."""
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Save what was not opened without opening it."""
        return model_instance.__dict__[self.attname]

    def to_python(self, value: Any) -> Any:
        """Take back what `value_to_string` gave away."""
        if isinstance(value, str) and value.startswith(PREFIX):
            return Sealed(value)
        return super().to_python(value)

    def value_to_string(self, obj: models.Model) -> str:
        """Give a dump of the rows the encrypted value."""
        return str(self.get_prep_value(obj.__dict__[self.attname]))


# What else must not be told where values are told: hashes of passwords, and what opens a door.
SECRET_ENDINGS = ("password", "secret", "token", "token_next", "_key", "_hash", "otp")


def is_secret(field: "models.Field[Any, Any]") -> bool:
    """Say whether the values of a field may not be told: by its class, or by its name."""
    return isinstance(field, EncryptedTextField) or field.name.endswith(SECRET_ENDINGS)
