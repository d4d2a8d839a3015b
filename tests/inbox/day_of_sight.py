"""Who gets to read what on a random day, wherever it stands?

Each message, note, reason, tag, file and contact of a day carries a mark: a word that stands
nowhere else. Whatever somebody is given may hold the marks of what they may read at that moment,
and no others; and no number that they may not read.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from django.test import Client

from accounts.access import Viewer
from accounts.models import Account, User
from inbox.access import contacts_of, conversations_of
from inbox.lists import View
from inbox.models import (
    Attachment,
    Contact,
    ContactAddress,
    Conversation,
    ConversationEvent,
    Message,
    SavedView,
    TeamInbox,
)
from inbox.models.ids import client_id

PREFIX = "zq"
MARK = re.compile(rf"{PREFIX}[a-z]{{14}}")
Way = Mapping[str, str]
PAGE: Way = {}
PART: Way = {"HX-Request": "true"}
SCRIPT: Way = {"Accept": "application/json"}


# --- Marks ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What one person may read at one moment, and what they may not.

    Conversations by public id; numbers as people write their ends.
    """

    marks: frozenset[str]
    no_numbers: frozenset[str]
    seen: frozenset[str]
    unseen: frozenset[str]

    def leaks(self, words: str, asked: str = "", *, may_name: bool = False) -> set[str]:
        """Return what stands in words and may not; what they asked with they knew before.

        `may_name`: a conversation may be named to who sees it no more, so that it is taken away.
        """
        marks = set(MARK.findall(words)) - self.marks
        others = self.no_numbers if may_name else self.no_numbers | self.unseen
        return {one for one in (*marks, *others) if one in words and one not in asked}


class Marks:
    """The marks of a day: what each belongs to, and which are gone for everybody."""

    def __init__(self, seed: int) -> None:
        self.removed: set[str] = set()
        self.tags: set[str] = set()
        self._rng = random.Random(f"marks of {seed}")
        self._of_conversations: dict[str, int] = {}
        self._of_threads: dict[str, int] = {}
        self._of_contacts: dict[str, int] = {}
        self._numbers: dict[int, frozenset[str]] = {}
        self._conversations: frozenset[str] = frozenset()

    def new(self) -> str:
        """Make a word that stands nowhere yet."""
        return PREFIX + "".join(self._rng.choices(string.ascii_lowercase, k=14))

    def put_about(self, message: Message) -> None:
        """Mark what a customer's message brought along: their card, tags, now and then a file."""
        new = {"name": f"Maria {self.new()}", "tags": [self.new()]}
        notes, code = f"Call {message.thread.customer_address}: {self.new()}", self.new()
        cards = Contact.objects.filter(pk=message.thread.contact_id, notes="")
        cards.update(notes=notes, attributes={"code": code}, **new)
        if message.conversation_id:
            rows = Conversation.objects.filter(pk=message.conversation_id, tags=[])
            rows.update(tags=[self.new()])
            if self._rng.random() < 0.2:
                self._put_file(message)

    def _put_file(self, message: Message) -> None:
        name = self.new()
        file = Attachment(
            account_id=message.account_id,
            message=message,
            name=f"{name}.pdf",
            content_type="application/pdf",
            state=Attachment.State.READY,
        )
        file.file.save("a.bin", ContentFile(name.encode()), save=False)
        file.save()

    def on(self, message: Message) -> set[str]:
        """Return the marks of a message and its files."""
        names = message.attachments.values_list("name", flat=True)
        return set(MARK.findall(" ".join([message.body, *names])))

    def learn(self, account: Account) -> None:
        """Read where marks stand, in the rows where people put them."""
        of_account = {"account": account}
        messages = Message.objects.filter(**of_account)
        for body, conversation, thread in messages.values_list("body", "conversation", "thread"):
            belongs = self._of_conversations if conversation else self._of_threads
            self._note(belongs, body, conversation or thread)
        files = Attachment.objects.filter(**of_account)
        for name, conversation in files.values_list("name", "message__conversation"):
            self._note(self._of_conversations, name, conversation)
        for tags, pk in Conversation.objects.filter(**of_account).values_list("tags", "pk"):
            self._note(self._of_conversations, str(tags), pk)
            self.tags.update(tags)
        for card in Contact.objects.filter(**of_account):
            said = f"{card.name} {card.notes} {card.tags} {card.attributes}"
            self._note(self._of_contacts, said, card.pk)
        for data, pk in ConversationEvent.objects.filter(**of_account).values_list(
            "data", "conversation"
        ):
            self._note(self._of_conversations, str(data), pk)
        phones = ContactAddress.objects.filter(**of_account).exclude(phone="")
        for pk, phone in phones.values_list("contact", "phone"):
            self._numbers[pk] = frozenset(_written(phone))
        rows = Conversation.objects.filter(**of_account)
        self._conversations = frozenset(rows.values_list("public_id", flat=True))

    def _note(self, belongs: dict[str, int], words: str, pk: int) -> None:
        for mark in MARK.findall(words):
            belongs.setdefault(mark, pk)

    def known_to(self, viewer: Viewer) -> Known:
        """Return what a person may read now."""
        rows = list(conversations_of(viewer).values_list("pk", "thread", "public_id"))
        pks, threads = {pk for pk, *_ in rows}, {thread for _, thread, _ in rows}
        contacts = set(contacts_of(viewer).values_list("pk", flat=True))
        known = {
            *(mark for mark, pk in self._of_conversations.items() if pk in pks),
            *(mark for mark, pk in self._of_threads.items() if pk in threads),
            *(mark for mark, pk in self._of_contacts.items() if pk in contacts),
        }
        is_whole = viewer.sees_numbers
        no_numbers = (
            numbers for pk, numbers in self._numbers.items() if not is_whole or pk not in contacts
        )
        seen = frozenset(public_id for *_, public_id in rows)
        return Known(
            frozenset(known - self.removed),
            frozenset().union(*no_numbers),
            seen,
            self._conversations - seen,
        )

    def nothing(self) -> Known:
        """Return what somebody may read whom nothing is told: no mark, no number."""
        every = frozenset().union(*self._numbers.values())
        return Known(frozenset(), every, frozenset(), self._conversations)


def _written(number: str) -> Iterator[str]:
    """Write the end of a number as pages, files and people do.

    Seven digits in a row stand in ids by chance, ten do not.
    """
    yield number[-10:]
    begin, end = number[-7:-4], number[-4:]
    yield from (f"{begin}{gap}{end}" for gap in "- .")


# --- Questions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """One request that somebody makes. What is `sent` is posted, as JSON where it is a text."""

    path: str
    given: Mapping[str, str] = field(default_factory=dict)
    way: Way = field(default_factory=dict)
    sent: Mapping[str, str] | str | None = None

    @property
    def words(self) -> str:
        """Return everything the asker says."""
        return f"{self.path} {self.given} {self.sent}"

    def ask(self, browser: Client) -> Any:
        """Ask it."""
        if self.sent is None:
            return browser.get(self.path, self.given, headers=dict(self.way))
        form: dict[str, Any] = {"data": self.sent}
        if isinstance(self.sent, str):
            form["content_type"] = "application/json"
        return browser.post(self.path, **form, headers=dict(self.way))


@dataclass(frozen=True)
class Topic:
    """What questions are about: rows of the day, whoever may read them, and words to look for."""

    inboxes: Sequence[TeamInbox]
    conversation: Conversation
    contact: Contact
    message: Message
    word: str

    @classmethod
    def of(cls, account: Account, inboxes: Sequence[TeamInbox], rng: random.Random) -> Topic:
        """Choose one at random."""
        rows = list(Conversation.objects.filter(account=account).order_by("pk"))
        return cls.about(rng.choice(rows), inboxes, rng)

    @classmethod
    def about(cls, row: Conversation, inboxes: Sequence[TeamInbox], rng: random.Random) -> Topic:
        """Choose a message of a conversation, and a word that stands in it or near it."""
        message = rng.choice(list(row.messages.order_by("pk")))
        tag = rng.choice([*row.tags, "hello"])
        words = [*MARK.findall(message.body), *MARK.findall(row.contact.name), tag, "hello"]
        return cls(inboxes, row, row.contact, message, rng.choice(words))


def questions_about(topic: Topic, known: Known) -> list[Question]:
    """Return everything that is asked about a topic by who knows so much."""
    row = topic.conversation
    found = [*_lists(topic), *_searches(topic), *_figures(topic), *_reads(row), *_cards(topic)]
    found += programs(topic)
    # What is theirs they would change.
    return found if row.public_id in known.seen else [*found, *_knocks(row)]


def _lists(topic: Topic) -> Iterator[Question]:
    for inbox in topic.inboxes:
        place = f"/inbox/{inbox.slug}/"
        for view in View:
            yield Question(place, {"view": view}, PART)
        yield Question(place)
        yield Question(place, {"q": "Hello"}, PART)
        yield Question(place, {"tag": topic.word, "view": View.CLOSED}, PART)
        yield Question(f"{place}counts/")
        yield Question(f"{place}views/")
        yield Question(f"{place}new/", {"contact": topic.contact.public_id})
        for saved in SavedView.objects.filter(inbox=inbox):
            yield Question(f"{place}?{saved.query}", way=PART)
    yield from map(Question, ("/saved/", "/reviews/", "/profile/notifications/", "/help/"))


def _searches(topic: Topic) -> Iterator[Question]:
    number = topic.contact.addresses.values_list("phone", flat=True)[0]
    for words in (topic.word, "hello", number, number[-4:], "status:open", f"tag:{topic.word}"):
        yield Question("/search/", {"q": words}, PART)
    yield Question("/search/", {"q": "hello", "show": "messages"})
    yield Question("/search/", {"q": topic.word, "show": "contacts"})


def _figures(topic: Topic) -> Iterator[Question]:
    month = {"range": "30"}
    yield Question("/reports/", month)
    yield Question("/reports/", {**month, "tag": topic.word})
    yield Question("/reports/", {**month, "scope": "own"})
    for table in ("inboxes", "agents", "numbers", "tags", "rules", "failures"):
        yield Question(f"/reports/tables/{table}/", month)
    yield Question("/reports/export/", month)
    yield from map(Question, ("/reports/wall/", "/reports/boards/"))


def _reads(row: Conversation) -> Iterator[Question]:
    yield Question(f"/inbox/{row.inbox.slug}/c/{row.public_id}/")
    for part in ("thread", "desk", "panel", "panel/folds", "channels", "media", "templates"):
        yield Question(f"/c/{row.public_id}/{part}/", way=PART)
    for part in ("why", "messages", "mentions", "canned", "transfer", "watchers", "draft", "new"):
        yield Question(f"/c/{row.public_id}/{part}/", way=SCRIPT)
    yield Question(f"/c/{row.public_id}/")
    yield Question(f"/c/{row.public_id}/print/", {"notes": ""})
    yield Question(f"/c/{row.public_id}/transcript.csv")


def _knocks(row: Conversation) -> Iterator[Question]:
    """Try to do things; of what is not theirs they learn who has it."""
    for deed in ("claim", "release", "close", "wake", "reopen", "tags", "unread"):
        yield Question(f"/c/{row.public_id}/{deed}/", way=SCRIPT, sent={"add": "x"})
    words = {"kind": "reply", "body": "Hi", "client_id": client_id()}
    yield Question(f"/c/{row.public_id}/messages/", way=SCRIPT, sent=words)
    many = {"act": "claim", "client_id": client_id(), "items": [{"id": row.public_id, "seen": 99}]}
    yield Question(f"/inbox/{row.inbox.slug}/bulk/", way=SCRIPT, sent=json.dumps(many))


def _cards(topic: Topic) -> Iterator[Question]:
    contact = topic.contact.public_id
    yield Question("/contacts/")
    yield Question("/contacts/", {"q": topic.word})
    yield Question("/contacts/", {"blocked": "1"})
    yield Question(f"/contacts/{contact}/")
    yield Question(f"/contacts/{contact}/merge/", {"q": "maria"})
    yield Question("/settings/contacts/export/", sent={})
    message = topic.message.public_id
    yield Question(f"/messages/{message}/why/", way=PART)
    yield Question(f"/messages/{message}/remove/", way=PART)
    for file in topic.conversation.messages.values_list("attachments__public_id", flat=True):
        if file:
            yield Question(f"/attachments/{file}/")


def programs(topic: Topic) -> Iterator[Question]:
    """Ask what programs ask."""
    for inbox in topic.inboxes:
        events = f"/api/v1/inboxes/{inbox.public_id}/events/"
        yield Question(events, {"after": "0", "open": topic.conversation.public_id})
    for kind in ("contacts", "conversations", "messages"):
        yield Question("/api/v1/search/", {"q": topic.word, "kind": kind})
    yield Question("/api/v1/search/", {"q": "hello"})
    verdict = f"/api/v1/conversations/{topic.conversation.public_id}/verdict/"
    yield Question(verdict, sent=json.dumps({"purpose": "service", "text": "Hi"}))


# --- Answers --------------------------------------------------------------------------------------


def text_of(answer: Any) -> str:
    """Return all that an answer says, in its head and in its body."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return f"{dict(answer.headers)} {content.decode(errors='replace')}"


class Asking:
    """Asks as people do, and looks through what they are told."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        # At which addresses anybody was told anything: else the test would ask in vain.
        self.told_at: set[str] = set()

    def ask(self, user: User, known: Known, questions: Iterable[Question]) -> list[str]:
        """Ask as one person; return what came to light that is not theirs."""
        browser = Client()
        browser.force_login(user, backend="accounts.backends.AuthenticationBackend")
        return self._ask(browser, user.name, self._in_figures(user, known), known, questions)

    def ask_with(
        self, who: str, headers: Mapping[str, str], questions: Iterable[Question]
    ) -> list[str]:
        """Ask as somebody without a log-in, to whom nothing of a conversation is told."""
        nothing = self.marks.nothing()
        asked = [replace(one, way={**one.way, **headers}) for one in questions]
        return self._ask(Client(), who, nothing, nothing, asked)

    def _in_figures(self, user: User, known: Known) -> Known:
        """Who administers the account has figures of all of it, by tags too."""
        if user.role != User.Role.ACCOUNT_ADMIN:
            return known
        return replace(known, marks=known.marks | self.marks.tags)

    def _ask(
        self, browser: Client, who: str, figures: Known, known: Known, questions: Iterable[Question]
    ) -> list[str]:
        wrong = []
        for one in questions:
            answer = one.ask(browser)
            said = text_of(answer)
            place = figures if one.path.startswith("/reports/") else known
            leaks = place.leaks(said, one.words, may_name=one.path.endswith("/events/"))
            wrong += [f"{who} at {one.words} ({answer.status_code}): {leak}" for leak in leaks]
            if answer.status_code == 200 and MARK.search(said):
                self.told_at.add(answer.resolver_match.url_name)
        return wrong


def share_views(inbox: TeamInbox, *, now: datetime) -> None:
    """Share views with an inbox that ask for every part of it."""
    for n, query in enumerate(("view=open&sort=priority", "view=closed", "view=open&media=1")):
        SavedView.objects.create(
            account_id=inbox.account_id, inbox=inbox, name=f"View {n}", query=query, created_at=now
        )
