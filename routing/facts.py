"""What may a rule know? Everything a decision depends on, gathered before, changed by nobody.

The list of behaviour 9. Nothing here asks anything of a database, a clock or the network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from routing.hours import Calendar

Value = str | int | float | bool | None | tuple[str, ...]


class Trigger(StrEnum):
    """What made rules run. An owned or routed conversation is not routed again by a message."""

    NEW = "new"
    REOPENED = "reopened"
    TRANSFERRED = "transferred"


@dataclass(frozen=True)
class Text:
    """What the customer wrote, and in which language we believe it is."""

    body: str = ""
    language: str = ""
    confidence: float = 0.0
    media_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Customer:
    """Who wrote. `number` is E.164, or blank on WhatsApp without one; `zone` blank if unknown."""

    number: str = ""
    country: str = ""
    region: str = ""
    zone: str = ""
    name: str = ""
    language: str = ""
    tags: frozenset[str] = frozenset()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    consent: str = ""
    owner: int | None = None
    last_owner: int | None = None
    last_wrote_at: datetime | None = None
    is_first_ever: bool = True


@dataclass(frozen=True)
class Answer:
    """What a CRM or a Data Action said; `failure` says why it said nothing.

    The fields of a Data Action are those of its verdict (behaviour 9): `users` and `teams` as ids
    or e-mail addresses, `claim`, `tags`, `priority`, `reply`, `is_silent`, `bot_name`, `note`,
    `close`, `escalation`.
    """

    fields: Mapping[str, Value] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True)
class Facts:
    """One inbound message and its circumstances.

    `seed` is the message's id: chance falls the same way in every replay. `answers` holds what
    look-ups said, by name; one that is missing was not asked yet.
    """

    seed: str
    trigger: Trigger = Trigger.NEW
    text: Text = field(default_factory=Text)
    customer: Customer = field(default_factory=Customer)
    channel: str = "sms"
    sender: str = ""
    calendar: Calendar = field(default_factory=Calendar.always)
    conversation_tags: frozenset[str] = frozenset()
    priority: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """Somebody who may get a conversation. `open_count` counts what they own in open."""

    id: int
    name: str
    email: str = ""
    is_active: bool = True
    is_licensed: bool = True
    is_available: bool = True
    open_count: int = 0
    cap: int | None = None


@dataclass(frozen=True)
class Directory:
    """Who is there: the people of the account by id, who is in which team, and whose turn it was.

    `team` is the inbox's own; `turns` says for each round-robin step who had the last turn.
    """

    people: Mapping[int, Person] = field(default_factory=dict)
    team: int = 0
    members: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
