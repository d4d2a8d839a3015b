"""What does a plan do to a conversation? Rows, timeline and events, under its lock."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from accounts.models import Membership, User
from accounts.prepared import write_fields
from inbox.access import readers_of
from inbox.audience import current_parts, give_to, give_to_many
from inbox.closing import close_row
from inbox.contacts import apply_attributes
from inbox.conversations import append_outbound
from inbox.models import Conversation, ConversationEvent, Message, Participant, Thread
from inbox.rerouting import ask_rules_later, rules_are_done
from inbox.story import Story
from inbox.timers import follow_claim, suspend_timers, use_policy
from routing.deciding import DEFAULT, Plan
from routing.facts import Trigger
from routing.marks import with_tags
from routing.models import EscalationPolicy

LABEL = "Rules"
_Verb = ConversationEvent.Verb
_BY_RULE = Participant.Source.RULE


def apply_plan(plan: Plan, row: Conversation, trigger: Trigger, story: Story) -> None:
    """Give a locked conversation to whom a plan names, with tags, a priority and a policy."""
    is_fresh = story.began(row)
    before = set[int]() if is_fresh else readers_of(row, now=story.now)
    was_kept_back = row.routing == Conversation.Routing.ASKING and not row.is_team_wide
    people = _assign(plan, row, story)
    row.tags = list(with_tags(row.tags, plan.tags).all)
    row.take_priority(plan.priority)
    if plan.has_nobody:
        ask_rules_later(row, trigger, now=story.now)
    row.version += 0 if is_fresh else 1
    write_fields(row)
    if row.owner_id is not None:
        follow_claim(row, now=story.now)
    _choose_policy(plan, row, story)
    # Who could not be told when the message came is told now.
    told = {*people, *plan.notify} if people or not was_kept_back else _members(row)
    _record(plan, row, people, told, story)
    if not is_fresh:
        left = frozenset(before - readers_of(row, now=story.now))
        story.conversation_updated(row, "owner", "audience", "tags", "priority", left=left)


def _assign(plan: Plan, row: Conversation, story: Story) -> dict[int, str]:
    """Write whose it is; return the names of those who were given it, by id."""
    rules_are_done(row)
    wanted = plan.assignment.people
    people = {one.pk: one for one in User.objects.filter(pk__in=wanted)} if wanted else {}
    chosen = [people[pk] for pk in wanted if pk in people]
    if not chosen:
        row.is_team_wide = True
    elif plan.assignment.is_owner:
        give_to(row, chosen[0], source=_BY_RULE, now=story.now)
    else:
        everybody = [one.pk for one in chosen] + _helpers(row)
        give_to_many(row, everybody, source=_BY_RULE, now=story.now)
    return {one.pk: one.name for one in chosen}


def _helpers(row: Conversation) -> list[int]:
    """Return whom an escalation added meanwhile: they stay."""
    return [
        part.user_id
        for part in current_parts(row)
        if part.role == Participant.Role.MEMBER and part.source == Participant.Source.ESCALATION
    ]


def _choose_policy(plan: Plan, row: Conversation, story: Story) -> None:
    if not plan.escalation:
        return
    policies = EscalationPolicy.objects.filter(account=row.account_id)
    policy = policies.filter(name__iexact=plan.escalation).first()
    if policy and policy.pk != row.escalation_id:
        use_policy(row, policy, now=story.now)
        write_fields(row, "escalation")


def keep_attributes(plan: Plan, row: Conversation, story: Story) -> tuple[str, ...]:
    """Keep what a Data Action knows of the contact; return in words what cannot be kept.

    The thread must be locked.
    """
    if not plan.attributes:
        return ()
    name = _name_of(plan)
    kept = apply_attributes(
        row.thread.contact, plan.attributes, source=f"{LABEL}: {name}", now=story.now
    )
    row.contact = row.thread.contact
    if kept.changed:
        story.contact_updated(row, "attributes")
    return kept.left_out


def _name_of(plan: Plan) -> str:
    return next((asked.name for asked in plan.trace if asked.rule == plan.rule), "")


def _members(row: Conversation) -> set[int]:
    rows = Membership.objects.filter(team=row.inbox_id).exclude(role=Membership.Role.OBSERVER)
    return set(rows.values_list("user_id", flat=True))


def _record(
    plan: Plan, row: Conversation, people: Mapping[int, str], told: Collection[int], story: Story
) -> None:
    """Write a line in the timeline, unless the whole team simply has it."""
    if plan.rule == DEFAULT and not (plan.tags or plan.priority):
        return
    story.record(
        row,
        _Verb.ROUTED,
        label=LABEL,
        rule=plan.rule,
        name=_name_of(plan),
        to=", ".join(people.values()),
        told=sorted(told),
        is_owner=plan.assignment.is_owner,
        has_nobody=plan.has_nobody,
        tags=list(plan.tags),
        priority=plan.priority,
    )


def write_notes(plan: Plan, thread: Thread, row: Conversation, story: Story) -> None:
    """Write the notes of a plan into the thread, which must be locked."""
    for words in plan.notes:
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


def put_away(plan: Plan, row: Conversation, story: Story) -> None:
    """Close or snooze a conversation where a plan says so; its reply is on its way by then."""
    if plan.is_closing:
        close_row(row, story, label=LABEL)
    elif plan.snooze_minutes:
        until = story.now + timedelta(minutes=plan.snooze_minutes)
        row.status, row.snoozed_until = Conversation.Status.SNOOZED, until
        row.snoozed_at = story.now
        row.version += 1
        write_fields(row)
        suspend_timers(row, now=story.now)
        story.record(row, _Verb.SNOOZED, label=LABEL, until=until.isoformat())
        story.conversation_updated(row, "status")
