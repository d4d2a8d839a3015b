"""What repeats the words of a message elsewhere, and how does it lose them?

What shows the message itself (the thread, a quote, search, a hand-over, a transcript) has no words
of its own, and is not in here.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from inbox.forgetting.batches import empty_receipts
from inbox.forgetting.forms import IN_WORK
from inbox.models import Draft, Message, Receipt, RoutingTrace
from inbox.person_places import TELLING_TEXT, repeats
from routing.models import RuleExample

# So much of a text is kept with a condition that looked at it.
_SHOWN = 200
# Phones write a reaction out, with the words that it is about.
_WRITTEN_OUT = ("sms", "mms")


def together_with(message: Message) -> list[Message]:
    """Return a message and the others of its thread that say the same.

    Those are the tries to send it, and reactions that quote them. Its thread must be locked.
    """
    tries = _tries(message)
    reactions = Message.objects.filter(
        reply_to__in=[one.pk for one in tries],
        kind=Message.Kind.REACTION,
        channel__in=_WRITTEN_OUT,
    )
    return [*tries, *reactions.order_by("pk")]


def _tries(message: Message) -> list[Message]:
    first = message
    while first.resend_of:
        first = first.resend_of
    found: list[Message] = []
    one: Message | None = first
    while one:
        found.append(one)
        one = Message.objects.filter(resend_of=one).first()
    return found


def empty_copies(messages: "QuerySet[Message]", *, now: datetime) -> None:
    """Take the words of messages of one account out of what repeats them; they have them still."""
    rows = list(messages)
    mine = RuleExample.objects.filter(account__in={one.account_id for one in rows})
    mine.filter(repeats(messages)).delete()
    for one in rows:
        _empty_drafts(one, now=now)
        _empty_traces(one)
    _empty_forms(rows, now=now)


def _empty_drafts(message: Message, *, now: datetime) -> None:
    """Throw away what is an unsent copy: of a message that was called off, its author has one."""
    if message.body and message.conversation_id:
        rows = Draft.objects.filter(conversation=message.conversation_id, body=message.body)
        rows.update(body="", revision=F("revision") + 1, written_at=now)


def _empty_traces(message: Message) -> None:
    of_it = Q(conversation=message.conversation_id) | Q(message=message)
    for trace in RoutingTrace.objects.filter(of_it):
        is_about_it = trace.message_id == message.pk
        rules = _without(message.body, _unread(trace.rules) if is_about_it else trace.rules)
        plan = _without(message.body, trace.plan)
        if (rules, plan) != (trace.rules, trace.plan):
            RoutingTrace.objects.filter(pk=trace.pk).update(rules=rules, plan=plan)


def _unread(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what became of rules, without the text that their conditions read."""
    return [
        {
            **rule,
            "tested": [
                {**one, "actual": ""} if one.get("fact") == "text" else one
                for one in rule.get("tested", ())
            ],
        }
        for rule in rules
    ]


def _without(words: str, value: Any) -> Any:
    """Return JSON in which no text repeats these words, unless they are too few to tell."""
    if len(words) < TELLING_TEXT:
        return value
    if isinstance(value, dict):
        return {name: _without(words, one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(words, one) for one in value]
    is_repeated = isinstance(value, str) and (words in value or value == words[:_SHOWN])
    return "" if is_repeated else value


def _empty_forms(messages: Iterable[Message], *, now: datetime) -> None:
    """Empty the webhooks that brought them, or told of them, and whose story is told."""
    for one in messages:
        rows = Receipt.objects.filter(account=one.account_id, message_sid=one.provider_sid or None)
        left = rows.filter(forgotten_at=None).exclude(state__in=IN_WORK)
        empty_receipts(list(left.values_list("pk", flat=True)), now=now)
