"""Which packages are there, and how far are they for whom?"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin_scope import (
    FULL,
    KEEP,
    LOOK,
    AuditedAdmin,
    M,
    OwnRowsFilter,
    ScopedAdmin,
    person,
)
from accounts.admin_tasks import Task, posted
from accounts.entitlement_forms import PackageForm
from accounts.models import AccountPackage, ChecklistItem, Package, PackageStep
from accounts.packages import move_package, offer_package, tick
from inbox.admin.stories import StoryAdmin


class CatalogueAdmin(AuditedAdmin[M]):
    """An admin of what we sell: the same for every partner, kept by platform staff."""

    staff_may = KEEP
    partner_may = LOOK

    def rows_of_partner(
        self, rows: QuerySet[M], partner_id: int, request: HttpRequest
    ) -> QuerySet[M]:
        """Everybody sees the catalogue."""
        return rows

    def rows_of_account(
        self, rows: QuerySet[M], account_id: int, request: HttpRequest
    ) -> QuerySet[M]:
        """It is no secret, though accounts look at their own packages on their settings page."""
        return rows

    def account_id_of(self, obj: M) -> int | None:
        """It belongs to no account."""
        return None


@admin.register(Package)
class PackageAdmin(CatalogueAdmin[Package]):
    """The catalogue of packages."""

    fields = ("name", "slug", "description", "position")
    audited = ("name", "description")
    list_display = ("name", "description", "position")
    search_fields = ("name",)


@admin.register(PackageStep)
class PackageStepAdmin(CatalogueAdmin[PackageStep]):
    """What must be done before a package is done. Checklists that exist keep their own steps."""

    staff_may = FULL
    fields = ("package", "position", "words")
    audited = ("package", "position", "words")
    list_display = ("package", "position", "words")
    list_filter = ("package",)
    list_select_related = ("package",)
    search_fields = ("words",)


class StatusForm(forms.Form):
    """How far is it?"""

    status = forms.ChoiceField(choices=AccountPackage.Status.choices)


class ChangeStatus(Task[AccountPackage]):
    """Say how far packages are."""

    name = "status"
    label = "Change status"
    words = "The account sees it on its features page. Done needs every step ticked."
    button = "Change"

    def form_for(self, request: HttpRequest, rows: Sequence[AccountPackage]) -> StatusForm:
        """Begin with what is."""
        return StatusForm(posted(request), initial={"status": rows[0].status})

    def do(
        self, request: HttpRequest, rows: Sequence[AccountPackage], form: forms.Form, admin: Any
    ) -> None:
        """Change them: all, or none."""
        with transaction.atomic():
            for row in rows:
                move_package(
                    row=row,
                    status=form.cleaned_data["status"],
                    by=person(request),
                    now=timezone.now(),
                )
        admin.message_user(request, f"Changed: {len(rows)}.", messages.SUCCESS)


class StepsForm(forms.Form):
    """Which steps are done?"""

    steps: ClassVar[Any] = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Any, *, items: Sequence[ChecklistItem]) -> None:
        ticked = [str(item.pk) for item in items if item.ticked_at]
        super().__init__(data, initial={"steps": ticked})
        field = self.fields["steps"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(str(item.pk), step_words(item)) for item in items]


def step_words(item: ChecklistItem) -> str:
    """Name a step, and who ticked it when."""
    if not (item.ticked_by and item.ticked_at):
        return item.words
    return f"{item.words} ({item.ticked_by}, {item.ticked_at:%d %b %Y})"


class Tick(Task[AccountPackage]):
    """Tick what is done."""

    name = "tick"
    label = "Checklist"
    words = "Tick what is done. Who ticked a step, and when, is kept."
    button = "Save"

    def problem_with(self, rows: Sequence[AccountPackage]) -> str:
        """One at a time: each has a list of its own."""
        return "Open the checklist of one package at a time." if len(rows) > 1 else ""

    def form_for(self, request: HttpRequest, rows: Sequence[AccountPackage]) -> StepsForm:
        """Offer the steps."""
        return StepsForm(posted(request), items=self._items(rows[0]))

    def do(
        self, request: HttpRequest, rows: Sequence[AccountPackage], form: forms.Form, admin: Any
    ) -> None:
        """Tick and untick."""
        done = set(form.cleaned_data["steps"])
        with transaction.atomic():
            for item in self._items(rows[0]):
                tick(
                    item=item,
                    is_done=str(item.pk) in done,
                    by=person(request),
                    now=timezone.now(),
                )
        admin.message_user(request, "Saved.", messages.SUCCESS)

    @staticmethod
    def _items(row: AccountPackage) -> list[ChecklistItem]:
        return list(row.items.select_related("ticked_by", "account_package").order_by("position"))


@admin.register(AccountPackage)
class AccountPackageAdmin(StoryAdmin[AccountPackage]):
    """How far the packages of accounts are."""

    form = PackageForm
    tasks = (Tick(), ChangeStatus())
    fields = ("account", "package", "status", "note")
    autocomplete_fields = ("account",)
    list_display = ("account", "package", "status", "steps_done", "changed_at", "note")
    list_filter = ("status", "package", ("account", OwnRowsFilter))
    list_select_related = ("account", "package")
    search_fields = ("account__name", "note")
    ordering = ("account__name", "package__position", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccountPackage]:
        """Count the steps along."""
        rows = super().get_queryset(request).select_related("account", "package")
        return rows.annotate(
            steps=Count("items"), done=Count("items", filter=Q(items__ticked_at__isnull=False))
        )

    def save_model(
        self, request: HttpRequest, obj: AccountPackage, form: forms.Form, change: bool
    ) -> None:
        """Give the account the package, with its checklist."""
        made = offer_package(
            account=obj.account,
            package=obj.package,
            by=person(request),
            now=timezone.now(),
            status=obj.status,
            note=obj.note,
        )
        obj.pk, obj._state.adding = made.pk, False

    @admin.display(description="steps")
    def steps_done(self, obj: AccountPackage) -> str:
        """Show how many of the steps are ticked."""
        return f"{getattr(obj, 'done', 0)} of {getattr(obj, 'steps', 0)}"


@admin.register(ChecklistItem)
class ChecklistItemAdmin(ScopedAdmin[ChecklistItem]):
    """The steps of accounts' packages, and who ticked them."""

    account_path = "account_package__account"
    fields = ("account_package", "position", "words", "ticked_by", "ticked_at")
    list_display = ("account_package", "position", "words", "ticked_by", "ticked_at")
    list_filter = (("account_package__account", OwnRowsFilter),)
    list_select_related = ("account_package__account", "account_package__package", "ticked_by")
    search_fields = ("words", "account_package__account__name")
    ordering = ("account_package", "position")
