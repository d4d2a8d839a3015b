"""What would anybody leave to Celery? Reading the keyword, and marking the message as handled."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from bench.textbook.models import Contact, Message

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
