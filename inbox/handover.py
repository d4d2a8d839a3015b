"""What must somebody know who has just been given a conversation? Facts that are stored, no more.

The card stands above the thread until its reader answers or puts it away. Everything on it comes
from the one conversation that its reader was let into.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.access import Viewer
from compliance.evidence import EVERY_PROGRAMME
from compliance.models import Consent
from inbox.abilities import Ability
from inbox.contacts import address_of
from inbox.labels import activity_words, said
from inbox.models import Conversation, ConversationEvent, Message, Participant, ReadCursor
from inbox.refusals import NotAllowedError

LINES = 3
NOTES = 2
LONGEST_LINE = 300
_Verb = ConversationEvent.Verb
_GIVING = (_Verb.TRANSFERRED, _Verb.MOVED, _Verb.ESCALATED, _Verb.RETURNED, _Verb.TAKEN_OVER)
# After these there is nobody who was given it.
_ENDING = (_Verb.UNDONE, _Verb.RELEASED, _Verb.CLOSED, _Verb.REOPENED)
_BY_OTHERS = (Participant.Source.MANUAL, Participant.Source.ESCALATION)
_OWNING = (_Verb.CLAIMED, _Verb.TRANSFERRED, _Verb.TAKEN_OVER)


@dataclass(frozen=True)
class Line:
    """Something that somebody wrote, cut to a line or two; `is_gone`: its words were removed."""

    public_id: str
    words: str
    at: datetime
    author: str = ""
    is_gone: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True)
class Handover:
    """The facts of a conversation for who has it now. `event` is how it came to them."""

    event: ConversationEvent
    words: str
    wanted: Sequence[Line]
    is_answered: bool
    waiting_since: datetime | None
    had_it: Sequence[str]
    tags: Sequence[str]
    consent: Consent | None
    scheduled: Sequence[Line]
    notes: Sequence[Line]
    reasons: Sequence[str]
    promised_at: datetime | None = None
    promise_note: str = ""


def handover_of(
    viewer: Viewer,
    row: Conversation,
    abilities: frozenset[Ability],
    part: Participant | None,
) -> Handover | None:
    """Return the card for this reader, or None: nothing was given to them, or they are past it.

    `part` is their row in the audience. No question is asked of a conversation that never changed
    hands. `row` must have come through `access`.
    """
    if row.is_closed or not abilities & {Ability.REPLY, Ability.CLAIM}:
        return None
    if not _may_be_given(row, part):
        return None
    event = (
        ConversationEvent.objects.filter(conversation=row, verb__in=(*_GIVING, *_ENDING))
        .order_by("-pk")
        .first()
    )
    if event is None or not _is_given(event, viewer, row) or _is_past(event, viewer, row):
        return None
    return _card(event, row)


def put_away(*, conversation: Conversation, by: Viewer, event_id: int) -> None:
    """Show this person no card any more of what happened up to this line of the timeline."""
    if by.is_support:
        raise NotAllowedError
    cursor, _made = ReadCursor.objects.get_or_create(
        user_id=by.user_id, conversation=conversation, defaults={"seq": 0}
    )
    if cursor.handover_id < event_id:
        ReadCursor.objects.filter(pk=cursor.pk).update(handover_id=event_id)


def _may_be_given(row: Conversation, part: Participant | None) -> bool:
    """Say whether it can have come to somebody by a hand-over, from what is known already."""
    was_named = part is not None and part.source in _BY_OTHERS
    was_moved = row.thread.sender.inbox_id != row.inbox_id
    came_back = row.owner_id is None and row.last_owner_id is not None
    return was_named or was_moved or came_back


def _is_given(event: ConversationEvent, viewer: Viewer, row: Conversation) -> bool:
    """Say whether it came to this reader by this event, and is theirs to answer now."""
    is_free = row.owner_id is None
    is_mine = row.owner_id == viewer.user_id
    if event.verb == _Verb.TAKEN_OVER:
        return is_mine and event.actor_id == viewer.user_id
    if event.verb == _Verb.TRANSFERRED:
        return is_mine and event.data.get("to_id") == viewer.user_id != event.actor_id
    if event.verb == _Verb.ESCALATED:
        return is_mine or viewer.user_id in event.data.get("told", ())
    is_by_me = event.actor_id == viewer.user_id
    return event.verb in _GIVING and (is_mine or is_free) and not is_by_me


def _is_past(event: ConversationEvent, viewer: Viewer, row: Conversation) -> bool:
    answered = Message.objects.filter(
        thread=row.thread_id,
        seq__gt=event.after_seq,
        author=viewer.user_id,
        direction=Message.Direction.OUT,
        created_at__gte=event.at,
    ).exclude(kind=Message.Kind.NOTE)
    put_off = ReadCursor.objects.filter(
        user=viewer.user_id, conversation=row, handover_id__gte=event.pk
    )
    return answered.exists() or put_off.exists()


def _card(event: ConversationEvent, row: Conversation) -> Handover:
    events = list(ConversationEvent.objects.filter(conversation=row).order_by("-pk")[:100])
    wanted, is_answered = _wanted(row)
    return Handover(
        event=event,
        words=activity_words(event),
        wanted=wanted,
        is_answered=is_answered,
        waiting_since=row.waiting_since,
        had_it=_owners(events, but=row.owner.name if row.owner else ""),
        tags=row.tags,
        consent=_consent(row),
        scheduled=_scheduled(row),
        notes=_notes(row),
        reasons=_reasons(events, but=event),
        promised_at=row.promised_at,
        promise_note=promise_note(row),
    )


def _wanted(row: Conversation) -> tuple[list[Line], bool]:
    """Return the customer's last words: those that nobody answered, or else the last of all."""
    inbound = Message.objects.filter(conversation=row, direction=Message.Direction.IN).exclude(
        kind=Message.Kind.REACTION
    )
    open_ones = inbound.filter(created_at__gte=row.waiting_since) if row.waiting_since else None
    found = list(open_ones.order_by("-seq")[:LINES]) if open_ones is not None else []
    if found:
        return [_line(one) for one in reversed(found)], False
    return [_line(one) for one in inbound.order_by("-seq")[:1]], True


def _line(message: Message) -> Line:
    is_gone = bool(message.forgotten_for)
    return Line(
        message.public_id,
        "" if is_gone else said(message)[:LONGEST_LINE],
        message.created_at,
        message.author_label,
        is_gone,
        message.not_before,
    )


def _owners(events: Iterable[ConversationEvent], *, but: str) -> list[str]:
    """Name who had it before, the last first."""
    names: list[str] = []
    for event in events:
        if event.verb in _OWNING:
            is_transfer = event.verb == _Verb.TRANSFERRED
            names.append(str(event.data.get("to", "")) if is_transfer else event.actor_label)
    return [name for name in dict.fromkeys(names) if name and name != but][:LINES]


def _consent(row: Conversation) -> Consent | None:
    return Consent.objects.filter(
        account=row.account_id,
        address=address_of(row.thread).consent_key,
        programme=EVERY_PROGRAMME,
    ).first()


def _scheduled(row: Conversation) -> list[Line]:
    waiting = Message.objects.filter(
        conversation=row, status=Message.Status.QUEUED, not_before__isnull=False
    ).exclude(kind=Message.Kind.AUTO)
    return [_line(one) for one in waiting.order_by("not_before")[:LINES]]


def _notes(row: Conversation) -> list[Line]:
    notes = Message.objects.filter(conversation=row, kind=Message.Kind.NOTE).order_by("-seq")
    return [_line(one) for one in reversed(notes[:NOTES])]


def _reasons(events: Iterable[ConversationEvent], *, but: ConversationEvent) -> list[str]:
    """Say what rules and escalation did, the last first."""
    told = (_Verb.ROUTED, _Verb.ESCALATED)
    found = [activity_words(one) for one in events if one.verb in told and one.pk != but.pk]
    return list(dict.fromkeys(found))[:LINES]


def promise_note(row: Conversation) -> str:
    """Return what was promised a customer, as a colleague put it; blank where nothing is."""
    if row.promised_at is None:
        return ""
    made = ConversationEvent.objects.filter(
        conversation=row, verb=_Verb.PROMISED, data__did="made"
    ).order_by("-pk")
    latest = made.first()
    return str(latest.data.get("note", "")) if latest else ""
