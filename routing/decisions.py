"""Where does a message go, and what is answered? Facts in, plan out; nothing else is touched."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

AUTO_REPLY_FRESHNESS = timedelta(minutes=15)
AUTO_REPLY_GAP = timedelta(seconds=60)
AUTO_REPLY_DAY_CAP = 3


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
    reason = why_silent(facts, replies.first_reply_text, now=now)
    if reason:
        return Plan(why_silent=reason)
    return Plan(auto_reply=replies.first_reply_text, auto_reply_kind="first_message")


def why_silent(facts: Facts, text: str, *, now: datetime) -> str:
    """Name the guard that forbids an automatic answer, or return blank."""
    recent_day = [at for at in facts.recent_auto_replies if now - at < timedelta(hours=24)]
    guards = {
        "sender cannot receive replies": not facts.is_repliable,
        "message came from one of our own numbers": facts.is_own_sender,
        "message echoes our own text": facts.is_echo_of_ours,
        "message was found late in the carrier's list": facts.is_reconciled,
        "message is not fresh": now - facts.received_at > AUTO_REPLY_FRESHNESS,
        "part of a burst": facts.bursts,
        "answered by itself a minute ago": any(now - at < AUTO_REPLY_GAP for at in recent_day),
        "answered by itself three times today": len(recent_day) >= AUTO_REPLY_DAY_CAP,
        "would repeat the same text": bool(text) and text == facts.last_auto_text,
    }
    return next((name for name, holds in guards.items() if holds), "")


def _wants_first_reply(facts: Facts, replies: Replies) -> bool:
    if not replies.first_reply_text.strip():
        return False
    if replies.first_reply is FirstReply.EVER:
        return facts.is_first_ever
    return replies.first_reply is FirstReply.PER_CONVERSATION and facts.is_new_conversation
