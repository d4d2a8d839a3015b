"""What may the admin show of country rules? Packs to everybody here, and who settled what.

The rules of countries are no secret: whoever works here may read what a message is judged by.
Platform staff install packs; what is installed is decided by its signature (docs/compliance.md).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin_scope import (
    LOOK,
    OwnRowsFilter,
    ScopedAdmin,
    ToDo,
    is_platform_staff,
    person,
)
from accounts.numbers import number_in
from accounts.refusals import RefusedError
from compliance.differing import differences
from compliance.in_force import problem_of, rules_in_force
from compliance.installing import install_pack
from compliance.jurisdictions import Pack, PackError, shipped_pack
from compliance.rule_models import CompliancePolicy, JurisdictionPack, RuleOverride
from compliance.vetting import MOST_BYTES, read_kept

SHIPPED = "shipped"


class InstallForm(forms.Form):
    """The file of a signed pack."""

    pack = forms.FileField(
        help_text=_("A signed pack (.json), as sign_jurisdiction_pack made it; 4 MB at most."),
        error_messages={"required": _("Choose a file."), "empty": _("This file is empty.")},
    )


@admin.register(JurisdictionPack)
class JurisdictionPackAdmin(ScopedAdmin[JurisdictionPack]):
    """Which packs were installed, which is in force, and which were refused and why."""

    admin_may = auditor_may = LOOK
    change_list_template = "admin/jurisdiction_packs.html"
    fields = (
        "version",
        "state",
        "standing",
        "problems_in_words",
        "file_name",
        "signer",
        "sha256",
        "received_at",
        "received_by",
        "replaced_at",
    )
    list_display = ("received_at", "version", "state", "standing", "signer", "file_name")
    list_filter = ("state",)
    search_fields = ("version", "sha256__exact")
    search_help_text = "A version, or the SHA-256 of a file"
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[JurisdictionPack]:
        """Show what was refused, and the files themselves, to nobody but platform staff."""
        # A file is some hundred thousand letters, and no list shows it.
        rows = super().get_queryset(request).defer("content")
        if is_platform_staff(request):
            return rows
        return rows.exclude(state=JurisdictionPack.State.REFUSED)

    def rows_of_partner(
        self, rows: QuerySet[JurisdictionPack], partner_id: int, request: HttpRequest
    ) -> QuerySet[JurisdictionPack]:
        """The rules are the same for everybody."""
        return rows

    def rows_of_account(
        self, rows: QuerySet[JurisdictionPack], account_id: int, request: HttpRequest
    ) -> QuerySet[JurisdictionPack]:
        """The rules are the same for everybody."""
        return rows

    def account_id_of(self, obj: JurisdictionPack) -> int | None:
        """It belongs to no account."""
        return None

    def get_fields(self, request: HttpRequest, obj: JurisdictionPack | None = None) -> Any:
        """Name no member of the staff to others."""
        if is_platform_staff(request):
            return self.fields
        return [name for name in self.fields if name not in {"received_by", "file_name"}]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Leave out what only says how staff work."""
        columns = super().get_list_display(request)
        return columns if is_platform_staff(request) else [*columns[:-1]]

    @admin.display(description="standing")
    def standing(self, obj: JurisdictionPack) -> str:
        """Say whether messages are judged by it."""
        if obj.state == JurisdictionPack.State.REFUSED:
            return "kept out"
        if rules_in_force().row == obj.pk:
            return "messages are judged by it"
        if obj.state == JurisdictionPack.State.IN_FORCE:
            return problem_of(obj) or "the pack that came with the product is newer"
        return "was in force before"

    @admin.display(description="problems")
    def problems_in_words(self, obj: JurisdictionPack) -> str:
        """Show everything that spoke against it."""
        return "\n".join(map(str, obj.problems))

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Say that the pack in force cannot be used, or that nobody looked at it for long."""
        if not is_platform_staff(request):
            return
        rules, today = rules_in_force(), timezone.now().date()  # noqa: TID251 - the admin is an edge
        row = JurisdictionPack.objects.filter(state=JurisdictionPack.State.IN_FORCE).first()
        if row and rules.row != row.pk and (problem := problem_of(row)):
            words = f"Pack {row.version} is passed over: {problem} {rules.version} holds instead."
            yield ToDo(words, self.list_url())
        if stale := [one.code for one in rules.pack.rows.values() if one.is_stale(today)]:
            words = f"Country rules that were last reviewed over 180 days ago: {len(stale)}."
            yield ToDo(words, reverse("admin:compliance_jurisdictionpack_rules"))

    # --- Pages of its own ---

    def get_urls(self) -> list[URLPattern]:
        """Give its pages their addresses, before the one that takes anything for a row's id."""
        pages = {"rules": self.rules, "compare": self.compare, "install": self.install}
        own = [
            path(
                f"{name}/",
                self.admin_site.admin_view(view),
                name=f"compliance_jurisdictionpack_{name}",
            )
            for name, view in pages.items()
        ]
        return own + super().get_urls()

    def rules(self, request: HttpRequest) -> HttpResponse:
        """Show every row of a pack, with its source and standing."""
        self._refuse_strangers(request)
        choices = self._choices(request)
        key = request.GET.get("pack", "") or self._key_in_force()
        pack = self._pack(key, choices)
        today = timezone.now().date()  # noqa: TID251 - the admin is an edge
        context = {
            **self._context(request, f"Country rules, {pack.version}"),
            "pack": pack,
            "rows": [(row, row.is_stale(today)) for row in pack.rows.values()],
            "stale": sum(row.is_stale(today) for row in pack.rows.values()),
            "choices": choices,
            "key": key,
            "key_in_force": self._key_in_force(),
        }
        return TemplateResponse(request, "admin/jurisdiction_rules.html", context)

    def compare(self, request: HttpRequest) -> HttpResponse:
        """Show what is different between any two packs."""
        self._refuse_strangers(request)
        choices = self._choices(request)
        new = request.GET.get("new", "") or self._key_in_force()
        others = [key for key, _label in choices if key != new]
        old = request.GET.get("old", "") or (others[0] if others else new)
        before, after = self._pack(old, choices), self._pack(new, choices)
        context = {
            **self._context(request, f"From {before.version} to {after.version}"),
            "before": before,
            "after": after,
            "changes": differences(before, after),
            "choices": choices,
            "old": old,
            "new": new,
        }
        return TemplateResponse(request, "admin/jurisdiction_compare.html", context)

    def install(self, request: HttpRequest) -> HttpResponse:
        """Put a pack into force."""
        if not is_platform_staff(request):
            raise PermissionDenied
        form = InstallForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
        if form.is_valid():
            row = self._installed(request, form)
            if row is not None:
                return HttpResponseRedirect(
                    reverse("admin:compliance_jurisdictionpack_change", args=[row.pk])
                )
        context = {
            **self._context(request, "Install a pack"),
            "form": form,
            "rules": rules_in_force(),
        }
        return TemplateResponse(request, "admin/jurisdiction_install.html", context)

    def _installed(self, request: HttpRequest, form: InstallForm) -> JurisdictionPack | None:
        file, now = form.cleaned_data["pack"], timezone.now()  # noqa: TID251 - the admin is an edge
        try:
            row = install_pack(
                content=file.read(MOST_BYTES + 1), file_name=file.name, by=person(request), now=now
            )
        except RefusedError as no:
            form.add_error("pack", no.reason)
            return None
        if row.state == JurisdictionPack.State.REFUSED:
            words = "This pack was refused; the one in force stays. Below is why."
            self.message_user(request, words, messages.ERROR)
        else:
            self.message_user(request, f"Pack {row.version} is in force.", messages.SUCCESS)
        return row

    def _refuse_strangers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "is_platform_staff": is_platform_staff(request),
        }

    def _choices(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        """Return every pack that was let in, the newest first, and the one that is shipped."""
        rows = self.get_queryset(request).exclude(state=JurisdictionPack.State.REFUSED)
        found = [(str(row.pk), f"{row.version}, installed") for row in rows.order_by("-pk")[:200]]
        return [*found, (SHIPPED, f"{shipped_pack().version}, came with the product")]

    @staticmethod
    def _key_in_force() -> str:
        row = rules_in_force().row
        return str(row) if row else SHIPPED

    @staticmethod
    def _pack(key: str, choices: Sequence[tuple[str, str]]) -> Pack:
        if key == SHIPPED:
            return shipped_pack()
        if key not in dict(choices) or number_in(key) is None:
            raise Http404("No such pack.")
        try:
            return read_kept(JurisdictionPack.objects.get(pk=key).content)
        except PackError:
            raise Http404("This pack cannot be read any more.") from None


@admin.register(RuleOverride)
class RuleOverrideAdmin(ScopedAdmin[RuleOverride]):
    """What accounts settled for themselves, and who signed what is looser. Append-only."""

    admin_may = auditor_may = LOOK

    fields = (
        "account",
        "code",
        "column",
        "number",
        "value",
        "of_value",
        "is_looser",
        "pack_version",
        "reason",
        "made_by",
        "made_at",
    )
    list_display = ("made_at", "account", "code", "column", "value", "is_looser", "made_by")
    list_filter = ("is_looser", "column", ("account", OwnRowsFilter))
    list_select_related = ("account", "made_by")
    search_fields = ("code__exact",)
    search_help_text = "A row of the pack, such as US-FL"
    ordering = ("-pk",)


@admin.register(CompliancePolicy)
class CompliancePolicyAdmin(ScopedAdmin[CompliancePolicy]):
    """What accounts settled for all their messages."""

    admin_may = auditor_may = LOOK

    fields = (
        "account",
        "reply_after_opt_out_sms",
        "reply_after_opt_out_whatsapp",
        "open_days",
        "reply_free_hours",
        "reply_window",
        "notification_window",
        "promotion_window",
        "most_a_day",
        "changed_by",
        "changed_at",
    )
    list_display = ("changed_at", "account", "open_days", "most_a_day", "changed_by")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "changed_by")
    search_fields = ("account__name",)
    ordering = ("-changed_at",)
