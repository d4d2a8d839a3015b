"""How do people keep ways to look at a list, and searches?"""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inbox.access import get_inbox, inboxes_of
from inbox.saved_views import (
    all_views_of,
    remove_search,
    remove_view,
    save_search,
    save_view,
    searches_of,
    views_of,
)
from inbox.views.answers import act, back_to, no_licence, reader
from inbox.views.frame import Me, Place


@require_http_methods(["GET", "POST"])
def saved_views(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Show the views of a person and of their inbox; keep one more, or remove one."""
    viewer, _user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    inbox = get_inbox(viewer, slug)
    back = reverse("inbox", kwargs={"slug": slug})
    if request.method == "GET":
        may_share = viewer.supervises_team(inbox.pk) and not viewer.is_support
        context = {"inbox": inbox, "views": views_of(viewer, inbox), "may_share": may_share}
        return render(request, "inbox/_saved_views.html", context)
    if gone := request.POST.get("remove", ""):
        return act(
            request,
            lambda: remove_view(inbox=inbox, by=viewer, public_id=gone),
            done=_("The view is removed."),
            back=back_to(request, back),
        )
    return act(
        request,
        lambda: save_view(
            inbox=inbox,
            by=viewer,
            name=request.POST.get("name", ""),
            query=request.POST.get("query", ""),
            is_shared=bool(request.POST.get("share")),
            now=now,
        ),
        done=_("The view is saved."),
        back=back,
    )


@require_http_methods(["GET", "POST"])
def saved(request: HttpRequest) -> HttpResponse:
    """Show the searches that a person keeps, and their views of all inboxes; keep or remove one."""
    viewer, user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    if request.method == "GET":
        inboxes = inboxes_of(viewer)
        context = {
            "searches": searches_of(viewer),
            "groups": all_views_of(viewer),
            "shared_by": {one.pk for one in inboxes if viewer.supervises_team(one.pk)},
            "me": Me.of(user),
            "inboxes": tuple(map(Place.of, inboxes)),
            "is_support": viewer.is_support,
        }
        response = render(request, "inbox/saved.html", context)
        response["Cache-Control"] = "private, no-store"
        return response
    if gone := request.POST.get("remove", ""):
        return act(
            request,
            lambda: remove_search(by=viewer, public_id=gone),
            done=_("The search is removed."),
            back=reverse("saved"),
        )
    line = request.POST.get("q", "")
    return act(
        request,
        lambda: save_search(by=viewer, name=request.POST.get("name", ""), line=line, now=now),
        done=_("The search is saved. You find it under Saved, in the bar at the side."),
        back=f"{reverse('search')}?{urlencode({'q': line})}",
    )
