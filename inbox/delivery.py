"""How far did a message get? Status callbacks only ever move it forward."""

from collections.abc import Mapping
from datetime import datetime

from inbox.broadcast import announce
from inbox.models import Message, Receipt
from inbox.models.message import Forgotten
from inbox.sending import (
    fail_message,
    heed_refusal,
    lock_messages,
    locked_message,
    lose_sid,
    note_reached,
    owe_removal,
    tell_status,
)
from inbox.story import Story
from inbox.twilio.errors import meaning_of
from inbox.twilio.parsing import UnreadableFormError, parse_status
from inbox.twilio.statuses import OURS, is_later_word, moves_forward

OUR_MESSAGE_KEY = "_our_message"
ATTEMPTS_FOR_UNKNOWN_SID = 6


def record_status(receipt: Receipt, form: Mapping[str, str], *, now: datetime) -> bool:
    """Apply one status callback; say whether the receipt is done.

    The message is found by the id in the callback's address, else by its SID. A callback that comes
    before we know the SID waits and is tried again. Runs inside the transaction of `process`.
    """
    try:
        update = parse_status(form)
    except UnreadableFormError as error:
        receipt.problem = str(error)
        return True
    message_id = _message_of(receipt, update.sid, form.get(OUR_MESSAGE_KEY, ""))
    if message_id is None:
        receipt.problem = "No message of ours has this SID."
        return receipt.attempts >= ATTEMPTS_FOR_UNKNOWN_SID
    story = Story(now=now)
    if update.error_code:
        kind = meaning_of(update.error_code).kind
        heed_refusal(message_id, kind, update.error_code, story)
    _free_sid(receipt, message_id, update.sid[:64], story)
    message = locked_message(message_id)
    message.provider_sid = message.provider_sid or update.sid[:64]
    if message.forgotten_for == Forgotten.ERASURE:
        # They were erased while it was on its way: how far it got is no reason to know them again.
        Receipt.objects.filter(pk=receipt.pk).update(form=b"", forgotten_at=now)
    if message.forgotten_for == Forgotten.REDACTION:
        # It was not known that it had left when it was removed.
        owe_removal([message], now=now)
    _move(message, update.status, update.error_code, story)
    announce(story.announcements(), now=now)
    return True


def _message_of(receipt: Receipt, sid: str, our_id: str) -> int | None:
    """Return the message that a callback is about.

    Our own id in the callback's address is signed by us and proves which; a SID may have been bound
    to a message by looking alike.
    """
    messages = Message.objects.filter(
        account=receipt.account_id,
        direction=Message.Direction.OUT,
        thread__sender__twilio_account=receipt.twilio_account_id,
    )
    proven = messages.filter(public_id=our_id) if our_id else messages.none()
    found = proven.values_list("pk", flat=True).first()
    return found or messages.filter(provider_sid=sid).values_list("pk", flat=True).first()


def _free_sid(receipt: Receipt, message_id: int, sid: str, story: Story) -> None:
    """Take a SID from a message that has it by mistake: another one is proven to be it."""
    holders = Message.objects.filter(account=receipt.account_id, provider_sid=sid)
    wrong = holders.exclude(pk=message_id).first()
    if wrong:
        lock_messages([message_id, wrong.pk])
        lose_sid(wrong.pk, story)


def _move(message: Message, status: str, error_code: str, story: Story) -> None:
    if is_later_word(message.provider_status, status):
        message.provider_status = status
    then = OURS.get(status)
    if then is None or not moves_forward(message.status, then):
        # Nothing new, or a word we do not know: it is kept, the message stays where it is.
        message.save(update_fields=["provider_sid", "provider_status"])
        return
    if then == Message.Status.FAILED:
        fail_message(message, story, code=error_code)
        return
    message.status, message.settled_at = then, message.settled_at or story.now
    note_reached(message, now=story.now)
    message.error_code = message.error_words = ""
    message.save()
    tell_status(message, story)
