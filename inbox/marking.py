"""What do people write on a conversation and its contact? Tags, a priority, and attributes.

Whoever may answer may. What is said of a contact is seen in each of their conversations; the line
of who did it stands in the one that they had before them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.models import User
from inbox.abilities import Ability
from inbox.broadcast import announce
from inbox.conversations import locked_conversation, require
from inbox.models import Contact, Conversation, ConversationEvent
from inbox.refusals import ChangedMeanwhileError, MissingInputError
from inbox.story import Story
from routing.facts import Value
from routing.marks import (
    Kind,
    MarkError,
    is_same,
    read_name,
    read_tag,
    read_value,
    with_attributes,
    with_tags,
    without_tag,
)

_Verb = ConversationEvent.Verb
Change = Callable[[Mapping[str, Value]], Mapping[str, Value]]


@dataclass(frozen=True)
class Writer:
    """Who writes, on which conversation and when."""

    conversation: Conversation
    by: Viewer
    user: User
    now: datetime


# --- A conversation's tags ---


def tag_conversation(writer: Writer, tag: str) -> Conversation:
    """Add a tag. One that is there already changes nothing.

    Raises MissingInputError for what is no tag or one too many, NotAllowedError and its kin for who
    may not answer.
    """
    return _set_own_tags(writer, add=_read(tag))


def untag_conversation(writer: Writer, tag: str) -> Conversation:
    """Take a tag away. One that is not there changes nothing. Raises as `tag_conversation`."""
    return _set_own_tags(writer, remove=tag)


def _set_own_tags(writer: Writer, *, add: str = "", remove: str = "") -> Conversation:
    with transaction.atomic(durable=True):
        row = locked_conversation(writer.conversation)
        require(Ability.TAG, writer.by, row)
        tags = _tags(row.tags, add=add, remove=remove)
        if tags == row.tags:
            return row
        story = Story(now=writer.now, actor=writer.user)
        row.tags, row.version = tags, row.version + 1
        row.save(update_fields=["tags", "version"])
        _record(story, row, _Verb.TAGGED, "added" if add else "removed", add or remove)
        story.conversation_updated(row, "tags")
        announce(story.announcements(), now=writer.now)
    return row


def set_priority(writer: Writer, priority: str) -> Conversation:
    """Say how urgent a conversation is: one of `Conversation.Priority`. The one that it has already
    changes nothing.

    Raises MissingInputError for what is no priority, and else as `tag_conversation`.
    """
    if priority not in Conversation.Priority.values:
        raise MissingInputError(_("Choose one of the four priorities."))
    with transaction.atomic(durable=True):
        row = locked_conversation(writer.conversation)
        require(Ability.TAG, writer.by, row)
        before = row.priority
        if not row.take_priority(priority):
            return row
        story = Story(now=writer.now, actor=writer.user)
        row.version += 1
        _save_priority(row, story, undo={"priority": before}, version=row.version)
        announce(story.announcements(), now=writer.now)
    return row


def restore_priority(row: Conversation, act: ConversationEvent, story: Story) -> None:
    """Give a locked conversation the priority that it had before `set_priority` wrote `act`."""
    row.take_priority(act.data["undo"]["priority"])
    row.version += 1
    _save_priority(row, story, of=act.public_id)


def _save_priority(row: Conversation, story: Story, **data: Any) -> None:
    row.save(update_fields=["priority", "version"])
    story.record(row, _Verb.PRIORITY, did=row.priority, **data)
    story.conversation_updated(row, "priority")


# --- A contact's tags and attributes ---


def tag_contact(writer: Writer, tag: str) -> Contact:
    """Add a tag to the contact of a conversation. Raises as `tag_conversation`."""
    return _set_contact_tags(writer, add=_read(tag))


def untag_contact(writer: Writer, tag: str) -> Contact:
    """Take a tag of the contact away. Raises as `tag_conversation`."""
    return _set_contact_tags(writer, remove=tag)


def _set_contact_tags(writer: Writer, *, add: str = "", remove: str = "") -> Contact:
    with transaction.atomic(durable=True):
        contact, row = locked_contact(writer)
        tags = _tags(contact.tags, add=add, remove=remove)
        if tags == contact.tags:
            return contact
        story = Story(now=writer.now, actor=writer.user)
        contact.tags = tags
        contact.save(update_fields=["tags"])
        _record(story, row, _Verb.CONTACT_TAGS, "added" if add else "removed", add or remove)
        tell_everywhere(story, contact, row, "tags")
    return contact


def add_attribute(writer: Writer, *, name: str, kind: str, text: str) -> Contact:
    """Say something new of the contact. Raises MissingInputError where it is said already."""
    name, value = _read_pair(name, kind, text)

    def change(known: Mapping[str, Value]) -> Mapping[str, Value]:
        if name.casefold() in map(str.casefold, known):
            words = _("“%(name)s” is there already: change it where it stands.")
            raise MissingInputError(words % {"name": name})
        return {name: value}

    return _set_attributes(writer, change, name, "set")


def change_attribute(writer: Writer, *, name: str, kind: str, text: str, seen: Value) -> Contact:
    """Say an attribute anew that was `seen`.

    Raises ChangedMeanwhileError if it says something else by now, MissingInputError for what does
    not fit its kind.
    """
    name, value = _read_pair(name, kind, text)
    return _set_attributes(writer, lambda known: _if_seen(known, name, seen, value), name, "set")


def remove_attribute(writer: Writer, *, name: str, seen: Value) -> Contact:
    """Take an attribute away that was `seen`. Raises ChangedMeanwhileError if it says something
    else by now.
    """
    return _set_attributes(writer, lambda known: _if_seen(known, name, seen, None), name, "removed")


def _if_seen(
    known: Mapping[str, Value], name: str, seen: Value, value: Value
) -> Mapping[str, Value]:
    if name not in known or not is_same(known[name], seen):
        raise ChangedMeanwhileError(_("Somebody changed this meanwhile. Look again and repeat."))
    return {name: value}


def _set_attributes(writer: Writer, change: Change, name: str, did: str) -> Contact:
    with transaction.atomic(durable=True):
        contact, row = locked_contact(writer)
        found = with_attributes(contact.attributes, change(contact.attributes))
        if found.left_out:
            raise MissingInputError(found.left_out[0])
        if not found.changed:
            return contact
        story = Story(now=writer.now, actor=writer.user)
        contact.attributes = dict(found.all)
        contact.save(update_fields=["attributes"])
        _record(story, row, _Verb.CONTACT_FACT, did, name)
        tell_everywhere(story, contact, row, "attributes")
    return contact


# --- How ---


def locked_contact(writer: Writer) -> tuple[Contact, Conversation]:
    """Lock the contact, as it is now, and the conversation that is written on.

    Raises NotAllowedError and its kin for who may not answer, ChangedMeanwhileError where two
    contacts became one.
    """
    contact = writer.conversation.contact
    # Threads come before contacts and conversations: a STOP takes several of a person's too.
    list(contact.threads.select_for_update(no_key=True).order_by("pk").values("pk"))
    contact = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
    row = locked_conversation(writer.conversation)
    require(Ability.TAG, writer.by, row)
    if row.contact_id != contact.pk:
        # Two contacts became one between the page and now.
        raise ChangedMeanwhileError
    return contact, row


def _record(story: Story, row: Conversation, verb: str, did: str, mark: str) -> None:
    story.record(row, verb, did=did, mark=" ".join(mark.split()))


def tell_everywhere(story: Story, contact: Contact, row: Conversation, changed: str) -> None:
    """Tell it where the contact is looked at: in their open conversations, and in this one."""
    others = contact.conversations.live().exclude(pk=row.pk).order_by("pk")
    for one in (row, *others):
        story.contact_updated(one if one is row else locked_conversation(one), changed)
    announce(story.announcements(), now=story.now)


def _tags(known: list[str], *, add: str, remove: str) -> list[str]:
    if not add:
        return list(without_tag(known, remove))
    tags = with_tags(known, [add])
    if tags.left_out:
        raise MissingInputError(tags.left_out[0])
    return list(tags.all)


def _read(tag: str) -> str:
    try:
        return read_tag(tag)
    except MarkError as error:
        raise MissingInputError(error.reason) from error


def _read_pair(name: str, kind: str, text: str) -> tuple[str, Value]:
    try:
        return read_name(name), read_value(Kind(kind), text)
    except MarkError as error:
        raise MissingInputError(error.reason) from error
    except ValueError as error:
        raise MissingInputError(_("Choose what kind of value it is.")) from error
