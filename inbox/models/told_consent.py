"""What was answered to a program that told of a consent under a key of its own?"""

from typing import ClassVar

from django.db import models

from accounts.models import Account


class ToldConsent(models.Model):
    """One request with an `Idempotency-Key`, and its first answer: sent again, it does nothing.

    Of what was said only a keyed hash is kept. Kept for thirty days.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=120)
    said = models.CharField(max_length=64, help_text="What was said, as a keyed hash")
    status = models.PositiveSmallIntegerField(default=0, help_text="Of the answer, as in HTTP")
    answer = models.JSONField(default=dict)
    told_at = models.DateTimeField()

    class Meta:
        verbose_name = "consent told by a program"
        verbose_name_plural = "consents told by programs"
        ordering: ClassVar[list[str]] = ["-told_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["told_at"], name="told_consents_by_time"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "key"], name="a_consent_is_told_once_under_a_key"
            ),
        ]

    def __str__(self) -> str:
        return f"answered {self.status}, {self.told_at:%Y-%m-%d %H:%M}"
