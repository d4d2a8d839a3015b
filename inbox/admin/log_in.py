"""Where are people logged in, and how does a company sign in? Keys and secrets are never shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import sessions
from accounts.admin_scope import ACT, LOOK, BigTableAdmin, OwnRowsFilter, ScopedAdmin, person
from accounts.admin_tasks import Task, TaskAdmin
from accounts.circumstances import shortened
from accounts.logins import end_session
from accounts.models import BrowserSession, PushSubscription, SignOn
from accounts.sign_on import make_only_way


class End(Task[BrowserSession]):
    """Log browsers out."""

    name = "end"
    label = "End"
    words = "These browsers are logged out, and what they have open closes within seconds."
    button = "End"

    def fits(self, row: BrowserSession) -> bool:
        """Only somebody's session."""
        return row.user is not None

    def do(
        self,
        request: HttpRequest,
        rows: Sequence[BrowserSession],
        form: forms.Form,
        admin: TaskAdmin[BrowserSession],
    ) -> None:
        """End them."""
        for row in rows:
            assert row.user is not None
            handle = sessions.handle_of(row)
            end_session(user=row.user, handle=handle, by=person(request), now=timezone.now())
        admin.message_user(request, f"Ended: {len(rows)}.", messages.SUCCESS)


@admin.register(BrowserSession)
class BrowserSessionAdmin(TaskAdmin[BrowserSession], BigTableAdmin[BrowserSession]):
    """Where people are logged in. Platform staff end sessions; partners have no business there."""

    account_path = "user__account"
    staff_may = LOOK | {ACT}
    partner_may = frozenset()
    tasks = (End(),)
    fields = ("user", "browser_name", "place", "started_at", "seen_at")
    readonly_fields = fields
    list_display = ("user", "browser_name", "place", "started_at", "seen_at")
    list_select_related = ("user__account",)
    search_fields = ("user__email", "user__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BrowserSession]:
        """Leave keys and contents where they are."""
        rows = super().get_queryset(request)
        return rows.defer("session_data").select_related("user__account")

    def account_id_of(self, obj: BrowserSession) -> int | None:
        """Return the account of whose session it is."""
        return obj.user.account_id if obj.user else None

    @admin.display(description="browser")
    def browser_name(self, obj: BrowserSession) -> str:
        """Show which browser, in words."""
        return sessions.browser_in_words(obj.browser)

    @admin.display(description="place")
    def place(self, obj: BrowserSession) -> str:
        """Show the network, not the address."""
        return shortened(obj.ip or "")


@admin.register(PushSubscription)
class PushSubscriptionAdmin(BigTableAdmin[PushSubscription]):
    """Browsers that are woken when a message comes. Where and with which keys nobody sees."""

    account_path = "user__account"
    staff_may = LOOK
    partner_may = frozenset()
    fields = ("user", "browser_name", "created_at", "seen_at", "sent_at", "failures")
    readonly_fields = fields
    list_display = fields
    list_select_related = ("user__account",)
    search_fields = ("user__email", "user__name")

    def account_id_of(self, obj: PushSubscription) -> int | None:
        """Return the account of whose browser it is."""
        return obj.user.account_id

    @admin.display(description="browser")
    def browser_name(self, obj: PushSubscription) -> str:
        """Show which browser, in words."""
        return sessions.browser_in_words(obj.browser)


class AllowOtherWays(Task[SignOn]):
    """Let people in who cannot reach their own issuer."""

    name = "allow-others"
    label = "Allow passwords and passkeys again"
    words = "People of these accounts can log in with their passwords and passkeys again."
    button = "Allow"

    def fits(self, row: SignOn) -> bool:
        """Only where it is the only way."""
        return row.is_only_way

    def do(
        self, request: HttpRequest, rows: Sequence[SignOn], form: forms.Form, admin: Any
    ) -> None:
        """Allow them."""
        now: datetime = timezone.now()
        for row in rows:
            make_only_way(account=row.account, is_only_way=False, by=person(request), now=now)
        admin.message_user(request, f"Allowed: {len(rows)}.", messages.SUCCESS)


@admin.register(SignOn)
class SignOnAdmin(TaskAdmin[SignOn], ScopedAdmin[SignOn]):
    """How a company signs in. Its account admin sets it up; here others can be let in again."""

    staff_may = partner_may = LOOK | {ACT}
    tasks = (AllowOtherWays(),)
    fields = ("account", "issuer", "client_id", "domains", "is_on", "is_only_way", "proved_at")
    list_display = ("account", "issuer", "is_on", "is_only_way", "proved_at")
    list_filter = ("is_on", "is_only_way", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("account__name", "issuer")
    ordering = ("account__name",)
