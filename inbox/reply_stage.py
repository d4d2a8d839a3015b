"""What is answered by itself? Stage 8 of a message (behaviour 5): choose, ask the gate, promise."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from compliance.gate import Purpose, Reason
from compliance.opt_out_links import opt_out_link
from inbox.autoreply import history_of, remember_reply
from inbox.contacts import address_of
from inbox.lookups.asking import Subject, known_already
from inbox.models import Conversation, ConversationEvent, Thread
from inbox.reply_settings import replies_of
from inbox.routing_facts import Arrived, with_answers
from inbox.sending import Wanted, queue_message, verdict_on
from inbox.setup.reply_variables import with_crm
from inbox.story import Story
from routing.facts import Facts
from routing.replies import (
    Considered,
    Replies,
    Reply,
    RuleReply,
    Silence,
    choose,
    lookups_wanted,
    wanted,
)

OTHERS_FIRST = "others are asked first"
_SILENT = ConversationEvent.Verb.SILENT
_TOLD_ONCE_IN = timedelta(hours=24)


@dataclass(frozen=True)
class Answered:
    """What became of the thought of answering: a text that is on its way, or why there is none.

    `needs` are CRMs that are to be asked before anything is said.
    """

    verdict: Reply | Silence
    needs: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """Return the form that is kept with a decision, without the words."""
        said = isinstance(self.verdict, Reply)
        return {
            "said": self.verdict.kind.value if isinstance(self.verdict, Reply) else "",
            "language": self.verdict.language if isinstance(self.verdict, Reply) else "",
            "why_silent": "" if said else getattr(self.verdict, "reason", ""),
            "considered": [_considered(one) for one in self.verdict.trace],
        }


def _considered(one: Considered) -> dict[str, str]:
    return {"kind": one.kind.value, "name": one.name, "outcome": one.outcome}


def answer(
    came: Arrived,
    facts: Facts,
    rule_reply: RuleReply | None,
    story: Story,
    *,
    is_new_conversation: bool,
    may_wait: bool = False,
) -> Answered:
    """Answer a message by the first reply that applies, if every guard lets it pass.

    The thread must be locked. What is promised here is asked about again when it is sent. If it
    `may_wait`, nothing is said yet that hangs on a CRM which was not asked.
    """
    thread, row = came.thread, came.conversation
    replies = with_link(replies_of(row.inbox), thread, now=story.now)
    if rule_reply and rule_reply.lookups():
        replies = with_crm(replies, row.account_id)
    facts = knowing(facts, lookups_wanted(replies, rule_reply), came, story)
    history = history_of(
        thread,
        row,
        came.message,
        is_new_conversation=is_new_conversation,
        refusal=refusal_of(came, story),
        now=story.now,
    )
    may_wait = may_wait and not came.message.was_found_late
    if may_wait and (names := wanted(facts, replies, rule_reply, history, now=story.now)):
        return Answered(Silence(OTHERS_FIRST), names)
    verdict = choose(facts, replies, rule_reply, history, now=story.now)
    if isinstance(verdict, Silence):
        if verdict.is_loop:
            _tell_of_loop(row, verdict, story)
        return Answered(verdict)
    promise(came, verdict, story)
    return Answered(verdict)


def with_link(replies: Replies, thread: Thread, *, now: datetime) -> Replies:
    """Return replies that know by which link this very customer stops our messages.

    Made when it is said and kept nowhere but in the message: whoever has it can opt them out.
    """
    link = opt_out_link(thread.account_id, address_of(thread), now=now)
    return replace(replies, opt_out_link=link)


def knowing(facts: Facts, names: frozenset[str], came: Arrived, story: Story) -> Facts:
    """Return facts with what is known of these look-ups without asking anybody."""
    names -= facts.answers.keys()
    if not names:
        return facts
    subject = Subject(came.thread.contact, facts.customer)
    account_id = came.conversation.account_id
    answers = known_already(names, account_id=account_id, subject=subject, now=story.now)
    return with_answers(facts, answers)


def promise(came: Arrived, reply: Reply, story: Story) -> None:
    """Let a reply be sent, and remember that it was said. The thread must be locked."""
    row = came.conversation
    message = queue_message(
        thread=came.thread,
        conversation=row,
        body=reply.text,
        purpose=Purpose.AUTO_REPLY,
        bot_name=reply.bot_name or row.inbox.bot_name,
        answered_by={"kind": reply.kind.value, "name": reply.name},
        story=story,
    )
    remember_reply(message, came.message, reply)


def refusal_of(came: Arrived, story: Story) -> str:
    """Return why the gate would not let an automatic reply pass; at a paused sender it waits."""
    verdict = verdict_on(came.thread, Wanted(Purpose.AUTO_REPLY, None, story.now), now=story.now)
    if verdict.is_allowed or verdict.reason is Reason.SENDER_PAUSED:
        return ""
    return verdict.words


def _tell_of_loop(row: Conversation, silence: Silence, story: Story) -> None:
    """Say in the timeline, once a day for each reason, that two machines seem to talk."""
    before = ConversationEvent.objects.filter(
        conversation=row,
        verb=_SILENT,
        at__gt=story.now - _TOLD_ONCE_IN,
        data__reason=silence.reason,
    )
    if not before.exists():
        story.record(row, _SILENT, label="Team Inbox", reason=silence.reason, is_loop=True)
