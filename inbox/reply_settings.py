"""What does an inbox say by itself? Its document, read once and kept."""

import json
from dataclasses import replace
from functools import lru_cache

from inbox.models import TeamInbox
from routing.replies import Replies
from routing.reply_documents import read_replies


def replies_of(inbox: TeamInbox) -> Replies:
    """Return what an inbox says by itself, without asking the database.

    Where its document names no language, the inbox's own speaks, and English where it has none.
    Raises DocumentError for a document that cannot be followed.
    """
    read = _read(json.dumps(inbox.replies, sort_keys=True))
    return replace(
        read,
        default_language=read.default_language or inbox.language or "en",
        inbox_name=inbox.name,
        bot_name=inbox.bot_name,
    )


def says_nothing(replies: Replies) -> bool:
    """Say whether there is nothing that may answer a message."""
    return not (replies.keyword or replies.after_hours or replies.first_message)


@lru_cache(maxsize=1024)
def _read(document: str) -> Replies:
    return read_replies(json.loads(document))
