"""What may this person do in this conversation? Buttons and stories ask the same function."""

from enum import StrEnum

from accounts.access import Viewer
from inbox.models import Conversation, Participant, TeamInbox


class Ability(StrEnum):
    """One thing a person can do in a conversation they can read."""

    REPLY = "reply"
    NOTE = "note"
    CLAIM = "claim"
    RELEASE = "release"
    TRANSFER = "transfer"
    TAKE_OVER = "take_over"
    CLOSE = "close"
    REOPEN = "reopen"
    SNOOZE = "snooze"
    TAG = "tag"


def abilities_of(
    viewer: Viewer, conversation: Conversation, part: Participant | None
) -> frozenset[Ability]:
    """Return what `viewer` may do; `part` is their current row in the audience, if they have one.

    Contract: behaviour 1, 3 and 10. A watcher reads and notes; an observer, and who is in the
    account for support, only reads. In an inbox that is switched off nobody does anything.
    """
    if not viewer.may_see or viewer.is_support or not conversation.inbox.is_on:
        return frozenset()
    in_team = viewer.is_member_of(conversation.inbox_id)
    is_observer = conversation.inbox_id in viewer.observes
    is_supervisor = viewer.supervises_team(conversation.inbox_id)
    is_owner = conversation.owner_id == viewer.user_id
    works_here = (in_team and not is_observer) or bool(
        part and part.role != Participant.Role.WATCHER
    )
    if not works_here:
        return frozenset({Ability.NOTE}) if part else frozenset()
    if conversation.is_closed:
        return frozenset({Ability.REPLY, Ability.NOTE, Ability.REOPEN, Ability.TAG})
    if is_owner:
        return frozenset(
            {
                Ability.REPLY,
                Ability.NOTE,
                Ability.RELEASE,
                Ability.TRANSFER,
                Ability.CLOSE,
                Ability.SNOOZE,
                Ability.TAG,
            }
        )
    if conversation.owner_id is not None:
        return _abilities_beside_owner(is_supervisor, part)
    return _abilities_while_unowned(conversation, part, is_supervisor=is_supervisor)


def _abilities_beside_owner(is_supervisor: bool, part: Participant | None) -> frozenset[Ability]:
    if is_supervisor:
        return frozenset(
            {Ability.NOTE, Ability.TAKE_OVER, Ability.TRANSFER, Ability.CLOSE, Ability.TAG}
        )
    if part and part.role == Participant.Role.MEMBER:
        return frozenset({Ability.REPLY, Ability.NOTE, Ability.TAG})
    return frozenset({Ability.NOTE}) if part else frozenset()


def _abilities_while_unowned(
    conversation: Conversation, part: Participant | None, *, is_supervisor: bool
) -> frozenset[Ability]:
    in_audience = (
        is_supervisor
        or conversation.is_team_wide
        or bool(part and part.role != Participant.Role.WATCHER)
    )
    if not in_audience:
        return frozenset({Ability.NOTE}) if part else frozenset()
    allowed = {Ability.NOTE, Ability.TRANSFER, Ability.CLOSE, Ability.SNOOZE, Ability.TAG}
    rule = conversation.inbox.claim_rule
    if rule != TeamInbox.ClaimRule.COLLABORATIVE:
        allowed.add(Ability.CLAIM)
    if rule != TeamInbox.ClaimRule.REQUIRED:
        allowed.add(Ability.REPLY)
    return frozenset(allowed)


def may_begin(viewer: Viewer, inbox: TeamInbox) -> bool:
    """Say whether this person may begin conversations in an inbox: who works in its team, where
    the inbox allows it (contract: decision 2).
    """
    works_here = viewer.is_member_of(inbox.pk) and inbox.pk not in viewer.observes
    is_open = inbox.is_on and inbox.may_start_conversations
    return viewer.may_see and not viewer.is_support and works_here and is_open


def may_remove(viewer: Viewer, conversation: Conversation) -> bool:
    """Say whether this person, who reads a conversation, may take the content out of its messages.

    Its inbox's supervisors and the account's admins may, and nobody who is there for support.
    """
    is_over_it = viewer.supervises_team(conversation.inbox_id) or viewer.is_admin
    return viewer.may_see and not viewer.is_support and conversation.inbox.is_on and is_over_it


def part_of(viewer: Viewer, conversation: Conversation) -> Participant | None:
    """Return the person's current row in the audience, or None."""
    return Participant.objects.filter(
        conversation=conversation, user=viewer.user_id, ended_at=None
    ).first()
