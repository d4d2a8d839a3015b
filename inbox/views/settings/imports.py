"""Which consents come from a file: what would it change, how far is it, what could not be used?

Account admins import, auditors read. Product behaviour, not legal advice.
"""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.administrators import Administrator, consent_reader
from accounts.audit import record_export
from accounts.exports import csv_response
from compliance.consent_files import (
    FIELDS,
    LARGEST_FILE,
    ConsentFileError,
    Mapped,
    Sheet,
)
from compliance.models import ConsentImport
from inbox.setup.consent_imports import (
    LONGEST_ATTESTATION,
    ImportedAlreadyError,
    cancel,
    foretell,
    map_columns,
    mapped_of,
    masked_rows,
    sheet_of,
    start,
    upload,
)
from inbox.setup.refusals import SetUpError

PAGE = 50
_LABELS = {
    "address": gettext_lazy("Phone number or WhatsApp user id"),
    "action": gettext_lazy("Opt-out or opt-in"),
    "channel": gettext_lazy("Channel"),
    "occurred_at": gettext_lazy("When they said so"),
    "programme": gettext_lazy("Programme (opt-ins)"),
    "basis": gettext_lazy("Basis (opt-ins)"),
    "wording": gettext_lazy("What they were shown (opt-ins)"),
    "language": gettext_lazy("Language of that"),
    "page_url": gettext_lazy("Page"),
    "ip": gettext_lazy("IP address"),
    "note": gettext_lazy("Note"),
}


class UploadForm(forms.Form):
    """A file."""

    file = forms.FileField(
        label=gettext_lazy("File (.csv)"),
        help_text=gettext_lazy(
            "The first line names the columns. UTF-8, at most 20 MB and 100,000 rows. You see what "
            "it would change before anything is recorded."
        ),
        widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}),
        error_messages={
            "required": gettext_lazy("Choose a file."),
            "missing": gettext_lazy("Choose a file."),
            "empty": gettext_lazy("The file is empty."),
        },
    )


class MappingForm(forms.Form):
    """Which column holds what, and what holds for every row."""

    action = forms.ChoiceField(
        label=gettext_lazy("Every row is"),
        choices=[
            ("opt_out", gettext_lazy("an opt-out")),
            ("opt_in", gettext_lazy("an opt-in")),
            ("", gettext_lazy("what a column says")),
        ],
        required=False,
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel, where no column says it"),
        choices=[
            ("sms", gettext_lazy("SMS and MMS")),
            ("whatsapp", "WhatsApp"),
            ("both", gettext_lazy("both (opt-outs only)")),
        ],
    )
    country = forms.CharField(
        label=gettext_lazy("Country of numbers without a country code"),
        help_text=gettext_lazy("Two letters, such as US. Empty: such numbers are refused."),
        max_length=2,
        required=False,
    )

    def __init__(self, data: Any, sheet: Sheet, mapped: Mapped) -> None:
        initial: dict[str, Any] = {
            "action": mapped.action,
            "channel": mapped.channel,
            "country": mapped.country,
        }
        initial |= {f"column_{one}": name for one, name in mapped.columns.items()}
        super().__init__(data, initial=initial)
        choices = [("", "–"), *((name, name) for name in sheet.header if name)]
        for one in FIELDS:
            self.fields[f"column_{one}"] = forms.ChoiceField(
                label=_LABELS[one], choices=choices, required=False
            )

    def mapped(self) -> Mapped:
        """Return how the file is read."""
        said = self.cleaned_data
        columns = {one: said[f"column_{one}"] for one in FIELDS if said[f"column_{one}"]}
        action = "" if "action" in columns and not said["action"] else said["action"]
        country = said["country"].upper()
        return Mapped(columns, action=action, channel=said["channel"], country=country)

    def refuse(self, refused: ConsentFileError) -> None:
        """Say at the right place what is wrong."""
        name = refused.field if refused.field in self.fields else f"column_{refused.field}"
        self.add_error(name if name in self.fields else None, refused.reason)


class StartForm(forms.Form):
    """What the uploader says of these consents."""

    attestation = forms.CharField(
        label=gettext_lazy("Where do these consents come from, and why are they right?"),
        help_text=gettext_lazy(
            "It is kept as evidence with every row, with your name and the hash of the file."
        ),
        max_length=LONGEST_ATTESTATION,
        widget=forms.Textarea({"rows": 3}),
        error_messages={
            "required": gettext_lazy(
                "Say in a sentence where these consents come from and why they are right."
            )
        },
    )


@never_cache
@require_http_methods(["GET", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """List what was imported, and take a file in to be looked at."""
    who = consent_reader(request)
    if request.method == "GET":
        return _list(request, who, UploadForm())
    _own(who)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _list(request, who, form)
    file = form.cleaned_data["file"]
    try:
        deed: dict[str, Any] = {"account": who.account, "by": who.user, "now": who.now}
        row = upload(file.read(LARGEST_FILE + 1), name=file.name, **deed)
    except (ConsentFileError, SetUpError) as refused:
        form.add_error("file", refused.reason)
        return _list(request, who, form)
    return _to(row)


def _list(request: HttpRequest, who: Administrator, form: UploadForm) -> HttpResponse:
    rows = ConsentImport.objects.filter(account=who.account).select_related("uploaded_by")
    context = {
        **_base(who),
        "form": form,
        "rows": rows.defer("content")[:PAGE],
    }
    status = 422 if form.errors else 200
    return render(request, "settings/imports.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
def one_import(request: HttpRequest, *, key: str) -> HttpResponse:
    """Show one import: what it would change, how far it is, or what became of it."""
    who = consent_reader(request)
    row = _row(who, key)
    if request.method == "GET":
        return _page(request, who, row)
    _own(who)
    deeds = {"map": _map, "start": _start, "cancel": _cancel}
    deed = deeds.get(request.POST.get("do", ""))
    if deed is None:
        return _page(request, who, row)
    return deed(request, who, row)


def _map(request: HttpRequest, who: Administrator, row: ConsentImport) -> HttpResponse:
    try:
        form = MappingForm(request.POST, sheet_of(row), mapped_of(row))
        if not form.is_valid():
            return _page(request, who, row, mapping=form)
        map_columns(row, form.mapped())
    except ConsentFileError as refused:
        form.refuse(refused)
        return _page(request, who, row, mapping=form)
    except SetUpError as refused:
        messages.error(request, refused.reason)
    return _to(row)


def _start(request: HttpRequest, who: Administrator, row: ConsentImport) -> HttpResponse:
    form = StartForm(request.POST)
    if not form.is_valid():
        return _page(request, who, row, starting=form)
    try:
        start(row, attestation=form.cleaned_data["attestation"], by=who.user, now=who.now)
    except ImportedAlreadyError as refused:
        messages.error(request, refused.reason)
        return _to(refused.row)
    except (ConsentFileError, SetUpError) as refused:
        form.add_error("attestation", refused.reason)
        return _page(request, who, row, starting=form)
    messages.success(request, _("Started. Opt-outs are recorded first."))
    return _to(row)


def _cancel(request: HttpRequest, who: Administrator, row: ConsentImport) -> HttpResponse:
    try:
        cancel(row, by=who.user, now=who.now)
    except SetUpError as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, _("Cancelled. What was recorded before stays."))
    return _to(row)


@never_cache
@require_POST
def import_result(request: HttpRequest, *, key: str) -> HttpResponseBase:
    """Send what became of the rows that were not simply recorded, as a file."""
    who = consent_reader(request)
    row = _row(who, key)
    header = ("line", "outcome", "column", "cell", "reason")
    record_export(
        what="consent_import_lines",
        by=who.user,
        account_id=who.account.pk,
        now=who.now,
        row=row.public_id,
    )
    return csv_response(f"import-{row.uploaded_at:%Y-%m-%d}", header, _lines(row))


def _lines(row: ConsentImport) -> Iterator[tuple[Any, ...]]:
    lines = row.lines.order_by("line", "pk").iterator(1000)
    return ((one.line, one.get_outcome_display(), one.field, one.cell, one.reason) for one in lines)


def _page(
    request: HttpRequest,
    who: Administrator,
    row: ConsentImport,
    *,
    mapping: MappingForm | None = None,
    starting: StartForm | None = None,
) -> HttpResponse:
    context = {
        **_base(who),
        "row": row,
        "lines": row.lines.all()[:PAGE],
        "number_of_lines": row.lines.count(),
        "counts": _counts(row),
    }
    if row.status == ConsentImport.Status.DRAFT:
        context |= _draft(who, row, mapping, starting)
    status = 422 if (mapping and mapping.errors) or (starting and starting.errors) else 200
    return render(request, "settings/import.html", context, status=status)


def _draft(
    who: Administrator,
    row: ConsentImport,
    mapping: MappingForm | None,
    starting: StartForm | None,
) -> dict[str, Any]:
    told, problem = None, ""
    try:
        sheet = sheet_of(row)
        mapping = mapping or MappingForm(None, sheet, mapped_of(row))
        told = foretell(row, now=who.now)
    except (ConsentFileError, SetUpError) as refused:
        problem = refused.reason
    return {
        "mapping": mapping,
        "starting": starting or StartForm(),
        "told": told,
        "shown": masked_rows(told) if told else [],
        "problem": problem,
    }


def _counts(row: ConsentImport) -> list[tuple[str, int]]:
    names = (
        "opted_out",
        "opted_in",
        "asked",
        "unproven",
        "superseded",
        "already",
        "refused",
        "repeated",
        "wrong",
    )
    fields = {one.name: str(one.verbose_name) for one in ConsentImport._meta.concrete_fields}
    return [(fields[name], getattr(row, name)) for name in names]


def _base(who: Administrator) -> dict[str, Any]:
    return {"who": who, "here": "consent", "may_change": _may_change(who)}


def _may_change(who: Administrator) -> bool:
    return who.may_change


def _own(who: Administrator) -> None:
    if not _may_change(who):
        raise Http404("Not yours to change.")


def _row(who: Administrator, key: str) -> ConsentImport:
    row = ConsentImport.objects.filter(account=who.account, public_id=key).first()
    if row is None:
        raise Http404("No such import.")
    return row


def _to(row: ConsentImport) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("settings_import", kwargs={"key": row.public_id}))
