"""How is a browser woken through its maker's push service? Encrypted, signed, and to nobody else.

The browser names the address where it is woken, so it is judged as one that a stranger named: https
and a host of the public internet, looked up for this one connection. Nothing is followed. What
passes there can be read by the browser alone (RFC 8291), and says who sent it (RFC 8292).
"""

import json
import ssl
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils.translation import gettext as _
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher, WebPushException
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from accounts.outside import OutsideError, addresses_of

SECONDS = 5.0
# As long as a service keeps what it cannot deliver: later it is no news.
KEPT_SECONDS = 3600
SIGNED_FOR_SECONDS = 12 * 3600
LONGEST_ENDPOINT = 1000
MOST_BYTES = 3000  # of content; services take 4096 with what encryption adds
_PUBLIC_KEY_BYTES, _AUTH_BYTES = 65, 16


class BadBrowserError(ValueError):
    """What a browser says of itself cannot be used; `reason` is fit for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Outcome(StrEnum):
    """What a push service made of a message."""

    TAKEN = "taken"
    GONE = "gone"  # there is no such browser any more
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Pushed:
    """An outcome, with the service's status if it gave one."""

    outcome: Outcome
    status: int = 0


def is_set_up() -> bool:
    """Say whether this installation has a key to sign with."""
    return bool(settings.VAPID_PRIVATE_KEY)


def public_key() -> str:
    """Return the key that browsers subscribe with, in URL-safe base64; blank without one."""
    if not is_set_up():
        return ""
    point = _signer(settings.VAPID_PRIVATE_KEY).public_key.public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return urlsafe_b64encode(point).rstrip(b"=").decode()


def check_browser(endpoint: str, public_key: str, auth_key: str) -> None:
    """Raise BadBrowserError unless these can be an address and keys of a browser.

    The host is not looked up: where it leads counts when something is sent.
    """
    _parts(endpoint)
    for text, size in ((public_key, _PUBLIC_KEY_BYTES), (auth_key, _AUTH_BYTES)):
        if _size_of(text) != size:
            raise BadBrowserError(_("The browser’s keys are not as they should be."))


def push(endpoint: str, public_key: str, auth_key: str, content: Mapping[str, Any]) -> Pushed:
    """Send content (JSON, at most 3,000 bytes) to a browser; never raises for what others do."""
    data = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    assert len(data) <= MOST_BYTES, "callers shorten what they send"
    try:
        parts = _parts(endpoint)
        info = {"endpoint": endpoint, "keys": {"p256dh": public_key, "auth": auth_key}}
        body = WebPusher(info).encode(data, "aes128gcm")["body"]
        status = _post(parts, body, _headers(parts))
    except (BadBrowserError, WebPushException, VapidException, ValueError):
        return Pushed(Outcome.REFUSED)
    except (OutsideError, HTTPError, OSError):
        return Pushed(Outcome.UNREACHABLE)
    if status in {404, 410}:
        return Pushed(Outcome.GONE, status)
    return Pushed(Outcome.TAKEN if 200 <= status < 300 else Outcome.REFUSED, status)


def _size_of(text: str) -> int:
    try:
        return len(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return 0


def _parts(endpoint: str) -> SplitResult:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError as error:
        raise BadBrowserError(_("This is no address of a push service.")) from error
    is_plain = parts.scheme == "http" and settings.PUSH_ALLOW_LOCAL
    is_whole = bool(parts.hostname) and parts.username is None and parts.password is None
    is_usual_port = port in (None, 443) or settings.PUSH_ALLOW_LOCAL
    is_written_well = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint
    if not (parts.scheme == "https" or is_plain) or not is_whole or not is_usual_port:
        raise BadBrowserError(_("This is no address of a push service."))
    # Services have names; what signs for them knows no others.
    is_named = ":" not in (parts.hostname or "")
    if len(endpoint) > LONGEST_ENDPOINT or not is_written_well or not is_named:
        raise BadBrowserError(_("This is no address of a push service."))
    return parts


# --- Signing and sending --------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _signer(key: str) -> Vapid02:
    return Vapid02.from_raw(key.encode())


def _headers(parts: SplitResult) -> dict[str, str]:
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + SIGNED_FOR_SECONDS,
        "sub": settings.PUSH_CONTACT,
    }
    return {
        **_signer(settings.VAPID_PRIVATE_KEY).sign(claims),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(KEPT_SECONDS),
        "Urgency": "high",
    }


def _post(parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> int:
    """Post to the very address that was judged, and return the status."""
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    address = addresses_of(host, port, is_inside_allowed=settings.PUSH_ALLOW_LOCAL)[0]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _pool(address, port, host, is_secure=is_secure) as pool:
        answer = pool.urlopen(
            "POST",
            target,
            body=body,
            headers={**headers, "Host": parts.netloc},
            redirect=False,
            retries=False,
            timeout=Timeout(total=SECONDS),
            preload_content=False,
        )
        status = int(answer.status)
        answer.close()
    return status


def _pool(address: str, port: int, host: str, *, is_secure: bool) -> HTTPConnectionPool:
    if not is_secure:
        return HTTPConnectionPool(address, port)
    return HTTPSConnectionPool(
        address,
        port,
        ssl_context=ssl.create_default_context(),
        server_hostname=host,
        assert_hostname=host,
    )
