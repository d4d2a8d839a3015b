"""Who did what: the audit log."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper

from accounts.ledgers import NeverEmptied, Unchangeable
from accounts.models.people import User
from accounts.models.tenants import Account


class AuditEntry(models.Model):
    """Who did what, when, to what: one line, never changed."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True)
    actor_label = models.CharField(max_length=120)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    data = models.JSONField(default=dict)
    is_alarm = models.BooleanField(
        default=False, help_text="It happened by itself, and the account's partner must know"
    )
    at = models.DateTimeField()
    # How it was done; see `accounts.circumstances`.
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    network = models.CharField(
        max_length=49,
        blank=True,
        default="",
        db_default="",
        help_text="Where the request came from: the address, shortened to its network",
    )
    session = models.CharField(
        max_length=12, blank=True, default="", db_default="", help_text="Tells two sessions apart"
    )
    on_behalf_of = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        verbose_name_plural = "audit entries"
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-at"], name="audit_by_account"),
            models.Index(fields=["account", "action", "-at"], name="audit_by_action"),
            models.Index(fields=["actor", "-at"], name="audit_by_actor"),
            models.Index(fields=["-at"], name="audit_alarms", condition=models.Q(is_alarm=True)),
            # What staff filter by, over all accounts.
            models.Index(fields=["action", "-id"], name="audit_by_what"),
            models.Index(
                fields=["-id"], name="audit_on_behalf", condition=~models.Q(on_behalf_of="")
            ),
            BrinIndex(fields=["at"], name="audit_by_time", autosummarize=True),
            # As `icontains` asks: a part of a word, in capitals.
            GinIndex(
                OpClass(Upper("actor_label"), "gin_trgm_ops"),
                OpClass(Upper("action"), "gin_trgm_ops"),
                OpClass(Upper("subject"), "gin_trgm_ops"),
                name="audit_search",
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            Unchangeable(name="audit_is_append_only"),
            NeverEmptied(name="audit_is_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.subject}"
