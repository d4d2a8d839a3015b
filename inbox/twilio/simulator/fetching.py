"""Can Twilio fetch the files of this outbound message?"""

from dataclasses import dataclass
from urllib.parse import urljoin

from inbox.twilio.simulator.outgoing import Answer, Outgoing

TIMEOUT = 5.0
MMS_LIMIT = 5 * 1024 * 1024
WHATSAPP_LIMIT = 16 * 1024 * 1024
MMS_TYPES = ("image/", "audio/", "video/", "text/vcard", "text/x-vcard", "text/csv", "text/rtf")
MMS_EXACT = frozenset(
    {
        "text/calendar",
        "text/directory",
        "text/richtext",
        "text/plain",
        "application/pdf",
        "application/vcard",
        "application/vnd.apple.pkpass",
    }
)
WHATSAPP_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/webp",
        "audio/ogg",
        "audio/amr",
        "audio/3gpp",
        "audio/aac",
        "audio/mpeg",
        "audio/mp4",
        "video/mp4",
        "application/pdf",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "text/vcard",
        "text/x-vcard",
    }
)
MAX_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file, or the code with which its message fails."""

    content_type: str = ""
    data: bytes = b""
    error_code: int | None = None


def fetch(outgoing: Outgoing, url: str, channel: str) -> Fetched:
    """Fetch an outbound MediaUrl as Twilio does: HEAD, then GET, five seconds each."""
    limit = WHATSAPP_LIMIT if channel == "whatsapp" else MMS_LIMIT
    unreachable = 63019 if channel == "whatsapp" else 11200
    head = _ask(outgoing, "HEAD", url, limit)
    if head.status == 200 and _length(head) > limit:
        return Fetched(error_code=11751)
    answer = _ask(outgoing, "GET", url, limit)
    if answer.status != 200:
        return Fetched(error_code=unreachable)
    if answer.truncated:
        return Fetched(error_code=11751)
    kind = answer.header("content-type").partition(";")[0].strip().lower()
    if not is_accepted(kind, channel):
        return Fetched(kind, error_code=63019 if channel == "whatsapp" else 12300)
    return Fetched(kind, answer.body)


def is_accepted(content_type: str, channel: str) -> bool:
    """Tell whether the channel carries this type of file."""
    if channel == "whatsapp":
        return content_type in WHATSAPP_TYPES
    return content_type in MMS_EXACT or content_type.startswith(MMS_TYPES)


def _ask(outgoing: Outgoing, method: str, url: str, limit: int) -> Answer:
    for _ in range(MAX_REDIRECTS):
        answer = outgoing.send(
            method,
            url,
            body=None,
            headers={"User-Agent": "TwilioProxy/1.1", "Accept": "*/*"},
            connect=TIMEOUT,
            read=TIMEOUT,
            total=TIMEOUT,
            limit=limit,
        )
        location = answer.header("location")
        if answer.status is None or not 300 <= answer.status < 400 or not location:
            return answer
        url = urljoin(url, location)
    return answer


def _length(answer: Answer) -> int:
    raw = answer.header("content-length")
    return int(raw) if raw.isdecimal() else 0
