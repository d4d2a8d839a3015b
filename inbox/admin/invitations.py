"""Whom do partners and platform staff invite? The account admins of their accounts, by mail."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_scope import (
    ACT,
    ADD,
    LOOK,
    BigTableAdmin,
    OwnRowsFilter,
    ScopedAdmin,
    person,
)
from accounts.admin_tasks import Task, TaskAdmin
from accounts.models import Invitation, InvitationTeam, User
from inbox.setup import invitations as stories
from inbox.setup.invitations import Asked, InvitationError, Outcome


class InvitationForm(forms.ModelForm[Invitation]):
    """A new account admin."""

    class Meta:
        model = Invitation
        fields: ClassVar[list[str]] = ["account", "email", "name"]

    def clean_email(self) -> str:
        """Keep addresses in lower case."""
        return str(self.cleaned_data["email"]).strip().lower()

    def clean(self) -> dict[str, Any] | None:
        """Refuse who is here already. Of other accounts nothing is said."""
        cleaned = super().clean()
        account, email = self.cleaned_data.get("account"), self.cleaned_data.get("email")
        if account and email and User.objects.filter(account=account, email=email).exists():
            self.add_error("email", "They are a person of this account already.")
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # Whoever was asked before is asked again: that is no second invitation.
        return {*super()._get_validation_exclusions(), "email"}  # type: ignore[misc]


class SendAgain(Task[Invitation]):
    """Send the mail once more."""

    name = "again"
    label = "Send again"
    words = "A new mail goes out, with a new link for 7 days. The old link is dead."
    button = "Send again"

    def fits(self, row: Invitation) -> bool:
        """Only while it is open."""
        return row.is_open

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Invitation],
        form: forms.Form,
        admin: TaskAdmin[Invitation],
    ) -> None:
        """Owe the mails."""
        for row in rows:
            stories.send_again(invitation=row, by=person(request), now=timezone.now())
        admin.message_user(request, f"On their way: {len(rows)}.", messages.SUCCESS)


class Revoke(Task[Invitation]):
    """Take an invitation back."""

    name = "revoke"
    label = "Take back"
    words = "The link in the mail is dead from now on."
    button = "Take back"

    def fits(self, row: Invitation) -> bool:
        """Only while it is open."""
        return row.is_open

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Invitation],
        form: forms.Form,
        admin: TaskAdmin[Invitation],
    ) -> None:
        """Revoke them."""
        for row in rows:
            stories.revoke(invitation=row, by=person(request), now=timezone.now())
        admin.message_user(request, f"Taken back: {len(rows)}.", messages.SUCCESS)


@admin.register(Invitation)
class InvitationAdmin(TaskAdmin[Invitation], ScopedAdmin[Invitation]):
    """Who was asked to join. Partners invite account admins, who invite everybody else."""

    staff_may = partner_may = LOOK | {ADD, ACT}
    form = InvitationForm
    tasks = (SendAgain(), Revoke())
    _facts = ("role", "invited_by", "invited_at", "sent_at", "expires_at", "accepted_at")
    autocomplete_fields = ("account",)
    list_display = ("email", "account", "role", "state", "invited_at", "expires_at", "invited_by")
    list_filter = ("role", ("account", OwnRowsFilter))
    list_select_related = ("account", "invited_by")
    search_fields = ("email", "name", "account__name")
    ordering = ("-invited_at", "-pk")

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        """Ask for little; show what became of it."""
        asked = ("account", "email", "name")
        return (*asked, *self._facts, "revoked_at") if obj else asked

    def save_model(
        self, request: HttpRequest, obj: Invitation, form: forms.Form, change: bool
    ) -> None:
        """Invite by the story; the page then shows the row that it made or renewed."""
        line = f"{obj.name} <{obj.email}>" if obj.name else obj.email
        results = stories.invite(
            account=obj.account,
            lines=line,
            asked=Asked(role=User.Role.ACCOUNT_ADMIN),
            by=person(request),
            now=timezone.now(),
        )
        row = Invitation.objects.filter(
            account=obj.account, email=obj.email, accepted_at=None, revoked_at=None
        ).first()
        if row is None:
            raise InvitationError("nobody", "Nobody was invited.")
        obj.pk = row.pk
        obj.refresh_from_db()
        if results[0].outcome == Outcome.RENEWED:
            words = "They were invited before: a new mail goes out, the old link is dead."
            self.message_user(request, words, messages.WARNING)

    @admin.display(description="state")
    def state(self, obj: Invitation) -> str:
        """Show how far it got."""
        if obj.accepted_at:
            return "accepted"
        if obj.revoked_at:
            return "taken back"
        if obj.expires_at <= timezone.now():
            return "expired"
        if obj.sent_at:
            return "mail sent"
        return "mail on its way" if obj.send_after else "mail could not be sent"


@admin.register(InvitationTeam)
class InvitationTeamAdmin(BigTableAdmin[InvitationTeam]):
    """Which teams somebody joins when they accept."""

    account_path = "invitation__account"
    fields = ("invitation", "team", "role")
    list_display = ("invitation", "team", "role")
    list_select_related = ("invitation", "team")
    search_fields = ("invitation__email", "team__name")
