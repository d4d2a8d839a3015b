"""How do people make two contacts one, having seen what becomes of them, and take it back?"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from inbox.access import get_contact
from inbox.cards import Editor
from inbox.contact_pages import contact_list, name_of
from inbox.merging import get_merge, merge_contacts, preview, undo_merge
from inbox.models import Contact
from inbox.refusals import RefusedError
from inbox.views.answers import act, no_licence, reader, refused
from inbox.views.contacts import url_of_contact


@never_cache
@require_http_methods(["GET", "POST"])
def merge(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Look for the other contact, show what a merge would do, and merge."""
    viewer, user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    row = get_contact(viewer, public_id)
    editor = Editor(viewer, user, now)
    if request.method == "POST":
        other = get_contact(viewer, request.POST.get("other", ""))
        done = _("They are one contact now. This can be undone below.")
        return act(
            request,
            lambda: merge_contacts(row, other, editor),
            done=done,
            back=url_of_contact(row),
        )
    wanted = request.GET.get("other", "")
    if wanted:
        return _preview(request, row, get_contact(viewer, wanted), editor)
    words = request.GET.get("q", "")
    found = contact_list(viewer, words) if words.strip() else None
    context = {"contact": row, "name": _name(row), "found": found, "words": words}
    return render(request, "inbox/merge.html", context)


def _preview(request: HttpRequest, row: Contact, other: Contact, editor: Editor) -> HttpResponse:
    try:
        told = preview(row, other, editor)
    except RefusedError as refusal:
        return refused(request, refusal.as_dict(), refusal.status, url_of_contact(row))
    context = {"contact": row, "name": _name(row), "told": told, "other_name": _name(other)}
    return render(request, "inbox/merge.html", context)


def _name(contact: Contact) -> str:
    return name_of(contact, contact.addresses.filter(alias_of=None).order_by("pk").first())


@require_POST
def undo(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Part two contacts again, and say what could not go back."""
    viewer, user, now = reader(request)
    log = get_merge(viewer, public_id)
    back = url_of_contact(log.kept)
    try:
        row = undo_merge(log, Editor(viewer, user, now))
    except RefusedError as refusal:
        return refused(request, refusal.as_dict(), refusal.status, back)
    if row.left:
        messages.warning(request, _("Undone, but not all of it could go back: it is told below."))
        return HttpResponseRedirect(back)
    return act(request, lambda: row, done=_("The merge is undone."), back=back)
