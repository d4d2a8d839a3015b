"""What did Twilio's form say, in our words?

Parse by name; keys may be absent, blank, repeated or new. What our rows cannot hold is dropped or
cut short, field by field: the text always arrives. Source of the names:
https://www.twilio.com/docs/messaging/guides/webhook-request
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from inbox.carrier import InboundMedia, InboundText, Location, StatusUpdate

OUR_PREFIX = "_our_"  # of what we add to a form we keep; no name of Twilio's begins so
RECONCILED_KEY = f"{OUR_PREFIX}reconciled"
MEDIA_LIMIT = 10
SID_LENGTH = 64
ADDRESS_LENGTH = 120
STATUS_LENGTH = 20
JSON_LEVELS = 20
BSUID = re.compile(r"(?:whatsapp:)?([A-Z]{2}\.[A-Za-z0-9]{1,64})")
REPLIED_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_GEOGRAPHY = ("FromCity", "FromState", "FromZip", "FromCountry")
_SIDS = ("MessageSid", "SmsSid", "SmsMessageSid")  # the same; the last two are deprecated
_YEARS = range(2008, 2100)  # before, there was no Twilio
_EXTRAS = ("MessageType", "Forwarded", "FrequentlyForwarded", "ListId", "ListTitle", "ButtonType")


class UnreadableFormError(ValueError):
    """A genuine webhook lacks what every webhook has."""


def read_form(raw: bytes) -> dict[str, str]:
    """Decode a URL-encoded form as it was received, as `first_values` says."""
    return first_values(_pairs(raw))


def first_values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the fields without what no row can hold; of a repeated key the first value counts."""
    form: dict[str, str] = {}
    for key, value in pairs:
        form.setdefault(without_nul(key), without_nul(value))
    return form


def without_ours(raw: bytes) -> bytes:
    """Return a form that came in without the fields that only we may write into it."""
    pairs = [(key, value) for key, value in _pairs(raw) if not _is_ours(without_nul(key))]
    return urlencode(pairs).encode()


def has_ours(form: Iterable[str]) -> bool:
    """Say whether a form that came in has fields that only we may write."""
    return any(_is_ours(key) for key in form)


def _is_ours(key: str) -> bool:
    return key.startswith(OUR_PREFIX)


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    return parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)


def sid_in(form: Mapping[str, str]) -> str:
    """Return the SID of the message that a form is about, or blank."""
    return next((sid for key in _SIDS if (sid := form.get(key, "").strip())), "")[:SID_LENGTH]


def parse_inbound(form: Mapping[str, str]) -> InboundText:
    """Read one inbound message. Raises UnreadableFormError without a SID, From or To."""
    sid, customer, recipient = (
        sid_in(form),
        form.get("From", "").strip(),
        form.get("To", "").strip(),
    )
    if not (sid and customer and recipient):
        raise UnreadableFormError("A message without MessageSid, From or To.")
    media = _media(form)
    is_whatsapp = customer.lower().startswith("whatsapp:")
    speaks_buttons = is_whatsapp or customer.lower().startswith("rcs:")
    return InboundText(
        sid=sid,
        customer=customer,
        recipient=recipient[:ADDRESS_LENGTH],
        body=readable_text(form.get("Body", "")),
        channel=_channel(customer, sid, bool(media)),
        media=media,
        location=_location(form),
        button_text=form.get("ButtonText", "") if speaks_buttons else "",
        button_payload=form.get("ButtonPayload", "") if speaks_buttons else "",
        reply_to_sid=form.get("OriginalRepliedMessageSid", "").strip()[:SID_LENGTH],
        is_reaction=form.get("MessageType", "").lower() == "reaction",
        opt_out_type=form.get("OptOutType", "").strip(),
        profile_name=form.get("ProfileName", "").strip()[:120],
        other_addresses=_user_ids(form) if is_whatsapp else (),
        service_sid=form.get("MessagingServiceSid", "").strip(),
        sent_at=_time(form.get("Timestamp", "")),
        is_reconciled=bool(form.get(RECONCILED_KEY)),
        details=_details(form),
    )


def parse_status(form: Mapping[str, str]) -> StatusUpdate:
    """Read one status callback. Raises UnreadableFormError without SID or status."""
    sid, status = sid_in(form), status_in(form)
    if not (sid and status):
        raise UnreadableFormError("A status without MessageSid or MessageStatus.")
    return StatusUpdate(sid, status, form.get("ErrorCode", "").strip()[:STATUS_LENGTH])


def status_in(form: Mapping[str, str]) -> str:
    """Return the delivery status a form carries, or blank if it is an inbound message.

    A callback may carry a Body and an inbound form a status; only the value `received` tells them
    apart.
    """
    status = (form.get("MessageStatus") or form.get("SmsStatus") or "").strip().lower()
    return "" if status == "received" else status[:STATUS_LENGTH]


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
    """Read the files by their own keys: NumMedia may be absent, blank or wrong."""
    return tuple(
        InboundMedia(url[:500], form.get(f"MediaContentType{i}", "").strip().lower()[:120])
        for i in range(MEDIA_LIMIT)
        if (url := form.get(f"MediaUrl{i}", "").strip())
    )


def _location(form: Mapping[str, str]) -> Location | None:
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except (KeyError, ValueError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    label, address = (form.get(key, "")[:300] for key in ("Label", "Address"))
    return Location(latitude, longitude, label, address)


def _user_ids(form: Mapping[str, str]) -> tuple[str, ...]:
    found = (BSUID.fullmatch(form.get("ExternalUserId", "").strip()),)
    return tuple(f"whatsapp:{match.group(1)}" for match in found if match)


def _time(text: str) -> datetime | None:
    """Read a moment; one that no calendar of ours could show is none."""
    try:
        at = datetime.fromisoformat(text)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in _YEARS else None


def _details(form: Mapping[str, str]) -> dict[str, object]:
    """Keep the facts that have no field of their own, short, under their own names."""
    details: dict[str, object] = {
        key: form[key][:200] for key in (*_GEOGRAPHY, *_EXTRAS) if form.get(key)
    }
    referral = {
        key[:60]: value[:500]
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
    """Read JSON; what PostgreSQL's `jsonb` would refuse stays text."""
    try:
        found: object = json.loads(text[:5000])
        # Refuses NaN, infinities and lone surrogates: ValueErrors all of them.
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return text[:500]
    is_kept = _is_shallow(found, JSON_LEVELS) and "\\u0000" not in text
    return found if is_kept else text[:500]


def _is_shallow(value: object, levels: int) -> bool:
    """Say whether a value has at most so many levels: whoever writes or shows it goes down them."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(part, levels - 1) for part in parts)
