"""How do other systems tell that somebody opted in or out, and what did the account settle?

Product behaviour, not legal advice. Who opted in on a form, a paper or the phone may be asked to
confirm it (double opt-in); an opt-out needs no proof and counts at once.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.administrators import Administrator, administrator
from compliance.addresses import Address
from compliance.asking_settings import (
    Asking,
    AskingChangedError,
    AskingError,
    as_asking,
    asking_of,
    change_asking,
    problems_of,
)
from compliance.asking_texts import AskingKind
from compliance.evidence import (
    EVERY_PROGRAMME,
    NO_WORDING,
    Basis,
    EventKind,
    Evidence,
    EvidenceError,
    OptOutScope,
    Quality,
    Source,
    Wording,
    check_evidence,
)
from compliance.policies import policy_row
from compliance.programmes import MOST, ProgrammesError, programmes_from
from compliance.recording import OptInRefusedError
from inbox import api_shapes as shapes
from inbox.api_answers import asked_of, idempotency_key, private, told
from inbox.api_shapes import answers
from inbox.models import Sender
from inbox.opting_in import fits
from inbox.setup.persons import LONGEST_TYPED, read_addresses
from inbox.setup.refusals import SetUpError
from inbox.telling_consents import OtherRequestError, tell_consent
from inbox.telling_consents import Request as Once
from routing.reading import is_language

NOTICE = "Product behaviour, not legal advice."
# From where another system may know it. What we see ourselves, it cannot say.
SOURCES = ("web_form", "paper", "verbal", "api", "import")
_MOST_TEXT = 4000


class Shown(serializers.Serializer[Any]):
    """What somebody was shown or told when they consented."""

    id = serializers.CharField(max_length=80)
    version = serializers.CharField(max_length=40, default="", allow_blank=True)
    language = serializers.CharField(max_length=20, default="", allow_blank=True)
    text = serializers.CharField(max_length=_MOST_TEXT)


class Telling(serializers.Serializer[Any]):
    """Somebody opted in or out elsewhere. With `check` nothing is kept."""

    kind = serializers.ChoiceField(["opt_in", "opt_out"])
    address = serializers.CharField(max_length=LONGEST_TYPED, trim_whitespace=False)
    channel = serializers.ChoiceField(["sms", "whatsapp"], default="sms")
    programme = serializers.CharField(max_length=60, default=EVERY_PROGRAMME)
    source = serializers.ChoiceField(SOURCES)  # type: ignore[assignment]
    basis = serializers.ChoiceField(Basis.values, default="", allow_blank=True)
    quality = serializers.ChoiceField(Quality.values, default=Quality.FIRST_HAND.value)
    occurred_at = serializers.CharField(max_length=40, default="", allow_blank=True)
    expires_at = serializers.CharField(max_length=40, default="", allow_blank=True)
    wording = Shown(required=False, allow_null=True, default=None)
    file_sha256 = serializers.CharField(max_length=64, default="", allow_blank=True)
    page_url = serializers.CharField(max_length=2000, default="", allow_blank=True)
    ip = serializers.IPAddressField(required=False, allow_blank=True, default="")
    user_agent = serializers.CharField(max_length=500, default="", allow_blank=True)
    note = serializers.CharField(max_length=500, default="", allow_blank=True)
    inbox = serializers.UUIDField(required=False, allow_null=True, default=None)
    check = serializers.BooleanField(default=False)

    def validate_occurred_at(self, text: str) -> datetime | None:
        """Read an instant with its time zone; there is no guess."""
        return _instant(text)

    def validate_expires_at(self, text: str) -> datetime | None:
        """Read an instant with its time zone; there is no guess."""
        return _instant(text)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise serializers.ValidationError("is no moment like 2026-11-23T15:00Z") from None
    if at.tzinfo is None:
        raise serializers.ValidationError("has no time zone, and we do not guess")
    return at


@extend_schema(
    methods=["POST"],
    request=Telling,
    parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    responses={
        200: shapes.ToldConsent,
        201: shapes.ToldConsent,
        202: shapes.ToldConsent,
        400: shapes.RefusedConsent,
        401: OpenApiResponse(description="No key, or one that opens nothing."),
        403: OpenApiResponse(description="A key that only reads."),
        404: OpenApiResponse(description="There is no such inbox, or it is not yours."),
        409: shapes.RefusedConsent,
        422: shapes.Refused,
        429: OpenApiResponse(description="Too often; Retry-After says when to come back."),
    },
)
@api_view(["POST"])
@told
def consents(request: Request) -> Response:
    """Tell that somebody opted in or out elsewhere than in a message.

    201: it was recorded. 200: it is kept as history only (`superseded`), or it was a `check`. 202:
    they opted out, and a second person approves it first (`waits_for_approval`). The same
    `Idempotency-Key` with the same body gets the first answer again and records nothing, with
    another body 409 (`OTHER_REQUEST`); for thirty days.
    """
    who = administrator(request._request)
    try:
        key = idempotency_key(request)
        asked = asked_of(Telling, request)
        address = _address(who, asked)
        evidence = _evidence(who, asked)
        sender = _sender(who, asked, address)
        check_evidence(evidence, now=who.now)
        if asked["check"]:
            return private({"recorded": False, "notice": NOTICE})
        done = tell_consent(
            account=who.account,
            by=who.user,
            address=address,
            evidence=evidence,
            sender=sender,
            request=Once(key, dict(request.data)),
            now=who.now,
        )
        return private({**done.body, "notice": NOTICE}, status=done.status)
    except serializers.ValidationError as error:
        found = dict(_flat(error.detail))
        return _refused("BAD_INPUT", "This cannot be read.", found)
    except EvidenceError as error:
        return _refused(error.code, error.reason, error.fields)
    except OptInRefusedError as error:
        return private({"code": "OPTED_OUT", "detail": error.reason}, status=409)
    except OtherRequestError as error:
        return private({"code": error.code, "detail": error.reason}, status=409)


def _refused(code: str, words: str, fields: dict[str, str]) -> Response:
    problems = [{"where": where, "words": wrong} for where, wrong in fields.items()]
    return private({"code": code, "detail": words, "problems": problems}, status=400)


def _flat(detail: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every problem with the place of its field, as in `wording.text`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flat(inner, f"{where}.{name}" if where else str(name))
    elif isinstance(detail, list):
        yield where, " ".join(map(str, detail))
    else:
        yield where, str(detail)


def _address(who: Administrator, asked: dict[str, Any]) -> Address:
    try:
        read = read_addresses(asked["address"], who.account.default_country)
    except SetUpError as error:
        raise EvidenceError({"address": error.reason}) from error
    return next((one for one in read if one.consent_family == asked["channel"]), read[0])


def _evidence(who: Administrator, asked: dict[str, Any]) -> Evidence:
    shown, is_out = asked["wording"], asked["kind"] == "opt_out"
    return Evidence(
        EventKind.OPT_OUT if is_out else EventKind.GRANT,
        Source(asked["source"]),
        occurred_at=asked["occurred_at"],
        programme=asked["programme"],
        basis=asked["basis"],
        quality=asked["quality"],
        expires_at=asked["expires_at"],
        wording=Wording(**shown) if shown else NO_WORDING,
        file_sha256=asked["file_sha256"],
        page_url=asked["page_url"],
        ip=asked["ip"],
        user_agent=asked["user_agent"],
        note=asked["note"],
        recorded_by=who.user.pk,
    )


def _sender(who: Administrator, asked: dict[str, Any], address: Address) -> Sender | None:
    """Return the number of the inbox that asks. Raises EvidenceError where it has none."""
    if asked["inbox"] is None:
        return None
    rows = Sender.objects.in_use().filter(
        account=who.account, inbox__public_id=asked["inbox"], inbox__account=who.account
    )
    found = [one for one in rows.select_related("inbox__account") if fits(one, address)]
    if not found:
        words = "there is no such inbox, or it has no number of this channel"
        raise EvidenceError({"inbox": words})
    return found[0]


# --- What the account settled ---------------------------------------------------------------------


class WritingProgramme(serializers.Serializer[Any]):
    """One programme: its number is its place. One without a code gets one."""

    code = serializers.CharField(max_length=60, default="", allow_blank=True)
    name = serializers.CharField(max_length=200)


class WritingAsking(serializers.Serializer[Any]):
    """Everything that is settled about asking, in the place of what was seen (`version`)."""

    double_opt_in = serializers.BooleanField()
    second_person = serializers.BooleanField(required=False, default=None, allow_null=True)
    opt_out_scope = serializers.ChoiceField(OptOutScope.values)
    clarifying_text = serializers.BooleanField()
    programmes = serializers.ListField(child=WritingProgramme(), max_length=MOST * 10)
    texts = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(max_length=2000))
    )
    version = serializers.IntegerField(min_value=0)
    check = serializers.BooleanField(default=False)

    def validate_texts(self, texts: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """Refuse what is neither of the two texts, and what is no code of a language."""
        if wrong := sorted(set(texts) - {kind.value for kind in AskingKind}):
            raise serializers.ValidationError(f"“{wrong[0][:40]}” is neither confirm nor clarify.")
        codes = {code for kept in texts.values() for code in kept}
        if wrong := sorted(code for code in codes if not is_language(code)):
            raise serializers.ValidationError(f"“{wrong[0][:40]}” is no code of a language.")
        return texts


@answers(shapes.AskingShape, asks=WritingAsking, puts=shapes.AskingShape)
@api_view(["GET", "PUT"])
@told
def asking(request: Request) -> Response:
    """Read and write how people are asked for consent, and how far an opt-out reaches."""
    who = administrator(request._request)
    if request.method == "GET":
        return private(_settled(who))
    asked = asked_of(WritingAsking, request)
    try:
        wanted = _wanted(who, asked)
        if asked["check"]:
            if problems := problems_of(who.account, wanted):
                raise AskingError(problems)
            return private(_settled(who))
        change_asking(
            account=who.account, wanted=wanted, version=asked["version"], by=who.user, now=who.now
        )
    except (AskingError, ProgrammesError) as error:
        return private({"detail": error.reason, "problems": _problems(error)}, status=422)
    except AskingChangedError as changed:
        return private({"detail": changed.reason, "version": changed.version}, status=409)
    return private(_settled(who))


def _wanted(who: Administrator, asked: dict[str, Any]) -> Asking:
    # Programs of before do not say it: then it stays as it is.
    second = asked["second_person"]
    return Asking(
        confirms=asked["double_opt_in"],
        approves=asking_of(who.account.pk).approves if second is None else second,
        scope=OptOutScope(asked["opt_out_scope"]),
        clarifies=asked["clarifying_text"],
        programmes=programmes_from((one["code"], one["name"]) for one in asked["programmes"]),
        texts=asked["texts"],
    )


def _problems(error: AskingError | ProgrammesError) -> list[dict[str, str]]:
    if isinstance(error, ProgrammesError):
        return [{"where": "programmes", "words": words} for words in error.problems]
    return [
        {"where": where, "words": words}
        for where, found in error.problems.items()
        for words in found
    ]


def _settled(who: Administrator) -> dict[str, Any]:
    row = policy_row(who.account)
    kept = as_asking(row) if row.pk else asking_of(who.account.pk)
    return {
        "double_opt_in": kept.confirms,
        "second_person": kept.approves,
        "opt_out_scope": kept.scope.value,
        "opt_out_scope_since": row.scope_since.isoformat() if row.scope_since else None,
        "clarifying_text": kept.clarifies,
        "programmes": [
            {"number": one.number, "code": one.code, "name": one.name} for one in kept.programmes
        ],
        "texts": {kind: dict(texts) for kind, texts in kept.texts.items()},
        "version": row.version,
        "notice": NOTICE,
    }
