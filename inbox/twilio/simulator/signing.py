"""What signature does Twilio put on this request?

Written from Twilio's description of the scheme, not from its library: the library checks it in
the tests.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

ALGORITHMS = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}

Parameters = Mapping[str, str | Sequence[str]]


def sign(secret: str, url: str, params: Parameters, algorithm: str = "HMAC_SHA1") -> str:
    """Sign a URL as it is sent (no fragment) and the form parameters of a POST."""
    text = without_fragment(url) + "".join(_spelled(params))
    digest = hmac.new(secret.encode(), text.encode(), ALGORITHMS[algorithm]).digest()
    return base64.b64encode(digest).decode()


def sign_json(secret: str, url: str) -> str:
    """Sign a request with a JSON body: the URL already carries its bodySHA256."""
    return sign(secret, url, {})


def body_digest(body: bytes) -> str:
    """Return the value of bodySHA256 for a raw body."""
    return hashlib.sha256(body).hexdigest()


def without_fragment(url: str) -> str:
    """Drop the connection overrides: Twilio neither sends nor signs them."""
    return url.partition("#")[0]


def _spelled(params: Parameters) -> list[str]:
    parts: list[str] = []
    for name in sorted(params):
        value = params[name]
        values = [value] if isinstance(value, str) else sorted(set(value))
        parts.extend(name + one for one in values)
    return parts
