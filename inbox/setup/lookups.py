"""Which look-ups does an account have, how are they, and what hangs on them?

A look-up that published rules, escalation policies or texts name keeps its name and stays.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from accounts.models import Account, User
from inbox.lookups.asking import resting
from inbox.models import TeamInbox
from routing.lookups import DefinitionError, delete_definition
from routing.models import CrmConnector, CrmTable, DataAction, EscalationPolicy, Rulebook
from routing.rules import Rule

Definition = DataAction | CrmConnector
MOST_NAMED = 5
# As texts name a field of a CRM: `{{crm.Our CRM.tier|otherwise}}`.
_IN_TEXT = re.compile(r"\{\{\s*crm\.([^.|{}]+)\.")


@dataclass(frozen=True)
class Line:
    """One look-up on the page: who names it, and until when it is left alone if it is."""

    row: Definition
    users: Sequence[str]
    rests_until: datetime | None = None

    @property
    def is_action(self) -> bool:
        """Say whether it is a customer's own code."""
        return isinstance(self.row, DataAction)

    @property
    def kind(self) -> str:
        """Name its kind."""
        row = self.row
        return _("Data Action") if isinstance(row, DataAction) else row.get_kind_display()


@dataclass(frozen=True)
class LookupPage:
    """All that an account can ask, and the tables that it keeps here."""

    actions: Sequence[Line]
    connectors: Sequence[Line]
    tables: Sequence[CrmTable]


def lookup_page(account: Account, *, now: datetime) -> LookupPage:
    """Read the look-ups of an account with how they are; tables with the number of their rows."""
    actions = list(DataAction.objects.filter(account=account))
    connectors = list(CrmConnector.objects.filter(account=account).select_related("table"))
    users, rests = users_of_lookups(account), resting([*actions, *connectors], now=now)

    def line(row: Definition) -> Line:
        return Line(row, users.get(row.name.casefold(), ()), rests.get(row.name))

    return LookupPage(
        actions=[line(row) for row in actions],
        connectors=[line(row) for row in connectors],
        tables=list(
            CrmTable.objects.filter(account=account)
            .annotate(number=Count("rows"))
            .prefetch_related("connectors")
        ),
    )


def remove_lookup(*, row: Definition, by: User, now: datetime) -> None:
    """Delete a look-up. Raises DefinitionError while something that holds names it."""
    refuse_if_used(row, _("%(name)s cannot be deleted: %(users)s. Take it out there first."))
    delete_definition(row=row, by=by, now=now)


def refuse_if_used(row: Definition, words: str) -> None:
    """Raise DefinitionError with these words where something that holds names a look-up."""
    if users := users_of_lookups(row.account).get(row.name.casefold()):
        raise DefinitionError(words % {"name": row.name, "users": said(users)}, "name")


def said(users: Sequence[str]) -> str:
    """Write who names a look-up, the first few of them."""
    more = len(users) - MOST_NAMED
    rest = [_("%(number)s more") % {"number": more}] if more > 0 else []
    return "; ".join([*users[:MOST_NAMED], *rest])


def users_of_lookups(account: Account) -> Mapping[str, Sequence[str]]:
    """Say in words for each look-up, by its name in small letters, what that holds names it."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for user, names in (*_rules(account), *_policies(account), *_replies(account)):
        for name in names:
            found[name.casefold()][user] = None
    return {name: tuple(users) for name, users in found.items()}


def _rules(account: Account) -> Iterator[tuple[str, Iterable[str]]]:
    rulebooks = Rulebook.objects.filter(account=account, published__isnull=False)
    for rulebook in rulebooks.select_related("published"):
        assert rulebook.published is not None
        rules = rulebook.published.rules()
        for rule in (*rules.always_first, *rules.rules):
            words = _("the published rule “%(rule)s” (%(rulebook)s) asks it")
            yield words % {"rule": rule.name, "rulebook": rulebook.name}, _named_by(rule)


def _named_by(rule: Rule) -> Iterable[str]:
    actions = rule.actions
    texts = *_in_texts(dict(actions.reply)), *_in_texts(actions.note)
    return {*rule.lookups(), *texts, *filter(None, (actions.webhook,))}


def _policies(account: Account) -> Iterator[tuple[str, Iterable[str]]]:
    for policy in EscalationPolicy.objects.filter(account=account):
        steps = policy.document.get("steps", [])
        names = [str(step["data_action"]) for step in steps if step.get("data_action")]
        yield _("the escalation policy “%(name)s” asks it") % {"name": policy.name}, names


def _replies(account: Account) -> Iterator[tuple[str, Iterable[str]]]:
    for inbox in TeamInbox.objects.filter(account=account).exclude(replies={}):
        words = _("an automatic reply of %(name)s uses it")
        yield words % {"name": inbox.name}, _in_texts(inbox.replies)


def _in_texts(part: Any) -> Iterator[str]:
    """Find the CRMs that texts name, wherever these stand in a document."""
    if isinstance(part, str):
        yield from (name.strip() for name in _IN_TEXT.findall(part))
    elif isinstance(part, dict | list):
        for one in part.values() if isinstance(part, dict) else part:
            yield from _in_texts(one)
