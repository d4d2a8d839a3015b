"""How do we name things to the outside? Random, short, and safe in an address."""

import secrets


def public_id() -> str:
    """Return 22 random characters (128 bits) that fit an address, a DOM id and a file name."""
    return secrets.token_hex(11)


def path_token() -> str:
    """Return an unguessable token for a webhook address; only letters, digits, - and _."""
    return secrets.token_urlsafe(24)


def client_id() -> str:
    """Return a message's client id where no browser made one: 32 hex digits, like a UUID."""
    return secrets.token_hex(16)
