"""Which Twilio accounts are ours, with which credentials? Twilio is asked before any is saved."""

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.admin_forms import SECRETS, TwilioAccountForm
from accounts.admin_scope import ACT, FULL, LOOK, AuditedAdmin, OwnRowsFilter, count_of, person
from accounts.admin_tasks import Task, TaskAdmin
from accounts.models import TwilioAccount
from inbox.models import Sender
from inbox.setup import connections
from inbox.setup.connections import Credentials, check_typed, promote_next_token
from inbox.setup.previews import Preview, preview_subaccount_off
from inbox.setup.refusals import REFUSALS, SetUpError
from inbox.setup.subaccounts import set_subaccount_status
from inbox.status_urls import fallback_url, sender_status_url, webhook_url
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError

SECRET_COLUMNS = tuple(SECRETS)
SECRET_INPUTS = tuple(f"new_{name}" for name in SECRETS)


def _sign(name: str, label: str) -> Callable[[TwilioAccount], str]:
    """Make a column that says whether a secret is set."""

    @admin.display(description=label)
    def sign(obj: TwilioAccount) -> str:
        return "set" if getattr(obj, f"has_{name}", False) else "not set"

    return sign


SIGNS: tuple[Any, ...] = tuple(_sign(name, label) for name, label in SECRETS.items())


class SubaccountTask(Task[TwilioAccount]):
    """Change what a subaccount of ours may do at Twilio, one at a time."""

    status: ClassVar[str]
    done: ClassVar[str]

    def fits(self, row: TwilioAccount) -> bool:
        """Only one that we opened, that is not closed, and that is not so already."""
        return row.is_ours and row.status not in (TwilioAccount.Status.CLOSED, self.status)

    def problem_with(self, rows: Sequence[TwilioAccount]) -> str:
        """One at a time: Twilio is asked, and each page says what happens."""
        return "Choose one at a time." if len(rows) > 1 else ""

    def describe(self, row: TwilioAccount) -> str:
        """Say whose it is."""
        return f"{row} of {row.account}"

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[TwilioAccount],
        form: forms.Form,
        admin: TaskAdmin[TwilioAccount],
    ) -> None:
        """Ask Twilio; say what it says."""
        for row in rows:
            try:
                set_subaccount_status(
                    subaccount=row, status=self.status, by=person(request), now=timezone.now()
                )
            except (SetUpError, TwilioRefusedError, TwilioAwayError) as error:
                admin.message_user(request, error.reason, messages.ERROR)
            else:
                admin.message_user(request, self.done, messages.SUCCESS)


class SuspendSubaccount(SubaccountTask):
    """Stop everything, for a while."""

    name = "suspend"
    label = "Suspend at Twilio"
    words = (
        "Nothing is sent and nothing received any more: customers' messages are lost at Twilio "
        "while it is suspended. What is queued here waits. It can be made active again."
    )
    button = "Suspend"
    status = TwilioAccount.Status.SUSPENDED
    done = "Suspended at Twilio; its numbers are paused here."

    def previews(
        self, request: HttpRequest, rows: Sequence[TwilioAccount], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what would stop."""
        return [preview_subaccount_off(subaccount=row, is_for_ever=False) for row in rows]


class ReactivateSubaccount(SubaccountTask):
    """Let it work again."""

    name = "reactivate"
    label = "Make active at Twilio"
    words = "It sends and receives again, and what is queued goes out."
    button = "Make active"
    status = TwilioAccount.Status.ACTIVE
    done = "Active at Twilio; its numbers send again."

    def fits(self, row: TwilioAccount) -> bool:
        """Only what is suspended."""
        return row.is_ours and row.status == TwilioAccount.Status.SUSPENDED


class CloseSubaccount(SubaccountTask):
    """End it for ever."""

    name = "close"
    label = "Close at Twilio for ever"
    words = (
        "This cannot be undone. Its numbers are given back to Twilio and somebody else may get "
        "them; customers can no longer write to them. Conversations stay readable here."
    )
    button = "Close for ever"
    status = TwilioAccount.Status.CLOSED
    done = "Closed at Twilio; its numbers are removed from their inboxes."

    def previews(
        self, request: HttpRequest, rows: Sequence[TwilioAccount], form: forms.Form
    ) -> Sequence[Preview]:
        """Say what would be gone."""
        return [preview_subaccount_off(subaccount=row, is_for_ever=True) for row in rows]


class PromoteToken(Task[TwilioAccount]):
    """Finish a change of tokens."""

    name = "promote-token"
    label = "Make the next auth token the current one"
    words = (
        "Do this after Twilio made its secondary token the primary one. The old token is "
        "forgotten: webhooks signed with it are refused from then on."
    )
    button = "Make it current"

    def fits(self, row: TwilioAccount) -> bool:
        """There must be a next token."""
        return bool(getattr(row, "has_auth_token_next", False))

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[TwilioAccount],
        form: forms.Form,
        admin: TaskAdmin[TwilioAccount],
    ) -> None:
        """Ask Twilio whether it signs with the next token yet; else its webhooks would be lost."""
        for row in rows:
            try:
                promote_next_token(
                    # The rows of the admin are read without their secrets.
                    connection=TwilioAccount.objects.get(pk=row.pk),
                    by=person(request),
                    now=timezone.now(),
                )
            except REFUSALS as error:
                admin.message_user(request, f"{row}: {error.reason}", messages.ERROR)
            else:
                words = f"{row}: the next token is the current one now."
                admin.message_user(request, words, messages.SUCCESS)


@admin.register(TwilioAccount)
class TwilioAccountAdmin(TaskAdmin[TwilioAccount], AuditedAdmin[TwilioAccount]):
    """Twilio accounts. Their secrets go in and never come out: no page here ever reads one."""

    staff_may = partner_may = FULL | {ACT}
    admin_may = LOOK
    form = TwilioAccountForm
    tasks = (PromoteToken(), SuspendSubaccount(), ReactivateSubaccount(), CloseSubaccount())
    fixed_fields = ("account", "account_sid")
    readonly_fields = (*SIGNS, "addresses", "is_ours", "status", "checked_at", "created_at")
    audited = ("account_sid", "api_key_sid", "shared_key_sid")
    autocomplete_fields = ("account",)
    list_display = ("account_sid", "account", "is_ours", "status", "sender_count", *SIGNS)
    list_filter = ("is_ours", "status", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("account__name", "account_sid")
    ordering = ("account__name", "account_sid")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TwilioAccount]:
        """Leave the secrets in the database; ask only which are set."""
        are_set: dict[str, Any] = {
            f"has_{name}": ExpressionWrapper(~Q(**{name: ""}), output_field=BooleanField())
            for name in SECRETS
        }
        counts = count_of(Sender.objects.all(), "twilio_account")
        rows = super().get_queryset(request).defer(*SECRET_COLUMNS)
        return rows.annotate(sender_count=counts, **are_set)

    def get_fieldsets(self, request: HttpRequest, obj: TwilioAccount | None = None) -> Any:
        """Show the signs only where there is something to tell."""
        facts = ("is_ours", "status", "checked_at", "created_at")
        account = ("account", "account_sid", *(facts if obj else ()))
        sids = ("api_key_sid", "shared_key_sid")
        signs, forget = (SIGNS, ("forget",)) if obj else ((), ())
        sets = [
            (None, {"fields": account}),
            ("Keys", {"fields": sids}),
            ("Secrets", {"fields": (*signs, *SECRET_INPUTS, *forget)}),
        ]
        return [*sets, ("Addresses for Twilio", {"fields": ("addresses",)})] if obj else sets

    @method_decorator(sensitive_post_parameters(*SECRET_INPUTS))
    @method_decorator(sensitive_variables())
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Ask Twilio about what was typed before the transaction in which the form is saved.

        What is typed stays out of error reports, variables of all frames below included.
        """
        if request.method == "POST":
            setattr(request, _SAID, self._said_of(request, object_id))
        return super().changeform_view(request, object_id, *args, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: TwilioAccount | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Let the form know what Twilio said."""
        form: Any = super().get_form(request, obj, *args, **kwargs)
        form.refused = getattr(request, _SAID, {})
        return form

    def save_model(
        self, request: HttpRequest, obj: TwilioAccount, form: forms.Form, change: bool
    ) -> None:
        """Note that Twilio accepted what was typed."""
        if any(form.cleaned_data.get(name) for name in SECRET_INPUTS):
            obj.checked_at = timezone.now()
        super().save_model(request, obj, form, change)

    @sensitive_variables()
    def _said_of(self, request: HttpRequest, object_id: str | None) -> dict[str | None, str]:
        """Return what Twilio has against what was typed, by the field of the form."""
        row = self.get_object(request, object_id) if object_id else None
        may = self.has_change_permission(request, row) if row else self.has_add_permission(request)
        typed = _typed(request, row)
        if not may or not ACCOUNT_SID.fullmatch(typed.account_sid):
            return {}  # the form has its own words for that
        try:
            check_typed(typed)
        except SetUpError as error:
            return {f"new_{error.field}" if error.field in SECRETS else None: error.reason}
        except (TwilioAwayError, TwilioRefusedError) as error:
            return {None: f"{error.reason} Nothing was saved."}
        return {}

    @admin.display(description="senders", ordering="sender_count")
    def sender_count(self, obj: TwilioAccount) -> int:
        """Show how many numbers it has."""
        return int(getattr(obj, "sender_count", 0))

    @admin.display(description="addresses")
    def addresses(self, obj: TwilioAccount) -> SafeString | str:
        """Show, for each number, what to enter at Twilio."""
        rows = [
            (sender.address, webhook_url(sender), fallback_url(sender), sender_status_url(sender))
            for sender in obj.senders.all()
        ]
        line = (
            "<p><strong>{}</strong><br>Messages: <code>{}</code><br>"
            "Fallback: <code>{}</code><br>Status: <code>{}</code></p>"
        )
        return format_html_join("", line, rows) or "There is no number yet."


_SAID = "_twilio_said"
ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")


def _typed(request: HttpRequest, row: TwilioAccount | None) -> Credentials:
    """Return the credentials that a form sent; an API key only with the secret that is new."""
    sent = {name: request.POST.get(f"new_{name}", "").strip() for name in connections.SECRETS}
    key_sid = request.POST.get("api_key_sid", "").strip()
    return Credentials(
        account_sid=row.account_sid if row else request.POST.get("account_sid", "").strip(),
        api_key_sid=key_sid if sent["api_key_secret"] else "",
        **sent,
    )
