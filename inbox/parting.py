"""What does a customer hear when a person closes their conversation? A goodbye, if there is one.

It goes through the same gate as every automatic reply; where that refuses it, the timeline says
why. A close by itself, by a rule or of many at once says nothing.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.access import Viewer
from accounts.models import User
from compliance.gate import Purpose
from inbox.autoreply import GOODBYE
from inbox.broadcast import announce
from inbox.closing import Close, check_close, close_as_wished, close_conversation
from inbox.conversations import locked_conversation
from inbox.models import Conversation, ConversationEvent
from inbox.sending import Wanted, locked_thread, queue_message, verdict_on
from inbox.story import Story

# As long as the toast offers to take the close back, and a moment.
HELD_FOR = timedelta(seconds=10)


def close_with_goodbye(
    *, conversation: Conversation, by: Viewer, user: User, wish: Close, now: datetime
) -> Conversation:
    """Close a conversation and say goodbye, where its inbox does. Raises as `close_conversation`.

    It leaves a few seconds later, and only if the conversation is still closed then.
    """
    if not conversation.inbox.goodbye:
        return close_conversation(
            conversation=conversation,
            by=by,
            user=user,
            last_seen_seq=wish.last_seen_seq,
            reason=wish.reason,
            waiting_ok=wish.waiting_ok,
            promise=wish.promise,
            now=now,
        )
    with transaction.atomic(durable=True):
        # Threads come before conversations: whoever receives a message holds its thread.
        thread = locked_thread(conversation.thread_id)
        row = locked_conversation(conversation)
        row.thread = thread
        check_close(row, by, wish)
        said, closed = Story(now=now), Story(now=now, actor=user)
        _say_goodbye(row, said)
        close_as_wished(row, wish, closed)
        announce([*said.announcements(), *closed.announcements()], now=now)
    return row


def _say_goodbye(row: Conversation, story: Story) -> None:
    """Let it be sent, or say in the timeline why it is not."""
    body, thread = row.inbox.goodbye, row.thread
    verdict = verdict_on(thread, Wanted(Purpose.AUTO_REPLY, None, story.now, body), now=story.now)
    if not verdict.is_allowed:
        story.record(
            row,
            ConversationEvent.Verb.SILENT,
            label="Team Inbox",
            did="goodbye",
            reason=verdict.words,
        )
        return
    message = queue_message(
        thread=thread,
        conversation=row,
        body=body,
        purpose=Purpose.AUTO_REPLY,
        bot_name=row.inbox.bot_name,
        story=story,
        verdict=verdict,
        hold=HELD_FOR,
    )
    message.details = {**message.details, GOODBYE: True}
    message.save(update_fields=["details"])
