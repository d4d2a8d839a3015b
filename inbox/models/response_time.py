"""How long did customers wait, and how long did conversations take? One row for each, for ever."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from inbox.models.conversation import Conversation
from inbox.models.inbox import TeamInbox


class ResponseTime(models.Model):
    """One stretch of time that ended, in calendar time and in the inbox's business time of then.

    What lay in a snooze is left out. A wait is named by its generation, a close by how often the
    conversation had been reopened: that is `turn`.
    """

    class Kind(models.TextChoices):
        FIRST = "first", _("First response")
        NEXT = "next", _("Next response")
        UNANSWERED = "unanswered", _("Closed without an answer")
        RESOLUTION = "resolution", _("Resolution")

    # No index of its own: `response_by_inbox` begins with it.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    inbox = models.ForeignKey(TeamInbox, on_delete=models.PROTECT, related_name="+", db_index=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="response_times"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    turn = models.PositiveIntegerField()
    user = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who answered or closed; none: it was closed by itself",
    )
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    calendar_time = models.DurationField()
    business_time = models.DurationField()
    hours_number = models.BigIntegerField(
        null=True, blank=True, help_text="The business hours it was measured with; none: always"
    )
    hours_version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(kind="first"),
                name="one_first_response_per_conversation",
            ),
            models.UniqueConstraint(
                fields=["conversation", "turn"],
                condition=~Q(kind="resolution"),
                name="one_end_of_a_wait",
            ),
            models.UniqueConstraint(
                fields=["conversation", "turn"],
                condition=Q(kind="resolution"),
                name="one_resolution_per_close",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__gte=models.F("began_at")), name="response_ends_after_it_began"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "inbox", "kind", "ended_at"], name="response_by_inbox"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.ended_at:%Y-%m-%d %H:%M}"
