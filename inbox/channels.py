"""By which channels, and at which of our numbers, do a reader and a customer know each other?"""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.access import Viewer
from inbox.abilities import may_begin
from inbox.access import conversations_of
from inbox.models import Conversation

MOST = 20


@dataclass(frozen=True)
class Channel:
    """One of the customer's threads with us, by the latest conversation in it that one may read."""

    conversation: Conversation
    is_here: bool


@dataclass(frozen=True)
class Channels:
    """All that one reader knows, the one they are in first, then the latest."""

    every: Sequence[Channel]
    begins: bool

    @property
    def is_only_one(self) -> bool:
        """Say whether there is no other that they see."""
        return len(self.every) == 1


def channels_of(viewer: Viewer, conversation: Conversation) -> Channels:
    """List the threads of a conversation's customer in which this reader sees a conversation.

    What they may not read is not there, nor counted.
    """
    seen = conversations_of(viewer).filter(contact=conversation.contact_id)
    latest = (
        seen.exclude(thread=conversation.thread_id)
        .order_by("thread_id", "-last_activity_at", "-pk")
        .distinct("thread_id")
        .select_related("inbox", "thread__address")
    )
    others = sorted(latest, key=lambda row: (row.last_activity_at, row.pk), reverse=True)
    every = [Channel(conversation, True), *(Channel(row, False) for row in others[: MOST - 1])]
    return Channels(every, may_begin(viewer, conversation.inbox))
