"""What is taken out of each place once a person is nobody any more, some rows at a time?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from inbox.broadcast import announce
from inbox.conversations import locked_conversation
from inbox.forgetting.batches import (
    REMOVED,
    SIZE,
    empty_messages,
    empty_receipts,
    empty_timeline,
    forget_files,
)
from inbox.forgetting.forms import IN_WORK, settled_about
from inbox.forgetting.remote import owe_deletions
from inbox.models import (
    Attachment,
    ConsentReview,
    Conversation,
    ConversationEvent,
    CrmAnswer,
    Draft,
    Erasure,
    LegalHold,
    MergeLog,
    Message,
    Receipt,
    RoutingTrace,
)
from inbox.models.message import Forgotten
from inbox.person_places import Whom, rows_of
from inbox.story import Story
from routing.models import CrmRow, RuleExample

# How many receipts are looked through at once for who nobody placed.
LOOKED_THROUGH = 20_000
# What somebody may have on the screen.
SHOWN_CONVERSATIONS, SHOWN_MESSAGES = 3, 50


@dataclass(frozen=True)
class Step:
    """How many rows went, and where to go on; 0: the step is done."""

    number: int
    after: int = 0


Taking = Callable[[Erasure, Whom, datetime], Step]


def _delete(model: type[Model]) -> Taking:
    def take(row: Erasure, whom: Whom, now: datetime) -> Step:
        numbers = list(rows_of(model, whom).order_by("pk").values_list("pk", flat=True)[:SIZE])
        model._default_manager.filter(pk__in=numbers).delete()
        return Step(len(numbers), numbers[-1] if len(numbers) == SIZE else 0)

    return take


def _drafts(row: Erasure, whom: Whom, now: datetime) -> Step:
    """Delete what colleagues began to write to them, with the files they put to it."""
    found = list(rows_of(Draft, whom).order_by("pk").values_list("pk", "files")[:SIZE])
    named = [public_id for _number, files in found for public_id in files]
    unsent = Attachment.objects.filter(account=whom.account_id, message=None, public_id__in=named)
    forget_files(list(unsent), why=Forgotten.ERASURE, now=now)
    numbers = [number for number, _files in found]
    Draft.objects.filter(pk__in=numbers).delete()
    return Step(len(numbers), numbers[-1] if len(numbers) == SIZE else 0)


def _receipts(row: Erasure, whom: Whom, now: datetime) -> Step:
    left = rows_of(Receipt, whom).filter(forgotten_at=None).exclude(state__in=IN_WORK)
    numbers = list(left.order_by("pk").values_list("pk", flat=True)[:SIZE])
    empty_receipts(numbers, now=now)
    return Step(len(numbers), numbers[-1] if len(numbers) == SIZE else 0)


def _strays(row: Erasure, whom: Whom, now: datetime) -> Step:
    """Empty what came from or went to them and made no message: strays, repeats, refusals."""
    after = row.counts.get("after", 0)
    mine = Receipt.objects.filter(account=whom.account_id, pk__gt=after).order_by("pk")
    slice_ = list(mine.values_list("pk", flat=True)[:LOOKED_THROUGH])
    if not slice_:
        return Step(0)
    gone = empty_receipts(settled_about(whom, after, slice_[-1]), now=now)
    return Step(gone, slice_[-1] if len(slice_) == LOOKED_THROUGH else 0)


def _files(row: Erasure, whom: Whom, now: datetime) -> Step:
    left = rows_of(Attachment, whom).exclude(forgotten_for=Forgotten.ERASURE.value)
    found = list(left.order_by("pk")[:SIZE])
    forget_files(found, why=Forgotten.ERASURE, now=now)
    return Step(len(found), found[-1].pk if len(found) == SIZE else 0)


def _reviews(row: Erasure, whom: Whom, now: datetime) -> Step:
    rows = rows_of(ConsentReview, whom)
    gone = rows.exclude(reason="").exclude(reason=REMOVED).update(reason=REMOVED)
    # Whoever is erased has nothing left to be decided.
    rows.filter(decided_at=None).update(
        decided_at=now, outcome=ConsentReview.Outcome.MOOT, next_at=None
    )
    return Step(gone)


def _holds(row: Erasure, whom: Whom, now: datetime) -> Step:
    rows = rows_of(LegalHold, whom)
    rows.exclude(lift_reason="").update(lift_reason=REMOVED)
    return Step(rows.exclude(reason=REMOVED).update(reason=REMOVED))


def _timeline(row: Erasure, whom: Whom, now: datetime) -> Step:
    numbers = rows_of(ConversationEvent, whom).values_list("pk", flat=True)
    return Step(empty_timeline(Q(pk__in=list(numbers))))


def _messages(row: Erasure, whom: Whom, now: datetime) -> Step:
    """Owe Twilio's deletion of each, then empty it: whoever is stopped in between owes it still."""
    left = rows_of(Message, whom).exclude(forgotten_for=Forgotten.ERASURE.value)
    numbers = list(
        left.filter(pk__gt=row.counts.get("after", 0))
        .order_by("pk")
        .values_list("pk", flat=True)[:SIZE]
    )
    if not row.counts.get("after"):
        owe_deletions(row, now=now)
    with transaction.atomic():
        empty_messages(numbers, why=Forgotten.ERASURE, now=now)
        again = Message.objects.filter(pk__in=numbers)
        again.update(error_words="", forgotten_at=now, forgotten_for=Forgotten.ERASURE.value)
    return Step(len(numbers), numbers[-1] if len(numbers) == SIZE else 0)


def _conversations(row: Erasure, whom: Whom, now: datetime) -> Step:
    rows = rows_of(Conversation, whom)
    gone = rows.update(tags=[], close_reason="", preview="", preview_author="")
    with transaction.atomic():
        _tell_open_pages(rows, now)
    return Step(gone)


def _tell_open_pages(rows: "QuerySet[Conversation]", now: datetime) -> None:
    """Let browsers that show the last conversations draw them anew, as far as anybody looks."""
    story = Story(now=now)
    for one in rows.order_by("-pk")[:SHOWN_CONVERSATIONS]:
        row = locked_conversation(one)
        story.contact_updated(row, "name")
        for message in row.messages.order_by("-seq")[:SHOWN_MESSAGES]:
            story.message_updated(row, message, "words")
    announce(story.announcements(), now=now)


# In this order: what finds others goes after them.
STEPS: Sequence[tuple[str, Taking]] = (
    ("ruleexample", _delete(RuleExample)),
    ("crmrow", _delete(CrmRow)),
    ("crmanswer", _delete(CrmAnswer)),
    ("mergelog", _delete(MergeLog)),
    ("routingtrace", _delete(RoutingTrace)),
    ("draft", _drafts),
    ("receipt", _receipts),
    ("receipt_strays", _strays),
    ("attachment", _files),
    ("consentreview", _reviews),
    ("legalhold", _holds),
    ("conversationevent", _timeline),
    ("message", _messages),
    ("conversation", _conversations),
)
