"""What did Twilio's form say, in our words?

Parse by name; keys may be absent, blank, repeated or new. Source of the names:
https://www.twilio.com/docs/messaging/guides/webhook-request
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from inbox.carrier import InboundMedia, InboundText, Location, StatusUpdate

MEDIA_LIMIT = 10
BSUID = re.compile(r"(?:whatsapp:)?([A-Z]{2}\.[A-Za-z0-9]{1,64})")
REPLIED_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_GEOGRAPHY = ("FromCity", "FromState", "FromZip", "FromCountry")
_EXTRAS = ("MessageType", "Forwarded", "FrequentlyForwarded", "ListId", "ListTitle", "ButtonType")


class UnreadableFormError(ValueError):
    """A genuine webhook lacks what every webhook has."""


def read_form(raw: bytes) -> dict[str, str]:
    """Decode a URL-encoded form as it was received; of a repeated key the first value counts."""
    pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=500)
    form: dict[str, str] = {}
    for key, value in pairs:
        form.setdefault(key, value)
    return form


def parse_inbound(form: Mapping[str, str]) -> InboundText:
    """Read one inbound message. Raises UnreadableFormError without MessageSid, From or To."""
    sid, customer, recipient = (form.get(key, "").strip() for key in ("MessageSid", "From", "To"))
    if not (sid and customer and recipient):
        raise UnreadableFormError("A message without MessageSid, From or To.")
    media = _media(form)
    is_whatsapp = customer.lower().startswith("whatsapp:")
    speaks_buttons = is_whatsapp or customer.lower().startswith("rcs:")
    return InboundText(
        sid=sid,
        customer=customer,
        recipient=recipient,
        body=readable_text(form.get("Body", "")),
        channel=_channel(customer, sid, bool(media)),
        media=media,
        location=_location(form),
        button_text=form.get("ButtonText", "") if speaks_buttons else "",
        button_payload=form.get("ButtonPayload", "") if speaks_buttons else "",
        reply_to_sid=form.get("OriginalRepliedMessageSid", "").strip(),
        is_reaction=form.get("MessageType", "").lower() == "reaction",
        opt_out_type=form.get("OptOutType", ""),
        profile_name=without_nul(form.get("ProfileName", "")).strip()[:120],
        other_addresses=_user_ids(form) if is_whatsapp else (),
        service_sid=form.get("MessagingServiceSid", "").strip(),
        sent_at=_time(form.get("Timestamp", "")),
        details=_details(form),
    )


def parse_status(form: Mapping[str, str]) -> StatusUpdate:
    """Read one status callback. Raises UnreadableFormError without SID or status."""
    sid = form.get("MessageSid", "").strip()
    status = status_in(form)
    if not (sid and status):
        raise UnreadableFormError("A status without MessageSid or MessageStatus.")
    return StatusUpdate(sid, status, form.get("ErrorCode", "").strip())


def status_in(form: Mapping[str, str]) -> str:
    """Return the delivery status a form carries, or blank if it is an inbound message.

    A callback may carry a Body and an inbound form a status; only the value `received` tells them
    apart.
    """
    status = (form.get("MessageStatus") or form.get("SmsStatus") or "").strip().lower()
    return "" if status == "received" else status[:24]


def without_nul(text: str) -> str:
    """Drop NUL and lone surrogates: PostgreSQL text holds neither."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def readable_text(body: str) -> str:
    """Return the words of a body: NUL removed, and base64 undone where a carrier applied it."""
    return _undo_base64(without_nul(body))


def _undo_base64(text: str) -> str:
    """Decode long texts that are base64 as a whole.

    Some carriers hand over concatenated messages that way. Only a text of 60 characters and more,
    without a space, that decodes to mostly printable UTF-8 qualifies: nobody types that.
    """
    packed = text.replace("\r", "").replace("\n", "")
    if len(packed) < 60 or len(packed) % 4 or not _BASE64.fullmatch(packed):
        return text
    try:
        decoded = base64.b64decode(packed, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return text
    readable = sum(char.isprintable() or char in "\r\n\t" for char in decoded)
    spaced = any(char.isspace() for char in decoded)
    return without_nul(decoded) if spaced and readable >= 0.9 * len(decoded) else text


def _channel(customer: str, sid: str, has_media: bool) -> str:
    prefix, colon, _ = customer.partition(":")
    if colon:
        return prefix.lower()[:20]
    return "mms" if has_media or sid.startswith("MM") else "sms"


def _media(form: Mapping[str, str]) -> tuple[InboundMedia, ...]:
    count = _number(form.get("NumMedia", "0"))
    return tuple(
        InboundMedia(url[:500], form.get(f"MediaContentType{i}", "").strip().lower()[:120])
        for i in range(min(count, MEDIA_LIMIT))
        if (url := form.get(f"MediaUrl{i}", "").strip())
    )


def _number(text: str) -> int:
    return int(text) if text.strip().isdigit() else 0


def _location(form: Mapping[str, str]) -> Location | None:
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except (KeyError, ValueError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    label, address = (without_nul(form.get(key, ""))[:300] for key in ("Label", "Address"))
    return Location(latitude, longitude, label, address)


def _user_ids(form: Mapping[str, str]) -> tuple[str, ...]:
    found = (BSUID.fullmatch(form.get("ExternalUserId", "").strip()),)
    return tuple(f"whatsapp:{match.group(1)}" for match in found if match)


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _details(form: Mapping[str, str]) -> dict[str, object]:
    """Keep the facts that have no field of their own, short, under their own names."""
    details: dict[str, object] = {
        key: without_nul(form[key])[:200] for key in (*_GEOGRAPHY, *_EXTRAS) if form.get(key)
    }
    referral = {
        key: without_nul(value)[:500]
        for key, value in form.items()
        if key.startswith("Referral") and value and key != "ReferralNumMedia"
    }
    if referral:
        details["referral"] = referral
    for key in ("InteractiveData", "FlowData"):
        if form.get(key):
            details[key] = _json(form[key])
    return details


def _json(text: str) -> object:
    try:
        return json.loads(without_nul(text)[:5000].replace("\\u0000", ""))
    except ValueError:
        return without_nul(text)[:500]
