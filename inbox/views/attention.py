"""How does somebody choose what they are told of, and have their browsers woken?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.core.internal.ratelimit import consume
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Viewer
from accounts.models import PushSubscription, User
from accounts.pushes import Browser, forget_browser, hash_of_endpoint, remember_browser
from accounts.pushes import renew_browser as renew
from accounts.sessions import browser_in_words
from inbox import digesting, pushing, webpush
from inbox.access import inboxes_of
from inbox.attention import (
    Sort,
    Taste,
    attention_of,
    save_attention,
    taste_in,
    tastes_of,
)
from inbox.attention import stop_letters as stop
from inbox.forms import AttentionForm
from inbox.models import TeamInbox
from inbox.views.answers import reader
from inbox.webpush import BadBrowserError, Outcome, Pushed, check_browser

LONGEST_NAME = 200


@dataclass(frozen=True)
class Line:
    """One inbox with a box for each kind."""

    inbox: TeamInbox
    boxes: tuple[tuple[Sort, str, bool], ...]


@require_http_methods(["GET", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """Show what somebody is told of, and let them choose."""
    viewer, user, now = _colleague(request)
    row, inboxes = attention_of(user), inboxes_of(viewer)
    zone = user.account.time_zone if user.account else "UTC"
    posted = request.POST if request.method == "POST" else None
    form = AttentionForm(posted, instance=row, now=now, zone=zone)
    chosen = _chosen(request, inboxes) if posted else None
    if posted and form.is_valid():
        save_attention(form.instance, chosen or {}, now=now)
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("notifications"))
    taste = tastes_of([user.pk]).get(user.pk) or taste_in(attention_of(user), zone)
    context = {
        "form": form,
        "lines": _lines(inboxes, taste, chosen),
        "kinds": list(_words().values()),
        "hints": _hints(viewer, taste, inboxes, now=now),
        "browsers": _browsers(user),
        "push_key": webpush.public_key(),
    }
    status = 422 if form.errors else 200
    return render(request, "attention/notifications.html", context, status=status)


@require_POST
def browser(request: HttpRequest) -> HttpResponse:
    """Have a browser woken from now on, say that it is still there, or let it be.

    `act` is add, renew or remove; `renew` answers 410 if it is not this person's.
    """
    viewer, user, now = _colleague(request)
    endpoint, act = request.POST.get("endpoint", ""), request.POST.get("act", "add")
    key = request.session.session_key or ""
    if act == "remove":
        forget_browser(endpoint, user=user)
        return HttpResponse(status=204)
    if act == "renew":
        is_theirs = renew(endpoint, user=user, session_key=key, now=now)
        return HttpResponse(status=204 if is_theirs else 410)
    if not viewer.may_see:
        words = _("Without a valid Pro-CX licence you are told of nothing.")
        return _said("license_missing", words, status=403)
    if not webpush.is_set_up():
        return _said("not_set_up", _not_set_up(), status=409)
    keys = (request.POST.get("p256dh", ""), request.POST.get("auth", ""))
    try:
        check_browser(endpoint, *keys)
    except BadBrowserError as bad:
        return _said("bad_browser", bad.reason, status=422)
    name = request.headers.get("User-Agent", "")[:LONGEST_NAME]
    remember_browser(Browser(endpoint, *keys, name), user=user, session_key=key, now=now)
    return HttpResponse(status=204)


@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """Wake the browser that asks, and say what its push service made of it."""
    _viewer, user, now = _colleague(request)
    if not webpush.is_set_up():
        return _said("not_set_up", _not_set_up(), status=409)
    if not consume(request, app="allauth.account", action="push_test", user=user):
        return _said("too_many", _("That was often. Try again in a minute."), status=429)
    found = hash_of_endpoint(request.POST.get("endpoint", ""))
    row = PushSubscription.objects.filter(user=user, endpoint_hash=found).first()
    if row is None:
        words = _("This browser is not known here. Turn push off and on again.")
        return _said("unknown_browser", words, status=404)
    pushed = pushing.try_out(row, now=now)
    is_taken = pushed.outcome is Outcome.TAKEN
    return _said(str(pushed.outcome), _outcome_words(pushed), status=200 if is_taken else 409)


# The link itself is the permission; mail programs post to it without a cookie (RFC 8058).
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop_letters(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the letters about what somebody has not read; opening the page changes nothing."""
    user_id = digesting.user_in(token)
    if user_id is None:
        return render(request, "attention/stop.html", {"state": "bad"}, status=404)
    if request.method == "POST":
        stop(user_id)
    state = "done" if request.method == "POST" else "question"
    return render(request, "attention/stop.html", {"state": state})


def _colleague(request: HttpRequest) -> tuple[Viewer, User, datetime]:
    """Say who asks: somebody of an account. Others are never told of anything: Http404."""
    viewer, user, now = reader(request)
    if user.account_id is None:
        raise Http404("Nobody of an account.")
    return viewer, user, now


def _said(code: str, words: str, *, status: int) -> JsonResponse:
    return JsonResponse({"code": code, "detail": words}, status=status)


# --- Boxes ----------------------------------------------------------------------------------------


def _words() -> dict[Sort, str]:
    return {
        Sort.NEW: _("New, for anybody"),
        Sort.MINE: _("Mine: answers, and what I am given"),
        Sort.MENTIONS: _("Mentions of me"),
        Sort.PROMISES: _("Promises that are due"),
        Sort.WAITING: _("Customers who wait too long"),
    }


def _lines(
    inboxes: Iterable[TeamInbox],
    taste: Taste,
    chosen: dict[TeamInbox, frozenset[Sort]] | None,
) -> list[Line]:
    lines = []
    for inbox in inboxes:
        unwanted = taste.unwanted.get(inbox.pk, frozenset())
        wanted = (chosen or {}).get(inbox, frozenset(Sort) - unwanted)
        boxes = tuple((sort, words, sort in wanted) for sort, words in _words().items())
        lines.append(Line(inbox, boxes))
    return lines


def _chosen(request: HttpRequest, inboxes: Iterable[TeamInbox]) -> dict[TeamInbox, frozenset[Sort]]:
    """Return what was chosen for each inbox that the form showed and this person still has."""
    shown = set(request.POST.getlist("inbox"))
    return {
        inbox: frozenset(sort for sort in Sort if request.POST.get(f"{sort}-{inbox.slug}"))
        for inbox in inboxes
        if inbox.slug in shown
    }


# --- Why not? -------------------------------------------------------------------------------------


def _hints(
    viewer: Viewer, taste: Taste, inboxes: Iterable[TeamInbox], *, now: datetime
) -> list[str]:
    """Say in words why nothing would come right now."""
    everything = frozenset(Sort)
    silent = [one.name for one in inboxes if taste.unwanted.get(one.pk) == everything]
    hints = []
    if not viewer.may_see:
        hints.append(_("You hold no valid Pro-CX licence: you are told of nothing."))
    if taste.is_quiet(now) and taste.quiet:
        until = taste.quiet[1].strftime("%H:%M")
        hints.append(_("Your quiet hours are on until %(time)s.") % {"time": until})
    if silent:
        words = _("Everything is switched off for %(inboxes)s.")
        hints.append(words % {"inboxes": ", ".join(silent)})
    if not webpush.is_set_up():
        hints.append(_not_set_up())
    return hints


def _not_set_up() -> str:
    return _("Push is not set up in this installation. Whoever runs it can add a key for it.")


def _outcome_words(pushed: Pushed) -> str:
    facts = {"status": pushed.status}
    return {
        Outcome.TAKEN: _("Your browser’s push service took it."),
        Outcome.GONE: _("Your browser ended its subscription. Turn push on again."),
        Outcome.REFUSED: _("The push service refused it (status %(status)d).") % facts,
        Outcome.UNREACHABLE: _("The push service cannot be reached from here."),
    }[pushed.outcome]


def _browsers(user: User) -> list[dict[str, Any]]:
    return [
        {"name": browser_in_words(row.browser), "seen_at": row.seen_at, "sent_at": row.sent_at}
        for row in user.push_subscriptions.all()
    ]
