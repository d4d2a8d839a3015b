"""How do people enter and leave a conversation's audience? Rows with a start and an end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from accounts.access import is_licensed
from accounts.models import Membership, User
from accounts.prepared import Prepared, insert_row
from inbox.models import Conversation, Participant
from inbox.rerouting import rules_are_done


@dataclass(frozen=True)
class Before:
    """Who had a conversation before somebody took it: a release gives it back to them."""

    is_team_wide: bool
    user_ids: tuple[int, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the form that is kept on the conversation."""
        return {"team": self.is_team_wide, "users": list(self.user_ids)}


def current_parts(conversation: Conversation) -> list[Participant]:
    """Return the rows of the audience as of now, in the order they began."""
    return _CURRENT.all(conversation=conversation.pk)


_CURRENT = Prepared(
    lambda conversation: Participant.objects.filter(
        conversation=conversation, ended_at=None
    ).order_by("pk")
)


def remember_before(conversation: Conversation, parts: Iterable[Participant]) -> None:
    """Keep whom the conversation belonged to, unless somebody owns it already. Does not save."""
    if conversation.audience_before is None:
        members = tuple(part.user_id for part in parts if part.role == Participant.Role.MEMBER)
        conversation.audience_before = Before(conversation.is_team_wide, members).as_json()


def forget_before(conversation: Conversation, user_id: int) -> None:
    """Let a release give the conversation back without this person. Does not save."""
    if before := conversation.audience_before:
        kept = [one for one in before["users"] if one != user_id]
        conversation.audience_before = {**before, "users": kept}


def give_to(
    conversation: Conversation, owner: User, *, source: str, now: datetime, keep: Iterable[int] = ()
) -> list[int]:
    """Make `owner` the owner and end every other member; return whose part ended.

    Watchers stay; the people in `keep` become watchers. Changes the conversation without saving it.
    """
    parts = current_parts(conversation)
    remember_before(conversation, parts)
    keepers = set(keep)
    ended = [
        part for part in parts if part.user_id == owner.pk or part.role != Participant.Role.WATCHER
    ]
    Participant.objects.filter(pk__in=[part.pk for part in ended]).update(ended_at=now)
    new = [_part(conversation, owner.pk, Participant.Role.OWNER, source, now)]
    new += [
        _part(conversation, user_id, Participant.Role.WATCHER, source, now)
        for user_id in keepers - {owner.pk}
    ]
    Participant.objects.bulk_create(new)
    conversation.owner, conversation.owned_since = owner, now
    conversation.is_team_wide = False
    rules_are_done(conversation)
    return [part.user_id for part in ended if part.user_id != owner.pk]


def give_back(conversation: Conversation, *, now: datetime) -> bool:
    """Take the conversation from its owner and restore whom it belonged to before.

    People who are no longer eligible are left out; if nobody remains, the team has it, and False is
    returned: rules are to be asked anew. Changes the conversation without saving it.
    """
    before = conversation.audience_before or {"team": True, "users": []}
    end_parts(conversation, now=now, roles=[Participant.Role.OWNER, Participant.Role.MEMBER])
    eligible = [
        user_id
        for user_id in before["users"]
        if is_eligible(user_id, conversation.inbox_id, now=now, by_name=True)
    ]
    watching = Participant.objects.filter(conversation=conversation, ended_at=None)
    watching.filter(user__in=eligible).update(ended_at=now)
    Participant.objects.bulk_create(
        _part(conversation, user_id, Participant.Role.MEMBER, Participant.Source.TEAM, now)
        for user_id in eligible
    )
    conversation.owner = conversation.owned_since = None
    conversation.is_team_wide = bool(before["team"]) or not eligible
    conversation.audience_before = None
    conversation.returns_at = conversation.return_inbox = None
    return bool(before["team"] or eligible)


def add_members(
    conversation: Conversation,
    user_ids: Iterable[int],
    *,
    source: str,
    now: datetime,
    parts: Iterable[Participant] | None = None,
) -> None:
    """Let these people take part as members, beside everybody who does; a watcher becomes one.

    `parts` are the audience's rows, where they were just read.
    """
    wanted = list(dict.fromkeys(user_ids))
    parts = current_parts(conversation) if parts is None else parts
    parts = [part for part in parts if part.user_id in wanted]
    watching = [part.pk for part in parts if part.role == Participant.Role.WATCHER]
    if watching:
        Participant.objects.filter(pk__in=watching).update(ended_at=now)
    there = {part.user_id for part in parts if part.pk not in watching}
    new = [
        _part(conversation, user_id, Participant.Role.MEMBER, source, now)
        for user_id in wanted
        if user_id not in there
    ]
    if len(new) == 1:
        insert_row(new[0])
    else:
        Participant.objects.bulk_create(new)


def give_to_many(
    conversation: Conversation, user_ids: Iterable[int], *, source: str, now: datetime
) -> None:
    """Let exactly these people have it, owned by nobody; with no people, the whole team.

    Watchers stay. Changes the conversation without saving it.
    """
    wanted = list(user_ids)
    end_parts(conversation, now=now, roles=[Participant.Role.OWNER, Participant.Role.MEMBER])
    add_members(conversation, wanted, source=source, now=now)
    conversation.last_owner = conversation.owner or conversation.last_owner
    conversation.owner = conversation.owned_since = None
    conversation.is_team_wide = not wanted
    rules_are_done(conversation)
    conversation.audience_before = None
    conversation.returns_at = conversation.return_inbox = None


def end_parts(
    conversation: Conversation,
    *,
    now: datetime,
    roles: Iterable[str] = tuple(Participant.Role),
    by_close: bool = False,
) -> list[Participant]:
    """End the audience's rows of these roles; return them as they were."""
    parts = [part for part in current_parts(conversation) if part.role in set(roles)]
    Participant.objects.filter(pk__in=[part.pk for part in parts]).update(
        ended_at=now, is_ended_by_close=by_close
    )
    return parts


def is_eligible(user_id: int, inbox_id: int, *, now: datetime, by_name: bool = False) -> bool:
    """Say whether a person can work in an inbox: active, licensed, and a member (or named)."""
    if not is_licensed(user_id, now=now):
        return False
    membership = Membership.objects.filter(user=user_id, team=inbox_id).first()
    if membership is None:
        return by_name
    return membership.role != Membership.Role.OBSERVER


def _part(
    conversation: Conversation, user_id: int, role: str, source: str, now: datetime
) -> Participant:
    return Participant(
        account_id=conversation.account_id,
        conversation=conversation,
        user_id=user_id,
        role=role,
        source=source,
        started_at=now,
    )
