"""What does an inbox bring along when rules are tried: which rules, hours, replies, policies?"""

from dataclasses import replace
from enum import StrEnum

from inbox.models import TeamInbox
from inbox.reply_settings import reminder_of, replies_of
from inbox.rulebooks import InForce
from inbox.setup.reply_variables import with_crm
from inbox.timers import hours_of
from routing.documents import read_rulebook
from routing.escalation import Policy
from routing.facts import Directory
from routing.models import EscalationPolicy, Rulebook
from routing.rulebooks import rules_of
from routing.rules import Rules
from routing.trying import Circumstances


class Which(StrEnum):
    """Which rules are tried: the inbox's draft, those that hold, or the draft of the account's own.

    A draft stands with the published rules of the other rulebook, as it would when published.
    """

    DRAFT = "draft"
    PUBLISHED = "published"
    ACCOUNT_DRAFT = "account_draft"


def rules_to_try(inbox: TeamInbox, which: Which) -> InForce:
    """Return the rules of an inbox as they hold, or as they would."""
    first, own = rulebooks_of(inbox)
    return InForce(
        together(
            _rules(first, is_draft=which is Which.ACCOUNT_DRAFT),
            _rules(own, is_draft=which is Which.DRAFT),
        ),
        first.published_id if first else None,
        own.published_id if own else None,
    )


def rulebooks_of(inbox: TeamInbox) -> tuple[Rulebook | None, Rulebook | None]:
    """Return the account's rulebook that is asked first, and the inbox's own."""
    rows = Rulebook.objects.select_related("published")
    first = rows.filter(account=inbox.account_id, is_always_first=True).first()
    own = rows.filter(pk=inbox.rulebook_id).first() if inbox.rulebook_id else None
    return first, own


def together(first: Rules, own: Rules) -> Rules:
    """Return rules as they are asked: the account's, then the inbox's."""
    return Rules(
        own.version,
        always_first=(*first.always_first, *first.rules),
        rules=(*own.always_first, *own.rules),
    )


def circumstances_of(inbox: TeamInbox, directory: Directory) -> Circumstances:
    """Return what an inbox brings along now."""
    policies = {
        row.name.casefold(): row.policy()
        for row in EscalationPolicy.objects.filter(account=inbox.account_id)
    }
    policies[""] = inbox.escalation.policy() if inbox.escalation else Policy()
    reminder = reminder_of(inbox)
    return Circumstances(
        directory=directory,
        calendar=hours_of(inbox).calendar,
        replies=with_crm(replies_of(inbox), inbox.account_id),
        policies={name: replace(one, reminder=reminder) for name, one in policies.items()},
    )


def _rules(rulebook: Rulebook | None, *, is_draft: bool) -> Rules:
    if rulebook is None:
        return Rules()
    return read_rulebook(rulebook.draft) if is_draft else rules_of(rulebook)
