"""Which numbers and WhatsApp senders are ours?"""

from typing import ClassVar

from django.db import models

from accounts.models import Account, TwilioAccount
from compliance.consent import KeywordHandler
from inbox.models.ids import path_token
from inbox.models.inbox import TeamInbox


class Sender(models.Model):
    """A number, WhatsApp sender or Messaging Service of ours. Belongs to exactly one inbox."""

    class Kind(models.TextChoices):
        NUMBER = "number", "Phone number"
        SHORT_CODE = "short_code", "Short code"
        WHATSAPP = "whatsapp", "WhatsApp sender"
        SERVICE = "service", "Messaging Service"
        OTHER = "other", "Other channel"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="senders")
    inbox = models.ForeignKey(TeamInbox, on_delete=models.PROTECT, related_name="senders")
    twilio_account = models.ForeignKey(
        TwilioAccount, on_delete=models.PROTECT, related_name="senders"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.NUMBER)
    address = models.CharField(
        max_length=120, help_text="As Twilio writes it: +1…, whatsapp:+1…, 12345 or MG…"
    )
    messaging_service_sid = models.CharField(max_length=64, blank=True, default="")
    path_token = models.CharField(max_length=64, unique=True, default=path_token)
    keyword_handler = models.CharField(
        max_length=16,
        choices=[(handler.value, handler.value) for handler in KeywordHandler],
        default=KeywordHandler.TWILIO_DEFAULT.value,
    )
    is_paused = models.BooleanField(default=False)
    paused_reason = models.CharField(max_length=200, blank=True, default="")
    paused_at = models.DateTimeField("paused since", null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["address"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["twilio_account", "address"], name="one_sender_per_address"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["address"], name="sender_by_address"),
            models.Index(
                fields=["twilio_account", "messaging_service_sid"],
                name="sender_by_service",
                condition=~models.Q(messaging_service_sid=""),
            ),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def is_whatsapp(self) -> bool:
        """Say whether this sender speaks WhatsApp."""
        return self.address.startswith("whatsapp:")
