"""How do programs read and write whole inboxes, business hours, and examples of rules?"""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import Administrator, administrator
from accounts.models import Team
from inbox import api_shapes as shapes
from inbox.api_answers import asked_of, private, told, whose_rules
from inbox.api_shapes import answers
from inbox.explaining.examples import failing_examples, verdicts_on
from inbox.models import TeamInbox
from inbox.setup import hours as hours_stories
from inbox.setup import one_document
from inbox.setup.one_document import Taken
from inbox.setup.policies import known_for
from inbox.setup.rules import Whose
from routing import portable
from routing.business_hours import make_hours_like, named, save_hours
from routing.examples import Expected, Verdict, read_expected
from routing.hours_documents import read_hours, write_hours
from routing.keeping_examples import delete_example, expect_anew, keep_example
from routing.models import BusinessHours, RuleExample
from routing.reading import DocumentError
from routing.rulebooks import RulebookError
from routing.trying import Typed, TypedError, read_typed


class WritingInbox(serializers.Serializer[Any]):
    """An inbox as one document, in the place of the one that was seen."""

    document = serializers.JSONField()
    version = serializers.CharField(max_length=64)
    check = serializers.BooleanField(default=False)
    publish = serializers.BooleanField(default=False)
    note = serializers.CharField(max_length=500, default="", allow_blank=True)
    sure = serializers.BooleanField(default=False)


class WritingHours(serializers.Serializer[Any]):
    """Business hours in the place of those that were seen; new ones have no version."""

    document = serializers.JSONField()
    version = serializers.IntegerField(min_value=0, default=0)
    check = serializers.BooleanField(default=False)


# --- A whole inbox --------------------------------------------------------------------------------


@extend_schema(
    methods=["GET"], parameters=[OpenApiParameter("rules", str, enum=["draft", "published"])]
)
@answers(shapes.InboxShape, asks=WritingInbox, puts=shapes.InboxShape)
@api_view(["GET", "PUT"])
@told
def inbox_document(request: Request, public_id: UUID) -> Response:
    """Read an inbox with its hours, escalation, replies and rules; write them as one act."""
    who = administrator(request._request)
    inbox = TeamInbox.objects.filter(account=who.account, public_id=public_id).first()
    if inbox is None:
        raise Http404("No such inbox.")
    if request.method == "GET":
        return private(_inbox(inbox, who, request.query_params.get("rules", "draft")))
    asked = asked_of(WritingInbox, request)
    taken = one_document.take_in(
        inbox=inbox,
        document=asked["document"],
        seen=asked["version"],
        by=who.user,
        now=who.now,
        is_published=asked["publish"],
        note=asked["note"],
        is_sure=asked["sure"],
        is_check=asked["check"],
        failing=partial(failing_examples, now=who.now),
    )
    return private({**_inbox(inbox, who), **_taken(taken)})


def _inbox(inbox: TeamInbox, who: Administrator, rules: str = "draft") -> dict[str, Any]:
    document = one_document.exported(inbox, now=who.now, is_published=rules == "published")
    return {"version": one_document.version_of(inbox), "document": document}


def _taken(taken: Taken) -> dict[str, Any]:
    changes = [vars(one) for one in taken.changes]
    number = taken.published.number if taken.published else None
    return {"changes": changes, "reaches": list(taken.reaches), "published": number}


# --- Business hours -------------------------------------------------------------------------------


@answers(shapes.HoursList, asks=WritingHours, posts=shapes.HoursShape, made=True)
@api_view(["GET", "POST"])
@told
def hours_list(request: Request) -> Response:
    """List the account's business hours, or make some."""
    who = administrator(request._request)
    if request.method == "GET":
        rows = BusinessHours.objects.filter(account=who.account).with_days().order_by("name")
        return private({"hours": [_hours(row) for row in rows]})
    asked = asked_of(WritingHours, request)
    wanted = read_hours(asked["document"])
    if asked["check"]:
        return private({"document": write_hours(wanted)})
    made = make_hours_like(account=who.account, wanted=wanted, by=who.user, now=who.now)
    return private(_hours(made), status=201)


@answers(shapes.HoursShape, asks=WritingHours, puts=shapes.HoursShape, deletes=True)
@api_view(["GET", "PUT", "DELETE"])
@told
def hours(request: Request, pk: int) -> Response:
    """Read, change or delete business hours."""
    who = administrator(request._request)
    row = BusinessHours.objects.filter(account=who.account, pk=pk).first()
    if row is None:
        raise Http404("No such hours.")
    if request.method == "DELETE":
        hours_stories.delete_unused_hours(hours=row, by=who.user, now=who.now)
        return private(None, status=204)
    if request.method == "PUT":
        asked = asked_of(WritingHours, request)
        wanted = read_hours(asked["document"])
        if asked["check"]:
            return private({**_hours(row), "document": write_hours(wanted)})
        deed: dict[str, Any] = {"version": asked["version"], "by": who.user, "now": who.now}
        row = save_hours(hours=row, wanted=wanted, **deed)
    return private(_hours(row))


def _hours(row: BusinessHours) -> dict[str, Any]:
    return {"id": row.pk, "version": row.version, "document": write_hours(named(row))}


# --- Examples of rules ----------------------------------------------------------------------------


class KeepingExample(serializers.Serializer[Any]):
    """A message and what should become of it; of the account's own rules also in which inbox."""

    name = serializers.CharField(max_length=80)
    message = serializers.JSONField()
    expected = serializers.JSONField()
    inbox = serializers.UUIDField(required=False)


class ExpectingAnew(serializers.Serializer[Any]):
    """What should become of an example from now on."""

    expected = serializers.JSONField()
    version = serializers.IntegerField(min_value=1)


@answers(shapes.Examples, asks=KeepingExample, posts=shapes.ExampleShape, made=True)
@api_view(["GET", "POST"])
@told
def examples(request: Request, public_id: UUID | None = None) -> Response:
    """Run the saved examples of rules with their draft; keep another one."""
    who, whose = whose_rules(request, public_id)
    rulebook, known = whose.rulebook(), known_for(who.account.pk)
    if request.method == "GET":
        found = verdicts_on(rulebook, now=who.now) if rulebook else ()
        verdicts = {one.example.id: one for one in found}
        rows = rulebook.examples.select_related("team") if rulebook else ()
        return private({"examples": [_example(row, known, verdicts.get(row.pk)) for row in rows]})
    asked = asked_of(KeepingExample, request)
    if rulebook is None:
        raise RulebookError(_("There are no rules yet: write one first."))
    typed, expected = _read_example(asked["message"], asked["expected"], known)
    row = keep_example(
        rulebook=rulebook,
        team=_team_of(whose, asked.get("inbox")),
        name=asked["name"],
        typed=typed,
        expected=expected,
        by=who.user,
        now=who.now,
    )
    return private(_example(row, known), status=201)


@answers(shapes.ExampleShape, asks=ExpectingAnew, puts=shapes.ExampleShape, deletes=True)
@api_view(["GET", "PUT", "DELETE"])
@told
def example(request: Request, pk: int, public_id: UUID | None = None) -> Response:
    """Read a saved example, let something else be right, or delete it."""
    who, whose = whose_rules(request, public_id)
    rulebook, known = whose.rulebook(), known_for(who.account.pk)
    row = rulebook.examples.select_related("team").filter(pk=pk).first() if rulebook else None
    if row is None:
        raise Http404("No such example.")
    if request.method == "DELETE":
        delete_example(example=row, by=who.user, now=who.now)
        return private(None, status=204)
    if request.method == "PUT":
        asked = asked_of(ExpectingAnew, request)
        _typed, expected = _read_example(row.facts, asked["expected"], known)
        deed: dict[str, Any] = {"version": asked["version"], "by": who.user, "now": who.now}
        row = expect_anew(example=row, expected=expected, **deed)
    return private(_example(row, known))


def _read_example(
    message: object, expected: object, known: portable.Known
) -> tuple[Typed, Expected]:
    document = {"message": message, "expected": expected}
    found, unknown = portable.example_with_ids(document, known)
    assert isinstance(found, dict)
    typed, wanted = read_typed(found["message"]), read_expected(found["expected"])
    if unknown:
        raise DocumentError(unknown)
    return typed, wanted


def _team_of(whose: Whose, public_id: UUID | None) -> Team:
    inboxes = TeamInbox.objects.select_related("team").filter(account=whose.account)
    if whose.inbox is not None:
        return inboxes.get(pk=whose.inbox.pk).team
    inbox = inboxes.filter(public_id=public_id).first() if public_id else None
    if inbox is None:
        raise TypedError(_("Say in which inbox the message arrives."), "inbox")
    return inbox.team


def _example(
    row: RuleExample, known: portable.Known, verdict: Verdict | None = None
) -> dict[str, Any]:
    document = {"message": row.facts, "expected": row.expected}
    found = {
        "id": row.pk,
        "name": row.name,
        "team": row.team.name,
        **portable.example_with_names(document, known),
        "version": row.version,
    }
    if verdict is None:
        return found
    return {**found, "passes": verdict.passes, "differences": list(verdict.differences)}
