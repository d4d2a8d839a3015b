"""What happened when, counted so that reports are quick? Made again from other rows at will."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account, User
from inbox.models.conversation import Conversation
from inbox.models.inbox import TeamInbox
from inbox.models.sender import Sender


class ReportCell(models.Model):
    """What one person, or nobody in particular, did in one conversation in a quarter of an hour.

    Nothing here is first-hand: `inbox.counting` writes it from messages, the timeline and traces
    of rules. A quarter, since some time zones begin their hours there. How long things took is not
    here: those are rows of their own (`ResponseTime`).
    """

    # No indexes of their own: the two below begin with them, and nothing goes the other way.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    inbox = models.ForeignKey(TeamInbox, on_delete=models.PROTECT, related_name="+", db_index=False)
    begins_at = models.DateTimeField(help_text="The quarter of an hour, in UTC")
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="None: what was written belongs to no conversation, as a confirmation of STOP",
    )
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="+", db_index=False)
    agent = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    channel = models.CharField(max_length=20)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    inbound = models.PositiveIntegerField(default=0)
    replies = models.PositiveIntegerField(default=0, help_text="What people sent")
    automatic = models.PositiveIntegerField(default=0, help_text="What was sent by itself")
    notes = models.PositiveIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0, help_text="What the carrier took")
    delivered = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    blocked = models.PositiveIntegerField(default=0, help_text="What our own checks stopped")
    segments = models.PositiveIntegerField(default=0, help_text="Of text messages that were taken")
    opened = models.PositiveIntegerField(default=0)
    reopened = models.PositiveIntegerField(default=0)
    closed = models.PositiveIntegerField(default=0)
    opt_outs = models.PositiveIntegerField(default=0)
    error_codes = ArrayField(
        models.CharField(max_length=24), default=list, blank=True, help_text="One for each failure"
    )
    templates = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    rules = ArrayField(
        models.CharField(max_length=80), default=list, blank=True, help_text="Rules that decided"
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "begins_at", "conversation", "sender", "agent", "inbox"],
                name="one_cell_for_each_quarter",
                nulls_distinct=False,
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "inbox", "begins_at"], name="report_by_inbox"),
        ]

    def __str__(self) -> str:
        return f"{self.begins_at:%Y-%m-%d %H:%M}"


class ReportState(models.Model):
    """How far an account's reports are counted. Who counts holds the row."""

    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, primary_key=True, related_name="report_state"
    )
    counted_to = models.DateTimeField(help_text="What happened before is in the reports")
    next_at = models.DateTimeField(help_text="When it is counted next")
    repaired_to = models.DateTimeField(
        null=True, blank=True, help_text="How far the nightly repair has come; none: it is done"
    )
    repair_at = models.DateTimeField(
        help_text="When the next repair begins; in the past while one goes on"
    )

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["next_at"], name="report_state_due"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} to {self.counted_to:%Y-%m-%d %H:%M}"


class SegmentPrice(models.Model):
    """What an account pays for one text segment, as its admin says. No row: nobody said."""

    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, primary_key=True, related_name="segment_price"
    )
    price = models.DecimalField(max_digits=7, decimal_places=5)
    currency = models.CharField(max_length=3, help_text="ISO 4217 code")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(price__gt=0), name="segment_price_is_one"),
        ]

    def __str__(self) -> str:
        return f"{self.price.normalize():f} {self.currency}"
