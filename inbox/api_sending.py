"""May this be sent, when, and why? Asked by pages and programs, of the gate that judges every send.

Nothing is sent and no decision is kept: the same verdict comes again when the message is written,
if nothing has changed. Product behaviour, not legal advice; every answer says so.
"""

from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.gate import Purpose
from compliance.judging import purpose_of
from inbox import api_shapes as shapes
from inbox.abilities import Ability, abilities_of, part_of
from inbox.access import HandledByOtherError, get_conversation
from inbox.api_answers import asked_of, inbox_to_set, private, told
from inbox.api_shapes import answers
from inbox.explaining.verdicts import (
    RuleSaid,
    VerdictTold,
    reader_of,
    verdict_told,
    verdicts_on,
)
from inbox.models import Thread
from inbox.refusals import MissingInputError
from inbox.sending import Wanted, choose_template, verdict_on
from inbox.sending.replying import BODY_LIMIT
from inbox.sending.templating import Chosen, as_judged
from inbox.views.answers import reader

NOTICE = "Product behaviour, not legal advice."
LONGEST_PURPOSE = 40


class AskingGate(serializers.Serializer[Any]):
    """A message as it would be sent. A purpose that nobody knows is judged as an offer."""

    purpose = serializers.CharField(max_length=LONGEST_PURPOSE, default="", allow_blank=True)
    text = serializers.CharField(
        max_length=BODY_LIMIT, default="", allow_blank=True, trim_whitespace=False
    )
    template = serializers.CharField(max_length=34, default="", allow_blank=True)
    values = serializers.DictField(
        child=serializers.CharField(max_length=BODY_LIMIT, allow_blank=True), default=dict
    )
    went_on = serializers.ListField(child=serializers.CharField(max_length=40), default=list)
    check = serializers.BooleanField(default=True)


class AskingForAll(serializers.Serializer[Any]):
    """A text as an inbox would send it to people as they come."""

    purpose = serializers.CharField(max_length=LONGEST_PURPOSE, default="auto_reply")
    text = serializers.CharField(
        max_length=BODY_LIMIT, default="", allow_blank=True, trim_whitespace=False
    )
    is_first = serializers.BooleanField(default=False)
    check = serializers.BooleanField(default=True)


@answers(asks=AskingGate, posts=shapes.VerdictShape)
@api_view(["POST"])
@told
def conversation_verdict(request: Request, public_id: str) -> Response:
    """Say whether a message of the reader's may go to this customer now, and if not, why."""
    viewer, user, now = reader(request._request)
    try:
        conversation = get_conversation(viewer, public_id)
    except HandledByOtherError as lost:
        raise Http404("No such conversation.") from lost
    asked = asked_of(AskingGate, request)
    purpose, thread = purpose_of(asked["purpose"]), conversation.thread
    thread.contact = conversation.contact
    chosen = _chosen(thread, asked)
    wanted = Wanted(
        purpose,
        user,
        now,
        chosen.body if chosen else asked["text"] or None,
        frozenset(asked["went_on"]),
        as_judged(thread, chosen),
    )
    verdict = verdict_on(thread, wanted, now=now)
    abilities = abilities_of(viewer, conversation, part_of(viewer, conversation))
    body = {
        **_verdict(verdict_told(verdict)),
        "purpose": purpose.value,
        "may_write": Ability.REPLY in abilities,
        "warnings": [*_warnings(asked["purpose"]), *(one.words for one in verdict.notices)],
        "notice": NOTICE,
    }
    return private(body)


def _chosen(thread: Thread, asked: dict[str, Any]) -> Chosen | None:
    if not asked["template"]:
        return None
    try:
        return choose_template(thread, asked["template"], asked["values"])
    except MissingInputError as refused:
        raise serializers.ValidationError({"template": [refused.reason]}) from refused


@answers(asks=AskingForAll, posts=shapes.VerdictsShape)
@api_view(["POST"])
@told
def inbox_verdicts(request: Request, public_id: UUID) -> Response:
    """Say what the gate says of a text of an inbox, to people as they come."""
    who, inbox = inbox_to_set(request, public_id)
    asked = asked_of(AskingForAll, request)
    purpose = purpose_of(asked["purpose"])
    found = verdicts_on(inbox, purpose, now=who.now)
    reads = reader_of(inbox, now=who.now)
    notices = reads.notices(asked["text"], purpose, is_first=asked["is_first"])
    body = {
        "purpose": purpose.value,
        "people": [
            {
                "person": line.name,
                "words": line.who,
                "senders": [
                    {"sender": cell.sender, **_verdict(cell.verdict)} for cell in line.cells
                ],
            }
            for line in found.lines
        ],
        "words": list(notices),
        "warnings": _warnings(asked["purpose"]),
        "notice": NOTICE,
    }
    return private(body)


def _verdict(said: VerdictTold) -> dict[str, Any]:
    return {
        "answer": said.answer,
        "code": said.code,
        "words": said.words,
        "until": said.until.isoformat() if said.until else None,
        "rules": [_rule(one) for one in said.rules],
        "notices": [_rule(one) for one in said.notices],
        "pack_version": said.pack_version,
    }


def _rule(said: RuleSaid) -> dict[str, Any]:
    row = said.row
    return {
        "code": said.code,
        "words": said.words,
        "answer": said.answer,
        "row": row.code if row else "",
        "status": row.status if row else "",
        "sources": row.facts.get("sources", "") if row else "",
    }


def _warnings(name: str) -> list[str]:
    """Warn the developer of a purpose that nobody knows (reference 14)."""
    if name in tuple(Purpose):
        return []
    said = f"“{name}” is no purpose" if name else "No purpose is given"
    return [f"{said}: it is judged as {Purpose.PROMOTIONAL.value}, the strictest."]
