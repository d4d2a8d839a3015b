"""Why is this conversation here? For whoever may read it: beside it, or as a page of its own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from inbox.explaining.why import people_now, reasons_of
from inbox.views.answers import Case, of_conversation, wants_fragment


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
