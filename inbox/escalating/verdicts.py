"""What does a step do with what a Data Action decided? Each part that can be done, the rest listed.

People and teams are added; with a claim one person gets to own it. Nobody who may not work here, or
is away, gets it: they are passed over, and listed. Where code gave no usable answer, or named only
people who cannot help, the supervisors stand at the end of the ladder.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from accounts.models import User
from inbox.access import readers_of
from inbox.audience import add_members, current_parts, give_to
from inbox.closing import close_row
from inbox.contacts import apply_attributes
from inbox.conversations import append_outbound
from inbox.escalating.steps import LABEL, Done, keep, tell, why_words, write_row
from inbox.escalating.whom import Look
from inbox.lookups.asking import Asked
from inbox.models import Conversation, EscalationTimer, Message, Participant, Thread
from inbox.story import Story
from inbox.timers import next_due_of
from routing import escalation
from routing.deciding import ATTRIBUTE
from routing.facts import Value
from routing.marks import with_tags

MOST_LISTED = 20
MOST_SAID = 3
DATA_ACTION = "data_action"
_BY_US = Participant.Source.ESCALATION


@dataclass
class Outcome:
    """What came of a verdict, in words for the timeline: done, not used, and who is told."""

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    told: set[int] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    is_in_vain: bool = False


def follow_verdict(
    row: Conversation, timer: EscalationTimer, asked: Asked, story: Story, *, thread: Thread
) -> None:
    """Do what customers' code decided for a step of a conversation; both and the thread locked."""
    look, value = Look(story.now), timer.value()
    keep(timer, replace(value, fired_at=story.now))
    row.due_at = next_due_of(row)
    before, had_owner = readers_of(row, now=story.now), row.owner_id
    failure = _failure(asked)
    outcome = (
        Outcome([failure], is_in_vain=True) if failure else _do(row, value, asked, story, look)
    )
    if outcome.is_in_vain:
        outcome.told |= look.supervisors(row)
    write_row(row, had_owner, story)
    done = Done(
        "in_vain" if outcome.is_in_vain else "asked",
        value.step.data_action,
        outcome.told,
        tuple(sorted(outcome.changed)) or ("escalation",),
    )
    tell(row, value, done, _reason(value, outcome), story, skipped=outcome.skipped[:MOST_LISTED])
    left = frozenset(before - readers_of(row, now=story.now))
    story.conversation_updated(row, *done.changed, left=left)
    if not failure:
        _finish(row, asked.answer.fields, thread, story)


def _failure(asked: Asked) -> str:
    if asked.answer.failure:
        return asked.answer.failure
    return "" if asked.kind == DATA_ACTION else _("It is no Data Action.")


def _do(
    row: Conversation, value: escalation.Timer, asked: Asked, story: Story, look: Look
) -> Outcome:
    fields = asked.answer.fields
    outcome = Outcome(skipped=[*asked.skipped, *_unused(fields)])
    outcome.is_in_vain = not _assign(row, fields, outcome, look)
    _label(row, fields, outcome)
    _keep_attributes(row, value.step.data_action, fields, outcome, story)
    return outcome


def _reason(value: escalation.Timer, outcome: Outcome) -> str:
    words = [one.rstrip(".") for one in outcome.done]
    more = len(outcome.skipped) - MOST_SAID
    listed = outcome.skipped[:MOST_SAID]
    listed += [_("%(n)d more") % {"n": more}] if more > 0 else []
    words += [_("not used: %(what)s") % {"what": ", ".join(listed)}] if listed else []
    return "; ".join([*words, why_words(value.step)])


def _unused(fields: Mapping[str, Value]) -> list[str]:
    """List what only rules can use: a step answers nobody, and chooses no policy."""
    unused = {
        "auto_reply": bool(fields.get("reply")) or bool(fields.get("is_silent")),
        "escalation": bool(fields.get("escalation")),
    }
    return [
        f"{name}: a step of an escalation does not use it"
        for name, is_there in unused.items()
        if is_there
    ]


# --- Whom ---


def _assign(row: Conversation, fields: Mapping[str, Value], outcome: Outcome, look: Look) -> bool:
    """Give it to those who were named and can work here; False if there were some, and none can."""
    users, teams = _ids(fields.get("users")), _ids(fields.get("teams"))
    if not users and not teams:
        return True
    members = look.members(teams)
    named = list(dict.fromkeys([*users, *(one for team in teams for one in members[team])]))
    able = look.able(row, named)
    names = _names(user for user in users if user not in able)
    outcome.skipped += [f"{name} cannot help now" for name in names]
    chosen = [user for user in named if user in able]
    if fields.get("claim") and len(chosen) == 1:
        return _own(row, chosen[0], able, outcome, look)
    if fields.get("claim"):
        outcome.skipped.append("claim: only one person can own it")
    return _add(row, chosen, able, outcome, look, is_own_team=row.inbox_id in teams)


def _own(
    row: Conversation, user_id: int, able: Mapping[int, str], outcome: Outcome, look: Look
) -> bool:
    if row.owner_id == user_id:
        outcome.skipped.append(f"{able[user_id]} owns it already")
        return False
    previous = row.owner
    give_to(row, User.objects.get(pk=user_id), source=_BY_US, now=look.now)
    row.last_owner, row.returns_at = previous or row.last_owner, None
    outcome.told.add(user_id)
    outcome.changed.add("owner")
    outcome.done.append(_("it gave this to %(name)s") % {"name": able[user_id]})
    return True


def _add(
    row: Conversation,
    chosen: list[int],
    able: Mapping[int, str],
    outcome: Outcome,
    look: Look,
    *,
    is_own_team: bool,
) -> bool:
    parts = current_parts(row)
    there = {part.user_id for part in parts if part.role != Participant.Role.WATCHER}
    outcome.skipped += [f"{able[one]} takes part already" for one in chosen if one in there]
    new = [user_id for user_id in chosen if user_id not in there]
    if not new:
        return False
    if is_own_team and row.owner_id is None:
        row.is_team_wide = True
    add_members(row, new, source=_BY_US, now=look.now, parts=parts)
    outcome.told.update(new)
    outcome.changed.add("audience")
    named = ", ".join(able[user_id] for user_id in new)
    outcome.done.append(_("it added %(names)s") % {"names": named})
    return True


def _ids(value: Value) -> list[int]:
    return [int(one) for one in value] if isinstance(value, tuple) else []


def _names(user_ids: Iterable[int]) -> list[str]:
    rows = User.objects.filter(pk__in=list(user_ids)).order_by("pk")
    return list(rows.values_list("name", flat=True))


# --- What else ---


def _label(row: Conversation, fields: Mapping[str, Value], outcome: Outcome) -> None:
    """Set tags and priority."""
    tags = fields.get("tags")
    wanted = [str(one) for one in tags] if isinstance(tags, tuple) else []
    found = with_tags(row.tags, wanted)
    outcome.skipped += found.left_out
    if found.added:
        row.tags = list(found.all)
        outcome.changed.add("tags")
        outcome.done.append(_("it tagged this %(tags)s") % {"tags": ", ".join(found.added)})
    priority = str(fields.get("priority") or "").casefold()
    if priority in Conversation.Priority.values:
        row.take_priority(priority)
        outcome.changed.add("priority")
        words = {"priority": row.get_priority_display()}
        outcome.done.append(_("it set the priority to %(priority)s") % words)
    elif priority:
        outcome.skipped.append(f"unknown priority: {priority}")


def _keep_attributes(
    row: Conversation, name: str, fields: Mapping[str, Value], outcome: Outcome, story: Story
) -> None:
    """Keep what it knows of the contact, whose row is locked where there is anything."""
    known = attributes_in(fields)
    if not known:
        return
    found = apply_attributes(row.thread.contact, known, source=f"{LABEL}: {name}", now=story.now)
    row.contact = row.thread.contact
    outcome.skipped += found.left_out
    if found.changed:
        story.contact_updated(row, "attributes")


def attributes_in(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Return what an answer says of the contact, by name."""
    return {
        name.removeprefix(ATTRIBUTE): value
        for name, value in fields.items()
        if name.startswith(ATTRIBUTE)
    }


def _finish(row: Conversation, fields: Mapping[str, Value], thread: Thread, story: Story) -> None:
    """Write its note, and close the conversation if it says so."""
    if words := str(fields.get("note") or ""):
        note = append_outbound(
            thread,
            row,
            body=words,
            kind=Message.Kind.NOTE,
            status=Message.Status.NOTE,
            now=story.now,
            author_label=LABEL,
        )
        story.message_created(row, note)
    if fields.get("close"):
        close_row(row, story, label=LABEL, reason=_("A Data Action closed it"))
