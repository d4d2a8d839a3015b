"""May this message go out now, and if not, why, in words?

The one gate for people, automation and API: asked when a message is queued and again when it
is sent. This is its first form; quiet hours, templates and country rules come in through the same
door.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from compliance.addresses import WHATSAPP, Address
from compliance.consent import consent_of
from compliance.judging import CONFIRMATION_DEADLINE, SERVICE_WINDOW
from compliance.ledger import handle_of
from compliance.models import Consent, ConsentEvent, ConsentState, ProviderBlock
from compliance.standing import suppression_of


class Purpose(StrEnum):
    """Why a message is sent."""

    REPLY = "reply"
    AUTO_REPLY = "auto_reply"
    OPT_OUT_CONFIRMATION = "optout_confirmation"
    OPT_IN_CONFIRMATION = "optin_confirmation"
    HELP_REPLY = "help_reply"
    TEST = "test"


class Reason(StrEnum):
    """Why a message may not go."""

    OK = "OK"
    BAD_INPUT = "BAD_INPUT"
    FEATURE_OFF = "FEATURE_OFF"
    SENDER_PAUSED = "SENDER_PAUSED"
    SENDER_REMOVED = "SENDER_REMOVED"
    LICENSE_MISSING = "LICENSE_MISSING"
    NOT_REPLIABLE = "NOT_REPLIABLE"
    CONTACT_BLOCKED = "CONTACT_BLOCKED"
    CONFIRMATION_LATE = "CONFIRMATION_LATE"
    PROVIDER_BLOCKED = "PROVIDER_BLOCKED"
    OPTED_OUT = "OPTED_OUT"
    CONTACT_ERASED = "CONTACT_ERASED"
    WA_WINDOW_CLOSED = "WA_WINDOW_CLOSED"
    NOT_WANTED = "NOT_WANTED"


@dataclass(frozen=True)
class SendRequest:
    """Everything the gate needs to know about one message.

    `pause` says why our number is paused, and is blank while it sends; one that is removed does not
    send any more.
    """

    account_id: int
    address: Address
    our_address: str
    purpose: Purpose
    has_feature: bool
    is_author_licensed: bool
    is_contact_blocked: bool
    last_inbound_at: datetime | None
    requested_at: datetime
    pause: str = ""
    is_sender_removed: bool = False


@dataclass(frozen=True)
class Verdict:
    """The gate's answer: may it go, and if not, the code and the words for a person."""

    reason: Reason
    words: str = ""

    @property
    def is_allowed(self) -> bool:
        """Say whether the message may go."""
        return self.reason is Reason.OK


# What is not a confirmation that the law asks for.
_ORDINARY = (Purpose.REPLY, Purpose.AUTO_REPLY, Purpose.TEST)
ALLOWED = Verdict(Reason.OK)


class SendBlockedError(Exception):
    """A message may not go out."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason.value)
        self.verdict = verdict
        self.reason = verdict.words


def check_send(request: SendRequest, *, now: datetime) -> Verdict:
    """Judge one message at `now`: the first rule that forbids it decides.

    Order: account and feature, licence, our own number, then opt-outs, then channel windows
    (behaviour 7).
    """
    return (
        _check_entitlement(request)
        or _check_sender(request)
        or _check_recipient(request)
        or _check_confirmation(request, now=now)
        or _check_consent(request)
        or _check_window(request, now=now)
        or ALLOWED
    )


def _check_entitlement(request: SendRequest) -> Verdict | None:
    # The law's own confirmations go out even when the feature is off.
    if not request.has_feature and request.purpose in _ORDINARY:
        return Verdict(
            Reason.FEATURE_OFF,
            "This is switched off for your account. Ask your partner to switch it on.",
        )
    if request.purpose is Purpose.REPLY and not request.is_author_licensed:
        return Verdict(
            Reason.LICENSE_MISSING,
            "Answering needs a Pro-CX licence. Ask your account admin for one.",
        )
    return None


def _check_sender(request: SendRequest) -> Verdict | None:
    if request.is_sender_removed:
        return Verdict(
            Reason.SENDER_REMOVED,
            "This number was removed from the inbox: nothing can be sent from it any more.",
        )
    if not request.pause:
        return None
    return Verdict(
        Reason.SENDER_PAUSED,
        f"This number is paused. {request.pause} Nothing goes out until an admin resumes it; "
        "what is queued waits until then.",
    )


def _check_recipient(request: SendRequest) -> Verdict | None:
    if not request.address.is_repliable:
        return Verdict(
            Reason.NOT_REPLIABLE,
            "This sender cannot receive replies: it is a short code or a name, not a number.",
        )
    if request.is_contact_blocked and request.purpose in _ORDINARY:
        return Verdict(
            Reason.CONTACT_BLOCKED, "This contact is blocked. Unblock them before you answer."
        )
    return None


def _check_confirmation(request: SendRequest, *, now: datetime) -> Verdict | None:
    is_confirmation = request.purpose is Purpose.OPT_OUT_CONFIRMATION
    if is_confirmation and now - request.requested_at > CONFIRMATION_DEADLINE:
        return Verdict(
            Reason.CONFIRMATION_LATE,
            "Too late for the one confirmation the rules allow. The opt-out itself is in force.",
        )
    return None


def _check_consent(request: SendRequest) -> Verdict | None:
    blocked = ProviderBlock.objects.filter(
        account=request.account_id,
        our_address=request.our_address,
        address=request.address.consent_key,
        cleared_at=None,
    )
    if blocked.exists():
        return Verdict(
            Reason.PROVIDER_BLOCKED,
            "They texted STOP. The carrier refuses every message until they text START. "
            "Call or e-mail instead.",
        )
    if request.purpose in (Purpose.OPT_OUT_CONFIRMATION, Purpose.HELP_REPLY):
        return None
    consent = consent_of(request.account_id, request.address)
    if consent is None:
        return _check_suppression(request)
    if consent.state == ConsentState.OPTED_OUT:
        return Verdict(Reason.OPTED_OUT, opted_out_words(consent))
    return None


def _check_suppression(request: SendRequest) -> Verdict | None:
    """Who is unknown may be somebody whom we had to forget, and who had opted out."""
    if suppression_of(request.account_id, request.address) is None:
        return None
    return Verdict(
        Reason.CONTACT_ERASED,
        "This person asked us to delete their data. We keep only a marker so we never message "
        "them.",
    )


def _check_window(request: SendRequest, *, now: datetime) -> Verdict | None:
    if request.address.family != WHATSAPP:
        return None
    last = request.last_inbound_at
    if last is None or now - last > SERVICE_WINDOW:
        return Verdict(
            Reason.WA_WINDOW_CLOSED,
            "WhatsApp allows free text only for 24 hours after their last message. "
            "Wait until they write again, or use an approved template.",
        )
    return None


def opted_out_words(consent: Consent) -> str:
    """Say since when and how somebody opted out, for the person who wanted to write to them."""
    since = f"{consent.since.day} {consent.since:%B %Y}"
    how = f"texted {consent.words}" if consent.words else "opted out"
    return f"They {how} on {since}. You cannot message them until they text START."


def consent_history(account_id: int, address: Address) -> list[ConsentEvent]:
    """Return the latest consent events of one address, newest first, at most 50."""
    known = handle_of(account_id, address)
    if known is None:
        return []
    mine = ConsentEvent.objects.filter(account=account_id, handle=known)
    return list(mine.select_related("details__key").order_by("-seq")[:50])
