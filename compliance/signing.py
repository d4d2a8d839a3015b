"""Who made a pack of rules? Signatures under a document, Ed25519.

What is signed is the document without its `signature`, written as JSON in one way only
(docs/compliance.md says which), behind a line that says what it is. Pure.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

SIGNATURE = "signature"
# So that a signature under anything else is none under a pack.
_PURPOSE = b"Team Inbox jurisdiction pack, 1\n"


class SignatureError(Exception):
    """A document is not signed by anybody who is trusted; `reason` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeyFileError(Exception):
    """A file holds no private key that could sign; `reason` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def signed_bytes(document: Mapping[str, Any]) -> bytes:
    """Return what a signature under a document is made of."""
    body = {name: value for name, value in document.items() if name != SIGNATURE}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return _PURPOSE + text.encode()


def sign(document: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """Return a document with a signature under it, in place of one that it may have had."""
    value = base64.b64encode(key.sign(signed_bytes(document))).decode()
    unsigned = {name: said for name, said in document.items() if name != SIGNATURE}
    return {**unsigned, SIGNATURE: {"key": key_id(public_key_of(key)), "ed25519": value}}


def signer_of(document: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return the id of the trusted key that signed a document. Raises SignatureError.

    `keys` are public keys as `public_key_of` writes them; what is none is passed over.
    """
    signature = document.get(SIGNATURE)
    if not isinstance(signature, dict):
        raise SignatureError("The pack is not signed.")
    trusted = {key_id(key): key for key in keys if is_public_key(key)}
    named = signature.get("key")
    if not trusted:
        raise SignatureError("No key is trusted: name one in JURISDICTION_PACK_KEYS.")
    if not isinstance(named, str) or named not in trusted:
        raise SignatureError("The pack is signed with a key that is not trusted.")
    value = _decoded(signature.get("ed25519"))
    public = Ed25519PublicKey.from_public_bytes(_decoded(trusted[named]))
    try:
        public.verify(value, signed_bytes(document))
    except InvalidSignature:
        words = "The signature does not fit: the pack was changed after it was signed."
        raise SignatureError(words) from None
    return named


def is_public_key(text: str) -> bool:
    """Say whether this is a public key as `public_key_of` writes it."""
    return len(_decoded(text)) == 32


def key_id(public: str) -> str:
    """Return the short name of a public key."""
    return hashlib.sha256(_decoded(public)).hexdigest()[:16]


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Write the public key that belongs to a private one, for JURISDICTION_PACK_KEYS."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def new_key() -> Ed25519PrivateKey:
    """Make a private key."""
    return Ed25519PrivateKey.generate()


def key_as_text(key: Ed25519PrivateKey) -> str:
    """Write a private key as it lies in its file (PEM)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def read_key(text: str) -> Ed25519PrivateKey:
    """Read a private key from its file (PEM). Raises KeyFileError."""
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        raise KeyFileError("This is no private key, or one behind a password.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError("This is a private key of another kind: Ed25519 is needed.")
    return key


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""
