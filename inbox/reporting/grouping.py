"""What do the tables of a report ask: how long things took and who waits, by whom or what?"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from django.db.models import Count, F, Func, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable

from inbox.models import Conversation, ResponseTime, RoutingTrace
from inbox.reporting.measures import Percentiles, Took, parts_of
from inbox.reporting.scope import Scope
from routing.models import Rulebook, RulebookVersion

_K = ResponseTime.Kind
MOST_CODES = 3
UNKNOWN = "?"  # a failure that came without a code
# How many older documents are looked through for the name of a rule that is no more.
MOST_VERSIONS = 200


class Times(NamedTuple):
    """How long first replies, all replies and conversations took."""

    first: Took = Took()
    reply: Took = Took()
    close: Took = Took()


NO_TIMES = Times()
_KINDS = {
    "first": Q(kind=_K.FIRST),
    "reply": Q(kind__in=[_K.FIRST, _K.NEXT]),
    "close": Q(kind=_K.RESOLUTION),
}
# By what times are told apart: as a column of `ResponseTime`.
BY_INBOX = F("inbox_id")
BY_AGENT = F("user_id")
BY_NUMBER = F("conversation__thread__sender_id")
BY_TAG = Func(F("conversation__tags"), function="unnest")
# The rule that decided last about a conversation: so each counts under one.
BY_RULE = Subquery(
    RoutingTrace.objects.filter(conversation=OuterRef("conversation"))
    .exclude(rule="")
    .order_by("-at", "-pk")
    .values("rule")[:1]
)


def times_by(
    scope: Scope, group: Combinable | Subquery, since: datetime, until: datetime
) -> dict[Any, Times]:
    """Return how long things took that ended in that time, by what they belong to."""
    asked: dict[str, Any] = {}
    for name, kind in _KINDS.items():
        asked[f"{name}_number"] = Count("pk", filter=kind)
        asked[f"{name}_parts"] = Percentiles(scope.asked.clock, filter=kind)
    times = scope.times(since, until)
    if group is BY_TAG:
        times = times.filter(scope.tells_tags("conversation__"))
    rows = times.annotate(group=group).values_list("group").annotate(**asked).order_by("group")
    return {
        key: Times(
            *(
                Took(number, *parts_of(parts))
                for number, parts in zip(found[::2], found[1::2], strict=True)
            )
        )
        for key, *found in rows
    }


Counts: TypeAlias = dict[Any, int]


@dataclass
class Waiting:
    """How many customers wait at this moment, by what their conversation belongs to."""

    by_inbox: Counts = field(default_factory=lambda: defaultdict(int))
    by_agent: Counts = field(default_factory=lambda: defaultdict(int))
    by_number: Counts = field(default_factory=lambda: defaultdict(int))
    by_tag: Counts = field(default_factory=lambda: defaultdict(int))


def waiting_by(scope: Scope) -> Waiting:
    """Count who waits now, in one question."""
    rows: QuerySet[Conversation, Any] = (
        scope.conversations()
        .live()
        .filter(status=Conversation.Status.OPEN, waiting_since__isnull=False)
        .order_by()
        .values_list("inbox", "owner", "thread__sender", "tags")
        .annotate(number=Count("pk"))
    )
    found = Waiting()
    for inbox, owner, sender, tags, number in rows.iterator():
        found.by_inbox[inbox] += number
        found.by_number[sender] += number
        if owner:
            found.by_agent[owner] += number
        for tag in tags:
            found.by_tag[tag] += number
    return found


def codes_by_number(scope: Scope, since: datetime, until: datetime) -> dict[int, Counter[str]]:
    """Count the codes with which messages failed, by the key of our number."""
    rows = (
        scope.cells(since, until)
        .exclude(error_codes=[])
        .annotate(code=Func(F("error_codes"), function="unnest"))
        .values_list("sender", "code")
        .annotate(times=Count("pk"))
        .order_by("sender", "-times", "code")
    )
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for sender, code, times in rows:
        found[sender][code] = times
    return found


def code_words(codes: Counter[str] | None) -> str:
    """Write the codes that came most often, and how often."""
    told = (codes or Counter()).most_common(MOST_CODES)
    return ", ".join(f"{code or UNKNOWN} × {times}" for code, times in told)


def rule_names(scope: Scope, wanted: Iterable[str]) -> dict[str, str]:
    """Return what rules of these inboxes are called, by their ids: as they hold, or last held."""
    is_asked = Q(inboxes__in=scope.inbox_ids) | Q(is_always_first=True)
    books = Rulebook.objects.filter(is_asked, account=scope.account_id).distinct()
    names: dict[str, str] = {}
    for document in books.values_list("published__document", flat=True):
        _add_names(names, document)
    if set(wanted) - set(names):
        older = RulebookVersion.objects.filter(rulebook__in=books.values("pk")).order_by("-pk")
        for document in older.values_list("document", flat=True)[:MOST_VERSIONS]:
            _add_names(names, document)
    return names


def _add_names(names: dict[str, str], document: Any) -> None:
    parts = document or {}
    for rule in (*parts.get("always_first", ()), *parts.get("rules", ())):
        names.setdefault(rule["id"], rule["name"])
