"""How are examples kept? By name, a bounded number for each rulebook; each change is noted."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Team, User
from routing.example_models import MOST_NAME, RuleExample
from routing.examples import Expected, read_expected, written
from routing.models import Rulebook
from routing.trying import Typed, document_of, read_typed

MOST_EXAMPLES = 100


class ExampleError(Exception):
    """Something about an example is refused; `reason` is fit for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic(durable=True)
def keep_example(
    *,
    rulebook: Rulebook,
    team: Team,
    name: str,
    typed: Typed,
    expected: Expected,
    by: User,
    now: datetime,
) -> RuleExample:
    """Keep a message and what should become of it.

    Raises ExampleError for a name that is blank or taken, and when there are too many; TypedError
    for a message that cannot be kept.
    """
    name = _plain(name)
    facts, should = document_of(typed), written(expected)
    # What is kept can be read again.
    read_typed(facts), read_expected(should)
    Rulebook.objects.select_for_update(no_key=True).get(pk=rulebook.pk)
    if team.account_id != rulebook.account_id:
        raise ValueError("an example is of an inbox of its own account")
    if rulebook.examples.count() >= MOST_EXAMPLES:
        words = _("There are %(most)s examples: delete one that is no longer needed.")
        raise ExampleError(words % {"most": MOST_EXAMPLES})
    try:
        with transaction.atomic():
            example = RuleExample.objects.create(
                account_id=rulebook.account_id,
                rulebook=rulebook,
                team=team,
                name=name,
                facts=facts,
                expected=should,
                changed_by=by,
                created_at=now,
                changed_at=now,
            )
    except IntegrityError as error:
        raise ExampleError(_("There is an example of this name already.")) from error
    _note(example, "rule_example_kept", by, now)
    return example


@transaction.atomic(durable=True)
def expect_anew(
    *, example: RuleExample, expected: Expected, version: int, by: User, now: datetime
) -> RuleExample:
    """Let something else be right from now on. Raises ExampleError if somebody changed it too."""
    row = _locked(example)
    if row.version != version:
        raise ExampleError(_("Somebody else changed this example meanwhile. Look again."))
    row.expected, row.version = written(expected), row.version + 1
    row.changed_by, row.changed_at = by, now
    row.save(update_fields=["expected", "version", "changed_by", "changed_at"])
    _note(row, "rule_example_changed", by, now)
    return row


@transaction.atomic(durable=True)
def delete_example(*, example: RuleExample, by: User, now: datetime) -> None:
    """Delete an example. Raises ExampleError if it is gone."""
    row = _locked(example)
    _note(row, "rule_example_deleted", by, now)
    row.delete()


def _locked(example: RuleExample) -> RuleExample:
    rows = RuleExample.objects.select_for_update(of=("self",)).select_related("rulebook")
    row = rows.filter(pk=example.pk).first()
    if row is None:
        raise ExampleError(_("Somebody deleted this example meanwhile."))
    return row


def _plain(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME or not name.isprintable():
        words = _("Give the example a name of up to %(most)s characters.")
        raise ExampleError(words % {"most": MOST_NAME})
    return name


def _note(example: RuleExample, action: str, by: User, now: datetime) -> None:
    """Write who did it; what the message says stays out of the log."""
    record(
        action=action,
        subject=example.name,
        actor=by,
        account_id=example.account_id,
        now=now,
        row=str(example.pk),
        rulebook=str(example.rulebook),
    )
