"""What may the admin show of people's consent? Masked facts; to partners, only numbers."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.admin_scope import LOOK, BigTableAdmin, OwnRowsFilter, partner_of
from compliance.addresses import masked
from compliance.models import Consent, ConsentEvent, ProviderBlock


@admin.register(ConsentEvent)
class ConsentEventAdmin(BigTableAdmin[ConsentEvent]):
    """What happened to consents. Append-only; the words of the customer are not shown."""

    partner_may = frozenset()
    admin_may = auditor_may = LOOK
    fields = (
        "account",
        "masked_address",
        "family",
        "kind",
        "source",
        "state",
        "message_sid",
        "recorded_by",
        "occurred_at",
        "recorded_at",
    )
    list_display = (
        "recorded_at",
        "account",
        "masked_address",
        "family",
        "kind",
        "source",
        "state",
    )
    list_filter = ("kind", "source", "state", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("message_sid__exact",)
    search_help_text = "A message SID"

    @admin.display(description="address")
    def masked_address(self, obj: ConsentEvent) -> str:
        """Show the last two characters."""
        return masked(obj.address)


@admin.register(Consent)
class ConsentAdmin(BigTableAdmin[Consent]):
    """Where people stand. A partner gets the numbers per account, nothing about anybody."""

    admin_may = auditor_may = LOOK

    fields = ("account", "masked_address", "family", "state", "state_before_opt_out", "since")
    list_display = ("since", "account", "masked_address", "family", "state")
    list_filter = ("state", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("account__name",)

    def has_view_permission(self, request: HttpRequest, obj: Consent | None = None) -> bool:
        """Rows are for the platform's staff."""
        return partner_of(request) is None and super().has_view_permission(request, obj)

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """Let partners find the page of counts."""
        return {**super().get_model_perms(request), "view": self.may(request, "view")}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show rows to staff and counts to partners."""
        if partner_of(request) is None:
            return super().changelist_view(request, extra_context)
        if not self.has_module_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Consents, counted",
            "opts": self.opts,
            "counts": self._counts(request),
        }
        return TemplateResponse(request, "admin/consent_counts.html", context)

    def _counts(self, request: HttpRequest) -> list[dict[str, Any]]:
        labels = dict(Consent._meta.get_field("state").flatchoices)
        rows = self.get_queryset(request).order_by("account__name", "family", "state")
        counted = rows.values("account__name", "family", "state").annotate(people=Count("pk"))
        return [{**row, "state": labels[row["state"]]} for row in counted]

    @admin.display(description="address")
    def masked_address(self, obj: Consent) -> str:
        """Show the last two characters."""
        return masked(obj.address)


@admin.register(ProviderBlock)
class ProviderBlockAdmin(BigTableAdmin[ProviderBlock]):
    """Whom the carrier refuses to deliver to."""

    partner_may = frozenset()
    admin_may = auditor_may = LOOK
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
