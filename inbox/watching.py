"""Who watches a conversation? Colleagues who are asked to, until they or nobody wants it any more.

A watcher reads and notes, and stays when somebody else claims it (`inbox.abilities`).
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.models import User
from inbox.abilities import Ability
from inbox.access import readers_of
from inbox.broadcast import announce
from inbox.conversations import locked_conversation, require
from inbox.mentions import mention, who_may
from inbox.models import Conversation, ConversationEvent, Participant
from inbox.refusals import ClosedError, MissingInputError
from inbox.story import Story

MOST_OFFERED = 200
_WATCHING = ConversationEvent.Verb.WATCHING


def may_watch(conversation: Conversation, *, now: datetime) -> Sequence[User]:
    """Return whom one can ask to watch: who could be mentioned and takes no part yet, by name."""
    parts = Participant.objects.filter(conversation=conversation, ended_at=None)
    people = who_may(conversation, now=now).exclude(pk__in=parts.values("user"))
    return list(people.order_by("name", "pk")[:MOST_OFFERED])


def add_watcher(
    *, conversation: Conversation, by: Viewer, user: User, whom: int, now: datetime
) -> Conversation:
    """Let a colleague watch; it counts as a mention until they look. Who takes part already stays.

    Whoever may write a note may. Raises ClosedError, MissingInputError for who cannot be asked.
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.NOTE, by, row)
        if row.is_closed:
            raise ClosedError
        person = who_may(row, now=now).filter(pk=whom).first()
        if person is None:
            raise MissingInputError(_("Choose a colleague who may use this inbox."))
        if _parts(row, whom).exists():
            return row
        is_new = bool(mention(row, [whom], seq=row.thread.last_seq, now=now))
        row.version += is_new
        row.save(update_fields=["version"])
        story = Story(now=now, actor=user)
        story.record(row, _WATCHING, did="added", name=person.name, to_id=person.pk)
        story.conversation_updated(row, "audience")
        announce(story.announcements(), now=now)
    return row


def stop_watching(
    *, conversation: Conversation, by: Viewer, user: User, now: datetime
) -> Conversation:
    """Let somebody watch no more. Who does not watch changes nothing."""
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        before = readers_of(row, now=now)
        watching = _parts(row, user.pk).filter(role=Participant.Role.WATCHER)
        if not watching.update(ended_at=now):
            return row
        row.version += 1
        row.save(update_fields=["version"])
        story = Story(now=now, actor=user)
        story.record(row, _WATCHING, did="stopped")
        left = frozenset(before - readers_of(row, now=now))
        story.conversation_updated(row, "audience", left=left)
        announce(story.announcements(), now=now)
    return row


def _parts(row: Conversation, user_id: int) -> "QuerySet[Participant]":
    return Participant.objects.filter(conversation=row, user=user_id, ended_at=None)
