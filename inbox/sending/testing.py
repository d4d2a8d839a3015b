"""How does an admin try a number out? One fixed text to a phone of theirs, by the ordinary way."""

import re
from datetime import datetime, timedelta

import phonenumbers
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from compliance.addresses import Address, parse_address
from compliance.gate import Purpose
from inbox.broadcast import announce
from inbox.contacts import locked_thread
from inbox.models import Message, Sender, Thread
from inbox.refusals import MissingInputError
from inbox.sending.asking import Wanted, refuse_blocked
from inbox.sending.queueing import queue_message
from inbox.story import Story

MOST_IN_AN_HOUR = 10


def send_test(*, sender: Sender, phone: str, by: User, now: datetime, key: str = "") -> Message:
    """Queue a test message to a phone; asks the gate as for any other message.

    The same form sent twice, known by its `key`, is one message. The words are fixed: this is no
    way to write to customers. Raises SendBlockedError, and MissingInputError for what is no number
    and for more than `MOST_IN_AN_HOUR` tests of an account.
    """
    address = _mobile(phone, sender)
    key = key if re.fullmatch(r"[0-9A-Za-z-]{8,32}", key) else ""
    with transaction.atomic(durable=True):
        thread = locked_thread(sender, address, now=now, our_address=sender.address)
        if known := _sent_with(key, thread):
            return known
        verdict = refuse_blocked(thread, Wanted(Purpose.TEST, None, now), now=now)
        _refuse_many(sender, now=now)
        story = Story(now=now)
        message = queue_message(
            thread=thread,
            conversation=None,
            body=_words(sender),
            purpose=Purpose.TEST,
            story=story,
            bot_name=sender.inbox.bot_name,
            client_id=key,
            verdict=verdict,
        )
        audit.record(
            action="test_sent",
            subject=sender.address,
            actor=by,
            account_id=sender.account_id,
            now=now,
            row=str(sender.pk),
            to=f"…{address.phone[-4:]}",
        )
        announce(story.announcements(), now=now)
    return message


def _sent_with(key: str, thread: Thread) -> Message | None:
    return Message.objects.filter(thread=thread, client_id=key).first() if key else None


def _mobile(phone: str, sender: Sender) -> Address:
    try:
        parsed = phonenumbers.parse(phone.strip(), sender.account.default_country)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise MissingInputError(_("Write your phone's number with its country: +14155550100."))
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if number == sender.address.removeprefix("whatsapp:"):
        raise MissingInputError(_("A number cannot write to itself. Use your own phone's number."))
    return parse_address(f"whatsapp:{number}" if sender.is_whatsapp else number)


def _refuse_many(sender: Sender, *, now: datetime) -> None:
    sent = Message.objects.filter(
        account=sender.account_id,
        purpose=Purpose.TEST.value,
        created_at__gt=now - timedelta(hours=1),
    )
    if sent.count() >= MOST_IN_AN_HOUR:
        raise MissingInputError(_("That were enough tests for this hour. Try again later."))


def _words(sender: Sender) -> str:
    return _(
        "This is a test of the Team Inbox “%(inbox)s”. Answer this message, and your answer "
        "appears there."
    ) % {"inbox": sender.inbox.name}
