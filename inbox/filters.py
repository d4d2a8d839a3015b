"""Which conversations of a list does somebody want, and in which order?

A filter only ever takes away from what its reader may see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Exists, IntegerField, OuterRef, Q, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce, Lower

from accounts.numbers import number_in
from inbox.models import Attachment, Conversation, ReadCursor
from inbox.models.conversation import ConversationQuerySet
from routing.reading import is_language

LONGEST_TAG = 40
LONGEST_LANGUAGE = 12
CHANNELS = ("sms", "whatsapp", "rcs", "messenger")
# Minutes somebody has waited at least.
WAITS = (15, 60, 4 * 60, 24 * 60)


class Sort(StrEnum):
    """In which order rows stand."""

    NEWEST = "newest"
    OLDEST = "oldest"
    WAITING = "waiting"
    DUE = "due"
    PRIORITY = "priority"
    CREATED = "created"

    @classmethod
    def named(cls, name: str) -> "Sort":
        """Return the order of this name, or the newest first."""
        return cls(name) if name in set(cls) else cls.NEWEST

    @property
    def field(self) -> str:
        """Name the moment by which rows are put in order, among those of one priority."""
        return _FIELDS.get(self, "last_activity_at")

    @property
    def ordering(self) -> tuple[str, str]:
        """Return what a query is ordered by; no two rows are equal."""
        sign = "-" if self in _LATEST_FIRST else ""
        return f"{sign}{self.field}", f"{sign}id"

    def after(self, at: Any, pk: Any) -> Q:
        """Keep what comes after a row of that moment and key."""
        side = "lt" if self in _LATEST_FIRST else "gt"
        is_beyond = Q(**{f"{self.field}__{side}": at})
        is_beside = Q(**{self.field: at, f"pk__{side}": pk})
        # Said once more, alone, so that an index finds the place.
        return (is_beyond | is_beside) & Q(**{f"{self.field}__{side}e": at})


_FIELDS = {Sort.WAITING: "waiting_since", Sort.DUE: "due_at", Sort.CREATED: "opened_at"}
_LATEST_FIRST = {Sort.NEWEST, Sort.PRIORITY, Sort.CREATED}
# The most urgent first.
URGENCY = tuple(reversed(Conversation.Priority.values))


@dataclass(frozen=True)
class Filter:
    """What is wanted of a part of the list. `waiting` is minutes; 0 and blank ask nothing."""

    channel: str = ""
    tag: str = ""
    waiting: int = 0
    is_unread: bool = False
    sort: Sort = Sort.NEWEST
    is_promised: bool = False
    priority: str = ""
    language: str = ""
    has_media: bool = False
    is_failed: bool = False

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filter":
        """Read from an address; what makes no sense there asks nothing."""
        waiting = number_in(given.get("waiting", ""))
        return cls(
            channel=_one_of(CHANNELS, given.get("channel", "")),
            tag=" ".join(given.get("tag", "").replace("\0", "").split())[:LONGEST_TAG],
            waiting=waiting if waiting in WAITS else 0,
            is_unread=given.get("unread", "") == "1",
            sort=Sort.named(given.get("sort", "")),
            is_promised=given.get("promised", "") == "1",
            priority=_one_of(Conversation.Priority.values, given.get("priority", "")),
            language=_language_in(given.get("language", "")),
            has_media=given.get("media", "") == "1",
            is_failed=given.get("failed", "") == "1",
        )

    @property
    def is_plain(self) -> bool:
        """Say whether nothing is asked: the whole list, the newest first."""
        return self == Filter()

    @property
    def is_narrow(self) -> bool:
        """Say whether there may be rows that it leaves out."""
        return self.number > 0

    @property
    def number(self) -> int:
        """Count what narrows the list, for the button that shows it."""
        return sum(name != "sort" for name in self.as_query())

    def as_query(self) -> dict[str, str]:
        """Return the part of an address that says the same."""
        said = {
            "channel": self.channel,
            "tag": self.tag,
            "waiting": str(self.waiting or ""),
            "unread": "1" if self.is_unread else "",
            "promised": "1" if self.is_promised else "",
            "priority": self.priority,
            "language": self.language,
            "media": "1" if self.has_media else "",
            "failed": "1" if self.is_failed else "",
            "sort": "" if self.sort is Sort.NEWEST else str(self.sort),
        }
        return {name: value for name, value in said.items() if value}


def filtered(
    conversations: ConversationQuerySet, wanted: Filter, *, me: int, now: datetime
) -> ConversationQuerySet:
    """Keep what is wanted of conversations that this person may see."""
    conversations = conversations.filter(_what_it_is(wanted))
    if wanted.tag:
        written = conversations.alias(plain_tags=_TAGS)
        conversations = written.filter(Q(plain_tags__contains=[wanted.tag.lower()]))
    if wanted.waiting:
        since = now - timedelta(minutes=wanted.waiting)
        conversations = conversations.filter(waiting_since__lte=since)
    if wanted.sort in {Sort.WAITING, Sort.DUE}:
        conversations = conversations.filter(waiting_since__isnull=False)
    if wanted.sort is Sort.DUE:
        conversations = conversations.filter(due_at__isnull=False)
    return conversations.filter(unread_by(me)) if wanted.is_unread else conversations


def _what_it_is(wanted: Filter) -> Q:
    """Say what is asked of a conversation, whoever looks and whenever."""
    asked = Q()
    if wanted.channel:
        asked &= Q(thread__address__family=wanted.channel)
    if wanted.is_promised:
        asked &= Q(promised_at__isnull=False)
    if wanted.priority:
        asked &= Q(priority=wanted.priority)
    if wanted.language:
        asked &= _spoken(wanted.language)
    if wanted.is_failed:
        asked &= Q(has_failed_message=True)
    return asked & Q(Exists(_FILES)) if wanted.has_media else asked


# However they are written: two tags that differ in that alone are one.
_TAGS = Cast(Lower(Cast("tags", TextField())), ArrayField(TextField()))
_FILES = Attachment.objects.filter(
    message__conversation=OuterRef("pk"), state=Attachment.State.READY
)


def _spoken(language: str) -> Q:
    """Say that this is noted as the customer's language, or one of its regions."""
    return Q(contact__language=language) | Q(contact__language__startswith=f"{language}-")


def _one_of(known: Iterable[str], said: str) -> str:
    return said if said in known else ""


def _language_in(said: str) -> str:
    return said if len(said) <= LONGEST_LANGUAGE and is_language(said) else ""


def unread_by(me: int) -> Q:
    """Say that a customer wrote something there that this person has not read."""
    cursor = ReadCursor.objects.filter(user=me, conversation=OuterRef("pk")).values("seq")[:1]
    read = Coalesce(Subquery(cursor), Value(0), output_field=IntegerField())
    return Q(last_inbound_seq__gt=read)
