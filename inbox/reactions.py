"""Is this message a reaction to another one, and to which message does it belong?"""

import re
from typing import NamedTuple

from inbox.carrier import InboundText
from inbox.models import Message, Thread

LONGEST_EMOJI = 16  # characters: families and flags are several
_EMOJI = {
    "Liked": "👍",
    "Loved": "❤️",
    "Disliked": "👎",
    "Laughed at": "😂",
    "Emphasized": "‼️",
    "Questioned": "❓",
}
_NAMES = "heart|like|thumbs up|dislike|thumbs down|laugh|exclamation(?: mark)?|question mark"
_TAPBACK = re.compile(
    rf"(?:(?P<word>{'|'.join(_EMOJI)})"
    rf"|Reacted (?P<emoji>\S{{1,{LONGEST_EMOJI}}}) to"
    rf"|Removed (?:an? )?(?:{_NAMES}|[^\x00-\x7f]\S{{0,{LONGEST_EMOJI - 1}}}(?: reaction)?) from) "
    r"[“\"](?P<quoted>.+)[”\"]",
    re.DOTALL,
)


class Reference(NamedTuple):
    """To which message a text refers, and with what it reacts to it.

    A blank `emoji` takes a reaction back; with None it is no reaction.
    """

    quoted: Message | None = None
    emoji: str | None = None

    @property
    def is_reaction(self) -> bool:
        """Say whether it is a reaction at all."""
        return self.emoji is not None

    @property
    def is_attachable(self) -> bool:
        """Say whether it can be drawn at the message that it is about: that one is here to read."""
        return (
            self.emoji is not None
            and len(self.emoji) <= LONGEST_EMOJI
            and self.quoted is not None
            and self.quoted.conversation_id is not None
            and self.quoted.forgotten_at is None
            and not self.quoted.is_attached
        )


def reference_in(text: InboundText, thread: Thread) -> Reference:
    """Return the message this one refers to, and what reaction to it it is.

    WhatsApp says so itself; a phone's tap-back arrives as words that quote our text, and counts
    only when that text really stands among the thread's latest messages.
    """
    if text.reply_to_sid:
        quoted = Message.objects.filter(
            account=thread.account_id, thread=thread, provider_sid=text.reply_to_sid
        ).first()
        return Reference(quoted, _told(text))
    match = _TAPBACK.fullmatch(text.body) if text.channel in {"sms", "mms"} else None
    if not match:
        return Reference(None, _told(text))
    start = match["quoted"].removesuffix("…").strip()
    sent = Message.objects.filter(thread=thread, direction=Message.Direction.OUT)
    recent = sent.exclude(kind=Message.Kind.NOTE).order_by("-seq")
    found = next((m for m in recent[:20] if start and m.body.startswith(start)), None)
    emoji = match["emoji"] or _EMOJI.get(match["word"] or "", "")
    return Reference(found, emoji) if found else Reference()


def _told(text: InboundText) -> str | None:
    return text.body.strip() if text.is_reaction else None
