"""What is the life of one outbound message? Queue, deliver, settle.

The row is the promise; the task is a nudge. The gate is asked when a message is queued, so that its
author hears at once, and again when it is delivered. No transaction is open while Twilio is called,
and what may have left is never sent again by itself.
"""

import logging
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.access import Viewer, feature_is_on, is_licensed
from accounts.models import Feature, TwilioAccount, User
from compliance.addresses import WHATSAPP, Address
from compliance.consent import record_carrier_block
from compliance.gate import Purpose, Reason, SendBlockedError, SendRequest, Verdict, check_send
from compliance.models import ConsentState
from inbox.abilities import Ability, abilities_of, part_of
from inbox.autoreply import is_still_wanted
from inbox.broadcast import announce
from inbox.carrier import (
    Accepted,
    CarrierAwayError,
    ErrorKind,
    Outbound,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
)
from inbox.contacts import address_of
from inbox.conversations import (
    append_outbound,
    known_message,
    locked_conversation,
    reopen_row,
    require,
    take_ownership,
)
from inbox.linked import linked_addresses
from inbox.models import Attachment, Conversation, Message, Sender, TeamInbox, Thread
from inbox.nudges import nudge, nudge_on_commit
from inbox.outbound_media import public_url
from inbox.pausing import PAUSING, heed_configuration
from inbox.previews import set_preview
from inbox.refusals import ClaimNeededError, MissingInputError, StaleThreadError
from inbox.segments import count
from inbox.status_urls import status_url
from inbox.story import Story
from inbox.twilio.client import TwilioCarrier
from inbox.twilio.errors import meaning_of
from inbox.twilio.statuses import OURS, moves_forward

logger = logging.getLogger(__name__)

BODY_LIMIT = 1600
MEDIA_LIMIT = 10
GIVE_UP_AFTER = timedelta(hours=1)
NUDGE_GRACE = timedelta(seconds=2)
NUDGE_AGAIN_AFTER = timedelta(seconds=10)
STUCK_AFTER = timedelta(seconds=30)
LOOK_UP_AFTER = timedelta(seconds=15)
LOOK_UP_FOR = timedelta(hours=24)
MAX_BACKOFF_SECONDS = 120.0
_Status = Message.Status


# --- Queue ---------------------------------------------------------------------------------------


def send_reply(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    body: str,
    client_id: str,
    now: datetime,
    attachments: Sequence[Attachment] = (),
    last_seen_seq: int | None = None,
) -> Message:
    """Queue a person's answer and let them know at once whether it may go.

    The same request again returns the same message, known by its `client_id`. WhatsApp takes one
    file a message, so several files become several messages; the first is returned.

    Raises SendBlockedError with the gate's words, ClaimedByOtherError, ClaimNeededError,
    StaleThreadError if something was written after `last_seen_seq`, UsedIdError if the id was
    another message's, MissingInputError for an empty or too long message.
    """
    words = _checked_body(body, attachments)
    with transaction.atomic(durable=True):
        thread = _locked_thread(conversation.thread_id)
        kind = Message.Kind.TEXT
        known = known_message(thread, client_id, kind=kind, author=user, body=words)
        if known:
            return known
        row = locked_conversation(conversation)
        row.thread = thread
        _require_reply(by, row)
        refuse_blocked(thread, row, Purpose.REPLY, author=user, now=now)
        _refuse_stale(thread, user, last_seen_seq)
        story = Story(now=now, actor=user)
        _make_room_for_answer(row, user, story)
        messages = [
            queue_message(
                thread=thread,
                conversation=row,
                body=part_body,
                purpose=Purpose.REPLY,
                author=user,
                client_id=part_id,
                attachments=files,
                story=story,
                waited_since=row.waiting_since,
            )
            for part_body, part_id, files in _parts(thread, words, client_id, attachments)
        ]
        _note_human_answer(row, now=now)
        announce(story.announcements(), now=now)
    return messages[0]


def _checked_body(body: str, attachments: Sequence[Attachment]) -> str:
    words = body.replace("\r\n", "\n").strip()
    if not words and not attachments:
        raise MissingInputError("The message is empty. Write something or attach a file.")
    if len(words) > BODY_LIMIT:
        raise MissingInputError(
            f"The message has {len(words)} characters; the limit is {BODY_LIMIT:,}. Shorten it."
        )
    if len(attachments) > MEDIA_LIMIT:
        raise MissingInputError(f"At most {MEDIA_LIMIT} files fit into one message.")
    return words


def _locked_thread(thread_id: int) -> Thread:
    # The lock first, and alone, as in `locked_conversation`: contacts may be joined meanwhile.
    Thread.objects.select_for_update(no_key=True).only("pk").get(pk=thread_id)
    return Thread.objects.select_related("sender__inbox", "address", "contact").get(pk=thread_id)


def _require_reply(by: Viewer, row: Conversation) -> None:
    can = abilities_of(by, row, part_of(by, row))
    if Ability.REPLY not in can and Ability.CLAIM in can:
        raise ClaimNeededError
    require(Ability.REPLY, by, row)


def _refuse_stale(thread: Thread, user: User, last_seen_seq: int | None) -> None:
    """Stop an answer that crosses with another one, or with the customer's next words."""
    if last_seen_seq is None or last_seen_seq >= thread.last_seq:
        return
    unseen = (
        Message.objects.filter(thread=thread, seq__gt=last_seen_seq)
        .exclude(author=user)
        .exclude(kind__in=[Message.Kind.NOTE, Message.Kind.AUTO, Message.Kind.REACTION])
        .order_by("seq")
        .values_list("seq", flat=True)
        .first()
    )
    if unseen is not None:
        raise StaleThreadError(unseen)


def _make_room_for_answer(row: Conversation, user: User, story: Story) -> None:
    """Reopen a closed conversation, wake a snoozed one, claim where the first answer claims."""
    if row.is_closed:
        reopen_row(row, user, story)
    if row.status == Conversation.Status.SNOOZED:
        row.status, row.snoozed_until = Conversation.Status.OPEN, None
        row.version += 1
        story.conversation_updated(row, "status")
    claims = row.inbox.claim_rule == TeamInbox.ClaimRule.ON_FIRST_REPLY
    if claims and row.owner_id is None:
        take_ownership(row, user, story)


def _parts(
    thread: Thread, words: str, client_id: str, attachments: Sequence[Attachment]
) -> list[tuple[str, str, Sequence[Attachment]]]:
    if len(attachments) < 2 or not thread.sender.is_whatsapp:
        return [(words, client_id, attachments)]
    return [
        (words if i == 0 else "", client_id if i == 0 else f"{client_id[:29]}-{i}", [file])
        for i, file in enumerate(attachments)
    ]


def _note_human_answer(row: Conversation, *, now: datetime) -> None:
    """A person answered: the waiting clock stops. Nothing else ever stops it but a close.

    If the answer fails it goes on, see `_resume_waiting`.
    """
    row.last_human_reply_at = now
    row.waiting_since = None
    row.returns_at = None
    row.has_failed_message = False
    row.save()


def queue_message(
    *,
    thread: Thread,
    conversation: Conversation | None,
    body: str,
    purpose: Purpose,
    story: Story,
    author: User | None = None,
    bot_name: str = "",
    client_id: str = "",
    attachments: Sequence[Attachment] = (),
    resend_of: Message | None = None,
    waited_since: datetime | None = None,
) -> Message:
    """Write a message that is to be sent: the row is the promise. The thread must be locked.

    Whether it may go is asked by the caller (`refuse_blocked`) and again at delivery.
    """
    message = append_outbound(
        thread,
        conversation,
        body=body,
        kind=Message.Kind.TEXT if author else Message.Kind.AUTO,
        status=_Status.QUEUED,
        now=story.now,
        author=author,
        author_label=author.name if author else bot_name,
        purpose=purpose.value,
        channel=_channel(thread, attachments),
        segments=count(body).segments,
        not_before=story.now,
        nudge_at=story.now + NUDGE_GRACE,
        resend_of=resend_of,
        waited_since=waited_since,
        **({"client_id": client_id} if client_id else {}),
    )
    _attach(message, attachments)
    if conversation:
        if author:
            # A machine's greeting must not hide what the customer wants from the list.
            types = tuple(file.content_type for file in attachments)
            set_preview(conversation, message, media_types=types)
            conversation.save()
        story.message_created(conversation, message)
    nudge_on_commit("deliver", message.pk)
    return message


def _channel(thread: Thread, attachments: Sequence[Attachment]) -> str:
    family = thread.address.family
    return "mms" if family == "sms" and attachments else family


def _attach(message: Message, attachments: Sequence[Attachment]) -> None:
    for position, file in enumerate(attachments):
        Attachment.objects.filter(pk=file.pk, message=None).update(
            message=message, position=position
        )


# --- The gate ------------------------------------------------------------------------------------


def verdict_on(
    thread: Thread,
    conversation: Conversation | None,
    purpose: Purpose,
    *,
    author: User | None,
    requested_at: datetime,
    now: datetime,
) -> Verdict:
    """Ask the gate about a message on this thread."""
    request = SendRequest(
        account_id=thread.account_id,
        address=address_of(thread),
        our_address=thread.our_address,
        purpose=purpose,
        has_feature=_has_features(thread, now=now),
        is_author_licensed=author is not None and is_licensed(author.pk, now=now),
        is_contact_blocked=thread.contact.is_blocked,
        last_inbound_at=thread.last_inbound_at,
        requested_at=requested_at,
        pause=_pause_of(thread.sender),
    )
    return check_send(request, now=now)


def _pause_of(sender: Sender) -> str:
    return (sender.paused_reason or "An admin stopped it.") if sender.is_paused else ""


def _has_features(thread: Thread, *, now: datetime) -> bool:
    """Say whether the account has Team Inbox, and WhatsApp where the thread is on WhatsApp."""
    needed = [Feature.TEAM_INBOX]
    if thread.address.family == WHATSAPP:
        needed.append(Feature.WHATSAPP)
    return all(feature_is_on(thread.account_id, feature, now=now) for feature in needed)


def refuse_blocked(
    thread: Thread,
    conversation: Conversation | None,
    purpose: Purpose,
    *,
    author: User | None,
    now: datetime,
) -> None:
    """Raise SendBlockedError if the gate does not let a message on this thread pass."""
    verdict = verdict_on(thread, conversation, purpose, author=author, requested_at=now, now=now)
    if not verdict.is_allowed:
        raise SendBlockedError(verdict)


def compose_verdict(*, conversation: Conversation, user: User, now: datetime) -> Verdict:
    """Say what the gate would say if `user` answered now: the composer shows it beforehand."""
    thread = conversation.thread
    return verdict_on(thread, conversation, Purpose.REPLY, author=user, requested_at=now, now=now)


# --- Deliver -------------------------------------------------------------------------------------


def deliver(message_id: int, *, now: datetime) -> Outcome | None:
    """Send one queued message, at most once. Returns what the carrier said, or None if it was not
    this call's to send (already taken, waiting its turn, or stopped by the gate)."""
    message = _claim(message_id, now=now)
    if message is None:
        return None
    started = time.monotonic()
    outcome = carrier_for(message.thread.sender.twilio_account).send(_outbound(message, now=now))
    settle(message.pk, outcome, now=now + timedelta(seconds=time.monotonic() - started))
    return outcome


def _claim(message_id: int, *, now: datetime) -> Message | None:
    """Take the row by a conditional update and ask the gate; commit before anything is sent.

    A message waits while an earlier one of its thread is unsent, so the thread leaves in order.
    """
    with transaction.atomic(durable=True):
        earlier = Message.objects.filter(
            thread=OuterRef("thread"),
            seq__lt=OuterRef("seq"),
            status__in=[_Status.QUEUED, _Status.SENDING],
        )
        # No join here: Django would look for the row in a subselect, which is not asked again after
        # waiting for another worker's lock, and two workers would both believe they have it.
        unpaused = Thread.objects.filter(sender__is_paused=False)
        taken = (
            Message.objects.filter(pk=message_id, status=_Status.QUEUED)
            .filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
            .filter(~Exists(earlier), thread__in=unpaused)
            .update(
                status=_Status.SENDING,
                sending_at=now,
                trying_since=Coalesce("trying_since", Value(now)),
                attempts=F("attempts") + 1,
            )
        )
        if not taken:
            return None
        message = Message.objects.select_related(
            "thread__sender__twilio_account",
            "thread__address",
            "thread__contact",
            "conversation__inbox",
            "author",
        ).get(pk=message_id)
        verdict = _verdict_at_delivery(message, now=now)
        if verdict is None:
            return message
        if verdict.reason is Reason.SENDER_PAUSED:
            # Paused since we looked: it waits with the others.
            _put_back(message, at=now)
        else:
            _stop(message, verdict, now=now)
        return None


def _verdict_at_delivery(message: Message, *, now: datetime) -> Verdict | None:
    """Return why the message may not go any more, or None."""
    if message.purpose == Purpose.AUTO_REPLY and not is_still_wanted(message, now=now):
        words = "A person answered first, or closed the conversation, or it had waited too long."
        return Verdict(Reason.NOT_WANTED, words)
    verdict = verdict_on(
        message.thread,
        message.conversation,
        Purpose(message.purpose),
        author=message.author,
        requested_at=message.created_at,
        now=now,
    )
    return None if verdict.is_allowed else verdict


def _stop(message: Message, verdict: Verdict, *, now: datetime) -> None:
    story = Story(now=now)
    _lock_conversation(message)
    _finish(
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
    return Outbound(
        sender_address=thread.our_address,
        service_sid=sender.messaging_service_sid,
        recipient=thread.customer_address,
        body=message.body,
        media_urls=tuple(public_url(file, now=now) for file in files),
        status_url=status_url(sender, message),
    )


@lru_cache(maxsize=256)
def _carrier(sid: str, token: str, key_sid: str, key_secret: str) -> TwilioCarrier:
    return TwilioCarrier(
        account_sid=sid,
        auth_token=token,
        api_key_sid=key_sid,
        api_key_secret=key_secret,
        api_base=settings.TWILIO_API_BASE,
        timeout=settings.TWILIO_TIMEOUT_SECONDS,
    )


def carrier_for(account: TwilioAccount) -> TwilioCarrier:
    """Return the carrier of one Twilio account; its connections are kept open per process."""
    return _carrier(
        account.account_sid, account.auth_token, account.api_key_sid, account.api_key_secret
    )


# --- Settle --------------------------------------------------------------------------------------


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
    wake_next(message.thread_id)


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
    _lock_conversation(message)
    return message


def lock_messages(message_ids: Sequence[int]) -> None:
    """Lock several messages, in their order, before the conversation of any."""
    rows = Message.objects.select_for_update(no_key=True).filter(pk__in=message_ids)
    list(rows.order_by("pk").values_list("pk"))


def _lock_conversation(message: Message) -> None:
    if message.conversation_id:
        message.conversation = locked_conversation(Conversation(pk=message.conversation_id))


def _settle_accepted(message: Message, outcome: Accepted, story: Story) -> None:
    """Bind the SID. A status callback may have come first: never step back."""
    message.provider_sid = message.provider_sid or outcome.sid
    message.provider_status = message.provider_status or outcome.status
    if outcome.segments > 1:
        message.segments = outcome.segments
    then = OURS.get(outcome.status, _Status.SENT)
    if moves_forward(message.status, then):
        message.status = then
    message.settled_at = story.now
    message.error_code = message.error_words = ""
    message.save()
    tell_status(message, story)


def _settle_rejected(message: Message, outcome: Rejected, story: Story) -> None:
    if outcome.kind in PAUSING:
        _settle_held(message, story)
        return
    _finish(
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
    _put_back(message, at=story.now)
    if message.conversation:
        story.conversation_updated(message.conversation, "sender")


def _settle_throttled(message: Message, outcome: Throttled, story: Story) -> None:
    """Put it back into the queue, later: it surely did not leave."""
    if message.status != _Status.SENDING:
        return
    # From the first try on, not from when it was written: it may have waited at a paused sender.
    since = message.trying_since or message.created_at
    if story.now - since > GIVE_UP_AFTER:
        _finish(
            message,
            story,
            status=_Status.FAILED,
            error_code="throttled",
            error_words=f"{outcome.why} It was tried for an hour. Send it again later.",
        )
        return
    pause = timedelta(seconds=_backoff(message.attempts, outcome.after_seconds))
    _put_back(message, at=story.now + pause)


def _put_back(message: Message, *, at: datetime) -> None:
    message.status, message.provider_status = _Status.QUEUED, ""
    message.not_before = message.nudge_at = at
    message.save()


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
    _tell_updated(message, story)


def lose_sid(message_id: int, story: Story) -> None:
    """Take back a SID that turned out to be another message's: nobody knows what became of this."""
    message = locked_message(message_id)
    message.provider_sid, message.provider_status = None, ""
    message.status = _Status.UNKNOWN
    message.error_code, message.error_words = "unknown", UNKNOWN_WORDS
    message.settled_at, message.look_up_at = None, story.now + LOOK_UP_AFTER
    message.save()
    _tell_updated(message, story)


UNKNOWN_WORDS = (
    "Not confirmed: Twilio did not answer, so it may or may not have arrived. We are checking. "
    "Sending it again may deliver it twice."
)


def _finish(
    message: Message, story: Story, *, status: str, error_code: str, error_words: str
) -> None:
    message.status, message.error_code = status, error_code
    message.error_words, message.settled_at = error_words[:300], story.now
    message.save()
    _mark_failure(message)
    _tell_updated(message, story)


def _mark_failure(message: Message) -> None:
    # An automatic reply that was stopped concerns nobody; a person's answer does.
    if message.conversation and message.author_id:
        message.conversation.has_failed_message = True
        _resume_waiting(message.conversation)
        message.conversation.save()


def _resume_waiting(row: Conversation) -> None:
    """Let the clock go on from where the answers that did not arrive had stopped it."""
    since = _unanswered_since(row)
    if since is None or row.is_closed or row.is_hidden:
        return
    if row.waiting_since is None:
        row.wait_generation += 1
    row.waiting_since = min(since, row.waiting_since or since)


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


def tell_status(message: Message, story: Story) -> None:
    """Tell that a message got further. The message must be locked."""
    if message.conversation:
        story.message_status(message.conversation, message)


def _tell_updated(message: Message, story: Story) -> None:
    if message.conversation:
        story.message_updated(message.conversation, message, "status")


def fail_message(message: Message, story: Story, *, code: str) -> None:
    """Write down a failure that a status callback reported. The message must be locked."""
    words = meaning_of(code).words
    _finish(message, story, status=_Status.FAILED, error_code=code, error_words=words)


def adopt_carrier_block(message_id: int, story: Story) -> None:
    """The carrier says they opted out: believe it, and stop what waits for them.

    Call it before the message itself is locked: thread and consent come before messages.
    """
    message = Message.objects.get(pk=message_id)
    thread = _locked_thread(message.thread_id)
    address = address_of(thread)
    others = linked_addresses(thread.contact_id, address)
    record_carrier_block(
        account_id=message.account_id,
        address=address,
        others=others,
        our_address=thread.our_address,
        message_sid=message.provider_sid or "",
        now=story.now,
    )
    cancel_unsent(message.account_id, (address, *others), story)
    _lock_conversation(message)
    tell_consent(thread, message.conversation, (address, *others), ConsentState.OPTED_OUT, story)


def follow_consent(
    thread: Thread,
    conversation: Conversation | None,
    addresses: Sequence[Address],
    state: ConsentState,
    story: Story,
) -> None:
    """Let a changed consent have its effect for all of a person's addresses, and tell of it."""
    if state is ConsentState.OPTED_OUT:
        cancel_unsent(thread.account_id, addresses, story)
    tell_consent(thread, conversation, addresses, state, story)


def tell_consent(
    thread: Thread,
    conversation: Conversation | None,
    addresses: Sequence[Address],
    state: ConsentState,
    story: Story,
) -> None:
    """Tell the conversation at hand, and every live one with the same person on that channel."""
    channel = address_of(thread).consent_family
    if conversation:
        story.consent_changed(conversation, channel=channel, state=state)
    others = (
        Conversation.objects.live()
        .filter(account=thread.account_id, thread__address__key__in=_every_key(addresses))
        .exclude(pk=conversation.pk if conversation else 0)
        .order_by("pk")
    )
    for other in others:
        story.consent_changed(locked_conversation(other), channel=channel, state=state)


def _every_key(addresses: Sequence[Address]) -> list[str]:
    return [key for address in addresses for key in address.sibling_keys]


def hold_unsent(account_id: int, addresses: Sequence[Address]) -> list[Message]:
    """Lock every message to these addresses that has not left, before any conversation is."""
    return list(
        Message.objects.select_for_update(of=("self",), no_key=True)
        .filter(
            account=account_id,
            thread__address__key__in=_every_key(addresses),
            status=_Status.QUEUED,
        )
        .exclude(purpose=Purpose.OPT_OUT_CONFIRMATION.value)
        .order_by("pk")
    )


def cancel_unsent(account_id: int, addresses: Sequence[Address], story: Story) -> int:
    """Cancel every message to these addresses that has not left, in the caller's transaction."""
    waiting = hold_unsent(account_id, addresses)
    for message in waiting:
        message.status = _Status.CANCELED
        message.error_code = "OPTED_OUT"
        message.error_words = "Cancelled: they opted out before it was sent."
        message.settled_at = story.now
        message.save()
        _lock_conversation(message)
        _tell_updated(message, story)
    return len(waiting)


def wake_next(thread_id: int) -> None:
    """Nudge the next queued message of a thread."""
    following = (
        Message.objects.filter(thread=thread_id, status=_Status.QUEUED)
        .order_by("seq")
        .values_list("pk", flat=True)
        .first()
    )
    if following:
        nudge_on_commit("deliver", following)


# --- Sweeps --------------------------------------------------------------------------------------


def remind_queued(*, now: datetime, limit: int = 500) -> int:
    """Nudge workers about queued messages whose time has come and whose turn it is.

    Each message is named again only after a while, so a slow carrier does not flood the broker.
    """
    due = owed_messages(now=now, limit=limit)
    Message.objects.filter(pk__in=due).update(nudge_at=now + NUDGE_AGAIN_AFTER)
    for message_id in due:
        nudge("deliver", message_id)
    return len(due)


def owed_messages(*, now: datetime, limit: int = 500) -> list[int]:
    """Return queued messages whose nudge was lost or whose time has come, oldest first."""
    earlier = Message.objects.filter(
        thread=OuterRef("thread"),
        seq__lt=OuterRef("seq"),
        status__in=[_Status.QUEUED, _Status.SENDING],
    )
    return list(
        Message.objects.filter(
            ~Exists(earlier),
            status=_Status.QUEUED,
            nudge_at__lte=now,
            thread__sender__is_paused=False,
        )
        .order_by("nudge_at", "id")
        .values_list("pk", flat=True)[:limit]
    )


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


# --- Again, by a person --------------------------------------------------------------------------


def resend(*, message: Message, by: Viewer, user: User, now: datetime) -> Message:
    """Send a failed, blocked or unconfirmed message again because a person asked for it.

    A second press returns the same new message. Raises what `send_reply` raises.
    """
    if not message.may_be_resent or message.conversation is None:
        raise MissingInputError("Only a message that did not arrive can be sent again.")
    with transaction.atomic(durable=True):
        thread = _locked_thread(message.thread_id)
        again = Message.objects.filter(resend_of=message).first()
        if again:
            return again
        row = locked_conversation(message.conversation)
        row.thread = thread
        _require_reply(by, row)
        refuse_blocked(thread, row, Purpose.REPLY, author=user, now=now)
        story = Story(now=now, actor=user)
        _make_room_for_answer(row, user, story)
        new = queue_message(
            thread=thread,
            conversation=row,
            body=message.body,
            purpose=Purpose.REPLY,
            author=user,
            story=story,
            resend_of=message,
            waited_since=row.waiting_since,
        )
        _copy_attachments(message, new)
        _note_human_answer(row, now=now)
        story.message_updated(row, message, "resent")
        announce(story.announcements(), now=now)
    return new


def _copy_attachments(source: Message, target: Message) -> None:
    for file in source.attachments.all():
        file.pk = None
        file.public_id = Attachment._meta.get_field("public_id").get_default()
        file.message = target
        file.save(force_insert=True)
