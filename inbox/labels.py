"""How do we name people, numbers and what happened, to a reader?

Everything here is the same for every reader: it goes into live fragments.
"""

import zlib
from functools import lru_cache

import phonenumbers
from django.utils.translation import gettext as _

from inbox.models import Contact, ContactAddress, Conversation, ConversationEvent, Message

HUES = 8


def contact_name(contact: Contact, address: ContactAddress) -> str:
    """Name a customer: our name for them, theirs, or their number."""
    return contact.name or contact.profile_name or address_words(address)


def customer_name(conversation: Conversation) -> str:
    """Name the customer of a conversation."""
    return contact_name(conversation.contact, conversation.thread.address)


def address_words(address: ContactAddress) -> str:
    """Write an address as people do: a number in international form, or what there is."""
    if address.phone:
        return phone_words(address.phone)
    return address.key.partition(":")[2] or address.raw


@lru_cache(maxsize=8192)
def phone_words(number: str) -> str:
    """Write a number (`+1…` or `whatsapp:+1…`) in international form."""
    bare = number.rpartition(":")[2]
    try:
        parsed = phonenumbers.parse(bare)
    except phonenumbers.NumberParseException:
        return bare
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def initials(name: str) -> str:
    """Return one or two letters for a name; nothing for a number."""
    words = [word for word in name.split() if word[0].isalpha()]
    if not words:
        return ""
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


def hue_of(key: object) -> int:
    """Pick one of a few colours, always the same for the same key."""
    return zlib.crc32(str(key).encode()) % HUES


def channel_words(family: str) -> str:
    """Name a channel."""
    names = {"sms": "SMS", "whatsapp": "WhatsApp", "rcs": "RCS", "messenger": "Messenger"}
    return names.get(family, family.upper())


def status_words(message: Message) -> str:
    """Say how far a message got."""
    words = {
        Message.Status.QUEUED: _("Waiting to be sent"),
        Message.Status.SENDING: _("Sending"),
        Message.Status.SENT: _("Sent"),
        Message.Status.DELIVERED: _("Delivered"),
        Message.Status.READ: _("Read"),
        Message.Status.UNKNOWN: _("Not confirmed"),
        Message.Status.FAILED: _("Not delivered"),
        Message.Status.BLOCKED: _("Not sent"),
        Message.Status.CANCELED: _("Cancelled"),
    }
    return words.get(Message.Status(message.status), "")


STATUS_ICONS = {
    Message.Status.QUEUED: "clock",
    Message.Status.SENDING: "clock",
    Message.Status.SENT: "check",
    Message.Status.DELIVERED: "check-check",
    Message.Status.READ: "check-check",
    Message.Status.UNKNOWN: "circle-help",
    Message.Status.FAILED: "circle-alert",
    Message.Status.BLOCKED: "ban",
    Message.Status.CANCELED: "circle-x",
}

ACTIVITY_ICONS = {
    ConversationEvent.Verb.OPENED: "inbox",
    ConversationEvent.Verb.REOPENED: "rotate-ccw",
    ConversationEvent.Verb.CLAIMED: "hand",
    ConversationEvent.Verb.RELEASED: "undo-2",
    ConversationEvent.Verb.TRANSFERRED: "arrow-right-left",
    ConversationEvent.Verb.MOVED: "arrow-right-left",
    ConversationEvent.Verb.TAKEN_OVER: "crown",
    ConversationEvent.Verb.RETURNED: "undo-2",
    ConversationEvent.Verb.CLOSED: "archive",
    ConversationEvent.Verb.SNOOZED: "alarm-clock",
    ConversationEvent.Verb.WOKEN: "alarm-clock",
    ConversationEvent.Verb.CONSENT: "shield-check",
    ConversationEvent.Verb.SILENT: "bot",
    ConversationEvent.Verb.BLOCKED: "ban",
    ConversationEvent.Verb.UNBLOCKED: "circle-check",
}


def activity_words(event: ConversationEvent) -> str:
    """Tell in one sentence what happened. Times inside are left to the reader's clock."""
    facts = event.data if isinstance(event.data, dict) else {}
    sentence = _activity_sentence(event.verb, facts)
    said = sentence % {
        "who": event.actor_label,
        "owner": facts.get("owner", ""),
        "to": facts.get("to", ""),
        "from": facts.get("source", facts.get("from", "")),
        "target": facts.get("target", facts.get("to", "")),
    }
    return _with_note(said, str(facts.get("reason") or facts.get("note") or ""))


def _with_note(said: str, note: str) -> str:
    return f"{said}: {note}" if note else said


def _activity_sentence(verb: str, facts: dict[str, object]) -> str:
    if verb == ConversationEvent.Verb.CONSENT:
        return _consent_sentence(str(facts.get("state", "")))
    if verb == ConversationEvent.Verb.REOPENED and facts.get("owner"):
        return _("Reopened, back with %(owner)s")
    sentences = {
        ConversationEvent.Verb.OPENED: _("Conversation opened"),
        ConversationEvent.Verb.REOPENED: _("Reopened"),
        ConversationEvent.Verb.CLAIMED: _("%(who)s claimed this conversation"),
        ConversationEvent.Verb.RELEASED: _("%(who)s released this conversation"),
        ConversationEvent.Verb.TRANSFERRED: _("%(who)s transferred this to %(to)s"),
        ConversationEvent.Verb.MOVED: _("%(who)s moved this to %(target)s"),
        ConversationEvent.Verb.TAKEN_OVER: _("%(who)s took this over"),
        ConversationEvent.Verb.RETURNED: _("No answer after the transfer: back with the team"),
        ConversationEvent.Verb.CLOSED: _("%(who)s closed this conversation"),
        ConversationEvent.Verb.SNOOZED: _("%(who)s snoozed this conversation"),
        ConversationEvent.Verb.WOKEN: _("Snooze ended"),
        ConversationEvent.Verb.SILENT: _("No automatic reply was sent"),
        ConversationEvent.Verb.BLOCKED: _("%(who)s blocked this contact"),
        ConversationEvent.Verb.UNBLOCKED: _("%(who)s unblocked this contact"),
    }
    return sentences.get(ConversationEvent.Verb(verb), "%(who)s")


def _consent_sentence(state: str) -> str:
    sentences = {
        "opted_out": _("The customer opted out: nothing may be sent until they text START"),
        "opted_in": _("The customer opted in"),
        "conversational": _("The customer may be written to again"),
    }
    return sentences.get(state, _("The customer's consent changed"))
