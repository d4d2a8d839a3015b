"""Who logs in, and in which teams they are."""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models.tenants import Account, Partner

_OF_AN_ADMIN = pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
    "role", "is_active", "account_id"
)


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
    """A person who logs in; or a program of an account, which never does (see `ApiKey`)."""

    class Role(models.TextChoices):
        MEMBER = "member", _("Member (agent or supervisor in teams)")
        ACCOUNT_ADMIN = "account_admin", _("Account admin")
        AUDITOR = "auditor", _("Auditor")
        PARTNER = "partner", _("Partner")
        STAFF = "staff", _("Platform staff")
        PROGRAM = "program", _("Program (acts with an API key)")

    class Availability(models.TextChoices):
        AVAILABLE = "available", _("Available")
        AWAY = "away", _("Away")

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Speaks(models.TextChoices):
        ALL = "all", _("All news")
        OPEN = "open", _("Only news of the open conversation")
        OFF = "off", _("No news, only failures and answers to what I do")

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
    language = models.CharField(
        max_length=8, blank=True, default="", db_default="", help_text="Empty: as the browser asks"
    )
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    speaks = models.CharField(
        max_length=4,
        choices=Speaks.choices,
        default=Speaks.ALL,
        db_default=Speaks.ALL,
        help_text="What pages read out to a screen reader by themselves",
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may open the admin", default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    failed_logins = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Since they last came in"
    )

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
            # Whoever lists the people of an account, or lets somebody in, finds no program.
            models.CheckConstraint(
                condition=~models.Q(role="program")
                | models.Q(account=None, partner=None, is_active=False, is_staff=False),
                name="programs_never_log_in",
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            # Two admins who deactivate each other at one moment wait for the account's row; the
            # second then finds that nobody else is left.
            pgtrigger.Trigger(
                name="an_account_keeps_an_admin",
                when=pgtrigger.Before,
                operation=_OF_AN_ADMIN | pgtrigger.Delete,
                condition=pgtrigger.Q(old__role="account_admin", old__is_active=True),
                func="""
                    IF TG_OP = 'UPDATE' AND NEW.role = OLD.role AND NEW.is_active
                        AND NEW.account_id = OLD.account_id THEN
                        RETURN NEW;
                    END IF;
                    PERFORM 1 FROM accounts_account WHERE id = OLD.account_id FOR NO KEY UPDATE;
                    IF NOT EXISTS (
                        SELECT 1 FROM accounts_user WHERE account_id = OLD.account_id
                        AND id <> OLD.id AND role = 'account_admin' AND is_active
                    ) THEN
                        RAISE EXCEPTION 'an account keeps an admin'
                            USING ERRCODE = '23514', CONSTRAINT = 'an_account_keeps_an_admin';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="who_holds_a_license_stays_in_their_account",
                operation=pgtrigger.UpdateOf("account_id"),  # type: ignore[no-untyped-call]
                when=pgtrigger.Before,
                func="""
                    IF NEW.account_id IS DISTINCT FROM OLD.account_id AND EXISTS (
                        SELECT 1 FROM accounts_license WHERE holder_id = NEW.id
                    ) THEN
                        RAISE EXCEPTION 'the person holds, or held, a licence of their account'
                        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME,
                        CONSTRAINT = 'who_holds_a_license_stays_in_their_account';
                    END IF;
                    RETURN NEW;
                """,
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
        AGENT = "agent", _("Agent")
        SUPERVISOR = "supervisor", _("Supervisor")
        OBSERVER = "observer", _("Observer (reads, is not alerted)")

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
