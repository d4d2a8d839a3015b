"""What is settled for contacts: who sees their numbers whole, and which files came in?"""

from functools import partial
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

from accounts.administrators import Administrator, administrator
from accounts.audit import record_export
from accounts.circumstances import numbers_are_hidden
from accounts.exports import csv_response
from compliance.consent_files import LARGEST_FILE, ConsentFileError, Sheet
from inbox.models import ContactImport
from inbox.setup.contact_export import (
    attribute_names,
    header_of,
    lines_of,
    may_export,
    number_of,
)
from inbox.setup.contact_files import FIELDS, Mapped
from inbox.setup.contact_imports import (
    cancel,
    faults_of,
    foretell,
    map_columns,
    mapped_of,
    sheet_of,
    start,
    upload,
)
from inbox.setup.masking import mask_numbers
from inbox.setup.refusals import SetUpError

PAGE = 50
SHOWN_FAULTS = 50


class MaskingForm(forms.Form):
    """Whether agents see numbers masked."""

    masks_numbers = forms.BooleanField(
        label=gettext_lazy("Agents see customers’ numbers masked"),
        help_text=gettext_lazy(
            "As +1 ••• ••99, on every page, in what is pushed, searched and exported. Supervisors "
            "and admins see them whole. In lists and headers they are masked for everybody."
        ),
        required=False,
    )


class UploadForm(forms.Form):
    """A file."""

    file = forms.FileField(
        label=gettext_lazy("File (.csv)"),
        help_text=gettext_lazy(
            "The first line names the columns. UTF-8, UTF-16 or Latin-1, at most 20 MB and 50,000 "
            "rows. You see what it would do before anything is changed; consent is never touched."
        ),
        widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}),
        error_messages={
            "required": gettext_lazy("Choose a file."),
            "missing": gettext_lazy("Choose a file."),
            "empty": gettext_lazy("The file is empty."),
        },
    )


class MappingForm(forms.Form):
    """Which column holds what."""

    channel = forms.ChoiceField(
        label=gettext_lazy("Channel of the numbers"),
        choices=[("sms", gettext_lazy("SMS and MMS")), ("whatsapp", "WhatsApp")],
    )
    country = forms.CharField(
        label=gettext_lazy("Country of numbers without a country code"),
        help_text=gettext_lazy("Two letters, such as US. Empty: such numbers are refused."),
        max_length=2,
        required=False,
    )

    def __init__(self, data: Any, sheet: Sheet, mapped: Mapped) -> None:
        initial: dict[str, Any] = {"channel": mapped.channel, "country": mapped.country}
        initial |= {f"column_{one}": name for one, name in mapped.columns.items()}
        initial["rest"] = list(mapped.attributes)
        super().__init__(data, initial=initial)
        names = [(name, name) for name in sheet.header if name]
        for one in FIELDS:
            self.fields[f"column_{one}"] = forms.ChoiceField(
                label=_LABELS[one], choices=[("", "–"), *names], required=False
            )
        self.fields["rest"] = forms.MultipleChoiceField(
            label=gettext_lazy("Kept as attributes under their own names"),
            choices=names,
            required=False,
        )

    def mapped(self) -> Mapped:
        """Return how the file is read."""
        said = self.cleaned_data
        columns = {one: said[f"column_{one}"] for one in FIELDS if said[f"column_{one}"]}
        rest = tuple(name for name in said["rest"] if name not in columns.values())
        return Mapped(columns, rest, said["channel"], said["country"].upper())


_LABELS = {
    "number": gettext_lazy("Phone number or WhatsApp user id"),
    "name": gettext_lazy("Name"),
    "language": gettext_lazy("Language"),
    "tags": gettext_lazy("Tags, with commas between"),
    "notes": gettext_lazy("Notes"),
}


@never_cache
@require_http_methods(["GET", "POST"])
def contacts(request: HttpRequest) -> HttpResponse:
    """Show what is settled for contacts, and change it."""
    who = administrator(request)
    if request.method == "POST" and request.POST.get("do") == "upload":
        return _upload(request, who)
    if request.method == "POST":
        form = MaskingForm(request.POST)
        form.full_clean()
        masks = bool(form.cleaned_data["masks_numbers"])
        mask_numbers(account=who.account, masks=masks, by=who.user, now=who.now)
        words = _("Agents see numbers masked.") if masks else _("Agents see whole numbers.")
        messages.success(request, words)
        return HttpResponseRedirect(reverse("settings_contacts"))
    return _page(request, who, UploadForm())


@never_cache
@require_POST
def contacts_export(request: HttpRequest) -> HttpResponseBase:
    """Send all contacts as a table that an import reads; not to who is in the account for support.

    It leaves the house: the audit log tells of it, and of how many lines.
    """
    who = administrator(request)
    if not may_export(who.user, who.account):
        raise Http404("No such page.")
    names = attribute_names(who.account)
    record_export(
        what="contacts",
        by=who.user,
        account_id=who.account.pk,
        now=who.now,
        lines=number_of(who.account),
    )
    lines = lines_of(
        who.account,
        names,
        # Asked now: the lines are sent when the request is through.
        is_masked=numbers_are_hidden(),
        may_go_on=partial(may_export, who.user, who.account),
    )
    return csv_response(f"contacts-{who.now:%Y-%m-%d}", header_of(names), lines)


def _page(request: HttpRequest, who: Administrator, upload_form: UploadForm) -> HttpResponse:
    rows = ContactImport.objects.filter(account=who.account).select_related("uploaded_by")
    context = {
        "who": who,
        "here": "contacts",
        "may_export": may_export(who.user, who.account),
        "masking": MaskingForm(initial={"masks_numbers": who.account.masks_numbers}),
        "form": upload_form,
        "rows": rows.defer("content", "faults")[:PAGE],
    }
    status = 422 if upload_form.errors else 200
    return render(request, "settings/contacts.html", context, status=status)


def _upload(request: HttpRequest, who: Administrator) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, who, form)
    file = form.cleaned_data["file"]
    try:
        deed: dict[str, Any] = {"account": who.account, "by": who.user, "now": who.now}
        row = upload(file.read(LARGEST_FILE + 1), name=file.name, **deed)
    except (ConsentFileError, SetUpError) as refused:
        form.add_error("file", refused.reason)
        return _page(request, who, form)
    return _to(row)


def _to(row: ContactImport) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("settings_contact_import", kwargs={"key": row.public_id}))


def _row(who: Administrator, key: str) -> ContactImport:
    row = ContactImport.objects.filter(account=who.account, public_id=key).first()
    if row is None:
        raise Http404("No such import.")
    return row


@never_cache
@require_http_methods(["GET", "POST"])
def contact_import(request: HttpRequest, *, key: str) -> HttpResponse:
    """Show one import: what it would do, how far it is, or what became of it."""
    who = administrator(request)
    row = _row(who, key)
    if request.method == "GET":
        return _import_page(request, who, row)
    do = request.POST.get("do", "")
    try:
        if do == "map":
            form = MappingForm(request.POST, sheet_of(row), mapped_of(row))
            if not form.is_valid():
                return _import_page(request, who, row, mapping=form)
            map_columns(row, form.mapped())
        elif do == "start":
            start(row, by=who.user, now=who.now)
        elif do == "cancel":
            cancel(row, by=who.user, now=who.now)
            messages.success(request, _("Cancelled. What was taken in before stays."))
    except (ConsentFileError, SetUpError) as refused:
        messages.error(request, refused.reason)
    return _to(row)


def _import_page(
    request: HttpRequest,
    who: Administrator,
    row: ContactImport,
    *,
    mapping: MappingForm | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {"who": who, "here": "contacts", "row": row}
    if row.status == ContactImport.Status.DRAFT:
        try:
            sheet = sheet_of(row)
            context["mapping"] = mapping or MappingForm(None, sheet, mapped_of(row))
            context["told"] = foretell(row)
        except (ConsentFileError, SetUpError) as refused:
            context["problem"] = refused.reason
    context["faults"] = faults_of(row)[:SHOWN_FAULTS]
    status = 422 if mapping and mapping.errors else 200
    return render(request, "settings/contact_import.html", context, status=status)


@never_cache
@require_POST
def contact_import_faults(request: HttpRequest, *, key: str) -> HttpResponseBase:
    """Send the rows that could not be used, each with why, as a file that no program runs."""
    who = administrator(request)
    row = _row(who, key)
    record_export(
        what="contact_import_faults",
        by=who.user,
        account_id=who.account.pk,
        now=who.now,
        row=row.public_id,
    )
    faults = faults_of(row)
    widest = max((len(one.cells) for one in faults), default=0)
    header = ("line", "reason", *(f"column {number}" for number in range(1, widest + 1)))
    lines = ((one.line, one.reason, *one.cells) for one in faults)
    return csv_response(f"contacts-{row.uploaded_at:%Y-%m-%d}", header, lines)
