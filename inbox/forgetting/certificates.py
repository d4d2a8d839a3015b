"""How is it shown what was forgotten, without a word of what that was?

A certificate is one row that nobody changes, numbered per account; its hash covers the hash of the
one before, so that none can be changed or taken out unseen by who noted a later one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compliance.chain import GENESIS, instant
from inbox.forgetting.holds import lock_account
from inbox.models import ForgettingCertificate

FORMAT = 1


@dataclass(frozen=True)
class Went:
    """What goes into a certificate: why, who asked, by which setting, how many of what, and when.

    `oldest` and `newest` are the days between which what went had been made.
    """

    cause: ForgettingCertificate.Cause
    asked_by: str
    counts: Mapping[str, int]
    began_at: datetime
    ended_at: datetime
    setting: Mapping[str, Any]
    spans: Mapping[str, Any]
    stays: tuple[str, ...] = ()


def issue(account_id: int, went: Went, *, now: datetime) -> ForgettingCertificate:
    """Write a certificate in the caller's transaction."""
    lock_account(account_id)
    last = ForgettingCertificate.objects.filter(account=account_id).order_by("-number").first()
    number = last.number + 1 if last else 1
    document = {
        "format": FORMAT,
        "number": number,
        "previous": last.sha256 if last else GENESIS,
        "cause": went.cause.value,
        "asked_by": went.asked_by,
        "began_at": instant(went.began_at),
        "ended_at": instant(went.ended_at),
        "issued_at": instant(now),
        "setting": dict(went.setting),
        "counts": dict(went.counts),
        "spans": dict(went.spans),
        "stays": list(went.stays),
    }
    row = ForgettingCertificate(
        account_id=account_id,
        number=number,
        cause=went.cause,
        document=document,
        sha256=hash_of(document),
        issued_at=now,
    )
    row.save(force_insert=True)
    return row


def hash_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a certificate, over the JSON that `written` gives."""
    return hashlib.sha256(written(document)).hexdigest()


def written(document: Mapping[str, Any]) -> bytes:
    """Write a certificate in its one form: JSON, keys sorted, no spaces, ASCII only."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


def first_bad(account_id: int) -> int | None:
    """Return the number of the first certificate that is not as it was written; None if all are."""
    previous, expected = GENESIS, 1
    for row in ForgettingCertificate.objects.filter(account=account_id).order_by("number"):
        is_next = row.number == expected and row.document.get("previous") == previous
        if not is_next or hash_of(row.document) != row.sha256:
            return expected
        previous, expected = row.sha256, expected + 1
    return None
