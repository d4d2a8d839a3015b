"""Who is there to get a conversation? The people that rules may name, as they are now."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from accounts.access import licensed
from accounts.models import Membership, User
from inbox.audience import is_eligible
from inbox.models import Conversation, Participant, TeamInbox
from inbox.rulebooks import InForce
from routing.facts import Directory, Facts, Person
from routing.models import RulebookVersion, Turn
from routing.rules import Target

_OF_TELLERS = (Target.DATA_ACTION, Target.CRM_FIELD)
_Role = Participant.Role


def directory_for(
    rules: InForce, facts: Facts, *, account: int, team: int, now: datetime
) -> Directory:
    """Return the people whom these rules could give this message to; nobody where none could.

    `team` is the inbox's. Three queries at most, and a fourth where turns are taken.
    """
    if not rules.targets:
        return Directory(team=team)
    teams = {team} | {step.team for step in rules.steps() if step.team is not None}
    teams |= _told_teams(facts) if Target.DATA_ACTION in rules.targets else set()
    members = _members(account, teams)
    named = {person for step in rules.steps() for person in step.people}
    named.update(*members.values())
    named.update(filter(None, (facts.customer.owner, facts.customer.last_owner)))
    told = _told(facts) if rules.targets.intersection(_OF_TELLERS) else frozenset()
    people = _people(account, named, told, team=team, now=now)
    return Directory(people, team, members, _turns(rules))


def directory_of_account(account: int, *, team: int, now: datetime) -> Directory:
    """Return everybody of an account, for who looks at rules without a message."""
    everybody = User.objects.filter(account=account).values_list("pk", flat=True)
    members = _members(account, None)
    people = _people(account, set(everybody), frozenset(), team=team, now=now)
    return Directory(people, team, members)


def has_room(person: int, conversation: Conversation) -> bool:
    """Say whether a person has fewer others open than the inbox sets as the most, if it does."""
    most = conversation.inbox.most_open
    if most is None:
        return True
    counts = _parts([person]).exclude(conversation=conversation).count()
    return counts < most


def is_free(person: User, conversation: Conversation) -> bool:
    """Say whether a person is there, and has room for a conversation."""
    is_available = person.availability == User.Availability.AVAILABLE
    return is_available and has_room(person.pk, conversation)


def stays_with_owner(conversation: Conversation, *, now: datetime) -> bool:
    """Say whether its owner keeps a conversation whose snooze ends.

    They do while they can work in it, and are free where its inbox asks for that of who gets a
    conversation again.
    """
    owner = conversation.owner
    if owner is None or not _can_work(owner, conversation, now=now):
        return False
    rule = conversation.inbox.reopen_owner
    if rule != TeamInbox.ReopenOwner.LAST_OWNER_IF_AVAILABLE:
        return True
    return is_free(owner, conversation)


def _can_work(owner: User, conversation: Conversation, *, now: datetime) -> bool:
    named = Participant.objects.filter(
        conversation=conversation, user=owner, source__in=Participant.NAMED
    )
    inbox = conversation.inbox_id
    return is_eligible(owner.pk, inbox, now=now) or (
        named.exists() and is_eligible(owner.pk, inbox, now=now, by_name=True)
    )


def _members(account: int, teams: Collection[int] | None) -> dict[int, tuple[int, ...]]:
    """Return who works in these teams, or in every team; observers only look on."""
    rows = Membership.objects.filter(team__account=account)
    rows = rows.exclude(role=Membership.Role.OBSERVER).order_by("pk")
    if teams is not None:
        rows = rows.filter(team__in=teams)
    found: dict[int, tuple[int, ...]] = {}
    for team, person in rows.values_list("team_id", "user_id"):
        found[team] = (*found.get(team, ()), person)
    return found


def _told(facts: Facts) -> frozenset[str]:
    """Return whom the answers of look-ups may name, as they name them."""
    return frozenset(
        str(text).strip().casefold()
        for answer in facts.answers.values()
        for value in answer.fields.values()
        for text in (value if isinstance(value, tuple) else (value,))
        if isinstance(text, str | int) and not isinstance(text, bool)
    )


def _told_teams(facts: Facts) -> set[int]:
    """Return the teams that Data Actions named; their ids were checked when the answer was read."""
    told = (answer.fields.get("teams") for answer in facts.answers.values())
    texts = (str(text) for one in told if isinstance(one, tuple) for text in one)
    return {int(text) for text in texts if _is_id(text)}


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _people(
    account: int, ids: Collection[int], told: Collection[str], *, team: int, now: datetime
) -> dict[int, Person]:
    told_ids = {int(text) for text in told if _is_id(text)}
    emails = {text for text in told if "@" in text}
    rows = _known(account, team, now).filter(Q(pk__in={*ids, *told_ids}) | Q(email__in=emails))
    facts = list(rows)
    counts = _open_counts(pk for pk, *_ in facts)
    return {
        pk: Person(
            id=pk,
            name=name,
            email=email,
            is_active=is_active,
            is_licensed=is_licensed,
            is_available=availability == User.Availability.AVAILABLE,
            open_count=counts.get(pk, 0),
            cap=most_open,
        )
        for pk, name, email, is_active, availability, is_licensed, most_open in facts
    }


def _known(account: int, team: int, now: datetime) -> "QuerySet[Any, Any]":
    held = Exists(licensed(now=now).filter(pk=OuterRef("pk")))
    most = Subquery(TeamInbox.objects.filter(pk=team).values("most_open"))
    people = User.objects.filter(account=account).order_by("pk")
    return people.values_list("pk", "name", "email", "is_active", "availability", held, most)


def _open_counts(people: Iterable[int]) -> Mapping[int, int]:
    """Count the open conversations that each of them has, as owner or by name."""
    parts = _parts(people).order_by().values("user")
    return dict(parts.values_list("user", Count("pk")))


def _parts(people: Iterable[int]) -> "QuerySet[Participant]":
    return Participant.objects.filter(
        user__in=list(people),
        ended_at=None,
        role__in=[_Role.OWNER, _Role.MEMBER],
        conversation__status=Conversation.Status.OPEN,
    )


def _turns(rules: InForce) -> dict[str, int]:
    if Target.ROUND_ROBIN not in rules.targets:
        return {}
    versions = [pk for pk in (rules.always_first, rules.own) if pk]
    books = RulebookVersion.objects.filter(pk__in=versions).values("rulebook")
    return dict(Turn.objects.filter(rulebook__in=books).values_list("key", "person"))
