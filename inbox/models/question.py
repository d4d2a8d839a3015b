"""What did we ask somebody about their consent, and what did they answer?"""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from compliance.evidence import EVERY_PROGRAMME
from inbox.models.message import Message
from inbox.models.thread import Thread


class ConsentQuestion(models.Model):
    """One question about consent: sent once, and answered once.

    `confirm`: somebody opted in elsewhere, and is asked to confirm it. `clarify`: somebody opted
    out, and is asked in the one confirmation which programme they keep; `choices` are those that
    the text named. `event` is what it rests on in the ledger of consent.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm", _("Do they confirm that they opted in?")
        CLARIFY = "clarify", _("Which programme do they keep?")

    class Outcome(models.TextChoices):
        YES = "yes", _("They confirmed")
        KEPT = "kept", _("They kept one programme")
        OPTED_OUT = "out", _("They opted out")
        OVER = "over", _("Nobody answered in time")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="questions")
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="question")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    programme = models.CharField(max_length=60, default=EVERY_PROGRAMME)
    choices = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=20, blank=True, default="")
    event = models.BigIntegerField(help_text="Its number in the account's ledger of consent")
    asked_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="Until when an answer counts")
    answered_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=4, choices=Outcome.choices, blank=True, default="")
    answer = models.BigIntegerField(
        null=True, blank=True, help_text="The number of what the answer is in the ledger"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "event"], name="one_question_about_one_event_of_consent"
            ),
            models.UniqueConstraint(
                fields=["thread", "kind", "programme"],
                condition=Q(answered_at=None),
                name="one_open_question_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(answered_at=None, outcome="")
                | (Q(answered_at__isnull=False) & ~Q(outcome="")),
                name="a_question_ends_with_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.asked_at:%Y-%m-%d %H:%M}"

    def is_open_at(self, now: datetime) -> bool:
        """Say whether an answer would count."""
        return self.answered_at is None and now < self.ends_at
