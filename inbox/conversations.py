"""What can people do with a conversation? Claim, release, transfer, take over, snooze, note.

Each story locks the conversation, asks `abilities`, changes rows, writes one timeline line, and
announces. How one ends is told in `inbox.closing`. Contract: behaviour 1 and 3.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.access import Viewer, granted, licensed
from accounts.english import noop
from accounts.models import Feature, Membership, User
from inbox.abilities import Ability, abilities_of, part_of
from inbox.access import readers_of
from inbox.audience import (
    current_parts,
    end_parts,
    forget_before,
    give_back,
    give_to,
    is_eligible,
)
from inbox.broadcast import announce, publish_ephemeral, user_group
from inbox.canned import count_uses
from inbox.directory import stays_with_owner
from inbox.drafts import Place, Save, end_draft
from inbox.mentions import Named, mention, mentioned_in
from inbox.models import (
    Conversation,
    ConversationEvent,
    Draft,
    Message,
    Participant,
    ReadCursor,
    TeamInbox,
    Thread,
)
from inbox.models.message import MENTION_NAMES, MENTIONED
from inbox.previews import set_preview
from inbox.refusals import (
    ChangedMeanwhileError,
    ClaimedByOtherError,
    ClosedError,
    MissingInputError,
    NotAllowedError,
    NotEligibleError,
    UnavailableTargetError,
    UnseenBySnoozerError,
    UsedIdError,
)
from inbox.rerouting import ask_rules, rules_are_done
from inbox.rulebooks import rules_for
from inbox.snapshots import snapshot
from inbox.story import Story
from inbox.timers import follow_claim, replan_wait, resume_timers, start_over, suspend_timers
from routing.facts import Trigger

NOTE_LIMIT = 10_000
LONGEST_LANGUAGE = 12
# A sweep starts every few seconds: what is left, the next one does.
RELEASED_AT_ONCE = 500
_Verb = ConversationEvent.Verb


def locked_conversation(conversation: Conversation) -> Conversation:
    """Fetch the conversation again, locked until the transaction ends, with what stories need."""
    # The lock first, and alone: a row that changed while we waited for its lock is joined to the
    # owner and inbox it had before.
    Conversation.objects.select_for_update(no_key=True).only("pk").get(pk=conversation.pk)
    return Conversation.objects.select_related(
        "inbox__hours", "inbox__account", "owner", "last_owner", "thread__sender", "contact"
    ).get(pk=conversation.pk)


def require(ability: Ability, viewer: Viewer, conversation: Conversation) -> None:
    """Check that `viewer` may do this now.

    Raises ClaimedByOtherError when somebody else has it, ClosedError when it is closed,
    NotAllowedError otherwise.
    """
    if ability in abilities_of(viewer, conversation, part_of(viewer, conversation)):
        return
    owner = conversation.owner
    if owner and owner.pk != viewer.user_id:
        raise ClaimedByOtherError(owner.name, conversation.owned_since)
    if conversation.is_closed:
        raise ClosedError
    raise NotAllowedError


def claim_conversation(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    now: datetime,
    version: int | None = None,
) -> Conversation:
    """Make `user` the owner; everybody else but watchers and supervisors is out of it.

    Exactly one of many simultaneous claims wins. Claiming what one owns already changes nothing.
    Raises ClaimedByOtherError naming the winner, ChangedMeanwhileError if `version` is old.
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        if row.owner_id == user.pk:
            return row
        require(Ability.CLAIM, by, row)
        if version is not None and row.version != version:
            raise ChangedMeanwhileError
        story = Story(now=now, actor=user)
        take_ownership(row, user, story, undo=snapshot(row))
        announce(story.announcements(), now=now)
    return row


def take_ownership(
    row: Conversation, user: User, story: Story, *, undo: dict[str, Any] | None = None
) -> None:
    """Let `user` own a locked conversation by claim: rows, timeline, events.

    `undo` is how it was before, where the claim can be taken back.
    """
    before = readers_of(row, now=story.now)
    was_team_wide = row.is_team_wide
    ended = give_to(row, user, source=Participant.Source.CLAIM, now=story.now)
    row.version += 1
    row.save()
    follow_claim(row, now=story.now)
    left = frozenset(before - readers_of(row, now=story.now))
    facts: dict[str, Any] = {"was_team_wide": was_team_wide, "ended": ended, "left": sorted(left)}
    story.record(row, _Verb.CLAIMED, **facts, **_undoable(row, undo))
    story.conversation_updated(row, "owner", left=left)


def _undoable(row: Conversation, undo: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a line of the timeline keeps so that its act can be taken back."""
    return {"undo": undo, "version": row.version} if undo else {}


def release_conversation(
    *, conversation: Conversation, by: Viewer, user: User, now: datetime
) -> Conversation:
    """Give the conversation back to exactly those who had it before it was claimed.

    Raises NotAllowedError unless `user` owns it.
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.RELEASE, by, row)
        story = Story(now=now, actor=user)
        give_back_to_team(row, _Verb.RELEASED, story, undo=snapshot(row))
        announce(story.announcements(), now=now)
    return row


def give_back_to_team(
    row: Conversation, verb: str, story: Story, *, undo: dict[str, Any] | None = None, **data: Any
) -> None:
    """Take a locked conversation from its owner: whom it belonged to before has it again."""
    before = readers_of(row, now=story.now)
    row.last_owner = row.owner
    if not give_back(row, now=story.now) and rules_for(row.inbox, now=story.now).asked:
        ask_rules(row, Trigger.NEW, now=story.now)
    row.version += 1
    row.save()
    start_over(row, now=story.now)
    left = frozenset(before - readers_of(row, now=story.now))
    story.record(row, verb, is_team_wide=row.is_team_wide, **data, **_undoable(row, undo))
    story.conversation_updated(row, "owner", left=left)


def release_all_of(*, user: User, reason: str, now: datetime) -> int:
    """Release every conversation of a person who lost their licence or access, one by one.

    Returns how many.
    """
    owned = Conversation.objects.live().filter(owner=user)
    return sum(_release_from(conversation, user.pk, reason, now=now) for conversation in owned)


def leave_inbox(*, user: User, reason: str, now: datetime, inbox_id: int) -> int:
    """Take a person who left its team out of an inbox, one conversation after the other.

    What they own goes back to those who had it before, without them; where they take part beside
    others, or would get it back by a release, they do not any more. Returns how many they owned.
    """
    theirs = Participant.objects.filter(conversation=OuterRef("pk"), user=user, ended_at=None)
    had_it_before = Q(audience_before__users__contains=[user.pk])
    rows = Conversation.objects.live().filter(
        Q(owner=user) | Exists(theirs) | had_it_before, inbox=inbox_id
    )
    number = sum(_leave(row, user, reason, now=now) for row in rows.order_by("pk"))
    of_closed = Participant.objects.filter(user=user, conversation__inbox=inbox_id)
    of_closed.filter(is_ended_by_close=True).update(is_ended_by_close=False)
    return number


def _leave(conversation: Conversation, user: User, reason: str, *, now: datetime) -> bool:
    with transaction.atomic(durable=True):
        row, story = locked_conversation(conversation), Story(now=now)
        forget_before(row, user.pk)
        is_owner = row.owner_id == user.pk
        if is_owner:
            give_back_to_team(row, _Verb.RELEASED, story, reason=reason)
        else:
            _take_out(row, user, reason, story)
        announce(story.announcements(), now=now)
    return is_owner


def _take_out(row: Conversation, user: User, reason: str, story: Story) -> None:
    """End what somebody who does not own it has of a conversation; the team has what nobody has."""
    before = readers_of(row, now=story.now)
    parts = Participant.objects.filter(conversation=row, user=user, ended_at=None)
    took_part = bool(parts.update(ended_at=story.now))
    has_members = any(part.role == Participant.Role.MEMBER for part in current_parts(row))
    row.is_team_wide = row.is_team_wide or (row.owner_id is None and not has_members)
    row.version += took_part
    row.save()
    if took_part:
        left = frozenset(before - readers_of(row, now=story.now))
        story.record(row, _Verb.RELEASED, did="left", name=user.name, reason=reason)
        story.conversation_updated(row, "audience", left=left)


def release_ineligible(*, now: datetime) -> int:
    """Release what is owned by people who can no longer work there.

    A licence, pool or grant that simply expires has nobody who acts on it, and an act may be cut
    off half-way: this finds them all. Whom a rule or an escalation named may belong to no team. A
    suspended account keeps its owners.
    """
    owned = Conversation.objects.live().filter(owner__isnull=False)
    members = Membership.objects.filter(user=OuterRef("owner"), team=OuterRef("inbox"))
    named = Participant.objects.filter(
        conversation=OuterRef("pk"), user=OuterRef("owner"), source__in=Participant.NAMED
    )
    can_work = (
        Exists(licensed(now=now).filter(pk=OuterRef("owner")))
        & (
            Exists(members.exclude(role=Membership.Role.OBSERVER))
            | (Exists(named) & ~Exists(members))
        )
        & Exists(granted(Feature.TEAM_INBOX, now=now).filter(account=OuterRef("account")))
    )
    lost = owned.exclude(can_work).order_by("pk")
    reason = noop("can no longer work in this inbox")
    return sum(
        _release_from(conversation, conversation.owner_id, reason, now=now)
        for conversation in lost[:RELEASED_AT_ONCE]
        if conversation.owner_id
    )


def _release_from(conversation: Conversation, owner_id: int, reason: str, *, now: datetime) -> int:
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        if row.owner_id != owner_id:
            return 0
        story = Story(now=now)
        give_back_to_team(row, _Verb.RELEASED, story, reason=reason)
        announce(story.announcements(), now=now)
    return 1


def transfer_to_user(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    to: User,
    now: datetime,
    note: str = "",
    confirmed: bool = False,
) -> Conversation:
    """Give the conversation to one person, at once.

    If they do not answer within the inbox's hand-over time it goes back to the team. Raises
    NotEligibleError if they cannot work here, UnavailableTargetError if they are away and that was
    not confirmed, MissingInputError if it is a take-over in disguise, or without a note where the
    inbox wants one.
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.TRANSFER, by, row)
        _require_note(row, note)
        _check_target(row, user, to, now=now, confirmed=confirmed)
        story, undo = Story(now=now, actor=user), snapshot(row)
        before = readers_of(row, now=now)
        ended = give_to(row, to, source=Participant.Source.MANUAL, now=now)
        minutes = row.inbox.handover_minutes
        row.returns_at = now + timedelta(minutes=minutes) if minutes and to != user else None
        row.version += 1
        row.save()
        start_over(row, now=now)
        left = frozenset(before - readers_of(row, now=now))
        facts: dict[str, Any] = {"to": to.name, "to_id": to.pk, "ended": ended, "note": note[:500]}
        story.record(row, _Verb.TRANSFERRED, **facts, **_undoable(row, undo))
        story.conversation_updated(row, "owner", left=left)
        announce(story.announcements(), now=now)
    return row


def _require_note(row: Conversation, note: str) -> None:
    if row.inbox.is_transfer_note_required and not note.strip():
        raise MissingInputError(noop("Write a note for whoever gets it: your inbox asks for one."))


def _check_target(
    row: Conversation, user: User, to: User, *, now: datetime, confirmed: bool
) -> None:
    if row.owner_id == to.pk:
        raise ClaimedByOtherError(to.name, row.owned_since)
    if row.owner_id is not None and to.pk == user.pk:
        # A take-over asks for a reason and leaves the previous owner reading (behaviour 1).
        raise MissingInputError(
            noop("Take it over instead of transferring it to yourself, and say why.")
        )
    if to.account_id != row.account_id or not is_eligible(to.pk, row.inbox_id, now=now):
        raise NotEligibleError(
            noop("%(name)s cannot work in this inbox: they need a licence and a place in the team.")
            % {"name": to.name}
        )
    if to.availability != User.Availability.AVAILABLE and not confirmed:
        raise UnavailableTargetError(noop("%(name)s is away. Transfer anyway?") % {"name": to.name})


def transfer_to_inbox(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    to: TeamInbox,
    now: datetime,
    note: str = "",
) -> Conversation:
    """Give the conversation to another team. The customer goes on seeing the same number.

    Raises NotEligibleError for an inbox that is none, MissingInputError for the one where it is, or
    without a note where its inbox wants one.
    """
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.TRANSFER, by, row)
        _require_note(row, note)
        if to.account_id != row.account_id or not to.is_on:
            raise NotEligibleError(noop("There is no such inbox."))
        if to.pk == row.inbox_id:
            raise MissingInputError(noop("The conversation is in that inbox already."))
        story, undo = Story(now=now, actor=user), snapshot(row)
        source, before = row.inbox, readers_of(row, now=now)
        end_parts(row, now=now)
        row.last_owner = row.owner or row.last_owner
        row.owner = row.owned_since = row.audience_before = row.returns_at = None
        row.is_team_wide, row.inbox = True, to
        rules_are_done(row)
        if rules_for(to, now=now).asked:
            ask_rules(row, Trigger.TRANSFERRED, now=now)
        row.version += 1
        row.save()
        replan_wait(row, now=now)
        left = frozenset(before - readers_of(row, now=now))
        facts: dict[str, Any] = {"source": source.name, "target": to.name, "note": note[:500]}
        story.record(row, _Verb.MOVED, **facts, **_undoable(row, undo))
        story.conversation_moved(row, source=source, left=left)
        announce(story.announcements(), now=now)
    return row


def take_over(
    *, conversation: Conversation, by: Viewer, user: User, reason: str, now: datetime
) -> Conversation:
    """Take a conversation from its owner, as a supervisor, for a reason.

    The previous owner keeps reading until it is closed.
    """
    if not reason.strip():
        raise MissingInputError(noop("Say why you take it over."))
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.TAKE_OVER, by, row)
        story, undo = Story(now=now, actor=user), snapshot(row)
        before = readers_of(row, now=now)
        previous = row.owner
        keep = [previous.pk] if previous else []
        give_to(row, user, source=Participant.Source.MANUAL, now=now, keep=keep)
        row.last_owner, row.returns_at = previous, None
        row.version += 1
        row.save()
        start_over(row, now=now)
        left = frozenset(before - readers_of(row, now=now))
        name = previous.name if previous else ""
        story.record(
            row,
            _Verb.TAKEN_OVER,
            previous=name,
            previous_id=row.last_owner_id,
            reason=reason.strip()[:500],
            **_undoable(row, undo),
        )
        story.conversation_updated(row, "owner", left=left)
        announce(story.announcements(), now=now)
    return row


def snooze_conversation(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    until: datetime | None,
    now: datetime,
    last_seen_seq: int | None = None,
) -> Conversation:
    """Put a conversation aside until a moment, or until the customer writes (`until` None).

    Raises UnseenBySnoozerError if the customer wrote after `last_seen_seq`, where that is told.
    """
    if until is not None and until <= now:
        raise MissingInputError(noop("Choose a time in the future."))
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.SNOOZE, by, row)
        if last_seen_seq is not None and row.thread.last_inbound_seq > last_seen_seq:
            raise UnseenBySnoozerError(last_seen_seq + 1)
        story = Story(now=now, actor=user)
        row.status, row.snoozed_until = Conversation.Status.SNOOZED, until
        row.snoozed_at = now
        row.version += 1
        row.save()
        suspend_timers(row, now=now)
        story.record(row, _Verb.SNOOZED, until=until.isoformat() if until else None)
        story.conversation_updated(row, "status")
        announce(story.announcements(), now=now)
    return row


def wake_conversation(
    *, conversation: Conversation, by: Viewer, user: User, now: datetime
) -> Conversation:
    """End a snooze by hand. Where there is none (any more), nothing changes."""
    with transaction.atomic(durable=True):
        row = locked_conversation(conversation)
        require(Ability.SNOOZE, by, row)
        if row.status != Conversation.Status.SNOOZED:
            return row
        story = Story(now=now, actor=user)
        wake_row(row, story)
        announce(story.announcements(), now=now)
    return row


def wake_row(row: Conversation, story: Story, *, label: str = "", **data: Any) -> None:
    """End the snooze of a locked conversation: rows, timeline, events."""
    row.status, row.snoozed_until = Conversation.Status.OPEN, None
    row.last_activity_at = story.now
    row.version += 1
    row.save()
    resume_timers(row, now=story.now)
    story.record(row, _Verb.WOKEN, label=label, **data)
    story.conversation_updated(row, "status")


def leave_owner(row: Conversation, *, now: datetime) -> None:
    """Take a locked conversation from an owner who cannot have it now. Does not save.

    It goes back to whom it belonged to; if that is only its owner, to whom rules name now.
    """
    row.last_owner, left = row.owner, row.owner_id
    was_somebodys = give_back(row, now=now)
    others = [part for part in current_parts(row) if part.user_id != left]
    if not was_somebodys or not (row.is_team_wide or others):
        row.is_team_wide = True
        if rules_for(row.inbox, now=now).asked:
            ask_rules(row, Trigger.NEW, now=now)
    start_over(row, now=now)


def wake_due(*, now: datetime) -> int:
    """Wake conversations whose snooze is over; one transaction each."""
    due = Conversation.objects.filter(
        status=Conversation.Status.SNOOZED, snoozed_until__lte=now
    ).order_by("snoozed_until")[:200]
    return each_due(due, _wake_if_due, now=now)


def _wake_if_due(row: Conversation, story: Story) -> bool:
    is_due = row.status == Conversation.Status.SNOOZED and (
        row.snoozed_until is not None and row.snoozed_until <= story.now
    )
    if is_due and row.owner and not stays_with_owner(row, now=story.now):
        _wake_for_others(row, row.owner, story)
    elif is_due:
        wake_row(row, story, label="Snooze", did="over")
    return is_due


def _wake_for_others(row: Conversation, owner: User, story: Story) -> None:
    """End the snooze of what its owner cannot have now: it is given back."""
    before = readers_of(row, now=story.now)
    leave_owner(row, now=story.now)
    wake_row(row, story, label="Snooze", did="handed", owner=owner.name)
    left = frozenset(before - readers_of(row, now=story.now))
    story.conversation_updated(row, "owner", left=left)


def return_due(*, now: datetime) -> int:
    """Give transfers that nobody answered back to whom they came from."""
    due = Conversation.objects.filter(returns_at__lte=now).order_by("returns_at")[:200]
    return each_due(due, _return_if_due, now=now)


def _return_if_due(row: Conversation, story: Story) -> bool:
    if row.is_closed or row.returns_at is None or row.returns_at > story.now:
        return False
    give_back_to_team(row, _Verb.RETURNED, story, owner=row.owner.name if row.owner else "")
    return True


def each_due(
    due: Iterable[Conversation], act: Callable[[Conversation, Story], bool], *, now: datetime
) -> int:
    """Run `act` for each row under its lock, in its own transaction; count what was done."""
    done = 0
    for conversation in due:
        with transaction.atomic(durable=True):
            story = Story(now=now)
            done += act(locked_conversation(conversation), story)
            announce(story.announcements(), now=now)
    return done


def add_note(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    body: str,
    client_id: str,
    now: datetime,
    canned: Sequence[str] = (),
    draft: Save | None = None,
) -> Message:
    """Write an internal note. It is never sent, claims nothing and ends nobody's waiting.

    Whom it mentions takes part from now on. `canned` are the ids of canned replies that it was made
    of: their use is counted. With `draft` the author's draft ends with it. Raises
    MentionRefusedError naming who may not be mentioned.
    """
    words = body.strip()
    if not words:
        raise MissingInputError(noop("The note is empty."))
    if len(words) > NOTE_LIMIT:
        raise MissingInputError(
            noop("The note is longer than %(note_limit)s characters.") % {"note_limit": NOTE_LIMIT}
        )
    with transaction.atomic(durable=True):
        thread = Thread.objects.select_for_update(no_key=True).get(pk=conversation.thread_id)
        known = known_message(thread, client_id, kind=Message.Kind.NOTE, author=user, body=words)
        if known:
            return known
        row = locked_conversation(conversation)
        require(Ability.NOTE, by, row)
        named = mentioned_in(words, row, me=user.pk, now=now)
        told = sorted({person for one in named for person in one.people})
        story = Story(now=now, actor=user)
        message = append_outbound(
            thread,
            row,
            body=words,
            kind=Message.Kind.NOTE,
            status=Message.Status.NOTE,
            author=user,
            client_id=client_id,
            details=_mentions(named, told),
            now=now,
        )
        set_preview(row, message)
        is_seen_by_more = bool(mention(row, told, seq=message.seq, now=now)) if told else False
        row.version += is_seen_by_more
        row.save()
        story.message_created(row, message, notify=bool(told))
        if is_seen_by_more:
            story.conversation_updated(row, "audience")
        if draft:
            place = Place(row.account_id, user.pk, row.pk)
            end_draft(place, Draft.Mode.NOTE, save=draft, now=now)
        announce(story.announcements(), now=now)
        count_uses(canned, row, me=user.pk, now=now)
    return message


def _mentions(named: Sequence[Named], told: Sequence[int]) -> dict[str, Any]:
    if not told:
        return {}
    return {MENTIONED: list(told), MENTION_NAMES: sorted({one.name for one in named})}


def known_message(
    thread: Thread, client_id: str, *, kind: str, author: User, body: str
) -> Message | None:
    """Return the message that the same request made before, if it did.

    Raises UsedIdError when that id was given to something else: other words, kind or author.
    """
    known = Message.objects.filter(thread=thread, client_id=client_id).first()
    if known and (known.kind, known.author_id, known.body) != (kind, author.pk, body):
        raise UsedIdError
    return known


def append_outbound(
    thread: Thread,
    conversation: Conversation | None,
    *,
    body: str,
    kind: str,
    status: str,
    now: datetime,
    **fields: Any,
) -> Message:
    """Store a message of ours with the next number of its thread, which must be locked."""
    thread.last_seq += 1
    thread.save(update_fields=["last_seq"])
    author = fields.get("author")
    label = fields.pop("author_label", "") or (author.name if isinstance(author, User) else "")
    return Message.objects.create(
        account_id=thread.account_id,
        thread=thread,
        conversation=conversation,
        seq=thread.last_seq,
        direction=Message.Direction.OUT,
        body=body,
        kind=kind,
        status=status,
        created_at=now,
        author_label=label,
        **fields,
    )


def mark_read(*, conversation: Conversation, by: Viewer, seq: int) -> int:
    """Move this person's cursor forward to a message; return where it is now."""
    return move_cursor(conversation=conversation, by=by, seq=seq, is_read=True).seq


def mark_unread(*, conversation: Conversation, by: Viewer) -> int:
    """Move this person's cursor, and nobody else's, to before the customer's last message."""
    return move_cursor(conversation=conversation, by=by, is_read=False).seq


class Moved(NamedTuple):
    """Where a cursor is now, and whether the customer's words became read or unread by that."""

    seq: int
    is_changed: bool


def move_cursor(*, conversation: Conversation, by: Viewer, is_read: bool, seq: int = 0) -> Moved:
    """Move this person's cursor forward to a message, or before the customer's last one."""
    _refuse_support(by)
    last = conversation.last_inbound_seq
    goal = min(seq, conversation.thread.last_seq) if is_read else max(last - 1, 0)
    cursor, is_new = ReadCursor.objects.get_or_create(
        user_id=by.user_id, conversation=conversation, defaults={"seq": goal}
    )
    was = 0 if is_new else cursor.seq
    if is_read and not is_new and was < goal:
        ReadCursor.objects.filter(pk=cursor.pk, seq__lt=goal).update(seq=goal)
    elif not is_read and was != goal:
        ReadCursor.objects.filter(pk=cursor.pk).update(seq=goal)
    now = max(was, goal) if is_read else goal
    _tell_own_tabs(conversation, by, now)
    return Moved(now, (was >= last) != (now >= last))


def _refuse_support(by: Viewer) -> None:
    # The pages let nobody get here who is in the account for support; this holds for others too.
    if by.is_support:
        raise NotAllowedError


def _tell_own_tabs(conversation: Conversation, by: Viewer, seq: int) -> None:
    data = {"conversation": conversation.public_id, "last_read_seq": seq}
    publish_ephemeral(
        [user_group(by.user_id)],
        {"inbox": str(conversation.inbox.public_id), "type": "read", "data": data},
    )


def participants_of(conversation: Conversation) -> list[Participant]:
    """Return the audience's current rows (for pages that show who is in it)."""
    return current_parts(conversation)
