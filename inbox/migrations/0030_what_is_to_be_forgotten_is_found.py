"""What is old enough to go is found without looking through all that is there."""

from typing import Any, ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Concurrently: messages come in while the indexes are built."""

    atomic = False

    dependencies: ClassVar[list[Any]] = [("inbox", "0029_words_are_forgotten")]

    operations: ClassVar[list[Any]] = [
        AddIndexConcurrently(
            model_name="attachment",
            index=models.Index(condition=models.Q(('forgotten_at__isnull', True)), fields=['account', 'created_at', 'id'], name='attachment_to_forget'),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(condition=models.Q(('forgotten_at__isnull', True)), fields=['account', 'created_at', 'id'], name='message_to_forget'),
        ),
        AddIndexConcurrently(
            model_name="receipt",
            index=models.Index(condition=models.Q(('forgotten_at__isnull', True)), fields=['account', 'received_at', 'id'], name='receipt_to_forget'),
        ),
    ]
