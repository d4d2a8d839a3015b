"""How is one case decided, done and kept? A message, its rules and replies, and what came of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.english import noop
from accounts.prepared import insert_row, write_fields
from inbox.contacts import lock_text
from inbox.deciding.acts import apply_plan, keep_attributes, put_away, write_notes
from inbox.directory import directory_for
from inbox.lookups.asking import Asked, Subject, answers_of
from inbox.models import Conversation, RoutingTrace
from inbox.nudges import nudge_on_commit
from inbox.reply_settings import languages_told_apart, replies_of, says_nothing
from inbox.reply_stage import Answered, answer
from inbox.rerouting import ask_rules_later, owe_answer, rules_are_done
from inbox.routing_facts import Arrived, facts_of
from inbox.rulebooks import InForce
from inbox.story import Story
from routing.deciding import ATTRIBUTE, Plan, decide
from routing.facts import Answer, Directory, Facts, Trigger
from routing.models import RulebookVersion, Turn
from routing.replies import RuleReply
from routing.rules import Target
from routing.traces import (
    broken_rules,
    directory_json,
    facts_json,
    marking_rules,
    plan_json,
    rules_json,
)

NOT_ASKED = noop("It was not asked in time.")
_COUNTED = (Target.ROUND_ROBIN, Target.LEAST_BUSY)


@dataclass(frozen=True)
class Decision:
    """A plan with all that it hung on, and how long it took in microseconds."""

    plan: Plan
    facts: Facts
    directory: Directory
    took_us: int = 0


@dataclass
class Case:
    """One message that rules and replies are asked about, within a story that holds its locks.

    Without a trigger no rule is asked. `asked` is what look-ups said; `is_again` if nobody was able
    before: then it was answered already.
    """

    came: Arrived
    trigger: Trigger | None
    rules: InForce
    story: Story
    is_again: bool = False
    asked: Mapping[str, Asked] = field(default_factory=dict)

    @property
    def row(self) -> Conversation:
        """Return the conversation."""
        return self.came.conversation

    # --- Deciding ---

    def decide(self) -> Decision:
        """Ask the rules. Where turns or loads count, nobody else does so at the same time.

        Of the whole account: its inboxes share people, and the rules that are asked first.
        """
        decision = self._decide(self._facts())
        if self._is_counted(decision.plan):
            lock_text(f"turns:{self.row.account_id}")
            decision = self._decide(decision.facts)
        return decision

    def decide_without(self, names: frozenset[str]) -> Decision:
        """Ask the rules; these look-ups cannot be waited for."""
        missing = {name: Answer(failure=NOT_ASKED) for name in names}
        return self._decide(self._facts(missing))

    def _decide(self, facts: Facts) -> Decision:
        row, now = self.row, self.story.now
        directory = directory_for(
            self.rules, facts, account=row.account_id, team=row.inbox_id, now=now
        )
        began = time.perf_counter_ns()
        plan = decide(facts, self.rules.rules, directory, now=now)
        return Decision(plan, facts, directory, (time.perf_counter_ns() - began) // 1000)

    def _facts(self, missing: Mapping[str, Answer] | None = None) -> Facts:
        return facts_of(
            self.came,
            self.trigger or Trigger.NEW,
            self.rules,
            languages=languages_told_apart(self.row.inbox, self.rules),
            asked=replies_of(self.row.inbox).facts(),
            answers={**answers_of(self.asked), **(missing or {})},
        )

    def _is_counted(self, plan: Plan) -> bool:
        """Say whether a plan hangs on what others are given at the same moment."""
        rule = next((rule for rule in self.rules.asked if rule.id == plan.rule), None)
        if rule is None or plan.needs:
            return False
        has_most = self.row.inbox.most_open is not None
        steps = rule.actions.ladder
        return any(has_most or step.to in _COUNTED or step.cap is not None for step in steps)

    # --- Acting ---

    def act(self, decision: Decision | None) -> None:
        """Do what a plan says: whose it is, what is answered, what becomes of it then."""
        if decision is None:
            self._answer(None)
            return
        plan = decision.plan
        is_repeated = self.is_again and self._had_acted(plan.rule)
        apply_plan(plan, self.row, self.trigger or Trigger.NEW, self.story)
        odd = keep_attributes(plan, self.row, self.story)
        answered = self._answer(decision, may_wait=not (plan.is_closing or plan.snooze_minutes))
        self._keep(decision, answered, odd, tells=bool(plan.webhooks) and not is_repeated)
        if not is_repeated:
            write_notes(plan, self.came.thread, self.row, self.story)
            put_away(plan, self.row, self.story)

    def _had_acted(self, rule: str) -> bool:
        """Say whether it was this rule that had found nobody: what else it wants was done then."""
        before = RoutingTrace.objects.filter(conversation=self.row).order_by("-id")
        return before.values_list("rule", flat=True).first() == rule

    def _answer(self, decision: Decision | None, *, may_wait: bool = True) -> Answered | None:
        if self.is_again or self.trigger is Trigger.TRANSFERRED:
            return None
        rule_reply = RuleReply.of(decision.plan) if decision else None
        is_told = rule_reply and (rule_reply.variants or rule_reply.is_silent)
        if not is_told and says_nothing(replies_of(self.row.inbox)):
            return None
        facts = decision.facts if decision else self._facts()
        answered = self._said(facts, rule_reply, may_wait=may_wait)
        if answered.needs:
            owe_answer(self.row, self.trigger, self.came.message.seq, now=self.story.now)
            write_fields(self.row)
        return answered

    def _said(self, facts: Facts, rule_reply: RuleReply | None, *, may_wait: bool) -> Answered:
        return answer(
            self.came,
            facts,
            rule_reply,
            self.story,
            is_new_conversation=self.trigger is Trigger.NEW,
            may_wait=may_wait,
        )

    # --- Answering later ---

    def answer_owed(self, *, is_final: bool) -> frozenset[str]:
        """Say what hung on CRMs; return which are to be asked before, unless this is final."""
        kept = RoutingTrace.objects.filter(
            conversation=self.row, message=self.came.message, trigger=self.row.routing_trigger
        ).first()
        rule_reply = RuleReply.kept(kept.rule, kept.plan) if kept else None
        answered = self._said(self._facts(), rule_reply, may_wait=not is_final)
        if answered.needs:
            return answered.needs
        rules_are_done(self.row)
        if kept and kept.has_nobody and self.row.owner_id is None:
            ask_rules_later(self.row, self.trigger or Trigger.NEW, now=self.story.now)
        write_fields(self.row)
        if kept:
            asked = {name: _lookup_json(one, ()) for name, one in self.asked.items()}
            kept.replies, kept.lookups = answered.as_json(), {**kept.lookups, **asked}
            kept.save(update_fields=["replies", "lookups"])
        return frozenset()

    def who_asks(self) -> Subject:
        """Return about whom CRMs are asked for an answer."""
        return Subject(self.came.thread.contact, self._facts().customer)

    # --- Keeping ---

    def _keep(
        self,
        decision: Decision,
        answered: Answered | None,
        odd: tuple[str, ...] = (),
        *,
        tells: bool = False,
    ) -> None:
        """Write down why, and whose turn it was; and that a webhook is owed if the rule tells."""
        plan, row, now = decision.plan, self.row, self.story.now
        trace = RoutingTrace(
            account_id=row.account_id,
            inbox_id=row.inbox_id,
            conversation=row,
            message=self.came.message,
            trigger=(self.trigger or Trigger.NEW).value,
            always_first_id=self.rules.always_first,
            version_id=self.rules.own,
            rule=plan.rule,
            has_nobody=plan.has_nobody,
            broken=broken_rules(plan.trace),
            marked=marking_rules(plan),
            webhook_at=now if tells else None,
            facts=facts_json(decision.facts, at=now),
            people=directory_json(decision.directory, plan),
            plan=plan_json(plan),
            rules=rules_json(plan.trace),
            lookups={name: _lookup_json(one, odd) for name, one in self.asked.items()},
            replies=answered.as_json() if answered else {},
            took_us=decision.took_us,
            at=now,
        )
        insert_row(trace)
        if tells:
            nudge_on_commit("sweep_webhooks")
        self._keep_turn(plan, now=now)

    def _keep_turn(self, plan: Plan, *, now: datetime) -> None:
        if plan.turn is None:
            return
        version = self.rules.version_of(plan.rule)
        books = RulebookVersion.objects.filter(pk__in=[version]).values_list("rulebook", flat=True)
        had = {"person_id": plan.turn.person}
        Turn.objects.update_or_create(
            rulebook_id=books.get(),
            key=plan.turn.key,
            defaults=had,
            create_defaults={**had, "account_id": self.row.account_id},
        )


def _lookup_json(asked: Asked, odd: tuple[str, ...]) -> dict[str, Any]:
    has_attributes = any(name.startswith(ATTRIBUTE) for name in asked.answer.fields)
    return {
        "kind": asked.kind,
        "at": asked.at.isoformat(),
        "took_ms": asked.took_ms,
        "cached": asked.is_cached,
        "failure": asked.answer.failure,
        "skipped": [*asked.skipped, *(odd if has_attributes else ())],
    }
