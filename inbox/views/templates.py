"""How does a person write outside WhatsApp's 24 hours? With a template that WhatsApp approved."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from compliance.policies import policy_of
from inbox.abilities import Ability, abilities_of, part_of
from inbox.models import Message
from inbox.models.ids import client_id
from inbox.sending import (
    WentOn,
    choose_template,
    purpose_of_template,
    send_reply,
    usable_templates,
    warnings_on,
)
from inbox.template_words import places_of
from inbox.views.answers import Case, act, of_conversation, url_of, wants_fragment

FIELD = "value_"


@require_http_methods(["GET", "POST"])
@of_conversation
def templates(request: HttpRequest, case: Case) -> HttpResponse:
    """Offer the templates that may be sent here, or send one."""
    if request.method == "POST":
        return act(
            request,
            lambda: _send(request, case),
            done=lambda sent: " ".join([_("The template is on its way."), *warnings_on(sent)]),
            back=url_of(case.conversation),
        )
    is_part = wants_fragment(request)
    may_send = Ability.REPLY in abilities_of(
        case.viewer, case.conversation, part_of(case.viewer, case.conversation)
    )
    rows = usable_templates(case.conversation.thread) if may_send else []
    context = {
        "case": case,
        "is_part": is_part,
        "new_id": client_id(),
        "choices": [(row, places_of(row.body, row.variables)) for row in rows],
    }
    template = "inbox/_templates.html" if is_part else "inbox/templates.html"
    return render(request, template, context)


def _send(request: HttpRequest, case: Case) -> Message:
    thread = case.conversation.thread
    values = {
        name.removeprefix(FIELD): str(value)
        for name, value in request.POST.items()
        if name.startswith(FIELD)
    }
    chosen = choose_template(thread, request.POST.get("template", ""), values)
    wrote = thread.last_inbound_at
    open_for = policy_of(thread.account_id).open_for
    codes = request.POST.get("went_on", "").split()
    return send_reply(
        conversation=case.conversation,
        by=case.viewer,
        user=case.user,
        body=chosen.body,
        client_id=request.POST.get("client_id", "")[:32] or client_id(),
        purpose=purpose_of_template(
            chosen, is_answer=wrote is not None and case.now - wrote <= open_for
        ),
        went_on=WentOn(frozenset(codes), request.POST.get("went_on_reason", "")),
        template=chosen,
        now=case.now,
    )
