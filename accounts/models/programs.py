"""Which programs act in an account, each with a key of its own?"""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.models.people import User
from accounts.models.tenants import Account

LONGEST_NAME = 60


class ApiKey(models.Model):
    """What one program shows to the API. Here is only the hash of its secret.

    `program` is who acts: a user that belongs to no account and never logs in, so that whatever
    names who did something can name a program too.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="api_keys")
    program = models.OneToOneField(User, on_delete=models.PROTECT, related_name="api_key")
    name = models.CharField(max_length=LONGEST_NAME)
    prefix = models.CharField(max_length=12, unique=True, help_text="How a key begins")
    secret_hash = models.CharField(max_length=64)
    may_change = models.BooleanField("may change settings", default=False)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_network = models.CharField(max_length=49, blank=True, default="")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "API key"
        ordering: ClassVar[list[str]] = ["-made_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "account",
                Lower("name"),
                condition=Q(revoked_at=None),
                name="api_key_name_once_per_account",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at")), name="an_api_key_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="an_api_key_is_revoked_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def works_at(self, now: datetime) -> bool:
        """Say whether it opens the door at a moment: neither revoked nor run out."""
        return self.revoked_at is None and now < self.expires_at
