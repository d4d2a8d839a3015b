"""What can programs, and our own pages, ask over HTTP?"""

import hashlib
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Viewer, viewer_of
from accounts.circumstances import hide_numbers
from accounts.models import User
from inbox.access import get_inbox_by_id
from inbox.api_shapes import Missed
from inbox.catchup import CatchUp, catch_up, seqs_in_sight
from inbox.lists import counts_of
from inbox.models import TeamInbox
from inbox.standing import standing_of


class CatchUpQuery(serializers.Serializer[Any]):
    """What a reader says about where they stand."""

    after = serializers.IntegerField(min_value=0, max_value=2**62)
    open = serializers.CharField(max_length=32, required=False, default="", allow_blank=True)
    confirm = serializers.BooleanField(required=False, default=False)
    standing = serializers.CharField(max_length=32, required=False, default="", allow_blank=True)


@extend_schema(
    parameters=[CatchUpQuery, OpenApiParameter("public_id", UUID, OpenApiParameter.PATH)],
    responses={200: Missed, 304: None},
)
@api_view(["GET"])
def inbox_events(request: Request, public_id: UUID) -> Response:
    """Return what happened in an inbox after a cursor, as far as the reader may see it now."""
    user = request.user
    assert isinstance(user, User)
    viewer = viewer_of(user, now=timezone.now())
    hide_numbers(request._request, not viewer.sees_numbers)
    inbox = get_inbox_by_id(viewer, public_id)
    query = CatchUpQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    after = query.validated_data["after"]
    if query.validated_data["confirm"]:
        seqs, head = seqs_in_sight(viewer, inbox, after=after)
        return _private(Response({"seqs": seqs, "head": head}))
    asked = query.validated_data
    missed = catch_up(viewer, inbox, after=after, open_id=asked["open"], standing=asked["standing"])
    tag = _tag(viewer, inbox, missed, after)
    if request.headers.get("If-None-Match") == tag and not missed.is_reset:
        return _private(Response(status=304), tag)
    return _private(Response(_body(viewer, inbox, missed)), tag)


def _body(viewer: Viewer, inbox: TeamInbox, missed: CatchUp) -> dict[str, Any]:
    if missed.is_reset:
        return {"reset": True, "head": missed.head}
    return {
        "events": missed.events,
        "left": missed.left,
        "counts": counts_of(viewer, inbox),
        "head": missed.head,
    }


def _tag(viewer: Viewer, inbox: TeamInbox, missed: CatchUp, after: int) -> str:
    standing = standing_of(viewer, inbox)
    text = f"{viewer.user_id}:{inbox.pk}:{missed.head}:{after}:{standing}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def _private(response: Response, tag: str = "") -> Response:
    response["Cache-Control"] = "private, no-cache"
    if tag:
        response["ETag"] = tag
    return response
