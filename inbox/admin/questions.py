"""What does the admin show of questions about consent? Facts, to those who may see consents."""

from django.contrib import admin

from accounts.admin_scope import OwnRowsFilter
from compliance.admin_facts import ConsentFactsAdmin
from inbox.models import ConsentQuestion


@admin.register(ConsentQuestion)
class ConsentQuestionAdmin(ConsentFactsAdmin[ConsentQuestion]):
    """Who was asked whether they consent, or what they keep, and what came of it."""

    fields = (
        "account",
        "kind",
        "programme",
        "thread",
        "message",
        "event",
        "language",
        "asked_at",
        "ends_at",
        "answered_at",
        "outcome",
        "answer",
    )
    list_display = ("asked_at", "account", "kind", "programme", "outcome", "answered_at")
    list_filter = ("kind", "outcome", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("thread__public_id__exact", "message__public_id__exact")
    search_help_text = "A thread's or a message's id"
