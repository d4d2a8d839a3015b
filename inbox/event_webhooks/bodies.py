"""What is a program told of an event? Facts and words from the rows as they are now.

The names are those of Data Actions: whoever reads the one reads the other. A key that is not known
is to be passed over: more may come.
"""

import json
from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch

from accounts.models import User
from inbox.models import (
    Attachment,
    Contact,
    Conversation,
    EventDelivery,
    Message,
    TeamInbox,
)

TEST = "test"
# What events hold for browsers only.
_FOR_BROWSERS = {"client_id", "notify", "author", "attached_to"}


def body_of(delivery: EventDelivery) -> bytes:
    """Return the body of the request that tells an event: JSON in UTF-8."""
    told = {
        "type": delivery.kind,
        "id": delivery.event_id,
        "timestamp": _moment(delivery.happened_at),
        "account": delivery.webhook.account_id,
        "inbox": _inbox(delivery.inbox),
        "seq": delivery.seq,
        "actor": _actor(delivery),
        "data": {name: one for name, one in delivery.data.items() if name not in _FOR_BROWSERS},
        "conversation": None,
        "contact": None,
        "message": _message(delivery),
    }
    if row := delivery.conversation:
        told |= {"conversation": _conversation(row), "contact": _contact(row)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def test_body(*, account_id: int, event_id: str, now: datetime) -> bytes:
    """Return what is told when somebody only wants to see whether it arrives."""
    told = {"type": TEST, "id": event_id, "timestamp": _moment(now), "account": account_id}
    return json.dumps({**told, "data": {}}, separators=(",", ":")).encode()


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def _inbox(row: TeamInbox) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "slug": row.slug}


def _person(user: User | None) -> dict[str, Any] | None:
    return {"id": user.pk, "email": user.email, "name": user.name} if user else None


def _actor(delivery: EventDelivery) -> dict[str, Any] | None:
    if delivery.actor_id is None:
        return None
    # Whoever supports the account is of no account, and no person of theirs.
    people = User.objects.filter(account=delivery.webhook.account_id)
    return _person(people.filter(pk=delivery.actor_id).first())


def _conversation(row: Conversation) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "status": row.status,
        "inbox": _inbox(row.inbox),
        "owner": _person(row.owner),
        "priority": row.priority,
        "tags": row.tags,
        "opened_at": _moment(row.opened_at),
        "closed_at": _moment(row.closed_at),
        "waiting_since": _moment(row.waiting_since),
        "snoozed_until": _moment(row.snoozed_until),
        "address": row.thread.our_address,
    }


def _contact(row: Conversation) -> dict[str, Any]:
    contact: Contact = row.contact
    address = row.thread.address
    return {
        "id": contact.public_id,
        "name": contact.name,
        "number": address.phone,
        "address": address.key,
        "language": contact.language,
        "owner": contact.owner_id,
        "tags": sorted(contact.tags),
        "is_opted_out": row.is_opted_out,
    }


def _message(delivery: EventDelivery) -> dict[str, Any] | None:
    """Return the message that an event is about; None for other events, and where it is gone."""
    if not delivery.kind.startswith(("message.", "note.")):
        return None
    files = Attachment.objects.order_by("position")
    row = (
        Message.objects.filter(
            account=delivery.webhook.account_id, public_id=delivery.data.get("id")
        )
        .select_related("author", "reply_to")
        .prefetch_related(Prefetch("attachments", queryset=files))
        .first()
    )
    if row is None:
        return None
    return {
        "id": row.public_id,
        "direction": row.direction,
        "kind": row.kind,
        "channel": row.channel,
        "text": row.body,
        "author": _person(row.author),
        "status": row.status,
        "error_code": row.error_code,
        "error": row.error_words,
        "segments": row.segments,
        "is_removed": bool(row.forgotten_for),
        "created_at": _moment(row.created_at),
        "reply_to": row.reply_to.public_id if row.reply_to else None,
        "media": [
            {
                "id": one.public_id,
                "content_type": one.content_type,
                "name": one.name,
                "size": one.size,
                "state": one.state,
            }
            for one in row.attachments.all()
        ],
    }
