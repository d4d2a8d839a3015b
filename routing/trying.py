"""What would become of a message? Asked of the very functions that answer live; nothing is sent.

A message that somebody types, to try rules or to keep as an example, is a `Typed`; its JSON form is
what examples keep.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from accounts.english import noop
from routing import escalation
from routing.deciding import Plan, decide
from routing.escalation import Policy, Timers, Waiting
from routing.facts import Answer, Customer, Directory, Facts, Person, Text, Trigger, Value
from routing.hours import Calendar
from routing.languages import UNCLEAR, detect
from routing.places import place_of
from routing.replies import History, Replies, Reply, RuleReply, Silence, choose, languages_of
from routing.rules import Rules

NOT_SAID = noop("What it answers is not said here.")
NO_ANSWER_TO_A_TRANSFER = noop("a transfer is not answered")
MOST_TEXT = 1600
MOST_LISTED = 50
LONGEST_WORD = 200
CHANNELS = ("sms", "whatsapp")
MEDIA_KINDS = ("image", "audio", "video", "pdf", "vcard")


class TypedError(ValueError):
    """What was typed is no message; `reason` is fit for a person, `field` says where."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


@dataclass(frozen=True)
class Typed:
    """A message that nobody sent. `at` is aware; `number` and `sender` are E.164, or blank.

    `answers` says what look-ups answer, by name: those that are missing answer nothing. Of the
    people all are there and have nothing to do, but those who are `away`.
    """

    at: datetime
    text: str = ""
    number: str = ""
    name: str = ""
    language: str = ""
    channel: str = "sms"
    sender: str = ""
    trigger: Trigger = Trigger.NEW
    media_kinds: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    conversation_tags: tuple[str, ...] = ()
    is_first_ever: bool = True
    answers: Mapping[str, Answer] = field(default_factory=dict)
    away: tuple[int, ...] = ()


@dataclass(frozen=True)
class Circumstances:
    """What an inbox brings along: its people, hours, replies and policies.

    `policies` are the account's by name without capitals, and under a blank one the inbox's own.
    """

    directory: Directory = field(default_factory=Directory)
    calendar: Calendar = field(default_factory=Calendar.always)
    replies: Replies = field(default_factory=Replies)
    policies: Mapping[str, Policy] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What would become of it. `unasked` names look-ups whose answer was missing."""

    facts: Facts
    at: datetime
    plan: Plan
    said: Reply | Silence
    timers: Timers = ()
    unasked: frozenset[str] = frozenset()


def try_typed(typed: Typed, rules: Rules, place: Circumstances, *, seed: str) -> Outcome:
    """Say what would become of a typed message, with the people of `place` as they are given."""
    facts = facts_of(typed, rules, place, seed=seed)
    return try_out(facts, rules, place, history_of(typed), at=typed.at)


def try_out(
    facts: Facts, rules: Rules, place: Circumstances, history: History, *, at: datetime
) -> Outcome:
    """Say what would become of a message at a moment. Who is not asked counts as failed."""
    plan, facts = decided(facts, rules, place.directory, at=at)
    said = what_is_said(facts, plan, place.replies, history, at=at)
    return Outcome(facts, at, plan, said, timers_of(plan, place, at=at), unasked_of(facts))


def decided(
    facts: Facts, rules: Rules, directory: Directory, *, at: datetime
) -> tuple[Plan, Facts]:
    """Decide without asking anybody; the facts that come back say whose answer was missing."""
    plan = decide(facts, rules, directory, now=at)
    if not plan.needs:
        return plan, facts
    failed = {name: Answer(failure=NOT_SAID) for name in plan.needs}
    facts = replace(facts, answers={**facts.answers, **failed})
    return decide(facts, rules, directory, now=at), facts


def unasked_of(facts: Facts) -> frozenset[str]:
    """Return the look-ups whose answer was missing."""
    answers = facts.answers.items()
    return frozenset(name for name, answer in answers if answer.failure == NOT_SAID)


def what_is_said(
    facts: Facts, plan: Plan, replies: Replies, history: History, *, at: datetime
) -> Reply | Silence:
    """Return what would be answered by itself, or why nothing."""
    if facts.trigger is Trigger.TRANSFERRED:
        return Silence(NO_ANSWER_TO_A_TRANSFER)
    return choose(facts, replies, RuleReply.of(plan), history, now=at)


def timers_of(plan: Plan, place: Circumstances, *, at: datetime) -> Timers:
    """Return the timers of the wait that would begin, the undeletable last one too."""
    if plan.is_closing:
        return ()
    policy = place.policies.get(plan.escalation.casefold()) or place.policies.get("") or Policy()
    waiting = Waiting(at, at if plan.assignment.is_owner else None)
    return escalation.schedule(policy, waiting, place.calendar)


def facts_of(typed: Typed, rules: Rules, place: Circumstances, *, seed: str) -> Facts:
    """Return what rules would know of a typed message."""
    languages = languages_of(place.replies, rules.in_order())
    language, confidence = detect(typed.text, languages) if languages else UNCLEAR
    country, region, zone = place_of(typed.number)
    customer = Customer(
        number=typed.number,
        country=country,
        region=region,
        zone=zone,
        name=typed.name,
        language=typed.language,
        tags=frozenset(typed.tags),
        attributes=dict(typed.attributes),
        is_first_ever=typed.is_first_ever,
    )
    return Facts(
        seed=seed,
        trigger=typed.trigger,
        text=Text(typed.text, language, confidence, typed.media_kinds),
        customer=customer,
        channel=typed.channel,
        sender=typed.sender,
        calendar=place.calendar,
        conversation_tags=frozenset(typed.conversation_tags),
        answers=dict(typed.answers),
    )


def history_of(typed: Typed) -> History:
    """Return the history of a thread in which nothing was said before."""
    is_new = typed.trigger is Trigger.NEW
    return History("typed", triggered_at=typed.at, is_new_conversation=is_new)


def everybody_there(directory: Directory, away: Collection[int] = ()) -> Directory:
    """Return a directory whose people are there with nothing to do, but for those who are away.

    An example must say the same at night as at noon.
    """
    return replace(
        directory,
        people={pk: _there(person, pk not in away) for pk, person in directory.people.items()},
        turns={},
    )


def _there(person: Person, is_available: bool) -> Person:
    return replace(person, is_available=is_available, open_count=0)


# --- As a document ---


def document_of(typed: Typed) -> dict[str, Any]:
    """Write a typed message down; reading it again gives the same."""
    written: dict[str, Any] = {
        "at": typed.at.isoformat(),
        "text": typed.text,
        "number": typed.number,
        "name": typed.name,
        "language": typed.language,
        "channel": typed.channel,
        "sender": typed.sender,
        "when": typed.trigger.value,
        "media": list(typed.media_kinds),
        "tags": list(typed.tags),
        "attributes": _plain(typed.attributes),
        "conversation_tags": list(typed.conversation_tags),
        "first_ever": typed.is_first_ever,
        "answers": {
            name: {"failure": one.failure} if one.failure else {"fields": _plain(one.fields)}
            for name, one in typed.answers.items()
        },
        "away": list(typed.away),
    }
    return {key: value for key, value in written.items() if value not in ("", [], {})}


def _plain(fields: Mapping[str, Value]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()
    }


def read_typed(document: object) -> Typed:
    """Read a typed message from its document. Raises TypedError."""
    if not isinstance(document, Mapping):
        raise TypedError(noop("An object is wanted here."))
    at = _moment(document.get("at"))
    return Typed(
        at=at,
        text=_text(document, "text", most=MOST_TEXT),
        number=_text(document, "number"),
        name=_text(document, "name"),
        language=_text(document, "language"),
        channel=_one_of(document, "channel", CHANNELS),
        sender=_text(document, "sender"),
        trigger=Trigger(_one_of(document, "when", tuple(map(str, Trigger)))),
        media_kinds=_texts(document, "media"),
        tags=_texts(document, "tags"),
        attributes=_values(document.get("attributes", {}), "attributes"),
        conversation_tags=_texts(document, "conversation_tags"),
        is_first_ever=document.get("first_ever", True) is not False,
        answers=_answers(document.get("answers", {})),
        away=_people(document.get("away", [])),
    )


def _moment(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise TypedError(noop("A moment with its time zone is wanted here."), "at")
    return at


def _text(document: Mapping[str, Any], key: str, *, most: int = LONGEST_WORD) -> str:
    value = document.get(key, "")
    if not isinstance(value, str) or "\0" in value or len(value) > most:
        raise TypedError(
            noop("A text of up to %(most)s letters is wanted here.") % {"most": most}, key
        )
    return value


def _one_of(document: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = document.get(key, known[0])
    if value not in known:
        raise TypedError(
            noop("One of %(known)s is wanted here.") % {"known": ", ".join(known)}, key
        )
    return str(value)


def _texts(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = document.get(key, [])
    if not isinstance(value, list) or len(value) > MOST_LISTED:
        raise TypedError(
            noop("A list of up to %(most_listed)s words is wanted here.")
            % {"most_listed": MOST_LISTED},
            key,
        )
    return tuple(_text({key: one}, key) for one in value)


def _values(value: object, key: str) -> dict[str, Value]:
    if not isinstance(value, Mapping) or len(value) > MOST_LISTED:
        raise TypedError(
            noop("Up to %(most_listed)s names with a value each are wanted here.")
            % {"most_listed": MOST_LISTED},
            key,
        )
    return {_text({key: name}, key): _value(one, key) for name, one in value.items()}


def _value(value: object, key: str) -> Value:
    if isinstance(value, list):
        return _texts({key: value}, key)
    if isinstance(value, str):
        return _text({key: value}, key)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypedError(noop("A text, a number, yes or no, or a list of texts is wanted here."), key)


def _answers(value: object) -> dict[str, Answer]:
    if not isinstance(value, Mapping) or len(value) > MOST_LISTED:
        raise TypedError(noop("What each look-up answers is wanted here, by its name."), "answers")
    return {_text({"answers": name}, "answers"): _answer(one) for name, one in value.items()}


def _answer(value: object) -> Answer:
    if not isinstance(value, Mapping):
        raise TypedError(
            noop("The fields of an answer are wanted here, or why it failed."), "answers"
        )
    if failure := _text(value, "failure"):
        return Answer(failure=failure)
    return Answer(_values(value.get("fields", {}), "answers"))


def _people(value: object) -> tuple[int, ...]:
    is_list = isinstance(value, list) and len(value) <= MOST_LISTED
    if not is_list or not all(type(one) is int and one > 0 for one in value):  # type: ignore[attr-defined]
        raise TypedError(noop("The ids of people are wanted here."), "away")
    return tuple(value)  # type: ignore[arg-type]
