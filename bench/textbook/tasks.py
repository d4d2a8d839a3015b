"""What would anybody leave to Celery? Reading keywords, and helping who waits, every second."""

from typing import Any

from asgiref.sync import async_to_sync
from celery import shared_task
from channels.layers import get_channel_layer
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from bench.textbook.models import Activity, Contact, Conversation, Message, Timer

STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}
START = {"START", "UNSTOP", "YES"}


@shared_task
def process_message(message_id: int) -> None:
    """Read consent from a message and mark it as processed."""
    with transaction.atomic():
        message = Message.objects.select_related("conversation__contact").get(pk=message_id)
        word = message.body.strip().upper()
        if word in STOP | START:
            contact = Contact.objects.select_for_update().get(pk=message.conversation.contact_id)
            contact.is_opted_out = word in STOP
            contact.save()
        message.processed_at = timezone.now()
        message.save()


@shared_task
def fire_timers() -> None:
    """Let everybody who waits too long have help."""
    while fire_one():
        pass


def fire_one() -> bool:
    """Fire the timer that is due longest; say whether there was one."""
    now = timezone.now()
    with transaction.atomic():
        timer = (
            Timer.objects.select_for_update()
            .filter(due_at__lte=now, fired_at=None)
            .order_by("due_at")
            .first()
        )
        if timer is None:
            return False
        conversation = Conversation.objects.select_related("inbox", "contact").get(
            pk=timer.conversation_id  # type: ignore[attr-defined]
        )
        if conversation.is_open:
            conversation.helpers.add(timer.helper)
            Activity.objects.create(
                conversation=conversation, words=f"{timer.helper.first_name} was added"
            )
            conversation.last_activity_at = now
            conversation.save()
        timer.fired_at = now
        timer.save()
    _tell(conversation)
    return True


def _tell(conversation: Conversation) -> None:
    event: dict[str, Any] = {
        "type": "message.created",
        "conversation": conversation.pk,
        "row": render_to_string("textbook/row.html", {"conversation": conversation}),
    }
    layer: Any = get_channel_layer()
    inbox_id = conversation.inbox_id  # type: ignore[attr-defined]
    async_to_sync(layer.group_send)(f"inbox_{inbox_id}", event)
