"""Which conversation does a message belong to: the live one, the last one reopened, or a new one?

Contract: behaviour 4.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.access import feature_is_on
from accounts.models import Feature, User
from accounts.prepared import Prepared, insert_row, write_fields
from inbox.access import readers_of
from inbox.audience import give_to, is_eligible
from inbox.conversations import leave_owner, locked_conversation
from inbox.directory import is_free, stays_with_owner
from inbox.models import (
    Conversation,
    ConversationEvent,
    EscalationTimer,
    Message,
    Participant,
    Sender,
    TeamInbox,
    Thread,
)
from inbox.models.message import REACTION
from inbox.previews import set_preview
from inbox.sending import lock_messages
from inbox.story import Story
from inbox.timers import resume_timers, schedule_wait, write_wait
from inbox.windows import WHATSAPP_PREFIX, follow_window, window_of


def open_conversation(
    sender: Sender,
    thread: Thread,
    message: Message,
    story: Story,
    *,
    media_types: tuple[str, ...] = (),
    is_opted_out: bool = False,
) -> Conversation:
    """Return the conversation this message belongs to, open and up to date.

    The thread must be locked; `message` is not saved yet. `is_opted_out` is what their consent says
    after it.
    """
    last = _last_conversation(thread)
    if last and last.inbox_id == sender.inbox_id:
        last.inbox = sender.inbox
    if last is None or (last.is_closed and not is_within_window(last, sender.inbox, now=story.now)):
        return _begin(sender, thread, message, last, story, media_types, is_opted_out)
    before = _readers_who_may_leave(last, story)
    _wake(last, story)
    _reopen(last, story)
    last.is_opted_out = is_opted_out
    timers = _take_in(last, message, story, media_types)
    write_fields(last)
    _go_on(last, message, story, timers)
    if left := frozenset(before - readers_of(last, now=story.now) if before else ()):
        story.conversation_updated(last, "audience", left=left)
    return last


def _readers_who_may_leave(conversation: Conversation, story: Story) -> set[int]:
    """Return who reads a conversation that will change hands by being written to, else nobody."""
    is_steady = (
        conversation.status == Conversation.Status.OPEN
        and conversation.is_hidden == conversation.contact.is_blocked
    )
    return set() if is_steady else readers_of(conversation, now=story.now)


def append_quietly(thread: Thread, message: Message, story: Story) -> Conversation | None:
    """Put a keyword or reaction into the thread's last conversation, without opening or waiting."""
    conversation = _last_conversation(thread)
    if conversation:
        conversation.last_inbound_at, conversation.last_inbound_seq = story.now, message.seq
        follow_window(conversation)
        if not conversation.is_closed:
            set_preview(conversation, message)
        conversation.save()
        story.message_created(conversation, message)
    return conversation


def attach_reaction(message: Message, emoji: str, story: Story) -> Conversation:
    """Draw a reaction at the message that it answers, and return the conversation of that.

    By it nothing opens, waits, moves, is previewed or becomes unread. A blank `emoji` takes the
    customer's reaction back. The thread must be locked; `message` is not saved yet.
    """
    assert message.reply_to is not None
    # Messages before conversations, as everywhere.
    lock_messages([message.reply_to.pk])
    target = Message.objects.get(pk=message.reply_to.pk)
    assert target.conversation_id is not None
    conversation = locked_conversation(Conversation(pk=target.conversation_id))
    conversation.thread, conversation.contact = message.thread, message.thread.contact
    _keep_window_open(conversation)
    story.message_created(conversation, message)
    if _show(message, emoji, target):
        story.message_updated(conversation, target, REACTION)
    return conversation


def _keep_window_open(conversation: Conversation) -> None:
    """A reaction opens WhatsApp's window as any message does; who has the thread now is warned."""
    if window_of(conversation.thread) is None:
        return
    last = _last_conversation(conversation.thread)
    if last:
        follow_window(last)
        write_fields(last, "window_warns_at")


def _show(message: Message, emoji: str, target: Message) -> bool:
    """Let a message show a reaction instead of the one before; say whether that changed it.

    One that comes late, after a newer one, changes nothing.
    """
    at = message.provider_at or message.received_at or message.created_at
    before = target.details.get(REACTION)
    is_late = before is not None and datetime.fromisoformat(before["at"]) > at
    if is_late or target.forgotten_at is not None:
        return False
    shown = {"id": message.public_id, "emoji": emoji, "at": at.isoformat()}
    details = {**target.details, REACTION: shown}
    Message.objects.filter(pk=target.pk).update(details=details)
    return bool(emoji or before)


_LAST = Prepared(
    lambda thread: (
        Conversation.objects.select_for_update(no_key=True)
        .filter(thread=thread)
        .order_by("-pk")[:1]
    )
)


def _last_conversation(thread: Thread) -> Conversation | None:
    # Locked alone: a row that changed while we waited for its lock would come with the owner and
    # inbox it had before. What is needed of them is read later, as it is then.
    conversation = _LAST.first(thread=thread.pk)
    if conversation:
        conversation.thread, conversation.contact = thread, thread.contact
    return conversation


def is_within_window(conversation: Conversation, inbox: TeamInbox, *, now: datetime) -> bool:
    """Say whether a closed conversation is so young that it goes on, and no new one begins."""
    if inbox.reopen_hours is None:
        return True
    closed_at = conversation.closed_at or now
    return now - closed_at <= timedelta(hours=inbox.reopen_hours) and inbox.reopen_hours > 0


def _begin(
    sender: Sender,
    thread: Thread,
    message: Message,
    last: Conversation | None,
    story: Story,
    media_types: tuple[str, ...],
    is_opted_out: bool,
) -> Conversation:
    conversation = Conversation(
        account_id=thread.account_id,
        inbox=sender.inbox,
        thread=thread,
        contact=thread.contact,
        is_hidden=thread.contact.is_blocked,
        is_opted_out=is_opted_out,
        previous=last,
        opened_at=story.now,
        last_activity_at=story.now,
    )
    timers = _take_in(conversation, message, story, media_types)
    insert_row(conversation)
    story.conversation_created(conversation, channel=message.channel)
    story.record(
        conversation, ConversationEvent.Verb.OPENED, label="Customer", is_caused_by_last=True
    )
    _go_on(conversation, message, story, timers)
    return conversation


def _reopen(conversation: Conversation, story: Story) -> None:
    """Open a closed conversation again because the customer wrote."""
    if not conversation.is_closed:
        return
    conversation.status = Conversation.Status.OPEN
    conversation.closed_at = None
    conversation.reopen_count += 1
    conversation.version += 1
    conversation.is_team_wide = True
    conversation.was_team_wide_at_close = False
    Participant.objects.filter(conversation=conversation, is_ended_by_close=True).update(
        is_ended_by_close=False
    )
    owner = _owner_after_reopen(conversation, story)
    if owner:
        give_to(conversation, owner, source=Participant.Source.RULE, now=story.now)
    story.record(
        conversation,
        ConversationEvent.Verb.REOPENED,
        label="Customer",
        is_caused_by_last=True,
        owner=owner.name if owner else "",
    )
    story.conversation_updated(conversation, "status", "owner")


def _owner_after_reopen(conversation: Conversation, story: Story) -> User | None:
    owner = conversation.last_owner
    rule = conversation.inbox.reopen_owner
    if owner is None or rule == TeamInbox.ReopenOwner.TEAM:
        return None
    if not is_eligible(owner.pk, conversation.inbox_id, now=story.now):
        return None
    if rule == TeamInbox.ReopenOwner.ALWAYS_LAST_OWNER:
        return owner
    return owner if is_free(owner, conversation) else None


def _wake(conversation: Conversation, story: Story) -> None:
    """End a snooze because the customer wrote; an owner who is not free gives it back."""
    if conversation.status != Conversation.Status.SNOOZED:
        return
    conversation.status = Conversation.Status.OPEN
    conversation.snoozed_until = None
    conversation.version += 1
    if conversation.owner and not stays_with_owner(conversation, now=story.now):
        leave_owner(conversation, now=story.now)
    resume_timers(conversation, now=story.now)
    story.record(
        conversation, ConversationEvent.Verb.WOKEN, label="Customer", is_caused_by_last=True
    )
    story.conversation_updated(conversation, "status", "owner")


def _take_in(
    conversation: Conversation, message: Message, story: Story, media_types: tuple[str, ...]
) -> list[EscalationTimer]:
    """Let the conversation know of a new message from the customer; return the timers of a wait
    that begins by it.

    Saves neither.
    """
    conversation.is_hidden = conversation.contact.is_blocked
    begins_to_wait = conversation.waiting_since is None and not conversation.is_hidden
    if begins_to_wait:
        conversation.waiting_since = message.received_at
        conversation.wait_generation += 1
    conversation.last_inbound_at, conversation.last_inbound_seq = story.now, message.seq
    follow_window(conversation)
    set_preview(conversation, message, media_types=media_types)
    return schedule_wait(conversation) if begins_to_wait else []


def _go_on(
    conversation: Conversation, message: Message, story: Story, timers: Sequence[EscalationTimer]
) -> None:
    """Start the timers of a wait, and say that somebody wrote."""
    if timers:
        write_wait(conversation, timers)
    is_alert = not conversation.is_hidden and _may_alert(conversation.thread, story)
    story.message_created(conversation, message, notify=is_alert)


def _may_alert(thread: Thread, story: Story) -> bool:
    """Say whether anybody is alerted: not over WhatsApp while it is off (behaviour: decision 9)."""
    if not thread.our_address.startswith(WHATSAPP_PREFIX):
        return True
    return feature_is_on(thread.account_id, Feature.WHATSAPP, now=story.now)
