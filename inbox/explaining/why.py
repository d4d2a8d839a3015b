"""Why is a conversation where it is? What was kept of each decision about it, in words.

A rule that is deleted since is still named, and so is the version that was asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.models import Team, User
from inbox.explaining.told import (
    TRIGGERS,
    ReplyTold,
    RuleTold,
    deeds_told,
    people_in,
    replies_told,
    rules_told,
)
from inbox.models import Conversation, Message, Participant, RoutingTrace
from routing.deciding import DEFAULT
from routing.facts import Trigger
from routing.models import RulebookVersion
from routing.sentences import Names

MOST = 20
_HAVE_IT = (Participant.Role.OWNER, Participant.Role.MEMBER)


@dataclass(frozen=True)
class LookupTold:
    """Who was asked, when, for how long, and why they said nothing, if so."""

    name: str
    at: datetime | None
    took_ms: int
    is_cached: bool
    failure: str
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """One decision. `rules` are those that were asked, `decided` is what they came to, in words."""

    at: datetime
    occasion: str
    decided: str
    versions: tuple[str, ...]
    rules: tuple[RuleTold, ...]
    lookups: tuple[LookupTold, ...]
    replies: tuple[ReplyTold, ...]
    why_silent: str
    deeds: tuple[str, ...]
    took_ms: float
    message: str = ""
    seq: int | None = None
    message_id: str = ""


def reasons_of(conversation: Conversation, *, most: int = MOST) -> tuple[Reason, ...]:
    """Return the decisions about a conversation, the newest first, in four queries.

    Its reader must be allowed to read the conversation: words of the customer are in it.
    """
    traces = list(
        RoutingTrace.objects.filter(conversation=conversation)
        .select_related("version__rulebook", "always_first__rulebook", "message")
        .order_by("-id")[:most]
    )
    names = _names(conversation.account_id, traces)
    return tuple(_reason(trace, names) for trace in traces)


def people_now(conversation: Conversation) -> tuple[str, ...]:
    """Name those who have a conversation now, beside supervisors; none if the whole team has it."""
    parts = Participant.objects.filter(
        conversation=conversation, ended_at=None, role__in=_HAVE_IT
    ).order_by("started_at", "pk")
    return tuple(parts.values_list("user__name", flat=True))


def _names(account: int, traces: Iterable[RoutingTrace]) -> Names:
    people: set[int] = set()
    for trace in traces:
        people |= people_in(trace.rules)
        people.update(trace.plan.get("assignment", {}).get("people", ()))
        people.update(trace.plan.get("notify", ()))
    rows = User.objects.filter(account=account, pk__in=people).values_list("pk", "name")
    teams = Team.objects.filter(account=account).values_list("pk", "name")
    return Names(dict(rows), dict(teams))


def _said(message: Message) -> str:
    """Return the words of a message, or that they are gone."""
    return str(_("Text removed")) if message.forgotten_for else message.body


def _reason(trace: RoutingTrace, names: Names) -> Reason:
    message = trace.message
    return Reason(
        at=trace.at,
        occasion=str(TRIGGERS.get(Trigger(trace.trigger), trace.trigger)),
        decided=_decided(trace, names),
        versions=tuple(_versions(trace)),
        rules=rules_told(trace.rules, names),
        lookups=tuple(_lookup(name, one) for name, one in trace.lookups.items()),
        replies=replies_told(trace.replies.get("considered", ())),
        why_silent=trace.replies.get("why_silent", ""),
        deeds=tuple(deeds_told(trace.plan, names)),
        took_ms=trace.took_us / 1000,
        message=_said(message) if message else "",
        seq=message.seq if message else None,
        message_id=message.public_id if message else "",
    )


def _decided(trace: RoutingTrace, names: Names) -> str:
    if trace.rule == DEFAULT:
        return _("No rule took it: the whole team gets it.")
    told = {"rule": _rule_name(trace), "who": _who(trace.plan, names)}
    if trace.has_nobody:
        words = _("“%(rule)s” took it, and nobody it names was able: the whole team gets it.")
    elif trace.plan.get("assignment", {}).get("is_owner"):
        words = _("“%(rule)s” made %(who)s its owner.")
    else:
        words = _("“%(rule)s” gave it to %(who)s.")
    return words % told


def _rule_name(trace: RoutingTrace) -> str:
    """Name the rule as it was called then."""
    named = (one["name"] for one in trace.rules if one["rule"] == trace.rule)
    return next(named, trace.rule)


def _who(plan: Mapping[str, Any], names: Names) -> str:
    who = plan.get("assignment", {})
    people = who.get("people") or ()
    if who.get("is_team_wide") or not people:
        return _("the whole team")
    return names.of_people(people)


def _versions(trace: RoutingTrace) -> Iterable[str]:
    if trace.always_first:
        yield _version(trace.always_first)
    if trace.version:
        yield _version(trace.version)


def _version(version: RulebookVersion) -> str:
    told = {"rules": version.rulebook.name, "number": version.number}
    return _("%(rules)s, version %(number)s") % told


def _lookup(name: str, one: Mapping[str, Any]) -> LookupTold:
    return LookupTold(
        name,
        parse_datetime(one.get("at", "")),
        int(one.get("took_ms", 0)),
        bool(one.get("cached")),
        str(one.get("failure", "")),
        tuple(one.get("skipped", ())),
    )
