"""What happened before we would answer by ourselves, and how is it answered at most once?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from inbox.models import AutoReplyLog, Conversation, ConversationEvent, Message, Sender, Thread
from routing.replies import (
    AUTO_REPLY_FRESHNESS,
    BURST,
    ECHO,
    History,
    Reply,
    ReplyKind,
    Said,
)

if TYPE_CHECKING:
    from django.db.models import QuerySet

_DAY = timedelta(hours=24)
# A message's detail: it was said because a person closed the conversation.
GOODBYE = "goodbye"
# Their windows are one message each: they never come again.
_OF_ONE_MESSAGE = (ReplyKind.RULE, ReplyKind.KEYWORD)


def history_of(
    thread: Thread,
    conversation: Conversation,
    message: Message,
    *,
    is_new_conversation: bool,
    refusal: str = "",
    now: datetime,
) -> History:
    """Gather what a thread knows when it is asked whether to answer a message, in five queries."""
    replied = AutoReplyLog.objects.filter(
        Q(at__gt=now - _DAY) | ~Q(kind__in=_OF_ONE_MESSAGE), thread=thread
    )
    log = logged(replied)
    received_at = message.received_at or now
    last_seq = log.last_seq or message.seq
    person = last_of_people(thread.pk, after=min(last_seq, message.seq))
    return History(
        conversation=conversation.public_id,
        triggered_at=received_at,
        wait_generation=conversation.wait_generation,
        is_new_conversation=is_new_conversation,
        inbound=tuple(_before(message, received_at)),
        said=log.said_after(now - _DAY),
        used=log.windows,
        closed_words_at=log.closed_words_at,
        has_person_since=person > last_seq,
        is_answered=person > message.seq,
        is_repliable=thread.address.is_repliable,
        is_own_sender=_is_ours(thread),
        is_machine=bool(log.said) and _echoed_us(conversation, now=now),
        is_reconciled=message.was_found_late,
        refusal=refusal,
    )


@dataclass(frozen=True)
class Logged:
    """What a thread was answered by itself, the newest first; `last_seq` is that one's number."""

    said: tuple[Said, ...]
    last_seq: int

    def said_after(self, at: datetime) -> tuple[Said, ...]:
        """Return what was said after an instant."""
        return tuple(one for one in self.said if one.at > at)

    @property
    def windows(self) -> frozenset[tuple[str, str]]:
        """Return the kinds and windows in which something was said."""
        return frozenset((one.kind, one.window_key) for one in self.said)

    @property
    def closed_words_at(self) -> datetime | None:
        """Return when the after-hours words were said last."""
        times = (one.at for one in self.said if one.kind == ReplyKind.AFTER_HOURS)
        return next(times, None)


def logged(replied: "QuerySet[AutoReplyLog]") -> Logged:
    """Read what was answered, in one query."""
    rows = list(
        replied.order_by("-at", "-pk").values_list(
            "at", "message__body", "kind", "window_key", "message__seq"
        )
    )
    said = tuple(Said(at, text, kind, window) for at, text, kind, window, _ in rows)
    return Logged(said, rows[0][-1] if rows else 0)


def _before(message: Message, received_at: datetime) -> list[datetime]:
    """Return when the messages of the same burst came that were taken in before.

    Nobody is asked what to answer to a reaction: it begins no burst.
    """
    earlier = Message.objects.filter(
        thread=message.thread_id,
        direction=Message.Direction.IN,
        seq__lt=message.seq,
        received_at__gt=received_at - BURST,
    ).exclude(kind=Message.Kind.REACTION)
    last = earlier.order_by("-seq").values_list("received_at", flat=True).first()
    return [last] if last else []


def _echoed_us(conversation: Conversation, *, now: datetime) -> bool:
    """Say whether our own words came back lately: then it is a machine for a day."""
    return ConversationEvent.objects.filter(
        conversation=conversation,
        verb=ConversationEvent.Verb.SILENT,
        at__gt=now - _DAY,
        data__reason=ECHO,
    ).exists()


def _is_ours(thread: Thread) -> bool:
    """Say whether it is one of the account's own senders that wrote."""
    ours = Sender.objects.filter(account=thread.account_id, address=thread.customer_address)
    return ours.exists()


def last_of_people(thread: int, *, after: int) -> int:
    """Return the number of the last message that a person sent after another; 0 if none did."""
    sent = Message.objects.filter(
        thread=thread,
        direction=Message.Direction.OUT,
        kind=Message.Kind.TEXT,
        author__isnull=False,
        seq__gt=after,
    )
    return sent.order_by("-seq").values_list("seq", flat=True).first() or 0


def remember_auto_reply(reply: Message, trigger: Message, *, kind: str, window: str) -> None:
    """Write that this was answered; the database refuses a second answer in the same window."""
    AutoReplyLog.objects.create(
        account_id=reply.account_id,
        thread_id=reply.thread_id,
        kind=kind,
        window_key=window,
        message=reply,
        trigger=trigger,
        at=reply.created_at,
    )


def remember_reply(message: Message, trigger: Message, reply: Reply) -> None:
    """Write which reply answered a message."""
    remember_auto_reply(message, trigger, kind=reply.kind.value, window=reply.window_key)


def is_still_wanted(reply: Message, *, now: datetime) -> bool:
    """Say, at sending time, whether an automatic reply still makes sense.

    Not after a person answered, nor when a person closed the conversation meanwhile, nor when the
    message that it answers came so long ago (the sender was paused, say) that silence is better
    than a late greeting; who waits longer than that is told so once the wait is due. A goodbye is
    wanted while its conversation stays closed and nobody wrote.
    """
    if GOODBYE in reply.details:
        return _is_goodbye(reply, now=now)
    log = reply.auto_reply_log
    trigger = log.trigger
    is_due_by_clock = log.kind == ReplyKind.STILL_WAITING
    since = reply.created_at if is_due_by_clock else trigger.received_at or trigger.created_at
    if now - since > AUTO_REPLY_FRESHNESS:
        return False
    is_answered = last_of_people(reply.thread_id, after=trigger.seq) > 0
    return not (is_answered or _was_closed(reply))


def _is_goodbye(reply: Message, *, now: datetime) -> bool:
    """Say whether a goodbye still fits."""
    is_over = reply.conversation is not None and reply.conversation.is_closed
    has_written = reply.thread.last_inbound_seq > reply.seq
    return is_over and not has_written and now - reply.created_at <= AUTO_REPLY_FRESHNESS


def _was_closed(reply: Message) -> bool:
    """Say whether a person closed the conversation since; a rule that closes may answer first."""
    conversation = reply.conversation
    if conversation is None or not conversation.is_closed:
        return False
    return ConversationEvent.objects.filter(
        conversation=conversation,
        verb=ConversationEvent.Verb.CLOSED,
        actor__isnull=False,
        at__gte=reply.created_at,
    ).exists()
