"""Which inboxes and which conversations does a person see?"""

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.numbers import number_in
from inbox.access import get_inbox, inboxes_of
from inbox.filters import Filter
from inbox.lists import Asked, View, counts_of, inbox_page, unread_among
from inbox.searching.finding import TooSlowError
from inbox.views.answers import no_licence, reader, wants_fragment
from inbox.views.frame import show_page

LAST_INBOX = "last_inbox"
MOST_ASKED = 100  # rows of which one request asks what is unread


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Go to the inbox of last time, or to the only one; offer a choice of several."""
    viewer, user, _now = reader(request)
    if viewer.account_id is None and user.is_staff:
        return HttpResponseRedirect(reverse("admin:index"))
    if not viewer.may_see:
        # Settings are open to who is here for support also while Team Inbox is off.
        if viewer.is_support:
            return HttpResponseRedirect(reverse("settings"))
        # Auditors and admins have their work elsewhere, and need no licence for it.
        if user.role == User.Role.AUDITOR:
            return HttpResponseRedirect(reverse("admin:index"))
        if user.role == User.Role.ACCOUNT_ADMIN:
            return HttpResponseRedirect(reverse("settings"))
        return no_licence(request, viewer)
    inboxes = inboxes_of(viewer)
    last = [one for one in inboxes if one.slug == request.session.get(LAST_INBOX)]
    chosen = last or (inboxes if len(inboxes) == 1 else [])
    if chosen and "choose" not in request.GET:
        return HttpResponseRedirect(reverse("inbox", kwargs={"slug": chosen[0].slug}))
    return render(request, "inbox/chooser.html", {"inboxes": inboxes})


@require_GET
def inbox(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Show the list of one inbox; only the list, or its next rows, when a script asks."""
    viewer, user, _now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    asked = asked_by(request)
    try:
        page = inbox_page(viewer, slug, asked)
    except TooSlowError as slow:
        messages.warning(request, slow.reason)
        page = inbox_page(viewer, slug, replace(asked, words=""))
    if request.session.get(LAST_INBOX) != slug:
        request.session[LAST_INBOX] = slug
    if wants_fragment(request):
        template = "inbox/_rows.html" if page.asked.before else "inbox/_rows_box.html"
        return render(request, template, {"page": page})
    return show_page(request, page, user, viewer, pane="list")


@require_GET
def counts(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Count the parts of the list for this reader; or what they have not read in some rows of it,
    those named by `unread`."""
    viewer, _user, _now = reader(request)
    found = get_inbox(viewer, slug)
    named = request.GET.getlist("unread")[:MOST_ASKED]
    if not named:
        return JsonResponse(counts_of(viewer, found))
    public_ids = [one for one in named if one.isascii() and one.isalnum()]
    return JsonResponse({"unread": unread_among(viewer, found, public_ids)})


def asked_by(request: HttpRequest) -> Asked:
    """Read from the address what part of the list is wanted."""
    return Asked(
        now=timezone.now(),
        view=View.named(request.GET.get("view", "")),
        words=request.GET.get("q", "").strip()[:80],
        owner=number_in(request.GET.get("owner", "")),
        before=request.GET.get("before", ""),
        wanted=Filter.of(request.GET),
    )
