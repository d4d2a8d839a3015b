"""Whom does a note mention, and who has not read that yet?

A name after an `@` mentions a colleague or a team. Who is mentioned takes part as a watcher: they
read and note, and stay when somebody else claims the conversation.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from accounts.access import entitled
from accounts.models import Membership, Team, User
from inbox.access import readers_of
from inbox.models import Conversation, Participant, ReadCursor
from inbox.refusals import RefusedError

OFFERED = 8  # people and teams together, in the list under an `@`
USER, TEAM = "user", "team"


class MentionRefusedError(RefusedError):
    """A note mentions somebody who may not use the inbox; nothing was written."""

    code = "mention_refused"
    status = 422


@dataclass(frozen=True)
class Named:
    """Somebody who can be mentioned: a person, or a team (`people` are those who are told)."""

    kind: str
    pk: int
    name: str
    people: tuple[int, ...]
    is_outside: bool = False

    def as_json(self) -> dict[str, object]:
        """Return what a list to choose from shows."""
        facts = {"kind": self.kind, "id": self.pk, "name": self.name}
        return {**facts, "number": len(self.people), "is_outside": self.is_outside}


# --- Whom somebody can mention --------------------------------------------------------------------


def offered(conversation: Conversation, words: str, *, me: int, now: datetime) -> Sequence[Named]:
    """Return whom `me` can mention by a name with these words in it, people first; a few.

    Who does not read the conversation yet `is_outside` it.
    """
    people = who_may(conversation, now=now).exclude(pk=me).filter(name__icontains=words)
    chosen = list(people.order_by("name", "pk").values_list("pk", "name")[:OFFERED])
    teams = Team.objects.filter(account=conversation.account_id, name__icontains=words)
    found = [Named(USER, pk, name, (pk,)) for pk, name in chosen]
    found += _with_people(teams[:OFFERED], conversation, me=me, now=now)
    inside = readers_of(conversation, now=now)
    return [
        Named(one.kind, one.pk, one.name, one.people, not inside.issuperset(one.people))
        for one in found[:OFFERED]
    ]


def mentioned_in(
    body: str, conversation: Conversation, *, me: int, now: datetime
) -> Sequence[Named]:
    """Return whom the words of a note mention, its author left out.

    Raises MentionRefusedError naming who may not use the inbox, or is of a team of nobody who may.
    """
    if "@" not in body:
        return ()
    people = dict(_named_in(User.objects.filter(is_active=True), body, conversation))
    teams = _named_in(Team.objects.all(), body, conversation)
    names = _longest(body, [*people.values(), *(name for _pk, name in teams)])
    people = {pk: name for pk, name in people.items() if name.casefold() in names and pk != me}
    may = set(who_may(conversation, now=now).filter(pk__in=people).values_list("pk", flat=True))
    # Of two with the same name, it is who may use the inbox.
    known = {people[pk].casefold() for pk in may}
    refused = [name for name in people.values() if name.casefold() not in known]
    wanted = Team.objects.filter(pk__in=[pk for pk, name in teams if name.casefold() in names])
    full = _with_people(wanted, conversation, me=me, now=now)
    refused += [one.name for one in wanted if one.pk not in {team.pk for team in full}]
    if refused:
        words = _("%(names)s cannot be mentioned: only who may use this inbox can.")
        raise MentionRefusedError(words % {"names": ", ".join(sorted(set(refused)))})
    return [*(Named(USER, pk, people[pk], (pk,)) for pk in sorted(may)), *full]


def who_may(conversation: Conversation, *, now: datetime) -> "QuerySet[User]":
    """Return the licensed people who belong to the inbox's team or take part by name."""
    member = Membership.objects.filter(team=conversation.inbox_id, user=OuterRef("pk"))
    part = Participant.objects.filter(conversation=conversation, ended_at=None, user=OuterRef("pk"))
    by_right = Exists(member) | Exists(part)
    return entitled(now=now).filter(by_right, account=conversation.account_id)


def _with_people(
    teams: Iterable[Team], conversation: Conversation, *, me: int, now: datetime
) -> list[Named]:
    """Return those teams of which somebody else may use the inbox, with these people."""
    names = {team.pk: team.name for team in teams}
    if not names:
        return []
    may = who_may(conversation, now=now).exclude(pk=me).values("pk")
    rows = Membership.objects.filter(team__in=names, user__in=may).order_by("pk")
    people: dict[int, tuple[int, ...]] = {}
    for team, person in rows.values_list("team_id", "user_id"):
        people[team] = (*people.get(team, ()), person)
    return [Named(TEAM, pk, name, people[pk]) for pk, name in names.items() if pk in people]


def _named_in(
    rows: "QuerySet[Any]", body: str, conversation: Conversation
) -> list[tuple[int, str]]:
    said = Value(body, output_field=TextField())
    at_name = Concat(Value("@"), F("name"), output_field=TextField())
    named = rows.filter(account=conversation.account_id).exclude(name="").alias(said=said)
    return list(named.filter(said__icontains=at_name).values_list("pk", "name"))


def _longest(body: str, names: Iterable[str]) -> set[str]:
    """Return which names (folded) stand after an `@`; of two that begin alike, the longer."""
    ordered = sorted(set(names), key=len, reverse=True)
    if not ordered:
        return set()
    either = "|".join(map(re.escape, ordered))
    found = re.finditer(rf"(?<!\w)@({either})(?!\w)", body, re.IGNORECASE)
    return {one[1].casefold() for one in found}


# --- Mentioning -----------------------------------------------------------------------------------


def mention(
    conversation: Conversation, people: Iterable[int], *, seq: int, now: datetime
) -> frozenset[int]:
    """Let these people take part, at least as watchers, and remember the note; say who is new.

    The conversation must be locked. New is who did not read it before.
    """
    wanted = dict.fromkeys(people)
    before = readers_of(conversation, now=now)
    current = Participant.objects.filter(conversation=conversation, ended_at=None)
    current = current.filter(user__in=wanted)
    there = set(current.values_list("user", flat=True))
    current.update(mentioned_seq=seq)
    Participant.objects.bulk_create(
        Participant(
            account_id=conversation.account_id,
            conversation=conversation,
            user_id=user_id,
            role=Participant.Role.WATCHER,
            source=Participant.Source.MENTION,
            started_at=now,
            mentioned_seq=seq,
        )
        for user_id in wanted
        if user_id not in there
    )
    return frozenset(set(wanted) - before)


# --- Reading --------------------------------------------------------------------------------------


def unread(parts: "QuerySet[Participant]") -> "QuerySet[Participant]":
    """Keep the parts of people whom a note mentions after what they have read."""
    return parts.filter(_is_unread())


def unread_mark() -> Case:
    """Say of a part, as a column, whether a note mentions them after what they have read."""
    return Case(When(_is_unread(), then=True), default=False, output_field=BooleanField())


def _is_unread() -> Q:
    read = ReadCursor.objects.filter(
        user=OuterRef("user"),
        conversation=OuterRef("conversation"),
        seq__gte=OuterRef("mentioned_seq"),
    )
    return Q(~Exists(read), mentioned_seq__isnull=False)
