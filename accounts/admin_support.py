"""How does a partner or member of staff go into an account for support, from the admin?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin_scope import LOOK, ScopedAdmin, person
from accounts.admin_tasks import Task, TaskAdmin, posted
from accounts.models import Account, SupportAccess
from accounts.support import SupportRefusedError, ask_for_support

MINUTES = (
    (30, _("half an hour")),
    (60, _("one hour")),
    (120, _("two hours")),
    (240, _("four hours")),
    (480, _("eight hours")),
)


class SupportForm(forms.Form):
    """Why, and for how long?"""

    reason = forms.CharField(
        max_length=200,
        help_text=_("Everybody of the account reads it: “Ticket 1234, their hours look wrong.”"),
    )
    minutes = forms.TypedChoiceField(
        label=_("For"),
        choices=MINUTES,
        coerce=int,
        initial=60,
        help_text=_("Leave earlier if done."),
    )


class EnterForSupport(Task[Account]):
    """Go into an account."""

    name = "enter-for-support"
    label = "Enter for support"
    words = (
        "You see this account's settings, which you may change, and its conversations, which you "
        "may read. You cannot answer anybody. Everybody in the account sees that you are there, "
        "why and until when; they can end it at any moment. Every page you look at is written "
        "down."
    )
    button = "Enter"

    def problem_with(self, rows: Sequence[Account]) -> str:
        """One is in one account at a time."""
        return "Choose one account." if len(rows) > 1 else ""

    def form_for(self, request: HttpRequest, rows: Sequence[Account]) -> SupportForm:
        """Ask why and for how long."""
        return SupportForm(posted(request))

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Account],
        form: forms.Form,
        admin: TaskAdmin[Account],
    ) -> HttpResponse | None:
        """Enter, and go to the account's settings; or say why not."""
        now = timezone.now()  # noqa: TID251 - the admin is an edge
        said = form.cleaned_data
        try:
            ask_for_support(
                account=rows[0],
                user=person(request),
                reason=said["reason"],
                ends_at=now + timedelta(minutes=said["minutes"]),
                now=now,
            )
        except SupportRefusedError as refusal:
            admin.message_user(request, refusal.reason, messages.ERROR)
            return None
        return HttpResponseRedirect(reverse("settings"))


@admin.register(SupportAccess)
class SupportAccessAdmin(ScopedAdmin[SupportAccess]):
    """Who was in which account for support, why, from when to when."""

    admin_may = auditor_may = LOOK

    fields = ("account", "user", "reason", "starts_at", "ends_at", "ended_at", "ended_by")
    list_display = ("account", "user", "reason", "starts_at", "ends_at", "is_open", "ended_at")
    list_filter = ("starts_at",)
    list_select_related = ("account", "user")
    search_fields = ("account__name", "user__name", "user__email", "reason")
    ordering = ("-starts_at", "-pk")

    @admin.display(description="open now", boolean=True)
    def is_open(self, obj: SupportAccess) -> Any:
        """Show whether it lets somebody in at this moment."""
        now = timezone.now()  # noqa: TID251 - the admin is an edge
        return obj.ended_at is None and obj.starts_at <= now < obj.ends_at
