"""When are the account's inboxes open? The pages on which business hours are set.

Admins set all of them. Supervisors set those that no inbox keeps but theirs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.administrators import administrator
from accounts.numbers import number_in
from inbox.models import TeamInbox
from inbox.setup.hours import choose_inboxes, delete_unused_hours
from inbox.views.settings import hours_page as page
from inbox.views.settings.door import Setter, setter
from inbox.views.settings.hours_forms import FileForm, NameForm, SpecialDayForm, WeekForm
from routing.business_hours import (
    HoursChangedError,
    HoursError,
    copy_hours,
    make_hours,
    remove_special_days,
    save_holidays,
    save_name_and_zone,
    save_special_days,
    save_week,
)
from routing.calendar_files import CalendarFileError, Comparison, compare, read_calendar_file
from routing.hours import NEVER_OPEN, Opening, SpecialDay
from routing.hours_presets import HoursPreset, week_of
from routing.models import BusinessHours

# A previewed file is saved as it was seen, within this many seconds.
_PREVIEW_HOLDS = 3600
_SALT = "hours-import"


@dataclass
class Desk:
    """Who works on which hours, and what the page is to show besides them."""

    request: HttpRequest
    who: Setter
    hours: BusinessHours
    version: int = 0
    # What is wrong: the id of the field, and in words.
    errors: list[tuple[str, str]] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def deed(self) -> dict[str, Any]:
        """Return what every story is told."""
        return {
            "hours": self.hours,
            "version": self.version,
            "by": self.who.user,
            "now": self.who.now,
        }

    def refuse(self, refused: HoursError) -> None:
        """Say what is wrong, above and at the field."""
        place = f"id_{refused.field}" if refused.field else ""
        for form in (self.shown.get("name_form"), self.shown.get("day_form")):
            if form is not None and refused.field in form.fields:
                form.add_error(refused.field, refused.reason)
                place = form[refused.field].id_for_label
        self.errors.append((place, refused.reason))

    def done(self, words: str) -> HttpResponse:
        """Say that it is saved, on the page as it is now."""
        messages.success(self.request, words)
        return HttpResponseRedirect(_url(self.hours))


# --- The list ---


@require_http_methods(["GET", "POST"])
def hours_list(request: HttpRequest) -> HttpResponse:
    """List the account's hours and the inboxes that keep them; make new ones."""
    who = setter(request)
    error = ""
    if request.method == "POST":
        try:
            week = week_of(HoursPreset(request.POST.get("week", "")))
        except ValueError:
            week = NEVER_OPEN
        try:
            name = request.POST.get("name", "")
            made = make_hours(account=who.account, name=name, week=week, by=who.user, now=who.now)
        except HoursError as refused:
            error = refused.reason
        else:
            messages.success(request, _("%(name)s is there. Check it here.") % {"name": made})
            return HttpResponseRedirect(_url(made))
    return render(request, "settings/hours.html", _list_context(request, who, error))


def _list_context(request: HttpRequest, who: Setter, error: str) -> dict[str, Any]:
    inboxes = list(TeamInbox.objects.filter(account=who.account).only("name", "hours_id"))
    rows = [
        row
        for row in BusinessHours.objects.filter(account=who.account).with_days()
        if _may_see(who, [one for one in inboxes if one.hours_id == row.pk])
    ]
    return {
        "who": who,
        "here": "hours",
        "error": error,
        "name": request.POST.get("name", ""),
        "presets": HoursPreset.choices,
        "rows": [
            {
                "hours": row,
                "state": page.state_of(row.calendar(), who.now),
                "inboxes": [one.name for one in inboxes if one.hours_id == row.pk],
                "is_theirs": _are_theirs(who, [one for one in inboxes if one.hours_id == row.pk]),
            }
            for row in rows
        ],
        "always_open": [
            one.name for one in inboxes if one.hours_id is None and who.may_set(one.pk)
        ],
    }


def _are_theirs(who: Setter, keepers: Sequence[TeamInbox]) -> bool:
    """Say whether no inbox keeps these hours that is not theirs to set."""
    return all(who.may_set(inbox.pk) for inbox in keepers)


def _may_see(who: Setter, keepers: Sequence[TeamInbox]) -> bool:
    return not keepers or any(who.may_set(inbox.pk) for inbox in keepers)


@require_POST
def hours_copy(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Make hours that are like these."""
    desk = _desk(request, pk, only_to_copy=True)
    try:
        copy = copy_hours(hours=desk.hours, by=desk.who.user, now=desk.who.now)
    except HoursError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(reverse("settings_hours"))
    messages.success(request, _("This is the copy. Give it a name."))
    return HttpResponseRedirect(_url(copy))


@require_http_methods(["GET", "POST"])
def hours_delete(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Say what is lost, then delete hours that no inbox keeps."""
    administrator(request)
    desk = _desk(request, pk)
    if request.method == "GET":
        return render(request, "settings/confirm.html", _before_deleting(desk))
    try:
        delete_unused_hours(hours=desk.hours, by=desk.who.user, now=desk.who.now)
    except HoursError as refused:
        messages.error(request, refused.reason)
        return HttpResponseRedirect(_url(desk.hours))
    messages.success(request, _("%(name)s is deleted.") % {"name": desk.hours})
    return HttpResponseRedirect(reverse("settings_hours"))


def _before_deleting(desk: Desk) -> dict[str, Any]:
    count = len(desk.hours.calendar().special_days)
    days = ngettext("%d exception is lost.", "%d exceptions are lost.", count) % count
    return {
        "who": desk.who,
        "here": "hours",
        "question": _("Delete %(name)s?") % {"name": desk.hours},
        "sentences": [
            _("No inbox keeps these hours: nobody notices."),
            _("The week and its holidays are lost; the audit log keeps that it was deleted."),
            *([days] if count else []),
        ],
        "button": _("Delete"),
        "back": reverse("settings_hours"),
    }


# --- The editor ---


@require_http_methods(["GET", "POST"])
def hours_edit(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Show hours with all that can be set about them; save what one card of the page says."""
    desk = _desk(request, pk)
    if request.method == "GET":
        return _show(desk)
    save = _CARDS.get(request.POST.get("card", ""))
    if save is None:
        return HttpResponseRedirect(_url(desk.hours))
    try:
        return save(desk)
    except HoursChangedError as refused:
        desk.version = refused.version
        desk.shown |= {
            "changes": refused.changes,
            "differences": page.differences(refused.changes),
        }
    except HoursError as refused:
        desk.refuse(refused)
    return _show(desk)


def _save_name(desk: Desk) -> HttpResponse:
    form = NameForm(desk.request.POST)
    desk.shown["name_form"] = form
    if not form.is_valid():
        return _show(desk, form)
    data = form.cleaned_data
    save_name_and_zone(name=data["name"], zone=data["zone"], **desk.deed)
    return desk.done(_("Name and time zone are saved."))


def _save_week(desk: Desk) -> HttpResponse:
    form = WeekForm.posted(desk.request.POST)
    desk.shown["week"] = form
    if form.do(desk.request.POST.get("do", "")):
        return _show(desk)
    week = form.week()
    if week is None:
        desk.errors += form.errors()
        return _show(desk)
    save_week(week=week, **desk.deed)
    return desk.done(_("The week is saved."))


def _save_holidays(desk: Desk) -> HttpResponse:
    data, hours = desk.request.POST, desk.hours
    country, region = data.get("country", ""), data.get("region", "")
    ignored = set(hours.ignored_holidays)
    if country == hours.country:
        today = page.today_of(hours, desk.who.now)
        offered = {one.name for one in page.coming_holidays(hours, today)}
        ignored = (ignored - offered) | (offered - set(data.getlist("kept")))
    else:
        # Regions and names of another country mean nothing there.
        region, ignored = "", set()
    desk.shown["holidays"] = (country, region, ignored)
    save_holidays(country=country, region=region, ignored=ignored, **desk.deed)
    return desk.done(_("The holidays are saved."))


def _save_day(desk: Desk) -> HttpResponse:
    form = _day_form(desk, desk.request.POST)
    desk.shown["day_form"] = form
    if not form.is_valid():
        return _show(desk, form)
    name, openings = form.cleaned_data["name"], form.cleaned_data["openings"]
    days = [SpecialDay(on, name, openings) for on in form.days()]
    save_special_days(days=days, **desk.deed)
    return desk.done(_("The exception is saved."))


def _remove_days(desk: Desk) -> HttpResponse:
    known = page.spans(desk.hours.calendar().special_days)
    span = next((one for one in known if one.key == desk.request.POST.get("days")), None)
    if span is None:
        messages.info(desk.request, _("This exception is gone already."))
        return HttpResponseRedirect(_url(desk.hours))
    remove_special_days(first=span.first, last=span.last, **desk.deed)
    return desk.done(_("The usual hours hold there again."))


def _preview_file(desk: Desk) -> HttpResponse:
    form = FileForm(desk.request.POST, desk.request.FILES)
    desk.shown["file_form"] = form
    if not form.is_valid():
        return _show(desk, form)
    today = page.today_of(desk.hours, desk.who.now)
    try:
        reading = read_calendar_file(form.content(), zone=desk.hours.time_zone, today=today)
    except CalendarFileError as refused:
        form.add_error("file", refused.reason)
        return _show(desk, form)
    _show_preview(desk, reading.days, reading.left_out)
    return _show(desk)


def _save_file(desk: Desk) -> HttpResponse:
    try:
        days = _unpacked(desk, desk.request.POST.get("days", ""))
    except signing.BadSignature:
        desk.errors.append(("id_file", _("The preview is too old. Choose the file again.")))
        return _show(desk)
    _show_preview(desk, days)
    save_special_days(days=days, **desk.deed)
    return desk.done(_("The days of the file are saved."))


def _show_preview(desk: Desk, days: Sequence[SpecialDay], left_out: Sequence[str] = ()) -> None:
    """Show what saving these days would change."""
    comparison = compare(days, desk.hours.calendar().special_days)
    desk.shown["preview"] = {
        "new": page.spans(comparison.new),
        "changed": [
            (before, page.sign(before.openings), after, page.sign(after.openings))
            for before, after in comparison.changed
        ],
        "same": len(comparison.same),
        "left_out": left_out,
        "days": _packed(desk, comparison),
    }


def _save_inboxes(desk: Desk) -> HttpResponse:
    data = desk.request.POST
    chosen = [pk for text in data.getlist("inbox") if (pk := number_in(text))]
    seen = [pk for text in data.getlist("seen") if (pk := number_in(text))]
    if not all(map(desk.who.may_set, (*chosen, *seen))):
        raise Http404("No such inbox.")
    changed = choose_inboxes(
        hours=desk.hours,
        chosen=chosen,
        seen=seen,
        by=desk.who.user,
        now=desk.who.now,
    )
    if not changed:
        return desk.done(_("Nothing was changed."))
    names = ", ".join(inbox.name for inbox in changed)
    return desk.done(_("Changed for %(inboxes)s.") % {"inboxes": names})


_CARDS: dict[str, Callable[[Desk], HttpResponse]] = {
    "name": _save_name,
    "week": _save_week,
    "holidays": _save_holidays,
    "day": _save_day,
    "remove": _remove_days,
    "file": _preview_file,
    "import": _save_file,
    "inboxes": _save_inboxes,
}


# --- What the editor shows ---


def _show(desk: Desk, form: Any = None) -> HttpResponse:
    """Show the page, with what was written where it could not be saved."""
    hours, now = desk.hours, desk.who.now
    if form is not None:
        desk.errors += [
            (form[name].id_for_label if name in form.fields else "", str(words))
            for name, errors in form.errors.items()
            for words in errors
        ]
    calendar, today = hours.calendar(), page.today_of(hours, now)
    given = {"name": hours.name, "zone": hours.time_zone}
    context = {
        "who": desk.who,
        "here": "hours",
        "hours": hours,
        "version": desk.version,
        "errors": desk.errors,
        "state": page.state_of(calendar, now),
        "coming": page.coming_days(calendar, today),
        "zones": page.zones(),
        "name_form": NameForm(initial=given),
        "week": WeekForm.of(calendar.week),
        "day_form": _day_form(desk),
        "file_form": FileForm(),
        "exceptions": page.spans(day for day in calendar.special_days if day.on >= today),
        "past_exceptions": sum(day.on < today for day in calendar.special_days),
        "inboxes": [
            inbox
            for inbox in TeamInbox.objects.filter(account=desk.who.account).select_related("hours")
            if desk.who.may_set(inbox.pk)
        ],
        **desk.shown,
    }
    _show_holidays(desk, context)
    return render(desk.request, "settings/hours_edit.html", context)


def _show_holidays(desk: Desk, context: dict[str, Any]) -> None:
    """Add the holidays, as they are or as they were to be."""
    row = desk.hours
    if "holidays" in desk.shown:
        country, region, ignored = desk.shown["holidays"]
        row = BusinessHours(country=country, region=region, ignored_holidays=sorted(ignored))
    today = page.today_of(desk.hours, desk.who.now)
    context |= {
        "country": row.country,
        "region": row.region,
        "countries": page.country_choices(),
        "regions": page.region_choices(row.country),
        "holidays": page.coming_holidays(row, today),
    }


def _day_form(desk: Desk, data: Any = None) -> SpecialDayForm:
    taken = {
        day.on: f"{day.name} {page.sign(day.openings)}".strip()
        for day in desk.hours.calendar().special_days
    }
    today = page.today_of(desk.hours, desk.who.now)
    return SpecialDayForm(data, auto_id="id_day_%s", today=today, taken=taken)


def _packed(desk: Desk, comparison: Comparison) -> str:
    """Put what is to be saved into a form that only this page of this account can send back."""
    days = [
        (str(day.on), day.name, [(one.starts, one.ends) for one in day.openings])
        for day in comparison.to_save
    ]
    return signing.dumps([desk.hours.pk, days], salt=_SALT, compress=True) if days else ""


def _unpacked(desk: Desk, text: str) -> list[SpecialDay]:
    pk, days = signing.loads(text, salt=_SALT, max_age=_PREVIEW_HOLDS)
    if pk != desk.hours.pk:
        raise signing.BadSignature("The preview was of other hours.")
    return [
        SpecialDay(date.fromisoformat(on), name, tuple(Opening(*ends) for ends in openings))
        for on, name, openings in days
    ]


def _desk(request: HttpRequest, pk: int, *, only_to_copy: bool = False) -> Desk:
    """Return who works on which hours. Others' are not there: Http404."""
    who = setter(request)
    row = BusinessHours.objects.filter(account=who.account, pk=pk).with_days().first()
    if row is None:
        raise Http404("No such page.")
    keepers = list(TeamInbox.objects.filter(hours=row)) if who.is_supervisor else []
    if not (_may_see(who, keepers) if only_to_copy else _are_theirs(who, keepers)):
        raise Http404("No such page.")
    row.account = who.account
    version = number_in(request.POST.get("version", ""))
    return Desk(request, who, row, row.version if version is None else version)


def _url(hours: BusinessHours) -> str:
    return reverse("settings_hours_edit", kwargs={"pk": hours.pk})
