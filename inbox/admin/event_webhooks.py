"""What may others see of the programs that accounts have told what happens? All but secrets."""

from django.contrib import admin

from accounts.admin_scope import LOOK, BigTableAdmin, OwnRowsFilter, ScopedAdmin
from inbox.models import EventCursor, EventDelivery, EventWebhook


@admin.register(EventWebhook)
class EventWebhookAdmin(ScopedAdmin[EventWebhook]):
    """Event webhooks. Account admins set them in the settings."""

    admin_may = LOOK
    fields = (
        *("account", "name", "url", "inbox", "kinds", "is_on", "switched_off_for"),
        *("answered_at", "failures", "failing_since", "failed_at", "failure"),
        *("version", "created_at", "changed_at"),
    )
    list_display = ("name", "account", "url", "is_on", "failures", "answered_at")
    list_filter = (("account", OwnRowsFilter), "is_on")
    list_select_related = ("account",)
    search_fields = ("name", "account__name")


@admin.register(EventCursor)
class EventCursorAdmin(ScopedAdmin[EventCursor]):
    """Up to which event of each inbox it is written down what webhooks are owed."""

    account_path = "webhook__account"
    fields = ("webhook", "inbox", "seq")
    list_display = ("webhook", "inbox", "seq")
    list_filter = (("webhook__account", OwnRowsFilter),)
    list_select_related = ("webhook", "inbox")
    search_fields = ("webhook__name",)


@admin.register(EventDelivery)
class EventDeliveryAdmin(BigTableAdmin[EventDelivery]):
    """What webhooks are owed and were told. Kept for seven days."""

    account_path = "webhook__account"
    fields = (
        *("webhook", "kind", "inbox", "seq", "conversation", "actor_id", "happened_at"),
        *("status", "tries", "next_at", "tried_at", "took_ms", "answer", "failure"),
    )
    list_display = ("happened_at", "webhook", "kind", "inbox", "seq", "status", "tries", "answer")
    list_filter = (("webhook__account", OwnRowsFilter), ("webhook", OwnRowsFilter), "status")
    list_select_related = ("webhook", "inbox")
    search_fields = ("conversation__public_id__exact",)
    search_help_text = "A conversation's id, as in addresses of pages"
