"""What happens to conversations when a whole account is stopped, and let go on?"""

from collections.abc import Sequence

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import AccountAdmin as BareAccountAdmin
from accounts.admin_scope import person
from accounts.admin_tasks import MOST_WHOLE, Task, TaskAdmin, posted
from accounts.models import Account
from accounts.suspending import resume_account, suspend_account
from inbox.setup.previews import Preview, preview_suspension


class SuspendForm(forms.Form):
    """Why?"""

    reason = forms.CharField(max_length=200, help_text="The account reads it.")


class Suspend(Task[Account]):
    """Stop everything an account does, and lose nothing."""

    name = "suspend"
    label = "Suspend"
    words = (
        "From this moment nobody in these accounts sees or answers a customer, no rule runs and "
        "nothing is sent. Messages that arrive are kept and STOP is honoured; resumed, the "
        "accounts show what arrived."
    )
    button = "Suspend"
    most = MOST_WHOLE

    def fits(self, row: Account) -> bool:
        """Only who is not suspended already."""
        return row.status == Account.Status.ACTIVE

    def form_for(self, request: HttpRequest, rows: Sequence[Account]) -> SuspendForm:
        """Ask why."""
        return SuspendForm(posted(request))

    def previews(
        self, request: HttpRequest, rows: Sequence[Account], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what each account would lose."""
        now = timezone.now()
        return [preview_suspension(account=row, now=now) for row in rows]

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Account],
        form: forms.Form,
        admin: TaskAdmin[Account],
    ) -> None:
        """Suspend one by one."""
        for row in rows:
            suspend_account(
                account=row,
                reason=form.cleaned_data["reason"],
                by=person(request),
                now=timezone.now(),
            )
        admin.message_user(request, f"Suspended: {len(rows)}.", messages.WARNING)


class Resume(Task[Account]):
    """Let a suspended account work again."""

    name = "resume"
    label = "Resume"
    words = "These accounts work again at once, and see what arrived while they were suspended."
    button = "Resume"

    def fits(self, row: Account) -> bool:
        """Only who is suspended."""
        return row.status == Account.Status.SUSPENDED

    def describe(self, row: Account) -> str:
        """Say why it was suspended."""
        return f"{row}: {row.suspended_reason}" if row.suspended_reason else str(row)

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[Account],
        form: forms.Form,
        admin: TaskAdmin[Account],
    ) -> None:
        """Resume one by one."""
        for row in rows:
            resume_account(account=row, by=person(request), now=timezone.now())
        admin.message_user(request, f"Working again: {len(rows)}.", messages.SUCCESS)


admin.site.unregister(Account)


@admin.register(Account)
class AccountAdmin(BareAccountAdmin):
    """Customer companies, and what can be done to all of one."""

    tasks = (Suspend(), Resume(), *BareAccountAdmin.tasks)
