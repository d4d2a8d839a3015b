"""What did people consent to, and what do carriers refuse?"""

from typing import ClassVar

import pgtrigger
from django.db import models

from accounts.ledgers import NeverEmptied, Unchangeable
from accounts.models import Account, User


class ConsentState(models.TextChoices):
    """What a person's consent is worth now (a projection of their consent events)."""

    NONE = "none", "Unknown"
    CONVERSATIONAL = "conversational", "They wrote to us"
    OPTED_IN = "opted_in", "Opted in"
    OPTED_OUT = "opted_out", "Opted out"


class ConsentEvent(models.Model):
    """One thing that happened to somebody's consent. Append-only.

    Keyed by address text, not by contact: an opt-out outlives the contact card.
    """

    class Kind(models.TextChoices):
        OPT_OUT = "opt_out", "Opted out"
        OPT_IN = "opt_in", "Opted in"
        HELP = "help", "Asked for help"
        CARRIER_BLOCK = "carrier_block", "The carrier refuses messages to them"

    class Source(models.TextChoices):
        INBOUND_KEYWORD = "inbound_keyword", "They texted a keyword"
        PROVIDER_EVENT = "provider_event", "The carrier told us (OptOutType)"
        PROVIDER_REFUSAL = "provider_21610", "The carrier refused a message (21610)"
        LINKED = "linked", "Said from another address of the same person"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=120, help_text="normal form, see compliance.addresses")
    family = models.CharField(max_length=20)
    kind = models.CharField(max_length=14, choices=Kind.choices)
    source = models.CharField(max_length=16, choices=Source.choices)
    state = models.CharField(max_length=14, choices=ConsentState.choices)
    words = models.CharField(max_length=200, blank=True, default="")
    message_sid = models.CharField(max_length=64, blank=True, default="")
    recorded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-recorded_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "address", "-recorded_at"], name="consent_by_address"),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Unchangeable(name="consent_is_append_only"),
            NeverEmptied(name="consent_is_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.occurred_at:%Y-%m-%d %H:%M}"


class Consent(models.Model):
    """Where one address of one account stands now, per channel family."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=120)
    family = models.CharField(max_length=20)
    state = models.CharField(max_length=14, choices=ConsentState.choices, default=ConsentState.NONE)
    state_before_opt_out = models.CharField(
        max_length=14, choices=ConsentState.choices, default=ConsentState.NONE
    )
    since = models.DateTimeField()
    words = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "consent"
        verbose_name_plural = "consents"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "address", "family"], name="one_consent_per_address_and_family"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account"],
                name="consent_opted_out",
                condition=models.Q(state="opted_out"),
            ),
        ]

    def __str__(self) -> str:
        return self.get_state_display()


class ProviderBlock(models.Model):
    """The carrier refuses messages from one of our addresses to one of theirs (21610)."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    our_address = models.CharField(max_length=120)
    address = models.CharField(max_length=120)
    since = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "our_address", "address"],
                condition=models.Q(cleared_at__isnull=True),
                name="one_standing_provider_block",
            ),
        ]

    def __str__(self) -> str:
        return f"blocked since {self.since:%Y-%m-%d}"
