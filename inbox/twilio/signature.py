"""Is this webhook really from Twilio, for this account?

Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security and, for the shared keys,
https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from twilio.request_validator import RequestValidator

SIGNATURE_HEADER = "X-Twilio-Signature"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
HMAC_SHA1, HMAC_SHA256 = "HMAC_SHA1", "HMAC_SHA256"


@dataclass(frozen=True)
class SignatureSettings:
    """Which key and algorithm a webhook says it was signed with."""

    key_sid: str = ""
    algorithm: str = HMAC_SHA1


def read_settings(header: str) -> SignatureSettings:
    """Read `key=…,algorithm=…`; a missing header means the account's token and SHA-1."""
    parts = dict(part.strip().split("=", 1) for part in header.split(",") if "=" in part)
    return SignatureSettings(parts.get("key", ""), parts.get("algorithm", HMAC_SHA1).upper())


def is_signed(
    *,
    url: str,
    params: QueryDict | Mapping[str, str],
    headers: Mapping[str, str],
    tokens: Sequence[str],
    shared_keys: Mapping[str, str],
) -> bool:
    """Say whether the signature fits one of the candidate tokens, or the named shared key.

    `params` must be the form exactly as received: not stripped, blanks kept.
    """
    signature = headers.get(SIGNATURE_HEADER, "")
    said = read_settings(headers.get(SETTINGS_HEADER, ""))
    if not signature:
        return False
    if said.algorithm == HMAC_SHA256:
        named = shared_keys.get(said.key_sid, "")
        secrets = [named] if named else []
    elif said.algorithm == HMAC_SHA1:
        secrets = list(tokens)
    else:
        return False
    return any(
        _fits(secret, url, params, signature, said.algorithm) for secret in secrets if secret
    )


def _fits(
    secret: str,
    url: str,
    params: QueryDict | Mapping[str, str],
    signature: str,
    algorithm: str,
) -> bool:
    validator = RequestValidator(secret)  # type: ignore[no-untyped-call]
    return bool(validator.validate(url, params, signature, algorithm))  # type: ignore[no-untyped-call]
