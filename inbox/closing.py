"""How does a conversation end, and come back? Closed by hand or by quiet; undone, or reopened.

What a customer's next message reopens is told in `inbox.inbound_flow`. Contract: behaviour 3.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.english import noop
from accounts.models import User
from inbox.abilities import Ability
from inbox.access import readers_of
from inbox.audience import current_parts, end_parts, give_to
from inbox.broadcast import announce
from inbox.contacts import is_opted_out
from inbox.conversations import each_due, locked_conversation, require
from inbox.models import (
    Conversation,
    ConversationEvent,
    Message,
    Participant,
    ReadCursor,
    TeamInbox,
)
from inbox.models.conversation import ConversationQuerySet
from inbox.refusals import (
    ChangedMeanwhileError,
    ClosedError,
    NotAllowedError,
    PromiseOpenError,
    ReasonNeededError,
    StillWaitingError,
    UnseenMessagesError,
)
from inbox.rerouting import rules_are_done
from inbox.service_levels import forget_close, record_close
from inbox.snapshots import may_return, returning, without_strangers
from inbox.story import Story
from inbox.timers import end_timers, restore_timers
from routing.escalation import Ended

# What can become of a promise when its conversation is closed.
PROMISE_ENDS = ("kept", "cancelled")
UNDO_TIME = timedelta(minutes=2)
MOST_COUNTED = 1_000
CLOSED_WHILE_WAITING = noop("Closed while the customer was waiting")
_Verb = ConversationEvent.Verb


def close_conversation(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    last_seen_seq: int,
    now: datetime,
    reason: str = "",
    waiting_ok: bool = False,
    promise: str = "",
) -> Conversation:
    """Close a conversation so that alerts end and the next message reopens it or begins a new one.

    Raises UnseenMessagesError if the customer wrote after what the closer has seen,
    StillWaitingError if they wait and that was not confirmed (without a reason, the timeline then
    says that they waited), ReasonNeededError if the inbox asks for a reason, PromiseOpenError if
    somebody promised to come back and `promise` does not say what became of it: "kept" or
    "cancelled".
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        wish = Close(last_seen_seq, reason, waiting_ok=waiting_ok, promise=promise)
        check_close(row, by, wish)
        story = Story(now=now, actor=user)
        close_as_wished(row, wish, story)
        announce(story.announcements(), now=now)
    return row


@dataclass(frozen=True)
class Close:
    """What somebody says who closes a conversation, as `close_conversation` takes it."""

    last_seen_seq: int
    reason: str = ""
    waiting_ok: bool = False
    promise: str = ""


def check_close(row: Conversation, by: Viewer, wish: Close) -> None:
    """See that somebody may close a locked conversation now. Raises as `close_conversation`."""
    if row.is_closed:
        raise ClosedError
    require(Ability.CLOSE, by, row)
    _check_close(row, wish.last_seen_seq, wish.reason, waiting_ok=wish.waiting_ok)
    if row.promised_at and wish.promise not in PROMISE_ENDS:
        raise PromiseOpenError


def close_as_wished(row: Conversation, wish: Close, story: Story) -> None:
    """Close a locked conversation that may be closed."""
    reason = wish.reason.strip() or _reason_unsaid(row)
    close_row(row, story, reason=reason, promise=wish.promise)


def _check_close(row: Conversation, last_seen_seq: int, reason: str, *, waiting_ok: bool) -> None:
    if row.thread.last_inbound_seq > last_seen_seq:
        raise UnseenMessagesError(last_seen_seq + 1)
    if row.waiting_since and not waiting_ok:
        raise StillWaitingError
    if row.inbox.is_close_reason_required and not reason.strip():
        raise ReasonNeededError


def _reason_unsaid(row: Conversation) -> str:
    """Return what stands for the reason of a close that nobody gave one for (behaviour 3)."""
    return CLOSED_WHILE_WAITING if row.waiting_since else ""


def close_row(
    row: Conversation,
    story: Story,
    *,
    reason: str = "",
    label: str = "",
    promise: str = "",
    undone: str = "",
) -> None:
    """Close a locked conversation: rows, timeline, events. The story keeps what an undo needs.

    A promise ends with it: as `promise` says, or called off. `undone` is the public id of the
    reopening that it takes back, if it does: then it cannot be taken back itself.
    """
    before = readers_of(row, now=story.now)
    record_close(row, by=story.actor, now=story.now)
    parts = end_parts(row, now=story.now, by_close=True)
    end_timers(row, Ended.CLOSED, now=story.now)
    undo = {
        "status": row.status,
        "owner": row.owner_id,
        "last_owner": row.last_owner_id,
        "owned_since": _iso(row.owned_since),
        "is_team_wide": row.is_team_wide,
        "audience_before": row.audience_before,
        "waiting_since": _iso(row.waiting_since),
        "snoozed_until": _iso(row.snoozed_until),
        "returns_at": _iso(row.returns_at),
        "promised_at": _iso(row.promised_at),
        "promise_told_at": _iso(row.promise_told_at),
        "routing": row.routing,
        "routing_trigger": row.routing_trigger,
        "route_at": _iso(row.route_at),
        "parts": [[part.user_id, part.role, part.source, part.mentioned_seq] for part in parts],
    }
    row.was_team_wide_at_close = row.is_team_wide
    row.last_owner = row.owner or row.last_owner
    row.status, row.closed_at, row.close_reason = (
        Conversation.Status.CLOSED,
        story.now,
        reason.strip()[:200],
    )
    row.owner = row.owned_since = row.waiting_since = row.snoozed_until = None
    row.audience_before = row.returns_at = None
    had_promise = row.promised_at is not None
    row.promised_at = row.promise_told_at = None
    rules_are_done(row)
    row.version += 1
    row.save()
    if had_promise:
        story.record(
            row,
            _Verb.PROMISED,
            label=label,
            did=promise or "cancelled",
            reason=reason.strip()[:200],
        )
    left = frozenset(before - readers_of(row, now=story.now))
    facts = {"of": undone} if undone else {"undo": undo, "version": row.version}
    story.record(row, _Verb.CLOSED, label=label, reason=row.close_reason, **facts)
    story.conversation_updated(row, "status", "owner", left=left)


def undo_close(
    *, conversation: Conversation, by: Viewer, user: User, now: datetime
) -> Conversation:
    """Undo one's own close within two minutes: owner, audience and waiting clock as before.

    Raises ChangedMeanwhileError if anything happened since, or too much time passed.
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        event = ConversationEvent.objects.filter(conversation=row).order_by("-pk").first()
        is_close = event and event.verb == _Verb.CLOSED and "undo" in event.data
        is_mine = is_close and event and event.actor_id == user.pk
        is_fresh = event and now - event.at <= UNDO_TIME
        if not (row.is_closed and event and is_mine and is_fresh and by.may_see):
            raise ChangedMeanwhileError(
                noop("This close can no longer be undone. Reopen it instead.")
            )
        story = Story(now=now, actor=user)
        restore_close(row, event, story)
        announce(story.announcements(), now=now)
    return row


def restore_close(row: Conversation, closed: ConversationEvent, story: Story) -> None:
    """Make a locked conversation as it was before this close.

    Who can no longer work there is left out. Raises ChangedMeanwhileError if it is open, or the
    thread has a newer conversation; NotEligibleError if its owner, or all who had it, are gone.
    """
    if not row.is_closed:
        raise ChangedMeanwhileError(noop("This close can no longer be undone. Reopen it instead."))
    _refuse_newer(row)
    before = readers_of(row, now=story.now)
    _restore(row, closed.data["undo"], now=story.now)
    left = frozenset(before - readers_of(row, now=story.now))
    story.record(row, _Verb.REOPENED, undone=True, of=closed.public_id)
    story.conversation_updated(row, "status", "owner", left=left)


def _restore(row: Conversation, undo: dict[str, Any], *, now: datetime) -> None:
    kept = {**undo, "owner_id": undo["owner"]}
    able = {part.user_id: part for part in returning(row, kept, now=now)}
    Participant.objects.filter(conversation=row, is_ended_by_close=True).update(
        is_ended_by_close=False
    )
    _restore_parts(row, able)
    row.status = str(undo["status"])
    row.owner_id = undo["owner"]
    row.last_owner_id = undo.get("last_owner", row.last_owner_id)
    row.owned_since = _time(undo["owned_since"])
    row.is_team_wide = bool(undo["is_team_wide"])
    row.audience_before = without_strangers(row, undo["audience_before"])
    row.waiting_since = _time(undo["waiting_since"])
    row.snoozed_until = _time(undo["snoozed_until"])
    row.returns_at = _time(undo["returns_at"])
    row.promised_at = _time(undo.get("promised_at"))
    row.promise_told_at = _time(undo.get("promise_told_at"))
    row.routing = str(undo.get("routing", row.routing))
    row.routing_trigger = str(undo.get("routing_trigger", ""))
    row.route_at = _time(undo.get("route_at"))
    closed_at = row.closed_at
    row.closed_at, row.close_reason, row.was_team_wide_at_close = None, "", False
    row.version += 1
    row.save()
    restore_timers(row, closed_at=closed_at)
    forget_close(row, closed_at=closed_at)
    # The owner's name is shown by what follows.
    row.refresh_from_db(fields=["owner", "last_owner"])


def _restore_parts(row: Conversation, able: dict[int, Participant]) -> None:
    """Let these take part as what they did; whoever was brought in since stays."""
    there = {part.user_id: part for part in current_parts(row)}
    for user_id, was in able.items():
        part = there.get(user_id, was)
        part.role, part.source = was.role, was.source
        part.mentioned_seq = part.mentioned_seq or was.mentioned_seq
        part.save()


def reopen_conversation(
    *, conversation: Conversation, by: Viewer, user: User, now: datetime
) -> Conversation:
    """Open a closed conversation again, owned by who opens it; where nobody claims, by nobody.

    Raises ChangedMeanwhileError if the thread has a newer conversation.
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.REOPEN, by, row)
        if row.contact.is_blocked:
            raise NotAllowedError(_("This contact is blocked. Unblock them first."))
        story = Story(now=now, actor=user)
        reopen_row(row, user, story)
        announce(story.announcements(), now=now)
    return row


def reopen_row(row: Conversation, user: User, story: Story) -> None:
    """Reopen a locked, closed conversation for `user`, or for the team where nobody claims."""
    _refuse_newer(row)
    before = readers_of(row, now=story.now)
    parted = Participant.objects.filter(conversation=row, is_ended_by_close=True)
    undo = {
        "closed_at": _iso(row.closed_at),
        "last_activity_at": _iso(row.last_activity_at),
        "reason": row.close_reason,
        "last_owner": row.last_owner_id,
        "is_team_wide": row.is_team_wide,
        "was_team_wide": row.was_team_wide_at_close,
        "parts": list(parted.values_list("pk", flat=True)),
    }
    parted.update(is_ended_by_close=False)
    row.status, row.closed_at, row.close_reason = Conversation.Status.OPEN, None, ""
    row.was_team_wide_at_close, row.is_team_wide = False, True
    row.reopen_count += 1
    row.audience_before = None
    row.is_opted_out = is_opted_out(row.thread)
    if not row.inbox.is_collaborative:
        give_to(row, user, source=Participant.Source.CLAIM, now=story.now)
    row.version += 1
    row.last_activity_at = story.now
    row.save()
    left = frozenset(before - readers_of(row, now=story.now))
    owner = row.owner.name if row.owner else ""
    story.record(row, _Verb.REOPENED, owner=owner, undo=undo, version=row.version)
    story.conversation_updated(row, "status", "owner", left=left)


def close_again(row: Conversation, reopened: ConversationEvent, story: Story) -> None:
    """Make a locked conversation closed as it was before this reopening.

    Raises ChangedMeanwhileError if the customer has written since.
    """
    if row.is_closed or row.waiting_since:
        raise ChangedMeanwhileError(
            _("Something happened in this conversation since: this can no longer be taken back.")
        )
    was = reopened.data["undo"]
    close_row(row, story, reason=was["reason"], undone=reopened.public_id)
    # No report counts it, nor the reopening.
    forget_close(row, closed_at=row.closed_at)
    parts = Participant.objects.filter(conversation=row)
    parts.filter(is_ended_by_close=True).update(is_ended_by_close=False)
    had = [
        part.pk
        for part in parts.filter(pk__in=was["parts"])
        if may_return(part, row.inbox, now=story.now)
    ]
    parts.filter(pk__in=had).update(is_ended_by_close=True)
    row.closed_at, row.last_owner_id = _time(was["closed_at"]), was["last_owner"]
    row.last_activity_at = _time(was.get("last_activity_at")) or row.last_activity_at
    # Who muted it since then muted a round that was none.
    ReadCursor.objects.filter(conversation=row, muted_round=row.reopen_count).update(
        muted_round=None
    )
    row.reopen_count -= 1
    row.is_team_wide, row.was_team_wide_at_close = was["is_team_wide"], was["was_team_wide"]
    row.save()


def _refuse_newer(row: Conversation) -> None:
    if Conversation.objects.filter(thread=row.thread_id, pk__gt=row.pk).exists():
        raise ChangedMeanwhileError(
            noop("There is a newer conversation with this customer. Open it.")
        )


def close_quiet(*, now: datetime) -> int:
    """Close conversations whose last word was ours, the inbox's number of hours ago.

    Never while a customer waits, never a snoozed one, never where an answer failed or has not left
    yet, and only conversations opened after the setting was switched on.
    """
    closed = 0
    for inbox in TeamInbox.objects.filter(
        is_on=True, auto_close_hours__isnull=False, auto_close_since__isnull=False
    ):
        due = _quiet_in(inbox, now=now).filter(opened_at__gte=inbox.auto_close_since)
        closed += each_due(due.order_by("last_human_reply_at")[:200], _close_if_quiet, now=now)
    return closed


def _quiet_in(inbox: TeamInbox, *, now: datetime) -> ConversationQuerySet:
    return Conversation.objects.filter(
        inbox=inbox,
        status=Conversation.Status.OPEN,
        waiting_since=None,
        promised_at=None,
        has_failed_message=False,
        last_human_reply_at__lte=now - timedelta(hours=inbox.auto_close_hours or 0),
    )


@dataclass(frozen=True)
class Older:
    """How many conversations began before an inbox closed by itself: all, and those due at once.

    Neither number goes beyond MOST_COUNTED.
    """

    number: int
    due: int


def older_than_setting(inbox: TeamInbox, *, now: datetime) -> Older:
    """Count what is open and began before an inbox closed by itself: that stays open as yet."""
    since = inbox.auto_close_since
    if inbox.auto_close_hours is None or since is None:
        return Older(0, 0)
    live = Conversation.objects.filter(inbox=inbox).live().filter(opened_at__lt=since)
    due = _quiet_in(inbox, now=now).filter(opened_at__lt=since)
    return Older(live[:MOST_COUNTED].count(), due[:MOST_COUNTED].count())


def _close_if_quiet(row: Conversation, story: Story) -> bool:
    hours = row.inbox.auto_close_hours
    is_quiet = (
        row.status == Conversation.Status.OPEN
        and row.waiting_since is None
        and row.promised_at is None
        and not row.has_failed_message
        and hours is not None
        and row.last_human_reply_at is not None
        and row.last_human_reply_at <= story.now - timedelta(hours=hours)
        and not _has_unsent(row)
    )
    if is_quiet:
        close_row(
            row,
            story,
            reason=noop("No message for %(hours)s hours") % {"hours": hours},
            label="Auto-close",
        )
    return is_quiet


def _has_unsent(row: Conversation) -> bool:
    unsent = [Message.Status.QUEUED, Message.Status.SENDING]
    return Message.objects.filter(thread=row.thread_id, status__in=unsent).exists()


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
