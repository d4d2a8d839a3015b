"""What does an inbox say by itself? Its document, read once and kept."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from compliance.opt_out_links import sample_link
from inbox.models import TeamInbox
from inbox.rulebooks import InForce, in_force
from routing.escalation import Do, Step
from routing.models import Rulebook
from routing.reading import DocumentError
from routing.replies import FirstMessageReply, FirstWhen, Replies, languages_of
from routing.reply_documents import document_of, read_replies
from routing.texts import Text
from routing.wording import Variant

logger = logging.getLogger(__name__)
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def replies_of(inbox: TeamInbox) -> Replies:
    """Return what an inbox says by itself, without asking the database.

    Where its document names no language, the inbox's own speaks, and English where it has none. A
    document that cannot be followed says nothing: a customer's words count for more.
    """
    return replace(
        _read(_key(inbox), inbox.language),
        inbox_name=inbox.name,
        bot_name=inbox.bot_name,
        opt_out_link=_an_example(inbox.account_id),
    )


@lru_cache(maxsize=1024)
def _an_example(account_id: int) -> str:
    """Return what stands for a customer's own link where nobody in particular is answered."""
    return sample_link(account_id, now=_ANY_DAY)


def says_nothing(replies: Replies) -> bool:
    """Say whether there is nothing that may answer a message."""
    may = (*replies.keyword, replies.after_hours, replies.first_message)
    return not any(reply and reply.is_on for reply in may)


def languages_told_apart(inbox: TeamInbox, rules: InForce) -> tuple[str, ...]:
    """Return the languages in which messages of an inbox make a difference; none if one speaks."""
    return _languages(_key(inbox), inbox.language, rules.always_first, rules.own)


def reminder_of(inbox: TeamInbox) -> Step | None:
    """Return the step on which a customer who waits is told that they are not forgotten, if any."""
    said = replies_of(inbox).still_waiting
    return Step(said.after, said.clock, do=Do.REMIND) if said and said.is_on else None


def tells_languages_apart() -> bool:
    """Say whether there may be an inbox in which a message's language makes a difference."""
    inboxes = TeamInbox.objects.filter(is_on=True).annotate(said=Cast("replies", TextField()))
    rules = Rulebook.objects.filter(published__isnull=False)
    rules = rules.annotate(said=Cast("published__document", TextField()))
    # A text for one language, a condition that asks for it, or a rule's texts by language.
    return (
        inboxes.filter(said__contains='"language"').exists()
        or rules.filter(Q(said__contains='"language"') | Q(said__contains='"reply"')).exists()
    )


def greeting(text: str, when: FirstWhen = FirstWhen.PER_CONVERSATION) -> dict[str, Any]:
    """Return the document of an inbox that greets, and says nothing else by itself."""
    first = FirstMessageReply((Variant(Text.parse(text)),), when)
    return document_of(Replies(first_message=first, default_language=""))


def _key(inbox: TeamInbox) -> str:
    return json.dumps(inbox.replies, sort_keys=True)


@lru_cache(maxsize=1024)
def _read(document: str, language: str) -> Replies:
    try:
        replies = read_replies(json.loads(document))
    except DocumentError as error:
        logger.error("replies cannot be followed: %s", error.problems[0].where)
        replies = Replies(default_language="")
    return replace(replies, default_language=replies.default_language or language or "en")


@lru_cache(maxsize=1024)
def _languages(
    document: str, language: str, always_first: int | None, own: int | None
) -> tuple[str, ...]:
    return languages_of(_read(document, language), in_force(always_first, own).asked)
