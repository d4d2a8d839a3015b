"""Which replies are kept ready? The pages on which admins, supervisors and agents write them."""

from collections.abc import Iterator

from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from inbox.models import CannedReply
from inbox.setup.canned import (
    CannedChangedError,
    CannedError,
    Place,
    canned_variables,
    change_canned,
    delete_canned,
    make_canned,
    text_problems,
)
from inbox.setup.reply_variables import Variables
from inbox.views.settings import canned_page as page
from inbox.views.settings.canned_page import CannedForm, Choice
from inbox.views.settings.door import Keeper, keeper
from inbox.views.settings.finding import PAGE, Find
from inbox.views.settings.replies_page import Preview

BY_USE = "used"


# --- The list -------------------------------------------------------------------------------------


@require_http_methods(["GET"])
def canned_list(request: HttpRequest) -> HttpResponse:
    """List the canned replies that somebody may use or set, page by page."""
    who, find = keeper(request), Find.of(request)
    places = page.places_shown(who)
    place, sort = _place_of(places, request.GET.get("of", "")), request.GET.get("sort", "")
    of = place.key if place else ""
    rows = CannedReply.objects.filter(who.shown, account=who.account)
    rows = _sought(rows, find, place, who)
    found = list(_page_of(rows, find.after, sort)[: PAGE + 1])
    shown = found[:PAGE]
    more = {"of": of, "sort": sort}
    context = {
        "who": who,
        "here": "canned",
        "rows": [(row, page.label_of(row), who.may_keep(row)) for row in shown],
        "places": places,
        "of": of,
        "sort": sort,
        "find": find,
        "is_asked": bool(find.is_asked or of),
        "next": find.next(shown[-1].pk, **more) if len(found) > PAGE else "",
    }
    return render(request, "settings/canned.html", context)


def _sought(
    rows: "QuerySet[CannedReply]", find: Find, place: Choice | None, who: Keeper
) -> "QuerySet[CannedReply]":
    for word in find.words.split():
        rows = rows.filter(Q(shortcut__icontains=word.removeprefix("/")) | Q(body__icontains=word))
    if place is None:
        return rows
    return rows.filter(page.place_in(place, who).rows)


def _place_of(places: list[Choice], key: str) -> Choice | None:
    return next((one for one in places if one.key == key), None)


def _page_of(
    rows: "QuerySet[CannedReply]", after: int | None, sort: str
) -> "QuerySet[CannedReply]":
    """Return the rows behind the one of this key, in order; all of them if it is not there."""
    rows = rows.select_related("inbox", "person").alias(folded=Lower("shortcut"))
    last = rows.annotate(key=Lower("shortcut")).filter(pk=after).first() if after else None
    if sort == BY_USE:
        if last:
            rows = rows.filter(Q(uses__lt=last.uses) | Q(uses=last.uses, pk__gt=last.pk))
        return rows.order_by("-uses", "pk")
    if last:
        key = getattr(last, "key", "")
        rows = rows.filter(Q(folded__gt=key) | Q(folded=key, pk__gt=last.pk))
    return rows.order_by(F("folded"), "pk")


# --- One of them ----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def canned_new(request: HttpRequest) -> HttpResponse:
    """Make a canned reply."""
    who = keeper(request)
    choices = page.choices_for(who)
    if request.method == "GET":
        wanted = request.GET.get("of", "")
        first = _place_of(choices, wanted) or (choices[0] if choices else None)
        form = CannedForm(choices, initial={"place": first.key if first else ""})
        return _show(request, who, form)
    form = CannedForm(choices, request.POST)
    if request.POST.get("do") == "preview":
        return _preview(request, who, form)
    if not form.is_valid():
        return _show(request, who, form, status=422)
    try:
        row = make_canned(
            account=who.account,
            place=_wanted_place(form, who),
            shortcut=form.cleaned_data["shortcut"],
            body=form.cleaned_data["body"],
            by=who.user,
            now=who.now,
        )
    except CannedError as refused:
        form.add_error(refused.field or None, refused.reason)
        return _show(request, who, form, status=422)
    messages.success(request, _("Saved: type /%(shortcut)s to use it.") % _told(row))
    return HttpResponseRedirect(reverse("settings_canned"))


@require_http_methods(["GET", "POST"])
def canned_edit(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Change a canned reply."""
    who, row = _kept(request, public_id)
    choices = page.choices_for(who)
    if request.method == "GET":
        return _show(request, who, CannedForm(choices, initial=page.as_form(row)), row)
    form = CannedForm(choices, request.POST)
    if request.POST.get("do") == "preview":
        return _preview(request, who, form, row)
    if not form.is_valid():
        return _show(request, who, form, row, status=422)
    try:
        row = change_canned(
            reply=row,
            place=_wanted_place(form, who),
            shortcut=form.cleaned_data["shortcut"],
            body=form.cleaned_data["body"],
            version=form.cleaned_data["version"] or 0,
            by=who.user,
            now=who.now,
        )
    except CannedChangedError as refused:
        form.data = {**request.POST.dict(), "version": str(refused.version)}
        return _show(request, who, form, refused.row, status=409, changed=refused.row)
    except CannedError as refused:
        form.add_error(refused.field or None, refused.reason)
        return _show(request, who, form, row, status=422)
    messages.success(request, _("“/%(shortcut)s” is saved.") % _told(row))
    return HttpResponseRedirect(reverse("settings_canned"))


@require_http_methods(["GET", "POST"])
def canned_delete(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Say what is lost, then delete a canned reply."""
    who, row = _kept(request, public_id)
    back = reverse("settings_canned")
    if request.method == "GET":
        context = {
            "who": who,
            "here": "canned",
            "question": _("Delete “/%(shortcut)s”?") % _told(row),
            "sentences": list(_before_deleting(row)),
            "button": _("Delete"),
            "back": back,
        }
        return render(request, "settings/confirm.html", context)
    try:
        delete_canned(reply=row, by=who.user, now=who.now)
    except CannedError as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, _("“/%(shortcut)s” is deleted.") % _told(row))
    return HttpResponseRedirect(back)


def _before_deleting(row: CannedReply) -> Iterator[str]:
    label = page.label_of(row)
    yield _("Nobody can choose it any more. It is for: %(place)s.") % {"place": label}
    if row.uses:
        words = ngettext("It was used %(uses)s time.", "It was used %(uses)s times.", row.uses)
        yield words % {"uses": row.uses}
    yield _("What was sent with it stays as it is.")
    if row.is_shared:
        yield _("The audit log keeps what it said.")


def _kept(request: HttpRequest, public_id: str) -> tuple[Keeper, CannedReply]:
    """Return who keeps which canned reply. What is not theirs to change is not there: Http404."""
    who = keeper(request)
    rows = CannedReply.objects.select_related("inbox", "person")
    row = rows.filter(account=who.account, public_id=public_id).first()
    if row is None or not who.may_keep(row):
        raise Http404("No such canned reply.")
    return who, row


def _wanted_place(form: CannedForm, who: Keeper) -> Place:
    return page.place_in(form.choices[form.cleaned_data["place"]], who)


def _told(row: CannedReply) -> dict[str, str]:
    return {"shortcut": row.shortcut}


# --- What the editor shows ------------------------------------------------------------------------


def _preview(
    request: HttpRequest, who: Keeper, form: CannedForm, row: CannedReply | None = None
) -> HttpResponse:
    """Show what a text becomes, alone if htmx asks; nothing is saved."""
    if "HX-Request" not in request.headers:
        return _show(request, who, form, row)
    context = {"previews": _previews(form, who, canned_variables(who.account.pk))}
    return render(request, "settings/inbox/_reply_preview.html", context)


def _previews(form: CannedForm, who: Keeper, variables: Variables) -> list[Preview]:
    body = form.text
    if not body:
        return []
    place = form.choices.get(str(form["place"].value()))
    inbox = place.inbox if place and place.inbox else page.any_inbox(who)
    found = text_problems(body, variables.known)
    return page.previews(body, inbox, who, variables, problems=found)


def _show(
    request: HttpRequest,
    who: Keeper,
    form: CannedForm,
    row: CannedReply | None = None,
    *,
    status: int = 200,
    changed: CannedReply | None = None,
) -> HttpResponse:
    variables = canned_variables(who.account.pk)
    context = {
        "who": who,
        "here": "canned",
        "form": form,
        "row": row,
        "changed": changed,
        "choices": variables.choices(),
        "previews": _previews(form, who, variables),
    }
    return render(request, "settings/canned_edit.html", context, status=status)
