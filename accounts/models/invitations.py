"""Who was asked to come, and has not come yet?"""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from accounts.models.people import Membership, Team, User
from accounts.models.tenants import Account


class Invitation(models.Model):
    """One address that was asked to join an account. Open until it is accepted or revoked.

    The link in the mail holds a token; here is only its hash. `send_after` says that a mail is
    owed: the row is the promise, and a worker that sends it makes the token. Sending again makes a
    new one, so that an old link is dead.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail address")
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(
        max_length=14,
        choices=[
            (role.value, role.label)
            for role in (User.Role.MEMBER, User.Role.ACCOUNT_ADMIN, User.Role.AUDITOR)
        ],
        default=User.Role.MEMBER,
    )
    wants_license = models.BooleanField(
        "with a licence", default=False, help_text="If a seat is free when they come"
    )
    invited_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    token_hash = models.CharField(max_length=64, blank=True, default="")
    send_after = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-invited_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "account",
                Lower("email"),
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_open_invitation_per_address",
            ),
            models.UniqueConstraint(
                fields=["token_hash"],
                condition=~models.Q(token_hash=""),
                name="one_invitation_per_token",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=["member", "account_admin", "auditor"]),
                name="people_are_invited_to_an_account",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["send_after"],
                condition=models.Q(send_after__isnull=False),
                name="invitation_mail_owed",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_open(self) -> bool:
        """Say whether it was neither accepted nor revoked."""
        return self.accepted_at is None and self.revoked_at is None


class InvitationTeam(models.Model):
    """A team that somebody joins when they accept, and as what."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="teams")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(
        max_length=10, choices=Membership.Role.choices, default=Membership.Role.AGENT
    )

    class Meta:
        verbose_name = "team of an invitation"
        verbose_name_plural = "teams of invitations"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["invitation", "team"], name="one_part_per_team_and_invitation"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invitation} to {self.team}"
