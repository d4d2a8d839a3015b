"""What may an inbox say by itself? Its settings as values."""

from collections.abc import Collection

from inbox.models import TeamInbox
from routing.replies import FirstMessageReply, FirstWhen, Replies
from routing.texts import Text
from routing.wording import Variant


def replies_of(inbox: TeamInbox) -> Replies:
    """Return what an inbox says by itself, without asking the database."""
    first = None
    if inbox.first_reply != TeamInbox.FirstReply.OFF and inbox.first_reply_text.strip():
        text = Variant(Text.literal(inbox.first_reply_text))
        first = FirstMessageReply((text,), FirstWhen(inbox.first_reply))
    return Replies(first_message=first, inbox_name=inbox.name, bot_name=inbox.bot_name)


def says_nothing(replies: Replies) -> bool:
    """Say whether there is nothing that may answer a message."""
    return not (replies.keyword or replies.after_hours or replies.first_message)


def languages_told_apart(replies: Replies) -> Collection[str]:
    """Return the languages that replies are written in, if there is a choice between several."""
    variants = list(replies.first_message.variants) if replies.first_message else []
    languages = {variant.language or replies.default_language for variant in variants}
    return languages if len(languages) > 1 else ()
