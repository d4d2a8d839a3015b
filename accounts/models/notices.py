"""Of which end has whom been told already?"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models.features import FeatureGrant
from accounts.models.licenses import License, LicensePool
from accounts.models.tenants import Account


class ExpiryNotice(models.Model):
    """A partner and an account were told that something ends in so many days, or has ended.

    One row per end and number of days: that is what makes each warning come exactly once. Moving
    the end makes it another end. `mailed_at` is set before the letter goes out, and taken back with
    a later `mail_at` when the mail server would not take it.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    grant = models.ForeignKey(
        FeatureGrant, on_delete=models.CASCADE, null=True, blank=True, related_name="notices"
    )
    pool = models.ForeignKey(
        LicensePool, on_delete=models.CASCADE, null=True, blank=True, related_name="notices"
    )
    license = models.ForeignKey(
        License, on_delete=models.CASCADE, null=True, blank=True, related_name="notices"
    )
    ends_at = models.DateTimeField()
    days = models.PositiveSmallIntegerField(help_text="How long before; 0: it has ended")
    words = models.CharField(max_length=300)
    noted_at = models.DateTimeField()
    mail_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-noted_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(grant__isnull=False, pool__isnull=True, license__isnull=True)
                | Q(grant__isnull=True, pool__isnull=False, license__isnull=True)
                | Q(grant__isnull=True, pool__isnull=True, license__isnull=False),
                name="a_notice_is_about_one_thing",
            ),
            *(
                models.UniqueConstraint(
                    fields=[what, "ends_at", "days"], name=f"one_notice_per_end_of_a_{what}"
                )
                for what in ("grant", "pool", "license")
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["mail_at"], name="notice_to_mail", condition=Q(mailed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.words
