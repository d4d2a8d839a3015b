"""What a partner switched on for an account, until when."""

from typing import ClassVar

from django.db import models

from accounts.models.tenants import Account


class Feature(models.TextChoices):
    """What a partner can switch on for an account."""

    TEAM_INBOX = "team_inbox", "Team Inbox"
    WHATSAPP = "whatsapp", "WhatsApp"
    CUSTOM_ROUTING = "custom_routing", "Custom routing"
    OPTOUT_COMPLIANCE = "optout_compliance", "Opt-out compliance"


class FeatureGrant(models.Model):
    """One feature, switched on for one account, by somebody, for a reason, for a time."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="feature_grants")
    feature = models.CharField(max_length=24, choices=Feature.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    granted_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "feature", "starts_at"], name="grant_by_account"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
                name="grant_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_feature_display()} for {self.account}"
