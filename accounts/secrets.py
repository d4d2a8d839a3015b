"""How are secrets kept: encrypted at rest, readable only by code that needs them?"""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

PREFIX = "fernet:"


class SecretUnreadableError(Exception):
    """A stored secret cannot be decrypted with any configured key."""

    reason = "A stored secret cannot be read. Is SECRET_FIELD_KEYS missing its old key?"


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """Return the cipher of this installation: the first key encrypts, all keys decrypt."""
    return _cipher(tuple(settings.SECRET_FIELD_KEYS))


def encrypt(plain: str) -> str:
    """Encrypt a secret with the newest key; an empty secret stays empty."""
    return PREFIX + cipher().encrypt(plain.encode()).decode() if plain else ""


def decrypt(stored: str) -> str:
    """Decrypt what `encrypt` made. Raises SecretUnreadableError if no key fits."""
    if not stored:
        return ""
    try:
        return cipher().decrypt(stored.removeprefix(PREFIX).encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadableError from error


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text column whose value is encrypted in the database and plain in Python.

    It cannot be filtered on: two encryptions of one secret differ.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way into the database."""
        prepared = super().get_prep_value(value)
        return encrypt(prepared) if isinstance(prepared, str) else prepared

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> str | None:
        """Decrypt on the way out of the database."""
        return decrypt(value) if value else value


# What else must not be told where values are told: hashes of passwords, and what opens a door.
SECRET_ENDINGS = ("password", "secret", "token", "token_next", "_key", "_hash", "otp")


def is_secret(field: "models.Field[Any, Any]") -> bool:
    """Say whether the values of a field may not be told: by its class, or by its name."""
    return isinstance(field, EncryptedTextField) or field.name.endswith(SECRET_ENDINGS)
