"""Who wants to hear nothing of a conversation, until they say so or it is closed?

Nothing of it sounds, pops up, wakes a browser or comes by letter. Mentions of that person and
hand-overs to them do. A conversation that was closed and begins again is muted for nobody.
"""

from django.db.models import F, OuterRef, QuerySet, Subquery

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


def round_muted_by(user_id: int) -> Subquery:
    """Say, in a query of conversations, in which of its rounds somebody muted each."""
    cursors = ReadCursor.objects.filter(user=user_id, conversation=OuterRef("pk"))
    return Subquery(cursors.values("muted_round")[:1])


def is_muted(conversation: Conversation) -> bool:
    """Say whether the reader muted it for whom `access` fetched this conversation."""
    muted_round = vars(conversation).get("muted_round")
    return not conversation.is_closed and muted_round == conversation.reopen_count
