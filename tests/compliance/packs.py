"""Packs of country rules for tests: signed with a key that the settings trust."""

from __future__ import annotations

import json
from typing import Any

from compliance.jurisdictions import shipped_text
from compliance.signing import new_key, public_key_of, sign

KEY = new_key()
PUBLIC = public_key_of(KEY)


def pack_document(version: str, code: str = "US", **cells: str) -> dict[str, Any]:
    """Return a pack like the one shipped, of another version; `cells` change one row of it."""
    document: dict[str, Any] = json.loads(shipped_text())
    document["version"] = version
    for row in document["rows"]:
        if row["code"] == code:
            row.update(cells)
    return document


def signed_file(version: str, code: str = "US", **cells: str) -> bytes:
    """Return the file of such a pack, signed."""
    return json.dumps(sign(pack_document(version, code, **cells), KEY)).encode()
