"""When was who at work? One row for each stretch in which somebody was online, for reports."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Account, User


class OnlineTime(models.Model):
    """A stretch of time in which somebody had an inbox open, was there, and was not set away.

    It is told by what their browsers showed, to half a minute: nothing depends on it but reports.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    # Their index is the first one below.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(help_text="When they were last seen")
    is_open = models.BooleanField(default=True, help_text="It goes on if they are seen again")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(is_open=True), name="one_open_online_time"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__gte=F("began_at")), name="online_time_ends_after_it_began"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "ended_at"], name="online_time_by_user"),
            # What is old enough to go, of all accounts.
            models.Index(fields=["ended_at"], name="online_time_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.user} from {self.began_at:%Y-%m-%d %H:%M} to {self.ended_at:%H:%M}"
