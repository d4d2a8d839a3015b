"""How do staff see what came from outside and was asked there? Nothing is changed here."""

from django.contrib import admin

from accounts.admin_scope import OwnRowsFilter
from compliance.admin_facts import ConsentFactsAdmin
from compliance.models import (
    ConsentComparison,
    ConsentDifference,
    ConsentImport,
    ConsentImportLine,
    ConsentSharing,
    ReassignmentCheck,
    ReassignmentPolicy,
    SharedConsent,
)


@admin.register(ConsentImport)
class ConsentImportAdmin(ConsentFactsAdmin[ConsentImport]):
    """Files of consents; the file itself is shown to nobody."""

    fields = (
        "account",
        "public_id",
        "status",
        "file_name",
        "file_sha256",
        "mapped",
        "attestation",
        "uploaded_by",
        "uploaded_at",
        "started_at",
        "finished_at",
        "canceled_by",
        "problem",
        "rows",
        "total",
        "done",
        "opted_out",
        "opted_in",
        "asked",
        "questions",
        "ask_next_at",
        "unproven",
        "superseded",
        "already",
        "refused",
        "repeated",
        "wrong",
    )
    list_display = ("uploaded_at", "account", "file_name", "status", "rows", "done", "opted_out")
    list_filter = ("status", ("account", OwnRowsFilter))
    list_select_related = ("account", "uploaded_by", "canceled_by")
    search_fields = ("public_id__exact", "file_sha256__exact")
    search_help_text = "The id of an import, or the hash of its file"


@admin.register(ConsentImportLine)
class ConsentImportLineAdmin(ConsentFactsAdmin[ConsentImportLine]):
    """What became of rows that were not simply recorded."""

    fields = ("account", "file", "line", "outcome", "field", "reason", "cell", "event")
    list_display = ("line", "account", "file", "outcome", "field", "reason")
    list_filter = ("outcome", ("account", OwnRowsFilter))
    list_select_related = ("account", "file")
    search_fields = ("file__public_id__exact",)
    search_help_text = "The id of an import"


@admin.register(ConsentSharing)
class ConsentSharingAdmin(ConsentFactsAdmin[ConsentSharing]):
    """Which accounts tell Twilio of their consents, and how far they are."""

    fields = ("account", "is_on", "shared_seq", "compared_at", "changed_by", "changed_at")
    list_display = ("account", "is_on", "shared_seq", "compared_at", "changed_by", "changed_at")
    list_filter = ("is_on", ("account", OwnRowsFilter))
    list_select_related = ("account", "changed_by")
    search_fields = ("account__name",)


@admin.register(SharedConsent)
class SharedConsentAdmin(ConsentFactsAdmin[SharedConsent]):
    """What Twilio was told of consents, and what it said."""

    fields = (
        "account",
        "seq",
        "handle",
        "sender_id",
        "status",
        "source",
        "correlation_id",
        "state",
        "attempts",
        "due_at",
        "error_code",
        "made_at",
        "settled_at",
    )
    list_display = ("made_at", "account", "seq", "sender_id", "status", "state", "error_code")
    list_filter = ("state", "status", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("handle__exact", "correlation_id__exact")
    search_help_text = "A handle, or a correlation id"


@admin.register(ConsentComparison)
class ConsentComparisonAdmin(ConsentFactsAdmin[ConsentComparison]):
    """When opt-outs were compared with Twilio's side."""

    fields = (
        "account",
        "begun_at",
        "ended_at",
        "since",
        "problem",
        "messages",
        "opted_out",
        "blocks",
        "adopted",
    )
    list_display = ("begun_at", "account", "messages", "blocks", "adopted", "problem")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(ConsentDifference)
class ConsentDifferenceAdmin(ConsentFactsAdmin[ConsentDifference]):
    """What a comparison found, and what was done."""

    fields = (
        "account",
        "comparison",
        "kind",
        "handle",
        "ending",
        "our_address",
        "message_sid",
        "done",
    )
    list_display = ("comparison", "account", "kind", "ending", "our_address", "done")
    list_filter = ("kind", ("account", OwnRowsFilter))
    list_select_related = ("account", "comparison")
    search_fields = ("handle__exact",)
    search_help_text = "A handle"


@admin.register(ReassignmentPolicy)
class ReassignmentPolicyAdmin(ConsentFactsAdmin[ReassignmentPolicy]):
    """Which accounts ask whether numbers changed owner."""

    fields = (
        "account",
        "is_on",
        "older_than_days",
        "again_days",
        "most_a_day",
        "spent_on",
        "spent",
        "changed_by",
        "changed_at",
    )
    list_display = ("account", "is_on", "older_than_days", "most_a_day", "spent_on", "spent")
    list_filter = ("is_on", ("account", OwnRowsFilter))
    list_select_related = ("account", "changed_by")
    search_fields = ("account__name",)


@admin.register(ReassignmentCheck)
class ReassignmentCheckAdmin(ConsentFactsAdmin[ReassignmentCheck]):
    """Which numbers were asked about, and the answer."""

    fields = ("account", "handle", "verified_on", "answer", "error_code", "asked_at")
    list_display = ("asked_at", "account", "handle", "verified_on", "answer", "error_code")
    list_filter = ("answer", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("handle__exact",)
    search_help_text = "A handle"
