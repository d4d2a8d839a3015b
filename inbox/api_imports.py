"""How do programs import a file of consents, and learn what became of it?

As the pages do: looked at with `check`, started with an attestation. The same Idempotency-Key with
the same file answers with the first import, with another one 409. Product behaviour, not legal
advice.
"""

import json
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import Administrator, consent_reader
from accounts.numbers import number_in
from compliance.consent_files import CHANNELS, LARGEST_FILE, ConsentFileError, Mapped
from compliance.models import ConsentImport
from inbox.api_answers import idempotency_key, private, told
from inbox.api_shapes import Clash, Refused
from inbox.setup.consent_imports import (
    LONGEST_ATTESTATION,
    Foretold,
    ImportedAlreadyError,
    OtherBodyError,
    cancel,
    foretell,
    map_columns,
    mapped_of,
    start,
    upload,
)

NOTICE = "Product behaviour, not legal advice."
LINES_A_PAGE = 500
COUNTS = (
    "opted_out",
    "opted_in",
    "asked",
    "unproven",
    "superseded",
    "already",
    "refused",
    "repeated",
    "wrong",
)


class Importing(serializers.Serializer[Any]):
    """A file, how it is read, and what the sender says of it. With `check` nothing is kept."""

    file = serializers.FileField()
    action = serializers.RegexField(
        r"^(opt_out|opt_in)?$",
        default="",
        allow_blank=True,
        help_text="opt_out or opt_in for every row; blank: a column says it",
    )
    channel = serializers.ChoiceField(CHANNELS, default="sms")
    country = serializers.RegexField(r"^([A-Za-z]{2})?$", default="", allow_blank=True)
    columns = serializers.CharField(
        default="", allow_blank=True, max_length=4000, help_text='JSON: {"address": "Mobile"}'
    )
    attestation = serializers.CharField(
        default="", allow_blank=True, max_length=LONGEST_ATTESTATION
    )
    check = serializers.BooleanField(default=False)

    def validate_columns(self, text: str) -> dict[str, str]:
        """Read an object of names."""
        try:
            columns = json.loads(text or "{}")
        except ValueError:
            raise serializers.ValidationError("is no JSON") from None
        if not isinstance(columns, dict) or not all(
            isinstance(name, str) for name in columns.values()
        ):
            raise serializers.ValidationError("is no object whose values are names of columns")
        return columns


class ImportedLine(serializers.Serializer[Any]):
    """What became of a row that was not simply recorded."""

    line = serializers.IntegerField()
    outcome = serializers.CharField()
    field = serializers.CharField(allow_blank=True)
    cell = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()


class ImportShape(serializers.Serializer[Any]):
    """How far an import is. `id` is blank where only a look was asked for."""

    id = serializers.CharField(allow_blank=True)
    status = serializers.CharField()
    file_sha256 = serializers.CharField()
    rows = serializers.IntegerField()
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField())
    questions = serializers.IntegerField(
        help_text="Of how many of `counts.asked` it is settled whether they are asked to confirm"
    )
    is_asking = serializers.BooleanField()
    mapped = serializers.DictField(child=serializers.JSONField())
    problem = serializers.CharField(allow_blank=True)
    lines = ImportedLine(many=True)
    notice = serializers.CharField()


class ImportsShape(serializers.Serializer[Any]):
    """The newest imports."""

    imports = ImportShape(many=True)


_SAID = {
    401: OpenApiResponse(description="No key, or one that opens nothing."),
    404: OpenApiResponse(description="It is not there, or not yours."),
    429: OpenApiResponse(description="Too often; Retry-After says when to come back."),
}
_WRITING = {
    **_SAID,
    400: OpenApiResponse(description="The request says too little, or the file is no table."),
    403: OpenApiResponse(description="A key that only reads."),
    409: Clash,
    422: Refused,
}


@extend_schema(methods=["GET"], request=None, responses={**_SAID, 200: ImportsShape})
@extend_schema(
    methods=["POST"],
    request={"multipart/form-data": Importing},
    parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    responses={**_WRITING, 200: ImportShape, 201: ImportShape},
)
@api_view(["GET", "POST"])
@parser_classes([MultiPartParser])
@told
def imports(request: Request) -> Response:
    """List the newest imports; look into a file, or start to record it."""
    who = consent_reader(request._request)
    if request.method == "GET":
        rows = ConsentImport.objects.filter(account=who.account).defer("content")[:50]
        return private({"imports": [_shape(row) for row in rows]})
    _changer(who)
    asked = Importing(data=request.data)
    asked.is_valid(raise_exception=True)
    key = idempotency_key(request)
    try:
        return _import(who, asked.validated_data, key)
    except ConsentFileError as error:
        raise serializers.ValidationError({error.field: [error.reason]}) from error


def _import(who: Administrator, asked: dict[str, Any], key: str) -> Response:
    file = asked["file"]
    deed: dict[str, Any] = {"account": who.account, "by": who.user, "now": who.now}
    row = upload(file.read(LARGEST_FILE + 1), name=file.name or "", **deed)
    try:
        _map(row, asked)
        if asked["check"]:
            look = foretell(row, now=who.now)
            return private(_foretold(row, look))
        if same := _known(row, asked, key):
            return private(_shape(same))
        begun = start(
            row,
            attestation=asked["attestation"],
            by=who.user,
            idempotency_key=key,
            now=who.now,
        )
    except ImportedAlreadyError as same_file:
        return private(_shape(same_file.row))
    finally:
        ConsentImport.objects.filter(pk=row.pk, status=ConsentImport.Status.DRAFT).delete()
    return private(_shape(begun), status=201)


def _map(row: ConsentImport, asked: dict[str, Any]) -> None:
    guessed = mapped_of(row)
    columns = asked["columns"] or dict(guessed.columns)
    action = asked["action"]
    if action:
        columns.pop("action", None)
    country = asked["country"].upper() or guessed.country
    map_columns(row, Mapped(columns, action=action, channel=asked["channel"], country=country))


def _known(row: ConsentImport, asked: dict[str, Any], key: str) -> ConsentImport | None:
    """Return the import that this key began. Raises OtherBodyError if that was another one."""
    if not key:
        return None
    before = ConsentImport.objects.filter(account=row.account_id, idempotency_key=key).first()
    if before is None:
        return None
    words = " ".join(asked["attestation"].split())
    same = (before.file_sha256, before.mapped, before.attestation)
    if same != (row.file_sha256, row.mapped, words):
        raise OtherBodyError
    return before


@extend_schema(
    request=None,
    parameters=[OpenApiParameter("after", int, description="Lines after this one")],
    responses={**_SAID, 200: ImportShape},
)
@api_view(["GET"])
@told
def one_import(request: Request, key: str) -> Response:
    """Say how far an import is, and what became of rows that were not simply recorded."""
    who = consent_reader(request._request)
    row = _row(who, key)
    after = number_in(request.query_params.get("after", "")) or 0
    lines = row.lines.filter(line__gt=after).order_by("line", "pk")[:LINES_A_PAGE]
    told_of = [
        {
            "line": one.line,
            "outcome": one.outcome,
            "field": one.field,
            "cell": one.cell,
            "reason": one.reason,
        }
        for one in lines
    ]
    return private({**_shape(row), "lines": told_of})


@extend_schema(request=None, responses={**_WRITING, 200: ImportShape})
@api_view(["POST"])
@told
def import_cancel(request: Request, key: str) -> Response:
    """Record nothing more of an import; what is recorded stays."""
    who = consent_reader(request._request)
    _changer(who)
    return private(_shape(cancel(_row(who, key), by=who.user, now=who.now)))


def _changer(who: Administrator) -> None:
    if not who.may_change:
        raise Http404("Not yours to change.")


def _row(who: Administrator, key: str) -> ConsentImport:
    row = ConsentImport.objects.filter(account=who.account, public_id=key).defer("content").first()
    if row is None:
        raise Http404("No such import.")
    return row


def _shape(row: ConsentImport) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "status": row.status,
        "file_sha256": row.file_sha256,
        "rows": row.rows,
        "total": row.total,
        "done": row.done,
        "counts": {name: getattr(row, name) for name in COUNTS},
        "questions": row.questions,
        "is_asking": row.is_asking,
        "mapped": row.mapped,
        "problem": row.problem,
        "lines": [],
        "notice": NOTICE,
    }


def _foretold(row: ConsentImport, look: Foretold) -> dict[str, Any]:
    counts = dict.fromkeys(COUNTS, 0) | {k.value: n for k, n in look.counts.items()}
    counts |= {"repeated": len(look.read.repeated), "wrong": len(look.read.problems)}
    lines = [
        {
            "line": one.line,
            "outcome": "wrong",
            "field": one.field,
            "cell": one.cell,
            "reason": one.reason,
        }
        for one in look.problems_shown
    ]
    return {
        **_shape(row),
        "id": "",
        "total": len(look.read.entries),
        "counts": counts,
        "lines": lines,
    }
