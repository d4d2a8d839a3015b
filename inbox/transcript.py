"""What was said in a thread, whole and in order, for paper and for other programs?

It is read and sent in pieces: a thread of ten thousand messages is never held in memory.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Q

from accounts.access import Viewer
from inbox.access import conversations_of
from inbox.fragments import bubble_queryset
from inbox.labels import channel_words, contact_name, local, said, status_words
from inbox.models import Conversation, ConversationEvent, Message
from inbox.threads import Item, woven

PIECE = 500  # messages
COLUMNS = ("at", "direction", "kind", "who", "channel", "text", "files", "status", "error")


def pieces_of(viewer: Viewer, conversation: Conversation, *, notes: bool) -> Iterator[list[Item]]:
    """Yield all of a thread that a reader may see, oldest first, `PIECE` messages at a time.

    Internal notes, and what happened (who claimed, who closed), only where `notes` says so. What
    the reader may see is asked anew for each piece.
    """
    after = 0
    while True:
        segments = list(
            conversations_of(viewer)
            .filter(thread=conversation.thread_id)
            .values_list("pk", flat=True)
        )
        messages = bubble_queryset().filter(
            Q(conversation__in=segments) | Q(conversation=None),
            thread=conversation.thread_id,
            seq__gt=after,
        )
        if not notes:
            messages = messages.exclude(kind=Message.Kind.NOTE)
        found = list(messages.order_by("seq")[:PIECE])
        until = found[-1].seq if len(found) == PIECE else None
        yield woven(found, _events(segments, after, until) if notes else [])
        if until is None:
            return
        after = until


def _events(segments: Sequence[int], after: int, until: int | None) -> list[ConversationEvent]:
    """Read what happened from the message `after` on, and before the message `until`."""
    found = ConversationEvent.objects.filter(conversation__in=segments, after_seq__gte=after)
    if until is not None:
        found = found.filter(after_seq__lt=until)
    return list(found.order_by("after_seq", "pk"))


def rows_of(
    viewer: Viewer, conversation: Conversation, *, notes: bool
) -> Iterator[tuple[object, ...]]:
    """Yield a row of `COLUMNS` for each message; moments in the time zone of the inbox."""
    # Asked of the reader: these rows are sent when the request is through.
    is_masked = not viewer.sees_numbers
    name = contact_name(conversation.contact, conversation.thread.address, is_masked=is_masked)
    zone = conversation.inbox.zone
    for piece in pieces_of(viewer, conversation, notes=notes):
        for item in piece:
            if item.message:
                yield _row(item.message, name, zone, is_masked=is_masked)


def _row(message: Message, customer: str, zone: str, *, is_masked: bool) -> tuple[object, ...]:
    return (
        written(message.created_at, zone),
        message.direction,
        message.kind,
        customer if message.is_inbound else message.author_label,
        channel_words(message.channel),
        "" if message.forgotten_for else said(message, is_masked=is_masked),
        ", ".join(file.name or file.content_type for file in message.attachments.all()),
        status_words(message),
        message.error_code,
    )


def written(at: datetime, zone: str) -> str:
    """Write a moment as clocks in a zone show it, with their distance from UTC."""
    return local(at, zone).isoformat(timespec="seconds")
