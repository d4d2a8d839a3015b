"""What do we hold on one person? All of it, in a form that machines read (GDPR, articles 15, 20).

Where a person is stands in `inbox.person_places`, for this and for an erasure. Reads, and changes
nothing; whoever calls it writes down first who asked, and why. It goes out while it is read:
messages and files may be many.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from django.core.files.storage import default_storage
from django.db.models import Model, QuerySet

from compliance.chain import instant
from compliance.models import Consent, ConsentEvent, ProviderBlock, Suppression
from compliance.proof.decided import lines_of_decisions
from compliance.proof.pack import json_line
from compliance.proof.sources import lines_of
from compliance.proof.zipping import PIECE, StreamedZip, written
from inbox.models import (
    Attachment,
    ConsentReview,
    ContactAddress,
    Conversation,
    ConversationEvent,
    CrmAnswer,
    LegalHold,
    Message,
    Receipt,
    RoutingTrace,
    Sender,
)
from inbox.person_places import rows_of
from inbox.setup.persons import Person
from routing.models import CrmRow, RuleExample

BATCH = 500
Line = dict[str, Any]
READ_ME = """\
Everything that this account's Team Inbox holds on one person, made {at}.

person.json         name, language, tags, attributes, notes; every address, with
                    why one is out of reach; what a CRM said
conversations.jsonl every conversation: when, in which inbox, its tags
messages.jsonl      every message from and to them, and what colleagues noted beside it
media/              the files of the messages; messages.jsonl says which belongs where
consent.jsonl       what happened to their consents, as the ledger has it
standing.json       where their consents stand, which carriers refuse messages to them, and
                    whether a marker of an earlier erasure keeps messages from them
decisions.jsonl     what was decided on whether a message to them may leave
received.jsonl      what the carrier handed to us, as it came
routing.jsonl       what rules knew of them and decided about their conversations
timeline.jsonl      what colleagues did with their conversations, and typed beside it
reviews.jsonl       messages of theirs that may have asked to stop, and what was decided
examples.jsonl      messages of theirs that were kept to try rules with
holds.jsonl         legal holds that kept something of theirs from being deleted
manifest.json       the SHA-256 of every file

A text or a file that was removed when its time was over says so (forgotten_at, forgotten_for).
Times are in UTC. Not in here: the audit log, which says what colleagues did and names no customer;
and what Twilio keeps of the same messages, for which Twilio must be asked.
"""
_OF_ADDRESS = ("key", "family", "raw", "phone")
_OF_CONTACT = ("public_id", "name", "profile_name", "language", "tags", "attributes", "notes")
_OF_CONVERSATION = (
    "public_id",
    "status",
    "tags",
    "priority",
    "opened_at",
    "closed_at",
    "close_reason",
    "reopen_count",
    "preview",
    "preview_author",
    "preview_channel",
)
_OF_MESSAGE = (
    "public_id",
    "seq",
    "direction",
    "kind",
    "channel",
    "purpose",
    "author_label",
    "body",
    "details",
    "status",
    "provider_sid",
    "error_words",
    "created_at",
    "received_at",
    "provider_at",
    "settled_at",
    "reached_at",
    "forgotten_at",
    "forgotten_for",
)
_OF_CONSENT = (
    "address",
    "family",
    "programme",
    "state",
    "basis",
    "quality",
    "since",
    "words",
    "wrote_at",
    "expires_at",
    "opted_out_at",
    "no_contact_at",
    "no_marketing_at",
    "reassigned_at",
)
_OF_TRACE = (*("trigger", "rule", "facts", "people", "plan", "rules", "lookups", "replies", "at"),)
_OF_LINE = ("verb", "actor_label", "data", "at")
_OF_REVIEW = ("kind", "opened_at", "due_at", "decided_at", "outcome", "reason")
_OF_EXAMPLE = ("name", "facts", "expected", "changed_at")
_OF_HOLD = ("scope", "reason", "set_at", "lifted_at", "lift_reason")


def export_of(person: Person, *, now: datetime) -> Iterator[bytes]:
    """Yield the bytes of a zip with all that is held on a person."""
    bundle = StreamedZip()
    read_me = READ_ME.format(at=instant(now))
    yield from bundle.add("README.txt", [read_me.encode("ascii")])
    yield from bundle.add("person.json", [written(_person(person))])
    yield from bundle.add("conversations.jsonl", _lines(_conversations(person)))
    yield from bundle.add("messages.jsonl", _lines(_messages(person)))
    yield from bundle.add("consent.jsonl", _lines(_consents(person)))
    yield from bundle.add("standing.json", [written(_standing(person))])
    decisions = lines_of_decisions(person.decisions)
    yield from bundle.add("decisions.jsonl", _lines(decisions))
    yield from bundle.add("received.jsonl", _lines(_received(person)))
    yield from bundle.add("routing.jsonl", _lines(_routed(person)))
    yield from bundle.add("timeline.jsonl", _lines(_timeline(person)))
    yield from bundle.add("reviews.jsonl", _lines(_rows(person, ConsentReview, _OF_REVIEW)))
    yield from bundle.add("examples.jsonl", _lines(_rows(person, RuleExample, _OF_EXAMPLE)))
    yield from bundle.add("holds.jsonl", _lines(_rows(person, LegalHold, _OF_HOLD)))
    for file in _files(person):
        yield from bundle.add(media_name(file), _content(file), is_packed=True)
    yield from bundle.close()


def media_name(file: Attachment) -> str:
    """Return the name of a file within the zip: nothing of it was typed by anybody."""
    ending = str(file.file.name).rpartition(".")[2]
    is_plain = ending.isascii() and ending.isalnum() and len(ending) <= 5
    return f"media/{file.public_id}{'.' + ending.lower() if is_plain else ''}"


def _lines(rows: Iterable[Line]) -> Iterator[bytes]:
    for row in rows:
        yield json_line(row)


def _told(row: object, names: Iterable[str]) -> Line:
    return {name: _fit(getattr(row, name)) for name in names}


def _fit(value: Any) -> Any:
    """Return a value as JSON can say it."""
    if isinstance(value, datetime):
        return instant(value)
    return json.loads(json.dumps(value, default=str))


def _rows(person: Person, model: type[Model], names: Iterable[str]) -> Iterator[Line]:
    """Yield what a place holds of them, with these fields."""
    for row in rows_of(model, person.whom).order_by("pk").iterator(BATCH):
        yield _told(row, names)


def _timeline(person: Person) -> Iterator[Line]:
    rows = rows_of(ConversationEvent, person.whom).select_related("conversation")
    for row in rows.order_by("pk").iterator(BATCH):
        yield {**_told(row, _OF_LINE), "conversation": row.conversation.public_id}


def _person(person: Person) -> Line:
    contact = person.contact
    tables = rows_of(CrmRow, person.whom).select_related("table").order_by("pk")
    rows = [{"table": row.table.name, **_told(row, ("key", "values"))} for row in tables]
    if contact is None:
        known = [one.address.key for one in person.known if one.address]
        return {"addresses": known, "crm_rows": rows}
    addresses = ContactAddress.objects.filter(contact=contact).order_by("pk")
    answers = CrmAnswer.objects.filter(contact=contact).select_related("connector").order_by("pk")
    return {
        **_told(contact, (*_OF_CONTACT, "is_blocked", "created_at")),
        "owner": str(contact.owner) if contact.owner else "",
        "addresses": [
            _told(one, (*_OF_ADDRESS, "out_of_reach_at", "out_of_reach_why", "created_at"))
            for one in addresses
        ],
        "crm": [
            {"connector": one.connector.name, **_told(one, ("facts", "left_out", "answered_at"))}
            for one in answers
        ],
        "crm_rows": rows,
    }


def _conversations(person: Person) -> Iterator[Line]:
    rows = Conversation.objects.filter(account=person.account, contact=person.contact)
    for row in rows.select_related("inbox__team").order_by("pk").iterator(BATCH):
        yield {**_told(row, _OF_CONVERSATION), "inbox": row.inbox.name}


def _of_contact(person: Person) -> "QuerySet[Message]":
    return Message.objects.filter(account=person.account, thread__contact=person.contact)


def _messages(person: Person) -> Iterator[Line]:
    rows = _of_contact(person).select_related("thread", "conversation").order_by("pk")
    for row in rows.prefetch_related("attachments").iterator(BATCH):
        yield {
            **_told(row, _OF_MESSAGE),
            "conversation": row.conversation.public_id if row.conversation else None,
            "ours": row.thread.our_address,
            "theirs": row.thread.customer_address,
            "files": [_file(file) for file in row.attachments.all()],
        }


def _file(file: Attachment) -> Line:
    known = ("name", "alt", "content_type", "size", "sha256", "state")
    names = (*known, "forgotten_at", "forgotten_for")
    told = _told(file, names)
    return {**told, "in": media_name(file) if file.file else ""}


def _files(person: Person) -> Iterator[Attachment]:
    rows = Attachment.objects.filter(account=person.account, message__in=_of_contact(person))
    for row in rows.order_by("pk").iterator(BATCH):
        # One that is gone from the disk must not keep the rest from leaving.
        if row.file and default_storage.exists(str(row.file.name)):
            yield row


def _content(file: Attachment) -> Iterator[bytes]:
    with file.file.open("rb") as content:
        yield from content.chunks(PIECE)


def _consents(person: Person) -> Iterator[Line]:
    yield from lines_of(
        ConsentEvent.objects.filter(account=person.account, handle__in=person.handles)
    )


def _standing(person: Person) -> Line:
    keys = [one.address.consent_key for one in person.known if one.address]
    consents = Consent.objects.filter(account=person.account, address__in=keys).order_by("pk")
    blocks = ProviderBlock.objects.filter(account=person.account, address__in=keys).order_by("pk")
    markers = rows_of(Suppression, person.whom).order_by("pk")
    return {
        "consents": [_told(row, _OF_CONSENT) for row in consents],
        "carrier_blocks": [
            _told(row, ("our_address", "address", "since", "cleared_at")) for row in blocks
        ],
        "markers": [_told(row, ("family", "state", "since", "erased_at")) for row in markers],
    }


def _received(person: Person) -> Iterator[Line]:
    sids = _of_contact(person).exclude(provider_sid=None).values("provider_sid")
    senders = Sender.objects.filter(account=person.account).order_by()
    connections = senders.values_list("twilio_account__account_sid", flat=True).distinct()
    rows = Receipt.objects.filter(
        account=person.account, account_sid__in=list(connections), message_sid__in=sids
    )
    for row in rows.order_by("pk").iterator(BATCH):
        form = parse_qsl(bytes(row.form).decode("utf-8", "replace"), keep_blank_values=True)
        yield {**_told(row, ("kind", "status", "message_sid", "received_at")), "form": form}


def _routed(person: Person) -> Iterator[Line]:
    rows = RoutingTrace.objects.filter(
        account=person.account, conversation__contact=person.contact
    ).select_related("conversation")
    for row in rows.order_by("pk").iterator(BATCH):
        yield {**_told(row, _OF_TRACE), "conversation": row.conversation.public_id}
