"""How do people find contacts, look at one, write on their card and block them?"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.numbers import number_in
from inbox.access import get_contact
from inbox.cards import (
    Editor,
    Wanted,
    as_it_is,
    block_contact,
    edit_contact,
    unblock_contact,
)
from inbox.contact_pages import contact_list, contact_page
from inbox.labels import name_words, words_about
from inbox.masking import with_numbers
from inbox.merging import now_part_of
from inbox.models import Contact
from inbox.refusals import RefusedError
from inbox.views.answers import act, back_to, no_licence, reader, refused, wants_json

Deed = Callable[[Contact, Editor], object]
Part = Callable[[Contact], dict[str, Any]]


@never_cache
@require_GET
def contacts(request: HttpRequest) -> HttpResponse:
    """List the contacts this person may see, or those whose name or number holds some words."""
    viewer, _user, _now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    given = request.GET
    found = contact_list(
        viewer,
        given.get("q", ""),
        before=given.get("before", ""),
        only_blocked=given.get("blocked", "") == "1",
    )
    return render(request, "inbox/contacts.html", {"found": found, "viewer": viewer})


@never_cache
@require_http_methods(["GET", "POST"])
def contact(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Show a contact, and write on their card."""
    viewer, user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    if request.method == "GET" and (other := now_part_of(viewer, public_id)):
        return HttpResponseRedirect(url_of_contact(other))
    row = get_contact(viewer, public_id)
    if request.method == "GET":
        page = contact_page(viewer, row, now=now)
        return render(request, "inbox/contact.html", {"page": page, "viewer": viewer})
    wanted = _wanted(request, row)
    try:
        edit_contact(row, wanted, Editor(viewer, user, now))
    except RefusedError as refusal:
        if wants_json(request):
            return refused(request, refusal.as_dict(), refusal.status, url_of_contact(row))
        # What was typed stays in the form, over what the card says now.
        row.refresh_from_db()
        page = contact_page(viewer, row, now=now)
        context = {"page": page, "viewer": viewer, "typed": wanted, "problem": refusal.reason}
        return render(request, "inbox/contact.html", context, status=refusal.status)
    back = back_to(request, url_of_contact(row))
    return act(request, lambda: None, done=_("The contact is saved."), back=back)


def _wanted(request: HttpRequest, row: Contact) -> Wanted:
    data = request.POST
    notes = data.get("notes", "").replace("\r\n", "\n")
    return Wanted(
        seen=data.get("seen", ""),
        name=_name_in(request, row),
        language=data.get("language", ""),
        owner=number_in(data.get("owner", "")),
        notes=with_numbers(notes, row.notes, words_about(row, row.notes)),
    )


def _name_in(request: HttpRequest, row: Contact) -> str:
    """Read a name that was typed; where a masked number was left standing, the number stays."""
    return with_numbers(request.POST.get("name", ""), row.name, name_words(row.name))


@require_POST
def block(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Block a contact, with a reason."""
    reason = request.POST.get("reason", "")
    done = _("Blocked. What they write is kept, and alerts nobody.")
    return _change(request, public_id, lambda row, by: block_contact(row, reason, by), done)


@require_POST
def unblock(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Unblock a contact."""
    return _change(request, public_id, unblock_contact, _("No longer blocked."))


def _change(request: HttpRequest, public_id: str, deed: Deed, done: str) -> HttpResponse:
    viewer, user, now = reader(request)
    row = get_contact(viewer, public_id)
    editor = Editor(viewer, user, now)
    back = back_to(request, url_of_contact(row))
    return act(request, lambda: deed(row, editor), done=done, back=back)


def url_of_contact(row: Contact) -> str:
    """Return the one address of a contact's page."""
    return reverse("contact", kwargs={"public_id": row.public_id})


@require_POST
def contact_name(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Give a contact a name of ours; blank goes back to what they call themselves."""
    return _write_part(request, public_id, lambda row: {"name": _name_in(request, row)})


@require_POST
def contact_language(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Note in which language a contact is answered; blank: the one that they write in."""
    language = request.POST.get("language", "")
    return _write_part(request, public_id, lambda _row: {"language": language})


def _write_part(request: HttpRequest, public_id: str, part: Part) -> HttpResponse:
    """Change a part of a card, as the form of all of it does."""
    viewer, user, now = reader(request)
    row = get_contact(viewer, public_id)
    wanted = replace(as_it_is(row, seen=request.POST.get("seen", "")), **part(row))
    return act(
        request,
        lambda: edit_contact(row, wanted, Editor(viewer, user, now)),
        done="",
        back=back_to(request, "/"),
    )
