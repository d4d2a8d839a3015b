"""What a partner switched on for an account, until when, and what the account asked for."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.packages import Package
from accounts.models.people import User
from accounts.models.spans import Span
from accounts.models.tenants import Account


class Feature(models.TextChoices):
    """What a partner can switch on for an account."""

    TEAM_INBOX = "team_inbox", _("Team Inbox")
    WHATSAPP = "whatsapp", _("WhatsApp")
    CUSTOM_ROUTING = "custom_routing", _("Custom routing")
    OPTOUT_COMPLIANCE = "optout_compliance", _("Opt-out compliance")


class FeatureGrant(models.Model):
    """One feature, switched on for one account, by somebody, for a reason, for a time.

    It is ended, never deleted. One that is ended before it began holds at no moment: its end is its
    beginning.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="feature_grants")
    feature = models.CharField(max_length=24, choices=Feature.choices)
    package = models.ForeignKey(
        Package,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What it came with, if it was sold with one",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    granted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    end_reason = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "feature", "starts_at"], name="grant_by_account"),
            models.Index(
                fields=["ends_at"], name="grant_by_end", condition=Q(ends_at__isnull=False)
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True)
                | Q(ends_at__gt=F("starts_at"))
                | Q(ends_at=F("starts_at"), ended_by__isnull=False),
                name="grant_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True) | ~Q(reason=""),
                name="a_person_who_grants_says_why",
            ),
            models.CheckConstraint(
                condition=Q(ended_by__isnull=True) | Q(ends_at__isnull=False) & ~Q(end_reason=""),
                name="a_person_who_ends_a_grant_says_why",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(granted_by__isnull=False) & ~Q(approved_by=F("granted_by")),
                name="nobody_approves_their_own_grant",
            ),
            ExclusionConstraint(
                name="one_grant_of_a_feature_at_a_time",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    ("feature", RangeOperators.EQUAL),
                    (Span("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_feature_display()} for {self.account}"

    def holds_at(self, now: datetime) -> bool:
        """Say whether the feature is on by this grant at `now`."""
        return self.starts_at <= now and (self.ends_at is None or self.ends_at > now)


class FeatureRequest(models.Model):
    """An account asked its partner to switch a feature on."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="feature_requests")
    feature = models.CharField(max_length=24, choices=Feature.choices)
    words = models.CharField("what they wrote", max_length=500, blank=True, default="")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.CharField(max_length=300, blank=True, default="")
    answered_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    grant = models.OneToOneField(
        FeatureGrant, on_delete=models.PROTECT, null=True, blank=True, related_name="request"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "feature"],
                condition=Q(state="open"),
                name="one_open_request_per_feature",
            ),
            models.CheckConstraint(
                condition=Q(state="open", answered_by__isnull=True, answered_at__isnull=True)
                | ~Q(state="open") & Q(answered_by__isnull=False, answered_at__isnull=False),
                name="an_answer_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(answer=""),
                name="who_declines_a_request_says_why",
            ),
            models.CheckConstraint(
                condition=Q(state="accepted", grant__isnull=False)
                | ~Q(state="accepted") & Q(grant__isnull=True),
                name="an_accepted_request_has_its_grant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_feature_display()} for {self.account}"


class GrantProposal(models.Model):
    """A grant that one person of a partner wants to make and another one must approve.

    Until then there is no grant: nothing is on anywhere.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waits for a second person")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grant_proposals")
    feature = models.CharField(max_length=24, choices=Feature.choices)
    package = models.ForeignKey(
        Package, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200)
    request = models.ForeignKey(
        FeatureRequest,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="proposals",
        help_text="The request that it answers, if the account asked",
    )
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=200, blank=True, default="")
    grant = models.OneToOneField(
        FeatureGrant, on_delete=models.PROTECT, null=True, blank=True, related_name="proposal"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-proposed_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "feature"],
                condition=Q(state="pending"),
                name="one_pending_proposal_per_feature",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="proposal_ends_after_it_starts",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="a_person_who_proposes_says_why"),
            models.CheckConstraint(
                condition=~Q(state="approved") | ~Q(decided_by=F("proposed_by")),
                name="nobody_approves_their_own_proposal",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(state="pending") & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="a_decision_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(state="approved", grant__isnull=False)
                | ~Q(state="approved") & Q(grant__isnull=True),
                name="only_an_approved_proposal_has_a_grant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_feature_display()} for {self.account}"
