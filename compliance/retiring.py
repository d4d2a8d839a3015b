"""When does the sealed evidence of a consent go that nobody relies on any more?

The events stay, as after an erasure: without key and salt they say that something happened to
somebody. Whoever is opted in is relied on, and whoever is opted out, held or do-not-contact must
not be forgotten: theirs is kept.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Max, QuerySet

from compliance.models import (
    Consent,
    ConsentDetails,
    ConsentEvent,
    ConsentKey,
    ConsentState,
    WebEvidence,
)

_RELIED_ON = (ConsentState.OPTED_IN, ConsentState.PENDING)
_NEVER = (ConsentState.OPTED_OUT, ConsentState.HELD)


def keys_before(account_id: int, before: datetime) -> "QuerySet[ConsentKey]":
    """Return the keys of an account that were made before a moment, and open something still."""
    return ConsentKey.objects.filter(account=account_id, destroyed_at=None, made_at__lt=before)


def last_events(account_id: int, handles: Iterable[str]) -> Mapping[str, datetime]:
    """Return when something was last recorded for each handle. One query."""
    rows = ConsentEvent.objects.filter(account=account_id, handle__in=list(handles))
    found = rows.order_by().values("handle").annotate(last=Max("recorded_at"))
    return {row["handle"]: row["last"] for row in found}


def address_in(key: ConsentKey) -> str:
    """Return the address that a key belongs to; blank if none of its events says so.

    Raises UnreadableDetailsError, and SecretUnreadableError.
    """
    events = ConsentEvent.objects.filter(account=key.account_id, handle=key.handle)
    newest = events.select_related("details__key").order_by("-seq").first()
    return newest.address if newest else ""


def is_needed(account_id: int, address: str) -> bool:
    """Say whether what is known of an address's consent counts for something now."""
    rows = Consent.objects.filter(account=account_id, address=address)
    counts = rows.filter(state__in=(*_RELIED_ON, *_NEVER))
    flags = rows.exclude(no_contact_at=None, no_marketing_at=None)
    return counts.exists() or flags.exists()


def retire(key: ConsentKey, *, now: datetime) -> int:
    """Destroy a key, and what it sealed, in the caller's transaction; return how many that are."""
    gone, _each = ConsentDetails.objects.filter(key=key).delete()
    WebEvidence.objects.filter(key=key).delete()
    ConsentKey.objects.filter(pk=key.pk, destroyed_at=None).update(key="", destroyed_at=now)
    return gone
