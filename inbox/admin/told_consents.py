"""What does the admin show of consents that programs told of under a key? Facts."""

from django.contrib import admin

from accounts.admin_scope import OwnRowsFilter
from compliance.admin_facts import ConsentFactsAdmin
from inbox.models import ToldConsent


@admin.register(ToldConsent)
class ToldConsentAdmin(ConsentFactsAdmin[ToldConsent]):
    """When requests with an Idempotency-Key came, and how they were answered.

    The key is a program's own, and may say who somebody is.
    """

    fields = ("account", "said", "status", "told_at")
    list_display = ("told_at", "account", "status")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("said__exact",)
    search_help_text = "The hash of what was said"
