"""What do people write on a contact's card, and whom do they block?

What a person saw of a card is sent back with what they make of it: who looked at an older one is
told so, and nothing of a colleague's is lost.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Viewer, licensed
from accounts.audit import record
from accounts.models import User
from inbox.abilities import Ability, abilities_of, part_of
from inbox.access import contacts_of
from inbox.broadcast import announce
from inbox.closing import close_row
from inbox.conversations import locked_conversation
from inbox.models import Contact, Conversation, ConversationEvent
from inbox.refusals import ChangedMeanwhileError, MissingInputError, NotAllowedError
from inbox.story import Story
from routing.reading import is_language

LONGEST_NAME, LONGEST_NOTES, LONGEST_REASON, LONGEST_LANGUAGE = 120, 10_000, 200, 12
# Of so many threads the last conversation hears of a change, though it may be closed.
MOST_CLOSED = 10
EDITED = ("name", "language", "owner", "notes")
_Verb = ConversationEvent.Verb


@dataclass(frozen=True)
class Editor:
    """Who changes a card, and when."""

    by: Viewer
    user: User
    now: datetime


@dataclass(frozen=True)
class Wanted:
    """What a card is to say. `seen` is the mark of what it said before (`seen_mark`)."""

    seen: str
    name: str
    language: str
    owner: int | None
    notes: str


def may_change(viewer: Viewer) -> bool:
    """Say whether this person writes on the cards that they see: who is here for support, or only
    observes, reads them.
    """
    works = viewer.is_admin or bool(viewer.member_of - viewer.observes)
    return viewer.may_see and not viewer.is_support and works


def may_block(viewer: Viewer, contact: Contact, *, closable: Conversation | None = None) -> bool:
    """Say whether this person may block a contact, which closes all of their open conversations.

    Who administers the account may; otherwise who may close each of them (contract: behaviour 3),
    also those that they do not see. `closable` is known to be theirs to close. What lies in an
    inbox that is switched off is nobody's.
    """
    if not may_change(viewer):
        return False
    if viewer.is_admin:
        return True
    live = contact.conversations.live().filter(inbox__is_on=True).select_related("inbox")
    others = live.exclude(pk=closable.pk) if closable else live
    return all(may_close(viewer, one) for one in others)


def may_close(viewer: Viewer, conversation: Conversation) -> bool:
    """Say whether this person may close an open conversation."""
    return Ability.CLOSE in abilities_of(viewer, conversation, part_of(viewer, conversation))


def may_block_here(
    viewer: Viewer, conversation: Conversation, abilities: frozenset[Ability]
) -> bool:
    """Say whether this person may block the contact of a conversation in which they may do this."""
    if conversation.is_closed:
        return may_block(viewer, conversation.contact)
    if Ability.CLOSE not in abilities and not viewer.is_admin:
        return False
    if vars(conversation).get("has_live_beside", True):
        return may_block(viewer, conversation.contact, closable=conversation)
    return may_change(viewer)


def seen_mark(contact: Contact) -> str:
    """Return what tells a card from the same card after somebody changed it."""
    said = [contact.name, contact.language, contact.owner_id, contact.notes]
    return hashlib.blake2b(json.dumps(said).encode(), digest_size=12).hexdigest()


def as_it_is(contact: Contact, *, seen: str) -> Wanted:
    """Return what a card says already, for who wants something else of a part of it."""
    return Wanted(seen, contact.name, contact.language, contact.owner_id, contact.notes)


def edit_contact(contact: Contact, wanted: Wanted, editor: Editor) -> Contact:
    """Write name, language, owner and notes of a contact.

    Raises ChangedMeanwhileError if the card says something else by now, MissingInputError for what
    does not fit, NotAllowedError for who may not.
    """
    with transaction.atomic(durable=True):
        row = locked_card(contact, editor.by)
        if seen_mark(row) != wanted.seen:
            words = _("Somebody changed this contact meanwhile. Look again and repeat.")
            raise ChangedMeanwhileError(words)
        before = {field: getattr(row, field) for field in EDITED}
        _write(row, wanted, now=editor.now)
        changed = [field for field in EDITED if getattr(row, field) != before[field]]
        if changed:
            row.save(update_fields=changed)
            _note(row, "contact_changed", editor, fields=changed)
            tell_everywhere(row, changed, editor)
    return row


def _write(row: Contact, wanted: Wanted, *, now: datetime) -> None:
    language = wanted.language.strip()
    if language and (not is_language(language) or len(language) > LONGEST_LANGUAGE):
        raise MissingInputError(_("Choose a language of the list."))
    if len(wanted.notes) > LONGEST_NOTES:
        words = _("The notes are too long: at most %(number)s characters.")
        raise MissingInputError(words % {"number": LONGEST_NOTES})
    row.name = " ".join(wanted.name.replace("\0", "").split())[:LONGEST_NAME]
    row.language, row.notes = language, wanted.notes.replace("\0", "").strip()
    if wanted.owner != row.owner_id:
        row.owner = _owner(row, wanted.owner, now=now)


def _owner(row: Contact, pk: int | None, *, now: datetime) -> User | None:
    if pk is None:
        return None
    owner = licensed(now=now).filter(account=row.account_id, pk=pk).first()
    if owner is None:
        raise MissingInputError(_("Choose a colleague of the list: they need a licence."))
    return owner


# --- Blocked -------------------------------------------------------------------------------------


def block_contact(contact: Contact, reason: str, editor: Editor) -> Contact:
    """Block a contact: what they write is kept and alerts nobody, and nothing is sent to them.

    Their open conversations are closed. Raises MissingInputError without a reason,
    NotAllowedError for who may not (`may_block`): nobody learns from it whether there is a
    conversation that they do not see.
    """
    reason = " ".join(reason.replace("\0", "").split())[:LONGEST_REASON]
    if not reason:
        raise MissingInputError(_("Say why this contact is blocked."))
    with transaction.atomic(durable=True):
        row = locked_card(contact, editor.by)
        if row.is_blocked:
            return row
        last_and_live = _last_and_live(row)
        if not may_block(editor.by, row):
            words = _("You may not block this contact. Ask a supervisor or an administrator.")
            raise NotAllowedError(words)
        row.is_blocked = True
        row.save(update_fields=["is_blocked"])
        _note(row, "contact_blocked", editor, reason=reason)
        story = Story(now=editor.now, actor=editor.user)
        for one in last_and_live:
            if not one.is_closed:
                close_row(one, story, reason=_("Contact blocked"))
            # After the close, which by itself can be undone.
            story.record(one, _Verb.BLOCKED, reason=reason)
            story.contact_updated(one, "is_blocked")
        announce(story.announcements(), now=editor.now)
    return row


def unblock_contact(contact: Contact, editor: Editor) -> Contact:
    """Unblock a contact: from their next message on they are heard. Nothing before it is alerted.

    Raises NotAllowedError for who may not.
    """
    with transaction.atomic(durable=True):
        row = locked_card(contact, editor.by)
        if not row.is_blocked:
            return row
        row.is_blocked = False
        row.save(update_fields=["is_blocked"])
        _note(row, "contact_unblocked", editor)
        story = Story(now=editor.now, actor=editor.user)
        for one in _last_and_live(row):
            story.record(one, _Verb.UNBLOCKED)
            story.contact_updated(one, "is_blocked")
        announce(story.announcements(), now=editor.now)
    return row


def _last_and_live(contact: Contact) -> list[Conversation]:
    """Lock the conversations that are open, and the last one of all: it tells what happened."""
    last = contact.conversations.order_by("-pk").values("pk")[:1]
    rows = contact.conversations.live() | contact.conversations.filter(pk__in=last)
    return [locked_conversation(one) for one in rows.order_by("pk")]


# --- How -----------------------------------------------------------------------------------------


def locked_card(contact: Contact, by: Viewer) -> Contact:
    """Lock a contact, as it is now, for somebody who may still see and change it.

    Threads come before contacts, and these before conversations: whoever receives a message holds
    its thread. Raises NotAllowedError.
    """
    list(contact.threads.select_for_update(no_key=True).order_by("pk").values("pk"))
    row = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
    if not may_change(by) or not contacts_of(by).filter(pk=row.pk).exists():
        raise NotAllowedError(_("You may not change this contact."))
    if row.erased_at:
        raise NotAllowedError(_("This contact was erased."))
    return row


def tell_everywhere(contact: Contact, changed: Sequence[str], editor: Editor) -> None:
    """Tell their open conversations that the card changed, and the last one of each thread."""
    story = Story(now=editor.now, actor=editor.user)
    lasts = contact.conversations.order_by("thread", "-pk").distinct("thread").values("pk")
    latest = contact.conversations.filter(pk__in=lasts).order_by("-pk").values("pk")[:MOST_CLOSED]
    rows = contact.conversations.live() | contact.conversations.filter(pk__in=latest)
    for one in rows.order_by("pk"):
        story.contact_updated(locked_conversation(one), *changed)
    announce(story.announcements(), now=editor.now)


def _note(row: Contact, action: str, editor: Editor, **data: Any) -> None:
    record(
        action=action,
        subject=f"contact {row.public_id}",
        account_id=row.account_id,
        actor=editor.user,
        now=editor.now,
        **data,
    )
