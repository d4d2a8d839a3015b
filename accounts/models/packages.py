"""Which work does a partner sell beside the features, and how far is it for an account?"""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from accounts.models.tenants import Account


class Package(models.Model):
    """Work that comes with a feature: set-up, configuration, compliance. A row of our catalogue."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True, default="")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class PackageStep(models.Model):
    """One thing that must be done before a package is done, as the catalogue has it."""

    package = models.ForeignKey(Package, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    words = models.CharField(max_length=160)

    class Meta:
        ordering: ClassVar[list[str]] = ["package", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["package", "position"], name="one_step_per_place_in_a_package"
            ),
        ]

    def __str__(self) -> str:
        return self.words


class AccountPackage(models.Model):
    """How far a package is for one account."""

    class Status(models.TextChoices):
        OFFERED = "offered", _("Offered")
        ORDERED = "ordered", _("Ordered")
        IN_PROGRESS = "in_progress", _("In progress")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="packages")
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OFFERED)
    note = models.CharField(max_length=300, blank=True, default="")
    changed_at = models.DateTimeField("status since")

    class Meta:
        ordering: ClassVar[list[str]] = ["account", "package__position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "package"], name="one_row_per_package_of_an_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package} for {self.account}"


class ChecklistItem(models.Model):
    """One step of a package of an account: copied from the catalogue, ticked by a person."""

    account_package = models.ForeignKey(
        AccountPackage, on_delete=models.CASCADE, related_name="items"
    )
    position = models.PositiveSmallIntegerField()
    words = models.CharField(max_length=160)
    ticked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ticked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["account_package", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account_package", "position"], name="one_item_per_place_in_a_checklist"
            ),
            models.CheckConstraint(
                condition=Q(ticked_by__isnull=True, ticked_at__isnull=True)
                | Q(ticked_by__isnull=False, ticked_at__isnull=False),
                name="a_tick_says_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return self.words
