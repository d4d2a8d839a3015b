"""What does a person find by words, as a program asks it? The same as on the page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from inbox.api_answers import private
from inbox.api_shapes import FoundShape, Refused
from inbox.searching.finding import Found, Group, Hit, Kind, TooSlowError, find
from inbox.searching.parsing import LONGEST, parse
from inbox.views.answers import reader


class SearchQuery(serializers.Serializer[Any]):
    """What is looked for; which kind alone; and where a page of that kind goes on."""

    q = serializers.CharField(max_length=LONGEST, required=False, default="", allow_blank=True)
    kind = serializers.ChoiceField(list(Kind), required=False)
    before = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)


@extend_schema(
    parameters=[
        OpenApiParameter("q", str, required=True, description="Words, phrases and operators"),
        OpenApiParameter("kind", str, enum=list(Kind), description="Without: five of each"),
        OpenApiParameter("before", str, description="`before` of the page before"),
    ],
    request=None,
    responses={
        200: FoundShape,
        400: OpenApiResponse(description="More than 400 characters, or no such kind."),
        401: OpenApiResponse(description="No key, or one that opens nothing."),
        403: OpenApiResponse(description="No valid licence, or Team Inbox is off."),
        404: OpenApiResponse(description="There is no such page."),
        429: OpenApiResponse(description="Too often; Retry-After says when to come back."),
        503: Refused,
    },
)
@api_view(["GET"])
def search(request: Request) -> Response:
    """Find contacts, conversations and messages, as far as the reader may see them now."""
    viewer, _user, now = reader(request._request)
    if not viewer.may_see:
        return private({"detail": "No valid licence, or Team Inbox is off."}, status=403)
    asked = SearchQuery(data=request.query_params)
    asked.is_valid(raise_exception=True)
    said = asked.validated_data
    kind = Kind(said["kind"]) if "kind" in said else None
    before = said["before"] if kind else ""
    try:
        found = find(viewer, parse(said["q"]), now=now, kind=kind, before=before)
    except TooSlowError as slow:
        return private({"detail": slow.reason}, status=503)
    return private(_found(found))


def _found(found: Found) -> dict[str, Any]:
    return {
        "query": found.query.text,
        "problems": list(found.problems),
        "notes": list(found.notes),
        "groups": [_group(group) for group in found.groups],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "hits": [_hit(hit) for hit in group.hits],
        "before": group.next_before,
        "is_partial": group.is_partial,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "conversation": hit.conversation.public_id,
        "contact": hit.contact_id,
        "name": hit.name,
        "inbox": hit.conversation.inbox.slug,
        "status": hit.conversation.status,
        "agent": hit.agent,
        "at": hit.at,
        "message": hit.message,
        "author": hit.author,
        "is_note": hit.is_note,
        "pieces": [piece._asdict() for piece in hit.pieces],
    }
