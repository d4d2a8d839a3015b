"""What does the admin show of what is kept, held and forgotten? Facts, to who may see consents."""

from django.contrib import admin

from accounts.admin_scope import OwnRowsFilter
from compliance.admin_facts import ConsentFactsAdmin
from inbox.models import (
    Erasure,
    ForgettingCertificate,
    LegalHold,
    RemoteDeletion,
    RetentionPolicy,
)


@admin.register(RetentionPolicy)
class RetentionPolicyAdmin(ConsentFactsAdmin[RetentionPolicy]):
    """How long an account keeps things, and when its next run is due."""

    fields = (
        "account",
        "texts_days",
        "media_days",
        "raw_days",
        "traces_days",
        "examples_days",
        "decisions_years",
        "proof_years",
        "web_years",
        "changed_by",
        "changed_at",
        "next_at",
        "running_since",
    )
    list_display = ("account", "texts_days", "media_days", "decisions_years", "next_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(LegalHold)
class LegalHoldAdmin(ConsentFactsAdmin[LegalHold]):
    """What is held, since when, and who lifted it. Why stands in the settings of the account."""

    fields = (
        "account",
        "public_id",
        "scope",
        "contact",
        "conversation",
        "set_by",
        "set_at",
        "lifted_by",
        "lifted_at",
    )
    list_display = ("public_id", "account", "scope", "set_by", "set_at", "lifted_at")
    list_filter = ("scope", ("account", OwnRowsFilter))
    list_select_related = ("account", "set_by")
    search_fields = ("public_id__exact",)
    search_help_text = "A hold's id"


@admin.register(ForgettingCertificate)
class ForgettingCertificateAdmin(ConsentFactsAdmin[ForgettingCertificate]):
    """What went, in counts. Append-only."""

    fields = ("account", "number", "cause", "document", "sha256", "issued_at")
    list_display = ("number", "account", "cause", "issued_at", "sha256")
    list_filter = ("cause", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("sha256__exact",)
    search_help_text = "A certificate's hash"


@admin.register(Erasure)
class ErasureAdmin(ConsentFactsAdmin[Erasure]):
    """How far erasures have come."""

    fields = (
        "account",
        "public_id",
        "state",
        "asked_by",
        "asked_at",
        "step",
        "next_at",
        "problem",
        "forgotten_at",
        "done_at",
        "certificate",
    )
    list_display = ("public_id", "account", "state", "asked_by", "asked_at", "done_at")
    list_filter = ("state", ("account", OwnRowsFilter))
    list_select_related = ("account", "asked_by")
    search_fields = ("public_id__exact",)
    search_help_text = "An erasure's id"


@admin.register(RemoteDeletion)
class RemoteDeletionAdmin(ConsentFactsAdmin[RemoteDeletion]):
    """Which messages Twilio is to delete, and what became of that."""

    fields = (
        "account",
        "erasure",
        "message",
        "twilio_account",
        "message_sid",
        "state",
        "files",
        "attempts",
        "next_attempt_at",
        "problem",
        "done_at",
    )
    list_display = ("message_sid", "account", "state", "attempts", "next_attempt_at", "done_at")
    list_filter = ("state", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("message_sid__exact",)
    search_help_text = "A message's SID at Twilio"
