"""Which numbers and WhatsApp senders are ours?"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, TwilioAccount
from accounts.secrets import EncryptedTextField
from compliance.consent import KeywordHandler
from inbox.models.ids import path_token
from inbox.models.inbox import TeamInbox


class SenderQuerySet(models.QuerySet["Sender"]):
    """Numbers as pages and sweeps ask for them."""

    def in_use(self) -> "SenderQuerySet":
        """Leave out what was removed from its inbox and only waits for late answers."""
        return self.filter(removed_at=None)


class Sender(models.Model):
    """A number, WhatsApp sender or Messaging Service of ours. Belongs to exactly one inbox."""

    class Kind(models.TextChoices):
        NUMBER = "number", _("Phone number")
        SHORT_CODE = "short_code", _("Short code")
        WHATSAPP = "whatsapp", _("WhatsApp sender")
        SERVICE = "service", _("Messaging Service")
        OTHER = "other", _("Other channel")

    class Registration(models.TextChoices):
        UNKNOWN = "unknown", _("Not checked yet")
        NOT_NEEDED = "not_needed", _("Not needed")
        MISSING = "missing", _("Not registered")
        WAITING = "waiting", _("In review")
        DONE = "done", _("Registered")
        REFUSED = "refused", _("Refused")

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
    provider_sid = models.CharField(
        "SID", max_length=64, blank=True, default="", db_default="", editable=False
    )
    capabilities = models.JSONField(default=list, db_default=[], editable=False)
    registration = models.CharField(
        max_length=16,
        choices=Registration.choices,
        default=Registration.UNKNOWN,
        db_default=Registration.UNKNOWN,
        editable=False,
        help_text="With the carriers of the United States",
    )
    checked_at = models.DateTimeField("last checked", null=True, blank=True, editable=False)
    pointed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Since when its messages come to us, as far as we know",
    )
    pointed_before = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="The addresses it had at Twilio before, without what is secret in them",
    )
    addresses_before = EncryptedTextField(
        blank=True, default="", db_default="", help_text="The same, whole, to be put back"
    )
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SenderQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["address"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["twilio_account", "address"], name="one_sender_per_address"
            ),
            # Short codes belong to a country: two may have the same digits.
            models.UniqueConstraint(
                fields=["address"],
                condition=models.Q(removed_at=None)
                & models.Q(kind__in=["number", "whatsapp", "service"]),
                name="a_number_is_in_use_once",
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
    def is_removed(self) -> bool:
        """Say whether it was taken out of its inbox: it keeps its threads and sends nothing."""
        return self.removed_at is not None

    @property
    def is_whatsapp(self) -> bool:
        """Say whether this sender speaks WhatsApp."""
        return self.address.startswith("whatsapp:")
