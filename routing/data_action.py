"""What do we ask a customer's own code about a message, and what may it decide?

The Data Action contract (behaviour 9): the body of the question, and the verdict in the answer.
Unknown keys, people and teams are skipped and listed; a value of the wrong kind makes the whole
answer unusable, since whoever wrote it meant something that we cannot know.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from accounts.english import noop
from routing.documents import PRIORITIES
from routing.facts import Answer, Directory, Value
from routing.json_answers import AnswerError, read_object
from routing.marks import LONGEST_TAG, MOST_ATTRIBUTES, MOST_TAGS

MOST_NAMED = 50
MOST_LISTED = 20
LONGEST_NAME = 80
LONGEST_VALUE = 1000
LONGEST_REPLY = 1600  # what one text message may hold
LONGEST_NOTE = 5000
RULE = "rule"
_KEYS = frozenset(
    ("assign", "tags", "priority", "auto_reply", "attributes", "note", "close", "escalation")
)


# --- The question ---


@dataclass(frozen=True)
class Inbox:
    """The inbox that was written to. `address` is the number or sender in it."""

    id: int
    name: str
    address: str


@dataclass(frozen=True)
class Contact:
    """Who wrote. `number` is E.164, or blank for WhatsApp without a number."""

    id: str
    name: str = ""
    number: str = ""
    language: str = ""
    country: str = ""
    region: str = ""
    owner: int | None = None
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Conversation:
    """The conversation that the message is in; `owner` is a person's id."""

    id: str
    is_new: bool
    reopened: bool = False
    owner: int | None = None


@dataclass(frozen=True)
class Media:
    """A file that came along; `url` is where it may be fetched, blank if nowhere."""

    content_type: str
    url: str = ""


@dataclass(frozen=True)
class Message:
    """What was written. `received_at` must be aware; it is told in UTC."""

    id: str
    text: str
    channel: str
    received_at: datetime
    media: tuple[Media, ...] = ()


@dataclass(frozen=True)
class Member:
    """Somebody of the inbox; `open` counts the open conversations they own."""

    id: int
    email: str
    available: bool
    open: int


@dataclass(frozen=True)
class Question:
    """Everything that a Data Action is told. `id` names this question: a repeat bears the same.

    `type` says why it is asked: a message came, or a step of an escalation is due. One of type
    `RULE` only tells that a `rule` acted: nobody waits for an answer.
    """

    id: str
    account: int
    inbox: Inbox
    contact: Contact
    conversation: Conversation
    message: Message
    members: tuple[Member, ...] = ()
    type: str = "inbound_message"
    rule: str = ""


def request_body(question: Question) -> bytes:
    """Return the body of the request: JSON in UTF-8, the same bytes for the same question."""
    told: dict[str, Any] = {"type": question.type, **asdict(question)}
    if not question.rule:
        del told["rule"]
    told["message"]["received_at"] = question.message.received_at.isoformat()
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Half a character, which no UTF-8 can hold, is told as a question mark.
    return text.encode("utf-8", "replace")


# --- The answer ---


@dataclass(frozen=True)
class Known:
    """Who and what an answer may name: people by id or e-mail, teams by id or name, policies."""

    directory: Directory = field(default_factory=Directory)
    teams: Mapping[int, str] = field(default_factory=dict)
    policies: Collection[str] = ()


@dataclass(frozen=True)
class Reply:
    """A text to answer with, in a bot's name (blank: the inbox's)."""

    text: str
    bot_name: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a Data Action decided; nothing in it is `Verdict()`.

    `auto_reply` is False where it forbids any automatic reply, None where it says nothing of it.
    `skipped` lists in words what of the answer was not used.
    """

    users: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()
    claim: bool = False
    tags: tuple[str, ...] = ()
    priority: str = ""
    auto_reply: Reply | Literal[False] | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""
    close: bool = False
    escalation: str = ""
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Why an answer cannot be used, in words for whoever wrote it."""

    reason: str


def read_verdict(content: bytes, known: Known) -> Verdict | Problem:
    """Read the body of an answer."""
    try:
        return _verdict(_Part(read_object(content)), known)
    except AnswerError as error:
        return Problem(error.reason)


def answer_of(verdict: Verdict | Problem) -> Answer:
    """Return a verdict as rules read it, see `routing.facts.Answer`.

    An attribute `tier` is the field `attributes.tier`.
    """
    if isinstance(verdict, Problem):
        return Answer(failure=verdict.reason)
    said: dict[str, Value] = {
        "users": tuple(map(str, verdict.users)),
        "teams": tuple(map(str, verdict.teams)),
        "claim": verdict.claim,
        "tags": verdict.tags,
        "priority": verdict.priority,
        "reply": verdict.auto_reply.text if verdict.auto_reply else "",
        "bot_name": verdict.auto_reply.bot_name if verdict.auto_reply else "",
        "is_silent": verdict.auto_reply is False,
        "note": verdict.note,
        "close": verdict.close,
        "escalation": verdict.escalation,
    }
    attributes = {f"attributes.{name}": value for name, value in verdict.attributes.items()}
    return Answer({name: value for name, value in said.items() if value} | attributes)


def _verdict(answer: "_Part", known: Known) -> Verdict:
    assign = answer.part("assign")
    reply = answer.reply("auto_reply")
    users = _found(assign.names("users", MOST_NAMED), _people(known.directory))
    teams = _found(assign.names("teams", MOST_NAMED), _teams(known.teams))
    escalation = answer.text("escalation", LONGEST_NAME)
    is_known = not escalation or escalation in known.policies
    priority = answer.text("priority", LONGEST_NAME)
    is_priority = priority.casefold() in PRIORITIES
    skipped = [
        *_unknown("key", answer.unknown(_KEYS)),
        *_unknown("key", assign.unknown({"users", "teams", "claim"})),
        *_unknown("key", answer.part("auto_reply").unknown({"text", "bot_name"}) if reply else []),
        *_unknown("person", users[1]),
        *_unknown("team", teams[1]),
        *_unknown(noop("escalation policy"), [] if is_known else [escalation]),
        *_unknown("priority", [] if is_priority else [priority]),
    ]
    return Verdict(
        users=users[0],
        teams=teams[0],
        claim=assign.flag("claim"),
        tags=answer.tags("tags"),
        priority=priority.casefold() if is_priority else "",
        auto_reply=reply,
        attributes=answer.attributes("attributes"),
        note=answer.text("note", LONGEST_NOTE),
        close=answer.flag("close"),
        escalation=escalation if is_known else "",
        skipped=_listed(skipped),
    )


@dataclass(frozen=True)
class _Part:
    """An object of the answer, and where it is; every question raises AnswerError in words."""

    content: Mapping[str, Any]
    path: str = ""

    def unknown(self, keys: Collection[str]) -> list[str]:
        return [self.path + name for name in self.content if name not in keys]

    def part(self, name: str) -> "_Part":
        value = self._get(name, dict, noop("an object"), {})
        return _Part(value, f"{self.path}{name}.")

    def flag(self, name: str) -> bool:
        return bool(self._get(name, bool, noop("true or false"), False))

    def text(self, name: str, longest: int) -> str:
        text = str(self._get(name, str, "a text", "")).strip()
        return self._short(name, text, longest)

    def names(self, name: str, most: int) -> list[str]:
        """Return the texts and whole numbers of a list, as texts."""
        values = self._list(name, most)
        if not all(_is_name(value) for value in values):
            raise AnswerError(
                noop("“%(path)s%(name)s” must be a list of texts or ids.")
                % {"path": self.path, "name": name}
            )
        return [self._short(name, str(value).strip(), 254) for value in values]

    def tags(self, name: str) -> tuple[str, ...]:
        values = self._list(name, MOST_TAGS)
        if not all(isinstance(value, str) for value in values):
            raise AnswerError(
                noop("“%(path)s%(name)s” must be a list of texts.")
                % {"path": self.path, "name": name}
            )
        texts = [self._short(name, value.strip(), LONGEST_TAG) for value in values]
        return tuple(dict.fromkeys(filter(None, texts)))

    def reply(self, name: str) -> Reply | Literal[False] | None:
        if self.content.get(name) is None:
            return None
        if self.content[name] is False:
            return False
        part = self.part(name)
        text = part.text("text", LONGEST_REPLY)
        bot_name = part.text("bot_name", LONGEST_NAME)
        if not text:
            raise AnswerError(
                noop("“%(name)s” must be false, or have a “text” and perhaps a “bot_name”.")
                % {"name": name}
            )
        return Reply(text, bot_name)

    def attributes(self, name: str) -> Mapping[str, Value]:
        values = self._get(name, dict, noop("an object"), {})
        if len(values) > MOST_ATTRIBUTES:
            raise AnswerError(
                noop("“%(name)s” has more than %(most_attributes)s entries.")
                % {"name": name, "most_attributes": MOST_ATTRIBUTES}
            )
        return {
            self._short(name, key, LONGEST_NAME): _value(name, value)
            for key, value in values.items()
        }

    def _list(self, name: str, most: int) -> list[Any]:
        values: list[Any] = self._get(name, list, "a list", [])
        if len(values) > most:
            raise AnswerError(
                noop("“%(path)s%(name)s” has more than %(most)s entries.")
                % {"path": self.path, "name": name, "most": most}
            )
        return values

    def _short(self, name: str, text: str, longest: int) -> str:
        if len(text) > longest:
            words = noop(
                "“%(path)s%(name)s” is too long: %(text)s characters, at most %(longest)s."
            ) % {"path": self.path, "name": name, "text": len(text), "longest": longest}
            raise AnswerError(words)
        return text

    def _get(self, name: str, kind: type, words: str, default: Any) -> Any:
        """Return a value of a kind; null is as if it were not there."""
        value = self.content.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise AnswerError(
                noop("“%(path)s%(name)s” must be %(words)s.")
                % {"path": self.path, "name": name, "words": words}
            )
        return value


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _value(name: str, value: Any) -> Value:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = tuple(value)
    is_value = value is None or isinstance(value, str | int | float | bool | tuple)
    size = sum(map(len, value)) if isinstance(value, tuple) else len(str(value))
    if not is_value or size > LONGEST_VALUE:
        words = noop(
            "texts of at most %(longest_value)s characters, numbers, true, false or lists of texts"
        ) % {"longest_value": LONGEST_VALUE}
        raise AnswerError(noop("“%(name)s” may hold %(words)s.") % {"name": name, "words": words})
    return value  # type: ignore[no-any-return]


def _people(directory: Directory) -> dict[str, int]:
    by_email = {p.email.casefold(): p.id for p in directory.people.values() if p.email}
    return by_email | {str(key): key for key in directory.people}


def _teams(teams: Mapping[int, str]) -> dict[str, int]:
    """Return the teams by id and by name; a name that two of them have names none."""
    names = [name.casefold() for name in teams.values()]
    by_name = {
        name.casefold(): key for key, name in teams.items() if names.count(name.casefold()) == 1
    }
    return by_name | {str(key): key for key in teams}


def _found(names: list[str], known: Mapping[str, int]) -> tuple[tuple[int, ...], list[str]]:
    """Part names into ids, each once, and the names that nobody has."""
    ids = [known.get(name.casefold()) for name in names]
    unknown = [name for name, key in zip(names, ids, strict=True) if key is None]
    return tuple(dict.fromkeys(key for key in ids if key is not None)), unknown


def _unknown(what: str, names: list[str]) -> list[str]:
    return [f"unknown {what}: {name[:LONGEST_NAME]}" for name in dict.fromkeys(names)]


def _listed(skipped: list[str]) -> tuple[str, ...]:
    more = len(skipped) - MOST_LISTED
    return (*skipped[:MOST_LISTED], *([f"and {more} more"] if more > 0 else []))
