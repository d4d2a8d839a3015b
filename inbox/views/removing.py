"""How do people take the content out of one message, and what are they told before?"""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.retelling import retold
from inbox.abilities import may_remove
from inbox.access import get_message
from inbox.forgetting.copies import together_with
from inbox.forgetting.removing import remove_message, why_not
from inbox.views.answers import Case, act, back_to, no_licence, reader, url_of, wants_fragment


@require_http_methods(["GET", "POST"])
def message_remove(request: HttpRequest, *, mid: str) -> HttpResponse:
    """Say what goes with the content of a message and what stays, or take it out."""
    viewer, user, now = reader(request)
    if request.method == "GET" and not viewer.may_see:
        return no_licence(request, viewer)
    message = get_message(viewer, mid)
    conversation = message.conversation
    assert conversation is not None  # get_message only finds messages of a conversation.
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        return act(
            request,
            lambda: remove_message(message=message, by=viewer, user=user, reason=reason, now=now),
            done=_("The content of this message was removed."),
            back=back_to(request, url_of(conversation)),
        )
    if not may_remove(viewer, conversation):
        raise PermissionDenied
    refusal = why_not(message, now=now)
    is_part = wants_fragment(request)
    context = {
        "case": Case(viewer, user, conversation, now),
        "message": message,
        "why_not": retold(refusal.reason) if refusal else "",
        "files": message.attachments.filter(forgotten_at=None).count(),
        "others": len(together_with(message)) - 1,
        "is_part": is_part,
    }
    return render(request, "inbox/_remove.html" if is_part else "inbox/remove.html", context)
