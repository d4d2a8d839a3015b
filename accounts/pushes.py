"""Whose browser may we wake, and until when?"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import PushSubscription, User
from accounts.sessions import hash_of_key

MOST_OF_ONE = 20  # browsers of a person; the oldest goes
# A browser that no page of ours spoke for in this time is somebody's no longer.
KEPT_FOR = timedelta(days=30)
MOST_FAILURES = 10


@dataclass(frozen=True)
class Browser:
    """What a browser says of itself: where it is woken, and its two keys, in URL-safe base64."""

    endpoint: str
    public_key: str
    auth_key: str
    name: str = ""


def hash_of_endpoint(endpoint: str) -> str:
    """Return by what the row of an address is found."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


def remember_browser(
    browser: Browser, *, user: User, session_key: str, now: datetime
) -> PushSubscription:
    """Keep a browser for this person and session; it stops being anybody else's."""
    said = {
        "user": user,
        "session_hash": hash_of_key(session_key),
        "endpoint": browser.endpoint,
        "public_key": browser.public_key,
        "auth_key": browser.auth_key,
        "browser": browser.name[:200],
        "seen_at": now,
        "failures": 0,
    }
    row, _created = PushSubscription.objects.update_or_create(
        endpoint_hash=hash_of_endpoint(browser.endpoint),
        defaults=said,
        create_defaults={**said, "created_at": now},
    )
    newest = user.push_subscriptions.order_by("-seen_at", "-pk").values("pk")[:MOST_OF_ONE]
    user.push_subscriptions.exclude(pk__in=newest).delete()
    return row


def renew_browser(endpoint: str, *, user: User, session_key: str, now: datetime) -> bool:
    """Say that a browser is still this person's, in this session now; False if it is not.

    If it was somebody else's, who used this browser before, it is nobody's from now on.
    """
    row = PushSubscription.objects.filter(endpoint_hash=hash_of_endpoint(endpoint)).first()
    if row is None:
        return False
    if row.user_id != user.pk:
        row.delete()
        return False
    row.session_hash, row.seen_at = hash_of_key(session_key), now
    row.save(update_fields=["session_hash", "seen_at"])
    return True


def forget_browser(endpoint: str, *, user: User) -> bool:
    """Stop waking one browser of this person; say whether it was theirs."""
    rows = PushSubscription.objects.filter(user=user, endpoint_hash=hash_of_endpoint(endpoint))
    return rows.delete()[0] > 0


def forget_browsers(user: User, *, but_key: str | None = None) -> int:
    """Stop waking every browser of a person, except the one with this session; return how many."""
    rows = PushSubscription.objects.filter(user=user)
    rows = rows.exclude(session_hash=hash_of_key(but_key)) if but_key else rows
    return rows.delete()[0]


def forget_browsers_of_session(user: User, key: str | None) -> int:
    """Stop waking the browser with this session of a person; return how many rows it had."""
    rows = PushSubscription.objects.filter(user=user, session_hash=hash_of_key(key or ""))
    return rows.delete()[0]


def forget_old_browsers(*, now: datetime) -> int:
    """Delete what no page spoke for in a long time."""
    return PushSubscription.objects.filter(seen_at__lt=now - KEPT_FOR).delete()[0]


def note_outcome(row: PushSubscription, *, is_taken: bool, now: datetime) -> None:
    """Remember whether a browser's push service took a message; give up after many failures."""
    if is_taken:
        PushSubscription.objects.filter(pk=row.pk).update(sent_at=now, failures=0)
        return
    row.failures += 1
    if row.failures >= MOST_FAILURES:
        row.delete()
    else:
        PushSubscription.objects.filter(pk=row.pk).update(failures=row.failures)
