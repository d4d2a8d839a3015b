"""Where does a message go, and what is answered? Facts in, plan out; nothing else is touched."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from routing.replies import History, Said, why_silent


class FirstReply(StrEnum):
    """When the first-message reply greets."""

    OFF = "off"
    EVER = "ever"
    PER_CONVERSATION = "per_conversation"


@dataclass(frozen=True)
class Facts:
    """What a decision about one inbound message may depend on."""

    is_first_ever: bool
    is_new_conversation: bool
    is_repliable: bool
    is_own_sender: bool
    is_echo_of_ours: bool
    received_at: datetime
    recent_auto_replies: tuple[datetime, ...] = ()
    last_auto_text: str = ""
    bursts: bool = False
    is_reconciled: bool = False


@dataclass(frozen=True)
class Replies:
    """The texts an inbox may answer with by itself."""

    first_reply: FirstReply = FirstReply.OFF
    first_reply_text: str = ""


@dataclass(frozen=True)
class Plan:
    """What is to happen: who sees it (the whole team here) and what is said."""

    is_team_wide: bool = True
    auto_reply: str = ""
    auto_reply_kind: str = ""
    why_silent: str = ""


def decide(facts: Facts, replies: Replies, *, now: datetime) -> Plan:
    """Decide who sees a message and whether it is answered by itself (behaviour 5 and 6)."""
    if not _wants_first_reply(facts, replies):
        return Plan()
    body = facts.last_auto_text if facts.is_echo_of_ours else ""
    reason = why_silent(_history(facts), replies.first_reply_text, body=body, now=now)
    if reason:
        return Plan(why_silent=reason)
    return Plan(auto_reply=replies.first_reply_text, auto_reply_kind="first_message")


def _history(facts: Facts) -> History:
    """Return what guards ask for; a burst and an echo were found by who gathered the facts."""
    return History(
        conversation="",
        triggered_at=facts.received_at,
        inbound=(facts.received_at,) if facts.bursts else (),
        said=tuple(Said(at, facts.last_auto_text) for at in facts.recent_auto_replies),
        is_repliable=facts.is_repliable,
        is_own_sender=facts.is_own_sender,
        is_reconciled=facts.is_reconciled,
    )


def _wants_first_reply(facts: Facts, replies: Replies) -> bool:
    if not replies.first_reply_text.strip():
        return False
    if replies.first_reply is FirstReply.EVER:
        return facts.is_first_ever
    return replies.first_reply is FirstReply.PER_CONVERSATION and facts.is_new_conversation
