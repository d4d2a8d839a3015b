"""How is an account's ledger of consent chained, so that no event can be changed or lost unseen?

Each event is written as JSON in one fixed form, with the hash of the event before in it; its own
hash is the SHA-256 of that text. docs/consent.md says the same for strangers: this file and that
page change together, and then with a new FORMAT.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from compliance.evidence import Personal, Web

FORMAT = 1
# An event that says for which channels it counts has one name more in it: `scope`.
SCOPED_FORMAT = 2
# One that was done on the web commits to from where it was apart (`web`), and has `scope` always.
WEB_FORMAT = 3
GENESIS = "0" * 64
Body = Mapping[str, object]


def canonical(body: Body) -> bytes:
    """Return the one way to write an event: JSON, keys sorted, no spaces, ASCII only."""
    written = {key: _written(value) for key, value in body.items()}
    return json.dumps(
        written, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


def hash_of(body: Body) -> str:
    """Return the hash of an event, which the next event carries as `prev`."""
    return hashlib.sha256(canonical(body)).hexdigest()


def commitment(salt: str, personal: Personal | Web) -> str:
    """Return what the chain keeps of an event's personal fields, or of where on the web it was.

    The salt is random and lies beside them: who destroys both leaves a number that says nothing,
    even about a text as short as STOP or a number from a list.
    """
    return hashlib.sha256(salt.encode("ascii") + canonical(asdict(personal))).hexdigest()


def handle(pepper: str, consent_key: str) -> str:
    """Return what stands for an address in the ledger: an HMAC keyed by the account's own secret.

    A plain hash of a phone number would be no secret: there are only 10^10 to try.
    """
    return hmac.new(pepper.encode(), consent_key.encode(), hashlib.sha256).hexdigest()


def instant(at: datetime) -> str:
    """Write a moment: UTC, six digits of a second, `2026-11-26T15:08:48.120000Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _written(value: object) -> object:
    return instant(value) if isinstance(value, datetime) else value
