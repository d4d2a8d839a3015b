"""Who wants to hear nothing of a conversation, until they say so or it is closed?

Nothing of it sounds, pops up, wakes a browser or comes by letter. Mentions of that person and
hand-overs to them do. A conversation that was closed and begins again is muted for nobody.
"""

from django.db.models import F, QuerySet

from accounts.access import Viewer
from inbox.models import Conversation, ReadCursor
from inbox.refusals import ClosedError, NotAllowedError


def mute(*, conversation: Conversation, by: Viewer, is_on: bool) -> None:
    """Let a conversation alert this person no more, or again; nobody else learns of it.

    Raises NotAllowedError for who is in the account for support, ClosedError to mute what is
    closed: it alerts nobody.
    """
    if by.is_support:
        raise NotAllowedError
    if is_on and conversation.is_closed:
        raise ClosedError
    turn = conversation.reopen_count if is_on else None
    ReadCursor.objects.update_or_create(
        user_id=by.user_id,
        conversation=conversation,
        defaults={"muted_round": turn},
        create_defaults={"seq": 0, "muted_round": turn},
    )


def muted() -> "QuerySet[ReadCursor]":
    """Return the cursors of those who muted the conversations they are of."""
    return ReadCursor.objects.filter(muted_round=F("conversation__reopen_count"))


def is_muted(cursor: ReadCursor | None, conversation: Conversation) -> bool:
    """Say whether the reader of this cursor muted the conversation that it is of."""
    return (
        cursor is not None
        and not conversation.is_closed
        and cursor.muted_round == conversation.reopen_count
    )
