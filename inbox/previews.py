"""What does one line say about a message in a list?"""

from django.db.models import Q
from django.utils.translation import gettext

from accounts.english import noop
from inbox.models import Attachment, Conversation, Message
from inbox.models.message import ATTACHED_REACTIONS

_WORDS = {
    Attachment.Look.IMAGE: noop("Photo"),
    Attachment.Look.AUDIO: noop("Voice message"),
    Attachment.Look.VIDEO: noop("Video"),
    Attachment.Look.CARD: noop("Contact card"),
    Attachment.Look.FILE: noop("File"),
}


_LOCATION = noop("Location")
REMOVED = noop("Message removed")
_ALL = frozenset({*_WORDS.values(), _LOCATION, REMOVED})


def preview_words(preview: str) -> str:
    """Say a stored preview to whoever reads: what stands there for a file in their language."""
    return gettext(preview) if preview in _ALL else preview


def look_of(content_type: str) -> str:
    """Say how a file of this type is shown."""
    family, _, kind = content_type.partition("/")
    if family in {"image", "audio", "video"}:
        return Attachment.Look(family).value
    if kind in {"vcard", "x-vcard", "directory"}:
        return Attachment.Look.CARD.value
    return Attachment.Look.FILE.value


def set_preview(
    conversation: Conversation, message: Message, *, media_types: tuple[str, ...] = ()
) -> None:
    """Let the conversation's list row speak of this message. Does not save."""
    conversation.preview = _line(message, media_types)
    conversation.preview_kind = message.kind if message.is_inbound else f"out_{message.kind}"[:12]
    conversation.preview_author = message.author_label
    conversation.preview_by_id = message.author_id
    if message.kind != Message.Kind.NOTE:
        conversation.preview_channel = message.channel
    conversation.last_activity_at = message.created_at


def take_back_preview(conversation: Conversation, message: Message) -> None:
    """Let the list row that speaks of a message say that it was removed. Saves the preview.

    The message must still have its words: a row may repeat them though something came later.
    """
    later = conversation.messages.filter(seq__gt=message.seq).exclude(ATTACHED_REACTIONS)
    is_last = not later.filter(Q(direction=Message.Direction.IN) | ~Q(author=None)).exists()
    says_the_same = bool(message.body) and conversation.preview == _line(message, ())
    if conversation.preview and (is_last or says_the_same):
        conversation.preview = REMOVED
        conversation.save(update_fields=["preview"])


def _line(message: Message, media_types: tuple[str, ...]) -> str:
    words = " ".join(message.body.split())
    if words:
        return words if len(words) <= 160 else f"{words[:159]}…"
    if media_types:
        return str(_WORDS[Attachment.Look(look_of(media_types[0]))])
    return _LOCATION if "location" in message.details else ""
