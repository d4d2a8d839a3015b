"""Which seats an account bought, and who holds them."""

from typing import ClassVar

from django.db import models

from accounts.models.people import User
from accounts.models.tenants import Account


class LicensePool(models.Model):
    """Seats of one plan that an account has bought, for a period."""

    class Plan(models.TextChoices):
        PRO_CX = "pro_cx", "Pro-CX"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="license_pools")
    plan = models.CharField(max_length=10, choices=Plan.choices, default=Plan.PRO_CX)
    seats = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.seats} x {self.get_plan_display()} for {self.account}"


class License(models.Model):
    """One seat of a pool, held by one person, for a period."""

    pool = models.ForeignKey(LicensePool, on_delete=models.CASCADE, related_name="licenses")
    holder = models.ForeignKey(User, on_delete=models.CASCADE, related_name="licenses")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["pool", "holder"],
                condition=models.Q(ends_at__isnull=True),
                name="one_open_license_per_holder",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["holder", "starts_at"], name="license_by_holder"),
        ]

    def __str__(self) -> str:
        return f"{self.pool.get_plan_display()} of {self.holder}"
