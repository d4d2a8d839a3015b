"""What does the admin show of opt-ins that a second person approves? Facts."""

from django.contrib import admin

from accounts.admin_scope import OwnRowsFilter
from compliance.admin_facts import ConsentFactsAdmin
from inbox.models import OptInApproval


@admin.register(OptInApproval)
class OptInApprovalAdmin(ConsentFactsAdmin[OptInApproval]):
    """Who reported an opt-in for somebody who opted out, and who decided."""

    fields = (
        "account",
        "proposed",
        "asked_by",
        "asked_at",
        "outcome",
        "decided_by",
        "decided_at",
        "event",
    )
    list_display = ("asked_at", "account", "proposed", "asked_by", "outcome", "decided_by")
    list_filter = ("outcome", ("account", OwnRowsFilter))
    list_select_related = ("account", "asked_by", "decided_by")
    search_fields = ("asked_by__email__exact",)
    search_help_text = "The address of who reported it"
