"""How was a conversation before an act? What an undo puts back: who had it, its state, its timers.

A snapshot is plain JSON and lies with the act's line in the timeline. The conversation must be
locked by whoever calls.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from accounts.models import Membership, User
from inbox.audience import current_parts, is_eligible
from inbox.models import Conversation, EscalationTimer, Participant, TeamInbox
from inbox.refusals import NotEligibleError
from inbox.timers import follow_claim, follow_unowned, refresh_due

_PLAIN = (
    "status",
    "owner_id",
    "last_owner_id",
    "inbox_id",
    "return_inbox_id",
    "escalation_id",
    "is_team_wide",
    "audience_before",
    "routing",
    "routing_trigger",
    "answer_seq",
)
_MOMENTS = (
    *("owned_since", "snoozed_until", "snoozed_at", "returns_at", "route_at"),
    *("promised_at", "promise_told_at"),
)
# What a timer's row has of its own, and does not share with one that takes its place.
_ROW = ("id", "account_id", "conversation_id")
_KEPT = [one for one in EscalationTimer._meta.concrete_fields if one.attname not in _ROW]
_WORKING = (Participant.Role.OWNER, Participant.Role.MEMBER)
# Whom these bring may work in a conversation without belonging to its inbox's team.
_NAMED = (Participant.Source.RULE, Participant.Source.ESCALATION)


def snapshot(row: Conversation) -> dict[str, Any]:
    """Return how a locked conversation is now, as JSON that `restore` reads."""
    moments = {name: getattr(row, name) for name in _MOMENTS}
    return {
        **{name: getattr(row, name) for name in _PLAIN},
        **{name: at.isoformat() if at else None for name, at in moments.items()},
        "wait": [row.wait_generation, row.waiting_since.isoformat() if row.waiting_since else None],
        "parts": [
            [part.user_id, part.role, part.source, part.mentioned_seq]
            for part in current_parts(row)
        ],
        "timers": [_written(timer) for timer in _timers(row)],
    }


def restore(row: Conversation, kept: dict[str, Any], *, now: datetime) -> None:
    """Make a locked conversation as it was: who has it, its state, its inbox, its timers. Saves it.

    Who can no longer work there is left out. Raises NotEligibleError where that would change whom
    it belongs to: its owner is gone, or all who had it are, or its inbox is off.
    """
    row.inbox = TeamInbox.objects.select_related("hours").get(pk=kept["inbox_id"])
    _replace_parts(row, returning(row, kept, now=now), now=now)
    for name in _PLAIN:
        setattr(row, name, kept[name])
    for name in _MOMENTS:
        setattr(row, name, datetime.fromisoformat(kept[name]) if kept.get(name) else None)
    row.audience_before = without_strangers(row, kept["audience_before"])
    row.version += 1
    row.save()
    row.refresh_from_db(fields=["owner", "last_owner"])
    _restore_timers(row, kept, now=now)


def returning(row: Conversation, kept: dict[str, Any], *, now: datetime) -> list[Participant]:
    """Return who took part and can do so again, in rows that are not saved.

    `kept` has their `parts`, and the `owner_id` and `is_team_wide` of the conversation as it was;
    `row` has the inbox where they would. Raises NotEligibleError as `restore` does.
    """
    parts = [Participant(**_part(row, *one, now=now)) for one in kept["parts"]]
    able = [one for one in parts if may_return(one, row.inbox, now=now)]
    _refuse_wider(kept, parts, able, row.inbox)
    return able


def _part(
    row: Conversation,
    user_id: int,
    role: str,
    source: str,
    seq: int | None = None,
    *,
    now: datetime,
) -> dict[str, Any]:
    return {
        "account_id": row.account_id,
        "conversation": row,
        "user_id": user_id,
        "role": role,
        "source": source,
        "mentioned_seq": seq,
        "started_at": now,
    }


def may_return(part: Participant, inbox: TeamInbox, *, now: datetime) -> bool:
    """Say whether who took part may again: to work one must be able to, to watch be somebody."""
    if part.role in _WORKING:
        by_name = part.source in _NAMED or _was_named(part)
        return is_eligible(part.user_id, inbox.pk, now=now, by_name=by_name)
    return User.objects.filter(pk=part.user_id, account=inbox.account_id, is_active=True).exists()


def _was_named(part: Participant) -> bool:
    """Say whether somebody was named for it, though they took it themselves later."""
    rows = Participant.objects.filter(conversation=part.conversation_id, user=part.user_id)
    return rows.filter(source__in=_NAMED).exists()


def _refuse_wider(
    kept: dict[str, Any], parts: list[Participant], able: list[Participant], inbox: TeamInbox
) -> None:
    if not inbox.is_on:
        raise NotEligibleError("The inbox that it was in is switched off.")
    worked = [part for part in parts if part.role in _WORKING]
    works = [part for part in able if part.role in _WORKING]
    has_owner = any(part.role == Participant.Role.OWNER for part in works)
    is_lost = kept["owner_id"] is not None and not has_owner
    # With nobody left the team would have it: more people than before.
    if is_lost or (worked and not works and not kept["is_team_wide"]):
        raise NotEligibleError("Who had it before can no longer work in this inbox.")


def _replace_parts(row: Conversation, wanted: Iterable[Participant], *, now: datetime) -> None:
    """End who takes part now and was not part of it, begin who was and is not."""
    current = {(part.user_id, part.role): part for part in current_parts(row)}
    keys = {(part.user_id, part.role) for part in wanted}
    ended = [part.pk for key, part in current.items() if key not in keys]
    Participant.objects.filter(pk__in=ended).update(ended_at=now)
    Participant.objects.bulk_create(
        part for part in wanted if (part.user_id, part.role) not in current
    )


def without_strangers(row: Conversation, before: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return whom a release gives it back to, without who has left the inbox meanwhile."""
    if before is None:
        return None
    here = set(
        Membership.objects.filter(team=row.inbox_id, user__in=before["users"]).values_list(
            "user_id", flat=True
        )
    )
    named = Participant.objects.filter(
        conversation=row, user__in=before["users"], source__in=_NAMED
    )
    here |= set(named.values_list("user_id", flat=True))
    return {**before, "users": [one for one in before["users"] if one in here]}


# --- Timers ---


def _timers(row: Conversation) -> list[EscalationTimer]:
    """Return the timers of the wait that goes on; none, and no question, while nobody waits."""
    if row.waiting_since is None:
        return []
    wait = EscalationTimer.objects.filter(
        conversation=row, wait_generation=row.wait_generation
    ).order_by("step")
    return list(wait)


def _written(timer: EscalationTimer) -> dict[str, Any]:
    return {
        one.attname: None if one.value_from_object(timer) is None else one.value_to_string(timer)
        for one in _KEPT
    }


def _restore_timers(row: Conversation, kept: dict[str, Any], *, now: datetime) -> None:
    """Let the same wait have the timers it had; a wait that began since only learns who has it."""
    since = row.waiting_since.isoformat() if row.waiting_since else None
    if kept["wait"] != [row.wait_generation, since]:
        follow = follow_claim if row.owner_id else follow_unowned
        follow(row, now=now)
        return
    if row.waiting_since is None:
        return
    EscalationTimer.objects.filter(conversation=row, wait_generation=row.wait_generation).delete()
    EscalationTimer.objects.bulk_create(_read(row, one) for one in kept["timers"])
    refresh_due(row)


def _read(row: Conversation, written: dict[str, Any]) -> EscalationTimer:
    values = {
        one.attname: None if written[one.attname] is None else one.to_python(written[one.attname])
        for one in _KEPT
    }
    return EscalationTimer(account_id=row.account_id, conversation=row, **values)
