"""What is written, and who is told, when a message gets further, waits again or fails?"""

from datetime import datetime

from django.db.models import Min, Subquery, Value
from django.db.models.functions import Coalesce

from inbox.models import Conversation, Message
from inbox.service_levels import forget_answers
from inbox.story import Story
from inbox.timers import plan_wait
from inbox.twilio.errors import meaning_of

_Status = Message.Status


def tell_status(message: Message, story: Story) -> None:
    """Tell that a message got further. The message must be locked."""
    if message.conversation:
        story.message_status(message.conversation, message)


def tell_updated(message: Message, story: Story) -> None:
    """Tell that a message is to be shown anew. The message must be locked."""
    if message.conversation:
        story.message_updated(message.conversation, message, "status")


def put_back(message: Message, *, at: datetime) -> None:
    """Let a message that surely did not leave wait again, until `at`. It must be locked."""
    message.status, message.provider_status = _Status.QUEUED, ""
    message.not_before = message.nudge_at = at
    message.save()


def fail_message(message: Message, story: Story, *, code: str) -> None:
    """Write down a failure that a status callback reported. The message must be locked."""
    words = meaning_of(code).words
    finish(message, story, status=_Status.FAILED, error_code=code, error_words=words)


def finish(
    message: Message, story: Story, *, status: str, error_code: str, error_words: str
) -> None:
    """End the life of a message that did not arrive, and tell of it. It must be locked."""
    message.status, message.error_code = status, error_code
    message.error_words, message.settled_at = error_words[:300], story.now
    message.save()
    _mark_failure(message)
    tell_updated(message, story)


def _mark_failure(message: Message) -> None:
    # An automatic reply that was stopped concerns nobody; a person's answer does.
    if message.conversation and message.author_id:
        message.conversation.has_failed_message = True
        _resume_waiting(message.conversation)
        message.conversation.save()


def _resume_waiting(row: Conversation) -> None:
    """Let the clock go on from where the answers that did not arrive had stopped it."""
    since = _unanswered_since(row)
    if since is None:
        return
    forget_answers(row, since=since)
    if row.is_closed or row.is_hidden:
        return
    begins_again = row.waiting_since is None
    row.waiting_since = min(since, row.waiting_since or since)
    if begins_again:
        row.wait_generation += 1
        plan_wait(row)


def _unanswered_since(row: Conversation) -> datetime | None:
    """Return since when the customer waits, if all answers since then have failed."""
    answers = Message.objects.filter(
        conversation=row, direction=Message.Direction.OUT, author__isnull=False
    ).exclude(kind=Message.Kind.NOTE)
    failed = [_Status.FAILED, _Status.BLOCKED, _Status.CANCELED]
    last = answers.exclude(status__in=failed).order_by("-seq").values("seq")[:1]
    since = answers.filter(seq__gt=Coalesce(Subquery(last), Value(0)))
    earliest: datetime | None = since.aggregate(at=Min("waited_since"))["at"]
    return earliest
