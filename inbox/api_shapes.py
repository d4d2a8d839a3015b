"""Which shape has what the API answers? For its description (OpenAPI); a test holds both equal."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.serializers import Serializer

from accounts.api import CHECKS

Shape = type["Serializer[Any]"]


class ProblemShape(Serializer[Any]):
    """What cannot be followed, and at which place of the document."""

    where = serializers.CharField(allow_blank=True)
    words = serializers.CharField()


class FindingShape(Serializer[Any]):
    """What the linter says of a rule."""

    level = serializers.ChoiceField(["error", "warning"])
    rule = serializers.CharField()
    words = serializers.CharField()


class FailingShape(Serializer[Any]):
    """An example that would come out otherwise."""

    name = serializers.CharField()
    differences = serializers.ListField(child=serializers.CharField())


class Refused(Serializer[Any]):
    """Nothing was done, and why."""

    detail = serializers.CharField()
    problems = ProblemShape(many=True, required=False)
    findings = FindingShape(many=True, required=False)
    examples = FailingShape(many=True, required=False)


class Clash(Serializer[Any]):
    """Somebody else was first. `version`, or `number`, is what is there now."""

    detail = serializers.CharField()
    version = serializers.JSONField(required=False)
    number = serializers.IntegerField(required=False)


class Published(Serializer[Any]):
    """Rules that hold, or held."""

    number = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)
    published_at = serializers.DateTimeField()
    document = serializers.JSONField()


class RulesShape(Serializer[Any]):
    """The draft of rules, and what holds. `findings` where a draft was written."""

    version = serializers.IntegerField()
    document = serializers.JSONField()
    published = Published(allow_null=True)
    findings = FindingShape(many=True, required=False)


class Versions(Serializer[Any]):
    """What was published, the newest first."""

    versions = Published(many=True)


class RepliesShape(Serializer[Any]):
    """What an inbox says by itself."""

    version = serializers.CharField()
    document = serializers.JSONField()


class PolicyShape(Serializer[Any]):
    """An escalation policy; of one that was only checked there is but its name and document."""

    id = serializers.IntegerField(required=False)
    name = serializers.CharField()
    version = serializers.IntegerField(required=False)
    document = serializers.JSONField()


class Policies(Serializer[Any]):
    """The account's escalation policies."""

    policies = PolicyShape(many=True)


class CannedShape(Serializer[Any]):
    """A canned reply; of one that was only checked there is but what it would say, and to whom."""

    id = serializers.CharField(required=False)
    version = serializers.IntegerField(required=False)
    shortcut = serializers.CharField()
    body = serializers.CharField()
    of = serializers.ChoiceField(["account", "inbox", "person"])
    inbox = serializers.UUIDField(allow_null=True)
    uses = serializers.IntegerField(required=False)
    last_used_at = serializers.DateTimeField(required=False, allow_null=True)
    changed_at = serializers.DateTimeField(required=False)


class CannedReplies(Serializer[Any]):
    """Canned replies in the order in which they were made; `next` is blank on the last page."""

    canned_replies = CannedShape(many=True)
    next = serializers.CharField(allow_blank=True)


class KeywordShape(Serializer[Any]):
    """A word of the account's own; blank language or country: every one."""

    action = serializers.ChoiceField(["opt_out", "opt_in", "help", "none"])
    word = serializers.CharField()
    language = serializers.CharField(allow_blank=True)
    country = serializers.CharField(allow_blank=True)


class ShippedKeywordShape(Serializer[Any]):
    """A word that we bring. `status` is sourced, or unverified: a proposal for native review."""

    language = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    word = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    may_be_off = serializers.BooleanField()


class Keywords(Serializer[Any]):
    """The account's own keywords, and those that we bring."""

    version = serializers.CharField()
    keywords = KeywordShape(many=True)
    shipped = ShippedKeywordShape(many=True)
    rule_version = serializers.CharField()
    notice = serializers.CharField()


class FollowsShape(Serializer[Any]):
    """What would follow at one number; blank address: where there is none of this channel."""

    address = serializers.CharField(allow_blank=True)
    handler = serializers.CharField(allow_blank=True)
    outcome = serializers.CharField()
    answer = serializers.CharField()
    words = serializers.ListField(child=serializers.CharField())


class TriedShape(Serializer[Any]):
    """How a message would be read, and what would follow. Nothing was stored."""

    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.CharField(allow_blank=True)
    confidence = serializers.CharField(allow_blank=True)
    matched = serializers.CharField(allow_blank=True)
    rule_version = serializers.CharField()
    follows = FollowsShape(many=True)
    notice = serializers.CharField()


class RuleSaidShape(Serializer[Any]):
    """One rule of the gate that spoke; `row`, `status` and `sources` are those of a country."""

    code = serializers.CharField()
    words = serializers.CharField(allow_blank=True)
    answer = serializers.ChoiceField(["allow", "defer", "ask", "block"])
    row = serializers.CharField(allow_blank=True)
    status = serializers.CharField(allow_blank=True)
    sources = serializers.CharField(allow_blank=True)


class OneVerdictShape(Serializer[Any]):
    """What the gate says: the first of `rules` decides, all that spoke are there."""

    answer = serializers.ChoiceField(["allow", "defer", "ask", "block"])
    code = serializers.CharField()
    words = serializers.CharField(allow_blank=True)
    until = serializers.DateTimeField(allow_null=True)
    rules = RuleSaidShape(many=True)
    notices = RuleSaidShape(many=True)
    pack_version = serializers.CharField(allow_blank=True)


class VerdictShape(OneVerdictShape):
    """Whether a message may go to one customer. Nothing was sent."""

    purpose = serializers.CharField()
    may_write = serializers.BooleanField()
    warnings = serializers.ListField(child=serializers.CharField())
    notice = serializers.CharField()


class SenderVerdictShape(OneVerdictShape):
    """What the gate says of a message from one number of an inbox."""

    sender = serializers.CharField()


class PersonVerdictsShape(Serializer[Any]):
    """One person as they come, and what the gate says for each channel."""

    person = serializers.CharField()
    words = serializers.CharField()
    senders = SenderVerdictShape(many=True)


class VerdictsShape(Serializer[Any]):
    """What the gate says of a text of an inbox. Nothing was sent."""

    purpose = serializers.CharField()
    people = PersonVerdictsShape(many=True)
    words = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())
    notice = serializers.CharField()


class ChangeShape(Serializer[Any]):
    """One point that is otherwise than before."""

    part = serializers.ChoiceField(["hours", "escalation", "replies", "rules"])
    what = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class InboxShape(Serializer[Any]):
    """An inbox as one document; what was changed where one was written."""

    version = serializers.CharField()
    document = serializers.JSONField()
    changes = ChangeShape(many=True, required=False)
    reaches = serializers.ListField(child=serializers.CharField(), required=False)
    published = serializers.IntegerField(required=False, allow_null=True)


class HoursShape(Serializer[Any]):
    """Business hours; of those that were only checked there is but the document."""

    id = serializers.IntegerField(required=False)
    version = serializers.IntegerField(required=False)
    document = serializers.JSONField()


class HoursList(Serializer[Any]):
    """The account's business hours."""

    hours = HoursShape(many=True)


class ExampleShape(Serializer[Any]):
    """A saved example; whether it passes with the draft, where all are listed."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    team = serializers.CharField()
    message = serializers.JSONField()
    expected = serializers.JSONField()
    version = serializers.IntegerField()
    passes = serializers.BooleanField(required=False)
    differences = serializers.ListField(child=serializers.CharField(), required=False)


class Examples(Serializer[Any]):
    """The saved examples of rules."""

    examples = ExampleShape(many=True)


class DataActionShape(Serializer[Any]):
    """A customer's own code. `secret` stands in the answer that makes it, and in no other."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    url = serializers.CharField()
    on = serializers.BooleanField()
    has_new_secret = serializers.BooleanField()
    version = serializers.IntegerField()
    secret = serializers.CharField(required=False)


class DataActions(Serializer[Any]):
    """The account's Data Actions."""

    data_actions = DataActionShape(many=True)


class ConnectorShape(Serializer[Any]):
    """A CRM; of its secrets only the names of those that are set."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    fields_wanted = serializers.JSONField()
    url = serializers.CharField(allow_blank=True)
    method = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())
    body = serializers.JSONField(allow_null=True)
    table = serializers.CharField(allow_blank=True)
    cache_minutes = serializers.IntegerField()
    secrets_set = serializers.ListField(child=serializers.CharField())
    on = serializers.BooleanField()
    version = serializers.IntegerField()


class Connectors(Serializer[Any]):
    """The account's CRM connectors."""

    connectors = ConnectorShape(many=True)


class LeftOut(Serializer[Any]):
    """A line of a file that cannot be used."""

    line = serializers.IntegerField()
    reason = serializers.CharField()


class TableShape(Serializer[Any]):
    """A table kept here; what was left out where rows were written."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.IntegerField()
    version = serializers.DateTimeField()
    left_out = LeftOut(many=True, required=False)
    left_out_more = serializers.IntegerField(required=False)


class Tables(Serializer[Any]):
    """The account's tables."""

    tables = TableShape(many=True)


class DecidedShape(Serializer[Any]):
    """The event of the ledger that decided."""

    seq = serializers.IntegerField()
    kind = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    hash = serializers.CharField()


class StandingShape(Serializer[Any]):
    """Where somebody stood, since when, and on what it rests."""

    state = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    basis = serializers.CharField(allow_blank=True)
    quality = serializers.CharField(allow_blank=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    decided_by = DecidedShape(allow_null=True)


class ProgrammeShape(Serializer[Any]):
    """Where somebody stood for a programme, `*` in general: as known now, and as known then."""

    programme = serializers.CharField()
    family = serializers.CharField(allow_blank=True)
    handle = serializers.CharField(allow_blank=True)
    differs = serializers.BooleanField()
    learnt_later = serializers.ListField(child=serializers.IntegerField())
    known_now = StandingShape()
    known_then = StandingShape()


class AddressShape(Serializer[Any]):
    """One address in its normal form."""

    address = serializers.CharField()
    programmes = ProgrammeShape(many=True)


class ConsentAsOf(Serializer[Any]):
    """Where somebody stood at an instant."""

    at = serializers.DateTimeField()
    addresses = AddressShape(many=True)


class ToldConsent(Serializer[Any]):
    """What was recorded, where they stand now, and whether they are asked to confirm it."""

    recorded = serializers.BooleanField()
    event = serializers.IntegerField(required=False)
    state = serializers.CharField(required=False)
    waits_for_approval = serializers.BooleanField(
        required=False, help_text="Nothing counts until a second person approved it"
    )
    superseded = serializers.BooleanField(required=False)
    asks = serializers.BooleanField(required=False)
    until = serializers.DateTimeField(required=False, allow_null=True)
    message = serializers.CharField(required=False, allow_null=True)
    not_before = serializers.DateTimeField(required=False, allow_null=True)
    why_not_asked = serializers.CharField(required=False, allow_blank=True)
    notice = serializers.CharField()


class RefusedConsent(Serializer[Any]):
    """Nothing was recorded, and why; each field that is missing or wrong by its name."""

    code = serializers.ChoiceField(
        ["EVIDENCE_REQUIRED", "BAD_DATE", "BAD_INPUT", "OPTED_OUT", "OTHER_REQUEST"]
    )
    detail = serializers.CharField()
    problems = ProblemShape(many=True, required=False)


class NumberedProgramme(Serializer[Any]):
    """One programme of the account; people answer with its number."""

    number = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()


class AskingShape(Serializer[Any]):
    """How people are asked for consent, and how far an opt-out reaches from now on."""

    double_opt_in = serializers.BooleanField()
    second_person = serializers.BooleanField()
    opt_out_scope = serializers.ChoiceField(["family", "every"])
    opt_out_scope_since = serializers.DateTimeField(allow_null=True)
    clarifying_text = serializers.BooleanField()
    programmes = NumberedProgramme(many=True)
    texts = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))
    version = serializers.IntegerField()
    notice = serializers.CharField()


class Missed(Serializer[Any]):
    """What happened after a cursor; or that one begins anew; or, to confirm, numbers alone."""

    head = serializers.IntegerField()
    reset = serializers.BooleanField(required=False)
    events = serializers.ListField(child=serializers.JSONField(), required=False)
    left = serializers.ListField(child=serializers.CharField(), required=False)
    counts = serializers.DictField(child=serializers.JSONField(allow_null=True), required=False)
    seqs = serializers.ListField(child=serializers.IntegerField(), required=False)


class PieceShape(Serializer[Any]):
    """A stretch of a text, and whether it was looked for."""

    text = serializers.CharField()
    is_hit = serializers.BooleanField()


class HitShape(Serializer[Any]):
    """One result. `message` is blank where none is meant, `agent` where nobody has it."""

    conversation = serializers.CharField()
    contact = serializers.CharField()
    name = serializers.CharField()
    inbox = serializers.CharField()
    status = serializers.ChoiceField(["open", "snoozed", "closed"])
    agent = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    message = serializers.CharField(allow_blank=True)
    author = serializers.CharField(allow_blank=True)
    is_note = serializers.BooleanField()
    pieces = PieceShape(many=True)


class GroupShape(Serializer[Any]):
    """Hits of one kind, the newest first. `before` leads to more; blank: that was all.

    `is_partial`: older ones were not looked at, also where there are no hits; `before` goes on.
    """

    kind = serializers.ChoiceField(["contacts", "conversations", "messages"])
    hits = HitShape(many=True)
    before = serializers.CharField(allow_blank=True)
    is_partial = serializers.BooleanField()


class FoundShape(Serializer[Any]):
    """What a search found; `problems` are those of operators that cannot be followed, `notes` say
    what was not looked at."""

    query = serializers.CharField(allow_blank=True)
    problems = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(child=serializers.CharField())
    groups = GroupShape(many=True)


_REFUSALS = {
    400: OpenApiResponse(description="The request says too little, or is no JSON."),
    401: OpenApiResponse(description="No key, or one that opens nothing."),
    403: OpenApiResponse(description="A key that only reads."),
    404: OpenApiResponse(description="It is not there, or not yours."),
    422: Refused,
    429: OpenApiResponse(description="Too often; Retry-After says when to come back."),
}
_CLASH = {409: Clash}


def answers(
    read: Shape | None = None,
    *,
    asks: Shape | None = None,
    puts: Shape | None = None,
    posts: Shape | None = None,
    made: bool = False,
    deletes: bool = False,
) -> Callable[[Any], Any]:
    """Describe a view: what it `read`s, what it `asks` of who writes, what it then answers.

    `made`: a POST makes something, and answers 201; with `check` it answers 200. What takes a
    `check` keeps nothing of it, so that keys that only read may ask for one.
    """

    def describe(view: Any) -> Any:
        if read:
            told = {**_OF_READING, 200: read}
            view = extend_schema(methods=["GET"], request=None, responses=told)(view)
        if puts:
            told = {**_REFUSALS, **_CLASH, 200: puts}
            view = extend_schema(methods=["PUT"], request=asks, responses=told)(view)
        if posts:
            told = {**_REFUSALS, **_CLASH, 200: posts, **({201: posts} if made else {})}
            view = extend_schema(methods=["POST"], request=asks, responses=told)(view)
        if asks and "check" in asks().fields:
            setattr(view.cls, CHECKS, True)
        if deletes:
            told = {**_REFUSALS, 204: None}
            view = extend_schema(methods=["DELETE"], request=None, responses=told)(view)
        return view

    return describe


_OF_READING = {status: _REFUSALS[status] for status in (401, 404, 429)}
