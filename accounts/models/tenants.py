"""Who buys: partners and the accounts they look after."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Partner(models.Model):
    """A reseller who looks after some accounts and switches features on for them."""

    name = models.CharField(max_length=120, unique=True)
    needs_second_approval = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A feature is on only when a second person of the partner has approved it",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """A customer company: the tenant that everything else belongs to."""

    class Deployment(models.TextChoices):
        CLOUD = "cloud", _("Our Twilio (cloud)")
        BYO_TWILIO = "byo_twilio", _("Their own Twilio")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=120)
    deployment = models.CharField(
        max_length=12, choices=Deployment.choices, default=Deployment.CLOUD
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    suspended_reason = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="The account reads it"
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    default_country = models.CharField(max_length=2, default="US", help_text="ISO 3166 code")
    locale = models.CharField(max_length=12, default="en")
    # Whoever opens a subaccount at Twilio holds this until then, so that nobody opens a second.
    subaccount_leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    requires_second_factor = models.BooleanField(
        default=False, db_default=False, help_text="Everybody of the account must set one up"
    )
    idle_minutes = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="After how long without a person's doing a session ends; empty: as everywhere",
    )
    masks_numbers = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Agents see the first and last digits of customers' numbers only",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("partner", Lower("name"), name="account_name_once_per_partner"),
        ]

    def __str__(self) -> str:
        return self.name
