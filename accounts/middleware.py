"""What is asked of everybody who is logged in, before any page is?"""

from collections.abc import Callable
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import sessions
from accounts.clients import ip_of
from accounts.sessions import SessionStore

View = Callable[[HttpRequest], HttpResponse]
TO_THE_MINUTE = timedelta(minutes=1)
# Pages send these by themselves; nobody need be there.
NOT_BY_HAND = ("/read/",)
# Where people look after their own log-in, and leave.
OWN_LOGIN = "/accounts/"


def end_idle_sessions(get_response: View) -> View:
    """Log out who did nothing for too long, and note who does something."""

    def middleware(request: HttpRequest) -> HttpResponse:
        session = _session(request)
        session.came_from(ip_of(request), request.headers.get("User-Agent", ""))
        if request.user.is_authenticated and session.row is not None:
            _keep_or_end(request, session)
        return get_response(request)

    return middleware


def _keep_or_end(request: HttpRequest, session: SessionStore) -> None:
    now, row = timezone.now(), session.row
    assert row is not None
    if sessions.is_idle(row, now=now):
        logout(request)
        messages.info(request, _("You were logged out because nobody was here for a while."))
    elif now - row.seen_at >= TO_THE_MINUTE and is_by_hand(request):
        sessions.touch(row, ip_of(request), now=now)


def is_by_hand(request: HttpRequest) -> bool:
    """Say whether a person did this: opened a page or sent something.

    What a page asks for by itself, such as what it missed, keeps nobody logged in.
    """
    if request.method in ("GET", "HEAD"):
        mode = request.headers.get("Sec-Fetch-Mode")
        if mode:
            return mode == "navigate"
        return "HX-Request" not in request.headers and request.accepts("text/html")
    return not request.path.endswith(NOT_BY_HAND)


def ask_for_second_factor(get_response: View) -> View:
    """Lead people whose role or account needs a second factor to set one up before anything."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(OWN_LOGIN) and request.user.is_authenticated:
            row = _session(request).row
            if row is not None and sessions.lacks_second_factor(row):
                return _lead_to_set_up(request)
        return get_response(request)

    return middleware


def refuse_parts_of_pages(get_response: View) -> View:
    """Answer 401 where a part of a page was asked for and the answer leads to the log-in.

    A script would follow, and put that page where the part belongs. It tells its reader instead;
    where it has no words for that, `HX-Refresh` lets it load the page anew, which leads there.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        leads_away = response.headers.get("Location", "").startswith(OWN_LOGIN)
        if "HX-Request" in request.headers and leads_away:
            return HttpResponse(status=401, headers={"HX-Refresh": "true"})
        return response

    return middleware


def _lead_to_set_up(request: HttpRequest) -> HttpResponse:
    if "application/json" in request.headers.get("Accept", "") or "/api/" in request.path:
        words = _("Set up a second factor first: your role needs one.")
        return JsonResponse({"code": "second_factor_needed", "detail": words}, status=403)
    return HttpResponseRedirect(f"{reverse('mfa_index')}?needed=1")


def _session(request: HttpRequest) -> SessionStore:
    assert isinstance(request.session, SessionStore)
    return request.session
