"""What can somebody do about a message that did not arrive, and what of it helps most?

The same for every reader: it goes into live fragments.
"""

from dataclasses import dataclass

from compliance.gate import Reason
from inbox.carrier import ErrorKind, Remedy
from inbox.models import Message
from inbox.twilio.errors import meaning_of

TEMPLATE = "template"  # in the details of a message that was made of one
_REPEATS = {Remedy.AGAIN, Remedy.LATER}
# Somebody else mends it first; then the same message can go.
_MENDED_BY_OTHERS = {ErrorKind.CONFIGURATION, ErrorKind.ACCOUNT, ErrorKind.DESTINATION}
# What is neither here nor final waits for others: a licence, a consent, a sender that rests.
_OF_CODES: dict[str, Remedy] = {
    "throttled": Remedy.LATER,
    Reason.GATE_ERROR: Remedy.AGAIN,
    Reason.QUIET_HOURS: Remedy.LATER,
    Reason.QUIET_HOURS_EXPIRED: Remedy.LATER,
    Reason.REPLY_HOURS: Remedy.LATER,
    Reason.FREQUENCY_CAP: Remedy.LATER,
    Reason.WA_WINDOW_CLOSED: Remedy.TEMPLATE,
    Reason.WA_TEMPLATE_UNUSABLE: Remedy.TEMPLATE,
    Reason.WA_TEMPLATE_CATEGORY: Remedy.TEMPLATE,
    Reason.BAD_INPUT: Remedy.EDIT,
    Reason.NO_IDENTITY: Remedy.EDIT,
    Reason.NO_OPTOUT_NOTICE: Remedy.EDIT,
    Reason.NO_OPTOUT_PATH: Remedy.EDIT,
    Reason.OUT_OF_REACH: Remedy.CHANNEL,
    Reason.NOT_REPLIABLE: Remedy.CHANNEL,
    Reason.SENDER_REMOVED: Remedy.CHANNEL,
}
_REASONS = frozenset(Reason)
# Only the customer changes that, or nobody.
_THEIR_WILL = {
    Reason.OPTED_OUT,
    Reason.OPTED_OUT_REPLY,
    Reason.PROVIDER_BLOCKED,
    Reason.DO_NOT_CONTACT,
    Reason.NOT_WANTED,
    Reason.CONTACT_BLOCKED,
    Reason.CONTACT_ERASED,
    Reason.NUMBER_REASSIGNED,
    Reason.WA_MARKETING_STOPPED,
    Reason.WA_MARKETING_US,
}


@dataclass(frozen=True)
class Help:
    """What helps `first`; whether the same message may help again, and another channel."""

    first: Remedy
    may_repeat: bool = False
    may_go_beside: bool = False


def help_for(message: Message) -> Help:
    """Say what can be done about a message that failed, was blocked, or is not confirmed."""
    if message.status == Message.Status.UNKNOWN:
        return Help(Remedy.NONE, may_repeat=True, may_go_beside=True)
    found = _by_code(message.error_code)
    return Help(_fitting(found.first, message), found.may_repeat, found.may_go_beside)


def _by_code(code: str) -> Help:
    if code in _THEIR_WILL:
        return Help(Remedy.NONE)
    if code in _OF_CODES or code in _REASONS:
        first = _OF_CODES.get(code, Remedy.NONE)
        return Help(first, first in _REPEATS or first is Remedy.NONE, may_go_beside=True)
    meaning = meaning_of(code)
    may_repeat = meaning.helps in _REPEATS or meaning.kind in _MENDED_BY_OTHERS
    return Help(meaning.helps, may_repeat, meaning.kind is not ErrorKind.CONSENT)


def _fitting(first: Remedy, message: Message) -> Remedy:
    """Return what is possible for this very message: other words need words, and no template."""
    if first is Remedy.EDIT and TEMPLATE in message.details:
        first = Remedy.TEMPLATE
    if first is Remedy.EDIT and not message.body:
        return Remedy.NONE
    if first is Remedy.TEMPLATE and message.channel != "whatsapp":
        return Remedy.NONE
    return first
