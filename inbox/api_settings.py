"""How do programs set rules, automatic replies and escalation, as admins do on the pages?

Each resource is one document with the `version` that was seen: whoever writes says which one they
began from, and hears with 409 if it is another by now. What cannot be followed is told with 422 and
the place of every problem. With `"check": true` nothing is kept.
"""

from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import Administrator, administrator
from inbox.explaining.examples import failing_examples
from inbox.models import TeamInbox
from inbox.setup import policies, replies, rules
from inbox.setup.refusals import SetUpError
from inbox.setup.rules import Whose
from inbox.views.settings.door import Setter, setter
from inbox.views.settings.rules_desk import rules_desk
from routing.documents import read_rulebook
from routing.lint import Finding
from routing.models import EscalationPolicy, Rulebook, RulebookVersion
from routing.policy_documents import PolicyError, read_policy, write_policy
from routing.reading import DocumentError
from routing.reply_documents import document_of as replies_document
from routing.reply_documents import read_replies
from routing.rulebooks import DraftChangedError, FindingsError, RulebookError

P = ParamSpec("P")
View = Callable[Concatenate[Request, P], Response]


class Writing(serializers.Serializer[Any]):
    """A document in the place of the one that was seen."""

    document = serializers.JSONField()
    version = serializers.IntegerField(min_value=0)
    check = serializers.BooleanField(default=False)
    sure = serializers.BooleanField(default=False)


class WritingReplies(Writing):
    """Replies have a mark instead of a number."""

    version = serializers.CharField(max_length=64)  # type: ignore[assignment]


class WritingPolicy(Writing):
    """A policy has a name besides; a new one has no version."""

    name = serializers.CharField(max_length=200)
    version = serializers.IntegerField(min_value=0, default=0)


class Publishing(serializers.Serializer[Any]):
    """Which draft is published, and why."""

    version = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=500, default="", allow_blank=True)
    sure = serializers.BooleanField(default=False)


class Restoring(serializers.Serializer[Any]):
    """Which published version is to hold again, and why."""

    number = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=500, default="", allow_blank=True)


# What stories refuse, each with its status and what stands beside its words; the first that fits.
_Refusal = tuple[type[Exception], int, Callable[[Any], dict[str, Any]]]
_REFUSALS: tuple[_Refusal, ...] = (
    (
        DocumentError,
        422,
        lambda error: {"problems": [_at(p.where, p.words) for p in error.problems]},
    ),
    (PolicyError, 422, lambda error: {"problems": [_at(_step(error.step), error.reason)]}),
    (FindingsError, 422, lambda error: {"findings": _findings(error.findings)}),
    (rules.ExamplesError, 422, lambda error: {"examples": len(error.failing)}),
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
    (DraftChangedError, 409, lambda error: {"version": error.rulebook.draft_version}),
    (policies.PolicyChangedError, 409, lambda error: {"version": error.version}),
    (replies.ReplyChangedError, 409, lambda error: {"version": error.seen}),
    (RulebookError, 422, lambda error: {}),
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
            words = getattr(error, "reason", "") or "This document cannot be followed."
            return Response({"detail": words, **more(error)}, status=status)

    return answer


def _at(where: str, words: str) -> dict[str, str]:
    return {"where": where, "words": words}


def _step(number: int) -> str:
    return f"steps[{number - 1}]" if number else ""


def _findings(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [{"level": one.level.value, "rule": one.rule, "words": one.words} for one in findings]


def _asked(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def _private(body: object, *, status: int = 200) -> Response:
    response = Response(body, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _inbox(request: Request, public_id: UUID) -> tuple[Setter, TeamInbox]:
    """Return who sets an inbox up, and the inbox. Raises Http404 unless it is theirs to set."""
    who = setter(request._request)
    rows = TeamInbox.objects.select_related("escalation", "account")
    inbox = rows.filter(account=who.account, public_id=public_id).first()
    if inbox is None or not who.may_set(inbox.pk):
        raise Http404("No such inbox.")
    return who, inbox


# --- Rules ----------------------------------------------------------------------------------------


def _whose(request: Request, public_id: UUID | None) -> tuple[Administrator, Whose]:
    """Return who works on whose rules: an inbox's, or those that the account asks first."""
    slug = _inbox(request, public_id)[1].slug if public_id else None
    desk = rules_desk(request._request, slug)
    return desk.who, desk.whose


@extend_schema(request=Writing, responses={200: dict, 409: dict, 422: dict})
@api_view(["GET", "PUT"])
@told
def rulebook(request: Request, public_id: UUID | None = None) -> Response:
    """Read the rules of an inbox, or those the account asks first; write their draft."""
    who, whose = _whose(request, public_id)
    if request.method == "GET":
        return _private(_rules(whose, who))
    asked = _asked(Writing, request)
    world = rules.world_of(whose, now=who.now)
    document = rules.imported(asked["document"], world)
    found = rules.draft_findings(read_rulebook(document), world)
    if not asked["check"]:
        rules.replace_draft(
            whose=whose, document=document, seen=asked["version"], by=who.user, now=who.now
        )
        whose = _whose(request, public_id)[1]
    return _private({**_rules(whose, who), "findings": _findings(found)})


def _rules(whose: Whose, who: Administrator) -> dict[str, Any]:
    row, world = whose.rulebook(), rules.world_of(whose, now=who.now)
    return {
        "version": rules.draft_version_of(row),
        "document": rules.exported(rules.draft_document(row), world),
        "published": _published(row.published, world) if row and row.published else None,
    }


def _published(version: RulebookVersion, world: rules.World) -> dict[str, Any]:
    return {
        "number": version.number,
        "note": version.note,
        "published_at": version.published_at.isoformat(),
        "document": rules.exported(version.document, world),
    }


@extend_schema(request=Publishing, responses={200: dict, 409: dict, 422: dict})
@api_view(["POST"])
@told
def publish(request: Request, public_id: UUID | None = None) -> Response:
    """Let the draft hold from now on."""
    who, whose = _whose(request, public_id)
    asked = _asked(Publishing, request)
    made = rules.publish_draft(
        whose=whose,
        seen=asked["version"],
        note=asked["note"],
        by=who.user,
        now=who.now,
        is_sure=asked["sure"],
        failing=partial(failing_examples, now=who.now),
        has_seen_examples=asked["sure"],
    )
    return _private(_published(made, rules.world_of(whose, now=who.now)))


@extend_schema(request=Restoring, responses={200: dict, 422: dict})
@api_view(["GET", "POST"])
@told
def versions(request: Request, public_id: UUID | None = None) -> Response:
    """List what was published, the newest first; or let a version hold again."""
    who, whose = _whose(request, public_id)
    row, world = whose.rulebook(), rules.world_of(whose, now=who.now)
    if request.method == "GET":
        return _private({"versions": [_published(one, world) for one in _newest(row)]})
    asked = _asked(Restoring, request)
    version = rules.version_of(whose, asked["number"])
    if version is None:
        raise Http404("No such version.")
    made = rules.bring_version_back(version=version, note=asked["note"], by=who.user, now=who.now)
    return _private(_published(made, world))


def _newest(row: Rulebook | None, *, most: int = 100) -> Iterable[RulebookVersion]:
    return row.versions.order_by("-number")[:most] if row else ()


# --- Replies --------------------------------------------------------------------------------------


@extend_schema(request=WritingReplies, responses={200: dict, 409: dict, 422: dict})
@api_view(["GET", "PUT"])
@told
def inbox_replies(request: Request, public_id: UUID) -> Response:
    """Read and write what an inbox says by itself."""
    who, inbox = _inbox(request, public_id)
    if request.method == "PUT":
        asked = _asked(WritingReplies, request)
        wanted = read_replies(asked["document"])
        if asked["check"]:
            replies.check_replies(inbox=inbox, replies=wanted, is_sure=asked["sure"])
            return _private({"version": asked["version"], "document": replies_document(wanted)})
        inbox = replies.save_replies(
            inbox=inbox,
            replies=wanted,
            seen=asked["version"],
            by=who.user,
            now=who.now,
            is_sure=asked["sure"],
        )
    own = replies.own_replies(inbox)
    return _private({"version": replies.mark_of_all(own), "document": replies_document(own)})


# --- Escalation -----------------------------------------------------------------------------------


@extend_schema(request=WritingPolicy, responses={200: dict, 201: dict, 422: dict})
@api_view(["GET", "POST"])
@told
def policy_list(request: Request) -> Response:
    """List the account's escalation policies, or make one."""
    who = administrator(request._request)
    if request.method == "GET":
        rows = EscalationPolicy.objects.filter(account=who.account).order_by("name")
        return _private({"policies": [_policy(row) for row in rows]})
    asked = _asked(WritingPolicy, request)
    wanted = read_policy(asked["document"])
    if asked["check"]:
        new = EscalationPolicy(account=who.account, name=asked["name"])
        policies.check_policy(new, wanted, now=who.now, is_sure=asked["sure"])
        return _private({"name": asked["name"], "document": write_policy(wanted)})
    made = policies.make_policy(
        account=who.account,
        name=asked["name"],
        by=who.user,
        now=who.now,
        policy=wanted,
        is_sure=asked["sure"],
    )
    return _private(_policy(made), status=201)


@extend_schema(request=WritingPolicy, responses={200: dict, 204: None, 409: dict, 422: dict})
@api_view(["GET", "PUT", "DELETE"])
@told
def policy(request: Request, pk: int) -> Response:
    """Read, change or delete an escalation policy."""
    who = administrator(request._request)
    row = EscalationPolicy.objects.filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such policy.")
    if request.method == "DELETE":
        policies.delete_policy(policy=row, by=who.user, now=who.now)
        return _private(None, status=204)
    if request.method == "PUT":
        asked = _asked(WritingPolicy, request)
        if asked["check"]:
            wanted = read_policy(asked["document"])
            policies.check_policy(row, wanted, now=who.now, is_sure=asked["sure"])
            return _private({**_policy(row), "document": write_policy(wanted)})
        row = policies.save_policy(
            policy=row,
            name=asked["name"],
            document=asked["document"],
            version=asked["version"],
            by=who.user,
            now=who.now,
            is_sure=asked["sure"],
        )
    return _private(_policy(row))


def _policy(row: EscalationPolicy) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "version": row.version, "document": row.document}
