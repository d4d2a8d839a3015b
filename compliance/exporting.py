"""What of a ledger of consent is handed to a stranger who is to verify it?"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from compliance.chain import instant
from compliance.models import ConsentEvent

BATCH = 1_000
Line = dict[str, object]


def lines_of(account_id: int, *, with_details: bool = False) -> Iterator[Line]:
    """Yield an account's events, first to last, as JSON can say them: what is hashed, and `hash`.

    With details each event that was not erased has `personal` and `salt` too, and `web_personal`
    and `web_salt` as long as its web evidence is kept. Raises UnreadableDetailsError if they are
    there and cannot be read.
    """
    events = ConsentEvent.objects.filter(account=account_id).order_by("seq")
    for event in events.select_related("details__key", "web_evidence__key").iterator(BATCH):
        yield line_of(event, with_details=with_details)


def line_of(event: ConsentEvent, *, with_details: bool = False) -> Line:
    """Return one event as a line of an export."""
    line: Line = {
        name: instant(value) if isinstance(value, datetime) else value
        for name, value in event.body.items()
    }
    line["hash"] = event.hash
    if with_details and event.opened:
        line["personal"] = asdict(event.opened.personal)
        line["salt"] = event.opened.salt
    if with_details and event.opened_web:
        line["web_personal"] = asdict(event.opened_web.personal)
        line["web_salt"] = event.opened_web.salt
    return line


def hashes_of(account_id: int, *, upto: int) -> Iterator[str]:
    """Yield the hash of every event up to a number, in order: what a proof pack says of others."""
    events = ConsentEvent.objects.filter(account=account_id, seq__gte=1, seq__lte=upto)
    yield from events.order_by("seq").values_list("hash", flat=True).iterator(BATCH * 10)


def sum_of_hashes(account_id: int, *, upto: int) -> str:
    """Return the SHA-256 of the hashes of all events up to a number, one a line.

    A head says nothing of what lies before it to who has not all events; this binds every hash.
    """
    digest = hashlib.sha256()
    for one in hashes_of(account_id, upto=upto):
        digest.update(f"{one}\n".encode("ascii"))
    return digest.hexdigest()
