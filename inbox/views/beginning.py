"""How does an agent begin a conversation? They say with whom, and from which number of ours."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import Viewer
from accounts.english import noop
from accounts.models import User
from accounts.numbers import number_in
from accounts.retelling import retold
from compliance.gate import SendBlockedError
from inbox.access import HandledByOtherError, get_contact, get_inbox
from inbox.beginning import address_for, begin_conversation, choices_for
from inbox.models import Conversation, TeamInbox
from inbox.refusals import MissingInputError, NotAllowedError, RefusedError
from inbox.views.answers import (
    Case,
    blocked_dict,
    blocked_status,
    handled_by_other,
    no_licence,
    of_conversation,
    reader,
    refused,
    url_of,
    wants_json,
)

LONGEST_WORDS = 80


@never_cache
@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest, *, slug: str) -> HttpResponse:
    """Choose whom to write to; or begin, and go to the conversation."""
    viewer, user, now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    inbox = get_inbox(viewer, slug)
    if request.method == "GET":
        return _choose(request, viewer, inbox)
    here = request.get_full_path()
    try:
        row = _begin(request, viewer, user, inbox, now=now)
    except RefusedError as refusal:
        return refused(request, refusal.as_dict(), refusal.status, here)
    except SendBlockedError as blocked:
        return refused(request, blocked_dict(blocked), blocked_status(blocked), here)
    except HandledByOtherError as lost:
        return handled_by_other(request, lost)
    if wants_json(request):
        return JsonResponse({"id": row.public_id, "url": url_of(row)})
    return HttpResponseRedirect(url_of(row))


def _choose(request: HttpRequest, viewer: Viewer, inbox: TeamInbox) -> HttpResponse:
    public_id = request.GET.get("contact", "")
    contact = get_contact(viewer, public_id) if public_id else None
    words = request.GET.get("q", "").strip()[:LONGEST_WORDS]
    context = {"viewer": viewer, "inbox": inbox, "contact": contact}
    try:
        choices = choices_for(viewer, inbox, words=words, contact=contact)
    except NotAllowedError as refusal:
        context["problem"] = retold(refusal.reason)
        return render(request, "inbox/begin.html", context, status=refusal.status)
    return render(request, "inbox/begin.html", {**context, "choices": choices})


def _begin(
    request: HttpRequest, viewer: Viewer, user: User, inbox: TeamInbox, *, now: datetime
) -> Conversation:
    data = request.POST
    senders = inbox.senders.in_use().select_related("account", "inbox__account")
    sender = senders.filter(pk=number_in(data.get("sender", "")) or 0).first()
    if sender is None:
        raise MissingInputError(noop("Choose one of the numbers of this inbox."))
    address = address_for(
        viewer,
        sender,
        number=data.get("number", ""),
        address_id=number_in(data.get("address", "")),
    )
    return begin_conversation(sender=sender, address=address, by=viewer, user=user, now=now)


@require_GET
@of_conversation
def begin_beside(request: HttpRequest, case: Case) -> HttpResponse:
    """Go to where the customer of a conversation can be written to by another way."""
    row = case.conversation
    query = urlencode({"contact": row.contact.public_id})
    return HttpResponseRedirect(f"{reverse('begin', kwargs={'slug': row.inbox.slug})}?{query}")
