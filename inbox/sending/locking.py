"""What must be held while a message changes? Threads first, then messages, conversations last."""

from collections.abc import Sequence

from inbox.conversations import locked_conversation
from inbox.models import Conversation, Message, Thread


def locked_thread(thread_id: int) -> Thread:
    """Fetch a thread, locked until the transaction ends, with what a message needs."""
    # The lock first, and alone, as in `locked_conversation`: contacts may be joined meanwhile.
    Thread.objects.select_for_update(no_key=True).only("pk").get(pk=thread_id)
    needed = ("sender__inbox", "sender__account", "address", "contact")
    return Thread.objects.select_related(*needed).get(pk=thread_id)


def thread_is_free(thread_id: int) -> bool:
    """Lock a thread unless somebody holds it, and say whether it is locked now.

    For who holds a message already, and must not wait for what comes before it.
    """
    rows = Thread.objects.select_for_update(no_key=True, skip_locked=True)
    return rows.filter(pk=thread_id).values_list("pk", flat=True).first() is not None


def lock_messages(message_ids: Sequence[int]) -> None:
    """Lock several messages, in their order, before the conversation of any."""
    rows = Message.objects.select_for_update(no_key=True).filter(pk__in=message_ids)
    list(rows.order_by("pk").values_list("pk"))


def locked_message(message_id: int) -> Message:
    """Fetch a message and its conversation, both locked until the transaction ends.

    Whoever announces something about a conversation holds it: else a claim could commit in between
    and the news go to those who have just lost sight of it.
    """
    message = (
        Message.objects.select_for_update(of=("self",), no_key=True)
        .select_related("thread__sender")
        .get(pk=message_id)
    )
    lock_conversation(message)
    return message


def lock_conversation(message: Message) -> None:
    """Lock the conversation of a message, if it has one, and read it anew."""
    if message.conversation_id:
        message.conversation = locked_conversation(Conversation(pk=message.conversation_id))
