"""Did anything change for those for whom nobody was able, or is any more? People, licences, hours.

Looked at by the clock, however it changed: a licence may begin and an office open without an act.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.access import licensed
from accounts.english import noop
from accounts.models import Membership, User
from inbox.access import readers_of
from inbox.audience import give_to_many
from inbox.broadcast import announce
from inbox.conversations import locked_conversation
from inbox.models import Conversation, ConversationEvent, Participant, TeamInbox
from inbox.rerouting import ask_rules, people_changed
from inbox.rulebooks import rules_for
from inbox.story import Story
from inbox.timers import hours_of
from routing.facts import Trigger

KEPT_SECONDS = 3600
ANEW_AT_ONCE = 100


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


def follow_losses(*, now: datetime) -> int:
    """Ask rules anew about what belongs to nobody who can work any more; return how many.

    Whom a rule gave it to may lose their licence before they answer. An owner's are released
    elsewhere; where nobody of the team can work either, nobody would have it instead.
    """
    workers = licensed(now=now)
    parts = Participant.objects.filter(conversation=OuterRef("pk"), ended_at=None, user__in=workers)
    able = parts.filter(role=Participant.Role.MEMBER)
    team = Membership.objects.filter(team=OuterRef("inbox"), user__in=workers)
    lost = Conversation.objects.live().filter(
        Exists(team.exclude(role=Membership.Role.OBSERVER)),
        owner=None,
        is_team_wide=False,
        is_hidden=False,
        routing=Conversation.Routing.DONE,
    )
    rows = lost.exclude(Exists(able)).order_by("pk")
    return sum(_give_anew(row, rows, now=now) for row in rows[:ANEW_AT_ONCE])


def _give_anew(row: Conversation, lost: "QuerySet[Conversation]", *, now: datetime) -> bool:
    with transaction.atomic(durable=True):
        row = locked_conversation(row)
        if not lost.filter(pk=row.pk).exists():
            return False
        story, before = Story(now=now), readers_of(row, now=now)
        give_to_many(row, (), source=Participant.Source.TEAM, now=now)
        if rules_for(row.inbox, now=now).asked:
            ask_rules(row, Trigger.NEW, now=now)
        row.version += 1
        row.save()
        left = frozenset(before - readers_of(row, now=now))
        reason = noop("nobody who had it can work any more")
        story.record(row, ConversationEvent.Verb.RELEASED, is_team_wide=True, reason=reason)
        story.conversation_updated(row, "audience", left=left)
        announce(story.announcements(), now=now)
    return True


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
