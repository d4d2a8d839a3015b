"""When does a conversation that waits get help? One row for each step of each wait."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from inbox.models.conversation import Conversation
from routing.escalation import LAST, Ended, Timer
from routing.policy_documents import read_step, write_step


class EscalationTimer(models.Model):
    """One step of the policy that held when a customer began to wait, and when it is due.

    `next_at` is the moment at which the clock has to look: to warn, to act, or to try again. A step
    that asks a Data Action leaves the clock to it when it is due: `ask_at` says from when on a
    worker may ask, which is later while one does.
    """

    class Held(models.TextChoices):
        SNOOZED = "snoozed", _("Snoozed")
        OFF = "off", _("Team Inbox or this inbox is off")

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="escalation_timers"
    )
    wait_generation = models.PositiveIntegerField()
    step = models.PositiveSmallIntegerField(help_text=f"From 1 on; {LAST} is the last one")
    plan = models.JSONField(help_text="The step as it was when the wait began")
    anchor_at = models.DateTimeField()
    length = models.DurationField(help_text="From the anchor on, of the step's own clock")
    ahead = models.DurationField(help_text="How long before its end the audience is warned")
    due_at = models.DateTimeField(null=True, blank=True)
    warn_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    fired_at = models.DateTimeField(null=True, blank=True)
    obsolete_at = models.DateTimeField(null=True, blank=True)
    obsolete_reason = models.CharField(max_length=20, blank=True, default="")
    suspended_remaining = models.DurationField(null=True, blank=True)
    suspended_for = models.CharField(max_length=8, choices=Held.choices, blank=True, default="")
    hours_number = models.BigIntegerField(
        null=True, blank=True, help_text="The business hours it was computed with"
    )
    hours_version = models.PositiveIntegerField(default=0)
    ask_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its Data Action is asked, if nobody has answered before",
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["conversation", "wait_generation", "step"],
                name="one_timer_per_step_of_a_wait",
            ),
            models.CheckConstraint(
                condition=Q(next_at__isnull=True)
                | Q(
                    due_at__isnull=False,
                    fired_at__isnull=True,
                    obsolete_at__isnull=True,
                    suspended_remaining__isnull=True,
                ),
                name="only_a_running_timer_is_looked_at",
            ),
            models.CheckConstraint(
                condition=Q(ask_at__isnull=True)
                | Q(
                    next_at__isnull=True,
                    fired_at__isnull=True,
                    obsolete_at__isnull=True,
                    suspended_remaining__isnull=True,
                ),
                name="a_timer_that_asks_does_nothing_else",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["next_at"], name="timer_due", condition=Q(next_at__isnull=False)),
            models.Index(fields=["ask_at"], name="timer_asking", condition=Q(ask_at__isnull=False)),
            models.Index(
                fields=["account"],
                name="timer_held_by_an_account",
                condition=Q(suspended_for="off"),
            ),
        ]

    def __str__(self) -> str:
        return f"Step {self.step} of wait {self.wait_generation}"

    def value(self) -> Timer:
        """Return the timer as a value."""
        return Timer(
            number=self.step,
            step=read_step(self.plan),
            anchor=self.anchor_at,
            length=self.length,
            ahead=self.ahead,
            due_at=self.due_at,
            warn_at=self.warn_at,
            warned_at=self.warned_at,
            fired_at=self.fired_at,
            ended_at=self.obsolete_at,
            ended_by=Ended(self.obsolete_reason) if self.obsolete_reason else None,
            remaining=self.suspended_remaining,
        )

    def take(self, timer: Timer, *, held: str = "") -> None:
        """Become as this value says, without saving; `held` says what suspends it, if anything."""
        self.step, self.plan = timer.number, write_step(timer.step)
        self.anchor_at, self.length, self.ahead = timer.anchor, timer.length, timer.ahead
        self.due_at, self.warn_at, self.next_at = timer.due_at, timer.warn_at, timer.next_at
        self.warned_at, self.fired_at = timer.warned_at, timer.fired_at
        self.obsolete_at, self.obsolete_reason = timer.ended_at, timer.ended_by or ""
        self.suspended_remaining = timer.remaining
        is_held = timer.remaining is not None
        self.suspended_for = (self.suspended_for or held) if is_held else ""
        self.ask_at, self.attempts, self.problem = None, 0, ""
