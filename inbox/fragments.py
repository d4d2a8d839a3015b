"""What does one message, one line of history, one row, one header look like?

Rendered once in each language that is listened in, and sent to everybody who may see it: no reader,
no permission, no local time, no unread mark, no token goes in. Pages use the same templates, so
nothing can drift.
"""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.template.loader import render_to_string

from accounts.models import User
from accounts.prepared import Prepared
from inbox.models import Attachment, Conversation, ConversationEvent, Message
from inbox.models.conversation import ConversationQuerySet
from inbox.rows import draw_row, row_of


def bubble_queryset() -> QuerySet[Message]:
    """Return messages with all that a bubble shows, in two queries however many there are."""
    return Message.objects.select_related(
        "thread", "conversation", "reply_to", "resent_as"
    ).prefetch_related("attachments")


def row_queryset() -> ConversationQuerySet:
    """Return conversations with all that a row or a header shows, in one query."""
    return Conversation.objects.select_related(
        "inbox__account", "owner", "contact", "thread__address", "thread__sender"
    )


def render_bubble(message: Message) -> str:
    """Draw one message; blank for a reaction, which is drawn with the message it is about."""
    if message.is_attached:
        return ""
    if not hasattr(message, "_prefetched_objects_cache"):
        message = bubble_queryset().select_related("thread__contact").get(pk=message.pk)
    return _render("inbox/_bubble.html", {"message": message})


def remember_files(message: Message, files: Sequence[Attachment]) -> None:
    """Let a message that was just made know its files, so that drawing it asks nobody."""
    message._prefetched_objects_cache = {"attachments": files}  # type: ignore[attr-defined]


def render_activity(event: ConversationEvent) -> str:
    """Draw one line of a conversation's history."""
    return _render("inbox/_activity.html", {"event": event})


def render_row(conversation: Conversation) -> str:
    """Draw one row of the list."""
    return draw_row(row_of(_complete(conversation)))


def render_header(conversation: Conversation) -> str:
    """Draw the neutral part of a conversation's header."""
    return _render("inbox/_header.html", {"conversation": _complete(conversation)})


_OWNER = Prepared(lambda pk: User.objects.filter(pk=pk))


def _complete(conversation: Conversation) -> Conversation:
    """Load the related rows unless they came along; an owner alone is quicker read by itself."""
    known = conversation._state.fields_cache.keys()
    if {"inbox", "contact", "thread"} <= known:
        thread = conversation.thread._state.fields_cache
        if {"address", "sender"} <= thread.keys():
            if conversation.owner_id and "owner" not in known:
                conversation.owner = _OWNER.first(pk=conversation.owner_id)
            return conversation
    return row_queryset().get(pk=conversation.pk)


def _render(template: str, context: dict[str, object]) -> str:
    return render_to_string(template, context).strip()
