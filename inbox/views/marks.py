"""How do people tag a conversation, say how urgent it is, and what they know of its contact?"""

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from inbox import marking
from inbox.marking import Writer
from inbox.models import ConversationEvent
from inbox.refusals import MissingInputError
from inbox.views.answers import Case, act, back_to, of_conversation, undo_of, url_of
from routing.facts import Value


@require_POST
@of_conversation
def conversation_tags(request: HttpRequest, case: Case) -> HttpResponse:
    """Add a tag to the conversation, or take one away."""
    return _tags(request, case, marking.tag_conversation, marking.untag_conversation)


@require_POST
@of_conversation
def priority(request: HttpRequest, case: Case) -> HttpResponse:
    """Say how urgent the conversation is."""
    return act(
        request,
        lambda: marking.set_priority(_writer(case), request.POST.get("priority", "")),
        done=_("The priority is set."),
        undo=lambda row: undo_of(case, row, ConversationEvent.Verb.PRIORITY),
        back=url_of(case.conversation),
    )


@require_POST
@of_conversation
def contact_tags(request: HttpRequest, case: Case) -> HttpResponse:
    """Add a tag to the contact, or take one away."""
    return _tags(request, case, marking.tag_contact, marking.untag_contact)


def _tags(
    request: HttpRequest,
    case: Case,
    add: Callable[[Writer, str], object],
    remove: Callable[[Writer, str], object],
) -> HttpResponse:
    gone = request.POST.get("remove", "")
    story, tag = (remove, gone) if gone else (add, request.POST.get("add", ""))
    done = _("The tag is removed.") if gone else _("The tag is added.")
    back = back_to(request, url_of(case.conversation))
    return act(request, lambda: story(_writer(case), tag), done=done, back=back)


@require_POST
@of_conversation
def contact_attributes(request: HttpRequest, case: Case) -> HttpResponse:
    """Say something of the contact, say it anew, or take it back."""
    deeds: dict[str, tuple[Callable[[], object], str]] = {
        "add": (lambda: marking.add_attribute(_writer(case), **_given(request)), _("It is saved.")),
        "change": (
            lambda: marking.change_attribute(_writer(case), **_given(request), seen=_seen(request)),
            _("It is saved."),
        ),
        "remove": (
            lambda: marking.remove_attribute(
                _writer(case), name=request.POST.get("name", ""), seen=_seen(request)
            ),
            _("It is removed."),
        ),
    }
    story, done = deeds.get(request.POST.get("do", ""), (_unknown, ""))
    return act(request, story, done=done, back=back_to(request, url_of(case.conversation)))


def _writer(case: Case) -> Writer:
    return Writer(case.conversation, case.viewer, case.user, case.now)


def _given(request: HttpRequest) -> dict[str, str]:
    data = request.POST
    return {
        "name": data.get("name", ""),
        "kind": data.get("kind", ""),
        "text": data.get("value", ""),
    }


def _seen(request: HttpRequest) -> Value:
    """Return what the form was filled in over; what makes no sense was not there."""
    try:
        found: Value = json.loads(request.POST.get("seen", "")[:20_000])
    except (ValueError, RecursionError):
        return None
    return found


def _unknown() -> None:
    raise MissingInputError(_("Choose what is to be done."))
