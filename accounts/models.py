"""Who are our partners, accounts and people, and what are they entitled to?"""

import uuid
from datetime import datetime
from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from accounts.secrets import EncryptedTextField


class Partner(models.Model):
    """A reseller who looks after some accounts and switches features on for them."""

    name = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """A customer company: the tenant that everything else belongs to."""

    class Deployment(models.TextChoices):
        CLOUD = "cloud", "Our Twilio (cloud)"
        BYO_TWILIO = "byo_twilio", "Their own Twilio"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=120)
    deployment = models.CharField(
        max_length=12, choices=Deployment.choices, default=Deployment.CLOUD
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    time_zone = models.CharField(max_length=64, default="UTC")
    default_country = models.CharField(max_length=2, default="US", help_text="ISO 3166 code")
    locale = models.CharField(max_length=12, default="en")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("partner", Lower("name"), name="account_name_once_per_partner"),
        ]

    def __str__(self) -> str:
        return self.name


class Feature(models.TextChoices):
    """What a partner can switch on for an account."""

    TEAM_INBOX = "team_inbox", "Team Inbox"
    WHATSAPP = "whatsapp", "WhatsApp"
    CUSTOM_ROUTING = "custom_routing", "Custom routing"
    OPTOUT_COMPLIANCE = "optout_compliance", "Opt-out compliance"


def in_force(now: datetime, prefix: str = "") -> models.Q:
    """Match rows that hold at `now`: from `starts_at` until just before `ends_at`."""
    return models.Q(**{f"{prefix}starts_at__lte": now}) & (
        models.Q(**{f"{prefix}ends_at__isnull": True}) | models.Q(**{f"{prefix}ends_at__gt": now})
    )


class FeatureGrant(models.Model):
    """One feature, switched on for one account, by somebody, for a reason, for a time."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="feature_grants")
    feature = models.CharField(max_length=24, choices=Feature.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    granted_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "feature", "starts_at"], name="grant_by_account"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
                name="grant_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_feature_display()} for {self.account}"


class UserManager(BaseUserManager["User"]):
    """Make users who log in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; the e-mail address is kept in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a member of the platform's own staff with every permission."""
        fields = {"role": User.Role.STAFF, "is_staff": True, "is_superuser": True, **fields}
        return self.create_user(email, password, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who logs in."""

    class Role(models.TextChoices):
        MEMBER = "member", "Member (agent or supervisor in teams)"
        ACCOUNT_ADMIN = "account_admin", "Account admin"
        AUDITOR = "auditor", "Auditor"
        PARTNER = "partner", "Partner"
        STAFF = "staff", "Platform staff"

    class Availability(models.TextChoices):
        AVAILABLE = "available", "Available"
        AWAY = "away", "Away"

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=14, choices=Role.choices, default=Role.MEMBER)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="users"
    )
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="users"
    )
    availability = models.CharField(
        max_length=10, choices=Availability.choices, default=Availability.AVAILABLE
    )
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may open the admin", default=False)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "email"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="one_user_per_email"),
            models.CheckConstraint(
                condition=~models.Q(role__in=["member", "account_admin", "auditor"])
                | models.Q(account__isnull=False),
                name="account_people_have_an_account",
            ),
            models.CheckConstraint(
                condition=~models.Q(role="partner") | models.Q(partner__isnull=False),
                name="partner_people_have_a_partner",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        """Return how the admin greets this person."""
        return self.name or self.email


class Team(models.Model):
    """A group of people of one account; a Team Inbox can be switched on for it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=80)
    members = models.ManyToManyField(
        User, through="accounts.Membership", through_fields=("team", "user"), related_name="teams"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("account", Lower("name"), name="team_name_once_per_account"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's part in a team."""

    class Role(models.TextChoices):
        AGENT = "agent", "Agent"
        SUPERVISOR = "supervisor", "Supervisor"
        OBSERVER = "observer", "Observer (reads, is not alerted)"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.AGENT)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["team", "user"], name="one_membership_per_team"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


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


class TwilioAccount(models.Model):
    """The Twilio account (or subaccount) that an account's numbers live in.

    `auth_token` is the primary token, `auth_token_next` the secondary one during a rotation; a
    webhook signed with either is accepted. `shared_key` is the newer HMAC-SHA256 webhook key.
    Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="twilio_accounts")
    account_sid = models.CharField("account SID", max_length=64, unique=True)
    auth_token = EncryptedTextField()
    auth_token_next = EncryptedTextField(blank=True, default="")
    api_key_sid = models.CharField("API key SID", max_length=64, blank=True, default="")
    api_key_secret = EncryptedTextField(blank=True, default="")
    shared_key_sid = models.CharField(max_length=64, blank=True, default="")
    shared_key = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "Twilio account"

    def __str__(self) -> str:
        return f"{self.account_sid[:6]}…{self.account_sid[-4:]}"


class AuditEntry(models.Model):
    """Who did what, when, to what: one line, never changed."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True)
    actor_label = models.CharField(max_length=120)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    data = models.JSONField(default=dict)
    is_alarm = models.BooleanField(
        default=False, help_text="It happened by itself, and the account's partner must know"
    )
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "audit entries"
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-at"], name="audit_by_account"),
            models.Index(fields=["-at"], name="audit_alarms", condition=models.Q(is_alarm=True)),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            pgtrigger.Protect(
                name="audit_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.subject}"
