"""How does a customer's code know that a request is ours? Signed as Standard Webhooks asks.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def signed_headers(
    *, message_id: str, body: bytes, secrets: Sequence[str], now: datetime
) -> dict[str, str]:
    """Return the three headers that vouch for a body: its id, the time, and a signature per secret.

    While a secret is being changed both sign, and whoever knows either of them is content. A
    request that is sent again bears the same id.
    """
    # The library takes the digits of a time for those of UTC, whatever its zone.
    at = now.astimezone(UTC)
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
