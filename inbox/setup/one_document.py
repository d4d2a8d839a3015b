"""How does an inbox travel whole: hours, escalation, replies and rules as one JSON document?

For review in version control, and for another account: people stand in it by e-mail address, all
else by name. What a document leaves out stays as it is. It is taken in as one act, or not at all.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Account, User
from inbox.models import TeamInbox
from inbox.setup import hours as hours_stories
from inbox.setup import policies, replies, rules
from inbox.setup.refusals import SetUpError
from inbox.setup.reply_words import changed, told_all
from inbox.setup.rules import Whose, World, world_of
from routing import portable, sentences
from routing.business_hours import HoursError, named, put_hours
from routing.business_hours import described as hours_described
from routing.documents import read_rulebook
from routing.escalation import Policy
from routing.hours_documents import NamedHours, read_hours, write_hours
from routing.lint import is_publishable
from routing.models import BusinessHours, EscalationPolicy, Rulebook, RulebookVersion
from routing.policy_documents import PolicyError, read_policy
from routing.policy_words import described as policy_described
from routing.reading import DocumentError, Place, Problem
from routing.replies import Replies
from routing.reply_documents import document_of as replies_document
from routing.reply_documents import read_replies
from routing.rulebook_models import empty_document
from routing.rulebooks import FindingsError, RulebookError

FORMAT = 1
# What may come of taking a document in; `problems_of` has words for each.
REFUSED = (DocumentError, RulebookError, SetUpError, replies.RepliesError, HoursError)
T = TypeVar("T")
PARTS = ("hours", "escalation", "replies", "rules")
LONGEST_NAME = 80


class InboxMovedError(RulebookError):
    """Somebody changed the inbox after it was looked at; `version` is how it stands now."""

    def __init__(self, version: str) -> None:
        super().__init__(_("Somebody changed this inbox meanwhile. Nothing was taken in."))
        self.version = version


@dataclass(frozen=True)
class Change:
    """One point that is otherwise than before: of which part, and what it said and says."""

    part: str
    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Taken:
    """What became of a document: what it changed, which other inboxes feel it, what holds."""

    version: str
    changes: tuple[Change, ...] = ()
    reaches: tuple[str, ...] = ()
    published: RulebookVersion | None = None


@dataclass(frozen=True)
class _Wanted:
    """What a document asks for. `parts` are those that it names; one may be null: none."""

    parts: frozenset[str]
    hours: NamedHours | None = None
    escalation: tuple[str, Policy] | None = None
    replies: Replies | None = None
    rules: Mapping[str, Any] | None = None


@dataclass
class _Act:
    """A document on its way in."""

    inbox: TeamInbox
    by: User
    now: datetime
    is_sure: bool
    changes: list[Change] = field(default_factory=list)
    reaches: dict[str, None] = field(default_factory=dict)

    @property
    def deed(self) -> dict[str, Any]:
        """Return what every story is told."""
        return {"by": self.by, "now": self.now}

    def note(self, part: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Note what differs between two, point by point."""
        for what, both in changed(before, after).items():
            self.changes.append(Change(part, what, both["before"], both["after"]))

    def also(self, names: Sequence[str]) -> None:
        """Note which other inboxes have what was changed."""
        self.reaches |= dict.fromkeys(names)


# --- Out -----------------------------------------------------------------------------------------


def exported(inbox: TeamInbox, *, now: datetime, is_published: bool = False) -> dict[str, Any]:
    """Return an inbox as one document: with the draft of its rules, or with those that hold."""
    inbox = _fresh(inbox)
    whose = Whose(inbox.account, inbox)
    world, row = world_of(whose, now=now), whose.rulebook()
    held = row.published.document if row and row.published else empty_document()
    return {
        "format": FORMAT,
        "inbox": inbox.name,
        "hours": write_hours(named(inbox.hours)) if inbox.hours else None,
        "escalation": _policy_document(inbox.escalation, world),
        "replies": replies_document(replies.own_replies(inbox)),
        "rules": rules.exported(held if is_published else rules.draft_document(row), world),
    }


def version_of(inbox: TeamInbox) -> str:
    """Return what tells an inbox from any other state of it that a document can bring about."""
    inbox = _fresh(inbox)
    row = Whose(inbox.account, inbox).rulebook()
    standing = (
        *(inbox.hours_id, inbox.hours.version if inbox.hours else 0),
        *(inbox.escalation_id, inbox.escalation.version if inbox.escalation else 0),
        replies.mark_of_all(replies.own_replies(inbox)),
        *(row.pk if row else 0, rules.draft_version_of(row), row.published_id if row else 0),
    )
    return hashlib.sha256(json.dumps(standing).encode()).hexdigest()[:16]


def _policy_document(row: EscalationPolicy | None, world: World) -> dict[str, Any] | None:
    if row is None:
        return None
    steps = portable.policy_with_names(row.document, world.portable)
    return {"name": row.name, **steps}


def _fresh(inbox: TeamInbox) -> TeamInbox:
    rows = TeamInbox.objects.select_related("account", "hours", "escalation", "team")
    return rows.get(pk=inbox.pk)


# --- In ------------------------------------------------------------------------------------------


def take_in(
    *,
    inbox: TeamInbox,
    document: object,
    seen: str,
    by: User,
    now: datetime,
    is_published: bool = False,
    note: str = "",
    is_sure: bool = False,
    is_check: bool = False,
    failing: Callable[[Rulebook], Sequence[object]] = lambda rulebook: (),
) -> Taken:
    """Let an inbox be as a document says, in one act: all of it, or nothing.

    `seen` is its `version_of` as somebody looked at it. Rules become the draft, and hold where
    `is_published`. With `is_check` everything is done and taken back, so that the answer is that of
    the act. Raises InboxMovedError; DocumentError with every problem and its place; and what saving
    a part by itself raises: ReplyProblemsError, PolicyProblemsError, FindingsError, ExamplesError,
    HoursError, SetUpError.
    """
    with transaction.atomic(durable=True):
        # One document of an account after the other: hours and policies are found by their names.
        inbox = _held(inbox)
        if version_of(inbox) != seen:
            raise InboxMovedError(version_of(inbox))
        act = _Act(inbox, by, now, is_sure)
        wanted = _read(document, world_of(Whose(inbox.account, inbox), now=now))
        _take_hours(act, wanted)
        _take_escalation(act, wanted)
        _take_replies(act, wanted)
        published = _take_rules(act, wanted, note, failing, is_published=is_published)
        taken = Taken(version_of(inbox), tuple(act.changes), tuple(act.reaches), published)
        if is_check:
            transaction.set_rollback(True)
            return replace(taken, version=seen)
        if act.changes or published:
            _record(act, wanted)
        return taken


def _held(inbox: TeamInbox) -> TeamInbox:
    """Return an inbox while nobody else changes it, nor what it has or may get.

    Hours, then policies, then the inbox, then its rules: in the order in which others lock them.
    """
    Account.objects.select_for_update(no_key=True).get(pk=inbox.account_id)
    for kind in (BusinessHours, EscalationPolicy):
        rows = kind._default_manager.filter(account=inbox.account_id).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))
    TeamInbox.objects.select_for_update(no_key=True).get(pk=inbox.pk)
    inbox = _fresh(inbox)
    if inbox.rulebook_id is not None:
        Rulebook.objects.select_for_update(no_key=True).get(pk=inbox.rulebook_id)
    return _fresh(inbox)


def _take_hours(act: _Act, wanted: _Wanted) -> None:
    if "hours" not in wanted.parts:
        return
    before, hours, account = act.inbox.hours, None, act.inbox.account
    old: dict[str, str] = {}
    if wanted.hours:
        there = BusinessHours.objects.filter(account=account, name__iexact=wanted.hours.name)
        old = _hours_words(there[0]) if there else {}
        hours = put_hours(account=account, wanted=wanted.hours, **act.deed)
        act.note("hours", old, _hours_words(BusinessHours.objects.get(pk=hours.pk)))
        if hours.version > 1:
            act.also(_others(act.inbox, hours=hours))
    _note_choice(act, "hours", before, hours)
    hours_stories.put_inbox(inbox=act.inbox, hours=hours, **act.deed)


def _take_escalation(act: _Act, wanted: _Wanted) -> None:
    if "escalation" not in wanted.parts:
        return
    before, account = act.inbox.escalation, act.inbox.account_id
    if wanted.escalation is None:
        policies.put_inbox(inbox=act.inbox, policy=None, **act.deed)
        _note_choice(act, "escalation", before, None)
        return
    name, policy = wanted.escalation
    there = EscalationPolicy.objects.filter(account=account, name__iexact=name).first()
    old = there.policy() if there else None
    row = policies.put_policy(
        inbox=act.inbox, name=name, policy=policy, is_sure=act.is_sure, **act.deed
    )
    names = policies.names_for(account, [policy, *([old] if old else [])])
    was = policy_described(there.name, old, names) if there and old else {}
    act.note("escalation", was, policy_described(row.name, policy, names))
    _note_choice(act, "escalation", before, row)
    if there and old != policy:
        act.also(_others(act.inbox, escalation=row))


def _take_replies(act: _Act, wanted: _Wanted) -> None:
    if wanted.replies is None:
        return
    before = replies.own_replies(act.inbox)
    replies.put_replies(inbox=act.inbox, replies=wanted.replies, is_sure=act.is_sure, **act.deed)
    names = replies.names_in(act.inbox.account_id)
    act.note("replies", told_all(before, names), told_all(wanted.replies, names))


def _take_rules(
    act: _Act,
    wanted: _Wanted,
    note: str,
    failing: Callable[[Rulebook], Sequence[object]],
    *,
    is_published: bool,
) -> RulebookVersion | None:
    whose = Whose(act.inbox.account, act.inbox)
    row = whose.rulebook()
    if wanted.rules is not None:
        row, before = rules.put_rules(whose=whose, document=wanted.rules, **act.deed)
        after, names = read_rulebook(row.draft), world_of(whose, now=act.now).names
        for one in sentences.told(before, after, names):
            act.changes.append(Change("rules", one.words, one.before, one.after))
        if row.inboxes.exclude(pk=act.inbox.pk).exists():
            act.also(_others(act.inbox, rulebook=row))
    if row is None or not is_published:
        return None
    return rules.publish_put(
        whose=replace(whose, inbox=_fresh(act.inbox)),
        row=row,
        note=note,
        is_sure=act.is_sure,
        failing=failing,
        **act.deed,
    )


def _hours_words(hours: BusinessHours) -> dict[str, str]:
    return {name.replace("_", " "): words for name, words in hours_described(hours).items()}


def _note_choice(
    act: _Act,
    part: str,
    before: BusinessHours | EscalationPolicy | None,
    after: BusinessHours | EscalationPolicy | None,
) -> None:
    """Note where an inbox has another one than before."""
    if (before.pk if before else None) != (after.pk if after else None):
        none = _("none")
        what = _("Which the inbox has")
        act.changes.append(
            Change(part, what, before.name if before else none, after.name if after else none)
        )


def _others(inbox: TeamInbox, **having: object) -> list[str]:
    rows = TeamInbox.objects.filter(account=inbox.account_id, **having).exclude(pk=inbox.pk)
    return list(rows.order_by("name").values_list("name", flat=True))


def _record(act: _Act, wanted: _Wanted) -> None:
    audit.record(
        action="inbox_document_taken_in",
        subject=act.inbox.name,
        actor=act.by,
        account_id=act.inbox.account_id,
        now=act.now,
        row=str(act.inbox.pk),
        parts=[part for part in PARTS if part in wanted.parts],
    )


# --- Reading -------------------------------------------------------------------------------------


def _read(document: object, world: World) -> _Wanted:
    """Read a whole document. Raises DocumentError with every problem and its place."""
    place = Place("", document)
    place.refuse_unknown("format", "inbox", *PARTS)
    if place.get("format", FORMAT) != FORMAT:
        place.at("format").refuse(_("This is format %d.") % FORMAT)
    place.text("inbox")
    parts = frozenset(part for part in PARTS if place.has(part))
    problems = place.problems

    def read(part: str, how: Callable[[object], T | None]) -> T | None:
        return _part(problems, part, partial(how, place.at(part).value)) if part in parts else None

    wanted = _Wanted(
        parts=parts,
        hours=read("hours", _hours),
        escalation=read("escalation", partial(_escalation, world=world)),
        replies=read("replies", _replies),
        rules=read("rules", partial(rules.imported, world=world)),
    )
    if problems:
        raise DocumentError(problems)
    return wanted


def _part(problems: list[Problem], part: str, read: Callable[[], T | None]) -> T | None:
    """Read one part; gather what is wrong with it, each problem at its place in the whole."""
    try:
        return read()
    except DocumentError as error:
        found = error.problems
    except PolicyError as error:
        found = (Problem(f"steps[{error.step - 1}]" if error.step else "", error.reason),)
    for problem in found:
        within = problem.where.removeprefix("document")
        problems.append(Problem(f"{part}.{within}".rstrip("."), problem.words))
    return None


def _hours(value: object) -> NamedHours | None:
    return None if value is None else read_hours(value)


def _escalation(value: object, world: World) -> tuple[str, Policy] | None:
    if value is None:
        return None
    place = Place("", value)
    name = place.text("name", most=LONGEST_NAME, is_needed=True)
    if place.problems:
        raise DocumentError(place.problems)
    steps = {key: one for key, one in dict(value).items() if key != "name"}  # type: ignore[call-overload]
    with_ids, unknown = portable.policy_with_ids(steps, world.portable)
    policy = read_policy(with_ids)
    if unknown:
        raise DocumentError(unknown)
    return name, policy


def _replies(value: object) -> Replies | None:
    # Saying nothing is written as an empty document.
    return read_replies({} if value is None else value)


# --- What is wrong ---


def problems_of(refused: Exception) -> Sequence[Problem]:
    """Say what is wrong with a document, each thing with its place as far as that is known."""
    if isinstance(refused, DocumentError):
        return refused.problems
    if isinstance(refused, policies.PolicyProblemsError):
        return [Problem(f"escalation.steps[{one.step - 1}]", one.words) for one in refused.problems]
    if isinstance(refused, replies.ReplyProblemsError):
        return [Problem("replies", one.words) for one in refused.problems]
    if isinstance(refused, FindingsError):
        return [Problem(f"rules: {one.rule}", one.words) for one in refused.findings]
    return [Problem("", getattr(refused, "reason", str(refused)))]


def is_a_question(refused: Exception) -> bool:
    """Say whether it is refused only until somebody says that they have looked."""
    if isinstance(refused, policies.PolicyProblemsError):
        return not refused.is_refused
    if isinstance(refused, replies.ReplyProblemsError):
        return not refused.is_forbidden
    if isinstance(refused, FindingsError):
        return is_publishable(refused.findings)
    return isinstance(refused, rules.ExamplesError)
