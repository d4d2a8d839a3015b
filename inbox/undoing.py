"""How does a person take back what they have just done: a take-over, a close, a priority? Exactly.

The line that the act wrote into the timeline holds how the conversation was before; its id is what
an undo names. Only who acted may undo, for two minutes, and only while nobody has acted since.
Whoever lost sight by their own act may still take it back: nothing of the conversation is told to
them before they have it again.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.models import User
from inbox.abilities import Ability
from inbox.access import readers_of
from inbox.broadcast import announce
from inbox.closing import UNDO_TIME, close_again, restore_close
from inbox.conversations import locked_conversation, require
from inbox.marking import restore_priority
from inbox.models import Conversation, ConversationEvent, Message
from inbox.refusals import ChangedMeanwhileError, NotAllowedError
from inbox.snapshots import restore
from inbox.story import Story

_Verb = ConversationEvent.Verb
# What can be taken back, and what somebody must be able to do once it is: the same again.
_AGAIN = {
    _Verb.CLAIMED: Ability.CLAIM,
    _Verb.RELEASED: Ability.RELEASE,
    _Verb.TRANSFERRED: Ability.TRANSFER,
    _Verb.MOVED: Ability.TRANSFER,
    _Verb.TAKEN_OVER: Ability.TAKE_OVER,
    _Verb.CLOSED: Ability.CLOSE,
    _Verb.REOPENED: Ability.REOPEN,
    _Verb.PRIORITY: Ability.TAG,
}


def act_of(by: Viewer, public_id: str, act_id: str) -> ConversationEvent:
    """Find an act of this person's own that can be taken back in principle, or raise Http404."""
    act = (
        _acts(by)
        .filter(conversation__public_id=public_id, public_id=act_id)
        .select_related("conversation__inbox")
        .first()
    )
    if act is None:
        raise Http404("No such act.")
    return act


def last_act_on(
    by: Viewer, conversation: Conversation, *, now: datetime
) -> ConversationEvent | None:
    """Return what this person did last to a conversation, while it can be taken back."""
    fresh = _acts(by).filter(conversation=conversation, at__gte=now - UNDO_TIME)
    return fresh.select_related("conversation").order_by("-pk").first()


def acts_on(
    by: Viewer, public_ids: Iterable[str], *, now: datetime
) -> dict[str, ConversationEvent]:
    """Return what this person did last to each of these conversations, by their public ids."""
    fresh = _acts(by).filter(conversation__public_id__in=list(public_ids), at__gte=now - UNDO_TIME)
    found = fresh.select_related("conversation__inbox").order_by("pk")
    return {act.conversation.public_id: act for act in found}


def _acts(by: Viewer) -> QuerySet[ConversationEvent]:
    mine = ConversationEvent.objects.filter(
        account=by.account_id or 0, actor=by.user_id, verb__in=_AGAIN, data__has_key="undo"
    )
    return mine if by.may_see and not by.is_support else mine.none()


def undo_act(*, act: ConversationEvent, by: Viewer, user: User, now: datetime) -> Conversation:
    """Take back an act of one's own: owner, audience, state, inbox and timers are as before it.

    The same undo twice changes nothing more. Raises ChangedMeanwhileError when two minutes are
    over or somebody acted or wrote since, NotEligibleError when who had it can have it no more,
    NotAllowedError when the person could not do it again.
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(act.conversation)
        if _is_undone(row, act):
            return row
        _check(row, act, by, user, now=now)
        story = Story(now=now, actor=user)
        if act.verb == _Verb.CLOSED:
            restore_close(row, act, story)
        elif act.verb == _Verb.REOPENED:
            close_again(row, act, story)
        elif act.verb == _Verb.PRIORITY:
            restore_priority(row, act, story)
        else:
            _take_back(row, act, story)
        require(_AGAIN[_Verb(act.verb)], by, row)
        announce(story.announcements(), now=now)
    return row


def _is_undone(row: Conversation, act: ConversationEvent) -> bool:
    undone = ConversationEvent.objects.filter(
        conversation=row, pk__gt=act.pk, data__of=act.public_id
    )
    return undone.exists()


def _check(
    row: Conversation, act: ConversationEvent, by: Viewer, user: User, *, now: datetime
) -> None:
    if not by.may_see or act.actor_id != user.pk:
        raise NotAllowedError
    if now - act.at > UNDO_TIME:
        raise ChangedMeanwhileError(_("This can be taken back for two minutes only."))
    if row.version != act.data["version"] or _somebody_wrote(row, act):
        raise ChangedMeanwhileError(
            _("Something happened in this conversation since: this can no longer be taken back.")
        )


def _somebody_wrote(row: Conversation, act: ConversationEvent) -> bool:
    """Say whether a person of ours has written since; what a customer writes takes nothing back."""
    since = Message.objects.filter(thread=row.thread_id, seq__gt=act.after_seq)
    return since.filter(author__isnull=False, created_at__gte=act.at).exists()


def _take_back(row: Conversation, act: ConversationEvent, story: Story) -> None:
    before, inbox = readers_of(row, now=story.now), row.inbox
    restore(row, act.data["undo"], now=story.now)
    left = frozenset(before - readers_of(row, now=story.now))
    story.record(row, _Verb.UNDONE, did=act.verb, of=act.public_id)
    if row.inbox_id == inbox.pk:
        story.conversation_updated(row, "status", "owner", left=left)
    else:
        story.conversation_moved(row, source=inbox, left=left)
