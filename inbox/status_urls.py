"""Which message is this status callback about? Its address says so, and proves that we wrote it."""

import hashlib
import hmac

from django.conf import settings
from django.urls import reverse

from inbox.models import Message, Sender


def status_url(sender: Sender, message: Message) -> str:
    """Return the callback address of one message: it binds a SID even if the answer was lost."""
    return (
        f"{sender_status_url(sender)}?m={message.public_id}&h={_proof(sender, message.public_id)}"
    )


def sender_status_url(sender: Sender) -> str:
    """Return the callback address of a sender, for what was not sent message by message."""
    return f"{settings.PUBLIC_BASE_URL}{reverse('twilio_status', args=[sender.path_token])}"


def hooks_url() -> str:
    """Return what the addresses for Twilio begin with, before the token of a sender."""
    whole = reverse("twilio_inbound", args=["token"])
    return f"{settings.PUBLIC_BASE_URL}{whole.removesuffix('token')}"


def webhook_url(sender: Sender) -> str:
    """Return the address Twilio calls with messages for this sender."""
    return f"{settings.PUBLIC_BASE_URL}{reverse('twilio_inbound', args=[sender.path_token])}"


def fallback_url(sender: Sender) -> str:
    """Return the address Twilio calls when the first one failed."""
    return f"{settings.PUBLIC_BASE_URL}{reverse('twilio_fallback', args=[sender.path_token])}"


def is_ours(sender: Sender, message_id: str, proof: str) -> bool:
    """Say whether we made the address that names this message."""
    return hmac.compare_digest(_proof(sender, message_id).encode(), proof.encode())


def _proof(sender: Sender, message_id: str) -> str:
    text = f"status:{sender.pk}:{message_id}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), text, hashlib.sha256).hexdigest()[:40]
