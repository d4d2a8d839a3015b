"""How do admins change the rules of an inbox, or those of the account that are asked first?

Every change is one of the draft. What holds changes when the draft is published.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Account, Team, User
from inbox.directory import directory_of_account
from inbox.models import TeamInbox
from inbox.setup.consent_words import consent_words
from inbox.setup.reply_variables import Choice, variables_of
from inbox.setup.way_out import way_out_of
from routing import portable
from routing.documents import DocumentError, document_of, read_rulebook
from routing.facts import Directory
from routing.lint import Finding, Known, is_publishable
from routing.models import DataAction, EscalationPolicy, Rulebook, RulebookVersion
from routing.reading import Problem
from routing.rulebook_models import MOST_NAME, empty_document
from routing.rulebooks import (
    FindingsError,
    RulebookError,
    bring_back,
    findings_of,
    make_rulebook,
    publish,
    rules_of,
    save_draft,
)
from routing.rules import Rule, Rules
from routing.sentences import Names


@dataclass(frozen=True)
class Whose:
    """Whose rules these are: an inbox's, or without one the account's that are asked first."""

    account: Account
    inbox: TeamInbox | None = None

    @property
    def team(self) -> int:
        """Return the id of the inbox's own team; 0 for none."""
        return self.inbox.pk if self.inbox else 0

    def rulebook(self) -> Rulebook | None:
        """Return the row with the rules; None before anybody wrote any."""
        return self.rulebooks()[0]

    def rulebooks(self) -> tuple[Rulebook | None, tuple[Rule, ...]]:
        """Return the row with the rules, and the account's rules that hold and are asked first."""
        rows = Rulebook.objects.select_related("published__published_by", "draft_by")
        is_own = Q(pk=self._own) if self._own else Q()
        found = rows.filter(Q(is_always_first=True) | is_own, account=self.account)
        first = next((row for row in found if row.is_always_first), None)
        if self.inbox is None:
            return first, ()
        own = next((row for row in found if row.pk == self._own), None)
        return own, rules_of(first).rules if first else ()

    @property
    def _own(self) -> int | None:
        return self.inbox.rulebook_id if self.inbox else None


class DraftMovedError(RulebookError):
    """Somebody changed the draft after the page was opened; nothing was done."""

    def __init__(self, rulebook: Rulebook) -> None:
        who = rulebook.draft_by.name if rulebook.draft_by else _("Somebody else")
        words = _("%s changed these rules meanwhile. This is how they are now; nothing was done.")
        super().__init__(words % who)
        self.rulebook = rulebook


class RuleChangedError(RulebookError):
    """Somebody changed the very rule that was edited. `now` is how it is, None if it is gone."""

    def __init__(self, rulebook: Rulebook, now: dict[str, Any] | None) -> None:
        who = rulebook.draft_by.name if rulebook.draft_by else _("Somebody else")
        words = (
            _("%s changed this rule meanwhile.") if now else _("%s deleted this rule meanwhile.")
        )
        super().__init__(words % who)
        self.now = now


class ExamplesError(RulebookError):
    """Saved examples would come out otherwise, and that was not confirmed; `failing` are these."""

    def __init__(self, failing: Sequence[object]) -> None:
        super().__init__(_("Look at the examples that come out otherwise before you publish."))
        self.failing = tuple(failing)


# --- What is known in an account -----------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """All that rules of an account may lean on, read once for a page."""

    directory: Directory
    teams: Mapping[int, str]
    known: Known
    first: tuple[Rule, ...] = ()
    data_actions: tuple[str, ...] = ()
    variables: tuple[Choice, ...] = ()

    @property
    def names(self) -> Names:
        """Return what people and teams are called."""
        people = {one.id: one.name for one in self.directory.people.values()}
        return Names(people, self.teams)

    @property
    def portable(self) -> portable.Known:
        """Return people by e-mail address and teams by name."""
        people = {one.id: one.email for one in self.directory.people.values()}
        return portable.Known(people, self.teams)


def world_of(whose: Whose, *, now: datetime, first: tuple[Rule, ...] | None = None) -> World:
    """Read who and what is there for rules, and which are asked `first`, unless that is known."""
    account = whose.account.pk
    policies = {row.name: row.policy() for row in EscalationPolicy.objects.filter(account=account)}
    own = whose.inbox.escalation.name if whose.inbox and whose.inbox.escalation else ""
    actions = tuple(
        DataAction.objects.filter(account=account, is_on=True).values_list("name", flat=True)
    )
    variables = variables_of(account)
    fields = {name: frozenset(kinds) for name, kinds in variables.crm.items()}
    words = consent_words(whose.account, [whose.inbox.language] if whose.inbox else ())
    # Asked only where a rule answers anything.
    way_out = cache(partial(way_out_of, whose.account, whose.inbox))
    known = Known(
        lookups=frozenset({*actions, *fields}),
        escalations=frozenset(policies),
        webhooks=frozenset(actions),
        is_wish=words.is_keyword,
        misleading=lambda text: tuple(map(str, words.misleading(text))),
        no_way_out=lambda text, countries: way_out().missing(text, countries),
        policies=policies,
        own_policy=own,
        fields=fields,
        variables=variables.known,
    )
    teams = dict(Team.objects.filter(account=account).values_list("pk", "name"))
    directory = directory_of_account(account, team=whose.team, now=now)
    return World(
        # A team that nobody is in is there all the same.
        directory=replace(directory, members={**dict.fromkeys(teams, ()), **directory.members}),
        teams=teams,
        known=known,
        first=whose.rulebooks()[1] if first is None else first,
        data_actions=actions,
        variables=tuple(variables.choices()),
    )


def draft_findings(rules: Rules, world: World) -> tuple[Finding, ...]:
    """Return what the linter says of a draft, behind the account's own rules."""
    return findings_of(rules, world.directory, world.known, first=world.first)


# --- The draft -----------------------------------------------------------------------------------


def draft_of(row: Rulebook | None) -> Rules:
    """Return the rules as they are being written."""
    return read_rulebook(row.draft) if row else Rules()


def new_id(name: str) -> str:
    """Return an id for a new rule: readable in a document, and never one that was there before."""
    return f"{slugify(name)[:40] or 'rule'}-{secrets.token_hex(3)}"


def save_rule(
    *,
    whose: Whose,
    world: World,
    rule: Mapping[str, Any],
    seen: Mapping[str, Any] | None,
    by: User,
    now: datetime,
) -> Rulebook:
    """Put a rule into the draft: a new one at its end, another in its own place.

    `seen` is the rule as its editor was opened, None for a new one. What others did to other rules
    meanwhile is in nobody's way. Raises RuleChangedError if it is another by now, DocumentError if
    it cannot be followed, its places from `rules[0]` on.
    """
    imported({"rules": [rule]}, world)

    def put(row: Rulebook, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        place = _place_of(rules, str(rule.get("id")))
        there = rules[place] if place is not None else None
        if there != (dict(seen) if seen else None):
            raise RuleChangedError(row, there)
        if place is None:
            return [*rules, dict(rule)]
        return [*rules[:place], dict(rule), *rules[place + 1 :]]

    return _change(whose, put, by=by, now=now)


def arrange(
    *, whose: Whose, do: str, rule: str, seen: int, by: User, now: datetime, position: int = 0
) -> Rulebook:
    """Move, copy or delete a rule of the draft, or switch it on or off.

    `do` is one of up, down, move (to `position`, counted from 1), copy, delete, on, off. `seen` is
    the version of the draft that the page showed. Raises DraftMovedError if it is another by now,
    RulebookError if there is no such rule.
    """
    deed = _DEEDS[do]

    def change(row: Rulebook, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if row.draft_version != seen:
            raise DraftMovedError(row)
        place = _place_of(rules, rule)
        if place is None:
            raise RulebookError(_("There is no such rule any more."))
        return deed(rules, place, position)

    return _change(whose, change, by=by, now=now)


def discard_draft(*, whose: Whose, seen: int, by: User, now: datetime) -> Rulebook:
    """Let the draft be what holds. Raises DraftMovedError if it is not the one that was seen."""

    def change(row: Rulebook, _rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if row.draft_version != seen:
            raise DraftMovedError(row)
        return document_of(rules_of(row))["rules"]  # type: ignore[no-any-return]

    return _change(whose, change, by=by, now=now)


def _change(
    whose: Whose,
    change: Callable[[Rulebook, list[dict[str, Any]]], list[dict[str, Any]]],
    *,
    by: User,
    now: datetime,
) -> Rulebook:
    with transaction.atomic(durable=True):
        row = _open(whose, by=by, now=now)
        rules = document_of(read_rulebook(row.draft))["rules"]
        changed = {**row.draft, "rules": change(row, rules)}
        if document_of(read_rulebook(changed)) == row.draft:
            return row
        return save_draft(rulebook=row, document=changed, seen=row.draft_version, by=by, now=now)


def _place_of(rules: list[dict[str, Any]], rule: str) -> int | None:
    return next((place for place, one in enumerate(rules) if one["id"] == rule), None)


def _moved(rules: list[dict[str, Any]], place: int, to: int) -> list[dict[str, Any]]:
    others = [*rules[:place], *rules[place + 1 :]]
    to = min(max(to, 0), len(others))
    return [*others[:to], rules[place], *others[to:]]


def _copied(rules: list[dict[str, Any]], place: int, _to: int) -> list[dict[str, Any]]:
    # What is copied is about to be changed: until then both would take the same messages.
    name = _("%s (copy)") % rules[place]["name"][:100]
    copy = {**rules[place], "id": new_id(name), "name": name, "on": False}
    return [*rules[: place + 1], copy, *rules[place + 1 :]]


def _switched(rules: list[dict[str, Any]], place: int, *, is_on: bool) -> list[dict[str, Any]]:
    rule = {**rules[place], "on": is_on}
    return [*rules[:place], rule, *rules[place + 1 :]]


_DEEDS: Mapping[str, Callable[[list[dict[str, Any]], int, int], list[dict[str, Any]]]] = {
    "up": lambda rules, place, _: _moved(rules, place, place - 1),
    "down": lambda rules, place, _: _moved(rules, place, place + 1),
    "move": lambda rules, place, position: _moved(rules, place, position - 1),
    "copy": _copied,
    "delete": lambda rules, place, _: [*rules[:place], *rules[place + 1 :]],
    "on": lambda rules, place, _: _switched(rules, place, is_on=True),
    "off": lambda rules, place, _: _switched(rules, place, is_on=False),
}


# --- The row: made on first use ------------------------------------------------------------------


def _open(whose: Whose, *, by: User, now: datetime) -> Rulebook:
    """Return the row, locked; make it if nobody wrote rules before."""
    if whose.inbox is None:
        Account.objects.select_for_update(no_key=True).get(pk=whose.account.pk)
    else:
        inbox = TeamInbox.objects.select_for_update(no_key=True).get(pk=whose.inbox.pk)
        # Somebody else may have made it a moment ago.
        whose = replace(whose, inbox=inbox)
    row = whose.rulebook() or _make(whose, by=by, now=now)
    # Alone: what is joined to a row that changed while we waited would be of before.
    return Rulebook.objects.select_for_update(no_key=True).get(pk=row.pk)


def _make(whose: Whose, *, by: User, now: datetime) -> Rulebook:
    account = whose.account
    name = _free_name(account, whose.inbox.name if whose.inbox else _("Always first"))
    row = make_rulebook(
        account=account, name=name, by=by, now=now, is_always_first=whose.inbox is None
    )
    if whose.inbox is not None:
        _use(whose.inbox, row, by=by, now=now)
    return row


def _free_name(account: Account, wanted: str) -> str:
    rows = Rulebook.objects.filter(account=account).values_list("name", flat=True)
    taken = {name.casefold() for name in rows}
    wanted = " ".join(wanted.split())[: MOST_NAME - 4]
    names = (wanted, *(f"{wanted} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name.casefold() not in taken)


def _use(inbox: TeamInbox, rulebook: Rulebook, *, by: User, now: datetime) -> None:
    inbox.rulebook = rulebook
    inbox.settings_version += 1
    inbox.save(update_fields=["rulebook", "settings_version"])
    audit.record(
        action="inbox_changed",
        subject=inbox.name,
        actor=by,
        account_id=inbox.account_id,
        now=now,
        row=str(inbox.pk),
        changes={"rulebook": {"before": None, "after": rulebook.name}},
    )


# --- What holds ----------------------------------------------------------------------------------


def publish_draft(
    *,
    whose: Whose,
    seen: int,
    note: str,
    by: User,
    now: datetime,
    is_sure: bool = False,
    failing: Callable[[Rulebook], Sequence[object]] = lambda rulebook: (),
    has_seen_examples: bool = False,
) -> RulebookVersion:
    """Let the draft hold from now on.

    `failing` tries the saved examples with a draft and returns those that come out otherwise.
    Raises DraftChangedError if it is not the one that was `seen`, FindingsError for errors of the
    linter and for warnings that were not confirmed, ExamplesError for examples that were not seen,
    RulebookError if nothing would change.
    """
    with transaction.atomic(durable=True):
        _keep_policies(whose.account)
        row = _open(whose, by=by, now=now)
        return _publish(
            whose,
            row,
            note,
            seen=seen,
            by=by,
            now=now,
            is_sure=is_sure,
            failing=failing,
            has_seen_examples=has_seen_examples,
        )


def _publish(
    whose: Whose,
    row: Rulebook,
    note: str,
    *,
    seen: int,
    by: User,
    now: datetime,
    is_sure: bool,
    failing: Callable[[Rulebook], Sequence[object]],
    has_seen_examples: bool,
) -> RulebookVersion:
    world = world_of(whose, now=now)
    made = publish(
        rulebook=row,
        seen=seen,
        note=note,
        directory=world.directory,
        known=world.known,
        first=world.first,
        by=by,
        now=now,
        is_sure=is_sure,
    )
    if not has_seen_examples and (otherwise := failing(row)):
        raise ExamplesError(otherwise)
    return made


def put_rules(
    *, whose: Whose, document: Mapping[str, Any], by: User, now: datetime
) -> tuple[Rulebook, Rules]:
    """Put a document in the place of the draft, in the caller's transaction, whatever was there.

    Returns the row, and the rules as they were written before.
    """
    row = _open(whose, by=by, now=now)
    before = read_rulebook(row.draft)
    if document_of(read_rulebook(document)) == document_of(before):
        return row, before
    seen = row.draft_version
    return save_draft(rulebook=row, document=document, seen=seen, by=by, now=now), before


def publish_put(
    *,
    whose: Whose,
    row: Rulebook,
    note: str,
    by: User,
    now: datetime,
    is_sure: bool,
    failing: Callable[[Rulebook], Sequence[object]],
) -> RulebookVersion | None:
    """Let the draft hold in the caller's transaction; None if it holds already.

    Raises FindingsError and ExamplesError as `publish_draft` does.
    """
    if row.published and row.published.document == row.draft:
        return None
    return _publish(
        whose,
        row,
        note,
        seen=row.draft_version,
        by=by,
        now=now,
        is_sure=is_sure,
        failing=failing,
        has_seen_examples=is_sure,
    )


def _keep_policies(account: Account) -> None:
    """Let nobody delete or rename an escalation policy until it is settled which rules choose it.

    Policies before inboxes, as wherever inboxes choose one.
    """
    rows = EscalationPolicy.objects.filter(account=account).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def bring_version_back(
    *,
    whose: Whose,
    version: RulebookVersion,
    note: str,
    by: User,
    now: datetime,
    seen: int | None = None,
    is_sure: bool = False,
    failing: Callable[[Rulebook, Rules], Sequence[object]] = lambda rulebook, rules: (),
    has_seen_examples: bool = False,
) -> RulebookVersion:
    """Let an older version hold again: it is published as it was, and asked as any other.

    Raises HeldChangedError if what holds is not version `seen` any more, RulebookError if it holds
    already, and FindingsError and ExamplesError as `publish_draft` does: who it names may be gone.
    """
    with transaction.atomic(durable=True):
        row, rules = _open(whose, by=by, now=now), version.rules()
        made = bring_back(version=version, note=note, by=by, now=now, seen=seen)
        findings = draft_findings(rules, world_of(whose, now=now))
        if not is_publishable(findings) or (findings and not is_sure):
            raise FindingsError(findings)
        if not has_seen_examples and (otherwise := failing(row, rules)):
            raise ExamplesError(otherwise)
        return made


# --- As one document -----------------------------------------------------------------------------


def exported(document: Mapping[str, Any], world: World) -> dict[str, Any]:
    """Write rules for elsewhere: people by e-mail address, teams by name."""
    return portable.with_names(document, world.portable)


def imported(document: object, world: World) -> dict[str, Any]:
    """Read rules from elsewhere, with the ids of this account.

    Raises DocumentError with every problem and its place: what the document says wrong, and which
    people and teams this account does not have.
    """
    with_ids, unknown = portable.with_ids(document, world.portable)
    try:
        rules = read_rulebook(with_ids)
    except DocumentError as error:
        raise DocumentError((*error.problems, *unknown)) from error
    if rules.always_first:
        words = _("These are no rules of one inbox: write them as “rules” of the account's own.")
        unknown = (*unknown, Problem("always_first", words))
    if unknown:
        raise DocumentError(unknown)
    return document_of(rules)


def replace_draft(
    *, whose: Whose, document: Mapping[str, Any], seen: int, by: User, now: datetime
) -> Rulebook:
    """Put a whole document in the place of the draft.

    Raises DraftMovedError if the draft is not the one that was `seen`, DocumentError.
    """
    with transaction.atomic(durable=True):
        row = _open(whose, by=by, now=now)
        if row.draft_version != seen:
            raise DraftMovedError(row)
        return save_draft(rulebook=row, document=document, seen=seen, by=by, now=now)


def version_of(whose: Whose, number: int) -> RulebookVersion | None:
    """Return a version of these rules by its number."""
    row = whose.rulebook()
    rows = row.versions.select_related("published_by", "rulebook__published") if row else None
    return rows.filter(number=number).first() if rows is not None else None


def draft_version_of(row: Rulebook | None) -> int:
    """Return which draft somebody sees; the one that is not there yet is like a new one."""
    return row.draft_version if row else 1


def draft_document(row: Rulebook | None) -> dict[str, Any]:
    """Return the draft as it is written down."""
    return dict(row.draft) if row else empty_document()
