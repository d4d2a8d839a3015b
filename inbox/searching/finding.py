"""What does a person find? Contacts, conversations and messages they may see now, newest first.

Every hit is in a conversation of `access.conversations_of(viewer)` at the moment of asking. Work is
bounded: messages are looked for among the newest, then in the index of words unless too many hold
them, then among the few that the operators or the reader's sight leave, and where all that is too
many, among more of the newest: such a page is partial, and the next one goes on from where it
ended. Nothing sorts all that holds a word. One statement that takes too long ends it all with
`TooSlowError`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import F, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from accounts.access import Viewer
from accounts.prepared import is_any
from inbox import labels
from inbox.access import conversations_of, inboxes_of
from inbox.models import Conversation, Message, Participant, TeamInbox
from inbox.models.conversation import ConversationQuerySet
from inbox.searching.matching import (
    Stems,
    as_tsquery,
    by_index,
    by_reading,
    by_signs,
    contacts_in,
    contacts_named,
    has_words,
    in_parts,
    stems_of,
)
from inbox.searching.operators import Narrowing, narrow
from inbox.searching.parsing import Query
from inbox.searching.snippets import Piece, snippet

IN_A_GROUP = 5
ON_A_PAGE = 30
NEWEST = 1_000  # messages that are read before the index is asked
COMMON = 100  # of those, that hold a word: from then on it is asked whether the index is worth it
RARE = 5_000  # messages of a word that are all looked at
READ_AT_MOST = 30_000  # messages that are read at once
FEW = 1_000  # conversations whose messages are all looked at
TIME_LIMIT_MS = 2_000  # for one statement
_EPOCH = datetime.fromtimestamp(0, UTC)
_LATEST = 99_999_999_999_999_999  # microseconds: later than anything


class TooSlowError(Exception):
    """A search would have taken too long. `.reason` says how to look for less."""

    def __init__(self) -> None:
        self.reason = _(
            "This search took too long. Add another word, a name, or days (after:2026-05-01)."
        )
        super().__init__(self.reason)


class Kind(StrEnum):
    """What can be found."""

    CONTACTS = "contacts"
    CONVERSATIONS = "conversations"
    MESSAGES = "messages"


@dataclass(frozen=True)
class Hit:
    """One result: whom it is about, where, when, who has it; and what was said.

    `message` is the public id of a message, blank for contacts and conversations.
    """

    kind: Kind
    conversation: Conversation
    at: datetime
    pieces: Sequence[Piece]
    message: str = ""
    author: str = ""
    is_note: bool = False

    @property
    def name(self) -> str:
        """Name the customer."""
        return labels.customer_name(self.conversation)

    @property
    def agent(self) -> str:
        """Name who has the conversation; blank: nobody."""
        owner = self.conversation.owner
        return owner.name if owner else ""

    @property
    def contact_id(self) -> str:
        """Return the customer's public id."""
        return self.conversation.contact.public_id


@dataclass(frozen=True)
class Group:
    """Hits of one kind. `next_before` is where a page goes on; blank: that was all.

    `is_partial`: only the newest were looked at, for there are too many; there may be more than
    these hits, and also where there are none.
    """

    kind: Kind
    hits: Sequence[Hit]
    next_before: str = ""
    is_partial: bool = False

    @property
    def goes_further(self) -> bool:
        """Say whether its next page looks at what was not looked at, and not at more hits."""
        return self.is_partial and bool(self.next_before)


@dataclass(frozen=True)
class Found:
    """What a search found, and which of its operators cannot be followed and why.

    `notes` say what was not looked at.
    """

    query: Query
    groups: Sequence[Group] = ()
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def has_hits(self) -> bool:
        """Say whether there is anything."""
        return any(group.hits for group in self.groups)

    @property
    def is_partial(self) -> bool:
        """Say whether there may be more than what was looked at."""
        return any(group.is_partial for group in self.groups)


class Narrowed(NamedTuple):
    """What a search leaves of conversations, and whether only the newest were looked at."""

    conversations: ConversationQuerySet
    is_partial: bool = False


def find(
    viewer: Viewer,
    query: Query,
    *,
    now: datetime,
    kind: Kind | None = None,
    before: str = "",
) -> Found:
    """Look for what a query asks: a few of each kind, or a page of one kind.

    `before` is the `next_before` of the page before. Raises TooSlowError, and Http404 for a page
    that cannot be.
    """
    if query.is_too_short or not viewer.may_see:
        return Found(query)
    limit = ON_A_PAGE if kind else IN_A_GROUP
    with _bounded():
        narrowing = narrow(viewer, query.chips, now=now)
        if narrowing.problems:
            return Found(query, problems=narrowing.problems)
        place = _place_of(before) if before else None
        sight = conversations_of(viewer)
        search = _Search(viewer, sight, query, narrowing, limit, place)
        kinds = [kind] if kind else list(Kind)
        return Found(query, [search.group(one) for one in kinds], notes=narrowing.notes)


def narrowed(
    viewer: Viewer, conversations: ConversationQuerySet, query: Query, *, now: datetime
) -> Narrowed:
    """Keep conversations in which somebody finds what a query asks: by name, number or words.

    Give it what the reader may see. Raises TooSlowError.
    """
    if not query.words and not query.chips:
        return Narrowed(conversations.none() if query.text else conversations)
    with _bounded():
        narrowing = narrow(viewer, query.chips, now=now)
        if narrowing.problems:
            return Narrowed(conversations.none())
        search = _Search(viewer, conversations, query, narrowing, RARE, None)
        kept = conversations.filter(narrowing.conversations)
        if not query.words:
            return Narrowed(kept.filter(narrowing.times("last_activity_at")))
        found, ended = search.messages()
        said = {message.conversation_id for message in found}
        is_partial = bool(ended or search.contacts.goes_on) or len(found) > RARE
        about = Q(contact__in=search.contacts.pks)
        return Narrowed(kept.filter(about | Q(pk__in=said)), is_partial or bool(narrowing.notes))


@contextmanager
def _bounded() -> Iterator[None]:
    """Let no statement take long, and none read a whole table. Raises TooSlowError."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'),"
                " set_config('statement_timeout', %s, true),"
                " set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)",
                [str(TIME_LIMIT_MS)],
            )
            (before, *_set) = cursor.fetchone()
            yield
            # Around us there may be a transaction that goes on.
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true),"
                " set_config('enable_seqscan', 'on', true)",
                [before],
            )
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooSlowError from error
        raise


@dataclass(frozen=True)
class _Place:
    """Where a page ends: a moment, and the number of a row of that moment.

    `below` is given where all contacts from that key on have been looked through.
    """

    at: datetime
    pk: int
    below: int = 0


def _place_of(cursor: str) -> _Place:
    parts = cursor.split(".")
    if not 2 <= len(parts) <= 3 or not all(one.isdecimal() and len(one) <= 18 for one in parts):
        raise Http404("No such page.")
    micros, pk, below = (*map(int, parts), 0)[:3]
    if micros > _LATEST:
        raise Http404("No such page.")
    return _Place(_EPOCH + timedelta(microseconds=micros), pk, below)


def _cursor(at: datetime, pk: int, below: int = 0) -> str:
    micros = (at - _EPOCH) // timedelta(microseconds=1)  # A float would lose the last of them.
    return f"{micros}.{pk}" + (f".{below}" if below else "")


class _Search:
    """One search: what was asked, by whom, and what was found out on the way."""

    def __init__(
        self,
        viewer: Viewer,
        sight: ConversationQuerySet,
        query: Query,
        narrowing: Narrowing,
        limit: int,
        place: _Place | None,
    ) -> None:
        self.viewer, self.query, self.narrowing = viewer, query, narrowing
        self.sight, self.limit, self.place = sight, limit, place
        self.below = place.below if place else 0
        theirs = contacts_in(sight)
        self.contacts = contacts_named(theirs, viewer.account_id, query, below=self.below)
        self.stems: Stems = {}
        self.signs = Q()

    @cached_property
    def inboxes(self) -> list[TeamInbox]:
        """The inboxes whose lists the reader may open."""
        return inboxes_of(self.viewer)

    def _languages(self) -> list[str]:
        """The reader's language, English, and those of their inboxes, the most common first."""
        spoken = Counter(one.language for one in self.inboxes)
        return [get_language() or "", "en", *(code for code, _number in spoken.most_common())]

    def group(self, kind: Kind) -> Group:
        """Look for one kind."""
        return {
            Kind.CONTACTS: self._contacts,
            Kind.CONVERSATIONS: self._conversations,
            Kind.MESSAGES: self._messages,
        }[kind]()

    # --- Contacts and conversations --------------------------------------------------------------

    def _seen(self) -> ConversationQuerySet:
        """What the reader may see, and the operators leave."""
        return self.sight.filter(
            self.narrowing.conversations, self.narrowing.times("last_activity_at")
        )

    def _contacts(self) -> Group:
        """Each contact once, with the conversation the reader last saw something in."""
        latest = self._seen().filter(contact__in=self.contacts.pks)
        latest = latest.order_by("contact_id", "-last_activity_at", "-pk").distinct("contact_id")
        rows = Conversation.objects.filter(pk__in=latest.values("pk"))
        return self._page_of(Kind.CONTACTS, rows)

    def _conversations(self) -> Group:
        if self.query.wanted:
            rows = self._seen().filter(contact__in=self.contacts.pks)
            return self._page_of(Kind.CONVERSATIONS, rows)
        if self.query.words:  # Only words that must not be there: that is about messages.
            return Group(Kind.CONVERSATIONS, ())
        # The newest of each inbox and status by the list's own index, then the newest of those.
        parts = [
            self._newest(self._seen().filter(inbox=inbox.pk, status=status)).values("pk")
            for inbox in self.inboxes
            for status in Conversation.Status.values
        ]
        found = [pk for part in parts for pk in part.values_list("pk", flat=True)]
        return self._page_of(Kind.CONVERSATIONS, Conversation.objects.filter(pk__in=found))

    def _newest(self, rows: ConversationQuerySet) -> ConversationQuerySet:
        newest: ConversationQuerySet = _below(rows, self.place, "last_activity_at")
        return newest[: self.limit + 1]

    def _page_of(self, kind: Kind, rows: "QuerySet[Conversation]") -> Group:
        with_all = rows.select_related("inbox", "owner", "contact", "thread__address")
        found = list(_below(with_all, self.place, "last_activity_at")[: self.limit + 1])
        shown = found[: self.limit]
        hits = [Hit(kind, one, one.last_activity_at, self._about(kind, one)) for one in shown]
        if len(found) > self.limit:
            return Group(kind, hits, _cursor(shown[-1].last_activity_at, shown[-1].pk, self.below))
        # The next contacts have conversations of any time.
        goes_on = self.contacts.goes_on
        return Group(kind, hits, f"{_LATEST}.0.{goes_on}" if goes_on else "", bool(goes_on))

    def _about(self, kind: Kind, row: Conversation) -> Sequence[Piece]:
        """What stands below a name: the number that was looked for, or the last words."""
        if kind == Kind.CONTACTS:
            return [Piece(labels.shown_address(row.thread.address), False)]
        return snippet(labels.last_words(row), ())

    # --- Messages --------------------------------------------------------------------------------

    def _messages(self) -> Group:
        found, ended = self.messages()
        shown = found[: self.limit]
        stems = [stem for stems in self.stems.values() for stem in stems]
        needles = [word.text for word in self.query.wanted] + stems
        hits = [
            Hit(
                Kind.MESSAGES,
                one.conversation,
                one.created_at,
                snippet(labels.said(one), needles),
                one.public_id,
                one.author_label if not one.is_inbound else "",
                one.is_note,
            )
            for one in shown
            if one.conversation
        ]
        if len(found) > self.limit:
            return Group(Kind.MESSAGES, hits, _cursor(shown[-1].created_at, shown[-1].pk))
        return Group(Kind.MESSAGES, hits, ended, bool(ended))

    def messages(self) -> tuple[list[Message], str]:
        """Return messages, one more than the limit if there are more, the newest first; and where
        it ended, if older ones were not looked at."""
        words = [word for word in self.query.words if has_words(word)]
        self.signs = by_signs(word for word in self.query.words if not has_words(word))
        self.stems = stems_of(words, self._languages()) if words else {}
        tsquery = as_tsquery(words, self.stems)
        is_indexed = any(not word.is_not for word in words)
        newest = self._read(self._newest_messages(NEWEST), tsquery)
        found = self._in_sight(newest)
        if len(found) > self.limit:
            return found, ""
        if is_indexed and not self._is_common(len(newest)):
            rare = self._by_index(tsquery)
            if len(rare) <= RARE:
                return self._in_sight(rare), ""
        for few in self._few():
            return self._step_by_step(few, tsquery), ""
        more = self._of_account().values_list("pk", flat=True)[:READ_AT_MOST]
        found = self._step_by_step(list(more), tsquery)
        return found, "" if len(found) > self.limit else self._end_of(READ_AT_MOST)

    def _of_account(self) -> "QuerySet[Message]":
        rows = Message.objects.filter(account=self.viewer.account_id, forgotten_at=None)
        rows = rows.filter(self.narrowing.times("created_at"))
        below: QuerySet[Message] = _below(rows, self.place, "created_at")
        return below

    def _newest_messages(self, number: int) -> "QuerySet[Message]":
        return Message.objects.filter(pk__in=self._of_account().values("pk")[:number])

    def _end_of(self, number: int) -> str:
        """Say where the newest messages end; blank: those are all."""
        last = self._of_account().values_list("created_at", "pk")[number - 1 : number + 1]
        return _cursor(*last[0]) if len(last) > 1 else ""

    def _is_common(self, holding: int) -> bool:
        """Say whether the index would find too many, going by how many of the newest hold it."""
        if holding < COMMON:
            return False
        enough = RARE * NEWEST // holding
        return self._of_account()[enough : enough + 1].exists()

    def _few(self) -> Iterator[Sequence[int]]:
        """All messages that an operator leaves, or that the reader sees, where they are few; the
        newest first."""
        rows = self._of_account()
        hosts = self._hosts()
        in_hosts = [Q(conversation__in=hosts)] if len(hosts) <= FEW else []
        for part in in_hosts + list(self.narrowing.few):
            inside = _in_order(rows.filter(part), most=READ_AT_MOST + 1)
            if len(inside) <= READ_AT_MOST:
                yield inside

    def _hosts(self) -> set[int]:
        """Conversations that the reader sees and the operators leave: all, or more than few.

        Asked by each way to see one, since each by itself has an index.
        """
        inboxes = self.viewer.reads_all_of | self.viewer.member_of
        theirs = Participant.objects.filter(user=self.viewer.user_id).values("conversation")
        ways = (Q(inbox__in=inboxes), Q(pk__in=theirs))
        seen = self.sight.filter(self.narrowing.hosts).order_by()
        hosts = set[int]()
        for way in ways:
            hosts.update(seen.filter(way).values_list("pk", flat=True)[: FEW + 1])
            if len(hosts) > FEW:
                break
        return hosts

    def _step_by_step(self, pks: Sequence[int], tsquery: str) -> list[Message]:
        """Read messages, the newest first, until as many as are wanted hold the words."""
        found: list[Message] = []
        for some in in_parts(pks):
            found += self._in_sight(self._read(Message.objects.filter(pk__in=some), tsquery))
            if len(found) > self.limit:
                break
        return found

    def _read(self, rows: "QuerySet[Message]", tsquery: str) -> list[int]:
        """Read messages, one by one, for the words."""
        return _in_order(by_reading(rows, tsquery).filter(self.signs))

    def _by_index(self, tsquery: str) -> list[int]:
        """Ask the index of words: all that it finds, or one more than is looked at."""
        rows = by_index(Message.objects.all(), tsquery).filter(self.narrowing.times("created_at"))
        if self.place:
            rows = rows.filter(created_at__lte=self.place.at)
        # Not by the account's index: it would lead through all that the account ever got.
        rows = rows.alias(whose=F("account_id") + 0).filter(whose=self.viewer.account_id)
        inside = rows.filter(self.signs).order_by().values("pk")[: RARE + 1]
        return _in_order(Message.objects.filter(pk__in=inside))

    def _in_sight(self, pks: Sequence[int]) -> list[Message]:
        """Keep what the reader may see and the operators leave, as many as are wanted."""
        found: list[Message] = []
        for some in in_parts(pks):
            seen = self.sight.filter(pk=OuterRef("conversation_id"))
            rows = Message.objects.filter(
                is_any(seen), self.narrowing.messages, pk__in=some, forgotten_at=None
            ).select_related(
                "conversation__inbox",
                "conversation__owner",
                "conversation__contact",
                "conversation__thread__address",
            )
            found += _below(rows, self.place, "created_at")[: self.limit + 1 - len(found)]
            if len(found) > self.limit:
                break
        return found


def _in_order(rows: "QuerySet[Message]", *, most: int | None = None) -> list[int]:
    """Return the numbers of rows, the newest first: sorted here, for a planner that is asked to
    sort takes another way. Of more than `most` some are left out."""
    found = sorted(rows.order_by().values_list("created_at", "pk")[:most], reverse=True)
    return [pk for _at, pk in found]


def _below(rows: Any, place: _Place | None, field: str) -> Any:
    if place:
        is_later = Q(**{f"{field}__lt": place.at}) | Q(**{field: place.at}, pk__lt=place.pk)
        rows = rows.filter(is_later, **{f"{field}__lte": place.at})
    return rows.order_by(f"-{field}", "-pk")
