"""What did the carrier hand us, word for word, and what became of it?"""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, TwilioAccount
from inbox.models.sender import Sender


class Receipt(models.Model):
    """One webhook, stored before anybody thinks about it. Nothing received is ever dropped."""

    class Kind(models.TextChoices):
        INBOUND = "inbound", _("Message")
        STATUS = "status", _("Status")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Processed")
        QUARANTINED = "quarantined", _("In quarantine")
        FAILED = "failed", _("Failed, will be tried again")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    twilio_account = models.ForeignKey(TwilioAccount, on_delete=models.PROTECT, related_name="+")
    sender = models.ForeignKey(
        Sender, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    account_sid = models.CharField(max_length=64)
    message_sid = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=24, blank=True, default="")
    form = models.BinaryField(help_text="The form as received, URL-encoded")
    received_at = models.DateTimeField()
    repeats = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, default="")
    done_at = models.DateTimeField(null=True, blank=True)
    forgotten_at = models.DateTimeField(null=True, blank=True, help_text="When its form went")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account_sid", "message_sid", "kind", "status"],
                name="one_receipt_per_message_and_status",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_attempt_at"],
                name="receipt_owed",
                condition=Q(state__in=["waiting", "failed"]),
            ),
            models.Index(
                fields=["account", "-received_at"],
                name="receipt_quarantined",
                condition=Q(state="quarantined"),
            ),
            models.Index(
                fields=["account", "received_at", "id"],
                name="receipt_to_forget",
                condition=Q(forgotten_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_sid}"
