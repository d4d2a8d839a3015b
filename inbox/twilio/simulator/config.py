"""Which accounts, senders, services and people does this configuration describe?"""

import re

from inbox.twilio.simulator.addresses import channel_of, is_business_scoped
from inbox.twilio.simulator.model import CAPABILITIES, Account, Persona, Sender, Service
from inbox.twilio.simulator.parts import Parts
from inbox.twilio.simulator.reading import BadInputError, Fields
from inbox.twilio.simulator.sids import derived

DEFAULT_PERSONAS = (
    Persona("Maria Lopez", "+14155550132"),
    Persona("José Hernández", "+525555550147"),
    Persona("Front Desk (landline)", "+12125550160", "landline"),
    Persona("Olivia (opted out)", "+13055550119", "opted_out"),
    Persona("Priya (WhatsApp)", "whatsapp:+919845550173", "whatsapp"),
    Persona("Kabir (WhatsApp, no number)", "whatsapp:IN.2081500000000417", "whatsapp"),
)
KINDS = ("mobile", "landline", "opted_out", "whatsapp")
BRAND_STATUSES = ("PENDING", "APPROVED", "FAILED", "IN_REVIEW", "SUSPENDED")
CAMPAIGN_STATUSES = ("PENDING", "IN_PROGRESS", "VERIFIED", "FAILED", "SUSPENDED")
VERIFICATION_STATUSES = ("PENDING_REVIEW", "IN_REVIEW", "TWILIO_APPROVED", "TWILIO_REJECTED")


def apply_config(parts: Parts, config: Fields) -> None:
    """Add or change what the configuration names; what it does not name stays.

    Raises BadInputError and changes nothing if something refers to what is not there.
    """
    config.refuse_unknown("accounts", "senders", "services", "personas", "windows", "settings")
    now = parts.clock.timestamp()
    accounts = [_account(fields, now) for fields in config.children("accounts")]
    services = list(config.children("services"))
    senders = list(config.children("senders"))
    personas = [_persona(fields) for fields in config.children("personas")]
    windows = [_window(fields) for fields in config.children("windows")]
    known = {*parts.store.accounts, *(one.sid for one in accounts)}
    for fields in (*services, *senders):
        if fields.required("account_sid") not in known:
            raise BadInputError(f"{fields.where} names an unknown account")
    settings = config.child("settings")
    if settings is not None:
        parts.settings.update(settings)
    with parts.store.lock:
        parts.store.accounts.update({one.sid: one for one in accounts})
        for fields in services:
            service = _service(fields, now)
            parts.store.services[service.sid] = service
        for fields in senders:
            sender = _sender(fields, now)
            parts.store.senders[sender.address] = sender
        for fields in services:
            _join(parts, fields)
        for pair, at in windows:
            parts.store.last_inbound[pair] = max(at, parts.store.last_inbound.get(pair, 0.0))
        parts.store.personas.update({one.address: one for one in personas})
        if not parts.store.personas:
            parts.store.personas.update({one.address: one for one in DEFAULT_PERSONAS})
    parts.journal.publish("config", {})


def _sid(fields: Fields, name: str, prefix: str) -> str:
    sid = fields.required(name)
    if not re.fullmatch(prefix + r"[0-9a-fA-F]{32}", sid):
        raise BadInputError(f"{fields.where}.{name} must be {prefix} and 32 hexadecimal digits")
    return sid


def _one_of(fields: Fields, name: str, known: tuple[str, ...]) -> str:
    """Read a word that must be one of these, or nothing."""
    word = fields.text(name)
    if word and word not in known:
        raise BadInputError(f"{fields.where}.{name} must be one of {', '.join(known)}")
    return word


def _account(fields: Fields, now: float) -> Account:
    fields.refuse_unknown(
        "account_sid",
        "auth_token",
        "friendly_name",
        "next_auth_token",
        "parent_sid",
        "status",
        "api_keys",
        "shared_key",
        "brand_status",
    )
    shared = fields.child("shared_key")
    keys = {key.required("sid"): key.required("secret") for key in fields.children("api_keys")}
    return Account(
        _sid(fields, "account_sid", "AC"),
        fields.required("auth_token"),
        fields.text("friendly_name"),
        fields.text("next_auth_token"),
        fields.text("parent_sid"),
        fields.text("status", "active"),
        keys,
        shared.required("key") if shared else "",
        shared.required("secret") if shared else "",
        brand_status=_one_of(fields, "brand_status", BRAND_STATUSES),
        created_at=now,
        updated_at=now,
    )


def _sender(fields: Fields, now: float) -> Sender:
    fields.refuse_unknown(
        "account_sid",
        "address",
        "channel",
        "sid",
        "friendly_name",
        "webhook_url",
        "webhook_method",
        "fallback_url",
        "status_url",
        "messaging_service_sid",
        "capabilities",
        "verification_status",
    )
    address = fields.required("address")
    channel = channel_of(address)
    stated = fields.text("channel", channel).lower()
    if (stated == "whatsapp") != (channel == "whatsapp"):
        raise BadInputError(f"{fields.where}: {address} is no address of the channel {stated}")
    account_sid = fields.required("account_sid")
    prefix = "XE" if channel == "whatsapp" else "PN" if address.startswith("+") else "SC"
    return Sender(
        _sid(fields, "sid", prefix) if "sid" in fields else derived(prefix, account_sid, address),
        account_sid,
        address,
        channel,
        fields.text("friendly_name"),
        fields.text("webhook_url"),
        fields.text("webhook_method", "POST"),
        fields.text("fallback_url"),
        status_url=fields.text("status_url"),
        service_sid=fields.text("messaging_service_sid"),
        capabilities=tuple(fields.texts("capabilities")) or CAPABILITIES,
        verification_status=_one_of(fields, "verification_status", VERIFICATION_STATUSES),
        created_at=now,
        updated_at=now,
    )


def _service(fields: Fields, now: float) -> Service:
    fields.refuse_unknown(
        "account_sid",
        "sid",
        "friendly_name",
        "inbound_request_url",
        "fallback_url",
        "status_callback",
        "use_inbound_webhook_on_number",
        "advanced_opt_out",
        "opt_out_texts",
        "sticky_sender",
        "smart_encoding",
        "campaign_status",
        "senders",
    )
    return Service(
        _sid(fields, "sid", "MG"),
        fields.required("account_sid"),
        fields.text("friendly_name"),
        fields.text("inbound_request_url") or None,
        fallback_url=fields.text("fallback_url") or None,
        status_callback=fields.text("status_callback") or None,
        use_inbound_webhook_on_number=fields.flag("use_inbound_webhook_on_number"),
        advanced_opt_out=fields.flag("advanced_opt_out"),
        opt_out_texts=fields.strings("opt_out_texts"),
        sticky_sender=fields.flag("sticky_sender", True),
        smart_encoding=fields.flag("smart_encoding", True),
        campaign_status=_one_of(fields, "campaign_status", CAMPAIGN_STATUSES),
        created_at=now,
        updated_at=now,
    )


def _join(parts: Parts, fields: Fields) -> None:
    for address in fields.texts("senders"):
        sender = parts.store.senders.get(address)
        if sender is None:
            raise BadInputError(f"{fields.where} names the unknown sender {address}")
        sender.service_sid = fields.required("sid")


def _persona(fields: Fields) -> Persona:
    fields.refuse_unknown("name", "address", "kind")
    address = fields.required("address")
    name = fields.text("name", address)
    return Persona(name, address, fields.text("kind") or _kind_of(name, address))


def _window(fields: Fields) -> tuple[tuple[str, str], float]:
    """Read when a customer last wrote to a sender, before this simulator was there to hear it."""
    fields.refuse_unknown("sender", "customer", "last_inbound_at")
    pair = fields.required("sender"), fields.required("customer")
    return pair, fields.number("last_inbound_at")


def _kind_of(name: str, address: str) -> str:
    if channel_of(address) == "whatsapp" or is_business_scoped(address):
        return "whatsapp"
    lowered = name.lower()
    if "landline" in lowered:
        return "landline"
    return "opted_out" if "opted" in lowered else "mobile"
