"""How do programs, and people, keep canned replies?

As the pages do: admins those of the account and of every inbox, supervisors those of theirs where
the inbox lets them, agents their own.
"""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from inbox import api_shapes as shapes
from inbox.api_answers import asked_of, private, told
from inbox.api_shapes import answers
from inbox.models import CannedReply, TeamInbox
from inbox.setup.canned import (
    CannedError,
    Place,
    change_canned,
    check_canned,
    delete_canned,
    make_canned,
)
from inbox.views.settings.door import Keeper, keeper

PAGE = 100
ACCOUNT, INBOX, PERSON = "account", "inbox", "person"


class WritingCanned(serializers.Serializer[Any]):
    """A canned reply in the place of the one that was seen; a new one has no version.

    `of` says for whom it is; without it a new one is for everybody, and another stays as it is.
    """

    shortcut = serializers.CharField(max_length=200, allow_blank=True)
    body = serializers.CharField(max_length=20_000, allow_blank=True, trim_whitespace=False)
    of = serializers.ChoiceField([ACCOUNT, INBOX, PERSON], required=False)
    inbox = serializers.UUIDField(required=False, allow_null=True)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    check = serializers.BooleanField(default=False)


@extend_schema(
    methods=["GET"],
    parameters=[
        OpenApiParameter("q", str, description="Words of the shortcut or of the text"),
        OpenApiParameter("inbox", UUID, description="Only those of this inbox"),
        OpenApiParameter("after", str, description="The `next` of the page before"),
    ],
)
@answers(shapes.CannedReplies, asks=WritingCanned, posts=shapes.CannedShape, made=True)
@api_view(["GET", "POST"])
@told
def canned_list(request: Request) -> Response:
    """List the canned replies that somebody may use or set, or make one."""
    who = keeper(request._request)
    if request.method == "GET":
        return private(_page(request, who))
    asked = asked_of(WritingCanned, request)
    place = _place(asked, who) or _place({"of": ACCOUNT}, who)
    assert place is not None  # Of a place that is named there is always one, or Http404.
    if asked["check"]:
        return private(_checked(asked, who, place))
    row = make_canned(
        account=who.account,
        place=place,
        shortcut=asked["shortcut"],
        body=asked["body"],
        by=who.user,
        now=who.now,
    )
    return private(_canned(row), status=201)


@answers(shapes.CannedShape, asks=WritingCanned, puts=shapes.CannedShape, deletes=True)
@api_view(["GET", "PUT", "DELETE"])
@told
def canned(request: Request, public_id: str) -> Response:
    """Read, change or delete a canned reply."""
    who = keeper(request._request)
    rows = CannedReply.objects.filter(who.shown, account=who.account, public_id=public_id)
    row = rows.select_related("inbox", "person").first()
    if row is None or not (request.method == "GET" or who.may_keep(row)):
        raise Http404("No such canned reply.")
    if request.method == "DELETE":
        delete_canned(reply=row, by=who.user, now=who.now)
        return private(None, status=204)
    if request.method == "PUT":
        asked = asked_of(WritingCanned, request)
        place = _place(asked, who) or Place(row.inbox, row.person)
        if asked["check"]:
            return private(_checked(asked, who, place))
        row = change_canned(
            reply=row,
            place=place,
            shortcut=asked["shortcut"],
            body=asked["body"],
            version=asked["version"],
            by=who.user,
            now=who.now,
        )
    return private(_canned(row))


def _page(request: Request, who: Keeper) -> dict[str, Any]:
    rows = CannedReply.objects.filter(who.shown, account=who.account).select_related("inbox")
    for word in request.query_params.get("q", "").replace("\0", "")[:100].split():
        rows = rows.filter(Q(shortcut__icontains=word) | Q(body__icontains=word))
    if inbox := request.query_params.get("inbox"):
        rows = rows.filter(inbox__public_id=_uuid(inbox))
    if after := request.query_params.get("after"):
        last = rows.filter(public_id=after[:22].replace("\0", "")).values_list("pk", flat=True)
        rows = rows.filter(pk__gt=last.first() or 0)
    found = list(rows.order_by("pk")[: PAGE + 1])
    shown = found[:PAGE]
    following = shown[-1].public_id if len(found) > PAGE else ""
    return {"canned_replies": [_canned(row) for row in shown], "next": following}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise serializers.ValidationError({"inbox": ["is no id of an inbox"]}) from None


def _place(asked: dict[str, Any], who: Keeper) -> Place | None:
    """Return for whom a canned reply is to be; None where that is not said.

    Raises Http404 for what is not theirs to set, CannedError for what nobody can.
    """
    of = asked.get("of") or (INBOX if asked.get("inbox") else None)
    if of is None:
        return None
    if of == INBOX:
        return Place(inbox=_inbox(asked.get("inbox"), who))
    if of == PERSON and not who.is_agent:
        raise CannedError(_("Only who answers customers has their own."), field="of")
    if of == ACCOUNT and not who.sets_account:
        raise Http404("Not yours to set.")
    return Place(person=who.user if of == PERSON else None)


def _inbox(public_id: UUID | None, who: Keeper) -> TeamInbox:
    if public_id is None:
        raise CannedError(_("Say of which inbox it is."), field="inbox")
    row = TeamInbox.objects.filter(account=who.account, public_id=public_id).first()
    if row is None or not (who.sets_shared and who.may_set(row.pk)):
        raise Http404("No such inbox.")
    return row


def _checked(asked: dict[str, Any], who: Keeper, place: Place) -> dict[str, Any]:
    shortcut, body = check_canned(
        account=who.account, shortcut=asked["shortcut"], body=asked["body"]
    )
    return {"shortcut": shortcut, "body": body, **_of(place.inbox, place.person)}


def _canned(row: CannedReply) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "version": row.version,
        "shortcut": row.shortcut,
        "body": row.body,
        **_of(row.inbox, row.person_id),
        "uses": row.uses,
        "last_used_at": row.last_used_at.isoformat() if row.last_used_at else None,
        "changed_at": row.changed_at.isoformat(),
    }


def _of(inbox: TeamInbox | None, person: object) -> dict[str, Any]:
    of = PERSON if person else INBOX if inbox else ACCOUNT
    return {"of": of, "inbox": str(inbox.public_id) if inbox else None}
