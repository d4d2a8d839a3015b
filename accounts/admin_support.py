"""How does a partner or member of staff go into an account for support, from the admin?

And what may they do here only while they are in it (behaviour 10)?
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin_scope import LOOK, AuditedAdmin, M, OwnRowsFilter, ScopedAdmin, person
from accounts.admin_tasks import Task, TaskAdmin, posted
from accounts.models import Account, SupportAccess
from accounts.support import (
    SupportRefusedError,
    ask_for_support,
    is_from_outside,
    open_support_of,
)

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
    list_filter = ("starts_at", ("account", OwnRowsFilter))
    list_select_related = ("account", "user")
    search_fields = ("account__name", "user__name", "user__email", "reason")
    ordering = ("-starts_at", "-pk")

    @admin.display(description="open now", boolean=True)
    def is_open(self, obj: SupportAccess) -> Any:
        """Show whether it lets somebody in at this moment."""
        now = timezone.now()  # noqa: TID251 - the admin is an edge
        return obj.ended_at is None and obj.starts_at <= now < obj.ends_at


# --- What is done in it only ----------------------------------------------------------------------

NOT_IN_IT = _("Enter the account for support first: what its inboxes do is its own affair.")


def support_now(request: HttpRequest) -> SupportAccess | None:
    """Return where the person who asks is for support now, or None; asked once for a request."""
    kept = request.__dict__
    if "_support_now" not in kept:
        now = timezone.now()  # noqa: TID251 - the admin is an edge
        kept["_support_now"] = open_support_of(person(request), now=now)
    found: SupportAccess | None = kept["_support_now"]
    return found


class SetUpAdmin(TaskAdmin[M], AuditedAdmin[M]):
    """An admin of what an account's own admins set up.

    Who looks after the account from outside always sees it, and changes it only while they are in
    the account for support.
    """

    change_form_template = "admin/set_up.html"
    change_list_template = "admin/set_up_list.html"
    # Tasks that change how the account is set up.
    set_up_tasks: frozenset[str] = frozenset()

    def is_open_to(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Say whether this person may change this row, or any row, at this moment."""
        if not is_from_outside(person(request)):
            return True
        support = support_now(request)
        if support is None:
            return False
        return obj is None or self.account_id_of(obj) == support.account_id

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say whether this person may add rows."""
        return super().has_add_permission(request) and self.is_open_to(request)

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Say whether this person may change rows."""
        return super().has_change_permission(request, obj) and self.is_open_to(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Say whether this person may delete rows."""
        return super().has_delete_permission(request, obj) and self.is_open_to(request, obj)

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """Offer and accept in a form only what belongs to the account one is in."""
        rows = super().get_field_queryset(db, db_field, request)
        if not is_from_outside(person(request)):
            return rows
        support = support_now(request)
        other = self.admin_site.get_model_admin(db_field.remote_field.model)
        assert isinstance(other, ScopedAdmin)
        return rows.filter(**{other.account_path: support.account_id}) if support else rows.none()

    def problem_with(self, request: HttpRequest, task: Task[M], rows: Sequence[M]) -> str:
        """Say where one must be first, if one is not there."""
        is_shut = not all(self.is_open_to(request, row) for row in rows)
        if task.name in self.set_up_tasks and is_shut:
            return str(NOT_IN_IT)
        return super().problem_with(request, task, rows)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Say above the list why nothing can be added."""
        is_shut = not self.is_open_to(request)
        return super().changelist_view(request, {**(extra_context or {}), "is_shut": is_shut})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Say above a row why it cannot be changed, and lead to where it can."""
        obj = context.get("original")
        if obj and not self.is_open_to(request, obj):
            enter = reverse(f"{self.admin_site.name}:accounts_account_{EnterForSupport.name}")
            context["enter_url"] = f"{enter}?{urlencode({'ids': self.account_id_of(obj)})}"
        return super().render_change_form(request, context, *args, **kwargs)
