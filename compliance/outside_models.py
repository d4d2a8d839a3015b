"""What did we tell the carrier of consents, and what did we ask and compare outside?

No row here holds a number: who is meant is named by the handle of the ledger, so that erasing a
person leaves nothing of them.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User


class ConsentSharing(models.Model):
    """Whether an account tells Twilio of its consents (Consent Management API), and how far it is.

    `shared_seq` is the event of the ledger up to which what is to be told is written down. The
    window counts requests: Twilio takes 100 a minute.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+")
    is_on = models.BooleanField("Tell Twilio of opt-outs", default=False)
    shared_seq = models.BigIntegerField(default=0)
    window_began_at = models.DateTimeField(null=True, blank=True)
    window_requests = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    compared_at = models.DateTimeField(null=True, blank=True)
    comparing_until = models.DateTimeField(null=True, blank=True)
    changed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "sharing of consents"
        verbose_name_plural = "sharing of consents"

    def __str__(self) -> str:
        return "on" if self.is_on else "off"


class SharedConsent(models.Model):
    """One event of the ledger that one of our senders' lists at Twilio is to hear of.

    The row is the promise. `correlation_id` follows from event and sender: told twice is told once.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits")
        TOLD = "told", _("Twilio knows")
        REFUSED = "refused", _("Twilio refused it")
        MOOT = "moot", _("Not needed any more")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    seq = models.BigIntegerField(help_text="The event in the account's ledger")
    handle = models.CharField(max_length=64)
    sender_id = models.CharField(max_length=64, help_text="A number of ours, or a service (MG…)")
    status = models.CharField(max_length=8, choices=[("opt-out", "opt-out"), ("opt-in", "opt-in")])
    source = models.CharField(max_length=20)
    correlation_id = models.CharField(max_length=32, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    error_code = models.CharField(max_length=12, blank=True, default="")
    made_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "shared consent"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "seq", "sender_id"], name="an_event_is_shared_once_per_sender"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["account", "due_at"],
                name="shared_consent_waiting",
                condition=Q(state="waiting"),
            ),
            models.Index(fields=["account", "handle"], name="shared_consent_by_handle"),
        ]

    def __str__(self) -> str:
        return f"{self.status} of event {self.seq}: {self.get_state_display()}"


class ConsentComparison(models.Model):
    """One comparison of an account's opt-outs with what Twilio's side shows."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    since = models.DateTimeField(help_text="Messages at Twilio were looked at from then on")
    problem = models.CharField(max_length=300, blank=True, default="")
    messages = models.PositiveIntegerField("messages looked at", default=0)
    opted_out = models.PositiveIntegerField("opted out here", default=0)
    blocks = models.PositiveIntegerField("refused by the carrier", default=0)
    adopted = models.PositiveIntegerField("opt-outs taken over", default=0)

    class Meta:
        verbose_name = "comparison with Twilio"
        verbose_name_plural = "comparisons with Twilio"
        ordering: ClassVar[list[str]] = ["-begun_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-begun_at"], name="consent_comparison_by_time"),
        ]

    def __str__(self) -> str:
        return f"comparison of {self.begun_at:%Y-%m-%d %H:%M}"


class ConsentDifference(models.Model):
    """One difference that a comparison found, and what was done."""

    class Kind(models.TextChoices):
        REFUSED_THERE = (
            "refused_there",
            _("Twilio refuses messages to them; here they were not out"),
        )
        ONLY_THERE = "only_there", _("Twilio refuses messages to them; here they are not opted out")
        TOLL_FREE = "toll_free", _("The toll-free network may refuse messages to them")
        WRITTEN_TO = "written_to", _("A message left for somebody who had opted out")
        NOT_SHARED = "not_shared", _("Twilio did not take over their opt-out")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    comparison = models.ForeignKey(
        ConsentComparison, on_delete=models.CASCADE, related_name="differences"
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    handle = models.CharField(max_length=64, blank=True, default="")
    ending = models.CharField(max_length=4, help_text="The last two digits")
    our_address = models.CharField(max_length=120)
    message_sid = models.CharField(max_length=64, blank=True, default="")
    done = models.CharField(max_length=200)

    class Meta:
        verbose_name = "difference from Twilio"
        verbose_name_plural = "differences from Twilio"
        ordering: ClassVar[list[str]] = ["id"]

    def __str__(self) -> str:
        return self.get_kind_display()


class ReassignmentPolicy(models.Model):
    """Whether an account asks if numbers changed owner, how often, and what it may cost a day."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+")
    is_on = models.BooleanField("Ask whether numbers changed owner", default=False)
    older_than_days = models.PositiveSmallIntegerField("Days after the last contact", default=90)
    again_days = models.PositiveSmallIntegerField("Days until it is asked again", default=30)
    most_a_day = models.PositiveIntegerField("Most look-ups a day", default=100)
    spent_on = models.DateField(null=True, blank=True)
    spent = models.PositiveIntegerField(default=0)
    swept_on = models.DateField(null=True, blank=True)
    swept_pk = models.BigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    changed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "look-up of reassigned numbers"
        verbose_name_plural = "look-ups of reassigned numbers"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(older_than_days__gte=1, older_than_days__lte=3650)
                & Q(again_days__gte=1, again_days__lte=365)
                & Q(most_a_day__gte=1, most_a_day__lte=100_000),
                name="look_ups_of_numbers_have_bounds",
            ),
        ]

    def __str__(self) -> str:
        return "on" if self.is_on else "off"


class ReassignmentCheck(models.Model):
    """One answer to the question whether a number changed owner since a day."""

    class Answer(models.TextChoices):
        YES = "yes", _("Changed owner")
        NO = "no", _("Same owner")
        UNKNOWN = "unknown", _("Not known")
        FAILED = "failed", _("No answer")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    handle = models.CharField(max_length=64)
    verified_on = models.DateField(help_text="The last proof of contact that was named")
    answer = models.CharField(max_length=8, choices=Answer.choices)
    error_code = models.CharField(max_length=12, blank=True, default="")
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name = "check of a number's owner"
        verbose_name_plural = "checks of numbers' owners"
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "handle", "-asked_at"], name="owner_check_by_handle"),
            models.Index(fields=["account", "-asked_at"], name="owner_check_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_answer_display()} on {self.asked_at:%Y-%m-%d}"
