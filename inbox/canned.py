"""Which canned replies may somebody use in a conversation, and how often were they used?"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from inbox.models import CannedReply, Conversation
from routing.texts import ALWAYS_THERE, Variable

OFFERED = 8  # in the list under a slash
LONGEST_SEARCH = 80
MOST_COUNTED = 10  # of one message

# What canned replies name besides what every text of an account may name.
AGENT: Mapping[str, Variable] = MappingProxyType(
    {"agent.name": ALWAYS_THERE, "agent.first_name": ALWAYS_THERE}
)


def usable(conversation: Conversation, *, me: int) -> "QuerySet[CannedReply]":
    """Return the canned replies that `me` may use here: the account's, the inbox's and their own.

    That they may write here at all is for the caller to see to.
    """
    mine = Q(person=me) | Q(inbox=conversation.inbox_id) | Q(inbox=None, person=None)
    return CannedReply.objects.filter(mine, account=conversation.account_id)


def found(conversation: Conversation, words: str, *, me: int) -> "QuerySet[CannedReply]":
    """Return the few that fit best, with all of these words in shortcut or text.

    First those whose shortcut begins with what is asked, then those that have it somewhere in the
    shortcut, then those that say it; the most used of each first.
    """
    rows = usable(conversation, me=me)
    for word in words.split():
        rows = rows.filter(Q(shortcut__icontains=word) | Q(body__icontains=word))
    rank = Case(
        When(shortcut__istartswith=words, then=Value(0)),
        When(shortcut__icontains=words, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.order_by(rank, "-uses", "shortcut", "pk")[:OFFERED]


def count_uses(
    public_ids: Iterable[str], conversation: Conversation, *, me: int, now: datetime
) -> None:
    """Count that a message was made of these canned replies; those `me` may not use do not count.

    Call it last in the transaction that writes the message: colleagues who use the same one wait
    for each other only from here to the end. Always in one order, so that no two wait for ever.
    """
    wanted = sorted(set(public_ids))[:MOST_COUNTED]
    if not wanted:
        return
    rows = usable(conversation, me=me).filter(public_id__in=wanted).order_by("pk")
    for pk in list(rows.values_list("pk", flat=True)):
        CannedReply.objects.filter(pk=pk).update(uses=F("uses") + 1, last_used_at=now)
