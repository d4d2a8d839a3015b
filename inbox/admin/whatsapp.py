"""What does Twilio say of accounts' WhatsApp? Looked at, never changed here: Twilio decides."""

from django.contrib import admin

from accounts.admin_scope import LOOK, OwnRowsFilter, ScopedAdmin
from inbox.models import WhatsAppState, WhatsAppSync, WhatsAppTemplate


@admin.register(WhatsAppTemplate)
class WhatsAppTemplateAdmin(ScopedAdmin[WhatsAppTemplate]):
    """Message templates with WhatsApp's verdict."""

    staff_may = partner_may = admin_may = LOOK
    fields = (
        "account", "name", "language", "category", "status", "provider_status", "rejection_reason",
        "content_type", "body", "variables", "content_sid", "synced_at", "gone_at",
        "asks_in", "asks_with",
    )  # fmt: skip
    list_display = ("name", "language", "account", "category", "status", "synced_at", "gone_at")
    list_filter = ("status", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("name", "content_sid", "account__name")


@admin.register(WhatsAppState)
class WhatsAppStateAdmin(ScopedAdmin[WhatsAppState]):
    """WhatsApp senders as Twilio has them, whether an inbox uses them or not."""

    staff_may = partner_may = admin_may = LOOK
    fields = (
        "account", "address", "name", "status", "provider_status", "quality", "messaging_limit",
        "reasons", "provider_sid", "synced_at", "gone_at",
    )  # fmt: skip
    list_display = ("address", "account", "status", "quality", "messaging_limit", "synced_at")
    list_filter = ("status", "quality", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("address", "name", "account__name")


@admin.register(WhatsAppSync)
class WhatsAppSyncAdmin(ScopedAdmin[WhatsAppSync]):
    """When Twilio was asked about WhatsApp, and what came of it."""

    account_path = "twilio_account__account"
    staff_may = partner_may = LOOK
    fields = ("asked_at", "answered_at", "problem")
    list_display = ("account_sid", "asked_at", "answered_at", "problem")
    search_fields = ("twilio_account__account_sid", "twilio_account__account__name")
    list_select_related = ("twilio_account",)

    @admin.display(description="Twilio account")
    def account_sid(self, obj: WhatsAppSync) -> str:
        """Show which Twilio account was asked."""
        return str(obj.twilio_account)
