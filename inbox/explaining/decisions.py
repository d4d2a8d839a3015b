"""Why was this sent, or not? What the gate decided, told from what was kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from compliance.in_force import rules_in_force
from compliance.jurisdictions import Jurisdiction
from compliance.models import GateDecision
from compliance.reasons import meaning_of

ON_A_PAGE = 50


@dataclass(frozen=True)
class Told:
    """One rule that spoke: what it means, what it says, and on which row of which country."""

    code: str
    meaning: str
    answer: str
    row: Jurisdiction | None = None


@dataclass(frozen=True)
class Decided:
    """One decision as a page shows it. `facts` are what it rests on, in words."""

    row: GateDecision
    told: Sequence[Told]
    facts: Sequence[tuple[str, str]]

    @property
    def answer(self) -> str:
        """Say what was decided."""
        return str(_ANSWERS[self.row.answer]())


_ANSWERS = {
    "allow": lambda: _("Allowed"),
    "defer": lambda: _("Put off"),
    "ask": lambda: _("Its author was asked"),
    "block": lambda: _("Refused"),
}


def decisions_of(message_ref: str, *, account_id: int) -> list[Decided]:
    """Return every decision about a message, the first first."""
    rows = GateDecision.objects.filter(account=account_id, message_ref=message_ref)
    return [decided(row) for row in rows.select_related("author").order_by("evaluated_at", "pk")]


def decided(row: GateDecision) -> Decided:
    """Tell one decision."""
    told = [_told(one) for one in row.findings]
    if all(one.answer == "allow" for one in told):
        # What its author was told of stopped nothing.
        told.insert(0, Told("OK", meaning_of("OK"), "allow"))
    return Decided(row, told, list(_facts(row.inputs)))


def _told(finding: dict[str, str]) -> Told:
    code = finding["code"]
    rule = rules_in_force().pack.rows.get(finding.get("rule", ""))
    return Told(code, meaning_of(code), finding.get("answer", ""), rule)


def _facts(inputs: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield what a decision rests on; what was not so is left out."""
    for name, value in inputs.items():
        words = ", ".join(map(str, value)) if isinstance(value, list) else value
        if words not in (None, "", False, 0):
            yield name.replace("_", " "), _("yes") if words is True else str(words)


@dataclass(frozen=True)
class Sought:
    """What somebody looks for among decisions; blanks are everything. `message` is a public id."""

    answer: str = ""
    code: str = ""
    message: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """Some decisions, the newest first, and after which the next page begins."""

    lines: Sequence[Decided]
    next_after: str


def decisions_page(account_id: int, sought: Sought, *, after: str = "") -> Page:
    """Return a page of an account's decisions; an `after` that is nonsense is the beginning."""
    rows = GateDecision.objects.filter(account=account_id).select_related("author")
    if sought.answer:
        rows = rows.filter(answer=sought.answer)
    if sought.code:
        rows = rows.filter(code=sought.code)
    if sought.message:
        rows = rows.filter(message_ref=sought.message)
    if sought.since:
        rows = rows.filter(evaluated_at__gte=sought.since)
    if sought.until:
        rows = rows.filter(evaluated_at__lt=sought.until)
    if after.isascii() and after.isdigit() and len(after) < 19:
        rows = rows.filter(pk__lt=int(after))
    found = list(rows.order_by("-pk")[: ON_A_PAGE + 1])
    shown = found[:ON_A_PAGE]
    has_more = len(found) > ON_A_PAGE
    return Page([decided(row) for row in shown], str(shown[-1].pk) if has_more else "")
