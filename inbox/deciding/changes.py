"""Did anything change for those for whom nobody was able? People, licences, teams, open hours.

Looked at by the clock, however it changed: a licence may begin and an office open without an act.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.core.cache import cache
from django.db.models import Exists, OuterRef

from accounts.access import licensed
from accounts.models import Membership, User
from inbox.models import Conversation, TeamInbox
from inbox.rerouting import people_changed
from inbox.timers import hours_of

KEPT_SECONDS = 3600


def follow_changes(*, now: datetime) -> int:
    """Let rules be asked at once where somebody may be able now; return in how many accounts.

    What was seen last is kept in the cache; if that is lost, rules are asked once too often.
    """
    waiting = Conversation.objects.filter(routing=Conversation.Routing.NOBODY)
    inboxes: dict[int, list[int]] = {}
    for account, inbox in waiting.order_by().values_list("account", "inbox").distinct():
        inboxes.setdefault(account, []).append(inbox)
    changed = [account for account, ids in inboxes.items() if _is_new(account, ids, now=now)]
    for account in changed:
        people_changed(account, now=now)
    return len(changed)


def _is_new(account: int, inboxes: Iterable[int], *, now: datetime) -> bool:
    key, mark = f"able:{account}", _mark(account, inboxes, now=now)
    seen = cache.get(key)
    if seen != mark:
        cache.set(key, mark, KEPT_SECONDS)
    return bool(seen != mark)


def _mark(account: int, inboxes: Iterable[int], *, now: datetime) -> str:
    """Return a text that changes whenever somebody may have become able."""
    able = licensed(now=now).filter(pk=OuterRef("pk"))
    people = User.objects.filter(Exists(able), account=account).order_by("pk")
    members = Membership.objects.filter(team__account=account).order_by("pk")
    rows = TeamInbox.objects.filter(pk__in=list(inboxes)).select_related("account").order_by("pk")
    facts = [
        *people.values_list("pk", "availability"),
        *members.values_list("user", "team", "role"),
        *((inbox.pk, hours_of(inbox).calendar.is_open(now)) for inbox in rows),
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()
