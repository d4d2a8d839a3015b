"""How would anybody take in one message? One transaction of ORM calls, then a task."""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from bench.textbook.models import Contact, Conversation, Message, Sender
from bench.textbook.tasks import process_message


def take_message(sender: Sender, form: Mapping[str, str]) -> None:
    """Store one inbound message, tell the browsers, and leave the rest to a worker."""
    with transaction.atomic():
        contact, _ = Contact.objects.get_or_create(account=sender.inbox.account, phone=form["From"])
        conversation, _ = Conversation.objects.get_or_create(
            inbox=sender.inbox,
            contact=contact,
            is_open=True,
            defaults={"last_activity_at": timezone.now()},
        )
        message, is_new = Message.objects.get_or_create(
            sid=form["MessageSid"],
            defaults={
                "conversation": conversation,
                "is_inbound": True,
                "body": form.get("Body", ""),
                "status": "received",
            },
        )
        if not is_new:
            return
        Conversation.objects.filter(pk=conversation.pk).update(
            preview=message.body[:160], last_activity_at=message.created_at
        )
    conversation.refresh_from_db()
    tell(conversation, message)
    process_message.delay(message.pk)


def take_status(form: Mapping[str, str]) -> None:
    """Store how far a message got."""
    Message.objects.filter(sid=form["MessageSid"]).update(status=form["MessageStatus"])


def tell(conversation: Conversation, message: Message) -> None:
    """Send the rendered row and bubble to every socket of the inbox."""
    event: dict[str, Any] = {
        "type": "message.created",
        "conversation": conversation.pk,
        "row": render_to_string("textbook/row.html", {"conversation": conversation}),
        "bubble": render_to_string("textbook/bubble.html", {"message": message}),
    }
    layer: Any = get_channel_layer()
    inbox_id = conversation.inbox_id  # type: ignore[attr-defined]
    async_to_sync(layer.group_send)(f"inbox_{inbox_id}", event)
