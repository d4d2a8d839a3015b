"""What did this story change, and who must hear it? Gathered while it is told, announced once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.prepared import insert_row
from inbox.access import NOBODY, Audience, audience_of
from inbox.events import (
    ActivityCreated,
    Announcement,
    ConsentChanged,
    ContactUpdated,
    ConversationCreated,
    ConversationMoved,
    ConversationUpdated,
    Event,
    MessageCreated,
    MessageRemoved,
    MessageStatusChanged,
    MessageUpdated,
)
from inbox.models import Conversation, ConversationEvent, Message, TeamInbox


@dataclass(frozen=True)
class Told:
    """One thing that happened, to which conversation, who left by it, and the row it made."""

    event: Event
    conversation: Conversation
    left: frozenset[int] = frozenset()
    subject: Message | ConversationEvent | None = None


@dataclass
class Story:
    """The changes of one transaction, in the order they happened.

    Audiences are computed at the end, inside the transaction, so that a later change can neither
    widen nor narrow who hears of this one.
    """

    now: datetime
    actor: User | None = None
    _told: list[Told] = field(default_factory=list)
    _gone: list[Announcement] = field(default_factory=list)
    _begun: set[int] = field(default_factory=set)

    def record(
        self,
        conversation: Conversation,
        verb: str,
        *,
        label: str = "",
        is_caused_by_last: bool = False,
        **data: object,
    ) -> ConversationEvent:
        """Write one line of the conversation's timeline, which is its audit too.

        It stands after the thread's last message, or before it when that message is its cause.
        """
        event = ConversationEvent(
            account_id=conversation.account_id,
            conversation=conversation,
            thread_id=conversation.thread_id,
            verb=verb,
            actor=self.actor,
            actor_label=label or (self.actor.name if self.actor else "Team Inbox"),
            after_seq=conversation.thread.last_seq - is_caused_by_last,
            data=data,
            at=self.now,
        )
        insert_row(event)
        self._tell(ActivityCreated(event.public_id, verb), conversation, subject=event)
        return event

    def conversation_created(self, conversation: Conversation, *, channel: str) -> None:
        """Say that a conversation began."""
        self._begun.add(conversation.pk)
        self._tell(
            ConversationCreated(
                conversation.public_id, channel, conversation.status, conversation.owner_id
            ),
            conversation,
        )

    def conversation_updated(
        self, conversation: Conversation, *changed: str, left: frozenset[int] = frozenset()
    ) -> None:
        """Say that a conversation changed, and who lost sight of it by that."""
        self._tell(
            ConversationUpdated(
                conversation.public_id,
                conversation.version,
                conversation.status,
                conversation.owner_id,
                tuple(changed),
            ),
            conversation,
            left,
        )

    def conversation_moved(
        self, conversation: Conversation, *, source: TeamInbox, left: frozenset[int]
    ) -> None:
        """Say in both inboxes that a conversation went from one to the other."""
        event = ConversationMoved(
            conversation.public_id, str(source.public_id), str(conversation.inbox.public_id)
        )
        self._gone.append(
            Announcement(event, conversation, NOBODY, source.pk, self._actor_id, left)
        )
        self._tell(event, conversation)

    def message_created(
        self, conversation: Conversation, message: Message, *, notify: bool = False
    ) -> None:
        """Say that somebody wrote."""
        self._tell(
            MessageCreated(
                message.public_id,
                message.client_id,
                message.direction,
                message.kind,
                message.channel,
                message.author_id,
                notify,
                _place_of(message),
            ),
            conversation,
            subject=message,
        )

    def message_updated(self, conversation: Conversation, message: Message, *changed: str) -> None:
        """Say that a message looks different now."""
        self._tell(
            MessageUpdated(message.public_id, tuple(changed), message.status, message.error_code),
            conversation,
        )

    def message_status(self, conversation: Conversation, message: Message) -> None:
        """Say that a message got further: only its tick changes."""
        self._tell(
            MessageStatusChanged(
                message.public_id, message.client_id, message.status, self.now.isoformat()
            ),
            conversation,
        )

    def message_removed(self, conversation: Conversation, message: Message) -> None:
        """Say that the content of a message is gone."""
        event = MessageRemoved(message.public_id, attached_to=_place_of(message))
        self._tell(event, conversation)

    def consent_changed(
        self, conversation: Conversation, *, channel: str, state: str, name: str = ""
    ) -> None:
        """Say that the customer's consent changed, with a line in the timeline.

        `name` is the programme that it is about, if it is about one.
        """
        about: dict[str, Any] = {"state": str(state), "channel": channel}
        about |= {"name": name} if name else {}
        label = "" if self.actor else "Customer"
        self.record(conversation, ConversationEvent.Verb.CONSENT, label=label, **about)
        self._tell(
            ConsentChanged(conversation.contact.public_id, channel, str(state)), conversation
        )

    def contact_updated(self, conversation: Conversation, *changed: str) -> None:
        """Say that the contact card changed."""
        self._tell(ContactUpdated(conversation.contact.public_id, tuple(changed)), conversation)

    def began(self, conversation: Conversation) -> bool:
        """Say whether the conversation began in this story."""
        return conversation.pk in self._begun

    def has_recorded(self, conversation: Conversation, verb: str) -> bool:
        """Say whether this story wrote such a line in the conversation's timeline."""
        return any(
            told.conversation.pk == conversation.pk
            and isinstance(told.event, ActivityCreated)
            and told.event.verb == verb
            for told in self._told
        )

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Run a part of the story that leaves no trace if it fails: no row, nothing to announce."""
        told, gone, begun = list(self._told), list(self._gone), set(self._begun)
        try:
            with transaction.atomic():
                yield
        except Exception:
            self._told, self._gone, self._begun = told, gone, begun
            raise

    def announcements(self) -> list[Announcement]:
        """Return what is to be announced. Call it last, inside the transaction."""
        audiences: dict[int, Audience] = {}
        for told in self._told:
            if told.conversation.pk not in audiences:
                audiences[told.conversation.pk] = self._audience(told.conversation)
        return self._gone + [
            Announcement(
                told.event,
                told.conversation,
                audiences[told.conversation.pk],
                told.conversation.inbox_id,
                self._actor_id,
                told.left,
                told.subject,
            )
            for told in self._told
        ]

    def _audience(self, conversation: Conversation) -> Audience:
        is_fresh = self.began(conversation) and conversation.owner_id is None
        if (
            is_fresh
            and conversation.inbox.is_on
            and conversation.is_team_wide
            and not conversation.is_hidden
        ):
            return Audience(is_team=True)
        return audience_of(conversation)

    @property
    def _actor_id(self) -> int | None:
        return self.actor.pk if self.actor else None

    def _tell(
        self,
        event: Event,
        conversation: Conversation,
        left: frozenset[int] = frozenset(),
        subject: Message | ConversationEvent | None = None,
    ) -> None:
        self._told.append(Told(event, conversation, left, subject))


def _place_of(message: Message) -> str:
    """Return the message at which a reaction is drawn; blank for what has a place of its own."""
    place = message.reply_to if message.is_attached else None
    return place.public_id if place else ""
