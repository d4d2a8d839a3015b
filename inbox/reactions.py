"""Is this message a reaction to another one, and to which message does it belong?"""

import re

from inbox.carrier import InboundText
from inbox.models import Message, Thread

_TAPBACK = re.compile(
    r"(?:Liked|Loved|Disliked|Laughed at|Emphasized|Questioned|Reacted \S{1,8} to) "
    r"[“\"](?P<quoted>.+)[”\"]",
    re.DOTALL,
)


def reaction_target(text: InboundText, thread: Thread) -> tuple[Message | None, bool]:
    """Return the message this one refers to, and whether it is a reaction to it.

    WhatsApp says so itself; a phone's tap-back arrives as words that quote our text, and counts
    only when that text really stands among the thread's latest messages.
    """
    if text.reply_to_sid:
        quoted = Message.objects.filter(
            account=thread.account_id, thread=thread, provider_sid=text.reply_to_sid
        ).first()
        return quoted, text.is_reaction
    match = _TAPBACK.fullmatch(text.body) if text.channel in {"sms", "mms"} else None
    if not match:
        return None, text.is_reaction
    start = match["quoted"].removesuffix("…").strip()
    recent = Message.objects.filter(thread=thread, direction=Message.Direction.OUT).order_by("-seq")
    found = next((m for m in recent[:20] if start and m.body.startswith(start)), None)
    return found, found is not None
