"""Which numbers does an inbox have? Attach, buy, move, remove.

Twilio is asked first, with no transaction open; then one transaction writes. That a number is in
use once is a constraint: of two who attach it at once, one is told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.english import noop
from accounts.models import Account, TwilioAccount, User
from compliance.addresses import E164, SHORT_CODE, TOLL_FREE_PREFIXES
from compliance.consent import KeywordHandler
from inbox.broadcast import announce
from inbox.conversations import locked_conversation
from inbox.models import Conversation, Message, Sender, TeamInbox
from inbox.setup.assessing import is_of_ours, shown
from inbox.setup.refusals import SetUpError
from inbox.setup.twilio import look_into, provisioning_for
from inbox.story import Story
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError
from inbox.twilio.provisioning import (
    Holdings,
    Offer,
    Pointing,
    Provisioning,
    RemoteNumber,
    RemoteService,
)

SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
COUNTRY = re.compile(r"[A-Z]{2}")
KINDS = {"local": "Local", "mobile": "Mobile", "toll_free": "Toll-free"}
TAKEN = "21422"
REMOVED_WORDS = noop("Cancelled: the number was removed from the inbox before it was sent.")
_Kind = Sender.Kind


@dataclass(frozen=True)
class Choice:
    """A number or service that an account holds at Twilio and that no inbox uses yet.

    `goes_to` is where its messages go now, as a page may show it; blank is nowhere.
    """

    twilio_account_id: int
    address: str
    label: str
    can_text: bool
    goes_to: str = ""


def normal_address(typed: str, *, country: str) -> str:
    """Return a typed number as Twilio writes it: +1…, digits of a short code, or MG….

    Raises SetUpError in words for names and for what is no number.
    """
    text = typed.strip()
    if SERVICE_SID.fullmatch(whole := re.sub(r"\s", "", text)):
        return whole
    if re.search(r"[A-Za-z]", text):
        raise SetUpError(_not_to_be_attached(text), field="address")
    digits = re.sub(r"^00", "+", re.sub(r"[\s().\-/]", "", text))
    if SHORT_CODE.fullmatch(digits) and len(digits) <= 6:
        return digits
    try:
        parsed = phonenumbers.parse(digits, country or None)
    except phonenumbers.NumberParseException as error:
        raise SetUpError(_bad_number(), field="address") from error
    address = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not E164.fullmatch(address) or not phonenumbers.is_possible_number(parsed):
        raise SetUpError(_bad_number(), field="address")
    return address


def _not_to_be_attached(text: str) -> str:
    """Say what somebody wrote who wrote letters instead of a number."""
    if text.lower().startswith("whatsapp:"):
        return _("Your partner adds WhatsApp senders. Write a phone number here.")
    if re.match(r"MG[0-9a-f\s]*$", text, re.IGNORECASE):
        return _("A Messaging Service is MG and 32 characters, from 0 to 9 and a to f.")
    if re.match(r"[A-Z]{2}[0-9a-f]{6,}$", text, re.IGNORECASE):
        return _(
            "This is not the SID of a Messaging Service. Write the number itself, such as "
            "+14155550100."
        )
    if sum(char.isdigit() for char in text) >= 7:
        return _bad_number()
    return _("A name cannot receive messages, so it cannot have an inbox. Use a number.")


def _bad_number() -> str:
    return _("This is not a phone number. Write it with its country: +14155550100.")


def unused_numbers(connections: Sequence[TwilioAccount]) -> list[Choice]:
    """Ask Twilio for the numbers and services that no inbox of ours uses.

    Raises TwilioRefusedError and TwilioAwayError.
    """
    found: list[Choice] = []
    for connection in connections:
        _asking, held = look_into(connection)
        known = Sender.objects.in_use().filter(twilio_account=connection)
        used = set(known.values_list("address", flat=True))
        found += [
            Choice(
                connection.pk,
                one.address,
                _label(one.address, one.name),
                one.can_text,
                _goes_to(one, held),
            )
            for one in held.numbers
            if one.address not in used
        ]
        found += [
            Choice(
                connection.pk,
                one.sid,
                _label(_("Messaging Service"), one.name),
                True,
                _elsewhere(one.pointing.inbound_url),
            )
            for one in held.services
            if one.sid not in used
        ]
    return found


def _label(address: str, name: str) -> str:
    return address if name == address else f"{address} · {name}"


def _goes_to(number: RemoteNumber, held: Holdings) -> str:
    """Name what takes the messages to a number now."""
    service = held.service_of(number.address)
    if service and service.takes_from(number.address):
        return service.name
    if number.pointing.application_sid:
        return number.pointing.application_sid
    return _elsewhere(number.pointing.inbound_url)


def _elsewhere(url: str) -> str:
    """Show an address of somebody else; one that was ours before is nobody's."""
    return "" if is_of_ours(url) else shown(url)


def attach_number(
    *, inbox: TeamInbox, connection: TwilioAccount, address: str, by: User, now: datetime
) -> Sender:
    """Give a number or Messaging Service of a Twilio account to an inbox.

    Attaching what this inbox has already changes nothing. Raises SetUpError when it is not in
    that Twilio account, cannot text, or is in use; TwilioRefusedError and TwilioAwayError.
    """
    _same_account(inbox, connection)
    remote = find_textable(provisioning_for(connection), address)
    return keep_number(inbox=inbox, connection=connection, remote=remote, by=by, now=now)


def find_textable(asking: Provisioning, address: str) -> RemoteNumber | RemoteService:
    """Return a number or service that an account holds and that can text. Raises SetUpError."""
    remote: RemoteNumber | RemoteService | None
    if SERVICE_SID.fullmatch(address):
        remote = asking.service(address)
    else:
        remote = asking.find_number(address)
    if remote is None:
        raise SetUpError(
            _("%(number)s is not in this Twilio account. Check the number, or buy it there.")
            % {"number": address},
            field="address",
        )
    if isinstance(remote, RemoteNumber) and not remote.can_text:
        raise SetUpError(
            _(
                "%(number)s can call but not text (it may be a landline). Choose a number "
                "that Twilio lists with SMS."
            )
            % {"number": address},
            field="address",
        )
    return remote


def keep_number(
    *,
    inbox: TeamInbox,
    connection: TwilioAccount,
    remote: RemoteNumber | RemoteService,
    by: User,
    now: datetime,
    is_bought: bool = False,
) -> Sender:
    """Write down that an inbox has a number, after Twilio was asked. Raises SetUpError if taken."""
    with transaction.atomic(durable=True):
        sender = add_number(
            inbox=inbox,
            connection=connection,
            remote=remote,
            by=by,
            now=now,
            is_bought=is_bought,
        )
    return sender


def add_number(
    *,
    inbox: TeamInbox,
    connection: TwilioAccount,
    remote: RemoteNumber | RemoteService,
    by: User,
    now: datetime,
    is_bought: bool = False,
) -> Sender:
    """Do what `keep_number` does in the caller's transaction."""
    address = remote.sid if isinstance(remote, RemoteService) else remote.address
    known = (
        Sender.objects.select_for_update(no_key=True)
        .filter(twilio_account=connection, address=address)
        .first()
    )
    if known and not known.is_removed:
        return _known(known, inbox)
    sender = known or Sender(twilio_account=connection, address=address)
    sender.account_id, sender.inbox, sender.removed_at = inbox.account_id, inbox, None
    _describe(sender, remote, is_new=known is None, now=now)
    try:
        with transaction.atomic():
            sender.save()
    except IntegrityError as error:
        same = Sender.objects.in_use().filter(twilio_account=connection, address=address).first()
        if same and same.inbox_id == inbox.pk:
            return same  # of two clicks at once the other one was quicker
        raise SetUpError(
            _("%(number)s is in use already. A number belongs to one inbox only.")
            % {"number": address},
            field="address",
        ) from error
    told = {"inbox": {"before": None, "after": inbox.name}}
    _note(sender, "number_attached", by, now, changes=told)
    if is_bought:
        _note(sender, "number_bought", by, now)
    return sender


def _known(sender: Sender, inbox: TeamInbox) -> Sender:
    if sender.inbox_id == inbox.pk:
        return sender
    raise SetUpError(
        _("%(number)s belongs to %(inbox)s. Move it from there.")
        % {"number": sender.address, "inbox": sender.inbox.name},
        field="address",
    )


def _describe(
    sender: Sender, remote: RemoteNumber | RemoteService, *, is_new: bool, now: datetime
) -> None:
    sender.provider_sid, sender.checked_at = remote.sid, now
    if isinstance(remote, RemoteService):
        sender.kind, sender.messaging_service_sid = _Kind.SERVICE, remote.sid
        sender.capabilities = ["sms"]
        return
    sender.kind = _Kind.SHORT_CODE if remote.is_short_code else _Kind.NUMBER
    sender.capabilities = sorted(remote.capabilities)
    if is_new and sender.address.startswith(TOLL_FREE_PREFIXES):
        # The network itself answers STOP and START on these numbers.
        sender.keyword_handler = KeywordHandler.CARRIER_TOLLFREE.value


def search_numbers(
    *, asking: Provisioning, country: str, kind: str, area_code: str = "", contains: str = ""
) -> list[Offer]:
    """Return numbers that can be bought and can text.

    Raises SetUpError for a question that makes no sense, TwilioRefusedError, TwilioAwayError.
    """
    if not COUNTRY.fullmatch(country):
        raise SetUpError(_("Choose a country."), field="country")
    if kind not in KINDS:
        raise SetUpError(_("Choose what kind of number."), field="kind")
    if area_code and not re.fullmatch(r"[0-9]{3}", area_code):
        raise SetUpError(_("An area code has three digits."), field="area_code")
    if contains and not re.fullmatch(r"[0-9A-Za-z*]{2,12}", contains):
        raise SetUpError(_("Two to twelve digits; * stands for any one digit."), field="contains")
    return asking.search(country=country, kind=kind, area_code=area_code, contains=contains)


def buy_number(
    *, inbox: TeamInbox, connection: TwilioAccount, address: str, by: User, now: datetime
) -> Sender:
    """Buy a number in a subaccount that we pay for, and give it to an inbox.

    One that the account holds already is not bought again: that is how a purchase whose answer
    was lost is finished. Buying what this inbox has already changes nothing.
    Raises SetUpError, TwilioRefusedError, TwilioAwayError.
    """
    _same_account(inbox, connection)
    if not E164.fullmatch(address):
        raise SetUpError(_bad_number(), field="address")
    if known := Sender.objects.in_use().filter(address=address).first():
        if (known.inbox_id, known.twilio_account_id) == (inbox.pk, connection.pk):
            return known  # of two clicks the other one was quicker
        raise SetUpError(_("This number is in use already. Choose another."), field="address")
    remote = _bought(provisioning_for(connection), address)
    return keep_number(
        inbox=inbox, connection=connection, remote=remote, by=by, now=now, is_bought=True
    )


def _bought(asking: Provisioning, address: str) -> RemoteNumber:
    if held := asking.find_number(address):
        return held
    try:
        return asking.buy(address, Pointing())
    except TwilioAwayError as error:
        if error.may_have_acted and (held := _found_after_all(asking, address)):
            return held
        raise
    except TwilioRefusedError as error:
        # Of two clicks at once the other one bought it for this very account.
        if error.code == TAKEN and (held := _found_after_all(asking, address)):
            return held
        raise


def _found_after_all(asking: Provisioning, address: str) -> RemoteNumber | None:
    try:
        return asking.find_number(address)
    except (TwilioAwayError, TwilioRefusedError):
        return None


def move_number(*, sender: Sender, to: TeamInbox, by: User, now: datetime) -> None:
    """Let a number belong to another inbox of the account, from the next conversation on.

    Conversations that are open stay where they are. Raises SetUpError.
    """
    with transaction.atomic(durable=True):
        row = _locked(sender)
        if to.account_id != row.account_id:
            raise SetUpError(_("Choose an inbox of your account."), field="inbox")
        if row.inbox_id == to.pk:
            return
        was = audit.snapshot(row, ["inbox"])
        row.inbox = to
        row.save(update_fields=["inbox"])
        _note(
            row, "number_moved", by, now, changes=audit.changes(was, audit.snapshot(row, ["inbox"]))
        )


def remove_number(*, sender: Sender, by: User, now: datetime) -> int:
    """Take a number out of its inbox; returns how many of our messages were cancelled by that.

    Its threads stay readable, and what Twilio still says of messages that left is heard. What
    waits to be sent is cancelled, and its authors are told.
    """
    with transaction.atomic(durable=True):
        row = _locked(sender)
        story = Story(now=now, actor=by)
        cancelled = take_out(row, story, by=by)
        announce(story.announcements(), now=now)
    return cancelled


def take_out(sender: Sender, story: Story, *, by: User) -> int:
    """Do what `remove_number` does to a locked number, in the caller's transaction."""
    sender.removed_at = story.now
    sender.save(update_fields=["removed_at"])
    cancelled = _cancel_queued(sender, story)
    sender.findings.filter(resolved_at=None).update(resolved_at=story.now)
    told = {"inbox": {"before": sender.inbox.name, "after": None}}
    _note(sender, "number_removed", by, story.now, changes=told, cancelled=cancelled)
    return cancelled


def _cancel_queued(sender: Sender, story: Story) -> int:
    queued = (
        Message.objects.select_for_update(of=("self",), no_key=True)
        .filter(thread__sender=sender, status=Message.Status.QUEUED)
        .order_by("pk")
    )
    messages = list(queued)
    for message in messages:
        message.status = Message.Status.CANCELED
        message.error_code, message.error_words = "SENDER_REMOVED", REMOVED_WORDS
        message.settled_at = story.now
        message.save()
        if message.conversation_id:
            conversation = locked_conversation(Conversation(pk=message.conversation_id))
            if message.author_id:
                conversation.has_failed_message = True
                conversation.save(update_fields=["has_failed_message"])
            story.message_updated(conversation, message, "status")
    return len(messages)


def numbers_of(account: Account) -> list[Sender]:
    """Return the numbers in use of an account, by inbox."""
    rows = Sender.objects.in_use().filter(account=account).select_related("inbox")
    return list(rows.order_by("inbox__name", "address"))


def _locked(sender: Sender) -> Sender:
    Sender.objects.select_for_update(no_key=True).only("pk").get(pk=sender.pk)
    row = Sender.objects.select_related("inbox", "twilio_account").get(pk=sender.pk)
    if row.is_removed:
        raise SetUpError(_("This number was removed meanwhile."))
    return row


def _same_account(inbox: TeamInbox, connection: TwilioAccount) -> None:
    if inbox.account_id != connection.account_id:
        raise SetUpError(_("Choose a Twilio account of your own."))


def _note(sender: Sender, action: str, by: User, now: datetime, **data: Any) -> None:
    audit.record(
        action=action,
        subject=sender.address,
        actor=by,
        account_id=sender.account_id,
        now=now,
        row=str(sender.pk),
        **data,
    )
