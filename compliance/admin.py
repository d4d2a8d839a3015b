"""What may the admin show of people's consent? Masked facts, to the account's own people.

Platform staff read them while they are in the account for support; partners get only numbers
(behaviour 10).
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.admin_looks import note_rows
from accounts.admin_scope import VIEW, M, OwnRowsFilter, role_in_admin
from accounts.models import Account, User
from accounts.secrets import SecretUnreadableError
from compliance import admin_outside as admin_outside
from compliance import admin_packs as admin_packs
from compliance.addresses import masked
from compliance.admin_facts import ConsentFactsAdmin
from compliance.models import (
    AccountKeyword,
    Consent,
    ConsentChain,
    ConsentDetails,
    ConsentEvent,
    ConsentKey,
    GateDecision,
    ProviderBlock,
    Suppression,
    WebEvidence,
)
from compliance.sealing import UnreadableDetailsError


@admin.register(ConsentEvent)
class ConsentEventAdmin(ConsentFactsAdmin[ConsentEvent]):
    """What happened to consents. Append-only; the words of the customer are not shown."""

    fields = (
        "account",
        "seq",
        "masked_address",
        "family",
        "programme",
        "kind",
        "source",
        "state",
        "basis",
        "quality",
        "expires_at",
        "message_sid",
        "rule_version",
        "wording_id",
        "wording_version",
        "wording_language",
        "wording_sha256",
        "file_sha256",
        "jurisdiction",
        "pack_version",
        "recorded_by",
        "supersedes",
        "scope",
        "occurred_at",
        "recorded_at",
        "handle",
        "details_hash",
        "web_hash",
        "prev_hash",
        "hash",
    )
    list_display = (
        "recorded_at",
        "account",
        "seq",
        "masked_address",
        "family",
        "kind",
        "source",
        "state",
    )
    list_filter = ("kind", "source", "state", ("account", OwnRowsFilter))
    list_select_related = ("account", "details__key")
    search_fields = ("message_sid__exact",)
    search_help_text = "A message SID"

    @admin.display(description="address")
    def masked_address(self, obj: ConsentEvent) -> str:
        """Show the last two characters, or that there are none any more."""
        try:
            return masked(obj.address) if obj.address else "erased"
        except (UnreadableDetailsError, SecretUnreadableError):
            return "cannot be read"


@admin.register(ConsentChain)
class ConsentChainAdmin(ConsentFactsAdmin[ConsentChain]):
    """How long each account's ledger is, and where it ends."""

    fields = ("account", "seq", "head_hash", "begun_at", "verified_at")
    list_display = ("account", "seq", "head_hash", "begun_at", "verified_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("head_hash__exact",)
    search_help_text = "The hash of a head"


class ByHandleAdmin(ConsentFactsAdmin[M]):
    """An admin of what is known by the handle of an address, never by the address."""

    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("handle__exact",)
    search_help_text = "A handle, as an event names it"


@admin.register(ConsentKey)
class ConsentKeyAdmin(ByHandleAdmin[ConsentKey]):
    """Which addresses have a key, and whose was destroyed. The keys themselves are not shown."""

    fields = ("account", "handle", "made_at", "destroyed_at")
    list_display = ("made_at", "account", "handle", "destroyed_at")


@admin.register(ConsentDetails)
class ConsentDetailsAdmin(ConsentFactsAdmin[ConsentDetails]):
    """Which events still have their personal part. What it says is not shown."""

    fields = ("account", "event_number", "key")
    list_display = ("event_number", "account", "key")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "event", "key")
    search_fields = ("event__message_sid__exact",)
    search_help_text = "A message SID"

    @admin.display(description="event")
    def event_number(self, obj: ConsentDetails) -> int:
        """Show the number of the event in its ledger."""
        return obj.event.seq


@admin.register(WebEvidence)
class WebEvidenceAdmin(ConsentFactsAdmin[WebEvidence]):
    """Of which events it is still kept from where on the web they were done; not from where."""

    fields = ("account", "event_number", "key", "recorded_at")
    list_display = ("recorded_at", "account", "event_number", "key")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "event", "key")
    search_fields = ("event__message_sid__exact",)
    search_help_text = "A message SID"

    @admin.display(description="event")
    def event_number(self, obj: WebEvidence) -> int:
        """Show the number of the event in its ledger."""
        return obj.event.seq


@admin.register(Suppression)
class SuppressionAdmin(ByHandleAdmin[Suppression]):
    """Who was erased and must not be written to: markers without a name."""

    fields = ("account", "handle", "family", "state", "since", "no_contact_at", "erased_at")
    list_display = ("erased_at", "account", "handle", "family", "state", "since")


@admin.register(Consent)
class ConsentAdmin(ConsentFactsAdmin[Consent]):
    """Where people stand. From outside one gets the numbers per account, nothing about anybody."""

    fields = (
        "account",
        "masked_address",
        "family",
        "programme",
        "state",
        "ground",
        "basis",
        "quality",
        "expires_at",
        "since",
        "asked_at",
        "held_at",
        "opted_out_at",
        "no_contact_at",
        "no_marketing_at",
        "reassigned_at",
        "decided_by",
    )
    list_display = ("since", "account", "masked_address", "family", "state")
    list_filter = ("state", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("account__name",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let everybody with business here find the page: from outside it is one of counts."""
        return role_in_admin(request) is not None

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """Name the page of counts in the index."""
        return {**super().get_model_perms(request), "view": self.has_module_permission(request)}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show rows to who may see them, and counts to everybody else."""
        if self.may(request, VIEW):
            return super().changelist_view(request, extra_context)
        if not self.has_module_permission(request):
            raise PermissionDenied
        counts = self._counts(request)
        note_rows(request, "consents, counted", {row["account"] for row in counts})
        context = {
            **self.admin_site.each_context(request),
            "title": "Consents, counted",
            "opts": self.opts,
            "counts": counts,
            "is_staff": role_in_admin(request) == User.Role.STAFF,
        }
        return TemplateResponse(request, "admin/consent_counts.html", context)

    def _counts(self, request: HttpRequest) -> list[dict[str, Any]]:
        labels = dict(Consent._meta.get_field("state").flatchoices)
        accounts = self.admin_site.get_model_admin(Account).get_queryset(request)
        mine = Consent.objects.filter(account__in=accounts.order_by().values("pk"))
        rows = mine.order_by("account__name", "family", "state")
        counted = rows.values("account", "account__name", "family", "state")
        return [
            {**row, "state": labels[row["state"]]} for row in counted.annotate(people=Count("pk"))
        ]

    @admin.display(description="address")
    def masked_address(self, obj: Consent) -> str:
        """Show the last two characters."""
        return masked(obj.address)


@admin.register(GateDecision)
class GateDecisionAdmin(ConsentFactsAdmin[GateDecision]):
    """What the gate said of each message, and what that rested on. Names nobody."""

    fields = (
        "account",
        "stage",
        "purpose",
        "answer",
        "code",
        "until",
        "evaluated_at",
        "dispatched_at",
        "thread_ref",
        "message_ref",
        "author",
        "findings",
        "inputs",
        "pack_version",
    )
    list_display = ("evaluated_at", "account", "stage", "purpose", "answer", "code", "until")
    list_filter = ("answer", "stage", "purpose", ("account", OwnRowsFilter))
    list_select_related = ("account", "author")
    search_fields = ("message_ref__exact", "thread_ref__exact", "code__exact")
    search_help_text = "A message's or a thread's id, or a code"


@admin.register(AccountKeyword)
class AccountKeywordAdmin(ConsentFactsAdmin[AccountKeyword]):
    """The words that accounts made keywords of their own; changed on the settings page."""

    fields = ("account", "action", "word", "form", "language", "country", "added_by", "added_at")
    list_display = ("word", "account", "action", "language", "country", "added_at")
    list_filter = ("action", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("word__iexact",)
    search_help_text = "A whole word"


@admin.register(ProviderBlock)
class ProviderBlockAdmin(ConsentFactsAdmin[ProviderBlock]):
    """Whom the carrier refuses to deliver to."""

    fields = ("account", "our_address", "masked_address", "since", "cleared_at")
    list_display = ("since", "account", "our_address", "masked_address", "cleared_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account",)
    search_fields = ("our_address",)
    search_help_text = "One of our own addresses"

    @admin.display(description="their address")
    def masked_address(self, obj: ProviderBlock) -> str:
        """Show the last two characters."""
        return masked(obj.address)
