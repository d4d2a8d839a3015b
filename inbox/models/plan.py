"""When does somebody work? One row for each person who works by a plan."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Account, User
from routing.models import BusinessHours


class AvailabilityPlan(models.Model):
    """Hours of an account that somebody works by; who has no plan may work at any hour.

    `turns_at` is when these hours next open or close, by their `hours_version`; none if they do
    neither within a year.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="availability_plan")
    hours = models.ForeignKey(BusinessHours, on_delete=models.PROTECT, related_name="+")
    hours_version = models.PositiveIntegerField()
    turns_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["user__name", "pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["turns_at"], name="plan_turns", condition=Q(turns_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.hours}"
