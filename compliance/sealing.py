"""How is what is personal in an event sealed, so that one key per address opens it?

Destroying the key makes every copy of it unreadable: in the tables, in old pages of the disk and in
backups, as long as the key itself is not in them too (docs/consent.md says what that means).
"""

import json
import secrets
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from cryptography.fernet import Fernet, InvalidToken

from compliance.evidence import Personal, Web

P = TypeVar("P", Personal, Web)


class UnreadableDetailsError(Exception):
    """What was sealed cannot be opened with the key that it names."""

    reason = "The personal part of this record cannot be read: it is damaged, or its key is gone."

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Opened(Generic[P]):
    """What was sealed: the personal fields, and the salt of their commitment in the chain."""

    salt: str
    personal: P


def new_key() -> str:
    """Return a new key for one address."""
    return Fernet.generate_key().decode()


def new_salt() -> str:
    """Return a new salt: 32 random bytes, in hexadecimal."""
    return secrets.token_hex(32)


def seal(key: str, opened: Opened[P]) -> str:
    """Encrypt the personal fields of one event with the key of its address."""
    plain = {"salt": opened.salt, **asdict(opened.personal)}
    return Fernet(key).encrypt(json.dumps(plain, sort_keys=True).encode()).decode()


def unseal(key: str, sealed: str, what: type[P]) -> Opened[P]:
    """Decrypt what `seal` made of personal fields of this type. Raises UnreadableDetailsError."""
    try:
        plain = json.loads(Fernet(key).decrypt(sealed.encode()))
        return Opened(plain.pop("salt"), what(**plain))
    except (InvalidToken, ValueError, KeyError, TypeError) as error:
        raise UnreadableDetailsError from error
