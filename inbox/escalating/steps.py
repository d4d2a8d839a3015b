"""What does a step do? Rows, what other timers make of it, one line in the timeline, events."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.prepared import write_fields
from inbox.access import readers_of
from inbox.audience import add_members, current_parts, give_back, give_to, give_to_many
from inbox.escalating.whom import Look, find_helpers
from inbox.models import Conversation, ConversationEvent, EscalationTimer, Participant, TeamInbox
from inbox.rerouting import ask_rules
from inbox.rulebooks import rules_for
from inbox.story import Story
from inbox.timers import follow_claim, follow_unowned
from routing import escalation
from routing.escalation import Do, Step, When
from routing.facts import Trigger
from routing.policy_words import length_words

LABEL = "Escalation"
_BY_US = Participant.Source.ESCALATION
# All that a step may change of a conversation, and a look of a timer.
_OF_CONVERSATION = (
    *("version", "priority", "inbox", "escalation", "owner", "owned_since", "last_owner"),
    *("is_team_wide", "audience_before", "returns_at", "return_inbox", "tags"),
    *("routing", "routing_trigger", "route_at", "due_at"),
)
_OF_TIMER = (
    *("due_at", "warn_at", "next_at", "warned_at", "fired_at", "obsolete_at", "obsolete_reason"),
    *("ask_at", "attempts", "problem"),
)


@dataclass(frozen=True)
class Done:
    """What a step did: in which words, who is told of it, and what changed by it."""

    did: str
    to: str = ""
    told: Collection[int] = ()
    changed: tuple[str, ...] = ("escalation",)
    left_inbox: TeamInbox | None = None


def keep(timer: EscalationTimer, value: escalation.Timer) -> None:
    """Write what a look made of a timer."""
    timer.take(value)
    write_fields(timer, *_OF_TIMER)


def fire(
    row: Conversation, timer: EscalationTimer, value: escalation.Timer, story: Story, look: Look
) -> None:
    """Let a step act on a locked conversation, whose row says when the next one is due."""
    takes_away = value.step.do in (Do.MOVE, Do.RELEASE)
    before = readers_of(row, now=story.now) if takes_away else set()
    had_owner = row.owner_id
    keep(timer, replace(value, fired_at=story.now))
    done = _DOERS[value.step.do](row, value.step, look)
    write_row(row, had_owner, story)
    left = frozenset(before - readers_of(row, now=story.now) if takes_away else ())
    tell(row, value, done, why_words(value.step), story)
    if done.left_inbox:
        story.conversation_moved(row, source=done.left_inbox, left=left)
    else:
        story.conversation_updated(row, *done.changed, left=left)


def write_row(row: Conversation, had_owner: int | None, story: Story) -> None:
    """Write what a step changed of a conversation, and let other timers follow its owner."""
    row.version += 1
    write_fields(row, *_OF_CONVERSATION)
    if row.owner_id != had_owner:
        follow = follow_claim if row.owner_id else follow_unowned
        follow(row, now=story.now)


def tell(
    row: Conversation,
    value: escalation.Timer,
    done: Done,
    reason: str,
    story: Story,
    *,
    skipped: Sequence[str] = (),
) -> None:
    """Write a step's line in the timeline; whom it told is alerted by that."""
    more: dict[str, Any] = {"skipped": list(skipped)} if skipped else {}
    story.record(
        row,
        ConversationEvent.Verb.ESCALATED,
        label=LABEL,
        step=value.number,
        did=done.did,
        to=done.to,
        told=sorted(done.told),
        reason=reason,
        **more,
    )


def why_words(step: Step) -> str:
    """Say in words why a step acted."""
    words = {
        When.UNCLAIMED: _("nobody claimed it for %(time)s"),
        When.OWNER_SILENT: _("its owner did not answer for %(time)s"),
        When.ANY_UNANSWERED: _("no answer for %(time)s"),
    }
    return words[step.when] % {"time": length_words(step.after, step.clock)}


def _add(row: Conversation, step: Step, look: Look) -> Done:
    """Let more people take part; nobody loses the conversation by it."""
    found = find_helpers(row, step, look)
    if found is None:
        return _nobody(row, look)
    helpers = found.helpers
    if helpers.rung.team == row.inbox_id and row.owner_id is None:
        row.is_team_wide = True
    else:
        add_members(row, helpers.users, source=_BY_US, now=look.now, parts=found.parts)
    return Done("add", found.names, helpers.users, ("audience",))


def _move(row: Conversation, step: Step, look: Look) -> Done:
    """Give it to one person, who owns it then; or to several, or to a team, who may claim it."""
    found = find_helpers(row, step, look)
    if found is None:
        return _nobody(row, look)
    helpers, now = found.helpers, look.now
    source, team = row.inbox, helpers.rung.team
    if len(helpers.rung.users) == 1:
        previous = row.owner
        give_to(row, User.objects.get(pk=helpers.users[0]), source=_BY_US, now=now)
        row.last_owner, row.returns_at = previous or row.last_owner, None
        return Done("move", found.names, helpers.users, ("owner",))
    target = TeamInbox.objects.filter(pk=team, account=row.account_id, is_on=True).first()
    give_to_many(row, () if target else helpers.users, source=_BY_US, now=now)
    if target is None or target.pk == source.pk:
        return Done("move", found.names, helpers.users, ("owner", "audience"))
    row.inbox, row.escalation = target, None
    if rules_for(target, now=now).asked:
        ask_rules(row, Trigger.TRANSFERRED, now=now)
    return Done("move", target.name, helpers.users, left_inbox=source)


def _release(row: Conversation, step: Step, look: Look) -> Done:
    """Let the whole team have it, beside those who had it before its owner took it."""
    if row.owner_id is not None:
        row.last_owner = row.owner
        if not give_back(row, now=look.now) and rules_for(row.inbox, now=look.now).asked:
            ask_rules(row, Trigger.NEW, now=look.now)
    elif row.is_team_wide:
        return _nobody(row, look)
    # A rule may have given it to few, who are as silent as their owner was.
    row.is_team_wide = True
    told = {part.user_id for part in current_parts(row)}
    told.update(look.members([row.inbox_id])[row.inbox_id])
    return Done("release", told=told, changed=("owner", "audience"))


def _notify(row: Conversation, step: Step, look: Look) -> Done:
    """Tell the supervisors."""
    return Done("notify", told=look.supervisors(row))


def _set_priority(row: Conversation, step: Step, look: Look) -> Done:
    row.take_priority(step.priority)
    return Done("priority", row.get_priority_display(), changed=("priority",))


def _nobody(row: Conversation, look: Look) -> Done:
    """At the end of a ladder stand the supervisors."""
    return Done("nobody", told=look.supervisors(row))


# What asks a Data Action is done elsewhere, see `asking`.
_DOERS: Mapping[Do, Callable[[Conversation, Step, Look], Done]] = {
    Do.ADD: _add,
    Do.MOVE: _move,
    Do.RELEASE: _release,
    Do.NOTIFY: _notify,
    Do.PRIORITY: _set_priority,
}
