"""Which opt-ins for people who opted out wait for a second person, and who decided?"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User


class OptInApproval(models.Model):
    """One opt-in with new proof that somebody reported; another person approves or refuses it.

    What was reported stands in the ledger, as the event `proposed`; nothing counts before that of
    the approval.
    """

    class Outcome(models.TextChoices):
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        OUTDATED = "outdated", _("Not recorded: something later counts for more")
        MOOT = "moot", _("Not needed: they are not opted out any more")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    proposed = models.BigIntegerField(help_text="Its number in the account's ledger of consent")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True, default="")
    event = models.BigIntegerField(
        null=True, blank=True, help_text="The number of the consent that followed"
    )

    class Meta:
        verbose_name = "opt-in to be approved"
        verbose_name_plural = "opt-ins to be approved"
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account", "asked_at"],
                name="opt_ins_to_be_approved",
                condition=Q(decided_at=None),
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "proposed"], name="an_opt_in_is_approved_once"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")),
                name="nobody_approves_their_own_opt_in",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None, decided_at=None, outcome="")
                | (Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(outcome="")),
                name="an_approval_is_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(event=None) | Q(outcome="approved"),
                name="only_what_is_approved_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display() or 'waiting'}, {self.asked_at:%Y-%m-%d %H:%M}"
