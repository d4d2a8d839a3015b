"""What does the media host give to whoever follows the redirect?"""

import time
from collections.abc import Iterator

from inbox.twilio.simulator.exchange import Request, Response
from inbox.twilio.simulator.faults import Facts
from inbox.twilio.simulator.model import Media
from inbox.twilio.simulator.parts import Parts

OVERSIZE = 32 * 1024 * 1024
PIECES = 20
NOT_FOUND = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'
TWO_WAYS = b'<?xml version="1.0"?><Error><Code>InvalidArgument</Code></Error>'
NOT_AN_IMAGE = b"<!doctype html><script>alert(1)</script><p>This is not a picture."


def serve(parts: Parts, request: Request) -> Response:
    """Serve the bytes of a file; the address is the permission, credentials are refused."""
    media = parts.store.media.get(parts.store.cdn.get(request.path.rpartition("/")[2], ""))
    if media is None:
        return Response(404, NOT_FOUND, "application/xml")
    if request.headers.get("Authorization"):
        # A storage host refuses a signed address that also carries credentials.
        return Response(400, TWO_WAYS, "application/xml")
    fault = parts.faults.take("media", _facts(parts, media))
    match fault.kind if fault else "":
        case "missing_media":
            return Response(404, NOT_FOUND, "application/xml")
        case "html_media":
            return Response(200, NOT_AN_IMAGE, media.content_type)
        case "oversize_media":
            return Response(200, media.data + bytes(OVERSIZE), media.content_type)
        case "slow_media":
            seconds = fault.seconds if fault else 0.0
            return Response(200, b"", media.content_type, stream=lambda: _drip(media.data, seconds))
    return Response(200, media.data, media.content_type, {"ETag": f'"{media.cdn_token}"'})


def _facts(parts: Parts, media: Media) -> Facts:
    message = parts.store.messages.get(media.message_sid)
    if message is None:
        return Facts(media.account_sid, on="media")
    return Facts(media.account_sid, message.to_address, message.from_address, "media")


def _drip(data: bytes, seconds: float) -> Iterator[bytes]:
    size = max(1, len(data) // PIECES)
    for start in range(0, len(data), size):
        time.sleep(seconds / PIECES)
        yield data[start : start + size]
