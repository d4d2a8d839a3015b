"""What does a row of the list show? Drawn once for everybody, and kept until that changes.

A row is a function of what it shows and of nothing else, so whoever loads a list draws only the
rows that have changed since this process drew them last. What one reader has not read is put in
afterwards.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from inbox import labels
from inbox.markup import without_indents
from inbox.models import Conversation, TeamInbox

KEPT = 4096  # rows a process remembers; each takes about 2.5 kB
GAP = "\0"  # where a reader's own marks go; no text from a database holds it
COUNT_LIMIT = 100
TAGS = 2  # a row shows


class Row(NamedTuple):
    """What a row shows, the same for every reader. `FIELDS` is where a query finds it."""

    public_id: str
    thread_id: str
    contact_id: str
    slug: str
    status: str
    owner_id: int | None
    owner_name: str | None
    given_name: str
    profile_name: str
    family: str
    phone: str
    key: str
    raw: str
    last_activity_at: datetime
    last_inbound_seq: int
    preview: str
    preview_kind: str
    preview_author: str
    preview_by: int | None
    has_failed_message: bool
    is_hidden: bool
    waiting_since: datetime | None
    snoozed_until: datetime | None
    promised_at: datetime | None = None
    priority: str = "normal"
    is_opted_out: bool = False
    after_claim: str = ""
    channel: str = ""
    due_at: datetime | None = None
    target_minutes: int = 15
    masks_numbers: bool = False
    opened_at: datetime | None = None
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Iterable[Any]) -> "Row":
        """Take what a query found at `FIELDS`."""
        *facts, tags = values
        return cls._make([*facts, tuple(tags)])

    @property
    def shown_tags(self) -> tuple[str, ...]:
        """Return the tags for which there is room."""
        return self.tags[:TAGS]

    @property
    def more_tags(self) -> int:
        """Count the tags for which there is no room."""
        return max(0, len(self.tags) - TAGS)

    @property
    def name(self) -> str:
        """Name the customer."""
        address = labels.address_words(
            phone=self.phone, key=self.key, raw=self.raw, is_masked=self.masks_numbers
        )
        name = self.given_name or self.profile_name
        number = self.phone or self.key.partition(":")[2]
        return labels.name_words(name, number, is_masked=self.masks_numbers) or address

    @property
    def last_words(self) -> str:
        """Return the last words, the customer's number masked in ours where the account does."""
        if not self.masks_numbers:
            return self.preview
        number = self.phone or self.key.partition(":")[2]
        return labels.shown_preview(self.preview_kind, self.preview, number)

    @property
    def badge(self) -> str:
        """Name the channel of the last message: a photo over SMS came as an MMS."""
        return self.channel if self.channel == "mms" and self.family == "sms" else self.family

    @property
    def priority_words(self) -> str:
        """Say how urgent it is; blank where it is as urgent as others."""
        is_usual = self.priority == Conversation.Priority.NORMAL
        return "" if is_usual else str(Conversation.Priority(self.priority).label)

    @property
    def priority_icon(self) -> str:
        """Choose the sign of a priority: more or less urgent is no matter of colour alone."""
        return "arrow-down" if self.priority == Conversation.Priority.LOW else "flag"

    @property
    def is_read_on(self) -> bool:
        """Say whether colleagues read what its owner alone answers."""
        is_read_only = self.after_claim == TeamInbox.AfterClaim.READ_ONLY
        return is_read_only and self.owner_id is not None and not self.is_closed

    @property
    def shown_due_at(self) -> datetime | None:
        """Return when escalation does something next, while a customer waits and none sleeps."""
        is_open = self.status == Conversation.Status.OPEN
        return self.due_at if is_open and self.waiting_since else None

    @property
    def has_moments(self) -> bool:
        """Say whether something is to happen at a time of its own; most rows ask no further."""
        is_snoozed = self.status == Conversation.Status.SNOOZED
        return bool(is_snoozed or self.promised_at or self.shown_due_at)

    @property
    def has_labels(self) -> bool:
        """Say whether there are tags or warnings; most rows ask no further."""
        return bool(self.tags or self.is_opted_out or self.is_hidden)

    @property
    def is_closed(self) -> bool:
        """Say whether the conversation is closed."""
        return self.status == Conversation.Status.CLOSED

    @property
    def is_note(self) -> bool:
        """Say whether the last words are an internal note."""
        return self.preview_kind == "out_note"

    @property
    def is_ours(self) -> bool:
        """Say whether the last words were ours, and whose."""
        return self.preview_kind.startswith("out_") and bool(self.preview_author)


FIELDS = (
    "public_id",
    "thread__public_id",
    "contact__public_id",
    "inbox__slug",
    "status",
    "owner_id",
    "owner__name",
    "contact__name",
    "contact__profile_name",
    "thread__address__family",
    "thread__address__phone",
    "thread__address__key",
    "thread__address__raw",
    "last_activity_at",
    "last_inbound_seq",
    "preview",
    "preview_kind",
    "preview_author",
    "preview_by_id",
    "has_failed_message",
    "is_hidden",
    "waiting_since",
    "snoozed_until",
    "promised_at",
    "priority",
    "is_opted_out",
    "inbox__after_claim",
    "preview_channel",
    "due_at",
    "inbox__target_minutes",
    "inbox__account__masks_numbers",
    "opened_at",
    "tags",
)


def row_of(conversation: Conversation) -> Row:
    """Take from a conversation what its row shows."""
    contact, thread, owner = conversation.contact, conversation.thread, conversation.owner
    address = thread.address
    return Row(
        conversation.public_id,
        thread.public_id,
        contact.public_id,
        conversation.inbox.slug,
        conversation.status,
        conversation.owner_id,
        owner.name if owner else None,
        contact.name,
        contact.profile_name,
        address.family,
        address.phone,
        address.key,
        address.raw,
        conversation.last_activity_at,
        conversation.last_inbound_seq,
        conversation.preview,
        conversation.preview_kind,
        conversation.preview_author,
        conversation.preview_by_id,
        conversation.has_failed_message,
        conversation.is_hidden,
        conversation.waiting_since,
        conversation.snoozed_until,
        conversation.promised_at,
        conversation.priority,
        conversation.is_opted_out,
        conversation.inbox.after_claim,
        conversation.preview_channel,
        conversation.due_at,
        conversation.inbox.target_minutes,
        labels.is_masked_for_all(conversation),
        conversation.opened_at,
        tuple(conversation.tags),
    )


def draw_row(row: Row, *, unread: int = 0) -> SafeString:
    """Draw a row; with `unread`, as it is for a reader who has not read so many messages."""
    return SafeString(_row(row, unread, False, get_language()))


def draw_rows(rows: Iterable[tuple[Row, int, bool]]) -> SafeString:
    """Draw rows, each with the number of messages that the reader has not read, and whether they
    have begun to write there."""
    language = get_language()
    return SafeString("\n".join(_row(*shown, language) for shown in rows))


def _row(row: Row, unread: int, has_draft: bool, language: str | None) -> str:
    start, to_number, to_words, end = _parts(row, language)
    mark, number, words = _unread(unread, language)
    draft = " data-draft" if has_draft else ""
    return f"{start}{mark}{draft}{to_number}{number}{to_words}{words}{end}"


@lru_cache(maxsize=KEPT)
def _parts(row: Row, language: str | None) -> tuple[str, ...]:
    html = render_to_string("inbox/_row.html", {"row": row, "gap": GAP}).strip()
    return tuple(without_indents(html).split(GAP))


@lru_cache(maxsize=2 * COUNT_LIMIT)
def _unread(number: int, language: str | None) -> tuple[str, str, str]:
    if not number:
        return "", "", ""
    shown = labels.capped(number)
    words = _("%(number)s unread") % {"number": shown}
    return (
        f' data-unread="{shown}"',
        shown,
        f'<span class="row-spoken visually-hidden">{words}</span>',
    )
