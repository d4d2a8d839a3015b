"""How do escalation policies come to be, change and go, and which inbox has which?

A change holds for waits that begin after it: timers keep the steps that they were made from.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.access import licensed
from accounts.models import Account, AuditEntry, Membership, Team, User
from accounts.refusals import broken_rule
from inbox.models import Conversation, TeamInbox
from inbox.setup.refusals import SetUpError
from routing import portable
from routing.business_hours import Change
from routing.escalation import Do, Policy, Step
from routing.hours import Calendar
from routing.models import BusinessHours, DataAction, EscalationPolicy, Rulebook
from routing.policy_documents import PolicyError, Problem, read_policy, write_policy
from routing.policy_lint import Surroundings, Use, lint_policy, moves_of
from routing.policy_words import Names, described, people_in
from routing.rulebooks import rules_of

T = TypeVar("T")

LONGEST_NAME = 80
MOST_POLICIES = 200
_NAME_IS_TAKEN = "policy_name_once_per_account"
# What a policy begins with, unless somebody wants to write all of it.
TO_SUPERVISORS = Policy((Step(after=15, do=Do.NOTIFY),))


class PolicyChangedError(SetUpError):
    """Somebody else changed the policy meanwhile: `changes` say what, to `version`."""

    def __init__(self, version: int, changes: tuple[Change, ...]) -> None:
        super().__init__(_("Somebody changed this policy while you were at it."))
        self.version, self.changes = version, changes


class PolicyProblemsError(SetUpError):
    """The linter has something to say: errors forbid saving, warnings want to be confirmed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            _("This policy cannot be saved as it is.")
            if self.is_refused
            else _("Look at the warnings before you save.")
        )

    @property
    def is_refused(self) -> bool:
        """Say whether there is an error among them."""
        return any(problem.is_error for problem in self.problems)


# --- Stories ---


@transaction.atomic(durable=True)
def make_policy(
    *,
    account: Account,
    name: str,
    by: User,
    now: datetime,
    policy: Policy = TO_SUPERVISORS,
    is_sure: bool = True,
) -> EscalationPolicy:
    """Make a policy that no inbox has yet.

    Raises SetUpError for its name, PolicyProblemsError for errors of the linter, and for warnings
    unless `is_sure`.
    """
    check_policy(EscalationPolicy(account=account, name=name), policy, now=now, is_sure=is_sure)
    return _add(account, name, policy, by=by, now=now)


@transaction.atomic(durable=True)
def copy_policy(*, policy: EscalationPolicy, by: User, now: datetime) -> EscalationPolicy:
    """Make a policy like another, under a name of its own. Raises SetUpError."""
    others = EscalationPolicy.objects.filter(account=policy.account_id)
    taken = {name.lower() for name in others.values_list("name", flat=True)}
    base = policy.name[: LONGEST_NAME - 6]
    candidates = (f"{base} ({n})" for n in range(2, MOST_POLICIES + 3))
    name = next(one for one in candidates if one.lower() not in taken)
    return _add(policy.account, name, policy.policy(), by=by, now=now)


@transaction.atomic(durable=True)
def save_policy(
    *,
    policy: EscalationPolicy,
    name: str,
    document: object,
    version: int,
    by: User,
    now: datetime,
    is_sure: bool = False,
) -> EscalationPolicy:
    """Change a policy's name and steps, for waits that begin from now on.

    `version` is the one that was looked at. Raises PolicyError for a document that is no policy,
    PolicyChangedError if somebody else changed it since, PolicyProblemsError for errors of the
    linter, and for warnings unless `is_sure`; SetUpError for the name.
    """
    wanted = read_policy(document)
    row = _locked(policy)
    if row.version != version:
        raise PolicyChangedError(row.version, changes_since(row, version))
    return _put(row, name, wanted, by=by, now=now, is_sure=is_sure)


def put_policy(
    *,
    inbox: TeamInbox,
    name: str,
    policy: Policy,
    by: User,
    now: datetime,
    is_sure: bool = False,
) -> EscalationPolicy:
    """Let an inbox have the policy of a name, with these steps, in the caller's transaction.

    The account's policy of that name is changed, for every inbox that has it; where there is none
    it is made. Raises as `save_policy` does.
    """
    rows = EscalationPolicy.objects.filter(account=inbox.account_id)
    there = rows.filter(name__iexact=" ".join(name.split())).first()
    row = _locked(there) if there else _add(inbox.account, name, policy, by=by, now=now)
    put_inbox(inbox=inbox, policy=row, by=by, now=now)
    if there is None:
        check_policy(row, policy, now=now, is_sure=is_sure)
        return row
    return _put(row, row.name, policy, by=by, now=now, is_sure=is_sure)


def put_inbox(
    *, inbox: TeamInbox, policy: EscalationPolicy | None, by: User, now: datetime
) -> None:
    """Let an inbox have a policy, or none, in the caller's transaction."""
    rows = TeamInbox.objects.select_for_update(no_key=True, of=("self",))
    row = rows.select_related("escalation").get(pk=inbox.pk)
    if row.escalation_id != (policy.pk if policy else None):
        _have(row, policy, by=by, now=now)


def _put(
    row: EscalationPolicy, name: str, wanted: Policy, *, by: User, now: datetime, is_sure: bool
) -> EscalationPolicy:
    before, old_name = row.policy(), row.name
    name = _checked_name(name, row.account, but=row)
    if (name, wanted) == (old_name, before):
        return row
    if name != old_name:
        _refuse_while_chosen(row, _("The rules name it: rename it there as well, by a copy."))
    check_policy(row, wanted, now=now, is_sure=is_sure)
    row.name, row.document = name, write_policy(wanted)
    row.version, row.changed_at = row.version + 1, now
    _unless_taken(row.save)
    names = names_for(row.account_id, [before, wanted])
    _note(row, "policy_changed", described(old_name, before, names), wanted, names, by, now)
    return row


@transaction.atomic(durable=True)
def delete_policy(*, policy: EscalationPolicy, by: User, now: datetime) -> None:
    """Delete a policy. Raises SetUpError while an inbox, a rule or an open conversation has it."""
    row = _locked(policy)
    inboxes = list(TeamInbox.objects.filter(escalation=row).values_list("name", flat=True))
    if inboxes:
        words = _("These inboxes have it: %(inboxes)s. Choose another one there first.")
        raise SetUpError(words % {"inboxes": ", ".join(inboxes)})
    _refuse_while_chosen(row, _("Change the rules and publish them first."))
    chosen = Conversation.objects.filter(account=row.account_id, escalation=row)
    if chosen.live().exists():
        words = _("A rule chose it for conversations that are still open. Close them first.")
        raise SetUpError(words)
    chosen.update(escalation=None)
    before = row.policy()
    names, pk = names_for(row.account_id, [before]), row.pk
    row.delete()
    row.pk = pk
    _note(row, "policy_deleted", described(row.name, before, names), None, names, by, now)


@transaction.atomic(durable=True)
def choose_inboxes(
    *,
    policy: EscalationPolicy,
    chosen: Collection[int],
    seen: Collection[int],
    by: User,
    now: datetime,
) -> list[TeamInbox]:
    """Let the chosen inboxes have this policy, and those no longer chosen none; return both.

    `seen` are those that the page showed as chosen: one that was not touched stays as somebody else
    may have set it meanwhile. An inbox of another account is nobody's to choose. Raises SetUpError
    if the policy is gone.
    """
    row = _locked(policy)
    inboxes = TeamInbox.objects.select_for_update(no_key=True, of=("self",)).filter(
        account=row.account_id, pk__in={*chosen, *seen}
    )
    changed = []
    for inbox in inboxes.select_related("escalation").order_by("pk"):
        takes = inbox.pk in chosen and inbox.pk not in seen and inbox.escalation_id != row.pk
        leaves = inbox.pk in seen and inbox.pk not in chosen and inbox.escalation_id == row.pk
        if takes or leaves:
            _have(inbox, row if takes else None, by=by, now=now)
            changed.append(inbox)
    return changed


@transaction.atomic(durable=True)
def choose_policy(
    *, inbox: TeamInbox, policy: EscalationPolicy | None, seen: int | None, by: User, now: datetime
) -> TeamInbox:
    """Let an inbox have a policy of its account, or none, for waits that begin from now on.

    `seen` is the policy that the page showed. Raises SetUpError if that changed meanwhile, or if
    the policy is gone.
    """
    target = _locked(policy) if policy else None
    assert target is None or target.account_id == inbox.account_id
    row = (
        TeamInbox.objects.select_for_update(no_key=True, of=("self",))
        .select_related("escalation")
        .get(pk=inbox.pk)
    )
    if row.escalation_id == (target.pk if target else None):
        return row
    if row.escalation_id != seen:
        words = _("Somebody else chose “%(policy)s” meanwhile. Choose again to change that.")
        raise SetUpError(words % {"policy": row.escalation or _("no policy")}, field="policy")
    _have(row, target, by=by, now=now)
    return row


# --- What is asked about them ---


def known_for(account_id: int) -> portable.Known:
    """Name everybody of an account by e-mail address and its teams, as documents do."""
    people = User.objects.filter(account=account_id).values_list("pk", "email")
    teams = Team.objects.filter(account=account_id).values_list("pk", "name")
    return portable.Known(dict(people), dict(teams))


def names_for(account_id: int, policies: Iterable[Policy]) -> Names:
    """Name the teams of an account, and those of its people whom these policies name."""
    people = User.objects.filter(account=account_id, pk__in=people_in(policies))
    teams = Team.objects.filter(account=account_id)
    return Names(
        dict(people.values_list("pk", "name")),
        # An inbox may have another name than its team, and is what people see.
        {pk: inbox or team for pk, team, inbox in teams.values_list("pk", "name", "inbox__name")},
    )


def problems_of(row: EscalationPolicy, policy: Policy, *, now: datetime) -> tuple[Problem, ...]:
    """Return what is wrong with a policy where the inboxes that have it would use it."""
    return lint_policy(policy, _surroundings(row, policy, now=now))


def check_policy(
    row: EscalationPolicy, policy: Policy, *, now: datetime, is_sure: bool = False
) -> None:
    """Raise PolicyProblemsError if steps may not be kept: for warnings only unless `is_sure`."""
    found = problems_of(row, policy, now=now)
    if any(problem.is_error for problem in found) or (found and not is_sure):
        raise PolicyProblemsError(found)


def rules_that_choose(account_id: int, name: str) -> list[str]:
    """Name the rules that are published and name this policy, each with its rulebook."""
    books = Rulebook.objects.filter(account=account_id, published__isnull=False)
    return [
        f"“{rule.name}” ({book.name})"
        for book in books.select_related("published")
        for rule in rules_of(book).in_order()
        if rule.actions.escalation.lower() == name.lower()
    ]


def changes_since(row: EscalationPolicy, version: int) -> tuple[Change, ...]:
    """Return what was done to a policy since a version, the oldest first."""
    entries = AuditEntry.objects.filter(
        account_id=row.account_id,
        action="policy_changed",
        data__policy=row.pk,
        data__version__gt=version,
    ).order_by("id")
    return tuple(
        Change(
            entry.actor_label,
            entry.at,
            {
                name: (both["before"] or "", both["after"] or "")
                for name, both in entry.data.get("changes", {}).items()
            },
        )
        for entry in entries
    )


# --- How it is done ---


def _surroundings(row: EscalationPolicy, policy: Policy, *, now: datetime) -> Surroundings:
    inboxes = list(
        TeamInbox.objects.filter(account=row.account_id, escalation__isnull=False).select_related(
            "escalation", "account"
        )
    )
    using = [inbox for inbox in inboxes if inbox.escalation_id == row.pk]
    names = names_for(row.account_id, [policy])
    teams = {rung.team for step in policy.steps for rung in step.to if rung.team is not None}
    members = _members(row.account_id, teams)
    named = people_in([policy]).union(*members.values())
    able = licensed(now=now).filter(account=row.account_id, pk__in=named)
    actions = dict(DataAction.objects.filter(account=row.account_id).values_list("name", "is_on"))
    supervised = _supervised(using, now=now)
    return Surroundings(
        names=names,
        able=frozenset(able.values_list("pk", flat=True)),
        members=members,
        data_actions=frozenset(actions),
        off=frozenset(name for name, is_on in actions.items() if not is_on),
        uses=tuple(
            Use(one.pk, one.name, calendar, one.pk in supervised)
            for one, calendar in calendars_of(using)
        ),
        moves={inbox.pk: _moves(inbox.escalation) for inbox in inboxes if inbox not in using},
    )


def _supervised(inboxes: Collection[TeamInbox], *, now: datetime) -> frozenset[int]:
    """Return which of these inboxes have a supervisor who sees what happens there."""
    rows = Membership.objects.filter(
        team__in=[inbox.pk for inbox in inboxes],
        role=Membership.Role.SUPERVISOR,
        user__in=licensed(now=now),
    )
    return frozenset(rows.values_list("team", flat=True))


def _moves(row: EscalationPolicy | None) -> frozenset[int]:
    try:
        return moves_of(row.policy()) if row else frozenset()
    except PolicyError:
        return frozenset()


def _members(account_id: int, teams: Collection[int]) -> Mapping[int, frozenset[int]]:
    found: dict[int, set[int]] = {team: set() for team in teams}
    rows = Membership.objects.filter(team__in=teams, team__account=account_id)
    working = rows.exclude(role=Membership.Role.OBSERVER)
    for team, user in working.values_list("team_id", "user_id"):
        found[team].add(user)
    return {team: frozenset(people) for team, people in found.items()}


def calendars_of(inboxes: Collection[TeamInbox]) -> list[tuple[TeamInbox, Calendar]]:
    """Return the business hours of each of these inboxes; always open where they keep none."""
    wanted = {inbox.hours_id for inbox in inboxes if inbox.hours_id}
    rows = BusinessHours.objects.filter(pk__in=wanted).with_days() if wanted else ()
    known = {row.pk: row.calendar() for row in rows}
    return [
        (inbox, known[inbox.hours_id] if inbox.hours_id else Calendar.always(inbox.zone))
        for inbox in inboxes
    ]


def _add(
    account: Account, name: str, policy: Policy, *, by: User, now: datetime
) -> EscalationPolicy:
    name = _checked_name(name, account)
    if EscalationPolicy.objects.filter(account=account).count() >= MOST_POLICIES:
        raise SetUpError(_("There are too many policies; delete some first."))
    row = _unless_taken(
        lambda: EscalationPolicy.objects.create(
            account=account,
            name=name,
            document=write_policy(policy),
            created_at=now,
            changed_at=now,
        )
    )
    _note(row, "policy_added", {}, policy, names_for(account.pk, [policy]), by, now)
    return row


def _locked(policy: EscalationPolicy) -> EscalationPolicy:
    row = (
        EscalationPolicy.objects.select_for_update(of=("self",))
        .select_related("account")
        .filter(pk=policy.pk)
        .first()
    )
    if row is None:
        raise SetUpError(_("Somebody deleted this policy meanwhile."))
    return row


def _refuse_while_chosen(row: EscalationPolicy, remedy: str) -> None:
    """Rules call a policy by its name: it must not go, nor get another one, behind their back."""
    if rules := rules_that_choose(row.account_id, row.name):
        words = _("These published rules choose “%(policy)s”: %(rules)s. %(remedy)s")
        told = {"policy": row.name, "rules": ", ".join(rules), "remedy": remedy}
        raise SetUpError(words % told, field="name")


def _have(inbox: TeamInbox, policy: EscalationPolicy | None, *, by: User, now: datetime) -> None:
    before = inbox.escalation
    inbox.escalation = policy
    inbox.settings_version += 1
    inbox.save(update_fields=["escalation", "settings_version"])
    both = {"before": before.name if before else None, "after": policy.name if policy else None}
    audit.record(
        action="inbox_changed",
        subject=inbox.name,
        actor=by,
        account_id=inbox.account_id,
        now=now,
        row=str(inbox.pk),
        changes={"escalation": both},
    )


def _note(
    row: EscalationPolicy,
    action: str,
    before: Mapping[str, str],
    policy: Policy | None,
    names: Names,
    by: User,
    now: datetime,
) -> None:
    """Write an audit line with what differs, step by step, in words."""
    after = described(row.name, policy, names) if policy else {}
    differs = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    audit.record(
        action=action,
        subject=row.name,
        now=now,
        actor=by,
        account_id=row.account_id,
        policy=row.pk,
        version=row.version,
        changes={name: {"before": before.get(name), "after": after.get(name)} for name in differs},
    )


def _checked_name(name: str, account: Account, but: EscalationPolicy | None = None) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise SetUpError(_("Give this policy a name."), field="name")
    if len(name) > LONGEST_NAME:
        words = _("The name may have %(most)s characters.") % {"most": LONGEST_NAME}
        raise SetUpError(words, field="name")
    same = EscalationPolicy.objects.filter(account=account, name__iexact=name)
    if (same.exclude(pk=but.pk) if but else same).exists():
        raise SetUpError(_("There is a policy of this name already."), field="name")
    return name


def _unless_taken(write: Callable[[], T]) -> T:
    """Write; two who choose one name at the same time are told by the constraint."""
    try:
        with transaction.atomic():
            return write()
    except IntegrityError as error:
        if broken_rule(error) == _NAME_IS_TAKEN:
            raise SetUpError(_("There is a policy of this name already."), field="name") from error
        raise
