"""What did a message mean that may have asked to stop, and who decided that?"""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from inbox.models.message import Message
from inbox.models.thread import Thread


class ConsentReview(models.Model):
    """A message that a person should look at, because of what it may say about consent.

    `held`: it may ask to stop; everything automatic rests until somebody decides, or until the days
    run out that the law gives, which counts as a yes. `read`: it was taken as a request to stop in
    ordinary words; that can be undone for a day.
    """

    class Kind(models.TextChoices):
        HELD = "held", _("May have asked to stop")
        READ = "read", _("Read as a request to stop")

    class Outcome(models.TextChoices):
        STOP = "stop", _("They asked to stop")
        GO_ON = "go_on", _("They did not ask to stop")
        LAPSED = "lapsed", _("Nobody decided in time")
        MOOT = "moot", _("Settled by what they wrote later")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="reviews")
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="review")
    kind = models.CharField(max_length=4, choices=Kind.choices)
    event = models.BigIntegerField(help_text="Its number in the account's ledger of consent")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="When somebody should have decided")
    ends_at = models.DateTimeField(help_text="When it is decided by itself, or stays as it is")
    next_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody is reminded, or it ends"
    )
    reminders = models.PositiveSmallIntegerField(default=0)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    outcome = models.CharField(max_length=6, choices=Outcome.choices, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["due_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_at"], name="review_to_remind", condition=Q(next_at__isnull=False)
            ),
            models.Index(
                fields=["account", "due_at"],
                name="review_open",
                condition=Q(kind="held", decided_at=None),
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["thread"],
                condition=Q(kind="held", decided_at=None),
                name="one_open_doubt_per_thread",
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, outcome="")
                | (Q(decided_at__isnull=False) & ~Q(outcome="")),
                name="a_review_is_decided_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="go_on") | ~Q(reason=""),
                name="going_on_needs_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.opened_at:%Y-%m-%d %H:%M}"

    @property
    def is_held(self) -> bool:
        """Say whether it is one that waits for a person."""
        return self.kind == self.Kind.HELD

    def is_open_at(self, now: datetime) -> bool:
        """Say whether a person may still decide it."""
        return self.decided_at is None and (self.is_held or now < self.ends_at)
