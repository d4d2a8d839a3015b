"""Which objects may this person have? Fetch through here, or answer 404.

`visible_to` (on the conversation query set) and `audience_of` are two faces of one rule: who may
read a conversation. The first answers for one person over many rows, the second for one row over
many people.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from accounts.access import Viewer, entitled
from accounts.models import Membership
from accounts.prepared import OneOf, Prepared
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    Message,
    Participant,
    TeamInbox,
)
from inbox.models.conversation import ConversationQuerySet
from inbox.muting import round_muted_by

Found = TypeVar("Found")
# What pages and stories need of a conversation.
_WITH = (
    *("inbox__account__segment_price", "owner", "contact"),
    *("thread__sender__account", "thread__address"),
)


# What else is open with the same customer, whoever sees it.
_LIVE_BESIDE = (
    Conversation.objects.live()
    .filter(contact=OuterRef("contact"), inbox__is_on=True)
    .exclude(pk=OuterRef("pk"))
)


class HandledByOtherError(Exception):
    """The reader had sight of the conversation and lost it: somebody else has it now.

    `owner` is blank when nobody may be named.
    """

    def __init__(self, owner: str, since: datetime | None) -> None:
        super().__init__(owner)
        self.owner, self.since = owner, since


@dataclass(frozen=True)
class Audience:
    """Who hears about a conversation: the whole team, or the people named (and supervisors).

    For somebody who leaves a conversation's inbox with it there is an audience of nobody, and for
    what happens in an inbox that is switched off.
    """

    is_team: bool
    user_ids: frozenset[int] = frozenset()
    is_nobody: bool = False

    def as_json(self) -> dict[str, object]:
        """Return the form that is stored with an event."""
        if self.is_team:
            return {"team": True, "users": sorted(self.user_ids)}
        return {"users": sorted(self.user_ids)}


NOBODY = Audience(is_team=False, is_nobody=True)


_TAKES_PART = Prepared(
    lambda conversation: Participant.objects.filter(
        ended_at=None, conversation=conversation
    ).values_list("user_id", flat=True)
)
_HAD_AT_CLOSE = Prepared(
    lambda conversation: Participant.objects.filter(
        Q(ended_at=None) | Q(is_ended_by_close=True), conversation=conversation
    ).values_list("user_id", flat=True)
)


def audience_of(conversation: Conversation) -> Audience:
    """Say who may hear about a conversation now, in one query."""
    parts = _HAD_AT_CLOSE if conversation.is_closed else _TAKES_PART
    return _audience(conversation, parts.all(conversation=conversation.pk))


def audiences_of(conversations: Iterable[Conversation]) -> dict[int, Audience]:
    """Say who may hear about each of these conversations (by id) now, in one query.

    Their inboxes must have been loaded with them.
    """
    found = {conversation.pk: conversation for conversation in conversations}
    people: dict[int, set[int]] = {pk: set() for pk in found}
    parts = Participant.objects.filter(
        Q(ended_at=None)
        | Q(is_ended_by_close=True, conversation__status=Conversation.Status.CLOSED),
        conversation__in=list(found),
    )
    for conversation_id, user_id in parts.values_list("conversation_id", "user_id"):
        people[conversation_id].add(user_id)
    return {pk: _audience(conversation, people[pk]) for pk, conversation in found.items()}


def _audience(conversation: Conversation, takes_part: Iterable[int]) -> Audience:
    if not conversation.inbox.is_on:
        return NOBODY
    if conversation.is_hidden:
        return Audience(is_team=False)
    return Audience(is_team=_is_for_team(conversation), user_ids=frozenset(takes_part))


def is_reader(viewer: Viewer, conversation: Conversation, audience: Audience) -> bool:
    """Say whether one person may read a conversation whose audience is known."""
    is_of_account = viewer.may_see and viewer.account_id == conversation.account_id
    if audience.is_nobody or not is_of_account:
        return False
    inbox_id = conversation.inbox_id
    is_by_team = audience.is_team and viewer.is_member_of(inbox_id)
    reads_all = inbox_id in viewer.reads_all_of
    return reads_all or is_by_team or viewer.user_id in audience.user_ids


def _is_for_team(conversation: Conversation) -> bool:
    if conversation.is_closed:
        inbox = conversation.inbox
        is_found_by_team = inbox.closed_visibility == TeamInbox.ClosedVisibility.TEAM
        return is_found_by_team or conversation.was_team_wide_at_close
    return conversation.is_team_wide or conversation.inbox.is_read_only_after_claim


def readers_of(conversation: Conversation, *, now: datetime) -> set[int]:
    """Return the ids of everybody who may read the conversation now, supervisors included."""
    audience = audience_of(conversation)
    if audience.is_nobody:
        return set()
    team = conversation.inbox_id
    return set(
        _READERS.all(
            account=conversation.account_id,
            named=sorted(audience.user_ids),
            team=team,
            whole_team=team if audience.is_team else None,
            now=now,
        )
    )


def _readers(
    account: Any, named: Any, team: Any, whole_team: Any, now: Any
) -> "QuerySet[Any, int]":
    by_team = Membership.objects.filter(
        Q(role=Membership.Role.SUPERVISOR) | Q(team=whole_team), user=OuterRef("pk"), team=team
    )
    people = entitled(now=now).filter(Q(OneOf("pk", named)) | Exists(by_team), account=account)
    return people.values_list("pk", flat=True)


_READERS = Prepared(_readers)


class Seen(Generic[Found]):
    """A prepared query over what a person may read.

    `ask` gets those conversations, and by name the values that are given when it is asked: `me` is
    the reader, the others are the query's own.
    """

    def __init__(self, ask: Callable[..., "QuerySet[Any, Found]"]) -> None:
        self._prepared = Prepared(
            lambda me, account, member_of, supervises, **given: ask(
                Conversation.objects.visible_to(_anybody(me, account, member_of, supervises)),
                me=me,
                **given,
            )
        )

    def all(self, viewer: Viewer, **values: object) -> list[Found]:
        """Ask for this person; who may see nothing gets nothing."""
        if not viewer.may_see:
            return []
        return self._prepared.all(
            me=viewer.user_id,
            account=viewer.account_id,
            member_of=sorted(viewer.member_of),
            supervises=sorted(viewer.reads_all_of),
            **values,
        )


def _anybody(me: Any, account: Any, member_of: Any, supervises: Any) -> Viewer:
    return Viewer(me, account, "", True, True, member_of, supervises, frozenset())


def conversations_of(viewer: Viewer) -> ConversationQuerySet:
    """Return every conversation this person may read."""
    return Conversation.objects.visible_to(viewer)


def contacts_of(viewer: Viewer) -> "QuerySet[Contact]":
    """Return every contact this person may see: those of conversations they may read.

    Who administers the account sees all of its contacts, and of their conversations no others.
    """
    if not viewer.may_see:
        return Contact.objects.none()
    rows = Contact.objects.filter(account=viewer.account_id)
    if viewer.is_admin:
        # What became a part of another has no address any more.
        return rows.filter(Exists(ContactAddress.objects.filter(contact=OuterRef("pk"))))
    return rows.filter(Exists(conversations_of(viewer).filter(contact=OuterRef("pk"))))


def get_contact(viewer: Viewer, public_id: str) -> Contact:
    """Fetch one contact for this person, or raise Http404."""
    found = contacts_of(viewer).select_related("owner").filter(public_id=public_id).first()
    if found is None:
        raise Http404("No such contact.")
    return found


def get_conversation(viewer: Viewer, public_id: str) -> Conversation:
    """Fetch one conversation for this person.

    Raises HandledByOtherError when they once had sight of it or belong to its team (they learn who
    has it, nothing else), Http404 otherwise.
    """
    seen = conversations_of(viewer).select_related(*_WITH)
    told = seen.annotate(
        muted_round=round_muted_by(viewer.user_id), has_live_beside=Exists(_LIVE_BESIDE)
    )
    found = told.filter(public_id=public_id).first()
    if found is None:
        _say_who_has_it(viewer, public_id)
        raise Http404("No such conversation.")
    return found


def _say_who_has_it(viewer: Viewer, public_id: str) -> None:
    if not viewer.may_see:
        return
    lost = _of_their_teams(viewer).filter(public_id=public_id).first()
    if lost:
        raise HandledByOtherError(lost.owner.name if lost.owner else "", lost.owned_since)


def _of_their_teams(viewer: Viewer) -> QuerySet[Conversation]:
    """Return those of which this person may learn who has them, and nothing else."""
    return Conversation.objects.filter(
        account=viewer.account_id,
        inbox__in=viewer.member_of,
        inbox__is_on=True,
        is_hidden=False,
    ).select_related("owner")


@dataclass(frozen=True)
class FoundConversations:
    """Of those asked for, by public id: what a person may read, and what their teams have."""

    theirs: Mapping[str, Conversation]
    lost: Mapping[str, Conversation]


def find_conversations(
    viewer: Viewer, inbox: TeamInbox, public_ids: Sequence[str]
) -> FoundConversations:
    """Fetch many conversations of one inbox for this person, in two queries at most.

    What is in neither of the answer's parts is not theirs, or not there: nobody can tell which.
    """
    if not viewer.may_see:
        return FoundConversations({}, {})
    found = conversations_of(viewer).select_related(*_WITH).filter(inbox=inbox)
    theirs = {one.public_id: one for one in found.filter(public_id__in=public_ids)}
    rest = [one for one in public_ids if one not in theirs]
    known = _of_their_teams(viewer).filter(inbox=inbox, public_id__in=rest) if rest else ()
    return FoundConversations(theirs, {one.public_id: one for one in known})


def get_inbox(viewer: Viewer, slug: str) -> TeamInbox:
    """Fetch one inbox of this person by its slug, or raise Http404."""
    return _the_one(inbox for inbox in inboxes_of(viewer) if inbox.slug == slug)


def get_inbox_by_id(viewer: Viewer, public_id: UUID) -> TeamInbox:
    """Fetch one inbox of this person, or one they are a guest in, or raise Http404."""
    return _the_one(inbox for inbox in inboxes_of(viewer) if inbox.public_id == public_id)


def _the_one(found: Iterator[TeamInbox]) -> TeamInbox:
    inbox = next(found, None)
    if inbox is None:
        raise Http404("No such inbox.")
    return inbox


def inboxes_of(viewer: Viewer) -> list[TeamInbox]:
    """Return the inboxes whose lists this person may open: as a member, or as a guest, who takes
    part in a conversation there without being a member, or all of them for support."""
    if not viewer.may_see:
        return []
    return _INBOXES.all(me=viewer.user_id, account=viewer.account_id, teams=teams_of(viewer))


def teams_of(viewer: Viewer) -> list[int]:
    """Return the teams whose inboxes this person may open without being anybody's guest."""
    return sorted(viewer.looks_into or viewer.member_of)


def inboxes_for(me: Any, account: Any, teams: Any) -> QuerySet[TeamInbox]:
    """Write the question of `inboxes_of`; its values may come later."""
    as_guest = Participant.objects.filter(
        user=me, ended_at=None, conversation__inbox=OuterRef("pk")
    )
    # With the account: an inbox without a time zone of its own counts its days in the account's.
    return TeamInbox.objects.select_related("account").filter(
        Q(OneOf("pk", teams)) | Exists(as_guest), account=account, is_on=True
    )


_INBOXES = Prepared(inboxes_for)


def get_message(viewer: Viewer, public_id: str) -> Message:
    """Fetch one message of a conversation this person may read, or raise Http404."""
    message = (
        Message.objects.filter(public_id=public_id, conversation__in=conversations_of(viewer))
        .select_related("conversation__inbox", "thread__sender", "thread__address", "author")
        .first()
    )
    if message is None:
        raise Http404("No such message.")
    return message


def get_attachment(viewer: Viewer, public_id: str) -> Attachment:
    """Fetch one attachment of a message this person may read, or raise Http404."""
    attachment = (
        Attachment.objects.filter(
            public_id=public_id,
            message__conversation__in=conversations_of(viewer),
        )
        .select_related("message")
        .first()
    )
    if attachment is None:
        raise Http404("No such file.")
    return attachment
