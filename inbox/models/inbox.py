"""What is a Team Inbox, and how does it behave?"""

import uuid
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Team
from routing.models import BusinessHours, EscalationPolicy, Rulebook


class TeamInbox(models.Model):
    """The inbox of one team: an add-on, so the team is its key."""

    class ClaimRule(models.TextChoices):
        COLLABORATIVE = "collaborative", _("Collaborative: no claim, everybody answers")
        OPTIONAL = "optional", _("Optional: until somebody claims, anyone may answer")
        ON_FIRST_REPLY = "on_first_reply", _("On first reply: the first answer claims")
        REQUIRED = "required", _("Required: claim before you answer")

    class AfterClaim(models.TextChoices):
        REMOVED = "removed", _("Others no longer see it")
        READ_ONLY = "read_only", _("Others may go on reading")

    class ReopenOwner(models.TextChoices):
        LAST_OWNER_IF_AVAILABLE = "last_owner_if_available", _("The last owner if available")
        TEAM = "team", _("The team")
        ALWAYS_LAST_OWNER = "always_last_owner", _("Always the last owner")

    class ClosedVisibility(models.TextChoices):
        TEAM = "team", _("Every licensed member")
        AUDIENCE = "audience", _("Those who had it when it was closed, and supervisors")

    class Colour(models.TextChoices):
        TEAL = "teal", _("Teal")
        BLUE = "blue", _("Blue")
        VIOLET = "violet", _("Violet")
        ROSE = "rose", _("Rose")
        AMBER = "amber", _("Amber")
        GREEN = "green", _("Green")
        SLATE = "slate", _("Slate")

    team = models.OneToOneField(
        Team, on_delete=models.PROTECT, primary_key=True, related_name="inbox"
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="inboxes")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=80)
    is_on = models.BooleanField("switched on", default=True)
    claim_rule = models.CharField(
        max_length=14, choices=ClaimRule.choices, default=ClaimRule.OPTIONAL
    )
    after_claim = models.CharField(
        max_length=10, choices=AfterClaim.choices, default=AfterClaim.REMOVED
    )
    closed_visibility = models.CharField(
        max_length=8, choices=ClosedVisibility.choices, default=ClosedVisibility.TEAM
    )
    bot_name = models.CharField(max_length=40, default="Assistant")
    opt_out_text = models.CharField(
        max_length=320,
        default="You have been unsubscribed and will get no more messages. Reply START to return.",
    )
    opt_in_text = models.CharField(
        max_length=320, default="You are subscribed again. Reply STOP to unsubscribe."
    )
    help_text = models.CharField(
        max_length=320, default="Write your question here and we will answer. Reply STOP to leave."
    )
    consent_texts = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="The three texts in further languages: {opt_out: {es: …}}",
    )
    reopen_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=72,
        help_text="A message within this time reopens; 0 = always new, empty = always reopen",
    )
    reopen_owner = models.CharField(
        max_length=24, choices=ReopenOwner.choices, default=ReopenOwner.LAST_OWNER_IF_AVAILABLE
    )
    most_open = models.PositiveSmallIntegerField(
        "most open conversations",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Who has as many gets no more by rules, and none that comes back; empty = any",
    )
    auto_close_hours = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(24 * 365)]
    )
    auto_close_since = models.DateTimeField(
        null=True, blank=True, help_text="Only conversations opened after this moment are closed"
    )
    goodbye = models.CharField(
        max_length=320,
        blank=True,
        default="",
        db_default="",
        help_text="Said when a person closes a conversation; empty: nothing",
    )
    handover_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=30,
        help_text="A transfer without a reply in this time goes back to the team",
    )
    target_minutes = models.PositiveSmallIntegerField(
        default=15,
        db_default=15,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text="Within this time a customer should have an answer",
    )
    hours = models.ForeignKey(
        BusinessHours,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="inboxes",
        verbose_name="business hours",
        help_text="None: always open",
    )
    escalation = models.ForeignKey(
        EscalationPolicy,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="inboxes",
        verbose_name="escalation policy",
        help_text="None: supervisors hear of who waits for 24 business hours, and nobody before",
    )
    rulebook = models.ForeignKey(
        Rulebook,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="inboxes",
        help_text="None: the whole team gets everything, after the account's own rules",
    )
    replies = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="What it says by itself, in the form of routing.reply_documents",
    )
    is_close_reason_required = models.BooleanField("a reason for closing", default=False)
    is_transfer_note_required = models.BooleanField(
        "a note with a transfer", default=False, db_default=False
    )
    may_start_conversations = models.BooleanField(default=False)
    supervisors_may_set_up = models.BooleanField(
        "supervisors set hours and replies",
        default=False,
        db_default=False,
        help_text="Those of other inboxes, and all else, only account admins change",
    )
    colour = models.CharField(
        max_length=8, choices=Colour.choices, default=Colour.TEAL, db_default=Colour.TEAL
    )
    time_zone = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="Empty: the account's"
    )
    language = models.CharField(
        max_length=12, blank=True, default="", db_default="", help_text="Empty: the account's"
    )
    settings_version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "team inboxes"
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("account", Lower("slug"), name="inbox_slug_once_per_account"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> str:
        """Name the time zone in which this inbox counts its days."""
        return self.time_zone or self.account.time_zone

    @property
    def is_collaborative(self) -> bool:
        """Say whether nobody claims here: everybody answers, and only a transfer makes an owner."""
        return self.claim_rule == self.ClaimRule.COLLABORATIVE

    @property
    def is_read_only_after_claim(self) -> bool:
        """Say whether colleagues keep reading a claimed conversation."""
        return self.after_claim == self.AfterClaim.READ_ONLY
