"""What is written, and who is told, when a message gets further, waits again or fails?"""

from datetime import datetime

from django.db.models import Min, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from compliance.consent import consent_of
from compliance.judging import Purpose
from compliance.models import ConsentState
from inbox.contacts import address_of
from inbox.models import Conversation, Message
from inbox.service_levels import forget_answers, record_answer
from inbox.story import Story
from inbox.timers import end_timers, plan_wait, suspend_timers
from inbox.twilio.errors import meaning_of
from routing.escalation import Ended

_Status = Message.Status
# What a person sends without answering anybody.
_NO_ANSWERS = (Purpose.NOTIFICATION.value, Purpose.PROMOTIONAL.value)


def note_reached(message: Message, *, now: datetime) -> None:
    """Remember when a message got to the customer, or was read. It must be saved afterwards."""
    if message.status in (_Status.DELIVERED, _Status.READ):
        message.reached_at = now


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
    _mark_failure(message, now=story.now)
    tell_updated(message, story)


def _mark_failure(message: Message, *, now: datetime) -> None:
    # An automatic reply that was stopped concerns nobody; a person's answer does.
    if message.conversation and message.author_id:
        message.conversation.has_failed_message = True
        resume_waiting(message.conversation, now=now)
        message.conversation.save()


def note_human_answer(row: Conversation, user: User, *, now: datetime) -> None:
    """A person answered: the waiting clock stops. Nothing else ever stops it but a close.

    If the answer fails it goes on, see `progress`.
    """
    end_timers(row, Ended.ANSWERED, now=now)
    record_answer(row, by=user, now=now)
    row.last_human_reply_at = now
    row.waiting_since = None
    row.returns_at = None
    row.has_failed_message = False
    row.save()


def resume_waiting(row: Conversation, *, now: datetime) -> None:
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
        _hold_timers(row, now=now)


def _hold_timers(row: Conversation, *, now: datetime) -> None:
    """Nobody is called for who was snoozed since, nor for who has opted out since."""
    consent = consent_of(row.account_id, address_of(row.thread))
    if consent and consent.state == ConsentState.OPTED_OUT:
        end_timers(row, Ended.OPTED_OUT, now=now)
    elif row.status == Conversation.Status.SNOOZED:
        suspend_timers(row, now=now)


def _unanswered_since(row: Conversation) -> datetime | None:
    """Return since when the customer waits, if all answers since then have failed."""
    answers = Message.objects.filter(
        conversation=row, direction=Message.Direction.OUT, author__isnull=False
    ).exclude(Q(kind=Message.Kind.NOTE) | Q(purpose__in=_NO_ANSWERS))
    failed = [_Status.FAILED, _Status.BLOCKED, _Status.CANCELED]
    last = answers.exclude(status__in=failed).order_by("-seq").values("seq")[:1]
    since = answers.filter(seq__gt=Coalesce(Subquery(last), Value(0)))
    earliest: datetime | None = since.aggregate(at=Min("waited_since"))["at"]
    return earliest
