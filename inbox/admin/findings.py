"""What is wrong at Twilio with how numbers are connected?"""

from django.contrib import admin

from accounts.admin_scope import LOOK, BigTableAdmin, OwnRowsFilter
from inbox.models import DriftFinding


@admin.register(DriftFinding)
class DriftFindingAdmin(BigTableAdmin[DriftFinding]):
    """What the daily look at Twilio found, until it was right again. Settings repair it."""

    admin_may = LOOK
    fields = ("account", "twilio_account", "sender", "kind", "found_at", "resolved_at")
    list_display = ("found_at", "account", "kind", "sender", "twilio_account", "resolved_at")
    list_filter = ("kind", ("resolved_at", admin.EmptyFieldListFilter), ("account", OwnRowsFilter))
    list_select_related = ("account", "sender", "twilio_account")
    search_fields = ("sender__address", "account__name")
