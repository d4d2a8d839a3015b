"""Do the examples of a rulebook still come out as they should? Run before it is published."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from inbox.directory import directory_of_account
from inbox.explaining.places import circumstances_of, rulebooks_of, together
from inbox.models import TeamInbox
from routing.documents import read_rulebook
from routing.examples import Example, Verdict, run_examples
from routing.models import Rulebook, RuleExample
from routing.rulebooks import rules_of
from routing.rules import Rules
from routing.trying import TypedError


def failing_examples(
    rulebook: Rulebook, rules: Rules | None = None, *, now: datetime
) -> tuple[Verdict, ...]:
    """Return the examples that would not come out as they should, with what differs in words.

    `rules` are those that are to be published, without them the rulebook's draft; they are asked
    together with what holds besides: behind the account's own, or before each inbox's.
    """
    return tuple(one for one in verdicts_on(rulebook, rules, now=now) if not one.passes)


def verdicts_on(
    rulebook: Rulebook, rules: Rules | None = None, *, now: datetime
) -> tuple[Verdict, ...]:
    """Run every example of a rulebook with these rules, or with its draft."""
    if rules is None:
        rules = read_rulebook(rulebook.draft)
    examples = [row.value() for row in _readable(rulebook)]
    inboxes = _inboxes(rulebook, {one.team for one in examples})
    found: list[Verdict] = []
    for team in sorted({one.team for one in examples}):
        mine = [one for one in examples if one.team == team]
        found += _in_inbox(rulebook, rules, inboxes.get(team), mine, now=now)
    order = {one.id: place for place, one in enumerate(examples)}
    return tuple(sorted(found, key=lambda verdict: order[verdict.example.id]))


def _in_inbox(
    rulebook: Rulebook,
    rules: Rules,
    inbox: TeamInbox | None,
    examples: Iterable[Example],
    *,
    now: datetime,
) -> tuple[Verdict, ...]:
    if inbox is None:
        return run_examples(examples, rules, {})
    first, own = rulebooks_of(inbox)
    together_with = (
        together(rules, rules_of(own) if own else Rules())
        if rulebook.is_always_first
        else together(rules_of(first) if first else Rules(), rules)
    )
    directory = directory_of_account(inbox.account_id, team=inbox.pk, now=now)
    return run_examples(examples, together_with, {inbox.pk: circumstances_of(inbox, directory)})


def _readable(rulebook: Rulebook) -> list[RuleExample]:
    """Return the examples that can be read: of those that cannot, their page tells."""
    return [row for row in rulebook.examples.all() if not problem_of(row)]


def problem_of(row: RuleExample) -> str:
    """Say why an example cannot be run; blank if it can."""
    try:
        row.value()
    except TypedError as error:
        return _("It cannot be read any more: %s") % error.reason
    return ""


def _inboxes(rulebook: Rulebook, teams: set[int]) -> dict[int, TeamInbox]:
    """Return those of the inboxes that follow a rulebook."""
    rows = TeamInbox.objects.select_related("account", "escalation").filter(
        account=rulebook.account_id, pk__in=teams
    )
    if not rulebook.is_always_first:
        rows = rows.filter(rulebook=rulebook)
    return {row.pk: row for row in rows}
