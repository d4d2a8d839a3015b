"""What does Twilio say of an account's WhatsApp: its senders and its templates?"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, TwilioAccount


class WhatsAppTemplate(models.Model):
    """A message template as Twilio has it, with Meta's verdict. Kept when it is gone there."""

    class Status(models.TextChoices):
        UNSUBMITTED = "unsubmitted", _("Not submitted")
        RECEIVED = "received", _("Submitted")
        PENDING = "pending", _("Being reviewed")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        PAUSED = "paused", _("Paused by WhatsApp")
        DISABLED = "disabled", _("Disabled by WhatsApp")
        OTHER = "other", _("Another state")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    twilio_account = models.ForeignKey(
        TwilioAccount, on_delete=models.CASCADE, related_name="whatsapp_templates"
    )
    content_sid = models.CharField("content SID", max_length=64)
    name = models.CharField(max_length=512)
    language = models.CharField(max_length=20)
    category = models.CharField(max_length=40, blank=True, default="")
    content_type = models.CharField(max_length=60, blank=True, default="")
    body = models.TextField(blank=True, default="")
    variables = models.JSONField(default=dict, help_text="A sample value for each variable")
    status = models.CharField(max_length=12, choices=Status.choices)
    provider_status = models.CharField(max_length=40, help_text="The state in Twilio's own word")
    rejection_reason = models.CharField(max_length=500, blank=True, default="")
    synced_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    asks_in = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text="In which language it asks whether somebody consents; blank: it does not",
    )
    asks_with = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="What stands in each place when it asks",
    )

    class Meta:
        verbose_name = "WhatsApp template"
        ordering: ClassVar[list[str]] = ["name", "language", "content_sid"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["twilio_account", "content_sid"], name="one_template_per_content_sid"
            ),
            models.UniqueConstraint(
                fields=["twilio_account", "asks_in"],
                condition=~models.Q(asks_in=""),
                name="one_template_asks_in_a_language",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account", "name", "language", "content_sid"], name="template_by_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    @property
    def is_usable(self) -> bool:
        """Say whether it may be sent now."""
        return self.status == self.Status.APPROVED and self.gone_at is None


class WhatsAppState(models.Model):
    """What Twilio says of one WhatsApp sender, whether an inbox of ours has it or not."""

    class Status(models.TextChoices):
        ONLINE = "online", _("Online")
        PENDING = "pending", _("Being set up")
        OFFLINE = "offline", _("Offline")
        OTHER = "other", _("Another state")

    class Quality(models.TextChoices):
        HIGH = "high", _("High")
        MEDIUM = "medium", _("Medium")
        LOW = "low", _("Low")
        UNKNOWN = "unknown", _("Not rated yet")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    twilio_account = models.ForeignKey(
        TwilioAccount, on_delete=models.CASCADE, related_name="whatsapp_states"
    )
    address = models.CharField(max_length=120)
    provider_sid = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=8, choices=Status.choices)
    provider_status = models.CharField(max_length=40, help_text="The state in Twilio's own word")
    quality = models.CharField(max_length=8, choices=Quality.choices, default=Quality.UNKNOWN)
    messaging_limit = models.CharField(max_length=60, blank=True, default="")
    reasons = models.JSONField(default=list, help_text="Why it is offline, in Twilio's words")
    synced_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "state of a WhatsApp sender"
        verbose_name_plural = "states of WhatsApp senders"
        ordering: ClassVar[list[str]] = ["address"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["twilio_account", "address"], name="one_state_per_whatsapp_sender"
            ),
        ]

    def __str__(self) -> str:
        return self.address


class WhatsAppSync(models.Model):
    """When we last asked a Twilio account about WhatsApp, and what came of it."""

    twilio_account = models.OneToOneField(
        TwilioAccount, on_delete=models.CASCADE, related_name="whatsapp_sync"
    )
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = "WhatsApp sync"

    def __str__(self) -> str:
        return f"{self.twilio_account} at {self.asked_at:%Y-%m-%d %H:%M}"
