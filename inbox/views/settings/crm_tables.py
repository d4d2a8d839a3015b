"""Which facts about customers does an account keep here? Tables from files, replaced whole."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import F, Func, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.administrators import Administrator, administrator
from inbox.setup.crm_files import Preview, cells_of, keep_file, preview_again, preview_file
from inbox.views.settings.finding import PAGE, Find
from inbox.views.settings.lookups import base
from routing.crm_tables import LARGEST_FILE, TableFileError
from routing.lookup_models import LONGEST_NAME
from routing.lookups import DefinitionError, delete_table
from routing.models import CrmRow, CrmTable


class TableForm(forms.Form):
    """A file, and for a new table its name."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST_NAME,
        error_messages={"required": gettext_lazy("Give it a name.")},
    )
    file = forms.FileField(
        label=gettext_lazy("File (.csv)"),
        help_text=gettext_lazy(
            "The first line names the columns; the first column holds phone numbers. UTF-8, at "
            "most 5 MB and 50,000 rows."
        ),
        widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}),
        error_messages={
            "required": gettext_lazy("Choose a file."),
            "missing": gettext_lazy("Choose a file."),
            "empty": gettext_lazy("The file is empty."),
        },
    )

    def __init__(self, *args: Any, has_name: bool, needs_file: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_name:
            del self.fields["name"]
        self.fields["file"].required = needs_file

    def content(self) -> bytes:
        """Return what is in the file, as much of it as is ever looked at."""
        read: bytes = self.cleaned_data["file"].read(LARGEST_FILE + 1)
        return read


@require_GET
def table(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Page through the rows of a table, or look for some."""
    who = administrator(request)
    row, find = _table_of(who, pk), Find.of(request)
    found = list(_found(row, find.words).filter(pk__gt=find.after or 0).order_by("pk")[: PAGE + 1])
    context = {
        **base(who),
        "table": row,
        "number": row.rows.count(),
        "find": find,
        "rows": [(one.key, cells_of(one.values, row.columns)) for one in found[:PAGE]],
        "next": find.next(found[PAGE - 1].pk if len(found) > PAGE else None),
        "connectors": row.connectors.all(),
        "place": reverse("settings_table", kwargs={"pk": row.pk}),
    }
    return render(request, "settings/table.html", context)


def _found(table: CrmTable, words: str) -> QuerySet[CrmRow]:
    """Keep the rows that hold these words in a cell, or these digits in their number."""
    rows = CrmRow.objects.filter(table=table)
    if not words:
        return rows
    cells = Func(
        F("values"),
        function="jsonb_path_query_array",
        template="%(function)s(%(expressions)s, '$.*')",
    )
    digits = "".join(one for one in words if one.isdecimal() and one.isascii())
    is_number = Q(key__contains=digits) if digits and not words.strip("+0123456789 -()") else Q()
    rows = rows.annotate(cells=Cast(cells, TextField()))
    return (
        rows.filter(Q(cells__icontains=words) | is_number)
        if is_number
        else rows.filter(cells__icontains=words)
    )


@require_http_methods(["GET", "POST"])
def table_new(request: HttpRequest) -> HttpResponse:
    """Make a table of a file: look at it first, then keep it."""
    return _upload(request, administrator(request), None)


@require_http_methods(["GET", "POST"])
def table_replace(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Put the rows of a file in place of all that a table holds: look at it first."""
    who = administrator(request)
    return _upload(request, who, _table_of(who, pk))


def _upload(request: HttpRequest, who: Administrator, row: CrmTable | None) -> HttpResponse:
    key = request.POST.get("key", "")
    form = TableForm(
        request.POST if request.method == "POST" else None,
        request.FILES or None,
        has_name=row is None,
        needs_file=not key,
    )
    if request.method == "GET" or not form.is_valid():
        return _page(request, who, row, form)
    try:
        if key and not request.FILES:
            return _keep(request, who, row, form, key)
        preview = preview_file(form.content(), account=who.account, by=who.user, table=row)
    except TableFileError as refused:
        form.add_error("file", refused.reason)
        return _page(request, who, row, form)
    return _page(request, who, row, form, preview)


def _keep(
    request: HttpRequest, who: Administrator, row: CrmTable | None, form: TableForm, key: str
) -> HttpResponse:
    seen = _moment(request.POST.get("seen", ""))
    mine: dict[str, Any] = {"account": who.account, "by": who.user, "table": row}
    try:
        name = form.cleaned_data.get("name", "")
        kept = keep_file(key, name=name, seen=seen, now=who.now, **mine)
    except DefinitionError as refused:
        form.add_error(refused.field if refused.field in form.fields else None, refused.reason)
        return _page(request, who, row, form, _once_more(key, mine))
    messages.success(request, _("%(name)s is saved.") % {"name": kept.name})
    return HttpResponseRedirect(reverse("settings_table", kwargs={"pk": kept.pk}))


def _once_more(key: str, mine: dict[str, Any]) -> Preview | None:
    try:
        return preview_again(key, **mine)
    except DefinitionError:
        return None


def _page(
    request: HttpRequest,
    who: Administrator,
    row: CrmTable | None,
    form: TableForm,
    preview: Preview | None = None,
) -> HttpResponse:
    context = {**base(who), "table": row, "form": form, "preview": preview}
    if row:
        # As it is now: who saves after this look has seen it.
        row.refresh_from_db()
        context |= {"number": row.rows.count(), "seen": row.changed_at.isoformat()}
    return render(request, "settings/table_file.html", context)


@require_http_methods(["GET", "POST"])
def table_delete(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Say what is lost, then delete a table that no look-up uses."""
    who = administrator(request)
    row = _table_of(who, pk)
    if request.method == "GET":
        return render(request, "settings/confirm.html", _before_deleting(who, row))
    try:
        delete_table(table=row, by=who.user, now=who.now)
    except DefinitionError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(reverse("settings_table", kwargs={"pk": row.pk}))
    messages.success(request, _("%(name)s is deleted.") % {"name": row.name})
    return HttpResponseRedirect(reverse("settings_lookups"))


def _before_deleting(who: Administrator, row: CrmTable) -> dict[str, Any]:
    users = ", ".join(row.connectors.values_list("name", flat=True))
    used = _("It cannot be deleted yet: these look-ups use it: %(names)s.") % {"names": users}
    lost = _("What it says of %(number)s numbers is lost.") % {"number": row.rows.count()}
    return {
        **base(who),
        "question": _("Delete %(name)s?") % {"name": row.name},
        "sentences": [used if users else _("No look-up uses it."), lost],
        "button": _("Delete"),
        "back": reverse("settings_table", kwargs={"pk": row.pk}),
    }


def _table_of(who: Administrator, pk: int) -> CrmTable:
    row = CrmTable.objects.filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such table.")
    row.account = who.account
    return row


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
