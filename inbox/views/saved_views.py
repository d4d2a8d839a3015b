"""How do people keep ways to look at a list?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inbox.access import get_inbox
from inbox.saved_views import remove_view, save_view, views_of
from inbox.views.answers import act, no_licence, reader


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
            back=back,
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
