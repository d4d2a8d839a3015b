"""How do we name people, numbers and what happened, to a reader?

Everything here is the same for every reader: it goes into live fragments.
"""

import zlib
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers
from django.utils import dateformat
from django.utils.translation import gettext_lazy as _

from accounts.circumstances import numbers_are_hidden
from accounts.retelling import retold
from compliance.addresses import numbered
from inbox.masking import masked_name, masked_words, may_hold_number, without_numbers
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    ConversationEvent,
    Message,
)
from inbox.models.message import ANSWERED_BY, REACTION

HUES = 8


class Reaction(NamedTuple):
    """With what a customer reacts to a message, and when they did."""

    emoji: str
    at: datetime


def local(at: datetime, zone: str = "") -> datetime:
    """Return a moment as clocks in a zone show it; as it is where their calendar ends before."""
    try:
        return at.astimezone(ZoneInfo(zone or "UTC"))
    except OverflowError:
        return at


def moment_words(at: datetime, zone: str = "") -> str:
    """Write a moment as clocks in a zone (UTC when none is given) show it, and name the zone."""
    here = local(at, zone)
    return f"{dateformat.format(here, 'j M Y, H:i')} {here:%Z}"


def contact_name(
    contact: Contact, address: ContactAddress, *, is_masked: bool | None = None
) -> str:
    """Name a customer: our name for them, theirs, or their number."""
    words = address_words(
        phone=address.phone, key=address.key, raw=address.raw, is_masked=is_masked
    )
    name = contact.name or contact.profile_name
    return name_words(name, address.number, is_masked=is_masked) or words


def name_words(name: str, *numbers: str, is_masked: bool | None = None) -> str:
    """Write what a customer is called: a number in it is masked as any other is."""
    hides = numbers_are_hidden() if is_masked is None else is_masked
    return masked_name(name, numbers) if hides else name


def words_about(contact: Contact, words: str) -> str:
    """Write what is known of a contact, their own numbers masked, to who is answered now."""
    is_safe = not numbers_are_hidden() or not may_hold_number(words)
    return words if is_safe else without_numbers(words, contact.numbers)


def said(message: Message, *, is_masked: bool | None = None) -> str:
    """Write what a message says, the same for every reader.

    What texts of ours filled in for the customer alone, their number, is masked where the account
    masks numbers; customers' own words and notes are as they were written. `is_masked` says so for
    one reader.
    """
    is_typed = message.is_inbound or message.is_note
    if is_typed or not may_hold_number(message.body):
        return message.body
    thread = message.thread
    hides = thread.account.masks_numbers if is_masked is None else is_masked
    return without_numbers(message.body, [thread.address.number]) if hides else message.body


def last_words(conversation: Conversation, *, is_masked: bool | None = None) -> str:
    """Write the last words of a conversation as `said` does, to who is answered now."""
    words = conversation.preview
    hides = numbers_are_hidden() if is_masked is None else is_masked
    if not hides or not may_hold_number(words):
        return words
    return shown_preview(conversation.preview_kind, words, conversation.thread.address.number)


def shown_preview(kind: str, words: str, number: str) -> str:
    """Mask a customer's number in words of ours; not in theirs, nor in a note."""
    is_typed = not kind.startswith("out_") or kind == "out_note"
    return words if is_typed else without_numbers(words, [number])


def customer_name(conversation: Conversation) -> str:
    """Name the customer of a conversation, to who is answered now."""
    return contact_name(conversation.contact, conversation.thread.address)


def name_for_all(conversation: Conversation) -> str:
    """Name the customer of a conversation, the same for everybody who may read it."""
    address = conversation.thread.address
    return contact_name(conversation.contact, address, is_masked=is_masked_for_all(conversation))


def number_for_all(conversation: Conversation) -> str:
    """Write the address of a conversation's customer, the same for everybody who may read it."""
    address = conversation.thread.address
    masked = is_masked_for_all(conversation)
    return address_words(phone=address.phone, key=address.key, raw=address.raw, is_masked=masked)


def copied_for_all(conversation: Conversation) -> str:
    """Write the address for copying, the same for every reader; blank where it is masked."""
    address = conversation.thread.address
    return "" if is_masked_for_all(conversation) else address.phone or address.raw


def is_masked_for_all(conversation: Conversation) -> bool:
    """Say whether what is drawn once for everybody shows numbers masked."""
    return conversation.inbox.account.masks_numbers


def shown_address(address: ContactAddress) -> str:
    """Write a customer's address, to who is answered now."""
    return address_words(phone=address.phone, key=address.key, raw=address.raw)


def address_words(*, phone: str, key: str, raw: str, is_masked: bool | None = None) -> str:
    """Write a customer's address as people do: a number in international form, or what there is.

    Every place that shows one asks here. It is masked where the account keeps numbers from who is
    answered now; `is_masked` says so for what is not drawn for one reader.
    """
    if numbers_are_hidden() if is_masked is None else is_masked:
        return masked_words(phone or key.partition(":")[2] or raw)
    return phone_words(phone) if phone else key.partition(":")[2] or raw


@lru_cache(maxsize=8192)
def phone_words(address: str) -> str:
    """Write a number (`+1…` or `whatsapp:+1…`) in international form."""
    bare = address.rpartition(":")[2]
    number = numbered(bare)
    if number is None:
        return bare
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def initials(name: str) -> str:
    """Return one or two letters for a name; nothing for a number."""
    words = [word for word in name.split() if word[0].isalpha()]
    if not words:
        return ""
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


def letters(name: str) -> str:
    """Return two letters for a team's inbox: Sales and Support must not look the same."""
    known = initials(name)
    if len(known) == 2:
        return known
    word = next(iter(name.split()), "#")
    return word[:1].upper() + word[1:2]


def capped(number: int) -> str:
    """Write a count, from a hundred on as 99+."""
    return str(number) if number < 100 else "99+"


def hue_of(key: object) -> int:
    """Pick one of a few colours, always the same for the same key."""
    return zlib.crc32(str(key).encode()) % HUES


def channel_words(family: str) -> str:
    """Name a channel."""
    names = {"sms": "SMS", "whatsapp": "WhatsApp", "rcs": "RCS", "messenger": "Messenger"}
    return names.get(family, family.upper())


FILE_WORDS = {
    "application/pdf": _("PDF"),
    "application/msword": _("Word document"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _("Word document"),
    "application/vnd.ms-excel": _("Spreadsheet"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _("Spreadsheet"),
    "application/vnd.ms-powerpoint": _("Presentation"),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": _("Presentation"),
    "text/calendar": _("Calendar entry"),
    "text/csv": _("Table"),
    "text/plain": _("Text file"),
    "application/zip": _("Archive"),
}
LOOK_WORDS = {
    Attachment.Look.IMAGE: _("Photo"),
    Attachment.Look.AUDIO: _("Voice message"),
    Attachment.Look.VIDEO: _("Video"),
    Attachment.Look.CARD: _("Contact card"),
    Attachment.Look.FILE: _("File"),
}


def file_words(file: Attachment) -> str:
    """Say what kind of file it is, as people do."""
    content_type = (file.content_type or file.declared_type).partition(";")[0].strip().lower()
    return str(FILE_WORDS.get(content_type) or LOOK_WORDS[Attachment.Look(file.look)])


_Status = Message.Status
_Verb = ConversationEvent.Verb

STATUS_WORDS = {
    _Status.QUEUED: _("Waiting to be sent"),
    _Status.SENDING: _("Sending"),
    _Status.SENT: _("Sent"),
    _Status.DELIVERED: _("Delivered"),
    _Status.READ: _("Read"),
    _Status.UNKNOWN: _("Not confirmed"),
    _Status.FAILED: _("Not delivered"),
    _Status.BLOCKED: _("Not sent"),
    _Status.CANCELED: _("Cancelled"),
}
STATUS_ICONS = {
    _Status.QUEUED: "clock",
    _Status.SENDING: "clock",
    _Status.SENT: "check",
    _Status.DELIVERED: "check-check",
    _Status.READ: "check-check",
    _Status.UNKNOWN: "circle-help",
    _Status.FAILED: "circle-alert",
    _Status.BLOCKED: "ban",
    _Status.CANCELED: "circle-x",
}

ANSWERED_BY_WORDS = {
    "rule": _("Rule: %(name)s"),
    "keyword": _("Reply: %(name)s"),
    "after_hours": _("Reply: After hours"),
    "first_message": _("Reply: First message"),
    "still_waiting": _("Reply: Still waiting"),
}

ACTIVITY_ICONS = {
    _Verb.OPENED: "inbox",
    _Verb.REOPENED: "rotate-ccw",
    _Verb.CLAIMED: "hand",
    _Verb.RELEASED: "undo-2",
    _Verb.TRANSFERRED: "arrow-right-left",
    _Verb.MOVED: "arrow-right-left",
    _Verb.TAKEN_OVER: "crown",
    _Verb.RETURNED: "undo-2",
    _Verb.CLOSED: "archive",
    _Verb.SNOOZED: "alarm-clock",
    _Verb.WOKEN: "alarm-clock",
    _Verb.CONSENT: "shield-check",
    _Verb.SILENT: "bot",
    _Verb.BLOCKED: "ban",
    _Verb.UNBLOCKED: "circle-check",
    _Verb.WARNED: "alarm-clock",
    _Verb.ESCALATED: "alarm-clock",
    _Verb.ROUTED: "arrow-right",
    _Verb.TAGGED: "tag",
    _Verb.CONTACT_TAGS: "tag",
    _Verb.CONTACT_FACT: "pencil",
    _Verb.UNDONE: "undo-2",
    _Verb.PROMISED: "bell-ring",
    _Verb.REACH: "phone",
    _Verb.WATCHING: "eye",
    _Verb.PRIORITY: "flag",
    _Verb.WINDOW: "hourglass",
    _Verb.REMOVED: "trash-2",
}


ACTIVITY_SENTENCES = {
    _Verb.OPENED: _("Conversation opened"),
    _Verb.REOPENED: _("Reopened"),
    _Verb.CLAIMED: _("%(who)s claimed this conversation"),
    _Verb.RELEASED: _("%(who)s released this conversation"),
    _Verb.TRANSFERRED: _("%(who)s transferred this to %(to)s"),
    _Verb.MOVED: _("%(who)s moved this to %(target)s"),
    _Verb.TAKEN_OVER: _("%(who)s took this over"),
    _Verb.RETURNED: _("No answer after the transfer: back with the team"),
    _Verb.CLOSED: _("%(who)s closed this conversation"),
    _Verb.SNOOZED: _("%(who)s snoozed this conversation"),
    _Verb.WOKEN: _("Snooze ended"),
    _Verb.CONSENT: _("The customer's consent changed"),
    _Verb.SILENT: _("No automatic reply was sent"),
    _Verb.BLOCKED: _("%(who)s blocked this contact"),
    _Verb.UNBLOCKED: _("%(who)s unblocked this contact"),
    _Verb.WARNED: _("Help comes in %(left)s min if nobody answers"),
    _Verb.ESCALATED: _("Escalated"),
    _Verb.ROUTED: _("Rule “%(name)s” left this with the team"),
    _Verb.TAGGED: _("%(who)s changed the tags"),
    _Verb.CONTACT_TAGS: _("%(who)s changed the contact's tags"),
    _Verb.CONTACT_FACT: _("%(who)s changed what is known of the contact"),
    _Verb.UNDONE: _("%(who)s took this back"),
    _Verb.PROMISED: _("%(who)s promised to come back"),
    _Verb.REACH: _("%(who)s marked this number as out of reach"),
    _Verb.WATCHING: _("%(who)s added %(name)s as a watcher"),
    _Verb.PRIORITY: _("%(who)s changed the priority"),
    _Verb.WINDOW: _("The customer still waits, and WhatsApp’s 24 hours are over soon"),
    _Verb.REMOVED: _("%(who)s removed the content of a message"),
}
MARK_SENTENCES = {
    (_Verb.OPENED, "begun"): _("%(who)s began this conversation"),
    (_Verb.WARNED, "review"): _("Nobody has decided yet whether they asked to stop"),
    (_Verb.UNDONE, "claimed"): _("%(who)s took the claim back"),
    (_Verb.UNDONE, "released"): _("%(who)s took the release back"),
    (_Verb.UNDONE, "transferred"): _("%(who)s took the transfer back"),
    (_Verb.UNDONE, "moved"): _("%(who)s took the move to another team back"),
    (_Verb.PROMISED, "kept"): _("%(who)s kept the promise"),
    (_Verb.PROMISED, "cancelled"): _("%(who)s called the promise off"),
    (_Verb.PROMISED, "due"): _("The promise is due"),
    (_Verb.PROMISED, "handed"): _("The promise is due and its owner is away: the team has it"),
    (_Verb.WOKEN, "handed"): _("Snooze ended: %(owner)s cannot have this now, the team has it"),
    (_Verb.REACH, "lost_other"): _("%(who)s marked another number of theirs as out of reach"),
    (_Verb.REACH, "found"): _("%(who)s said that this number reaches them again"),
    (_Verb.REACH, "found_other"): _("%(who)s said that another number reaches them again"),
    (_Verb.REACH, "wrote"): _("They wrote: the number is within reach again"),
    (_Verb.WATCHING, "stopped"): _("%(who)s stopped watching"),
    (_Verb.SILENT, "goodbye"): _("No goodbye was sent"),
    (_Verb.PRIORITY, "low"): _("%(who)s set the priority to low"),
    (_Verb.PRIORITY, "normal"): _("%(who)s set the priority to normal"),
    (_Verb.PRIORITY, "high"): _("%(who)s set the priority to high"),
    (_Verb.PRIORITY, "urgent"): _("%(who)s set the priority to urgent"),
    (_Verb.RELEASED, "left"): _("%(name)s takes part no more"),
    (_Verb.TAGGED, "added"): _("%(who)s added the tag “%(mark)s”"),
    (_Verb.TAGGED, "removed"): _("%(who)s removed the tag “%(mark)s”"),
    (_Verb.CONTACT_TAGS, "added"): _("%(who)s added the tag “%(mark)s” to the contact"),
    (_Verb.CONTACT_TAGS, "removed"): _("%(who)s removed the tag “%(mark)s” from the contact"),
    (_Verb.CONTACT_FACT, "set"): _("%(who)s set “%(mark)s” of the contact"),
    (_Verb.CONTACT_FACT, "removed"): _("%(who)s removed “%(mark)s” of the contact"),
}
ESCALATION_SENTENCES = {
    "add": _("Escalation added %(to)s"),
    "move": _("Escalation gave this to %(to)s"),
    "release": _("Escalation gave this back to the team"),
    "notify": _("Escalation told the supervisors"),
    "priority": _("Escalation set the priority to %(to)s"),
    "asked": _("Escalation asked %(to)s"),
    "in_vain": _("Escalation asked %(to)s in vain and told the supervisors"),
    "nobody": _("Escalation found nobody to help and told the supervisors"),
}
ROUTED_TO = _("Rule “%(name)s” gave this to %(to)s")
ROUTED_TO_NOBODY = _("Rule “%(name)s” found nobody who can take this: the team has it for now")
TWO_MACHINES = _("Two machines seem to talk to each other, so nothing was answered by itself")
TAGGED_BY_RULES = _("Rules added tags or a priority")
REOPENED_WITH_OWNER = _("Reopened, back with %(owner)s")
CONSENT_SENTENCES = {
    "opted_out": _("The customer opted out: nothing may be sent until they text START"),
    "opted_in": _("The customer opted in"),
    "no_contact": _("Nobody may write to this customer any more"),
    "contact_again": _("This customer may be written to again, as far as they agreed"),
    "held": _("This may be a request to stop: automatic messages rest until somebody decides"),
    "conversational": _("The customer may be written to again"),
    "pending": _("The customer opted in elsewhere and is asked to confirm it"),
    "kept": _("The customer opted out and kept one programme: %(name)s"),
    "expired": _("The customer's consent ran out"),
}


def activity_icon(event: ConversationEvent) -> str:
    """Choose the picture for what happened; a withdrawn consent is a warning."""
    facts = event.data if isinstance(event.data, dict) else {}
    if event.verb == _Verb.CONSENT and facts.get("state") == "opted_out":
        return "shield-alert"
    return ACTIVITY_ICONS.get(_Verb(event.verb), "info")


def status_words(message: Message) -> str:
    """Say how far a message got."""
    return str(STATUS_WORDS.get(_Status(message.status), ""))


def answered_by(message: Message) -> str:
    """Name the rule or the reply that an automatic message came from; blank where none did."""
    kept = message.details.get(ANSWERED_BY) or {}
    words = ANSWERED_BY_WORDS.get(kept.get("kind", ""), "")
    return str(words) % {"name": kept.get("name", "")}


def reaction_to(message: Message) -> Reaction | None:
    """Return with what the customer reacts to a message, if they do and it is still here."""
    kept = message.details.get(REACTION) or {}
    if not kept.get("emoji") or message.forgotten_for:
        return None
    return Reaction(kept["emoji"], datetime.fromisoformat(kept["at"]))


def spoken(message: Message) -> str:
    """Return the language noted for who wrote a message; blank for ours, and where none is.

    Asks nobody: only what came along with the message is looked at.
    """
    thread = message._state.fields_cache.get("thread") if message.is_inbound else None
    contact = thread._state.fields_cache.get("contact") if thread else None
    return contact.language if contact else ""


def activity_words(event: ConversationEvent) -> str:
    """Tell in one sentence what happened. Times inside are left to the reader's clock."""
    facts = event.data if isinstance(event.data, dict) else {}
    # What happened by itself has a name and a reason of ours; those of people are their own.
    ours = retold if event.actor_id is None else str
    said = _sentence_for(event.verb, facts) % {
        "who": ours(event.actor_label),
        "owner": facts.get("owner", ""),
        "to": facts.get("to", ""),
        "target": facts.get("target", ""),
        "left": facts.get("left", ""),
        "name": facts.get("name", ""),
        "mark": facts.get("mark", ""),
    }
    note = facts.get("reason") or facts.get("note") or ""
    return f"{said}: {ours(note)}" if note else said


def _sentence_for(verb: str, facts: dict[str, object]) -> str:
    if verb == _Verb.CONSENT and facts.get("state") in CONSENT_SENTENCES:
        return str(CONSENT_SENTENCES[str(facts["state"])])
    if verb == _Verb.REOPENED and facts.get("owner"):
        return str(REOPENED_WITH_OWNER)
    if verb == _Verb.SILENT and facts.get("is_loop"):
        return str(TWO_MACHINES)
    if verb == _Verb.ROUTED:
        return str(_routed_sentence(facts))
    if verb == _Verb.ESCALATED and facts.get("did") in ESCALATION_SENTENCES:
        return str(ESCALATION_SENTENCES[str(facts["did"])])
    if sentence := MARK_SENTENCES.get((_Verb(verb), str(facts.get("did")))):
        return str(sentence)
    return str(ACTIVITY_SENTENCES[_Verb(verb)])


def _routed_sentence(facts: dict[str, object]) -> object:
    if facts.get("has_nobody"):
        return ROUTED_TO_NOBODY
    if facts.get("to"):
        return ROUTED_TO
    return ACTIVITY_SENTENCES[_Verb.ROUTED] if facts.get("name") else TAGGED_BY_RULES
