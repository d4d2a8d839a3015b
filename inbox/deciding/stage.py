"""What do rules and replies make of a message that just came? Within its story, thread locked."""

import logging

from accounts.access import feature_is_on
from accounts.models import Feature
from accounts.prepared import write_fields
from inbox.deciding.case import Case
from inbox.models import Conversation, ConversationEvent, Message
from inbox.reply_settings import replies_of, says_nothing
from inbox.rerouting import ask_rules
from inbox.routing_facts import Arrived
from inbox.rulebooks import NONE, rules_for
from inbox.story import Story
from routing.facts import Trigger

logger = logging.getLogger(__name__)


def follow_rules(came: Arrived, story: Story) -> None:
    """Give a conversation to whom rules name, and answer by itself what is to be answered.

    A fault in it leaves the conversation with its whole team: rules never hide a customer's words.
    """
    row = came.conversation
    trigger = _trigger(row, story)
    rules = rules_for(row.inbox, now=story.now) if trigger else NONE
    is_anything = bool(rules.asked) or not says_nothing(replies_of(row.inbox))
    if not is_anything or not may_act(came, story):
        return
    try:
        with story.savepoint():
            _follow(Case(came, trigger, rules, story))
    except Exception:
        logger.exception("routing failed for message %s: the whole team gets it", came.message.pk)
        row.refresh_from_db()


def may_act(came: Arrived, story: Story) -> bool:
    """Say whether anything may act here by itself (behaviour: decisions 8 and 9)."""
    row = came.conversation
    if row.is_hidden or not row.inbox.is_on or came.message.kind == Message.Kind.REACTION:
        return False
    needed = [Feature.TEAM_INBOX, *([Feature.WHATSAPP] if came.thread.sender.is_whatsapp else [])]
    return all(feature_is_on(row.account_id, feature, now=story.now) for feature in needed)


def _trigger(row: Conversation, story: Story) -> Trigger | None:
    """Say why rules are to be asked; None if they are not: it is owned, or routed already."""
    if row.owner_id is not None:
        return None
    if story.began(row):
        return Trigger.NEW
    is_back = story.has_recorded(row, ConversationEvent.Verb.REOPENED)
    return Trigger.REOPENED if is_back else None


def _follow(case: Case) -> None:
    row = case.row
    if row.routing in (Conversation.Routing.ASKING, Conversation.Routing.ANSWERING):
        # What is answered to the message that rules are asked about stands for this one too.
        return
    decision = case.decide() if case.rules.asked else None
    if decision and decision.plan.needs:
        # Until others have answered only supervisors see it.
        row.is_team_wide = False
        ask_rules(row, case.trigger or Trigger.NEW, now=case.story.now)
        write_fields(row)
    else:
        case.act(decision)
