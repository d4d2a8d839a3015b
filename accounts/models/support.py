"""Which partner or member of the platform's staff may look into which account now, and why?"""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models

from accounts.models.people import User
from accounts.models.tenants import Account

LONGEST = timedelta(hours=8)


class SupportAccessQuerySet(models.QuerySet["SupportAccess"]):
    """Filters for support accesses."""

    def open(self, now: datetime) -> "SupportAccessQuerySet":
        """Keep those that let somebody in at `now`."""
        return self.filter(ended_at=None, starts_at__lte=now, ends_at__gt=now)


class SupportAccess(models.Model):
    """One stay of a partner or member of staff in an account: why, from when, until when at most.

    It opens what behaviour 10 says and lets nobody answer anything. Either side may end it.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="support_accesses")
    reason = models.CharField(max_length=200)
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until", help_text="At most eight hours after the beginning")
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = SupportAccessQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "support accesses"
        ordering: ClassVar[list[str]] = ["-starts_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(reason__regex=r"\S"), name="support_has_a_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at"))
                & models.Q(ends_at__lte=models.F("starts_at") + LONGEST),
                name="support_ends_within_eight_hours",
            ),
            # So that there is never a doubt in whose account somebody is; one per account follows.
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(ended_at__isnull=True),
                name="one_open_support_per_person",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account"], name="support_open", condition=models.Q(ended_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"
