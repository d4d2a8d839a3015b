"""Which boards hang on walls? Who may makes and ends their addresses; each shows figures alone."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.languages import language_of
from inbox.refusals import RefusedError
from inbox.reporting.asking import Asked
from inbox.reporting.boards import (
    BoardEndedError,
    boards_of,
    hang_board,
    may_hang,
    shown_at,
    take_down,
)
from inbox.reporting.measures import zone_of
from inbox.reporting.scope import scope_of
from inbox.reporting.wall import wall_of
from inbox.views.answers import no_licence, reader, wants_fragment


@require_http_methods(["GET", "POST"])
def boards(request: HttpRequest) -> HttpResponse:
    """Show the boards that hang, and hang another; its address is shown this once."""
    viewer, user, now = reader(request)
    scope = scope_of(viewer, user, Asked.of({}))
    if scope is None:
        return no_licence(request, viewer)
    context: dict[str, object] = {"scope": scope, "may_hang": may_hang(viewer, user)}
    status = 200
    if request.method == "POST":
        try:
            slug = request.POST.get("inbox", "")
            row, secret = hang_board(by=viewer, user=user, slug=slug, now=now)
            address = request.build_absolute_uri(reverse("board", kwargs={"secret": secret}))
            context |= {"made": row, "address": address}
        except RefusedError as refused:
            context["refused"], status = refused.reason, refused.status
    context["boards"] = boards_of(viewer, user, now=now)
    response = render(request, "reports/boards.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
def board_end(request: HttpRequest, *, public_id: str) -> HttpResponse:
    """Take a board down."""
    viewer, user, now = reader(request)
    take_down(by=viewer, user=user, public_id=public_id, now=now)
    return HttpResponseRedirect(reverse("boards"))


@login_not_required
@require_GET
def board(request: HttpRequest, *, secret: str) -> HttpResponse:
    """Show a board to whoever has its address; only what changes when its script asks."""
    now = timezone.now()
    asked = Asked.of(request.GET.dict())
    try:
        owner, scope = shown_at(secret, asked, now=now)
    except BoardEndedError as ended:
        said = {"reason": ended.reason}
        return _kept_from_others(render(request, "reports/board_ended.html", said, status=410))
    template = "reports/_board.html" if wants_fragment(request) else "reports/wall.html"
    with timezone.override(zone_of(scope)), override(language_of(owner)):
        context = {"wall": wall_of(scope, now=now), "asked": scope.asked, "is_board": True}
        return _kept_from_others(render(request, template, context))


def _kept_from_others(response: HttpResponse) -> HttpResponse:
    """Keep an address that is a secret out of caches, search engines and other sites."""
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
