"""What must be known before we answer by ourselves, and how is it answered at most once?"""

from datetime import datetime, timedelta

from inbox.models import AutoReplyLog, Message, Sender, Thread
from routing.decisions import Facts
from routing.replies import AUTO_REPLY_FRESHNESS, BURST


def facts_for(
    thread: Thread,
    message: Message,
    *,
    is_first_ever: bool,
    is_new_conversation: bool,
    is_reconciled: bool,
    now: datetime,
) -> Facts:
    """Gather what a decision about this inbound message may depend on, in three queries."""
    recent = list(
        Message.objects.filter(
            thread=thread, kind=Message.Kind.AUTO, created_at__gt=now - timedelta(hours=24)
        )
        .order_by("-seq")
        .values_list("created_at", "body")[:10]
    )
    last_text = recent[0][1] if recent else ""
    earlier = Message.objects.filter(
        thread=thread,
        direction=Message.Direction.IN,
        seq__lt=message.seq,
        received_at__gt=(message.received_at or now) - BURST,
    )
    return Facts(
        is_first_ever=is_first_ever,
        is_new_conversation=is_new_conversation,
        is_repliable=thread.address.is_repliable,
        is_own_sender=Sender.objects.filter(
            account=thread.account_id, address=thread.customer_address
        ).exists(),
        is_echo_of_ours=bool(last_text) and message.body.strip() == last_text.strip(),
        received_at=message.received_at or now,
        recent_auto_replies=tuple(at for at, _ in recent),
        last_auto_text=last_text,
        bursts=not is_first_ever and earlier.exists(),
        is_reconciled=is_reconciled,
    )


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


def is_still_wanted(reply: Message, *, now: datetime) -> bool:
    """Say, at sending time, whether an automatic reply still makes sense.

    Not after a person answered, nor when a person closed the conversation meanwhile, nor when it
    waited so long (at a paused sender, say) that silence is better than a late greeting.
    """
    if now - reply.created_at > AUTO_REPLY_FRESHNESS:
        return False
    human = Message.objects.filter(
        thread=reply.thread_id,
        direction=Message.Direction.OUT,
        kind=Message.Kind.TEXT,
        author__isnull=False,
        seq__gt=reply.auto_reply_log.trigger.seq,
    )
    conversation = reply.conversation
    return not human.exists() and not (conversation and conversation.is_closed)
