"""How do people say that a number reaches nobody, and that it does again?"""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.numbers import number_in
from accounts.retelling import retold
from inbox.access import HandledByOtherError, get_message
from inbox.marking import Writer
from inbox.reach import mark_out_of_reach, mark_within_reach
from inbox.views.answers import (
    Case,
    act,
    back_to,
    handled_by_other,
    of_conversation,
    reader,
    url_of,
)


@require_POST
@of_conversation
def reach(request: HttpRequest, case: Case) -> HttpResponse:
    """Mark an address of the contact as out of reach, with a reason, or take that back."""
    writer = Writer(case.conversation, case.viewer, case.user, case.now)
    named = request.POST.get("address") or request.GET.get("address") or ""
    address, why = number_in(named) or 0, request.POST.get("why", "")
    back = back_to(request, url_of(case.conversation))
    if request.POST.get("out") == "1":
        return _mark(request, writer, address, why, back)
    done = _("It may be written to again.")
    return act(request, lambda: mark_within_reach(writer, address), done=done, back=back)


@require_POST
def message_reach(request: HttpRequest, *, mid: str) -> HttpResponse:
    """Mark the address that a message did not reach; its error is the reason."""
    viewer, user, now = reader(request)
    try:
        message = get_message(viewer, mid)
    except HandledByOtherError as lost:
        return handled_by_other(request, lost)
    conversation = message.conversation
    assert conversation is not None  # get_message only finds messages of a conversation.
    why = retold(message.error_words) or _("A message did not reach them.")
    writer = Writer(conversation, viewer, user, now)
    back = back_to(request, url_of(conversation))
    return _mark(request, writer, message.thread.address_id, why, back)


def _mark(request: HttpRequest, writer: Writer, address: int, why: str, back: str) -> HttpResponse:
    undo = reverse("reach", kwargs={"cid": writer.conversation.public_id})
    return act(
        request,
        lambda: mark_out_of_reach(writer, address, why),
        done=_("Marked as out of reach. Nothing is sent there until you take it back."),
        undo=f"{undo}?address={address}",
        back=back,
    )
