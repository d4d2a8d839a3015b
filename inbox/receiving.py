"""What happens when a customer writes? The story of one inbound message, read top to bottom."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.prepared import Prepared, fetch, insert_row, write_fields
from compliance.addresses import Address, parse_address
from compliance.models import ConsentState
from inbox.broadcast import announce
from inbox.carrier import InboundText
from inbox.consent_stage import apply_consent, follow_change
from inbox.contacts import locked_thread
from inbox.deciding import follow_rules
from inbox.delivery import record_status
from inbox.inbound_flow import append_quietly, attach_reaction, open_conversation
from inbox.media import expect_media
from inbox.models import Conversation, Message, Receipt, Sender, Thread
from inbox.models.message import ATTACHED, FOUND_LATE
from inbox.reach import is_back, tell_back
from inbox.reactions import Reference, reference_in
from inbox.routing_facts import Arrived
from inbox.story import Story
from inbox.twilio.parsing import UnreadableFormError, parse_inbound, read_form

logger = logging.getLogger(__name__)

INLINE_GRACE = timedelta(seconds=2)
RETRY_BASE_SECONDS = 5
RETRY_MAX_SECONDS = 3600

# In the order of their keys, so that two batches with the same receipts cannot wait for each other.
_ACCEPT = """
    INSERT INTO inbox_receipt AS kept
        (account_id, twilio_account_id, sender_id, account_sid, message_sid, kind, status, form,
         received_at, repeats, state, attempts, next_attempt_at, problem)
    SELECT account_id, twilio_account_id, sender_id, account_sid, message_sid, kind, status, form,
           $1, times - 1, state, 0, CASE WHEN is_for_later THEN $1 ELSE $2 END, problem
    FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::bytea[], $11::text[], $12::text[], $13::bool[], $14::int[])
        AS given (account_id, twilio_account_id, sender_id, account_sid, message_sid, kind, status,
                  form, state, problem, is_for_later, times)
    ORDER BY account_sid, message_sid, kind, status
    ON CONFLICT (account_sid, message_sid, kind, status) DO UPDATE
        SET repeats = kept.repeats + EXCLUDED.repeats + 1
    RETURNING account_sid, message_sid, kind, status, id, (xmax = 0) AND state = 'waiting'
"""
ReceiptKey = tuple[str, str, str, str]


@dataclass(frozen=True)
class Arrival:
    """A genuine webhook as it is to be kept. Without a sender, a message goes to quarantine.

    Sweeps leave it alone for a moment, because whoever keeps it is about to process it, unless it
    `is_for_later`.
    """

    kind: str
    account_id: int
    twilio_account_id: int
    sender_id: int | None
    account_sid: str
    message_sid: str
    status: str
    form: bytes
    is_for_later: bool = False

    @property
    def key(self) -> ReceiptKey:
        """Return what makes a second arrival a repeat of the first."""
        return self.account_sid[:64], self.message_sid[:64], self.kind, self.status

    @property
    def is_for_quarantine(self) -> bool:
        """Say whether nobody knows which inbox it is for."""
        return self.sender_id is None and self.kind == Receipt.Kind.INBOUND


def accept(arrival: Arrival, *, now: datetime) -> tuple[int, bool]:
    """Keep a webhook's raw form; from the moment this returns nothing can be lost.

    Returns the receipt's id and whether it is new and to be processed; a repeat only raises a
    counter.
    """
    return accept_many([arrival], now=now)[arrival.key]


def accept_many(
    arrivals: Sequence[Arrival], *, now: datetime
) -> dict[ReceiptKey, tuple[int, bool]]:
    """Keep several webhooks in one statement with one commit.

    Returns for each key what `accept` returns for one; those of the same key are one receipt.
    """
    times = Counter(arrival.key for arrival in arrivals)
    firsts = {arrival.key: arrival for arrival in reversed(arrivals)}
    columns = zip(*(_columns(one, times[key]) for key, one in firsts.items()), strict=True)
    kept = fetch(_ACCEPT, [now, now + INLINE_GRACE, *map(list, columns)])
    return {tuple(key): (pk, is_due) for *key, pk, is_due in kept}


def _columns(arrival: Arrival, times: int) -> tuple[object, ...]:
    state, problem = Receipt.State.WAITING, ""
    if arrival.is_for_quarantine:
        state, problem = Receipt.State.QUARANTINED, "We know no sender with this address."
    return (
        arrival.account_id,
        arrival.twilio_account_id,
        arrival.sender_id,
        *arrival.key,
        arrival.form,
        state.value,
        problem,
        arrival.is_for_later,
        times,
    )


def _waiting() -> QuerySet[Receipt]:
    """Return receipts whose story is not told and is told by nobody now, to be locked."""
    return (
        Receipt.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("sender__inbox__account", "sender__twilio_account")
        .filter(state__in=[Receipt.State.WAITING, Receipt.State.FAILED])
    )


_THIS = Prepared(lambda pk: _waiting().filter(pk=pk))
_NEXT = Prepared(
    lambda now: _waiting().filter(next_attempt_at__lte=now).order_by("next_attempt_at")[:1]
)


def process(receipt_id: int, *, now: datetime) -> bool:
    """Tell the story of one receipt, in one transaction; say whether it is done.

    A fault of ours rolls the story back, is written on the receipt and tried again later: our bugs
    delay a customer's words, they never lose them.
    """
    return _process(lambda: _THIS.first(pk=receipt_id), now=now) is not False


def process_next(*, now: datetime) -> bool:
    """Tell the story that is due longest, if anybody's is; say whether there was one.

    Any number of processes may do this at the same time: none waits for another.
    """
    return _process(lambda: _NEXT.first(now=now), now=now) is not None


def _process(find: Callable[[], Receipt | None], *, now: datetime) -> bool | None:
    """Tell one story; return whether it is done, or None if there is none to tell."""
    receipt = None
    try:
        with transaction.atomic(durable=True):
            receipt = find()
            if receipt is None:
                return None
            is_done = _tell(receipt, now=now)
            _mark(receipt, is_done=is_done, now=now)
    except Exception as error:
        if receipt is None:
            raise
        logger.exception("receipt %s could not be processed", receipt.pk)
        _keep_error(receipt.pk, error, now=now)
        return False
    return is_done


def _tell(receipt: Receipt, *, now: datetime) -> bool:
    form = read_form(bytes(receipt.form))
    if receipt.kind == Receipt.Kind.STATUS:
        return record_status(receipt, form, now=now)
    try:
        text = parse_inbound(form)
    except UnreadableFormError as error:
        receipt.state, receipt.problem = Receipt.State.QUARANTINED, str(error)
        return True
    if receipt.sender is None:
        receipt.state = Receipt.State.QUARANTINED
        return True
    if receipt.attempts and _is_known(receipt):
        return True
    receive_message(text, sender=receipt.sender, received_at=receipt.received_at, now=now)
    return True


def _is_known(receipt: Receipt) -> bool:
    return Message.objects.filter(
        account=receipt.account_id, provider_sid=receipt.message_sid
    ).exists()


def receive_message(
    text: InboundText, *, sender: Sender, received_at: datetime, now: datetime
) -> Message:
    """Take in one message from a customer: the heart of the product.

    Order is policy: consent is recorded before any reply can be thought of, in the same
    transaction. Runs inside the transaction of `process`.
    """
    story = Story(now=now)
    customer = parse_address(text.customer)
    thread = locked_thread(
        sender,
        customer,
        now=now,
        our_address=text.recipient,
        profile_name=text.profile_name,
        other_addresses=text.other_addresses,
    )
    # Before anything is answered: what goes to a number that reaches nobody is stopped.
    has_come_back = is_back(thread, wrote_at=received_at)
    is_first_ever, last_wrote_at = thread.last_inbound_seq == 0, thread.last_inbound_at
    types = tuple(item.content_type for item in text.media)
    consent = apply_consent(text, sender, thread, received_at=received_at, now=now)
    if consent.is_words:
        thread.last_words_at = max(filter(None, [thread.last_words_at, received_at]))
    reference = reference_in(text, thread)
    message = _next_message(text, thread, reference, received_at=received_at, now=now)
    if reference.is_attachable and not (consent.is_keyword or text.media):
        message.details[ATTACHED] = True
    _keep_up(thread, message, customer)
    conversation: Conversation | None
    if message.is_attached:
        conversation = attach_reaction(message, reference.emoji or "", story)
    elif consent.is_keyword or message.kind == Message.Kind.REACTION:
        conversation = append_quietly(thread, message, story)
    else:
        is_out = consent.state is ConsentState.OPTED_OUT
        conversation = open_conversation(
            *(sender, thread, message, story), media_types=types, is_opted_out=is_out
        )
    message.conversation = conversation
    insert_row(message)
    expect_media(message, text.media, now=now)
    if has_come_back and conversation:
        tell_back(conversation, story)
    follow_change(consent, thread, message, conversation, story, is_late=text.is_reconciled)
    if conversation and not consent.is_keyword:
        came = Arrived(thread, conversation, message, types, last_wrote_at, is_first_ever)
        follow_rules(came, story)
    announce(story.announcements(), now=now)
    return message


def _next_message(
    text: InboundText,
    thread: Thread,
    reference: Reference,
    *,
    received_at: datetime,
    now: datetime,
) -> Message:
    """Make the message with the next number of its thread, which must be locked. Saves neither."""
    thread.last_seq += 1
    thread.last_inbound_at = max(filter(None, [thread.last_inbound_at, received_at]))
    thread.our_address = text.recipient
    details = dict(text.details)
    if text.is_reconciled:
        details[FOUND_LATE] = True
    if text.location:
        details["location"] = vars(text.location)
    if text.button_text or text.button_payload:
        details["button"] = {"text": text.button_text, "payload": text.button_payload[:500]}
    return Message(
        account_id=thread.account_id,
        thread=thread,
        seq=thread.last_seq,
        direction=Message.Direction.IN,
        kind=Message.Kind.REACTION if reference.is_reaction else Message.Kind.TEXT,
        channel=text.channel,
        body=text.body,
        details=details,
        reply_to=reference.quoted,
        reply_to_sid=text.reply_to_sid[:64],
        status=Message.Status.RECEIVED,
        provider_sid=text.sid[:64],
        created_at=now,
        received_at=received_at,
        provider_at=text.sent_at,
    )


def _keep_up(thread: Thread, message: Message, customer: Address) -> None:
    """Note in a thread what came last; a reaction that is drawn elsewhere is nothing to be read."""
    thread.customer_address = customer.raw
    if not message.is_attached:
        thread.last_inbound_seq = message.seq
    write_fields(
        thread,
        "last_seq",
        "last_inbound_seq",
        "last_inbound_at",
        "last_words_at",
        "customer_address",
        "our_address",
    )


def _mark(receipt: Receipt, *, is_done: bool, now: datetime) -> None:
    receipt.attempts += 1
    if is_done:
        if receipt.state != Receipt.State.QUARANTINED:
            receipt.state, receipt.done_at = Receipt.State.DONE, now
        receipt.next_attempt_at = None
    else:
        receipt.state = Receipt.State.WAITING
        receipt.next_attempt_at = now + _pause(receipt.attempts)
    write_fields(receipt, "attempts", "state", "done_at", "next_attempt_at", "problem", "sender")


def _keep_error(receipt_id: int, error: Exception, *, now: datetime) -> None:
    with transaction.atomic():
        receipt = Receipt.objects.select_for_update().get(pk=receipt_id)
        receipt.attempts += 1
        receipt.state = Receipt.State.FAILED
        receipt.problem = type(error).__name__
        receipt.next_attempt_at = now + _pause(receipt.attempts)
        receipt.save(update_fields=["attempts", "state", "problem", "next_attempt_at"])


def _pause(attempts: int) -> timedelta:
    return timedelta(seconds=min(RETRY_BASE_SECONDS * 2 ** (attempts - 1), RETRY_MAX_SECONDS))


def attach_quarantined(receipt: Receipt, *, sender: Sender, now: datetime) -> bool:
    """Give a quarantined receipt its sender and tell its story; say whether that worked."""
    Receipt.objects.filter(pk=receipt.pk, state=Receipt.State.QUARANTINED).update(
        sender=sender, state=Receipt.State.WAITING, problem="", next_attempt_at=now
    )
    return process(receipt.pk, now=now)
