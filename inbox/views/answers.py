"""How do our pages say yes and no? JSON to scripts, a notice and the page before to forms."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.administrators import administrators_of
from accounts.models import Account, User
from accounts.retelling import retold
from accounts.sessions import viewer_here
from compliance.gate import SendBlockedError
from inbox import undoing
from inbox.access import HandledByOtherError, get_conversation
from inbox.models import Conversation
from inbox.refusals import RefusedError, StaleThreadError
from inbox.threads import timeline


@dataclass(frozen=True)
class Case:
    """Who asks, when, and about which conversation (which they may see)."""

    viewer: Viewer
    user: User
    conversation: Conversation
    now: datetime


ConversationView = Callable[..., HttpResponseBase]


def reader(request: HttpRequest) -> tuple[Viewer, User, datetime]:
    """Say who asks and when. Who is here for support only reads: PermissionDenied for the rest."""
    now = timezone.now()
    user = request.user
    assert isinstance(user, User)  # LoginRequiredMiddleware lets nobody else in.
    viewer = viewer_here(request, user, now=now)
    if viewer.is_support and request.method not in {"GET", "HEAD"}:
        raise PermissionDenied
    return viewer, user, now


def of_conversation(view: ConversationView) -> ConversationView:
    """Find the conversation for this person, or say that it is not theirs."""

    @wraps(view)
    def found(request: HttpRequest, *, cid: str, **rest: Any) -> HttpResponseBase:
        viewer, user, now = reader(request)
        if not viewer.may_see:
            return no_licence(request, viewer, cid)
        try:
            conversation = get_conversation(viewer, cid)
        except HandledByOtherError as lost:
            return handled_by_other(request, lost, cid)
        return view(request, Case(viewer, user, conversation, now), **rest)

    return found


def wants_json(request: HttpRequest) -> bool:
    """Say whether a script asks."""
    return "application/json" in request.headers.get("Accept", "")


def wants_fragment(request: HttpRequest) -> bool:
    """Say whether only a part of the page is wanted."""
    return bool(request.headers.get("HX-Request"))


def handled_by_other(
    request: HttpRequest, lost: HandledByOtherError, cid: str = ""
) -> HttpResponse:
    """Say who has the conversation now, and since when: nothing of the conversation.

    `cid` is what they asked for: it leads to the draft that is kept for them.
    """
    owner = lost.owner
    if wants_json(request):
        words = _("This conversation is no longer shared with you.")
        if owner:
            words = _("%(name)s has this conversation.") % {"name": owner}
        since = lost.since.isoformat() if lost.since else None
        body = {"code": "claimed_by_other", "detail": words, "owner": owner, "since": since}
        return JsonResponse(body, status=409)
    is_part = wants_fragment(request)
    template = "inbox/_handled.html" if is_part else "inbox/handled.html"
    return render(request, template, {"owner": owner, "cid": cid}, status=404)


def no_licence(request: HttpRequest, viewer: Viewer, cid: str = "") -> HttpResponse:
    """Say why this person sees nothing, and whom to ask; what they wrote at `cid` is theirs."""
    words = _("Your Pro-CX licence is not valid, or Team Inbox is switched off.")
    if wants_json(request):
        return JsonResponse({"code": "license_missing", "detail": words}, status=403)
    context = {
        "viewer": viewer,
        "cid": cid,
        "account": Account.objects.filter(pk=viewer.account_id or 0).first(),
        "admins": administrators_of(viewer.account_id),
    }
    return render(request, "inbox/no_licence.html", context, status=403)


def act(
    request: HttpRequest,
    story: Callable[[], object],
    *,
    done: str | Callable[[Any], str],
    back: str,
    undo: str | Callable[[Any], str] = "",
    about: Case | None = None,
) -> HttpResponse:
    """Run one story and say what came of it: in `done`, or in what that makes of its result.

    `undo` is the address that takes it back, or finds that by the story's result for a script.
    `about` is whose unseen messages a refusal shows.
    """
    try:
        result = story()
    except StaleThreadError as stale:
        body = stale_dict(about, stale) if about else stale.as_dict()
        return refused(request, body, stale.status, back)
    except RefusedError as refusal:
        return refused(request, refusal.as_dict(), refusal.status, back)
    except SendBlockedError as blocked:
        return refused(request, blocked_dict(blocked), blocked_status(blocked), back)
    words = done if isinstance(done, str) else done(result)
    if wants_json(request):
        address = undo if isinstance(undo, str) else undo(result)
        return JsonResponse({"message": words, "undo": address})
    if words:
        messages.success(request, words)
    return HttpResponseRedirect(back)


def undo_of(case: Case, row: Conversation, verb: str = "") -> str:
    """Return the address that takes back what this person has just done to it, if there is one.

    With a `verb`: only if that is what they did last.
    """
    last = undoing.last_act_on(case.viewer, row, now=case.now)
    if last is None or (verb and last.verb != verb):
        return ""
    return reverse("undo", kwargs={"cid": row.public_id, "eid": last.public_id})


def refused(request: HttpRequest, body: dict[str, object], status: int, back: str) -> HttpResponse:
    """Say no: a code and words to a script, words and the page before to a form."""
    if wants_json(request):
        return JsonResponse(body, status=status)
    messages.error(request, str(body["detail"]))
    return HttpResponseRedirect(back)


def stale_dict(case: Case, stale: StaleThreadError) -> dict[str, object]:
    """Return the body of the answer to who has not seen all: the rest of it, and up to where."""
    unseen = timeline(case.viewer, case.conversation, after=stale.unseen_from_seq - 1)
    html = render_to_string("inbox/_timeline.html", {"timeline": unseen})
    shown = max(unseen.last_seq, stale.unseen_from_seq)
    about = case.conversation.public_id
    return {**stale.as_dict(), "conversation": about, "html": html, "last_seq": shown}


def first_problem(form: Form) -> dict[str, object]:
    """Return the body of the answer when a form cannot be read: what is wrong first."""
    for problems in form.errors.as_data().values():
        problem = problems[0]
        return {"code": problem.code or "bad_input", "detail": retold(problem.messages[0])}
    return {"code": "bad_input", "detail": ""}


def blocked_dict(blocked: SendBlockedError) -> dict[str, object]:
    """Return the body of the answer when the gate says no, or asks before it says yes.

    Where it asks because of the hour, `send_at` (UTC) is from when it would not.
    """
    verdict = blocked.verdict
    code = verdict.reason.value
    asked = {"may_go_on": True, "went_on": code} if verdict.is_question else {}
    later = {"send_at": verdict.goes_from.isoformat()} if verdict.goes_from else {}
    return {"code": code.lower(), "detail": retold(blocked.reason), **asked, **later}


def blocked_status(blocked: SendBlockedError) -> int:
    """Return the status of that answer: 409 where a person may go on, 422 where nobody may."""
    return 409 if blocked.verdict.is_question else 422


def url_of(conversation: Conversation) -> str:
    """Return the one address of a conversation's page."""
    return reverse(
        "conversation",
        kwargs={"slug": conversation.inbox.slug, "cid": conversation.public_id},
    )


def back_to(request: HttpRequest, default: str) -> str:
    """Return the page a form wants to go back to, if it is one of ours."""
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else default
