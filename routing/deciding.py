"""Where does a message go? Facts, rules and people in; a plan with its reasons out.

Contract: behaviour 6, stage 7, and 9. Pure: the same four values always give the same plan, on a
live message, in a dry run and in a replay years later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from routing.conditions import PENDING, Judge, Judged
from routing.facts import Directory, Facts, Trigger, Value
from routing.rules import Actions, Group, Rule, Rules, Target
from routing.targets import Assignment, Candidate, Ladder, Turn

DEFAULT = "default"
# How the attributes in a Data Action's answer are named among its fields.
ATTRIBUTE = "attributes."


class Asked(NamedTuple):
    """What became of one rule: whether it matched, each condition, each person looked at.

    `outcome` is one of: matched, nobody (matched, and no target was able), not matched, unknown
    (it hangs on something that cannot be known), not triggered, waiting (for a look-up), broken.
    """

    rule: str
    name: str
    outcome: str
    condition: Group
    seen: bytes  # how each condition came out, up to one that broke
    judge: Judge
    candidates: tuple[Candidate, ...] = ()
    error: str = ""

    @property
    def tested(self) -> tuple[Judged, ...]:
        """Return each condition with what was really there."""
        return self.judge.judged(self.condition, self.seen)


@dataclass(frozen=True)
class Plan:
    """What is to happen to a conversation, by which rule, and why.

    `has_nobody` says that the rule's targets were all unable, so that the whole team has it for
    now and rules run again when somebody may be able. `needs` names look-ups to be asked first:
    then nothing else in the plan is final. `is_silent` forbids every automatic reply. `attributes`
    are for the contact: None removes one; `routing.marks` says which of them can be kept.
    """

    version: int
    rule: str = DEFAULT
    assignment: Assignment = field(default_factory=lambda: Assignment(is_team_wide=True))
    tags: tuple[str, ...] = ()
    priority: str = ""
    has_nobody: bool = False
    reply: Mapping[str, str] = field(default_factory=dict)
    is_silent: bool = False
    bot_name: str = ""
    notes: tuple[str, ...] = ()
    notify: tuple[int, ...] = ()
    is_closing: bool = False
    snooze_minutes: int | None = None
    escalation: str = ""
    attributes: Mapping[str, Value] = field(default_factory=dict)
    webhooks: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    trace: tuple[Asked, ...] = ()

    @property
    def turn(self) -> Turn | None:
        """Return whose turn it was, to be kept."""
        return self.assignment.turn


def decide(facts: Facts, rulebook: Rules, directory: Directory, *, now: datetime) -> Plan:
    """Decide who gets a conversation and what else the first matching rule wants.

    `now` must be aware. A rule that breaks is passed over, with its error in the trace: rules never
    hide a customer's words. So is one that hangs on a look-up which failed.
    """
    desk = _Desk(facts, directory, Judge(facts, now))
    rules = rulebook.in_order()
    for number, rule in enumerate(rules):
        outcome = desk.ask(rule)
        if outcome == "waiting":
            return desk.plan(rulebook.version, needs=desk.wanted(rules[number:]))
        if outcome == "nobody" or (outcome == "matched" and not rule.continues):
            return desk.plan(rulebook.version, rule)
    return desk.plan(rulebook.version)


@dataclass
class _Desk:
    """Rules are asked here one after the other; what they left is gathered."""

    facts: Facts
    directory: Directory
    judge: Judge
    tags: tuple[str, ...] = ()
    priority: str = ""
    found: Assignment | None = None
    has_nobody: bool = False
    trace: list[Asked] = field(default_factory=list)

    def ask(self, rule: Rule) -> str:
        """Ask one rule; return what became of it."""
        seen = bytearray()
        candidates: list[Candidate] = []
        error = ""
        try:
            outcome = self._outcome(rule, seen, candidates)
        except Exception as problem:  # the contract: a broken rule is passed over, and shown
            outcome, error = "broken", type(problem).__name__
        told = rule.condition, bytes(seen), self.judge, tuple(candidates), error
        self.trace.append(Asked(rule.id, rule.name, outcome, *told))
        return outcome

    def _outcome(self, rule: Rule, seen: bytearray, candidates: list[Candidate]) -> str:
        if self.facts.trigger not in rule.triggers:
            return "not triggered"
        holds = self.judge.judge(rule.condition, seen)
        if holds is None:
            return "waiting" if PENDING in seen else "unknown"
        if not holds:
            return "not matched"
        if rule.continues:
            self._mark(rule.actions.tags, rule.actions.priority)
            return "matched"
        return self._assigned(rule, candidates)

    def _assigned(self, rule: Rule, candidates: list[Candidate]) -> str:
        is_open = self.facts.calendar.is_open(self.judge.now)
        ladder = Ladder(rule.id, rule.actions.ladder, self.facts, self.directory, is_open)
        if ladder.needs():
            return "waiting"
        self.found = ladder.descend(candidates)
        if self.found is None and ladder.failures():
            return "unknown"
        self._mark(rule.actions.tags, rule.actions.priority)
        # Code that named nobody wants nobody in particular: there is none to wait for.
        is_ours = any(
            step.to not in (Target.DATA_ACTION, Target.CRM_FIELD) for step in ladder.steps
        )
        self.has_nobody = self.found is None and (is_ours or bool(candidates))
        return "nobody" if self.has_nobody else "matched"

    def wanted(self, rules: tuple[Rule, ...]) -> frozenset[str]:
        """Return every look-up that these may still want: all are asked at the same time.

        Nobody outside is asked for a rule that cannot match, or that stands behind one that will.
        """
        names = set[str]()
        for rule in rules:
            holds, needed = self._needs(rule)
            names |= needed
            if (
                holds
                and not rule.continues
                and not any(step.answers_needed for step in rule.actions.ladder)
            ):
                break
        return frozenset(names - self.facts.answers.keys())

    def _needs(self, rule: Rule) -> tuple[bool | None, set[str]]:
        """Say whether a rule holds, and which look-ups it needs if it does or still may."""
        seen = bytearray()
        try:
            is_asked = self.facts.trigger in rule.triggers
            holds = self.judge.judge(rule.condition, seen) if is_asked else False
        except Exception:  # as in `ask`: a broken rule is passed over
            return False, set()
        tested = zip(rule.condition.conditions(), seen, strict=False)
        pending = {one.lookup for one, came in tested if came == PENDING}
        if holds is False or (holds is None and not pending):
            return holds, set()
        steps = () if rule.continues else rule.actions.ladder
        ladder = {step.answers_needed for step in steps} - {""}
        return holds, ladder if holds else ladder | pending

    def _mark(self, tags: tuple[str, ...], priority: str) -> None:
        self.tags = tuple(dict.fromkeys((*self.tags, *tags)))
        self.priority = priority or self.priority

    def plan(
        self, version: int, rule: Rule | None = None, needs: frozenset[str] = frozenset()
    ) -> Plan:
        """Put together what the rules that were asked want.

        After a transfer rules only say who gets it (behaviour 1): somebody had seen it already.
        """
        if self.facts.trigger is Trigger.TRANSFERRED:
            return Plan(
                version=version,
                rule=rule.id if rule else DEFAULT,
                assignment=self.found or Assignment(is_team_wide=True),
                has_nobody=self.has_nobody,
                needs=needs,
                trace=tuple(self.trace),
            )
        actions = rule.actions if rule else Actions()
        said = _verdict(actions, self.facts)
        self._mark(_texts(said.get("tags")), str(said.get("priority") or ""))
        reply = said.get("reply")
        return Plan(
            version=version,
            rule=rule.id if rule else DEFAULT,
            assignment=self.found or Assignment(is_team_wide=True),
            has_nobody=self.has_nobody,
            tags=self.tags,
            priority=self.priority,
            reply={"": str(reply)} if reply else actions.reply,
            is_silent=bool(said.get("is_silent")),
            bot_name=str(said.get("bot_name") or actions.bot_name),
            notes=tuple(filter(None, (actions.note, str(said.get("note") or "")))),
            notify=actions.notify,
            is_closing=actions.is_closing or bool(said.get("close")),
            snooze_minutes=actions.snooze_minutes,
            escalation=str(said.get("escalation") or actions.escalation),
            attributes=_attributes(said),
            webhooks=(actions.webhook,) if actions.webhook else (),
            needs=needs,
            trace=tuple(self.trace),
        )


def _verdict(actions: Actions, facts: Facts) -> Mapping[str, Value]:
    """Return what the Data Action of a ladder said, beside whom it named."""
    for step in actions.ladder:
        answer = facts.answers.get(step.lookup) if step.to is Target.DATA_ACTION else None
        if answer and not answer.failure:
            return answer.fields
    return {}


def _attributes(said: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return what a Data Action knows of the customer, see `routing.data_action.answer_of`."""
    return {
        name.removeprefix(ATTRIBUTE): value
        for name, value in said.items()
        if name.startswith(ATTRIBUTE)
    }


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
