"""What is answered by itself, and if nothing: why not? Behaviour 5, pure.

The first that applies wins: the compliance notice (said elsewhere, before this is asked), the reply
of the rule that matched, keywords, after hours, first message; still waiting comes with a timer.
Then guards have their say: here, and again with a new history when the reply is sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.english import noop
from routing.conditions import Judge
from routing.deciding import Plan
from routing.escalation import Clock
from routing.facts import Facts
from routing.languages import base_of, script_of
from routing.patterns import has_words
from routing.rules import Condition, Group, Rule, languages_asked
from routing.texts import BUILT_IN, Problem, Variable, lookup_in
from routing.wording import Variant, Voice, by_language, word, wording_problems

AUTO_REPLY_FRESHNESS = timedelta(minutes=15)
AUTO_REPLY_GAP = timedelta(seconds=60)
AUTO_REPLY_DAY_CAP = 3
BURST = timedelta(seconds=10)
_DAY = timedelta(hours=24)

# The guards that tell of two machines talking to each other.
ECHO = noop("message echoes our own text")
REPETITION = noop("would repeat the same text")
OFF = noop("it is off")
SAID_BEFORE = noop("it was said before")


class ReplyKind(StrEnum):
    """Which of the replies it is; with its window it is said once per thread."""

    RULE = "rule"
    KEYWORD = "keyword"
    AFTER_HOURS = "after_hours"
    FIRST_MESSAGE = "first_message"
    STILL_WAITING = "still_waiting"


_ONCE_PER_WINDOW = (ReplyKind.AFTER_HOURS, ReplyKind.FIRST_MESSAGE, ReplyKind.STILL_WAITING)


class FirstWhen(StrEnum):
    """Which message counts as a first one."""

    EVER = "ever"
    PER_CONVERSATION = "per_conversation"
    AFTER_SILENCE = "after_silence"


# --- What an inbox may say ---


@dataclass(frozen=True)
class RuleReply:
    """What the matching rule or its Data Action wants said, if anything.

    One that `is_silent` forbids every automatic reply; a bot name holds for whatever is said.
    """

    rule: str
    variants: tuple[Variant, ...] = ()
    bot_name: str = ""
    is_silent: bool = False

    @classmethod
    def of(cls, plan: Plan) -> "RuleReply":
        """Return what a plan wants said."""
        return cls(plan.rule, by_language(plan.reply), plan.bot_name, plan.is_silent)

    @classmethod
    def kept(cls, rule: str, plan: Mapping[str, Any]) -> "RuleReply":
        """Return what a plan wants said, read from its form of `routing.traces`."""
        return cls(rule, by_language(plan["reply"]), plan["bot_name"], plan["is_silent"])

    def lookups(self) -> frozenset[str]:
        """Return the names of all look-ups that its texts may need."""
        return lookups_in(self.variants)


@dataclass(frozen=True)
class KeywordReply:
    """An answer to a message that has any of these phrases, or for which a condition holds."""

    name: str
    variants: tuple[Variant, ...]
    phrases: tuple[str, ...] = ()
    condition: Group | None = None
    is_on: bool = True

    def why_not(self, judge: Judge) -> str:
        """Return blank if the message asks for this answer, else why it does not.

        What cannot be known asks for nothing.
        """
        if not self.is_on:
            return OFF
        try:
            holds = self.condition is not None and judge.judge(self.condition, bytearray())
        except Exception as problem:  # as with rules: a broken one is passed over, and shown
            return noop("it is broken: %(name)s") % {"name": type(problem).__name__}
        is_asked_for = holds or mentions(judge.facts.text.body, self.phrases)
        return "" if is_asked_for else noop("the message does not ask for it")

    def pending(self, judge: Judge) -> frozenset[str]:
        """Return the look-ups that were not asked yet, and that say whether this is asked for."""
        seen = bytearray()
        with suppress(Exception):  # a broken one waits for nobody
            if self.is_on and self.condition and judge.judge(self.condition, seen) is None:
                tested = judge.judged(self.condition, seen)
                return frozenset(one.condition.lookup for one in tested if one.is_pending)
        return frozenset()


@dataclass(frozen=True)
class AfterHoursReply:
    """What is said once per closed period; with other words on a holiday, if there are any."""

    variants: tuple[Variant, ...]
    holiday_variants: tuple[Variant, ...] = ()
    is_on: bool = True


@dataclass(frozen=True)
class FirstMessageReply:
    """The greeting. `silence` is for AFTER_SILENCE: how long the customer wrote nothing before."""

    variants: tuple[Variant, ...]
    when: FirstWhen = FirstWhen.PER_CONVERSATION
    silence: timedelta = _DAY
    is_on: bool = True


@dataclass(frozen=True)
class StillWaitingReply:
    """What is said to a customer who waits for so many minutes of a clock."""

    variants: tuple[Variant, ...]
    after: int = 15
    clock: Clock = Clock.CALENDAR
    is_on: bool = True


@dataclass(frozen=True)
class Replies:
    """Everything an inbox may say by itself; what is None or empty is off."""

    keyword: tuple[KeywordReply, ...] = ()
    after_hours: AfterHoursReply | None = None
    first_message: FirstMessageReply | None = None
    still_waiting: StillWaitingReply | None = None
    default_language: str = "en"
    inbox_name: str = ""
    bot_name: str = ""
    variables: Mapping[str, Variable] = field(default_factory=lambda: BUILT_IN)
    opt_out_link: str = ""

    @property
    def voice(self) -> Voice:
        """Return in whose name it is said."""
        return Voice(
            self.inbox_name,
            self.bot_name,
            self.default_language,
            self.variables,
            self.opt_out_link,
        )

    def wordings(self) -> Iterator[Variant]:
        """Return every wording of what is on."""
        for one in self.keyword:
            yield from one.variants if one.is_on else ()
        if self.after_hours and self.after_hours.is_on:
            yield from self.after_hours.variants
            yield from self.after_hours.holiday_variants
        for reply in (self.first_message, self.still_waiting):
            yield from reply.variants if reply and reply.is_on else ()

    def conditions(self) -> Iterator[Condition]:
        """Return every condition of what is on."""
        for one in self.keyword:
            yield from one.condition.conditions() if one.is_on and one.condition else ()

    def facts(self) -> frozenset[str]:
        """Name the facts that any condition asks for."""
        return frozenset(condition.fact for condition in self.conditions())

    def lookups(self) -> frozenset[str]:
        """Return the names of all look-ups that texts and conditions may need."""
        asked = frozenset(condition.lookup for condition in self.conditions()) - {""}
        return asked | lookups_in(self.wordings())


def lookups_in(variants: Iterable[Variant]) -> frozenset[str]:
    """Return the names of the look-ups whose answers texts name."""
    slots = (slot.name for variant in variants for slot in variant.text.slots)
    return frozenset(map(lookup_in, slots)) - {""}


def lookups_wanted(replies: Replies, rule_reply: RuleReply | None) -> frozenset[str]:
    """Return the names of the look-ups that an answer may hang on: a rule's text comes first."""
    if rule_reply and (rule_reply.variants or rule_reply.is_silent):
        return rule_reply.lookups()
    return replies.lookups()


def languages_of(replies: Replies, rules: Iterable[Rule] = ()) -> tuple[str, ...]:
    """Return the languages that are told apart: those of texts, and those that conditions ask for.

    `rules` are those that run in the inbox. Sorted, one of each (pt, not pt-BR too) and script;
    empty where a message's language makes no difference, and need not be looked for.
    """
    own = replies.default_language
    asked = [one.condition for one in replies.keyword if one.is_on and one.condition]
    spoken = {own, *(wording.language for wording in replies.wordings())}
    for rule in rules:
        asked.append(rule.condition)
        spoken |= set(rule.actions.reply)
    conditions = {code for group in asked for code in languages_asked(group)}
    codes = sorted((spoken | conditions) - {""}, reverse=True)
    found = {(base_of(code), script_of(code)): code for code in codes}
    return tuple(sorted(found.values())) if len(found) > 1 or conditions else ()


# --- What happened before ---


@dataclass(frozen=True)
class Said:
    """An automatic message of the thread, of whatever kind, with the window it was said in."""

    at: datetime
    text: str
    kind: str = ""
    window_key: str = ""

    def is_repeated_by(self, reply: "Reply") -> bool:
        """Say whether a reply would say the same again for the same reason.

        What is said once per closed period, conversation or wait comes with the next of them in the
        same words: that is no machine.
        """
        if not _same(self.text) or _same(self.text) != _same(reply.text):
            return False
        is_next_window = self.kind == reply.kind and self.window_key != reply.window_key
        return not (is_next_window and reply.kind in _ONCE_PER_WINDOW)


@dataclass(frozen=True)
class History:
    """What the thread knows when it is asked whether to answer.

    `triggered_at` is when the message came, or when the timer was due. `inbound` says when the
    other messages of the thread came that are already taken in; `said` holds the automatic messages
    of the last day without the one about to be sent, `used` the kinds and windows in which one was
    said, `closed_words_at` when the after-hours words were said last. `is_answered` and
    `is_closed`: by a person, since the message; `has_person_since`: a person wrote since our last
    automatic text. `refusal` is the consent gate's reason, blank if it lets an automatic reply
    pass.
    """

    conversation: str
    triggered_at: datetime
    wait_generation: int = 0
    is_new_conversation: bool = False
    inbound: tuple[datetime, ...] = ()
    said: tuple[Said, ...] = ()
    used: frozenset[tuple[str, str]] = frozenset()
    closed_words_at: datetime | None = None
    has_person_since: bool = False
    is_answered: bool = False
    is_closed: bool = False
    is_repliable: bool = True
    is_own_sender: bool = False
    is_machine: bool = False
    is_reconciled: bool = False
    has_notice: bool = False
    refusal: str = ""

    @property
    def last_said(self) -> Said | None:
        """Return our last automatic message, if there was one."""
        return max(self.said, key=lambda one: one.at, default=None)

    def is_echoed_by(self, body: str) -> bool:
        """Say whether a message has nothing but our last automatic words."""
        last = _same(self.last_said.text) if self.last_said else ""
        return bool(last) and _same(body) == last

    def is_repeated_by(self, reply: "Reply") -> bool:
        """Say whether a reply would be the same twice in a row, nobody having spoken between."""
        last = self.last_said
        return bool(last and not self.has_person_since and last.is_repeated_by(reply))

    @property
    def is_in_burst(self) -> bool:
        """Say whether a message close to this one was taken in before, and so judged for both."""
        return any(abs(self.triggered_at - at) <= BURST for at in self.inbound)


# --- The verdict ---


@dataclass(frozen=True)
class Considered:
    """One reply that was thought of, and what became of it."""

    kind: ReplyKind
    name: str
    outcome: str


@dataclass(frozen=True)
class Reply:
    """What is said. Kind, window and thread together exist once: the database sees to it.

    `name` is that of the rule or the keyword reply; the others have none.
    """

    kind: ReplyKind
    window_key: str
    text: str
    language: str
    bot_name: str
    trace: tuple[Considered, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Silence:
    """That nothing is said, and why. `is_loop` if two machines seem to talk to each other."""

    reason: str
    is_loop: bool = False
    trace: tuple[Considered, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """A reply with its window, or with the reason why it does not apply."""

    kind: ReplyKind
    name: str
    variants: tuple[Variant, ...] = ()
    window_key: str = ""
    why_not: str = ""
    pending: frozenset[str] = frozenset()


def choose(
    facts: Facts,
    replies: Replies,
    rule_reply: RuleReply | None,
    history: History,
    *,
    now: datetime,
) -> Reply | Silence:
    """Choose what answers a message: the first reply that applies, or nothing and the reason."""
    if rule_reply and rule_reply.is_silent:
        note = Considered(ReplyKind.RULE, rule_reply.rule, noop("asks for silence"))
        return Silence(noop("the rule asks for silence"), trace=(note,))
    if rule_reply and rule_reply.bot_name:
        replies = replace(replies, bot_name=rule_reply.bot_name)
    candidates = _for_message(facts, replies, rule_reply, history, now)
    return _first(candidates, facts, replies, history, body=facts.text.body, now=now)


def wanted(
    facts: Facts,
    replies: Replies,
    rule_reply: RuleReply | None,
    history: History,
    *,
    now: datetime,
) -> frozenset[str]:
    """Return the look-ups that may still change what is answered; none where nothing will be."""
    is_silent = rule_reply and rule_reply.is_silent
    if is_silent or why_silent(history, None, body=facts.text.body, now=now):
        return frozenset()
    names = set[str]()
    for candidate in _for_message(facts, replies, rule_reply, history, now):
        names |= candidate.pending
        if not _why_not(candidate, history):
            names |= lookups_in(candidate.variants)
            break
    return frozenset(names - facts.answers.keys())


def remind(facts: Facts, replies: Replies, history: History, *, now: datetime) -> Reply | Silence:
    """Choose what is said when the timer of "still waiting" is due, or nothing and the reason.

    `triggered_at` is the timer's; a message that came just before it makes no burst.
    """
    candidates = _for_timer(replies, history)
    return _first(candidates, facts, replies, replace(history, inbound=()), body="", now=now)


def reply_problems(replies: Replies) -> list[Problem]:
    """Return what is wrong with the texts of an inbox; errors forbid to publish them."""
    return [
        Problem(f"{label}: {problem.words}", problem.is_error)
        for label, variants in _labelled(replies)
        for problem in wording_problems(variants, replies.voice)
    ]


def why_silent(history: History, reply: Reply | None, *, body: str = "", now: datetime) -> str:
    """Name the guard that forbids to say something by ourselves, or return blank.

    `reply` is None while nobody knows the words; `body` is what the customer wrote, and a timer has
    none.
    """
    recent = [one.at for one in history.said if now - one.at < _DAY]
    guards = {
        noop("the consent notice is the answer"): history.has_notice,
        noop("sender cannot receive replies"): not history.is_repliable,
        noop("message came from one of our own numbers"): history.is_own_sender,
        noop("sender is a machine"): history.is_machine,
        ECHO: history.is_echoed_by(body),
        noop("message was found late in the carrier's list"): history.is_reconciled,
        noop("message is not fresh"): now - history.triggered_at > AUTO_REPLY_FRESHNESS,
        noop("a person has answered"): history.is_answered,
        noop("the conversation was closed"): history.is_closed,
        noop("part of a burst"): history.is_in_burst,
        noop("answered by itself a minute ago"): any(now - at < AUTO_REPLY_GAP for at in recent),
        noop("answered by itself three times today"): len(recent) >= AUTO_REPLY_DAY_CAP,
        REPETITION: reply is not None and history.is_repeated_by(reply),
        noop("may not be sent: %(refusal)s") % {"refusal": history.refusal}: bool(history.refusal),
    }
    return next((name for name, holds in guards.items() if holds), "")


def mentions(body: str, phrases: Iterable[str]) -> bool:
    """Say whether a message has any of the phrases, as rules find words in a text."""
    return any(has_words(body, phrase) for phrase in phrases)


# --- Which applies ---


def _for_message(
    facts: Facts, replies: Replies, rule_reply: RuleReply | None, history: History, now: datetime
) -> Iterator[_Candidate]:
    """Return the candidates for a message in the order in which they come."""
    if rule_reply and rule_reply.variants:
        yield _Candidate(ReplyKind.RULE, rule_reply.rule, rule_reply.variants, facts.seed)
    judge = Judge(facts, now)
    for one in replies.keyword:
        why_not = one.why_not(judge)
        pending = one.pending(judge) if why_not else frozenset[str]()
        yield _Candidate(ReplyKind.KEYWORD, one.name, one.variants, facts.seed, why_not, pending)
    if replies.after_hours:
        yield _after_hours(replies.after_hours, facts, history)
    if replies.first_message:
        yield _first_message(replies.first_message, facts, history)


def _for_timer(replies: Replies, history: History) -> Iterator[_Candidate]:
    if replies.still_waiting and replies.still_waiting.is_on:
        window = f"{history.conversation}:{history.wait_generation}"
        yield _Candidate(ReplyKind.STILL_WAITING, "", replies.still_waiting.variants, window)


def _after_hours(reply: AfterHoursReply, facts: Facts, history: History) -> _Candidate:
    if not reply.is_on:
        return _Candidate(ReplyKind.AFTER_HOURS, "", why_not=OFF)
    at, calendar = history.triggered_at, facts.calendar
    window = calendar.closed_period_key(at)
    if window is None:
        return _Candidate(ReplyKind.AFTER_HOURS, "", why_not=noop("it was open"))
    # Hours that are changed at night, or another inbox's, give the same night another name.
    since = calendar.closed_since(at)
    if since and history.closed_words_at and history.closed_words_at >= since:
        return _Candidate(ReplyKind.AFTER_HOURS, "", why_not=SAID_BEFORE)
    today = calendar.day(at.astimezone(ZoneInfo(calendar.zone)).date())
    is_holiday = bool(today.names) and not today.openings
    variants = (is_holiday and reply.holiday_variants) or reply.variants
    return _Candidate(ReplyKind.AFTER_HOURS, "", variants, window)


def _first_message(reply: FirstMessageReply, facts: Facts, history: History) -> _Candidate:
    window = _window_of_first(reply, facts, history)
    why_not = "" if window else noop("it is not the first message")
    if not reply.is_on:
        why_not = OFF
    return _Candidate(ReplyKind.FIRST_MESSAGE, "", reply.variants, window, why_not)


def _window_of_first(reply: FirstMessageReply, facts: Facts, history: History) -> str:
    """Return the window of a first message; blank if it is none."""
    customer = facts.customer
    if reply.when is FirstWhen.PER_CONVERSATION:
        return history.conversation if history.is_new_conversation else ""
    if reply.when is FirstWhen.EVER:
        return "ever" if customer.is_first_ever else ""
    if customer.last_wrote_at is None:
        return "ever"
    if history.triggered_at - customer.last_wrote_at < reply.silence:
        return ""
    return noop("silent since %(isoformat)s") % {
        "isoformat": customer.last_wrote_at.astimezone(UTC).isoformat()
    }


def _first(
    candidates: Iterator[_Candidate],
    facts: Facts,
    replies: Replies,
    history: History,
    *,
    body: str,
    now: datetime,
) -> Reply | Silence:
    """Return the first candidate that applies, unless a guard forbids to say it."""
    trace: list[Considered] = []

    def note(candidate: _Candidate, outcome: str) -> None:
        trace.append(Considered(candidate.kind, candidate.name, outcome))

    for candidate in candidates:
        reply = _worded(candidate, facts, replies, history)
        if isinstance(reply, str):
            note(candidate, reply)
            continue
        reason = why_silent(history, reply, body=body, now=now)
        note(candidate, reason or "said")
        if reason:
            return Silence(reason, reason in (ECHO, REPETITION), tuple(trace))
        return replace(reply, trace=tuple(trace))
    if history.is_echoed_by(body):
        return Silence(ECHO, is_loop=True, trace=tuple(trace))
    return Silence(noop("no automatic reply applies"), trace=tuple(trace))


def _why_not(candidate: _Candidate, history: History) -> str:
    was_said = (candidate.kind, candidate.window_key) in history.used
    return candidate.why_not or (SAID_BEFORE if was_said else "")


def _worded(candidate: _Candidate, facts: Facts, replies: Replies, history: History) -> Reply | str:
    """Return a candidate as it would be said, or why it is not."""
    if why_not := _why_not(candidate, history):
        return why_not
    worded = word(candidate.variants, facts, replies.voice, at=history.triggered_at)
    if worded is None:
        return noop("it has no text")
    said = (worded.text, worded.language, replies.bot_name)
    return Reply(candidate.kind, candidate.window_key, *said, name=candidate.name)


# --- Words ---


def _labelled(replies: Replies) -> Iterator[tuple[str, tuple[Variant, ...]]]:
    """Return all texts, each with the name under which an admin knows it."""
    for one in replies.keyword:
        yield one.name, one.variants
    if replies.after_hours:
        yield _("After hours"), replies.after_hours.variants
        yield _("Holidays"), replies.after_hours.holiday_variants
    if replies.first_message:
        yield _("First message"), replies.first_message.variants
    if replies.still_waiting:
        yield _("Still waiting"), replies.still_waiting.variants


def _same(text: str) -> str:
    """Return a text so that two of them are equal if people would call them the same."""
    return " ".join(text.split()).casefold()
