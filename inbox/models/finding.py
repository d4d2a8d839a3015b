"""What is wrong at Twilio with how an inbox is connected, and since when?"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, TwilioAccount
from inbox.models.sender import Sender


class DriftFinding(models.Model):
    """One thing at Twilio that is not as we need it; closed when it is right again.

    About a whole Twilio account while there is no sender.
    """

    class Kind(models.TextChoices):
        CREDENTIALS = "credentials", _("Twilio does not accept our credentials")
        ACCOUNT_INACTIVE = "inactive", _("The Twilio account is not active")
        GONE = "gone", _("The number is not in the Twilio account any more")
        CANNOT_TEXT = "cannot_text", _("The number cannot text")
        WEBHOOK = "webhook", _("Messages go to another address")
        FALLBACK = "fallback", _("The fallback address is not ours")
        APPLICATION = "application", _("A TwiML application takes the messages")
        SERVICE = "service", _("A Messaging Service takes the messages")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="findings")
    twilio_account = models.ForeignKey(
        TwilioAccount, on_delete=models.CASCADE, related_name="findings"
    )
    sender = models.ForeignKey(
        Sender, on_delete=models.CASCADE, null=True, blank=True, related_name="findings"
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    found = models.CharField(
        max_length=400, blank=True, default="", help_text="What Twilio has instead"
    )
    found_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-found_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["twilio_account", "sender", "kind"],
                condition=models.Q(resolved_at=None),
                nulls_distinct=False,
                name="one_open_finding_of_a_kind",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account"],
                name="open_findings",
                condition=models.Q(resolved_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.sender or self.twilio_account}"
