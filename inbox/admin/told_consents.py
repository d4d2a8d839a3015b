"""What does the admin show of consents that programs told of under a key? Facts."""

from django.contrib import admin

from accounts.admin_scope import OwnRowsFilter
from compliance.admin_facts import ConsentFactsAdmin
from inbox.models import ToldConsent


@admin.register(ToldConsent)
class ToldConsentAdmin(ConsentFactsAdmin[ToldConsent]):
    """Which requests came with an Idempotency-Key, and how they were answered."""

    fields = ("account", "key", "said", "status", "told_at")
    list_display = ("told_at", "account", "key", "status")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("key__exact",)
    search_help_text = "An Idempotency-Key"
