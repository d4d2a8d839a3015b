"""What did somebody promise a customer, and who keeps it when they are away?

A promise belongs to the conversation: it goes with it to whoever has it. When it is due it comes
up for its owner; for the team when the owner is away or can no longer work there.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.models import User
from inbox.abilities import Ability
from inbox.audience import is_eligible
from inbox.broadcast import announce
from inbox.conversations import each_due, give_back_to_team, locked_conversation, require, wake_row
from inbox.models import Conversation, ConversationEvent
from inbox.refusals import MissingInputError
from inbox.story import Story

LONGEST_NOTE = 300
LONGEST_PROMISE = timedelta(days=2 * 365)
DUE_AT_ONCE = 200
_Verb = ConversationEvent.Verb


def promise(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    due_at: datetime,
    note: str = "",
    now: datetime,
) -> Conversation:
    """Promise to come back by a moment; it takes the place of what was promised before.

    Raises MissingInputError when the moment is over or years away.
    """
    if due_at <= now:
        raise MissingInputError(_("Choose a time in the future."))
    if due_at > now + LONGEST_PROMISE:
        raise MissingInputError(_("Choose a time within two years."))
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.SNOOZE, by, row)
        story = Story(now=now, actor=user)
        row.promised_at, row.promise_told_at = due_at, None
        words = " ".join(note.split())[:LONGEST_NOTE]
        _save(row, story, did="made", note=words, until=due_at.isoformat())
        announce(story.announcements(), now=now)
    return row


def end_promise(
    *, conversation: Conversation, by: Viewer, user: User, is_kept: bool, now: datetime
) -> Conversation:
    """Say that a promise was kept, or call it off. Where there is none, nothing changes."""
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.SNOOZE, by, row)
        if row.promised_at is None:
            return row
        story = Story(now=now, actor=user)
        row.promised_at = row.promise_told_at = None
        _save(row, story, did="kept" if is_kept else "cancelled")
        announce(story.announcements(), now=now)
    return row


def tell_due(*, now: datetime) -> int:
    """Bring up promises that are due, each once; one transaction each. Returns how many."""
    due = Conversation.objects.filter(
        promised_at__lte=now, promise_told_at=None, inbox__is_on=True
    ).order_by("promised_at")[:DUE_AT_ONCE]
    return each_due(due, _tell_if_due, now=now)


def _tell_if_due(row: Conversation, story: Story) -> bool:
    is_due = row.promised_at is not None and row.promised_at <= story.now
    if row.is_closed or not is_due or row.promise_told_at is not None:
        return False
    row.promise_told_at = row.last_activity_at = story.now
    if row.status == Conversation.Status.SNOOZED:
        wake_row(row, story, label="Promise")
    owner = row.owner
    if owner and not _is_there(owner, row, now=story.now):
        give_back_to_team(row, _Verb.PROMISED, story, did="handed", owner=owner.name)
    else:
        _save(row, story, did="due")
    return True


def _is_there(owner: User, row: Conversation, *, now: datetime) -> bool:
    """Say whether who has it would notice, and can still work there."""
    is_available = owner.availability == User.Availability.AVAILABLE
    return is_available and is_eligible(owner.pk, row.inbox_id, now=now, by_name=True)


def _save(row: Conversation, story: Story, **facts: Any) -> None:
    row.version += 1
    row.save()
    story.record(row, _Verb.PROMISED, **facts)
    story.conversation_updated(row, "promise")
