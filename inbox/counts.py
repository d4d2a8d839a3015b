"""How many conversations wait, for this reader? Capped: nobody needs to know 4,312."""

from typing import TypedDict

from accounts.access import Viewer
from inbox.access import conversations_of
from inbox.models import Conversation, TeamInbox
from inbox.models.conversation import ConversationQuerySet

CAP = 100


class Counts(TypedDict):
    """The numbers beside the views of one inbox; at most `CAP` each."""

    mine: int
    unassigned: int
    open: int
    snoozed: int


def counts_for(viewer: Viewer, inbox: TeamInbox) -> Counts:
    """Count what this reader may see in each view, in four capped queries."""
    visible = conversations_of(viewer).filter(inbox=inbox)
    is_open = visible.filter(status=Conversation.Status.OPEN)
    return Counts(
        mine=_capped(is_open.filter(owner=viewer.user_id)),
        unassigned=_capped(is_open.filter(owner=None)),
        open=_capped(is_open),
        snoozed=_capped(visible.filter(status=Conversation.Status.SNOOZED)),
    )


def _capped(view: ConversationQuerySet) -> int:
    return view.order_by()[:CAP].count()
