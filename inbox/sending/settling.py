"""What became of a message that was handed over? What the carrier said, written down once."""

import logging
import random
from datetime import datetime, timedelta

from django.db import transaction

from accounts.english import noop
from inbox.broadcast import announce
from inbox.carrier import Accepted, ErrorKind, Outcome, Rejected, Throttled, Unknown
from inbox.models import Message, Sender
from inbox.pausing import PAUSING, heed_configuration
from inbox.sending.locking import locked_message
from inbox.sending.opt_outs import adopt_carrier_block
from inbox.sending.progress import finish, note_reached, put_back, tell_status, tell_updated
from inbox.sending.waiting import wake_next
from inbox.story import Story
from inbox.twilio.errors import meaning_of
from inbox.twilio.statuses import OURS, moves_forward

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(hours=1)
MAX_BACKOFF_SECONDS = 120.0
LOOK_UP_AFTER = timedelta(seconds=15)
UNKNOWN_WORDS = noop(
    "Not confirmed: Twilio did not answer, so it may or may not have arrived. We are checking. "
    "Sending it again may deliver it twice."
)
_Status = Message.Status


def settle(message_id: int, outcome: Outcome, *, now: datetime) -> None:
    """Write down what became of a message that was handed over, and wake the next of its thread."""
    with transaction.atomic(durable=True):
        story = Story(now=now)
        if isinstance(outcome, Rejected):
            heed_refusal(message_id, outcome.kind, outcome.code, story)
        message = locked_message(message_id)
        match outcome:
            case Accepted():
                _settle_accepted(message, outcome, story)
            case Rejected():
                _settle_rejected(message, outcome, story)
            case Throttled():
                _settle_throttled(message, outcome, story)
            case Unknown():
                _settle_unknown(message, outcome.why, story)
        announce(story.announcements(), now=now)
    wake_next(message.thread_id, now=now)


def heed_refusal(message_id: int, kind: ErrorKind, code: str, story: Story) -> None:
    """Do what a carrier's refusal asks for beyond the message that it refused.

    Call it before the message itself is locked: thread, senders and consent come before messages.
    """
    if kind is ErrorKind.CONSENT:
        adopt_carrier_block(message_id, story)
        return
    sender = Sender.objects.get(threads__messages=message_id)
    words = meaning_of(code).words
    heed_configuration(sender, kind, code=code, words=words, now=story.now)


def _settle_accepted(message: Message, outcome: Accepted, story: Story) -> None:
    """Bind the SID. A status callback may have come first: never step back."""
    message.provider_sid = message.provider_sid or outcome.sid
    message.provider_status = message.provider_status or outcome.status
    if outcome.segments > 1:
        message.segments = outcome.segments
    then = OURS.get(outcome.status, _Status.SENT)
    if moves_forward(message.status, then):
        message.status = then
        note_reached(message, now=story.now)
    message.settled_at = story.now
    message.error_code = message.error_words = ""
    message.save()
    tell_status(message, story)


def _settle_rejected(message: Message, outcome: Rejected, story: Story) -> None:
    if outcome.kind in PAUSING:
        _settle_held(message, story)
        return
    finish(
        message,
        story,
        status=_Status.FAILED,
        error_code=outcome.code,
        error_words=outcome.words,
    )


def _settle_held(message: Message, story: Story) -> None:
    """Put it back, because its sender is paused: it surely did not leave."""
    if message.status != _Status.SENDING:
        return
    message.trying_since = None
    put_back(message, at=story.now)
    if message.conversation:
        story.conversation_updated(message.conversation, "sender")


def _settle_throttled(message: Message, outcome: Throttled, story: Story) -> None:
    """Put it back into the queue, later: it surely did not leave."""
    if message.status != _Status.SENDING:
        return
    # From the first try on, not from when it was written: it may have waited at a paused sender.
    since = message.trying_since or message.created_at
    if story.now - since > GIVE_UP_AFTER:
        finish(
            message,
            story,
            status=_Status.FAILED,
            error_code="throttled",
            error_words=noop("%(why)s It was tried for an hour. Send it again later.")
            % {"why": outcome.why},
        )
        return
    pause = timedelta(seconds=_backoff(message.attempts, outcome.after_seconds))
    put_back(message, at=story.now + pause)


def _backoff(attempts: int, least: float) -> float:
    longest = min(least * 2 ** min(max(attempts - 1, 0), 10), MAX_BACKOFF_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret


def _settle_unknown(message: Message, why: str, story: Story) -> None:
    """It may have left. It is shown as not confirmed, and only a person may send it again."""
    if message.status != _Status.SENDING:
        return
    logger.warning("message %s: outcome unknown (%s)", message.public_id, why)
    message.status = _Status.UNKNOWN
    message.error_code, message.error_words = "unknown", UNKNOWN_WORDS
    message.look_up_at = story.now + LOOK_UP_AFTER
    message.save()
    tell_updated(message, story)


def lose_sid(message_id: int, story: Story) -> None:
    """Take back a SID that turned out to be another message's: nobody knows what became of this."""
    message = locked_message(message_id)
    message.provider_sid, message.provider_status = None, ""
    message.status = _Status.UNKNOWN
    message.error_code, message.error_words = "unknown", UNKNOWN_WORDS
    message.settled_at, message.look_up_at = None, story.now + LOOK_UP_AFTER
    message.save()
    tell_updated(message, story)
