"""What became of what nobody confirmed? Twilio is asked; nothing is sent again by itself."""

import logging
from datetime import datetime, timedelta

from inbox.carrier import Accepted, CarrierAwayError, Unknown
from inbox.models import Message
from inbox.sending.carriers import carrier_for
from inbox.sending.settling import LOOK_UP_AFTER, settle

logger = logging.getLogger(__name__)

STUCK_AFTER = timedelta(seconds=30)
LOOK_UP_FOR = timedelta(hours=24)
_Status = Message.Status


def report_stuck(*, now: datetime) -> int:
    """Turn messages whose sender died in the middle into `unknown`: never send them again."""
    stuck = Message.objects.filter(
        status=_Status.SENDING, sending_at__lte=now - STUCK_AFTER
    ).values_list("pk", flat=True)[:200]
    for message_id in stuck:
        settle(message_id, Unknown("the sending process ended"), now=now)
    return len(stuck)


def look_up_unknown(*, now: datetime) -> int:
    """Ask Twilio's own list about messages of unknown outcome; bind what is surely ours."""
    due = Message.objects.filter(status=_Status.UNKNOWN, look_up_at__lte=now).select_related(
        "thread__sender__twilio_account"
    )[:50]
    return sum(_look_up(message, now=now) for message in due)


def _look_up(message: Message, *, now: datetime) -> bool:
    thread = message.thread
    # Ask again after as long as it has been unknown, for a day.
    age = now - message.created_at
    again = now + max(LOOK_UP_AFTER, age) if age < LOOK_UP_FOR else None
    Message.objects.filter(pk=message.pk).update(look_up_at=again)
    since = (message.sending_at or message.created_at) - timedelta(seconds=5)
    try:
        remote = carrier_for(thread.sender.twilio_account).find_sent(
            sender_address=thread.our_address, recipient=thread.customer_address, since=since
        )
    except CarrierAwayError as error:
        logger.info("message %s not looked up: %s", message.public_id, error)
        return False
    # First this question, then which are bound: a twin that is settled in between is bound.
    if _has_twin_without_sid(message):
        return False
    bound = set(
        Message.objects.filter(
            account=message.account_id, provider_sid__in=[item.sid for item in remote]
        ).values_list("provider_sid", flat=True)
    )
    fitting = [
        item
        for item in remote
        if item.sid not in bound
        and not item.is_inbound
        and item.body.strip() == message.body.strip()
        and (item.created_at is None or item.created_at >= since)
    ]
    # Two equal candidates prove nothing about which is which.
    if len(fitting) != 1:
        return False
    settle(message.pk, Accepted(fitting[0].sid, fitting[0].status), now=now)
    return True


def _has_twin_without_sid(message: Message) -> bool:
    """Say whether what Twilio lists may as well be another message of the thread: the same words,
    perhaps handed over, and no SID yet."""
    twins = Message.objects.filter(
        thread=message.thread_id,
        direction=Message.Direction.OUT,
        status__in=[_Status.SENDING, _Status.UNKNOWN],
        provider_sid=None,
    ).exclude(pk=message.pk)
    words = message.body.strip()
    return any(body.strip() == words for body in twins.values_list("body", flat=True))
