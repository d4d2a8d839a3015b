"""What do we need from a carrier, in our own words?

`inbox.twilio` is the one implementation. Nothing above it knows Twilio's names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True)
class InboundMedia:
    """One file of an inbound message: where it lies and what the carrier calls it."""

    url: str
    content_type: str


@dataclass(frozen=True)
class Location:
    """A place somebody sent."""

    latitude: float
    longitude: float
    label: str = ""
    address: str = ""


@dataclass(frozen=True)
class InboundText:
    """One message from a customer, in our words.

    It `is_reconciled` when we found it in the carrier's list because its webhook never came.
    """

    sid: str
    customer: str
    recipient: str
    body: str
    channel: str
    media: tuple[InboundMedia, ...] = ()
    location: Location | None = None
    button_text: str = ""
    button_payload: str = ""
    reply_to_sid: str = ""
    is_reaction: bool = False
    opt_out_type: str = ""
    profile_name: str = ""
    other_addresses: tuple[str, ...] = ()
    service_sid: str = ""
    sent_at: datetime | None = None
    is_reconciled: bool = False
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class StatusUpdate:
    """How far an outbound message got, as the carrier says."""

    sid: str
    status: str
    error_code: str = ""


class ErrorKind(StrEnum):
    """What a carrier's refusal means for us.

    Three are about how we are set up: at this number, in the whole account, or for the one
    destination that was written to.
    """

    RECIPIENT = "recipient"
    CONSENT = "consent"
    CONTENT = "content"
    CONFIGURATION = "configuration"
    ACCOUNT = "account"
    DESTINATION = "destination"
    THROTTLED = "throttled"
    OTHER = "other"


class Remedy(StrEnum):
    """What helps most once a message did not arrive."""

    AGAIN = "again"  # the same, at once
    LATER = "later"  # the same, after a while
    EDIT = "edit"  # other words, or without the file
    TEMPLATE = "template"
    CHANNEL = "channel"  # another channel of theirs
    UNREACHABLE = "unreachable"  # the number is to be marked
    NONE = "none"


@dataclass(frozen=True)
class Outbound:
    """One message to hand to the carrier: a body, or a template with its variables."""

    sender_address: str
    service_sid: str
    recipient: str
    body: str
    media_urls: tuple[str, ...]
    status_url: str
    content_sid: str = ""
    content_variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Accepted:
    """The carrier took it."""

    sid: str
    status: str
    segments: int = 1


@dataclass(frozen=True)
class Rejected:
    """The carrier surely did not take it, and will not."""

    kind: ErrorKind
    code: str
    words: str


@dataclass(frozen=True)
class Throttled:
    """The carrier surely did not take it now; later it may."""

    after_seconds: float
    why: str


@dataclass(frozen=True)
class Unknown:
    """The carrier may have taken it. It is never sent again by itself."""

    why: str


Outcome = Accepted | Rejected | Throttled | Unknown


class CarrierAwayError(Exception):
    """The carrier could not be asked: it did not answer, or refused the question."""


@dataclass(frozen=True)
class RemoteMessage:
    """A message as the carrier's own list has it."""

    sid: str
    status: str
    sender_address: str
    recipient: str
    body: str
    created_at: datetime | None
    is_inbound: bool
    error_code: str
    form: Mapping[str, str] = field(default_factory=dict)


class Carrier(Protocol):
    """What the rest of the inbox may ask of a carrier."""

    def send(self, outbound: Outbound) -> Outcome:
        """Hand over one message. Never raises for what the carrier answers."""

    def find_sent(
        self, *, sender_address: str, recipient: str, since: datetime
    ) -> list[RemoteMessage]:
        """List what the carrier sent from one address to another since a moment."""

    def list_inbound(self, *, recipient: str, since: datetime) -> list[RemoteMessage]:
        """List what the carrier received since a moment, the newest first.

        For one of our addresses, or for the whole account when `recipient` is blank.
        """
