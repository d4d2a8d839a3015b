"""What does the admin show of doubts about consent? Facts, to those who may see consents."""

from django.contrib import admin

from accounts.admin_scope import OwnRowsFilter
from compliance.admin_facts import ConsentFactsAdmin
from inbox.models import ConsentReview


@admin.register(ConsentReview)
class ConsentReviewAdmin(ConsentFactsAdmin[ConsentReview]):
    """Which messages may have asked to stop, and who decided what they meant."""

    fields = (
        "account",
        "kind",
        "thread",
        "message",
        "event",
        "opened_at",
        "due_at",
        "ends_at",
        "reminders",
        "outcome",
        "decided_at",
        "decided_by",
    )
    list_display = ("due_at", "account", "kind", "outcome", "decided_at", "decided_by")
    list_filter = ("kind", "outcome", ("account", OwnRowsFilter))
    list_select_related = ("account", "decided_by")
    search_fields = ("thread__public_id__exact", "message__public_id__exact")
    search_help_text = "A thread's or a message's id"
