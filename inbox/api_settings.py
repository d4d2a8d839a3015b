"""How do programs set rules, automatic replies and escalation, as admins do on the pages?

Each resource is one document with the `version` that was seen: whoever writes says which one they
began from, and hears with 409 if it is another by now. What cannot be followed is told with 422 and
the place of every problem. With `"check": true` nothing is kept.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import Administrator, administrator
from inbox import api_shapes as shapes
from inbox.api_answers import asked_of, findings_in, inbox_to_set, private, told, whose_rules
from inbox.api_shapes import answers
from inbox.explaining.examples import failing_examples
from inbox.setup import policies, replies, rules
from inbox.setup.rules import Whose
from routing import portable
from routing.documents import read_rulebook
from routing.escalation import Policy
from routing.models import EscalationPolicy, Rulebook, RulebookVersion
from routing.policy_documents import read_policy, write_policy
from routing.reading import DocumentError
from routing.reply_documents import document_of as replies_document
from routing.reply_documents import read_replies


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
    holds = serializers.IntegerField(min_value=0, required=False)
    sure = serializers.BooleanField(default=False)


# --- Rules ----------------------------------------------------------------------------------------


@answers(shapes.RulesShape, asks=Writing, puts=shapes.RulesShape)
@api_view(["GET", "PUT"])
@told
def rulebook(request: Request, public_id: UUID | None = None) -> Response:
    """Read the rules of an inbox, or those the account asks first; write their draft."""
    who, whose = whose_rules(request, public_id)
    if request.method == "GET":
        return private(_rules(whose, who))
    asked = asked_of(Writing, request)
    world = rules.world_of(whose, now=who.now)
    document = rules.imported(asked["document"], world)
    found = rules.draft_findings(read_rulebook(document), world)
    if not asked["check"]:
        rules.replace_draft(
            whose=whose, document=document, seen=asked["version"], by=who.user, now=who.now
        )
        whose = whose_rules(request, public_id)[1]
    return private({**_rules(whose, who), "findings": findings_in(found)})


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


@answers(asks=Publishing, posts=shapes.Published)
@api_view(["POST"])
@told
def publish(request: Request, public_id: UUID | None = None) -> Response:
    """Let the draft hold from now on."""
    who, whose = whose_rules(request, public_id)
    asked = asked_of(Publishing, request)
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
    return private(_published(made, rules.world_of(whose, now=who.now)))


@answers(shapes.Versions, asks=Restoring, posts=shapes.Published)
@api_view(["GET", "POST"])
@told
def versions(request: Request, public_id: UUID | None = None) -> Response:
    """List what was published, the newest first; or let a version hold again."""
    who, whose = whose_rules(request, public_id)
    row, world = whose.rulebook(), rules.world_of(whose, now=who.now)
    if request.method == "GET":
        return private({"versions": [_published(one, world) for one in _newest(row)]})
    asked = asked_of(Restoring, request)
    version = rules.version_of(whose, asked["number"])
    if version is None:
        raise Http404("No such version.")
    made = rules.bring_version_back(
        whose=whose,
        version=version,
        note=asked["note"],
        seen=asked.get("holds"),
        by=who.user,
        now=who.now,
        is_sure=asked["sure"],
        failing=partial(failing_examples, now=who.now),
        has_seen_examples=asked["sure"],
    )
    return private(_published(made, world))


def _newest(row: Rulebook | None, *, most: int = 100) -> Iterable[RulebookVersion]:
    return row.versions.order_by("-number")[:most] if row else ()


# --- Replies --------------------------------------------------------------------------------------


@answers(shapes.RepliesShape, asks=WritingReplies, puts=shapes.RepliesShape)
@api_view(["GET", "PUT"])
@told
def inbox_replies(request: Request, public_id: UUID) -> Response:
    """Read and write what an inbox says by itself."""
    who, inbox = inbox_to_set(request, public_id)
    if request.method == "PUT":
        asked = asked_of(WritingReplies, request)
        wanted = read_replies(asked["document"])
        if asked["check"]:
            replies.check_replies(inbox=inbox, replies=wanted, is_sure=asked["sure"])
            return private({"version": asked["version"], "document": replies_document(wanted)})
        inbox = replies.save_replies(
            inbox=inbox,
            replies=wanted,
            seen=asked["version"],
            by=who.user,
            now=who.now,
            is_sure=asked["sure"],
        )
    own = replies.own_replies(inbox)
    return private({"version": replies.mark_of_all(own), "document": replies_document(own)})


# --- Escalation -----------------------------------------------------------------------------------


@answers(shapes.Policies, asks=WritingPolicy, posts=shapes.PolicyShape, made=True)
@api_view(["GET", "POST"])
@told
def policy_list(request: Request) -> Response:
    """List the account's escalation policies, or make one."""
    who = administrator(request._request)
    if request.method == "GET":
        rows = EscalationPolicy.objects.filter(account=who.account).order_by("name")
        known = policies.known_for(who.account.pk)
        return private({"policies": [_policy(row, known) for row in rows]})
    asked = asked_of(WritingPolicy, request)
    wanted = _wanted(asked["document"], known := policies.known_for(who.account.pk))
    if asked["check"]:
        new = EscalationPolicy(account=who.account, name=asked["name"])
        policies.check_policy(new, wanted, now=who.now, is_sure=asked["sure"])
        return private({"name": asked["name"], "document": _written(wanted, known)})
    made = policies.make_policy(
        account=who.account,
        name=asked["name"],
        by=who.user,
        now=who.now,
        policy=wanted,
        is_sure=asked["sure"],
    )
    return private(_policy(made, known), status=201)


@answers(shapes.PolicyShape, asks=WritingPolicy, puts=shapes.PolicyShape, deletes=True)
@api_view(["GET", "PUT", "DELETE"])
@told
def policy(request: Request, pk: int) -> Response:
    """Read, change or delete an escalation policy."""
    who = administrator(request._request)
    row = EscalationPolicy.objects.filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such policy.")
    known = policies.known_for(who.account.pk)
    if request.method == "DELETE":
        policies.delete_policy(policy=row, by=who.user, now=who.now)
        return private(None, status=204)
    if request.method == "PUT":
        asked = asked_of(WritingPolicy, request)
        wanted = _wanted(asked["document"], known)
        if asked["check"]:
            policies.check_policy(row, wanted, now=who.now, is_sure=asked["sure"])
            return private({**_policy(row, known), "document": _written(wanted, known)})
        row = policies.save_policy(
            policy=row,
            name=asked["name"],
            document=write_policy(wanted),
            version=asked["version"],
            by=who.user,
            now=who.now,
            is_sure=asked["sure"],
        )
    return private(_policy(row, known))


def _policy(row: EscalationPolicy, known: portable.Known) -> dict[str, Any]:
    document = portable.policy_with_names(row.document, known)
    return {"id": row.pk, "name": row.name, "version": row.version, "document": document}


def _wanted(document: object, known: portable.Known) -> Policy:
    with_ids, unknown = portable.policy_with_ids(document, known)
    wanted = read_policy(with_ids)
    if unknown:
        raise DocumentError(unknown)
    return wanted


def _written(policy: Policy, known: portable.Known) -> dict[str, Any]:
    return portable.policy_with_names(write_policy(policy), known)
