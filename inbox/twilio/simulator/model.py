"""What does the simulator know about accounts, senders, people and messages?"""

from dataclasses import dataclass, field

IN_PROGRESS = frozenset({"accepted", "scheduled", "queued", "sending"})
REACHED = frozenset({"delivered", "read"})
FAILED = frozenset({"failed", "undelivered"})
CAPABILITIES = ("voice", "sms", "mms")


@dataclass(slots=True)
class Account:
    """A Twilio account or subaccount, what may sign in to it, and its A2P brand if it has one."""

    sid: str
    auth_token: str
    friendly_name: str = ""
    next_auth_token: str = ""
    parent_sid: str = ""
    status: str = "active"
    api_keys: dict[str, str] = field(default_factory=dict)
    shared_key_id: str = ""
    shared_key_secret: str = ""
    brand_status: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(slots=True)
class Sender:
    """A phone number, short code or WhatsApp sender of an account.

    `verification_status` is that of a toll-free number, blank while nothing was submitted.
    """

    sid: str
    account_sid: str
    address: str
    channel: str = "sms"
    friendly_name: str = ""
    webhook_url: str = ""
    webhook_method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"
    status_url: str = ""
    status_method: str = "POST"
    service_sid: str = ""
    capabilities: tuple[str, ...] = CAPABILITIES
    verification_status: str = ""
    application_sid: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(slots=True)
class Service:
    """A Messaging Service; its senders point at it. Without a campaign its status is blank."""

    sid: str
    account_sid: str
    friendly_name: str = ""
    inbound_request_url: str | None = None
    inbound_method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_callback: str | None = None
    use_inbound_webhook_on_number: bool = False
    advanced_opt_out: bool = False
    opt_out_texts: dict[str, str] = field(default_factory=dict)
    sticky_sender: bool = True
    smart_encoding: bool = True
    validity_period: int = 36000
    usecase: str = "undeclared"
    campaign_status: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(slots=True)
class Persona:
    """A pretend customer; the kind says how their phone behaves."""

    name: str
    address: str
    kind: str = "mobile"


@dataclass(slots=True)
class Media:
    """One file of a message; the bytes are kept here until they are deleted."""

    sid: str
    account_sid: str
    message_sid: str
    content_type: str
    data: bytes = b""
    created_at: float = 0.0
    cdn_token: str = ""


@dataclass(slots=True)
class Message:
    """One message in either direction.

    unlisted messages are known to the phone only: Twilio's own opt-out texts and messages that a
    service without a webhook has dropped.
    """

    sid: str
    account_sid: str
    sender: str
    customer: str
    direction: str
    body: str = ""
    status: str = "queued"
    channel: str = "sms"
    service_sid: str = ""
    segments: int = 1
    media_sids: list[str] = field(default_factory=list)
    media_urls: list[str] = field(default_factory=list)
    status_callback: str = ""
    content_sid: str = ""
    buttons: list[dict[str, str]] = field(default_factory=list)
    reply_to: str = ""
    reaction: str = ""
    location: dict[str, str] = field(default_factory=dict)
    send_at: float = 0.0
    error_code: int | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    sent_at: float | None = None
    unlisted: bool = False
    webhook_params: dict[str, str] = field(default_factory=dict)

    @property
    def inbound(self) -> bool:
        """Tell whether the customer wrote it."""
        return self.direction == "inbound"

    @property
    def from_address(self) -> str:
        """Return Twilio's From; blank while a service has not chosen a sender."""
        return self.customer if self.inbound else self.sender

    @property
    def to_address(self) -> str:
        """Return Twilio's To."""
        return self.sender if self.inbound else self.customer
