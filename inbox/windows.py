"""Until when does WhatsApp let us answer freely, and who is told before that is over?

After a customer's message it is 24 hours. Their conversation says when its owner is told; whether
that is still due is judged when the moment comes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.access import feature_is_on
from accounts.models import Feature
from accounts.prepared import write_fields
from compliance.judging import SERVICE_WINDOW
from inbox.conversations import each_due
from inbox.models import Conversation, ConversationEvent, Thread
from inbox.story import Story

WHATSAPP_PREFIX = "whatsapp:"
WARNED_BEFORE = timedelta(hours=2)
DUE_AT_ONCE = 200


@dataclass(frozen=True)
class Window:
    """When it closes (UTC)."""

    closes_at: datetime

    @property
    def warns_at(self) -> datetime:
        """Return from when on people are warned."""
        return self.closes_at - WARNED_BEFORE


def window_of(thread: Thread) -> Window | None:
    """Return the window of a thread; None where it has none, or they never wrote."""
    last = thread.last_inbound_at
    if last is None or not thread.our_address.startswith(WHATSAPP_PREFIX):
        return None
    return Window(last + SERVICE_WINDOW)


def follow_window(row: Conversation) -> None:
    """The customer wrote: its owner is told in time before the window closes. Does not save."""
    window = window_of(row.thread)
    row.window_warns_at = window.warns_at if window else None


def tell_closing(*, now: datetime) -> int:
    """Tell owners whose customers wait that the window closes, each once for a customer's message.

    One transaction each. Returns how many were told.
    """
    due = Conversation.objects.filter(window_warns_at__lte=now).order_by("window_warns_at")
    return each_due(due[:DUE_AT_ONCE], _tell_if_waiting, now=now)


def _tell_if_waiting(row: Conversation, story: Story) -> bool:
    if row.window_warns_at is None or row.window_warns_at > story.now:
        return False
    window = window_of(row.thread)
    wrote_again = window is not None and story.now < window.warns_at
    row.window_warns_at = window.warns_at if window and wrote_again else None
    write_fields(row, "window_warns_at")
    if window is None or wrote_again or not _is_owed(row, window, now=story.now):
        return False
    story.record(row, ConversationEvent.Verb.WINDOW, closes_at=window.closes_at.isoformat())
    return True


def _is_owed(row: Conversation, window: Window, *, now: datetime) -> bool:
    """Say whether somebody has it, the customer waits, and they may still answer."""
    return (
        now <= window.closes_at
        and row.owner_id is not None
        and row.waiting_since is not None
        and row.inbox.is_on
        and not row.is_hidden
        and not row.is_opted_out
        and feature_is_on(row.account_id, Feature.WHATSAPP, now=now)
    )
