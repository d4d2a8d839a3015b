"""Does whoever knows the secret believe us, and nobody else?"""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from inbox.lookups.signing import signed_headers

NOW = datetime(2026, 11, 26, 7, 0, 0, 500_000, tzinfo=UTC)
OLD, NEW, OTHER = (f"whsec_{base64.b64encode(bytes([one]) * 32).decode()}" for one in (1, 2, 3))
BODY = '{"text":"Zoë “hello”"}'.encode()


def headers(*secrets: str, now: datetime = NOW) -> dict[str, str]:
    return signed_headers(message_id="msg_1", body=BODY, secrets=secrets, now=now)


@pytest.mark.parametrize(
    "now", [NOW, NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))], ids=["utc", "elsewhere"]
)
@time_machine.travel(NOW, tick=False)
def test_the_library_of_the_receiver_believes_us(now: datetime) -> None:
    assert Webhook(OLD).verify(BODY, headers(OLD, now=now)) == {"text": "Zoë “hello”"}


@pytest.mark.parametrize("secret", [OLD, NEW])
@time_machine.travel(NOW, tick=False)
def test_while_a_secret_changes_both_are_believed(secret: str) -> None:
    Webhook(secret).verify(BODY, headers(NEW, OLD))


@pytest.mark.parametrize(
    ("secret", "body", "changed"),
    [
        (OTHER, BODY, {}),
        (OLD, BODY + b" ", {}),
        (OLD, BODY, {"webhook-id": "msg_2"}),
        (OLD, BODY, {"webhook-timestamp": "1795676401"}),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_anything_else_is_not_believed(secret: str, body: bytes, changed: dict[str, str]) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers(OLD) | changed)


@time_machine.travel(NOW + timedelta(minutes=6), tick=False)
def test_what_was_overheard_is_not_believed_later() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(BODY, headers(OLD))
