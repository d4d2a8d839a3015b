"""How is the audit log looked through in the admin? By what and when, each line in words."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin_looks import LISTED, VIEWED
from accounts.audit_log import Line, changes_as_json, details_as_json, line_of
from accounts.models import AuditEntry

_LOG_INS = ("logged_in", "logged_out", "log_in_failed")
_LOOKS = (VIEWED, LISTED, "support_viewed")


class WhatFilter(admin.SimpleListFilter):
    """What kind of thing was done."""

    title = "what was done"
    parameter_name = "what"
    KINDS: ClassVar[dict[str, tuple[str, Q]]] = {
        "changes": ("Configuration changed", Q(data__has_key="changes")),
        "log_ins": ("Log-ins", Q(action__in=_LOG_INS)),
        "failed": ("Failed log-ins", Q(action="log_in_failed")),
        # As the index of the search has it.
        "exports": ("Exports", Q(action__iendswith="_exported")),
        "looks": ("Looked at from outside", Q(action__in=_LOOKS)),
        "outside": ("On behalf of an account", ~Q(on_behalf_of="")),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the kinds."""
        return [(value, label) for value, (label, _) in self.KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen kind."""
        chosen = self.KINDS.get(str(self.value() or ""))
        return queryset.filter(chosen[1]) if chosen else queryset


class WhenFilter(admin.SimpleListFilter):
    """How long ago."""

    title = "when"
    parameter_name = "when"
    SPANS: ClassVar[dict[str, tuple[str, timedelta]]] = {
        "hour": ("In the last hour", timedelta(hours=1)),
        "day": ("In the last 24 hours", timedelta(days=1)),
        "week": ("In the last 7 days", timedelta(days=7)),
        "month": ("In the last 30 days", timedelta(days=30)),
        "year": ("In the last year", timedelta(days=365)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the spans."""
        return [(value, label) for value, (label, _) in self.SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what happened in the chosen span."""
        chosen = self.SPANS.get(str(self.value() or ""))
        if chosen is None:
            return queryset
        now = timezone.now()  # noqa: TID251 - the admin is an edge
        return queryset.filter(at__gte=now - chosen[1])


class ReadableLines:
    """Shows a line of the log as people read it: field by field, before and after."""

    FIELDS = (
        "at", "account", "actor_label", "on_behalf_of", "action", "subject", "told_changes",
        "told_details", "network", "session", "request_id",
    )  # fmt: skip

    EXPORTED_TOO = (
        "on_behalf_of", "changes_as_json", "details_as_json", "network", "session", "request_id",
    )  # fmt: skip

    @admin.display(description="changes")
    def changes_as_json(self, obj: AuditEntry) -> str:
        """Give a file what changed, as a program reads it."""
        return changes_as_json(obj)

    @admin.display(description="details")
    def details_as_json(self, obj: AuditEntry) -> str:
        """Give a file what else is known, as a program reads it."""
        return details_as_json(obj)

    @admin.display(description="what changed")
    def told_changes(self, obj: AuditEntry) -> SafeString | str:
        """Show each field with what was before and what is now."""
        rows = [(one.name, one.before, one.after) for one in self._line(obj).changes]
        return format_html_join("", "<p><strong>{}</strong>: {} → {}</p>", rows) or "–"

    @admin.display(description="details")
    def told_details(self, obj: AuditEntry) -> SafeString | str:
        """Show what else is known."""
        line = self._line(obj)
        words = format_html("<p>{}</p>", line.words) if line.words else SafeString("")
        details = format_html_join("", "<p><strong>{}</strong>: {}</p>", line.details)
        return words + details or "–"

    def _line(self, obj: AuditEntry) -> Line:
        return line_of(obj)
