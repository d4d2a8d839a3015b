"""What did this reader miss? Events after their cursor, seen with their eyes as of now."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from accounts.access import Viewer
from inbox.access import conversations_of
from inbox.broadcast import fragments_for
from inbox.events import EVENT_TYPES, head_of
from inbox.models import Conversation, InboxEvent, TeamInbox
from inbox.standing import standing_of

LIMIT = 200
_BUBBLES = {"message.created", "message.updated", "message.removed", "activity.created"}


@dataclass(frozen=True)
class CatchUp:
    """The answer to a reader who was away."""

    head: int
    events: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    is_reset: bool = False


def catch_up(
    viewer: Viewer, inbox: TeamInbox, *, after: int, open_id: str, standing: str = ""
) -> CatchUp:
    """Return what changed after a cursor, for what this reader may see now.

    Too many events, a cursor older than what is kept, or another `standing` than the page was drawn
    for, ask for a fresh page. Fragments are rendered from the rows as they are now, one per thing.
    """
    head = head_of(inbox.pk)
    is_another = standing not in {"", standing_of(viewer, inbox)}
    if is_another or after > head or _is_too_old(inbox, after, head):
        return CatchUp(head, is_reset=True)
    visible = conversations_of(viewer)
    in_range = InboxEvent.objects.filter(inbox=inbox, seq__gt=after, seq__lte=head)
    events = list(
        in_range.filter(Q(conversation__in=visible) | Q(conversation=None))
        .select_related("conversation__inbox", "conversation__contact", "conversation__thread")
        .order_by("seq")[: LIMIT + 1]
    )
    if len(events) > LIMIT:
        return CatchUp(head, is_reset=True)
    return CatchUp(head, _frames(inbox, events, open_id), _left(viewer, in_range, open_id))


def seqs_in_sight(viewer: Viewer, inbox: TeamInbox, *, after: int) -> tuple[list[int], int]:
    """Return the numbers after a cursor whose content this reader may see, and the head.

    Where there are too many for one answer, the head is the last one named: only up to it is
    anything confirmed, and the reader asks on from there.
    """
    head = head_of(inbox.pk)
    seqs = list(
        InboxEvent.objects.filter(inbox=inbox, seq__gt=after, seq__lte=head)
        .filter(Q(conversation__in=conversations_of(viewer)) | Q(conversation=None))
        .order_by("seq")
        .values_list("seq", flat=True)[: LIMIT + 1]
    )
    return (seqs[:LIMIT], seqs[LIMIT - 1]) if len(seqs) > LIMIT else (seqs, head)


def _is_too_old(inbox: TeamInbox, after: int, head: int) -> bool:
    if after >= head:
        return False
    return not InboxEvent.objects.filter(inbox=inbox, seq=after + 1).exists()


def _frames(inbox: TeamInbox, events: list[InboxEvent], open_id: str) -> list[dict[str, Any]]:
    """Build frames with each fragment rendered once, on the last event that carries it."""
    last_with_row: dict[int, int] = {}
    last_of_message: dict[str, int] = {}
    for event in events:
        last_with_row[event.conversation_id or 0] = event.seq
        if event.type in _BUBBLES:
            last_of_message[str(event.data.get("id"))] = event.seq
    return [
        _frame(
            inbox,
            event,
            wants_row=last_with_row[event.conversation_id or 0] == event.seq,
            wants_bubble=last_of_message.get(str(event.data.get("id"))) == event.seq
            and event.conversation is not None
            and event.conversation.public_id == open_id,
        )
        for event in events
    ]


def _frame(
    inbox: TeamInbox, event: InboxEvent, *, wants_row: bool, wants_bubble: bool
) -> dict[str, Any]:
    kind = EVENT_TYPES.get(event.type)
    carried = set(kind.carries if kind else ())
    carries = tuple(
        part
        for part in ("bubble", "row", "header")
        if (part == "bubble" and wants_bubble and part in carried)
        or (part == "row" and wants_row)
        or (part == "header" and part in carried)
    )
    conversation = event.conversation
    return {
        "v": 1,
        "inbox": str(inbox.public_id),
        "seq": event.seq,
        "type": event.type,
        "at": event.created_at.isoformat(),
        "conversation": conversation.public_id if conversation else None,
        "actor": event.actor_id,
        "data": event.data,
        "frag": fragments_for(event.type, carries, event.data, conversation)
        if conversation
        else {},
    }


def _left(viewer: Viewer, in_range: Any, open_id: str) -> list[str]:
    """Return conversations this reader lost sight of in the range and does not see now.

    The one they have open counts as left whenever they do not see it, whatever it was.
    """
    gone = in_range.filter(left__contains=[viewer.user_id]).values("conversation")
    left = list(
        Conversation.objects.filter(account=viewer.account_id, pk__in=gone)
        .exclude(pk__in=conversations_of(viewer).filter(pk__in=gone).values("pk"))
        .values_list("public_id", flat=True)
    )
    if open_id and open_id not in left:
        is_open_seen = conversations_of(viewer).filter(public_id=open_id).exists()
        left += [] if is_open_seen else [open_id]
    return left
