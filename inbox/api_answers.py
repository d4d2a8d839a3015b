"""How does the API answer: what a story refuses, in words, and nothing that a cache may keep?"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import Administrator
from accounts.english import noop
from accounts.retelling import retold
from compliance.keyword_settings import KeywordsChangedError
from compliance.own_keywords import OwnKeywordsRefused
from inbox.models import TeamInbox
from inbox.setup import policies, replies, rules
from inbox.setup.canned import CannedChangedError, CannedError
from inbox.setup.consent_imports import OtherBodyError
from inbox.setup.one_document import InboxMovedError
from inbox.setup.refusals import SetUpError
from inbox.setup.rules import Whose
from inbox.views.settings.door import Setter, setter
from inbox.views.settings.rules_desk import rules_desk
from routing.business_hours import HoursChangedError, HoursError
from routing.examples import Verdict
from routing.keeping_examples import ExampleError
from routing.lint import Finding
from routing.lookups import DefinitionChangedError, DefinitionError
from routing.policy_documents import PolicyError
from routing.reading import DocumentError
from routing.rulebooks import (
    DraftChangedError,
    FindingsError,
    HeldChangedError,
    RulebookError,
)
from routing.trying import TypedError

P = ParamSpec("P")
View = Callable[Concatenate[Request, P], Response]

# What stories refuse, each with its status and what stands beside its words; the first that fits.
_Refusal = tuple[type[Exception], int, Callable[[Any], dict[str, Any]]]
_REFUSALS: tuple[_Refusal, ...] = (
    (
        DocumentError,
        422,
        lambda error: {"problems": [_at(p.where, p.words) for p in error.problems]},
    ),
    (PolicyError, 422, lambda error: {"problems": [_at(_step(error.step), error.reason)]}),
    (FindingsError, 422, lambda error: {"findings": findings_in(error.findings)}),
    (rules.ExamplesError, 422, lambda error: {"examples": verdicts_in(error.failing)}),
    (
        policies.PolicyProblemsError,
        422,
        lambda error: {"problems": [_at(_step(p.step), p.words) for p in error.problems]},
    ),
    (
        replies.ReplyProblemsError,
        422,
        lambda error: {"problems": [_at("", p.words) for p in error.problems]},
    ),
    (rules.DraftMovedError, 409, lambda error: {"version": error.rulebook.draft_version}),
    (HeldChangedError, 409, lambda error: {"number": error.number}),
    (DraftChangedError, 409, lambda error: {"version": error.rulebook.draft_version}),
    (policies.PolicyChangedError, 409, lambda error: {"version": error.version}),
    (
        OwnKeywordsRefused,
        400,
        lambda error: {"problems": [_at("", words) for words in error.problems]},
    ),
    (KeywordsChangedError, 409, lambda error: {"version": error.seen}),
    (replies.ReplyChangedError, 409, lambda error: {"version": error.seen}),
    (InboxMovedError, 409, lambda error: {"version": error.version}),
    (RulebookError, 422, lambda error: {}),
    (HoursChangedError, 409, lambda error: {"version": error.version}),
    (HoursError, 422, lambda error: {"problems": [_at(error.field, error.reason)]}),
    (DefinitionChangedError, 409, lambda error: {}),
    (DefinitionError, 422, lambda error: {"problems": [_at(error.field, error.reason)]}),
    (TypedError, 422, lambda error: {"problems": [_at(error.field, error.reason)]}),
    (ExampleError, 422, lambda error: {}),
    (OtherBodyError, 409, lambda error: {}),
    (CannedChangedError, 409, lambda error: {"version": error.version}),
    (CannedError, 422, lambda error: {"problems": [_at(error.field, error.reason)]}),
    (SetUpError, 422, lambda error: {}),
    (replies.RepliesError, 422, lambda error: {}),
)
_KNOWN = tuple(kind for kind, *_ in _REFUSALS)


def told(view: View[P]) -> View[P]:
    """Answer what a story refuses with its words, and where each problem is."""

    @wraps(view)
    def answer(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return view(request, *args, **kwargs)
        except _KNOWN as error:
            status, more = next(
                (status, more) for kind, status, more in _REFUSALS if isinstance(error, kind)
            )
            words = getattr(error, "reason", "") or noop("This document cannot be followed.")
            return Response({"detail": retold(words), **more(error)}, status=status)

    return answer


def _at(where: str, words: str) -> dict[str, str]:
    return {"where": where, "words": retold(words)}


def _step(number: int) -> str:
    return f"steps[{number - 1}]" if number else ""


def findings_in(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Say what the linter found."""
    return [
        {"level": one.level.value, "rule": one.rule, "words": retold(one.words)} for one in findings
    ]


def verdicts_in(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Say of examples what becomes of them that should be otherwise."""
    return [{"name": one.example.name, "differences": list(one.differences)} for one in verdicts]


def asked_of(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return what a request says. Raises ValidationError, answered with 400."""
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def idempotency_key(request: Request) -> str:
    """Return the key under which a program does something once; blank without one.

    Raises ValidationError, answered with 400.
    """
    key = (request.headers.get("Idempotency-Key") or "").strip()
    if len(key) > 120 or not key.isprintable():
        raise serializers.ValidationError({"Idempotency-Key": ["is longer than 120 characters"]})
    return key


def private(body: object, *, status: int = 200) -> Response:
    """Answer with what nobody between us and the program keeps."""
    response = Response(body, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def inbox_to_set(request: Request, public_id: UUID) -> tuple[Setter, TeamInbox]:
    """Return who sets an inbox up, and the inbox. Raises Http404 unless it is theirs to set."""
    who = setter(request._request)
    rows = TeamInbox.objects.select_related("escalation", "account")
    inbox = rows.filter(account=who.account, public_id=public_id).first()
    if inbox is None or not who.may_set(inbox.pk):
        raise Http404("No such inbox.")
    return who, inbox


def whose_rules(request: Request, public_id: UUID | None) -> tuple[Administrator, Whose]:
    """Return who works on whose rules: an inbox's, or those that the account asks first."""
    slug = inbox_to_set(request, public_id)[1].slug if public_id else None
    desk = rules_desk(request._request, slug)
    return desk.who, desk.whose
