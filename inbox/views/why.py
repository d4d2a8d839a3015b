"""Why is this conversation here? For whoever may read it: beside it, or as a page of its own."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from inbox.access import get_message
from inbox.explaining.decisions import decisions_of
from inbox.explaining.why import people_now, reasons_of
from inbox.views.answers import Case, no_licence, of_conversation, reader, wants_fragment


@require_GET
def message_why(request: HttpRequest, *, mid: str) -> HttpResponse:
    """Tell why one of our messages was sent, or was not: every decision of the gate about it."""
    viewer, _user, _now = reader(request)
    if not viewer.may_see:
        return no_licence(request, viewer)
    message = get_message(viewer, mid)
    if message.is_inbound or message.is_note:
        raise Http404("No such message.")
    context = {
        "message": message,
        "decisions": decisions_of(message.public_id, account_id=message.account_id),
        "zone": message.thread.sender.account.time_zone,
    }
    return render(request, "inbox/message_why.html", context)


@require_GET
@of_conversation
def why(request: HttpRequest, case: Case) -> HttpResponse:
    """Tell every decision of rules about a conversation, the newest first."""
    template = "inbox/_why.html" if wants_fragment(request) else "inbox/why.html"
    context = {
        "case": case,
        "people": people_now(case.conversation),
        "reasons": reasons_of(case.conversation),
    }
    return render(request, template, context)
