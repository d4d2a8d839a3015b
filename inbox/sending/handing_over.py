"""How does a queued message leave, at most once? Claim it, call the carrier, settle."""

import logging
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Q, Value
from django.db.models.functions import Coalesce

from accounts.english import noop
from accounts.secrets import SecretUnreadableError
from compliance.decisions import Stage, keep_decision
from compliance.gate import Purpose, Reason, Verdict
from compliance.judging import ACKNOWLEDGED, purpose_of
from compliance.standing import is_free
from inbox.autoreply import GOODBYE, is_still_wanted
from inbox.broadcast import announce
from inbox.carrier import Outbound, Outcome
from inbox.contacts import address_of
from inbox.models import Message, Thread
from inbox.nudges import nudge_on_commit
from inbox.outbound_media import public_url
from inbox.questions import ends_of, is_still_asked
from inbox.reassigning import is_due
from inbox.sending.asking import Wanted, verdict_on
from inbox.sending.carriers import carrier_for, hand_over
from inbox.sending.going_on import programme_of, went_on_with
from inbox.sending.later import is_overtaken, is_scheduled, wrote_since
from inbox.sending.locking import lock_conversation, thread_is_free
from inbox.sending.progress import finish, note_human_answer, put_back, tell_updated
from inbox.sending.settling import settle
from inbox.sending.templating import as_judged, chosen_before
from inbox.sending.waiting import earlier_unsent, wake_next
from inbox.status_urls import status_url
from inbox.story import Story

logger = logging.getLogger(__name__)

_Status = Message.Status
A_MOMENT = timedelta(seconds=1)
LONGEST_ASKED = timedelta(minutes=5)


def deliver(message_id: int, *, now: datetime) -> Outcome | None:
    """Send one queued message, at most once. Returns what the carrier said, or None if it was not
    this call's to send (already taken, waiting its turn, or stopped by the gate)."""
    try:
        message = _claim(message_id, now=now)
    except SecretUnreadableError as error:
        logger.error("message %s waits: %s", message_id, error.reason)
        return None
    if message is None:
        return None
    started = time.monotonic()
    outcome = hand_over(message.thread.sender.twilio_account, _outbound(message, now=now))
    settle(message.pk, outcome, now=now + timedelta(seconds=time.monotonic() - started))
    return outcome


def _claim(message_id: int, *, now: datetime) -> Message | None:
    """Take the row and ask the gate; commit before anything is sent."""
    with transaction.atomic(durable=True):
        message = _take(message_id, now=now)
        if message is None or _waits(message, now=now):
            return None
        # If a key is missing the row is not taken: it waits until the key is back.
        carrier_for(message.thread.sender.twilio_account)
        verdict = _verdict_at_delivery(message, now=now)
        _keep(verdict, message, now=now)
        if not verdict.is_allowed:
            _hold_back(message, verdict, now=now)
            return None
        if is_scheduled(message):
            _answer_at_last(message, now=now)
        return message


def _take(message_id: int, *, now: datetime) -> Message | None:
    """Take the row by a conditional update, unless somebody else has it or it has to wait.

    A message waits while an earlier one of its thread is unsent, so the thread leaves in order.
    """
    # No join here: Django would look for the row in a subselect, which is not asked again after
    # waiting for another worker's lock, and two workers would both believe they have it.
    unpaused = Thread.objects.filter(sender__is_paused=False)
    taken = (
        Message.objects.filter(pk=message_id, status=_Status.QUEUED)
        .filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
        .filter(~Exists(earlier_unsent(now=now)), thread__in=unpaused)
        .update(
            status=_Status.SENDING,
            sending_at=now,
            trying_since=Coalesce("trying_since", Value(now)),
            attempts=F("attempts") + 1,
            error_code="",
            error_words="",
        )
    )
    if not taken:
        return None
    return Message.objects.select_related(
        "thread__sender__twilio_account",
        "thread__sender__account",
        "thread__address",
        "thread__contact",
        "conversation__inbox",
        "author",
    ).get(pk=message_id)


def _waits(message: Message, *, now: datetime) -> bool:
    """Put it back for a moment if something is about to be known that may forbid it."""
    # Somebody writes at this moment, and what they say is not seen yet.
    is_loud = not _is_quiet(message)
    if not is_loud and not _owner_is_asked(message, now=now):
        return False
    put_back(message, at=now + A_MOMENT)
    if not is_loud:
        nudge_on_commit("check_owner", message.pk)
    return True


def _answer_at_last(message: Message, *, now: datetime) -> None:
    """Let what was to go later be an answer now that it goes, unless they wrote since.

    It may be tried more than once: what it answered stays written on it.
    """
    if message.purpose != Purpose.REPLY or wrote_since(message):
        return
    lock_conversation(message)
    row, author = message.conversation, message.author
    if row is None or author is None or row.is_closed or row.waiting_since is None:
        return
    message.waited_since = row.waiting_since
    message.save(update_fields=["waited_since"])
    note_human_answer(row, author, now=now)
    story = Story(now=now, actor=author)
    story.conversation_updated(row, "waiting")
    announce(story.announcements(), now=now)


def _hold_back(message: Message, verdict: Verdict, *, now: datetime) -> None:
    """Do with a message that may not go now what the gate says: later, or never."""
    if verdict.reason is Reason.SENDER_PAUSED:
        # Paused since we looked: it waits with the others.
        put_back(message, at=now)
        return
    if at := verdict.deferred_until:
        _defer(message, verdict, at, now=now)
    else:
        _stop(message, verdict, now=now)
    wake_next(message.thread_id, now=now)


def _is_quiet(message: Message) -> bool:
    """Say whether nobody is writing who could forbid this, and let nobody until it is claimed.

    What the law itself wants said waits for nobody.
    """
    purpose = purpose_of(message.purpose)
    if purpose in ACKNOWLEDGED:
        return True
    if purpose is Purpose.AUTO_REPLY and not thread_is_free(message.thread_id):
        return False
    return is_free(message.account_id, address_of(message.thread))


def _owner_is_asked(message: Message, *, now: datetime) -> bool:
    """Say whether an offer waits, for a while, until we know whether the number changed owner."""
    if purpose_of(message.purpose) is not Purpose.PROMOTIONAL:
        return False
    tried = message.trying_since or now
    if now - tried > LONGEST_ASKED:
        return False
    return is_due(message.account_id, address_of(message.thread), now=now)


def _verdict_at_delivery(message: Message, *, now: datetime) -> Verdict:
    """Return what the gate says now, where an automatic reply is still wanted at all."""
    if message.purpose == Purpose.AUTO_REPLY and not is_still_wanted(message, now=now):
        words = noop(
            "A person answered first, or closed the conversation, or it had waited too long."
        )
        if GOODBYE in message.details:
            words = noop("The conversation went on, or the goodbye had waited too long.")
        return Verdict(Reason.NOT_WANTED, words)
    if is_overtaken(message):
        words = noop(
            "They wrote before it went. Read that first, then send it again if it still fits."
        )
        return Verdict(Reason.NOT_WANTED, words)
    is_question = message.purpose == Purpose.CONSENT_REQUEST
    if is_question and not is_still_asked(message, address_of(message.thread), now=now):
        words = noop("They answered already, or opted out, or the time to answer is over.")
        return Verdict(Reason.NOT_WANTED, words)
    wanted = Wanted(
        purpose_of(message.purpose),
        message.author,
        message.created_at,
        message.body,
        went_on_with(message.details),
        as_judged(message.thread, chosen_before(message)),
        programme_of(message.details),
        ends_of(message) if is_question else None,
    )
    return verdict_on(message.thread, wanted, now=now)


def _keep(verdict: Verdict, message: Message, *, now: datetime) -> None:
    keep_decision(
        verdict,
        account_id=message.account_id,
        stage=Stage.SENT,
        purpose=purpose_of(message.purpose),
        thread=message.thread.public_id,
        message=message.public_id,
        author=message.author,
        now=now,
    )


def _defer(message: Message, verdict: Verdict, at: datetime, *, now: datetime) -> None:
    """Let it wait for the next moment that is allowed; it is judged anew when that comes."""
    message.error_code, message.error_words = verdict.reason.value, verdict.words[:300]
    message.trying_since = None
    put_back(message, at=at)
    story = Story(now=now)
    lock_conversation(message)
    tell_updated(message, story)
    announce(story.announcements(), now=now)


def _stop(message: Message, verdict: Verdict, *, now: datetime) -> None:
    story = Story(now=now)
    lock_conversation(message)
    finish(
        message,
        story,
        status=_Status.BLOCKED,
        error_code=verdict.reason.value,
        error_words=verdict.words,
    )
    announce(story.announcements(), now=now)


def _outbound(message: Message, *, now: datetime) -> Outbound:
    thread = message.thread
    sender = thread.sender
    files = [file for file in message.attachments.all() if file.file]
    template = chosen_before(message)
    return Outbound(
        sender_address=thread.our_address,
        service_sid=sender.messaging_service_sid,
        recipient=thread.customer_address,
        body=message.body,
        media_urls=tuple(public_url(file, now=now) for file in files),
        status_url=status_url(sender, message),
        content_sid=template.content_sid if template else "",
        content_variables=template.values if template else {},
    )
