"""Which Twilio account an account's numbers live in."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.tenants import Account
from accounts.secrets import EncryptedTextField


class TwilioAccount(models.Model):
    """The Twilio account (or subaccount) that an account's numbers live in.

    `auth_token` is the primary token, `auth_token_next` the secondary one during a rotation; a
    webhook signed with either is accepted. `shared_key` is the newer HMAC-SHA256 webhook key.
    Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security

    One that `is_ours` is a subaccount that we opened for a cloud account and pay for.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        CLOSED = "closed", _("Closed")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="twilio_accounts")
    account_sid = models.CharField("account SID", max_length=64, unique=True)
    auth_token = EncryptedTextField()
    auth_token_next = EncryptedTextField(blank=True, default="")
    api_key_sid = models.CharField("API key SID", max_length=64, blank=True, default="")
    api_key_secret = EncryptedTextField(blank=True, default="")
    shared_key_sid = models.CharField(max_length=64, blank=True, default="")
    shared_key = EncryptedTextField(blank=True, default="")
    is_ours = models.BooleanField("opened by us", default=False, db_default=False, editable=False)
    status = models.CharField(
        max_length=10,
        choices=Status.choices,
        default=Status.ACTIVE,
        db_default=Status.ACTIVE,
        editable=False,
        help_text="As Twilio said when it was last asked",
    )
    checked_at = models.DateTimeField("last checked", null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "Twilio account"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(is_ours=True) & ~models.Q(status="closed"),
                name="one_open_subaccount_per_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_sid[:6]}…{self.account_sid[-4:]}"
