"""Which rows may this person see in the admin, and what may they do with them?

Platform staff see every row, a partner the rows of their own accounts, an account's admins and
auditors those of their account. Anything else looks as if it were absent: in lists, search,
autocompletion, filters, choices, history, exports and addresses.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin_looks import note_export, note_row, note_rows
from accounts.audit import Snapshot, changes, record_row, snapshot
from accounts.exports import csv_response
from accounts.models import User
from accounts.numbers import number_in
from accounts.support import is_from_outside

M = TypeVar("M", bound=Model)

VIEW, ADD, CHANGE, DELETE, ACT = "view", "add", "change", "delete", "act"
LOOK: frozenset[str] = frozenset({VIEW})
KEEP: frozenset[str] = frozenset({VIEW, ADD, CHANGE})
FULL: frozenset[str] = KEEP | {DELETE}

MOST_EXPORTED = 10_000
CUT_OFF = _("These are the first 10,000 rows. Filter the list to get the others.")

# Which attribute of an admin says what each role may do.
_RIGHTS_OF: Mapping[User.Role, str] = {
    User.Role.STAFF: "staff_may",
    User.Role.PARTNER: "partner_may",
    User.Role.ACCOUNT_ADMIN: "admin_may",
    User.Role.AUDITOR: "auditor_may",
}

# What a filter of the page itself may ask of a column that it names.
_FILTER_ENDINGS = ("exact", "isnull", "isempty", "id__exact", "team__exact", "gte", "lt")
_TIME_ENDINGS = ("gte", "lt", "year", "month", "day")


def person(request: HttpRequest) -> User:
    """Return who is asking; nobody reaches the admin without logging in."""
    assert isinstance(request.user, User)
    return request.user


def is_platform_staff(request: HttpRequest) -> bool:
    """Say whether the platform's own staff is asking."""
    user = person(request)
    return user.is_active and user.is_staff and user.is_superuser


def partner_of(request: HttpRequest) -> int | None:
    """Return the partner that this person works for, or None if they are not a partner's."""
    user = person(request)
    works_there = user.is_active and user.is_staff and user.role == User.Role.PARTNER
    return user.partner_id if works_there else None


def role_in_admin(request: HttpRequest) -> User.Role | None:
    """Return as what this person is in the admin, or None for who has no business there.

    Every page asks for it hundreds of times: the answer is kept with the request and who asked.
    """
    user, kept = request.user, request.__dict__
    if "_role_in_admin" not in kept or kept["_role_in_admin"][0] is not user:
        kept["_role_in_admin"] = user, _role_of(request)
    role: User.Role | None = kept["_role_in_admin"][1]
    return role


def _role_of(request: HttpRequest) -> User.Role | None:
    user = request.user
    if not (isinstance(user, User) and user.is_active):
        return None
    if is_platform_staff(request):
        return User.Role.STAFF
    if partner_of(request):
        return User.Role.PARTNER
    is_of_account = user.role in {User.Role.ACCOUNT_ADMIN, User.Role.AUDITOR} and user.account_id
    return User.Role(user.role) if is_of_account else None


def count_of(rows: QuerySet[Any], to: str, what: str = "pk") -> Coalesce:
    """Count the rows that lead to the outer one by `to`, for a column of a list."""
    mine = rows.filter(**{to: OuterRef("pk")}).order_by().values(to)
    return Coalesce(Subquery(mine.annotate(n=Count(what, distinct=True)).values("n")), 0)


@dataclass(frozen=True)
class ToDo:
    """One line of what waits for a person: words, where to look, and what can be done at once."""

    words: str
    url: str
    label: str = ""
    task_url: str = ""


class OwnRowsFilter(admin.RelatedFieldListFilter):
    """Offers only rows that this person may see; too many to choose from are not offered at all."""

    limit = 100

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        """Return the choices, from the admin of the other model."""
        other = model_admin.admin_site.get_model_admin(field.remote_field.model)
        rows = list(other.get_queryset(request)[: self.limit + 1])
        return [] if len(rows) > self.limit else [(str(row.pk), str(row)) for row in rows]


class CappedPaginator(Paginator[Any]):
    """Pages through the newest rows of a big table and never counts it."""

    cap = 1000

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, at most `cap`."""
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        return rows.order_by()[: self.cap].count()


class ScopedAdmin(admin.ModelAdmin[M]):
    """An admin that knows to which account a row belongs and who may do what.

    `account_path` leads from a row to its account, as in a query. Rows may be looked at, and
    nothing else, unless a subclass says more.
    """

    account_path: ClassVar[str] = "account"
    staff_may: ClassVar[frozenset[str]] = LOOK
    partner_may: ClassVar[frozenset[str]] = LOOK
    # What the admins and the auditors of an account may do with its rows: only what is said.
    admin_may: ClassVar[frozenset[str]] = frozenset()
    auditor_may: ClassVar[frozenset[str]] = frozenset()
    list_per_page = 50
    show_full_result_count = False
    empty_value_display = "–"

    # --- Which rows ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Return the rows that this person may see. Everything in the admin starts here."""
        rows = super().get_queryset(request)
        role, user = role_in_admin(request), request.user
        if role is None or not isinstance(user, User):
            return rows.none()
        if role == User.Role.STAFF:
            return rows
        if role == User.Role.PARTNER:
            return self.rows_of_partner(rows, user.partner_id or 0, request)
        return self.rows_of_account(rows, user.account_id or 0, request)

    def rows_of_account(
        self, rows: QuerySet[M], account_id: int, request: HttpRequest
    ) -> QuerySet[M]:
        """Keep the rows of one account, for its own people."""
        return rows.filter(**{self.account_path: account_id})

    def rows_of_partner(
        self, rows: QuerySet[M], partner_id: int, request: HttpRequest
    ) -> QuerySet[M]:
        """Keep the rows of one partner's accounts."""
        return rows.filter(**{f"{self.account_path}__partner": partner_id})

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """Offer and accept in a form only what this person may see."""
        other = self.admin_site.get_model_admin(db_field.remote_field.model)
        return other.get_queryset(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Filter by what the page offers and by nothing else.

        Django lets anybody filter by any column of the table in the address bar; that would read
        hidden columns, such as a message's text, letter by letter.
        """
        allowed = {name for item in self.list_filter for name in _allowed_by(item)}
        if self.date_hierarchy:
            allowed |= {f"{self.date_hierarchy}__{end}" for end in _TIME_ENDINGS}
        return lookup in allowed

    # --- What may be done ---

    def may(self, request: HttpRequest, what: str) -> bool:
        """Say whether this person may do this kind of thing here."""
        role = role_in_admin(request)
        return role is not None and what in getattr(self, _RIGHTS_OF[role])

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether this person finds the model in the index."""
        return self.may(request, VIEW)

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Say whether this person may look."""
        return self.may(request, VIEW)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say whether this person may add rows."""
        return self.may(request, ADD)

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Say whether this person may change rows."""
        return self.may(request, CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Say whether this person may delete rows."""
        return self.may(request, DELETE)

    # --- How the list looks ---

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Name no account to its own people: all is theirs."""
        columns = super().get_list_display(request)
        if role_in_admin(request) in {User.Role.ACCOUNT_ADMIN, User.Role.AUDITOR}:
            return [column for column in columns if column not in {"account", "partner"}]
        return list(columns)

    def get_inlines(self, request: HttpRequest, obj: M | None) -> list[Any]:
        """Show what belongs to a row that is there; it is looked at here and never sent back."""
        inlines = list(super().get_inlines(request, obj))
        if obj is not None and request.method != "POST":
            return inlines
        return [inline for inline in inlines if not issubclass(inline, RowsInline)]

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Suggest where this person may look; else a plain choice of what is theirs."""
        fields = super().get_autocomplete_fields(request)
        return [name for name in fields if self._may_look_at(name, request)]

    def _may_look_at(self, name: str, request: HttpRequest) -> bool:
        other = self.opts.get_field(name).remote_field
        assert other is not None
        return self.admin_site.get_model_admin(other.model).has_view_permission(request)

    # --- The list as a file ---

    # What the file has beside the columns of the list.
    exported_too: ClassVar[Sequence[str]] = ()
    change_list_template = "admin/scoped_list.html"

    def get_urls(self) -> list[URLPattern]:
        """Give the export its address, before the one that takes anything for a row's id."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Hand out the list as it is filtered now, as CSV; a line of the audit log says so."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            listed = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(self.list_url())
        columns = [name for name in listed.list_display if name != "action_checkbox"]
        columns += self.exported_too
        header = [str(label_for_field(name, self.model, self)) for name in columns]
        rows = list(listed.get_queryset(request)[: MOST_EXPORTED + 1])
        note_export(request, str(self.opts.model_name), map(self.account_id_of, rows))
        cells: Iterable[Sequence[Any]] = (
            [self._cell(name, row) for name in columns] for row in rows[:MOST_EXPORTED]
        )
        if len(rows) > MOST_EXPORTED:
            cells = chain(cells, [[CUT_OFF]])
        return csv_response(str(self.opts.model_name), header, cells)

    def _cell(self, name: Any, row: M) -> Any:
        field, _, value = lookup_field(name, row, self)
        choices = getattr(field, "flatchoices", None)
        return dict(choices).get(value, value) if choices else value

    # --- Who looked ---

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> M | None:
        """Fetch a row, and remember it: who looked at it is written down."""
        obj = super().get_object(request, object_id, from_field)
        request.__dict__["_admin_row"] = obj
        return obj

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show the list, or what an action asks first; note of which accounts rows were shown."""
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        shown = context["cl"].result_list if "cl" in context else context.get("queryset", ())
        note_rows(request, str(self.opts.verbose_name_plural), map(self.account_id_of, shown))
        return response

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[M], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Do what was chosen for the rows that were chosen; what can be no row is told so."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if any(number_in(key) is None for key in chosen):
            self.message_user(request, "Choose rows of this list.", messages.WARNING)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *args, **kwargs)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Show a row. That somebody from outside looked at an account's row is in its audit log."""
        return self._noted(request, super().change_view(request, object_id, *args, **kwargs))

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Show what was done to a row here, and note who looked."""
        response = super().history_view(request, object_id, *args, **kwargs)
        return self._noted(request, response, "history")

    def delete_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Ask before a row is deleted, and note who saw what goes with it."""
        response = super().delete_view(request, object_id, *args, **kwargs)
        return self._noted(request, response, "delete")

    def _noted(self, request: HttpRequest, response: HttpResponse, page: str = "") -> HttpResponse:
        obj: M | None = request.__dict__.get("_admin_row")
        if obj is not None and response.status_code == 200:
            # Not the row's own name: that may say who a customer is.
            name = f"{self.opts.verbose_name} {obj.pk}"
            note_row(request, name, self.account_id_of(obj), page)
        return response

    # --- What waits ---

    def to_do(self, request: HttpRequest) -> Iterable[ToDo]:
        """Name what waits for this person among the rows that they may see."""
        return ()

    def list_url(self, **asked: str) -> str:
        """Return the address of the list, filtered."""
        base = reverse(
            f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"
        )
        return f"{base}?{urlencode(asked)}" if asked else base

    def account_id_of(self, obj: M) -> int | None:
        """Return the account that a row belongs to."""
        *path, last = self.account_path.split("__")
        owner = attrgetter(".".join(path))(obj) if path else obj
        account_id: int | None = getattr(owner, f"{last}_id")
        return account_id


def note_suggestions(site: admin.AdminSite) -> None:
    """Write down of which accounts rows were suggested to somebody who fills in a form."""
    bare = site.autocomplete_view

    def autocomplete_view(request: HttpRequest) -> HttpResponseBase:
        answer = bare(request)
        asked = request.GET
        model = apps.get_model(asked["app_label"], asked["model_name"])
        other = site.get_model_admin(model._meta.get_field(asked["field_name"]).related_model)
        found = [row["id"] for row in json.loads(answer.content)["results"]]
        if isinstance(other, ScopedAdmin) and is_from_outside(person(request)):
            rows = other.get_queryset(request).filter(pk__in=found)
            name = f"suggestions of {other.opts.verbose_name_plural}"
            note_rows(request, name, map(other.account_id_of, rows))
        return answer

    site.autocomplete_view = autocomplete_view  # type: ignore[method-assign, assignment]


class AuditedAdmin(ScopedAdmin[M]):
    """An admin whose every change leaves a line in the audit log.

    `audited` names the fields whose values are written down; never a secret.
    """

    staff_may = KEEP
    partner_may = KEEP
    audited: ClassVar[Sequence[str]] = ()
    # Rows belong where they were made: these fields are fixed once the row exists.
    fixed_fields: ClassVar[Sequence[str]] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[str]:
        """Fix what a row was made with."""
        always = super().get_readonly_fields(request, obj)
        return [*always, *(self.fixed_fields if obj else ())]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> M | None:
        """Fetch a row, and keep what it said: the audit log tells what was before."""
        obj = super().get_object(request, object_id, from_field)
        if obj is not None:
            _kept(request)[type(obj), str(obj.pk)] = snapshot(obj)
        return obj

    def log_addition(self, request: HttpRequest, obj: M, message: Any) -> Any:
        """Note that a row was added, and with what."""
        self.audit(request, obj, "added", changes=changes(None, obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> Any:
        """Note what was before and what is now; the rows of inlines are told as Django does."""
        if message:
            before = _kept(request).get((type(obj), str(obj.pk)))
            inlines = [part for part in message if _is_of_another_row(part)]
            more = {"others": inlines} if inlines else {}
            told = changes(before, obj) if before is not None else {}
            self.audit(request, obj, "changed", changes=told, **more)
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        """Delete a row, with a line that says so in the same transaction."""
        with transaction.atomic():
            self.audit(request, obj, "deleted", changes=changes(obj, None))
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        """Delete rows, with a line for each in the same transaction."""
        with transaction.atomic():
            for obj in queryset:
                self.audit(request, obj, "deleted", changes=changes(obj, None))
            super().delete_queryset(request, queryset)

    def audit(self, request: HttpRequest, obj: M, what: str, **more: Any) -> None:
        """Write one line: this person did this to that row."""
        record_row(
            f"{self.opts.model_name}_{what}",
            obj,
            self.audited,
            by=person(request),
            now=timezone.now(),  # noqa: TID251 - the admin is an edge
            account_id=self.account_id_of(obj),
            **more,
        )


class BigTableAdmin(ScopedAdmin[M]):
    """An admin of facts that may be millions: looked at, newest first, never counted."""

    paginator = CappedPaginator
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-pk",)
    sortable_by = ()


class Named:
    """What a page calls a row whose own name must not be shown."""

    def __init__(self, pk: Any, name: str) -> None:
        self.pk = pk
        self.name = name

    def __str__(self) -> str:
        return self.name


class NamelessAdmin(BigTableAdmin[M]):
    """An admin of rows whose name says who a customer is: pages call them something else."""

    def label_of(self, obj: M) -> str:
        """Return what the row is called here."""
        return f"{self.opts.verbose_name} {obj.pk}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """Search, but give nothing to autocompletion, which would answer with names."""
        match = request.resolver_match
        if match and match.url_name == "autocomplete":
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the page of a row under its label."""
        if obj := context.get("original"):
            label = self.label_of(obj)
            context |= {"subtitle": label, "original": Named(obj.pk, label)}
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Show the history of a row under its label."""
        response = super().history_view(request, object_id, *args, **kwargs)
        if isinstance(response, TemplateResponse) and response.context_data:
            obj = response.context_data["object"]
            label = self.label_of(obj)
            response.context_data |= {
                "title": f"Change history: {label}",
                "object": Named(obj.pk, label),
            }
        return response


class RowsInline(admin.TabularInline[Any, Any]):
    """Some rows that belong to the row of the page, to be looked at; each leads to its own page.

    `belongs_by` is the way from such a row to the page's. The newest `most` are shown.
    """

    belongs_by: ClassVar[str]
    most = 30
    extra = max_num = 0
    can_delete = False
    show_change_link = True

    def __init__(self, parent_model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(parent_model, admin_site)
        self.verbose_name_plural = f"{self.verbose_name_plural}, at most the newest {self.most}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the newest rows of the page's row, of those that this person may see."""
        match = request.resolver_match
        parent = match.kwargs.get("object_id", "") if match else ""
        if number_in(parent) is None:
            nothing: QuerySet[Any] = self.model._default_manager.none()
            return nothing
        rows: QuerySet[Any] = self._other().get_queryset(request)
        newest = rows.filter(**{self.belongs_by: parent}).order_by("-pk").values("pk")
        shown: QuerySet[Any] = rows.filter(pk__in=newest[: self.most]).order_by("-pk")
        return shown

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say the same as the rows' own admin."""
        return bool(self._other().has_view_permission(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are added on their own page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are changed on their own page, where what follows is said."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are deleted on their own page."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Show every field, also those that nobody ever edits."""
        return list(self.fields or ())

    def _other(self) -> admin.ModelAdmin[Any]:
        return self.admin_site.get_model_admin(self.model)


def _field_name(list_filter: Any) -> str:
    return str(list_filter if isinstance(list_filter, str) else list_filter[0])


def _allowed_by(list_filter: Any) -> set[str]:
    """Return what a filter of the page may ask in the address bar."""
    if isinstance(list_filter, type):
        return {str(getattr(list_filter, "parameter_name", ""))}
    return {f"{_field_name(list_filter)}__{end}" for end in _FILTER_ENDINGS}


def _kept(request: HttpRequest) -> dict[tuple[type[Model], str], Snapshot]:
    """Return what the rows fetched for this request said before anything was changed."""
    kept: dict[tuple[type[Model], str], Snapshot] = request.__dict__.setdefault("_audit_kept", {})
    return kept


def _is_of_another_row(part: Any) -> bool:
    return isinstance(part, dict) and any(
        isinstance(told, dict) and "name" in told for told in part.values()
    )
