"""How does a person write outside WhatsApp's 24 hours? With a template that WhatsApp approved."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.numbers import number_in
from compliance.policies import policy_of
from inbox.abilities import Ability, abilities_of, part_of
from inbox.labels import name_words, words_about
from inbox.models import Conversation, Message, WhatsAppTemplate
from inbox.models.ids import client_id
from inbox.sending import (
    WentOn,
    choose_template,
    purpose_of_template,
    send_reply,
    unusable_templates,
    usable_templates,
    warnings_on,
    why_unusable,
)
from inbox.template_words import Known, Place, places_of, shown_with
from inbox.views.answers import Case, act, of_conversation, url_of, wants_fragment
from routing.marks import words_of
from routing.texts import first_name

FIELD = "value_"
LONGEST_SEARCH = 80


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
            about=case,
        )
    is_part = wants_fragment(request)
    may_send = Ability.REPLY in abilities_of(
        case.viewer, case.conversation, part_of(case.viewer, case.conversation)
    )
    thread = case.conversation.thread
    rows = usable_templates(thread) if may_send else []
    others = unusable_templates(thread) if may_send else []
    words = " ".join(request.GET.get("q", "").replace("\0", "").split())[:LONGEST_SEARCH]
    known = _known(case.conversation)
    context = {
        "case": case,
        "is_part": is_part,
        "new_id": client_id(),
        "seen": number_in(request.GET.get("seen", "")) or thread.last_seq,
        "words": words,
        "has_any": bool(rows or others),
        "choices": [_Choice.of(row, known) for row in rows if _has(row, words)],
        "others": [(row, why_unusable(row)) for row in others if _has(row, words)],
    }
    template = "inbox/_templates.html" if is_part else "inbox/templates.html"
    return render(request, template, context)


@dataclass(frozen=True)
class _Choice:
    """A template that may be sent: its places with what is known for them, and what it says so."""

    row: WhatsAppTemplate
    places: Sequence[tuple[Place, str]]
    preview: str

    @classmethod
    def of(cls, row: WhatsAppTemplate, known: Known) -> "_Choice":
        places = places_of(row.body, row.variables)
        values = {place.name: known.value_of(place.name) for place in places}
        preview = shown_with(row.body, values)
        return cls(row, [(place, values[place.name]) for place in places], preview)


def _known(conversation: Conversation) -> Known:
    """Gather what the places of a template may be filled with: no number stands for a name, and
    none that is kept from who is answered now stands anywhere."""
    contact = conversation.contact
    name = contact.name or contact.profile_name
    every = {one: words_of(value) for one, value in contact.attributes.items()}
    attributes = {one: said for one, said in every.items() if words_about(contact, said) == said}
    first = first_name(name) if name_words(name) == name else ""
    return Known(name if first else "", first, attributes)


def _has(row: WhatsAppTemplate, words: str) -> bool:
    """Say whether a template has all of these words in what a list shows of it."""
    text = f"{row.name} {row.language} {row.category} {row.body}".casefold()
    return all(word in text for word in words.casefold().split())


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
        last_seen_seq=number_in(request.POST.get("last_seen_message", "")),
        purpose=purpose_of_template(
            chosen, is_answer=wrote is not None and case.now - wrote <= open_for
        ),
        went_on=WentOn(frozenset(codes), request.POST.get("went_on_reason", "")),
        template=chosen,
        now=case.now,
    )
