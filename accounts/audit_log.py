"""What does the audit log say? A page of it at a time, in words, and all of it as a table.

Nothing here counts: the log of an account may have millions of lines.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import AuditEntry
from accounts.numbers import number_in

PAGE = 50
BATCH = 500
# How many of the newest lines are read for words before the index of the search is asked.
NEAR = 20_000
MOST_ACTIONS = 200
HEADER = (
    "At (UTC)",
    "Who",
    "On behalf of",
    "What",
    "Subject",
    "Changes",
    "Details",
    "Network",
    "Session",
    "Request",
)


@dataclass(frozen=True)
class Wanted:
    """Which lines somebody wants to see; what is blank limits nothing."""

    who: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def as_text(self) -> dict[str, str]:
        """Return what was asked for, for the line that an export leaves."""
        return {name: str(value or "") for name, value in vars(self).items()}


@dataclass(frozen=True)
class Change:
    """One field that was changed."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Line:
    """One line of the log in words."""

    entry: AuditEntry
    what: str
    words: str = ""
    changes: Sequence[Change] = field(default_factory=tuple)
    details: Sequence[tuple[str, str]] = field(default_factory=tuple)


@dataclass(frozen=True)
class LogPage:
    """A page of lines, the newest first, and the key of its last line if there are more."""

    lines: Sequence[Line]
    next_after: int | None


def log_page(scope: "QuerySet[AuditEntry]", wanted: Wanted, *, after: str = "") -> LogPage:
    """Return the lines after the one with this key; a key that is none begins at the start."""
    found = _next_lines(scope, wanted, _line_with(scope, after), PAGE + 1)
    return LogPage(
        [line_of(entry) for entry in found[:PAGE]],
        found[PAGE - 1].pk if len(found) > PAGE else None,
    )


def _next_lines(
    scope: "QuerySet[AuditEntry]", wanted: Wanted, last: AuditEntry | None, number: int
) -> list[AuditEntry]:
    """Return so many of the wanted lines that are older than `last`, the newest first.

    Words are looked for among the newest lines first, where common ones are found at once. Only
    what is not is looked up in the index of the search, which is quick for what is rare.
    """
    older = scope if last is None else scope.filter(_older_than(last))
    rows = _limited(older, wanted)
    if wanted.who or wanted.subject:
        edge = list(rows.order_by("-at").values_list("at", flat=True)[NEAR : NEAR + 1])
        near = rows.filter(at__gte=edge[0]) if edge else rows
        found = list(_with_words(near, wanted).order_by("-at", "-pk")[:number])
        if len(found) == number or not edge:
            return found
    return list(_with_words(rows, wanted).order_by("-at", "-pk")[:number])


def _limited(rows: "QuerySet[AuditEntry]", wanted: Wanted) -> "QuerySet[AuditEntry]":
    if wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.since:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(at__lt=wanted.until)
    return rows


def _with_words(rows: "QuerySet[AuditEntry]", wanted: Wanted) -> "QuerySet[AuditEntry]":
    if wanted.who:
        rows = rows.filter(actor_label__icontains=wanted.who)
    if wanted.subject:
        rows = rows.filter(subject__icontains=wanted.subject)
    return rows


def actions_of(account_id: int) -> list[tuple[str, str]]:
    """Return what was ever done in an account as (action, in words), from the index alone."""
    with connection.cursor() as cursor:
        cursor.execute(_ACTIONS, {"account": account_id, "most": MOST_ACTIONS})
        return [(action, in_words(action)) for (action,) in cursor.fetchall()]


# Jumps from one action to the next instead of reading every line.
_ACTIONS = """
    WITH RECURSIVE done AS (
        (SELECT action FROM accounts_auditentry WHERE account_id = %(account)s
         ORDER BY action LIMIT 1)
        UNION ALL
        SELECT (SELECT action FROM accounts_auditentry
                WHERE account_id = %(account)s AND action > done.action
                ORDER BY action LIMIT 1)
        FROM done WHERE done.action IS NOT NULL
    )
    SELECT action FROM done WHERE action IS NOT NULL LIMIT %(most)s
"""


def table_rows(scope: "QuerySet[AuditEntry]", wanted: Wanted) -> Iterator[list[Any]]:
    """Yield every wanted line as a row of the table, the newest first, batch by batch."""
    batch = _next_lines(scope, wanted, None, BATCH)
    while batch:
        yield from (_table_row(entry) for entry in batch)
        batch = _next_lines(scope, wanted, batch[-1], BATCH)


def line_of(entry: AuditEntry) -> Line:
    """Tell one line in words. Older lines told changes in another form, or not at all."""
    data = _data(entry)
    changed = data.get("changes")
    pairs = changed if isinstance(changed, dict) else {}
    rest = {name: value for name, value in data.items() if name != "changes" or not pairs}
    return Line(
        entry=entry,
        what=in_words(entry.action),
        words=str(data.get("words") or ""),
        changes=[_change(name, pair) for name, pair in pairs.items()],
        details=[
            (in_words(name), told(value))
            for name, value in rest.items()
            if name != "words" and value not in (None, "", [], {})
        ],
    )


def in_words(name: str) -> str:
    """Return the name of an action or field as words: "sender_paused" is "Sender paused"."""
    first, _sep, rest = name.partition("_")
    words = f"{_kinds().get(first, first)} {rest.replace('_', ' ')}".strip()
    return words[:1].upper() + words[1:]


@lru_cache(maxsize=1)
def _kinds() -> dict[str, str]:
    """Return what our kinds of rows are called: "teaminbox" is "team inbox"."""
    ours = (model._meta for model in apps.get_models() if hasattr(model._meta, "verbose_name"))
    return {"whatsapp": "WhatsApp"} | {str(one.model_name): str(one.verbose_name) for one in ours}


def told(value: Any) -> str:
    """Return a value as it is read."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return ", ".join(f"{in_words(str(key))}: {told(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(told(one) for one in value)
    return str(value)


def _change(name: str, pair: Any) -> Change:
    if isinstance(pair, dict) and {"before", "after"} >= pair.keys():
        return Change(in_words(name), told(pair.get("before")), told(pair.get("after")))
    return Change(in_words(name), "", told(pair))


def changes_as_json(entry: AuditEntry) -> str:
    """Return what changed, as a program reads it."""
    return _json(_data(entry).get("changes"))


def details_as_json(entry: AuditEntry) -> str:
    """Return what else is known, as a program reads it."""
    return _json({name: value for name, value in _data(entry).items() if name != "changes"})


def _data(entry: AuditEntry) -> dict[str, Any]:
    return entry.data if isinstance(entry.data, dict) else {"": entry.data}


def _table_row(entry: AuditEntry) -> list[Any]:
    return [
        entry.at,
        entry.actor_label,
        entry.on_behalf_of,
        entry.action,
        entry.subject,
        changes_as_json(entry),
        details_as_json(entry),
        entry.network,
        entry.session,
        entry.request_id,
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""


def _line_with(scope: "QuerySet[AuditEntry]", key: str) -> AuditEntry | None:
    pk = number_in(key)
    return scope.filter(pk=pk).first() if pk is not None else None


def _older_than(entry: AuditEntry) -> Q:
    return Q(at__lte=entry.at) & (Q(at__lt=entry.at) | Q(pk__lt=entry.pk))
